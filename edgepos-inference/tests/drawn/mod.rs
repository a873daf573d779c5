//! Symbols that tests draw themselves, as a camera would see them: turned, and each pixel the mean of what it covers.
#![allow(dead_code, reason = "each test binary uses a part")]

use edgepos_inference::{BarcodeConfig, BarcodeReader, Picture};

use crate::support::{any_speed, models, patient};

const ODD: [&str; 10] = [
    "0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111",
    "0001011",
];
/// Even parity is 1.
const FIRST: [&str; 10] =
    ["000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010"];
const FIVE: [&str; 10] =
    ["11000", "10100", "10010", "10001", "01100", "00110", "00011", "01010", "01001", "00101"];

pub(crate) fn reader() -> BarcodeReader {
    let config = BarcodeConfig { worker: patient(), placement: any_speed(), ..BarcodeConfig::default() };
    BarcodeReader::load(&models(), config).unwrap()
}

fn right(digit: usize) -> String {
    ODD[digit].bytes().map(|module| if module == b'1' { '0' } else { '1' }).collect()
}

fn left(digit: usize, even: bool) -> String {
    if even { right(digit).chars().rev().collect() } else { ODD[digit].to_owned() }
}

fn digits(text: &str) -> Vec<usize> {
    text.bytes().map(|digit| usize::from(digit - b'0')).collect()
}

fn lefts(digits: &[usize], parities: &str) -> String {
    digits.iter().zip(parities.bytes()).map(|(&digit, parity)| left(digit, parity == b'1')).collect()
}

/// The modules of an EAN-13, 1 for a bar.
pub(crate) fn ean13(text: &str) -> String {
    let digits = digits(text);
    let rights: String = digits[7..].iter().map(|&digit| right(digit)).collect();
    format!("101{}01010{rights}101", lefts(&digits[1..7], FIRST[digits[0]]))
}

pub(crate) fn ean8(text: &str) -> String {
    let digits = digits(text);
    let rights: String = digits[4..].iter().map(|&digit| right(digit)).collect();
    format!("101{}01010{rights}101", lefts(&digits[..4], "0000"))
}

/// Of eight digits, the number system first.
pub(crate) fn upc_e(text: &str) -> String {
    const SYSTEM_1: [&str; 10] =
        ["000111", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010"];
    let digits = digits(text);
    let odd = SYSTEM_1[digits[7]];
    let parities: String =
        odd.chars().map(|parity| if (parity == '1') == (digits[0] == 1) { '1' } else { '0' }).collect();
    format!("101{}010101", lefts(&digits[1..7], &parities))
}

/// An add-on of two or five digits, with the white between it and its symbol.
pub(crate) fn add_on(text: &str) -> String {
    let digits = digits(text);
    let parities = if digits.len() == 2 {
        ["00", "01", "10", "11"][(digits[0] * 10 + digits[1]) % 4]
    } else {
        FIVE[(3 * (digits[0] + digits[2] + digits[4]) + 9 * (digits[1] + digits[3])) % 10]
    };
    let bars: Vec<String> =
        digits.iter().zip(parities.bytes()).map(|(&digit, parity)| left(digit, parity == b'1')).collect();
    format!("0000000001011{}", bars.join("01"))
}

/// The modules of a row of widths, a bar first.
pub(crate) fn widths(widths: &str) -> String {
    let module = |place: usize| if place.is_multiple_of(2) { "1" } else { "0" };
    widths.bytes().enumerate().map(|(place, width)| module(place).repeat(usize::from(width - b'0'))).collect()
}

/// How a symbol is put on the picture.
#[derive(Clone, Copy)]
pub(crate) struct View {
    /// Pixels a module.
    pub(crate) module: f32,
    /// Counter-clockwise.
    pub(crate) degrees: f32,
    /// Modules that the bars are high.
    pub(crate) height: f32,
}

/// A picture of one row of modules with white around; a row of rows for matrix codes.
pub(crate) fn picture(rows: &[String], view: View, size: (u32, u32)) -> Picture {
    let columns = rows[0].len() as f32;
    let row_height = view.height / rows.len() as f32;
    let (sin, cos) = view.degrees.to_radians().sin_cos();
    let bright = |x: f32, y: f32| {
        let (x, y) = (x - size.0 as f32 / 2.0, y - size.1 as f32 / 2.0);
        // The picture's y axis points down.
        let (u, v) = ((x * cos - y * sin) / view.module, (x * sin + y * cos) / view.module);
        let (column, row) = ((u + columns / 2.0).floor(), ((v + view.height / 2.0) / row_height).floor());
        let inside = column >= 0.0 && column < columns && row >= 0.0 && row < rows.len() as f32;
        if inside && rows[row as usize].as_bytes()[column as usize] == b'1' { 25.0 } else { 230.0 }
    };
    let mut rgb = Vec::with_capacity((size.0 * size.1) as usize * 3);
    for y in 0..size.1 {
        for x in 0..size.0 {
            let mut sum = 0.0;
            for part in 0..16 {
                sum += bright(
                    x as f32 + (part % 4) as f32 / 4.0 + 0.125,
                    y as f32 + (part / 4) as f32 / 4.0 + 0.125,
                );
            }
            rgb.extend([(sum / 16.0) as u8; 3]);
        }
    }
    Picture::from_rgb(size.0, size.1, rgb).unwrap()
}

/// The same with everything outside a band of columns in one shade.
pub(crate) fn covered(picture: &Picture, from: u32, to: u32, shade: u8) -> Picture {
    let width = picture.width();
    let pixels = picture.rgb().chunks(3).enumerate().flat_map(|(at, pixel)| {
        let column = at as u32 % width;
        if (from..to).contains(&column) { [pixel[0]; 3] } else { [shade; 3] }
    });
    Picture::from_rgb(width, picture.height(), pixels.collect()).unwrap()
}

/// A part of a picture.
pub(crate) fn cropped(
    picture: &Picture,
    columns: std::ops::Range<u32>,
    rows: std::ops::Range<u32>,
) -> Picture {
    let width = picture.width() as usize;
    let mut rgb = Vec::new();
    for row in rows.clone() {
        let from = (row as usize * width + columns.start as usize) * 3;
        rgb.extend_from_slice(&picture.rgb()[from..from + columns.len() * 3]);
    }
    Picture::from_rgb(columns.len() as u32, rows.len() as u32, rgb).unwrap()
}
