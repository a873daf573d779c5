//! What the labels of a country say, by its GS1 organisation.
//!
//! Norway has none here: no rules of its organisation are published. Other countries leave the digits to each shop, which says them as
//! patterns of its own.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::pattern::LabelPattern;
use super::pattern::LabelValue::{self, Count, Price, Weight};

/// A country whose labels are known, by ISO 3166.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum LabelCountry {
    /// Germany: a price, a count or a weight, each with a check digit.
    De,
    /// Denmark: a price or a weight.
    Dk,
    /// Estonia: a weight, as in Finland.
    Ee,
    /// Finland: a weight.
    Fi,
    /// The United Kingdom: a price with its check digit.
    Gb,
    /// Lithuania: a weight, as in Finland.
    Lt,
    /// Latvia: a weight, as in Finland.
    Lv,
    /// Sweden: a price or a weight.
    Se,
}

/// A pattern, what it says, with how many decimals, and of which currency a price.
type Row = (&'static str, LabelValue, u8, &'static str);

/// Weights of 1.234, 12.34 and 123.4 kg.
const WEIGHTS: [Row; 3] =
    [("23IIIIIIVVVV", Weight, 3, ""), ("24IIIIIIVVVV", Weight, 2, ""), ("25IIIIIIVVVV", Weight, 1, "")];

/// GS1 Sweden, "Variable weight number": prices of 12.34, 123.4 and 1234 kronor, and weights.
const SE: [Row; 3] =
    [("20IIIIIIVVVV", Price, 2, "SEK"), ("21IIIIIIVVVV", Price, 1, "SEK"), ("22IIIIIIVVVV", Price, 0, "SEK")];
/// GS1 UK, "How to barcode variable measure items": `20XXX RR V PPPP C`, and the same with 28, in sterling.
const GB: [Row; 2] = [("20IIIIICVVVV", Price, 2, "GBP"), ("28IIIIICVVVV", Price, 2, "GBP")];
/// GS1 Denmark, "GTIN-13 med pris" and "GTIN-13 med vægt", as the Python library `biip` 5.2.0 has them.
const DK: [Row; 7] = [
    ("21IIIIVVVVVV", Price, 2, "DKK"),
    ("22IIIIVVVVVV", Price, 2, "DKK"),
    ("23IIIIVVVVVV", Price, 2, "DKK"),
    ("24IIIIVVVVVV", Price, 2, "DKK"),
    ("26IIIIVVVVVV", Weight, 3, ""),
    ("27IIIIIVVVVV", Weight, 3, ""),
    ("28IIIIVVVVVV", Weight, 3, ""),
];
/// GS1 Germany, "Globale Artikelnummer (GTIN) in der Anwendung" and the SAN-4 concept, as `biip` 5.2.0 has them.
const DE: [Row; 6] = [
    ("22IIIICVVVVV", Price, 2, "EUR"),
    ("23IIIICVVVVV", Price, 2, "EUR"),
    ("25IIIICVVVVV", Count, 0, ""),
    ("26IIIICVVVVV", Count, 0, ""),
    ("28IIIICVVVVV", Weight, 3, ""),
    ("29IIIICVVVVV", Weight, 3, ""),
];

/// Those of each country, read once.
struct Patterns {
    se: Vec<LabelPattern>,
    gb: Vec<LabelPattern>,
    dk: Vec<LabelPattern>,
    de: Vec<LabelPattern>,
    /// Of Finland (GS1 Finland, "How to identify the product (GTIN)"), and of Estonia, Latvia and Lithuania (GS1 Latvia, "Variable
    /// measure in Latvia", as `biip` 5.2.0 has it).
    weights: Vec<LabelPattern>,
}

static KNOWN: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    se: made(SE.iter().chain(&WEIGHTS)),
    gb: made(&GB),
    dk: made(&DK),
    de: made(&DE),
    weights: made(&WEIGHTS),
});

fn made<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<LabelPattern> {
    let pattern = |&(pattern, value, decimals, currency): &Row| {
        LabelPattern::new(pattern, value, decimals, currency.parse().ok())
    };
    rows.into_iter().map(pattern).collect::<Result<_, _>>().expect("a test reads each row")
}

impl LabelCountry {
    /// All that are known.
    pub const ALL: [Self; 8] =
        [Self::De, Self::Dk, Self::Ee, Self::Fi, Self::Gb, Self::Lt, Self::Lv, Self::Se];

    pub(super) fn patterns(self) -> &'static [LabelPattern] {
        match self {
            Self::Se => &KNOWN.se,
            Self::Gb => &KNOWN.gb,
            Self::Dk => &KNOWN.dk,
            Self::De => &KNOWN.de,
            Self::Fi | Self::Ee | Self::Lv | Self::Lt => &KNOWN.weights,
        }
    }
}
