//! A shop's own products: recognised by the nearest of the pictures that the shop has shown, since a general network's
//! classes are not a shop's assortment.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a network sees in a picture: a direction in feature space, of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// From features of any length; `None` when they are empty, all zero or not numbers.
    #[must_use]
    pub fn new(features: Vec<f32>) -> Option<Self> {
        let length = features.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if !length.is_normal() {
            return None;
        }
        Some(Self(features.iter().map(|value| (f64::from(*value) / length) as f32).collect()))
    }

    /// The components.
    #[must_use]
    pub fn components(&self) -> &[f32] {
        &self.0
    }

    /// The cosine of the angle between two embeddings, −1 to 1; 0 when their lengths differ.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f32 {
        if self.0.len() != other.0.len() {
            return 0.0;
        }
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }
}

/// When a nearest picture counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GalleryConfig {
    /// Most pictures enrolled. Default 20,000 (100 MB at 1,280 components).
    pub max_pictures: usize,
    /// Below this similarity there is no match. Default 0.6.
    pub min_similarity: f32,
    /// Closer than this to the next product's similarity, a person confirms. Default 0.05.
    pub margin: f32,
}

impl Default for GalleryConfig {
    fn default() -> Self {
        Self { max_pictures: 20_000, min_similarity: 0.6, margin: 0.05 }
    }
}

/// The gallery has as many pictures as its configuration allows, or pictures of another network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// No room.
    #[error("the gallery is full: {limit} pictures")]
    Full {
        /// [`GalleryConfig::max_pictures`].
        limit: usize,
    },
    /// An embedding of another length: a picture seen by another network.
    #[error("the embedding has {found} components, the gallery's have {expected}")]
    OtherNetwork {
        /// Components of the gallery's pictures.
        expected: usize,
        /// Components given.
        found: usize,
    },
}

/// A product found in the gallery.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Match {
    /// The shop's own key of the product.
    pub product: String,
    /// Similarity of the nearest picture, 0 to 1.
    pub similarity: f32,
    /// Whether another product is nearly as near.
    pub requires_confirmation: bool,
}

/// Pictures of a shop's products. A plain value with `serde`; search is linear: 1,000 pictures take 0.3 ms.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    config: GalleryConfig,
    pictures: Vec<(String, Embedding)>,
}

/// The form in which a gallery is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    product: String,
    components: Vec<f32>,
}

impl Gallery {
    /// An empty gallery.
    #[must_use]
    pub fn new(config: GalleryConfig) -> Self {
        Self { config, pictures: Vec::new() }
    }

    /// Adds a picture of a product. Several pictures of one product are welcome: front, back, in the hand.
    ///
    /// # Errors
    /// [`EnrolError`]; nothing is added.
    pub fn enrol(&mut self, product: &str, embedding: Embedding) -> Result<(), EnrolError> {
        if self.pictures.len() >= self.config.max_pictures {
            return Err(EnrolError::Full { limit: self.config.max_pictures });
        }
        if let Some((_, first)) = self.pictures.first()
            && first.0.len() != embedding.0.len()
        {
            return Err(EnrolError::OtherNetwork { expected: first.0.len(), found: embedding.0.len() });
        }
        self.pictures.push((product.to_owned(), embedding));
        Ok(())
    }

    /// Removes all pictures of a product; says how many there were.
    pub fn remove(&mut self, product: &str) -> usize {
        let before = self.pictures.len();
        self.pictures.retain(|(own, _)| own != product);
        before - self.pictures.len()
    }

