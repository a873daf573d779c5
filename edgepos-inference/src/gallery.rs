//! A shop's own products: recognised by the nearest of the pictures that the shop has shown, since a general network's
//! classes are not a shop's assortment.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
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

    /// The components of the vector, in order.
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

/// Why a picture was not enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// The gallery has no room for another picture.
    #[error("the gallery is full: {limit} pictures")]
    Full {
        /// How many it may hold: [`GalleryConfig::max_pictures`].
        limit: usize,
    },
    /// A product's key longer than 512 bytes.
    #[error("the product's key has {found} bytes, the limit is {MAX_KEY_BYTES}")]
    KeyTooLong {
        /// How many bytes were given.
        found: usize,
    },
    /// An embedding of another length: a picture seen by another network.
    #[error("the embedding has {found} components, the gallery's have {expected}")]
    OtherNetwork {
        /// Components of the gallery's pictures.
        expected: usize,
        /// How many components were given.
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

/// Bytes that are no gallery of this model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GalleryError {
    /// Torn or changed: the digest does not match, or a length leads beyond the end.
    #[error("the gallery is damaged")]
    Damaged,
    /// Of another version, or something else.
    #[error("not a gallery of this version")]
    Format,
    /// What another network has seen cannot be compared: enrol again from the photographs.
    #[error("the gallery is of model {found}, not of {expected}")]
    OtherModel {
        /// The model asked for.
        expected: String,
        /// The model whose embeddings these are.
        found: String,
    },
}

/// Pictures of a shop's products. A plain value; search is linear: 1,000 pictures take 0.3 ms.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    config: GalleryConfig,
    model: String,
    pictures: Vec<(String, Embedding)>,
}

/// Name and version of the stored form.
const MAGIC: &[u8] = b"edgepos gallery 1\n";
/// A longer key of a product is refused: 512 bytes.
const MAX_KEY_BYTES: usize = 512;

impl Gallery {
    /// An empty gallery for embeddings of `model`, which is what [`Report::model_and_version`] says.
    ///
    /// [`Report::model_and_version`]: crate::Report::model_and_version
    #[must_use]
    pub fn new(config: GalleryConfig, model: &str) -> Self {
        Self { config, model: model.to_owned(), pictures: Vec::new() }
    }

