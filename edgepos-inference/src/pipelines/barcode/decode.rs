//! Reading bars. The one module that names `rxing`.

use std::collections::HashSet;

use rxing::{BarcodeFormat, DecodeHints, RXingResult};

use super::{Region, Scan, Symbology};
use crate::gtin::Gtin;

/// Longest side of a straightened cut, in pixels: finer than any printed module needs.
const MAX_SIDE: f32 = 2048.0;
/// Rows of a straightened cut: the decoder reads rows, and more of them only repeat.
const MAX_ROWS: f32 = 256.0;

/// Modules of a UPC-E symbol, from the middle of its first guard, which has three, to that of the last, which has six.
const SHORT_CODE: f32 = 46.5;

/// A picture of brightness values.
pub(super) struct Grey {
    pub(super) pixels: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Grey {
    /// The region, turned level, with `margin` of its length to either side.
    pub(super) fn straightened(&self, region: &Region, margin: f32) -> Self {
        let length = region.length * (1.0 + 2.0 * margin);
        // At least the picture's own resolution, so that no bar is lost between two samples.
        let columns = length.ceil().clamp(16.0, MAX_SIDE);
        let rows = region.height.ceil().clamp(4.0, MAX_ROWS);
        let (step_across, step_along) = (length / columns, region.height / rows);
        let (sin, cos) = region.angle.sin_cos();
        let mut pixels = Vec::with_capacity((columns * rows) as usize);
        for row in 0..rows as u32 {
            let v = (row as f32 + 0.5) * step_along - region.height / 2.0;
            for column in 0..columns as u32 {
                let u = (column as f32 + 0.5) * step_across - length / 2.0;
                let x = region.centre.0 + u * cos + v * sin;
                let y = region.centre.1 - u * sin + v * cos;
                pixels.push(self.sample(x - 0.5, y - 0.5));
            }
        }
        Self { pixels, width: columns as u32, height: rows as u32 }
    }

    /// Whether a UPC-E symbol whose guards have their middles at `start` and `end` stands alone. Its six digits have so
    /// little redundancy that a part of an EAN-13 or a Code 128 passes for one, and the decoder asks for three modules of
    /// white before it, which both have inside. Neither has five; the standard asks for nine and seven.
    fn has_quiet_zones(&self, start: (f32, f32), end: (f32, f32)) -> bool {
        let module = ((end.0 - start.0) / SHORT_CODE, (end.1 - start.1) / SHORT_CODE);
        let at =
            |modules: f32| f32::from(self.sample(start.0 + modules * module.0, start.1 + modules * module.1));
        let inside: f32 = (0..186).map(|quarter| at(quarter as f32 / 4.0)).sum::<f32>() / 186.0;
        // Quarters of a module, from one that blur may darken to the fifth.
        (3..=20).all(|quarter| {
            let away = quarter as f32 / 4.0;
            at(-1.5 - away) > inside && at(SHORT_CODE + 3.0 + away) > inside
        })
    }

    /// Whether two of four bands beside the line from `start` to `end`, which the decoder reads along rows or columns, say
    /// `text` as well. A line that crosses the corner of another symbol has white before and behind it; the next one
    /// crosses other bars. A wrong product costs more than another look.
    fn says_so_beside(&self, start: (f32, f32), end: (f32, f32), modules: f32, text: &str) -> bool {
        let upright = (end.1 - start.1).abs() > (end.0 - start.0).abs();
        let turn = |(x, y): (f32, f32)| if upright { (y, x) } else { (x, y) };
        let (start, end) = (turn(start), turn(end));
        let size = turn((self.width as f32, self.height as f32));
        let module = (end.0 - start.0).abs() / modules;
        // With the quiet zones; a cast of a negative number is 0.
        let left = (start.0.min(end.0) - 15.0 * module) as u32;
        let right = (start.0.max(end.0) + 15.0 * module).min(size.0) as u32;
        let agrees = |away: &f32| {
            let top = (start.1 + (away - 2.0) * module) as u32;
            let bottom = (start.1 + (away + 2.0) * module).clamp(0.0, size.1) as u32;
            let pixel = |across: u32, along: u32| {
                let (x, y) = if upright { (along, across) } else { (across, along) };
                self.pixels[y as usize * self.width as usize + x as usize]
            };
            let pixels = (top..bottom).flat_map(|y| (left..right).map(move |x| pixel(x, y))).collect();
            let band = Self { pixels, width: right.saturating_sub(left), height: bottom.saturating_sub(top) };
            read(&band).is_some_and(|found| found.getText() == text)
        };
        [-4.0, 4.0, -8.0, 8.0].iter().filter(|away| agrees(away)).take(2).count() == 2
    }

    /// Between four pixels; beyond the edge the edge goes on.
    fn sample(&self, x: f32, y: f32) -> u8 {
        let (right, bottom) = ((self.width - 1) as f32, (self.height - 1) as f32);
        let (x, y) = (x.clamp(0.0, right), y.clamp(0.0, bottom));
        let (left, top) = (x.floor(), y.floor());
        let at = |x: f32, y: f32| {
            let place = y.min(bottom) as usize * self.width as usize + x.min(right) as usize;
            f32::from(self.pixels[place])
        };
        let (fx, fy) = (x - left, y - top);
        let upper = at(left, top) * (1.0 - fx) + at(left + 1.0, top) * fx;
        let lower = at(left, top + 1.0) * (1.0 - fx) + at(left + 1.0, top + 1.0) * fx;
        (upper * (1.0 - fy) + lower * fy).round() as u8
    }
}

/// Reads the code on a picture, if there is one whose checks hold.
pub(super) fn decode(grey: &Grey, region: Option<Region>) -> Option<Scan> {
    let found = read(grey)?;
    let text = found.getText().to_owned();
    let (symbology, gtin) = match found.getBarcodeFormat() {
        BarcodeFormat::EAN_13 | BarcodeFormat::UPC_A => (Symbology::Ean13, Some(Gtin::parse(&text).ok()?)),
        BarcodeFormat::EAN_8 => (Symbology::Ean8, Some(Gtin::parse(&text).ok()?)),
        BarcodeFormat::UPC_E => (Symbology::UpcE, Some(Gtin::from_upc_e(&text).ok()?)),
        // It has no check of its own: only the 14 digits of a trade item are believed.
        BarcodeFormat::ITF => (Symbology::Itf14, Some(Gtin::parse(&text).ok().filter(|_| text.len() == 14)?)),
        BarcodeFormat::CODE_128 => (Symbology::Code128, None),
        _ => return None,
    };
    // Modules from the middle of the first guard to that of the last.
    let modules = match symbology {
        Symbology::Ean13 => 92.0,
        Symbology::Ean8 => 64.0,
        Symbology::UpcE => SHORT_CODE,
        Symbology::Code128 | Symbology::Itf14 => return Some(Scan { text, symbology, gtin, region }),
    };
    let [start, end] = found.getPoints() else { return None };
    let (start, end) = ((start.x, start.y), (end.x, end.y));
    let alone = symbology != Symbology::UpcE || grey.has_quiet_zones(start, end);
    (alone && grey.says_so_beside(start, end, modules, &text)).then_some(Scan {
        text,
        symbology,
        gtin,
        region,
    })
}

fn read(grey: &Grey) -> Option<RXingResult> {
    let formats = HashSet::from([
        BarcodeFormat::EAN_13,
        BarcodeFormat::UPC_A,
        BarcodeFormat::EAN_8,
        BarcodeFormat::UPC_E,
        BarcodeFormat::CODE_128,
        BarcodeFormat::ITF,
    ]);
    let mut hints =
        DecodeHints { PossibleFormats: Some(formats), TryHarder: Some(true), ..DecodeHints::default() };
    let (pixels, width, height) = (grey.pixels.clone(), grey.width, grey.height);
    rxing::helpers::detect_in_luma_with_hints(pixels, width, height, None, &mut hints).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UPC-E of 01234565 with `gap` white modules between it and bars of something else, four pixels a module.
    fn beside_other_bars(gap: usize) -> Grey {
        let modules = [
            "1011001011",
            &"0".repeat(gap),
            "101011001100100110111101001110101110010101111010101",
            "0".repeat(12).as_str(),
        ]
        .concat();
        let row: Vec<u8> =
            modules.bytes().flat_map(|module| [if module == b'1' { 20 } else { 230 }; 4]).collect();
        Grey { width: row.len() as u32, height: 40, pixels: row.repeat(40) }
    }

    #[test]
    fn a_part_of_another_symbol_is_no_short_code() {
        let read = |gap| decode(&beside_other_bars(gap), None).map(|scan| (scan.text, scan.symbology));
        assert_eq!(read(9), Some(("01234565".to_owned(), Symbology::UpcE)));
        assert_eq!(read(4), None);
    }

    /// The same symbol where only one line in the middle says so.
    #[test]
    fn a_single_line_is_not_believed() {
        let mut grey = beside_other_bars(9);
        let width = grey.width as usize;
        for row in (0..40).filter(|row| !(19..=20).contains(row)) {
            // No bars in the middle, above and below.
            grey.pixels[row * width..][width / 2..width / 2 + 24].fill(230);
        }
        assert!(read(&grey).is_some(), "the decoder itself believes it");
        assert_eq!(decode(&grey, None).map(|scan| scan.text), None);
    }
}
