//! From what was read to an answer: which reading is believed, and how far.

use super::decode::{Found, decode};
use super::fit::Unblur;
use super::grey::Grey;
use super::lines::{Reading, in_region};
use super::region::Region;
use super::scan::{BarcodeConfig, Scan, Symbology};
use super::symbol::Kind;
use super::texture;
use crate::stop::Stop;
use edgepos_core::ElementString;
use edgepos_core::Gtin;

/// Evidence from which no second opinion is asked for.
const BEYOND_DOUBT: f32 = 0.95;
/// Margins of a straightened cut: first with the quiet zones that the standard asks for, then with room for a region that is
/// too short.
const MARGINS: [f32; 2] = [0.15, 0.4];
/// Evidence below which a reading that nothing else bears out is not even asked about.
const WORTH_ASKING: f32 = 0.2;
/// Confidence in what the second decoder says alone, where nothing else bears it out.
const ASKS: f32 = 0.7;
/// The same where it says so twice, or the symbol corrects its errors.
const CLEAR: f32 = 0.95;
/// Most places that the texture of a picture is taken for bars at.
const MAX_REGIONS: usize = 4;
/// How many regions the second decoder sees.
const SECOND_LOOKS: usize = 3;

/// One picture and what is needed to read it.
pub(super) struct Search<'a> {
    pub(super) grey: &'a Grey,
    pub(super) unblur: &'a Unblur,
    pub(super) stop: &'a Stop,
    pub(super) config: &'a BarcodeConfig,
}

/// Whether no second opinion is needed; a short symbol, which may be a part of another, always needs one.
fn is_beyond_doubt(best: Option<&(Reading, Region)>) -> bool {
    best.is_some_and(|(reading, _)| reading.kind == Kind::Ean13 && reading.evidence() >= BEYOND_DOUBT)
}