    /// Adds a picture of a product. Several pictures of one product are welcome: front, back, in the hand.
    ///
    /// # Errors
    /// [`EnrolError`]; nothing is added.
    pub fn enrol(&mut self, product: &str, embedding: Embedding) -> Result<(), EnrolError> {
        if self.pictures.len() >= self.config.max_pictures {
            return Err(EnrolError::Full { limit: self.config.max_pictures });
        }
        if product.len() > MAX_KEY_BYTES {
            return Err(EnrolError::KeyTooLong { found: product.len() });
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
        // Also where the margin is not a number.
        let alone = similarity - next >= self.config.margin;
        Some(Match { product: product.to_owned(), similarity, requires_confirmation: !alone })
    }

    /// The gallery as bytes, with a digest at the end; `docs/formats-models.md` describes them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let components = self.pictures.first().map_or(0, |(_, picture)| picture.0.len());
        let mut bytes = MAGIC.to_vec();
        put_text(&mut bytes, &self.model);
        bytes.extend_from_slice(&(components as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.pictures.len() as u32).to_le_bytes());
        for (product, picture) in &self.pictures {
            put_text(&mut bytes, product);
            picture.0.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// A gallery from [`Gallery::to_bytes`], for the `model` that serves. Pictures beyond the limit are left out.
    ///
    /// # Errors
    /// [`GalleryError`].
    pub fn from_bytes(config: GalleryConfig, model: &str, bytes: &[u8]) -> Result<Self, GalleryError> {
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or(GalleryError::Damaged)?;
        if Sha256::digest(content).as_slice() != digest {
            return Err(GalleryError::Damaged);
        }
        let mut rest = content.strip_prefix(MAGIC).ok_or(GalleryError::Format)?;
        let found = take_text(&mut rest)?;
        if found != cut(model) {
            return Err(GalleryError::OtherModel { expected: model.to_owned(), found });
        }
        let mut number = || -> Result<usize, GalleryError> {
            let (number, after) = rest.split_first_chunk::<4>().ok_or(GalleryError::Damaged)?;
            rest = after;
            Ok(u32::from_le_bytes(*number) as usize)
        };
        let (components, pictures) = (number()?, number()?);
        let mut gallery = Self::new(config, model);
        for _ in 0..pictures {
            let product = take_text(&mut rest)?;
            let (values, after) = rest.split_at_checked(components * 4).ok_or(GalleryError::Damaged)?;
            rest = after;
            let values = values.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
            let embedding = Embedding::new(values).ok_or(GalleryError::Damaged)?;
            // Full: the configuration has become smaller.
            let _ = gallery.enrol(&product, embedding);
        }
        if rest.is_empty() { Ok(gallery) } else { Err(GalleryError::Damaged) }
    }

    /// Writes the gallery to a file, all of it or nothing: through any crash the file is the old one or the new one.
    ///
    /// # Errors
    /// The disk's.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let half = path.with_extension("part");
        let mut file = fs::File::create(&half)?;
        file.write_all(&self.to_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&half, path)
    }

    /// Reads a gallery that [`Gallery::save`] wrote; an empty one where there is no file.
    ///
    /// # Errors
    /// The disk's, and [`GalleryError`] as [`io::ErrorKind::InvalidData`].
    pub fn open(config: GalleryConfig, model: &str, path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => Self::from_bytes(config, model, &bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::new(config, model)),
            Err(error) => Err(error),
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let text = cut(text);
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// A text as it is stored. A key is not longer than its limit, nor what a manifest's model is called; what else an application calls
/// its network may be.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_KEY_BYTES)]
}

fn take_text(rest: &mut &[u8]) -> Result<String, GalleryError> {
    let (length, after) = rest.split_first_chunk::<2>().ok_or(GalleryError::Damaged)?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (text, after) = after.split_at_checked(length).ok_or(GalleryError::Damaged)?;
    *rest = after;
    String::from_utf8(text.to_vec()).map_err(|_| GalleryError::Damaged)
}

impl PartialEq for Gallery {
    fn eq(&self, other: &Self) -> bool {
        self.model == other.model && self.pictures == other.pictures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(degrees: f32) -> Embedding {
        Embedding::new(vec![degrees.to_radians().cos() * 7.0, degrees.to_radians().sin() * 7.0]).unwrap()
    }

    fn fresh() -> Gallery {
        Gallery::new(GalleryConfig::default(), "network 1")
    }

    #[test]
    fn the_nearest_product_wins_and_a_close_call_is_confirmed() {
        let mut gallery = fresh();
        assert_eq!(gallery.nearest(&at(0.0)), None);
        gallery.enrol("bread", at(0.0)).unwrap();
        gallery.enrol("bread", at(20.0)).unwrap();
        gallery.enrol("milk", at(90.0)).unwrap();
        let found = gallery.nearest(&at(10.0)).unwrap();
        assert_eq!((found.product.as_str(), found.requires_confirmation), ("bread", false));
        assert!(gallery.nearest(&at(54.0)).unwrap().requires_confirmation);
        assert_eq!(gallery.nearest(&at(200.0)), None);
        gallery.config.margin = f32::NAN;
        assert!(gallery.nearest(&at(10.0)).unwrap().requires_confirmation, "no margin is wide enough");
        assert_eq!(gallery.remove("bread"), 2);
        assert_eq!(gallery.nearest(&at(10.0)), None);
    }

    #[test]
    fn limits_and_other_networks_are_errors() {
        let mut gallery =
            Gallery::new(GalleryConfig { max_pictures: 1, ..GalleryConfig::default() }, "network 1");
        gallery.enrol("a", at(0.0)).unwrap();
        assert_eq!(gallery.enrol("b", at(1.0)), Err(EnrolError::Full { limit: 1 }));
        let mut gallery = fresh();
        gallery.enrol("a", at(0.0)).unwrap();
        assert_eq!(gallery.enrol(&"k".repeat(513), at(0.0)), Err(EnrolError::KeyTooLong { found: 513 }));
        let other = Embedding::new(vec![1.0; 3]).unwrap();
        assert_eq!(gallery.enrol("b", other), Err(EnrolError::OtherNetwork { expected: 2, found: 3 }));
        assert_eq!(Embedding::new(vec![0.0; 9]), None);
        assert_eq!(Embedding::new(vec![f32::NAN]), None);
    }

    #[test]
    fn a_stored_gallery_comes_back_for_its_model_alone_and_whole_or_not_at_all() {
        let config = GalleryConfig::default();
        let mut gallery = fresh();
        gallery.enrol("a", at(0.0)).unwrap();
        gallery.enrol("b", at(77.0)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("own.gallery");
        assert!(Gallery::open(config, "network 1", &path).unwrap().is_empty());
        gallery.save(&path).unwrap();
        let back = Gallery::open(config, "network 1", &path).unwrap();
        assert_eq!((back.nearest(&at(70.0)).unwrap().product.as_str(), back.len()), ("b", 2));
        let bytes = gallery.to_bytes();
        let other = Gallery::from_bytes(config, "network 2", &bytes).unwrap_err();
        assert_eq!(other.to_string(), "the gallery is of model network 1, not of network 2");
        for length in 0..bytes.len() {
            assert_eq!(
                Gallery::from_bytes(config, "network 1", &bytes[..length]),
                Err(GalleryError::Damaged)
            );
        }
        let long = "ü".repeat(300);
        let named = Gallery { model: long.clone(), ..gallery.clone() };
        assert_eq!(Gallery::from_bytes(config, &long, &named.to_bytes()).unwrap().len(), 2);
        let small = GalleryConfig { max_pictures: 1, ..config };
        assert_eq!(Gallery::from_bytes(small, "network 1", &bytes).unwrap().len(), 1);
    }
}