    /// How many pictures there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// The product with the nearest picture, if one is near enough.
    #[must_use]
    pub fn nearest(&self, embedding: &Embedding) -> Option<Match> {
        let mut best: Option<(&str, f32)> = None;
        for (product, picture) in &self.pictures {
            let similarity = picture.similarity(embedding);
            if best.is_none_or(|(_, nearest)| similarity > nearest) {
                best = Some((product, similarity));
            }
        }
        let (product, similarity) = best.filter(|(_, nearest)| *nearest >= self.config.min_similarity)?;
        let next = self
            .pictures
            .iter()
            .filter(|(other, _)| other != product)
            .map(|(_, picture)| picture.similarity(embedding))
            .fold(f32::NEG_INFINITY, f32::max);
        let requires_confirmation = similarity - next < self.config.margin;
        Some(Match { product: product.to_owned(), similarity, requires_confirmation })
    }

    /// The gallery as JSON, for the shop's own storage.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let stored: Vec<Stored> = self
            .pictures
            .iter()
            .map(|(product, picture)| Stored { product: product.clone(), components: picture.0.clone() })
            .collect();
        serde_json::to_vec(&stored).expect("names and finite numbers are always JSON")
    }

    /// A gallery from [`Gallery::to_json`]. Pictures that are not usable, or beyond the limit, are left out.
    ///
    /// Returns `None` when the text is not a gallery.
    #[must_use]
    pub fn from_json(config: GalleryConfig, text: &[u8]) -> Option<Self> {
        let stored: Vec<Stored> = serde_json::from_slice(text).ok()?;
        let mut gallery = Self::new(config);
        for Stored { product, components } in stored {
            if let Some(embedding) = Embedding::new(components) {
                let _ = gallery.enrol(&product, embedding);
            }
        }
        Some(gallery)
    }
}

impl PartialEq for Gallery {
    fn eq(&self, other: &Self) -> bool {
        self.pictures == other.pictures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(degrees: f32) -> Embedding {
        Embedding::new(vec![degrees.to_radians().cos() * 7.0, degrees.to_radians().sin() * 7.0]).unwrap()
    }

    #[test]
    fn the_nearest_product_wins_and_a_close_call_is_confirmed() {
        let mut gallery = Gallery::new(GalleryConfig::default());
        assert_eq!(gallery.nearest(&at(0.0)), None);
        gallery.enrol("bread", at(0.0)).unwrap();
        gallery.enrol("bread", at(20.0)).unwrap();
        gallery.enrol("milk", at(90.0)).unwrap();
        let found = gallery.nearest(&at(10.0)).unwrap();
        assert_eq!((found.product.as_str(), found.requires_confirmation), ("bread", false));
        assert!(gallery.nearest(&at(54.0)).unwrap().requires_confirmation);
        assert_eq!(gallery.nearest(&at(200.0)), None);
        assert_eq!(gallery.remove("bread"), 2);
        assert_eq!(gallery.nearest(&at(10.0)), None);
    }

    #[test]
    fn limits_and_other_networks_are_errors() {
        let mut gallery = Gallery::new(GalleryConfig { max_pictures: 1, ..GalleryConfig::default() });
        gallery.enrol("a", at(0.0)).unwrap();
        assert_eq!(gallery.enrol("b", at(1.0)), Err(EnrolError::Full { limit: 1 }));
        let mut gallery = Gallery::new(GalleryConfig::default());
        gallery.enrol("a", at(0.0)).unwrap();
        let other = Embedding::new(vec![1.0; 3]).unwrap();
        assert_eq!(gallery.enrol("b", other), Err(EnrolError::OtherNetwork { expected: 2, found: 3 }));
        assert_eq!(Embedding::new(vec![0.0; 9]), None);
        assert_eq!(Embedding::new(vec![f32::NAN]), None);
    }

    #[test]
    fn a_stored_gallery_comes_back() {
        let mut gallery = Gallery::new(GalleryConfig::default());
        gallery.enrol("a", at(0.0)).unwrap();
        gallery.enrol("b", at(77.0)).unwrap();
        let back = Gallery::from_json(GalleryConfig::default(), &gallery.to_json()).unwrap();
        assert_eq!(back.nearest(&at(70.0)).unwrap().product, "b");
        assert_eq!(back.len(), 2);
        assert!(Gallery::from_json(GalleryConfig::default(), b"{}").is_none());
    }
}
