//! A wrong product is the worst answer: whatever part of a symbol is seen, and from wherever, it is read right or not at all.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "embedded", feature = "barcode"))]

mod drawn;
mod support;

use drawn::{View, add_on, covered, cropped, ean8, ean13, picture, reader, upc_e};
use edgepos_inference::{BarcodeReader, Picture, Symbology};

/// Book numbers begin with 9, so that their left half is bar for bar a UPC-E of number system 1.
const BOOK: &str = "9780441014989";
const SIZE: (u32, u32) = (420, 420);
/// Enough for what is not turned.
const LEVEL: (u32, u32) = (420, 170);
/// Enough for a turned symbol without an add-on.
const SMALL: (u32, u32) = (320, 320);

/// What is on the picture: `None`, or the right number. Anything else fails.
fn right_or_nothing(reader: &BarcodeReader, picture: Picture, expected: &str, what: &str) -> bool {
    let Some(scan) = reader.read_picture(picture).answer() else { return false };
    assert_eq!(scan.text, expected, "{what}: {scan:?}");
    true
}

/// −90 to 90 degrees in steps of so many.
fn turns(step: u8) -> impl Iterator<Item = f32> {
    (0..=180).step_by(usize::from(step)).map(|degrees| degrees as f32 - 90.0)
}

#[test]
fn a_book_at_every_angle() {
    let reader = reader();
    let rows = [ean13(BOOK)];
    let read = turns(5)
        .filter(|&degrees| {
            let photo = picture(&rows, View { module: 2.5, degrees, height: 60.0 }, SIZE);
            right_or_nothing(&reader, photo, BOOK, &format!("{degrees} degrees"))
        })
        .count();
    assert_eq!(read, 37);
}

#[test]
fn a_book_with_its_price_at_every_angle() {
    let reader = reader();
    for price in ["52499", "05"] {
        let rows = [ean13(BOOK) + &add_on(price)];
        for degrees in turns(15) {
            let photo = picture(&rows, View { module: 2.2, degrees, height: 60.0 }, SIZE);
            let scan = reader.read_picture(photo).answer();
            let scan = scan.unwrap_or_else(|| panic!("nothing at {degrees} degrees"));
            assert_eq!((scan.text.as_str(), scan.symbology), (BOOK, Symbology::Ean13), "{degrees} degrees");
            assert_eq!(scan.add_on.as_deref(), Some(price), "{degrees} degrees");
            assert!(!scan.requires_confirmation, "{scan:?}");
        }
    }
}

#[test]
fn a_part_of_a_book_is_no_product() {
    let reader = reader();
    let whole = picture(&[ean13(BOOK)], View { module: 3.0, degrees: 0.0, height: 50.0 }, LEVEL);
    let left = 210 - 142;
    for cut in (0..=95).step_by(16).chain([50, 88]) {
        let column = left + 3 * cut;
        // The picture ends there, on either side; or paper covers the rest.
        let parts = [
            cropped(&whole, 0..column, 0..LEVEL.1),
            cropped(&whole, column..LEVEL.0, 0..LEVEL.1),
            covered(&whole, 0, column, 90),
            covered(&whole, column, LEVEL.0, 90),
        ];
        for (side, part) in parts.into_iter().enumerate() {
            right_or_nothing(&reader, part, BOOK, &format!("cut at module {cut}, {side}"));
        }
    }
}

#[test]
fn white_paper_over_the_right_half_asks_at_least() {
    // Nothing tells this from a UPC-E of number system 1.
    let reader = reader();
    let whole = picture(&[ean13(BOOK)], View { module: 3.0, degrees: 0.0, height: 50.0 }, LEVEL);
    for module in (44..56).step_by(2) {
        let scan = reader.read_picture(covered(&whole, 0, 68 + 3 * module, 230)).answer();
        assert!(scan.as_ref().is_none_or(|scan| scan.requires_confirmation), "{scan:?}");
    }
}