impl Search<'_> {
    /// The scan that is borne out best. `located` is where the network sees a code.
    pub(super) fn scan(&self, located: Option<Region>) -> Option<Scan> {
        let mut regions = Vec::from_iter(located);
        let mut best = self.best_reading(&regions, None);
        if !is_beyond_doubt(best.as_ref()) {
            let textured = texture::regions(self.grey, MAX_REGIONS);
            best = self.best_reading(&textured, best);
            regions.extend(textured);
        }
        if is_beyond_doubt(best.as_ref()) {
            let (reading, region) = best?;
            return self.retail(&reading, region, 1.0);
        }
        let mut second = None;
        for region in regions.iter().take(SECOND_LOOKS) {
            for margin in MARGINS {
                if second.is_none() && !self.stop.is_due() {
                    let cut = self.grey.straightened(region, margin);
                    second = decode(&cut).and_then(|found| self.weighed(found, &cut, Some(*region)));
                }
            }
        }
        match (best, second) {
            (Some((reading, region)), Some((found, scan))) => {
                let Some(own) = self.retail(&reading, region, reading.evidence()) else { return scan };
                if own.gtin.is_some() && own.gtin == found.gtin() {
                    // Two decoders that have nothing in common say the same.
                    return self.retail(
                        &reading,
                        region,
                        reading.evidence().max(0.5).sqrt().max(BEYOND_DOUBT),
                    );
                }
                if reading.kind == Kind::Ean13 && reading.evidence() > 0.7 {
                    return Some(self.doubted(own));
                }
                // One of the two is wrong. A short symbol may be a part of what the other decoder reads; a retail number
                // against another is no answer.
                scan.filter(|_| !found.is_retail()).map(|scan| self.doubted(scan))
            }
            (Some((reading, region)), None) if reading.evidence() >= WORTH_ASKING => {
                self.retail(&reading, region, reading.evidence())
            }
            // Too little to bother anybody with: what is left of a longer symbol says as much.
            (Some(_), None) => None,
            (None, Some((_, scan))) => scan,
            (None, None) if self.config.search_whole && !self.stop.is_due() => {
                decode(self.grey).and_then(|found| self.weighed(found, self.grey, None))?.1
            }
            (None, None) => None,
        }
    }

    /// The reading with the most evidence among those that are no chance. A long symbol goes before a short one, which may
    /// be a part of it.
    fn best_reading(
        &self,
        regions: &[Region],
        mut best: Option<(Reading, Region)>,
    ) -> Option<(Reading, Region)> {
        for region in regions {
            if self.stop.is_due() || is_beyond_doubt(best.as_ref()) {
                break;
            }
            for reading in in_region(self.grey, region, self.unblur, self.stop) {
                let rank = |reading: &Reading| (reading.kind == Kind::Ean13, reading.evidence());
                if reading.is_good() && best.as_ref().is_none_or(|(best, _)| rank(&reading) > rank(best)) {
                    best = Some((reading, *region));
                }
            }
        }
        best
    }

    fn retail(&self, reading: &Reading, region: Region, evidence: f32) -> Option<Scan> {
        let (symbology, gtin, text) = match reading.kind {
            Kind::Ean13 => {
                let text = reading.text.strip_prefix('0').unwrap_or(&reading.text);
                (Symbology::Ean13, Gtin::parse(&reading.text).ok()?, text)
            }
            Kind::Ean8 => (Symbology::Ean8, Gtin::parse(&reading.text).ok()?, reading.text.as_str()),
            Kind::UpcE => (Symbology::UpcE, Gtin::from_upc_e(&reading.text).ok()?, reading.text.as_str()),
            Kind::Two | Kind::Five => return None,
        };
        let evidence = if reading.may_be_a_half() { evidence.min(0.5) } else { evidence };
        let scan = self.scanned(text.to_owned(), symbology, 0.5 + 0.5 * evidence, Some(region));
        let add_on = reading.add_on(self.grey, self.unblur);
        Some(Scan { gtin: Some(gtin), add_on, ..scan })
    }

    fn scanned(&self, text: String, symbology: Symbology, confidence: f32, region: Option<Region>) -> Scan {
        Scan {
            text,
            symbology,
            gtin: None,
            add_on: None,
            gs1: None,
            confidence,
            requires_confirmation: confidence < self.config.confirm_below,
            region,
        }
    }

    /// The scan where something speaks against it.
    fn doubted(&self, scan: Scan) -> Scan {
        let confidence = scan.confidence.min(ASKS);
        let requires_confirmation = scan.requires_confirmation || confidence < self.config.confirm_below;
        Scan { confidence, requires_confirmation, ..scan }
    }

    /// Who says the same as the second decoder did at first. `cut` is what it looked at.
    fn heard(&self, found: &Found, cut: &Grey, region: Option<Region>) -> Option<Heard> {
        let again = |grey: &Grey| {
            decode(grey).is_some_and(|again| again.symbology == found.symbology && again.text == found.text)
        };
        if let Some(region) = region {
            let (sin, cos) = region.angle.sin_cos();
            let halves = [-0.25, 0.25].map(|part| {
                let v = part * region.height;
                let centre = (region.centre.0 + v * sin, region.centre.1 + v * cos);
                Region { centre, height: region.height / 2.0, ..region }
            });
            let said = halves.map(|half| again(&self.grey.straightened(&half, MARGINS[0])));
            match said {
                [true, true] => return Some(Heard::Twice),
                [false, false] => {}
                _ => return Some(Heard::Once),
            }
            // Rows that may be stacked are not in either half.
            if !matches!(found.symbology, Symbology::DataBar | Symbology::DataBarExpanded) {
                return None;
            }
            if again(&self.grey.straightened(&region, MARGINS[1])) || again(self.grey) {
                return Some(Heard::Once);
            }
        }
        // The pixels fall into other blocks and lines.
        cut.without_edges(3, 5).filter(again).map(|_| Heard::Once)
    }

    /// What the second decoder found, with the scan that it is worth alone, if any. `cut` is what it looked at.
    fn weighed(&self, found: Found, cut: &Grey, region: Option<Region>) -> Option<(Found, Option<Scan>)> {
        let scan = |confidence| self.scanned(found.text.clone(), found.symbology, confidence, region);
        let heard = || self.heard(&found, cut, region).map(|heard| scan(heard.confidence()));
        let scan = match found.symbology {
            // It believes in parts of longer symbols; alone it is heard for nothing but a second opinion.
            Symbology::UpcE => None,
            Symbology::Ean13 | Symbology::Ean8 => {
                let gtin = found.gtin();
                (gtin.is_some() && found.is_said_beside(cut)).then(|| Scan { gtin, ..scan(ASKS) })
            }
            // It has no check of its own: only the 14 digits of a trade item are believed.
            Symbology::Itf14 => found.gtin().and_then(|gtin| Some(Scan { gtin: Some(gtin), ..heard()? })),
            Symbology::DataBar => found.elements().and_then(|gs1| Some(with_elements(heard()?, gs1))),
            // It is found in noise, with right check digits and more than once: it asks whatever the limit is.
            Symbology::DataBarExpanded => found.elements().and_then(|gs1| {
                let scan = Scan { confidence: ASKS, requires_confirmation: true, ..heard()? };
                Some(with_elements(scan, gs1))
            }),
            // One in a hundred lines of something else has the check character of a Code 128.
            Symbology::Code128 => heard().map(|scan| match found.elements() {
                Some(gs1) => with_elements(scan, gs1),
                None => scan,
            }),
            // A matrix code corrects its errors and leaves no such chance.
            Symbology::Qr | Symbology::DataMatrix => match found.elements() {
                Some(gs1) => Some(with_elements(scan(CLEAR), gs1)),
                None => Some(scan(CLEAR)),
            },
        };
        (scan.is_some() || found.is_retail()).then_some((found, scan))
    }
}

fn with_elements(scan: Scan, gs1: ElementString) -> Scan {
    Scan { gtin: gs1.gtin(), gs1: Some(gs1), ..scan }
}

/// Who says the same as the second decoder did at first.
enum Heard {
    /// A part of the symbol, or the same lines in other pixels.
    Once,
    /// The upper half and the lower half, which have no line in common.
    Twice,
}

impl Heard {
    fn confidence(&self) -> f32 {
        match self {
            Self::Once => ASKS,
            Self::Twice => CLEAR,
        }
    }
}

impl Found {
    fn is_retail(&self) -> bool {
        matches!(self.symbology, Symbology::Ean13 | Symbology::Ean8 | Symbology::UpcE)
    }

    fn gtin(&self) -> Option<Gtin> {
        match self.symbology {
            Symbology::UpcE => Gtin::from_upc_e(&self.text).ok(),
            Symbology::Itf14 => Gtin::parse(&self.text).ok().filter(|_| self.text.len() == 14),
            _ => Gtin::parse(&self.text).ok(),
        }
    }

    fn elements(&self) -> Option<ElementString> {
        match self.symbology {
            // Its number is an element without the identifier.
            Symbology::DataBar => ElementString::parse(&format!("01{}", self.text)).ok(),
            Symbology::DataBarExpanded => ElementString::from_bracketed(&self.text).ok(),
            // Some programs draw the brackets as well, which are for people. Elements are checked either way.
            _ if self.is_gs1 => {
                ElementString::parse(&self.text).or_else(|_| ElementString::from_bracketed(&self.text)).ok()
            }
            _ => ElementString::from_digital_link(&self.text),
        }
    }
}
