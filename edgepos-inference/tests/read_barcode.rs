//! I4: a barcode on a picture becomes a checked trade item number, at any angle, and no code is said to be none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "embedded", feature = "barcode"))]

mod support;

use edgepos_inference::{
    Action, BarcodeConfig, BarcodeReader, Outcome, Picture, PictureError, PictureLimits, Reason, Symbology,
};
use support::{any_speed, block_on, file, models, patient};

fn reader(search_whole: bool) -> BarcodeReader {
    let config =
        BarcodeConfig { search_whole, worker: patient(), placement: any_speed(), ..BarcodeConfig::default() };
    BarcodeReader::load(&models(), config).unwrap()
}

#[test]
fn a_turned_code_is_found_by_the_network_and_read() {
    // Without the search of the whole picture: the network's region alone must do.
    let reader = reader(false);
    let scan = reader.read(&file("samples/barcode.png")).answer().expect("a code");
    assert_eq!((scan.text.as_str(), scan.symbology), ("4006381333931", Symbology::Ean13));
    assert_eq!(scan.gtin.unwrap().to_string(), "04006381333931");
    let region = scan.region.unwrap();
    assert!((region.angle.to_degrees() - 17.0).abs() < 4.0, "{region:?}");
    println!("{}\n{region:?}", reader.report());
}

#[test]
fn a_caller_who_does_not_block_gets_the_same() {
    let reader = reader(true);
    let photo = file("samples/barcode.png");
    let (first, second) = (reader.read_async(photo.clone()), reader.read_async(photo.clone()));
    let expected = reader.read(&photo);
    assert!(!expected.is_fallback());
    assert_eq!((block_on(second), block_on(first)), (expected.clone(), expected));
}

/// The sample turned by quarter turns.
fn turned(picture: &Picture, quarters: u32) -> Picture {
    let mut turned = picture.clone();
    for _ in 0..quarters {
        let (width, height) = (turned.height(), turned.width());
        let mut rgb = Vec::with_capacity(turned.rgb().len());
        for y in 0..height {
            for x in 0..width {
                let at = ((x * turned.width()) + (turned.width() - 1 - y)) as usize * 3;
                rgb.extend_from_slice(&turned.rgb()[at..at + 3]);
            }
        }
        turned = Picture::from_rgb(width, height, rgb).unwrap();
    }
    turned
}

#[test]
fn upside_down_and_sideways_too() {
    let reader = reader(true);
    let picture = Picture::decode(&file("samples/barcode.png"), &PictureLimits::default()).unwrap();
    for quarters in 0..4 {
        let scan = reader.read_picture(turned(&picture, quarters)).answer();
        assert_eq!(scan.map(|scan| scan.text).as_deref(), Some("4006381333931"), "{quarters} quarter turns");
    }
}

#[test]
fn a_picture_without_a_code_and_no_picture_at_all() {
    let reader = reader(true);
    let none = reader.read(&file("samples/espresso.png"));
    assert_eq!(none, Outcome::Fallback { action: Action::ManualEntry, reason: Reason::NotFound });
    let nonsense = reader.read(b"hello");
    let reason = Reason::Decode(PictureError::UnknownFormat);
    assert_eq!(nonsense, Outcome::Fallback { action: Action::ManualEntry, reason });
    let tiny = Picture::from_rgb(1, 1, vec![7; 3]).unwrap();
    assert!(reader.read_picture(tiny).is_fallback());
}
