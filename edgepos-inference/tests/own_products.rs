//! I4, I8: a shop's own products by nearest neighbour, where on the picture the product is, and answers of a moment ago.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

mod support;

use edgepos_inference::{
    CacheConfig, Gallery, GalleryConfig, Picture, PictureLimits, ProductConfig, ProductRecognizer,
};
use support::{file, models, product};

fn recognizer(cache: CacheConfig) -> ProductRecognizer {
    ProductRecognizer::load(&models(), ProductConfig { cache, ..product() }).unwrap()
}

fn off() -> CacheConfig {
    CacheConfig { entries: 0, ..CacheConfig::default() }
}

fn picture(name: &str) -> Picture {
    Picture::decode(&file(name), &PictureLimits::default()).unwrap()
}

/// The middle of a picture, a little brighter: the same thing seen again.
fn again(picture: &Picture, cut: u32) -> Picture {
    let (width, height) = (picture.width() - 2 * cut, picture.height() - 2 * cut);
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    for y in cut..cut + height {
        let from = ((y * picture.width() + cut) * 3) as usize;
        rgb.extend(picture.rgb()[from..from + width as usize * 3].iter().map(|byte| byte.saturating_add(9)));
    }
    Picture::from_rgb(width, height, rgb).unwrap()
}

#[test]
fn an_enrolled_product_is_found_again_on_another_picture() {
    let recognizer = recognizer(off());
    let see = |picture: Picture| recognizer.recognise_picture(picture).answer().unwrap().embedding.unwrap();
    let model = recognizer.report().model_and_version();
    let mut gallery = Gallery::new(GalleryConfig::default(), &model);
    gallery.enrol("4006381333931", see(picture("samples/barcode.png"))).unwrap();
    gallery.enrol("house espresso", see(picture("samples/espresso.png"))).unwrap();
    let found = gallery.nearest(&see(again(&picture("samples/espresso.png"), 24))).unwrap();
    println!("{found:?}");
    assert_eq!((found.product.as_str(), found.requires_confirmation), ("house espresso", false));
}

#[test]
fn the_cup_is_where_it_is() {
    let answer = recognizer(off()).recognise(&file("samples/espresso.png")).answer().unwrap();
    let region = answer.region.unwrap();
    println!("{region:?}");
    // The cup fills the middle of the 600 × 400 photograph.
    assert!(region.left < 300.0 && region.left + region.width > 300.0, "{region:?}");
    assert!(region.top < 200.0 && region.top + region.height > 200.0, "{region:?}");
    assert!(region.width <= 600.0 && region.height <= 400.0, "{region:?}");
}

#[test]
fn the_second_look_is_answered_from_the_cache_with_the_same_answer() {
    let recognizer = recognizer(CacheConfig::default());
    let photo = file("samples/espresso.png");
    let first = recognizer.recognise(&photo).answer().unwrap();
    let second = recognizer.recognise(&photo).answer().unwrap();
    assert_eq!((first.timing.cached, second.timing.cached), (false, true));
    assert_eq!(first.candidates, second.candidates);
    let other = recognizer.recognise(&file("samples/barcode.png")).answer();
    assert!(other.is_none_or(|answer| !answer.timing.cached));
}
