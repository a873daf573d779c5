//! The second decoder, which reads everything else and whose word counts beside ours. The one module that names `rxing`.

use std::collections::HashSet;

use rxing::{BarcodeFormat, DecodeHints, RXingResult, RXingResultMetadataType, RXingResultMetadataValue};

use super::grey::Grey;
use super::scan::Symbology;

/// The formats that are asked for.
const FORMATS: [BarcodeFormat; 10] = [
    BarcodeFormat::EAN_13,
    BarcodeFormat::UPC_A,
    BarcodeFormat::EAN_8,
    BarcodeFormat::UPC_E,
    BarcodeFormat::CODE_128,
    BarcodeFormat::ITF,
    BarcodeFormat::RSS_14,
    BarcodeFormat::RSS_EXPANDED,
    BarcodeFormat::QR_CODE,
    BarcodeFormat::DATA_MATRIX,
];

/// A symbol that was read, before its text means anything.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// The text, separators of element strings included, without the symbology identifier.
    pub(super) text: String,
    pub(super) symbology: Symbology,
    /// Whether the symbol says that its text is a GS1 element string.
    pub(super) is_gs1: bool,
    /// Where its line starts and ends, for symbols of one line.
    line: Option<[(f32, f32); 2]>,
}

/// Reads the code on a picture.
pub(super) fn decode(grey: &Grey) -> Option<Found> {
    found(&read(grey)?)
}

fn found(result: &RXingResult) -> Option<Found> {
    let symbology = match result.getBarcodeFormat() {
        BarcodeFormat::EAN_13 | BarcodeFormat::UPC_A => Symbology::Ean13,
        BarcodeFormat::EAN_8 => Symbology::Ean8,
        BarcodeFormat::UPC_E => Symbology::UpcE,
        BarcodeFormat::ITF => Symbology::Itf14,
        BarcodeFormat::CODE_128 => Symbology::Code128,
        BarcodeFormat::RSS_14 => Symbology::DataBar,
        BarcodeFormat::RSS_EXPANDED => Symbology::DataBarExpanded,
        BarcodeFormat::QR_CODE => Symbology::Qr,
        BarcodeFormat::DATA_MATRIX => Symbology::DataMatrix,
        _ => return None,
    };
    let identifier = match result.getRXingResultMetadata().get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER)
    {
        Some(RXingResultMetadataValue::SymbologyIdentifier(identifier)) => identifier.as_str(),
        _ => "",
    };
    let is_gs1 = matches!(identifier, "]C1" | "]e0" | "]Q3" | "]d2");
    let text = result.getText();
    // Code 128 has its identifier in the text when it was asked for separators.
    let text = text.strip_prefix("]C1").unwrap_or(text).to_owned();
    let line = match result.getPoints() {
        [start, end] => Some([(start.x, start.y), (end.x, end.y)]),
        _ => None,
    };
    Some(Found { text, symbology, is_gs1, line })
}

fn read(grey: &Grey) -> Option<RXingResult> {
    let hints = DecodeHints {
        PossibleFormats: Some(HashSet::from(FORMATS)),
        TryHarder: Some(true),
        // Otherwise the separators of a GS1-128 are dropped; a symbol without them reads the same.
        AssumeGs1: Some(true),
        ..DecodeHints::default()
    };
    let (pixels, width, height) = (grey.pixels.clone(), grey.width, grey.height);
    rxing::helpers::detect_in_luma_with_hints(pixels, width, height, None, &mut hints.clone()).ok()
}

impl Found {
    /// Modules from the middle of the first guard to that of the last.
    fn modules(&self) -> Option<f32> {
        match self.symbology {
            Symbology::Ean13 => Some(92.0),
            Symbology::Ean8 => Some(64.0),
            Symbology::UpcE => Some(46.5),
            _ => None,
        }
    }

    /// Whether two of four bands beside the line, which the decoder reads along rows or columns, say the same text. A line
    /// that crosses the corner of another symbol has white before and behind it; the next one crosses other bars.
    pub(super) fn is_said_beside(&self, grey: &Grey) -> bool {
        let (Some([start, end]), Some(modules)) = (self.line, self.modules()) else { return false };
        let upright = (end.1 - start.1).abs() > (end.0 - start.0).abs();
        let turn = |(x, y): (f32, f32)| if upright { (y, x) } else { (x, y) };
        let (start, end) = (turn(start), turn(end));
        let size = turn((grey.width as f32, grey.height as f32));
        let module = (end.0 - start.0).abs() / modules;
        // With the quiet zones; a cast of a negative number is 0.
        let left = (start.0.min(end.0) - 15.0 * module) as u32;
        let right = (start.0.max(end.0) + 15.0 * module).min(size.0) as u32;
        let agrees = |away: &f32| {
            let top = (start.1 + (away - 2.0) * module) as u32;
            let bottom = (start.1 + (away + 2.0) * module).clamp(0.0, size.1) as u32;
            let pixel = |across: u32, along: u32| {
                let (x, y) = if upright { (along, across) } else { (across, along) };
                grey.pixels[y as usize * grey.width as usize + x as usize]
            };
            let pixels = (top..bottom).flat_map(|y| (left..right).map(move |x| pixel(x, y))).collect();
            let band = Grey { pixels, width: right.saturating_sub(left), height: bottom.saturating_sub(top) };
            read(&band).is_some_and(|found| found.getText() == self.text)
        };
        [-4.0, 4.0, -8.0, 8.0].iter().filter(|away| agrees(away)).take(2).count() == 2
    }
}