#[test]
fn a_sliver_is_read_right_or_not_at_all() {
    let reader = reader();
    for (text, bars) in [(BOOK, ean13(BOOK)), ("96385074", ean8("96385074")), ("01234565", upc_e("01234565"))]
    {
        for height in [1.0, 2.0, 8.0] {
            for degrees in [0.0, 45.0] {
                let photo =
                    picture(std::slice::from_ref(&bars), View { module: 2.5, degrees, height }, SMALL);
                right_or_nothing(
                    &reader,
                    photo,
                    text,
                    &format!("{height} modules high at {degrees} degrees"),
                );
            }
        }
    }
}

#[test]
fn the_short_symbols_at_every_angle() {
    let reader = reader();
    for (text, bars, symbology) in [
        ("96385074", ean8("96385074"), Symbology::Ean8),
        ("01234565", upc_e("01234565"), Symbology::UpcE),
        ("04252614", upc_e("04252614"), Symbology::UpcE),
    ] {
        let mut read = 0;
        for degrees in turns(15) {
            let photo =
                picture(std::slice::from_ref(&bars), View { module: 3.0, degrees, height: 50.0 }, SMALL);
            if let Some(scan) = reader.read_picture(photo).answer() {
                assert_eq!((scan.text.as_str(), scan.symbology), (text, symbology), "{degrees} degrees");
                read += 1;
            }
        }
        assert_eq!(read, 13, "{text}");
    }
}

/// UPC-E of 01234565 with `gap` white modules between it and bars of something else, four pixels a module.
fn beside_other_bars(gap: usize) -> (u32, Vec<u8>) {
    let modules = format!("1011001011{}{}{}", "0".repeat(gap), upc_e("01234565"), "0".repeat(12));
    let row: Vec<u8> =
        modules.bytes().flat_map(|module| [if module == b'1' { 20 } else { 230 }; 4]).collect();
    (row.len() as u32, row.repeat(40))
}

fn grey(width: u32, pixels: &[u8]) -> Picture {
    let rgb: Vec<u8> = pixels.iter().flat_map(|&pixel| [pixel; 3]).collect();
    Picture::from_rgb(width, pixels.len() as u32 / width, rgb).unwrap()
}

#[test]
fn a_part_of_another_symbol_is_no_short_code() {
    let reader = reader();
    let read = |gap| {
        let (width, pixels) = beside_other_bars(gap);
        reader.read_picture(grey(width, &pixels)).answer().map(|scan| (scan.text, scan.symbology))
    };
    assert_eq!(read(9), Some(("01234565".to_owned(), Symbology::UpcE)));
    assert_eq!(read(4), None);
}

/// The same symbol where only one line in the middle says so.
#[test]
fn a_single_line_is_not_believed() {
    let (width, mut pixels) = beside_other_bars(9);
    let columns = width as usize;
    for row in (0..40).filter(|row| !(19..=20).contains(row)) {
        // No bars in the middle, above and below.
        pixels[row * columns..][columns / 2..columns / 2 + 24].fill(230);
    }
    assert_eq!(reader().read_picture(grey(width, &pixels)).answer().map(|scan| scan.text), None);
}

#[test]
fn pictures_made_to_keep_it_busy_are_done_with() {
    let reader = reader();
    let size = (800_u32, 600_u32);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let stripes = |pixels: u32| move |x: u32, _: u32| ((x / pixels) % 2 * 255) as u8;
    let row: Vec<u8> = (0..size.0).map(|_| noise()).collect();
    let pictures: [Box<dyn FnMut(u32, u32) -> u8>; 6] = [
        Box::new(stripes(1)),
        Box::new(stripes(3)),
        Box::new(stripes(7)),
        Box::new(|x, y| ((x / 4 + y / 4) % 2 * 255) as u8),
        Box::new(|x, _| if row[(x / 3) as usize] > 127 { 240 } else { 10 }),
        Box::new(|_, _| noise()),
    ];
    for (which, mut shade) in pictures.into_iter().enumerate() {
        let pixels: Vec<u8> =
            (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y))).map(|(x, y)| shade(x, y)).collect();
        let scan = reader.read_picture(grey(size.0, &pixels)).answer();
        assert!(scan.is_none(), "picture {which}: {scan:?}");
    }
    for (width, height) in [(1, 1), (1, 3000), (3000, 1), (7, 7), (4000, 3)] {
        let picture = grey(width, &vec![200; (width * height) as usize]);
        assert!(reader.read_picture(picture).is_fallback());
    }
}
