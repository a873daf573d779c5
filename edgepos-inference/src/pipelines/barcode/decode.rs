//! Reading bars. The one module that names `rxing`.

use std::collections::HashSet;

use rxing::{BarcodeFormat, DecodeHints};

use super::{Region, Scan, Symbology};
use crate::gtin::Gtin;

/// Longest side of a straightened cut, in pixels: finer than any printed module needs.
const MAX_SIDE: f32 = 2048.0;
/// Rows of a straightened cut: the decoder reads rows, and more of them only repeat.
const MAX_ROWS: f32 = 256.0;

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
    let found = rxing::helpers::detect_in_luma_with_hints(
        grey.pixels.clone(),
        grey.width,
        grey.height,
        None,
        &mut hints,
    )
    .ok()?;
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
    Some(Scan { text, symbology, gtin, region })
}
