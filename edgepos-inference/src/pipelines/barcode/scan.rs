//! What a reader of barcodes is told, and what it answers.

use super::region::Region;
use crate::delegate::PlacementConfig;
use crate::picture::PictureLimits;
use crate::worker::WorkerConfig;
use edgepos_core::ElementString;
use edgepos_core::Gtin;

/// How barcodes are read.
#[derive(Clone, Debug, PartialEq)]
pub struct BarcodeConfig {
    /// The model's name in the manifest. Default `None`: the first for the job `barcode`.
    pub model: Option<String>,
    /// Fewest cells of 8 × 8 pixels that make a code. Default 4.
    pub min_cells: usize,
    /// A scan below this confidence has [`Scan::requires_confirmation`] set. Default 0.9.
    pub confirm_below: f32,
    /// Whether the whole picture is searched when the network finds nothing readable. Default true; it takes tens of
    /// milliseconds on a large picture.
    pub search_whole: bool,
    /// What a picture may cost.
    pub picture: PictureLimits,
    /// Deadline, queue and batch.
    pub worker: WorkerConfig,
    /// Engine, budget and threads. Default: one thread and [`PlacementConfig::default`] otherwise. The network is so small that a second
    /// thread gains nothing on an idle till, and on a busy one both wait for the later of them.
    pub placement: PlacementConfig,
}

impl Default for BarcodeConfig {
    fn default() -> Self {
        Self {
            model: None,
            min_cells: 4,
            confirm_below: 0.9,
            search_whole: true,
            picture: PictureLimits::default(),
            worker: WorkerConfig::default(),
            placement: PlacementConfig { threads: 1, ..PlacementConfig::default() },
        }
    }
}

/// A code that was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scan {
    /// The text of the symbol, the separators of an element string (U+001D) included.
    pub text: String,
    /// Which kind of symbol.
    pub symbology: Symbology,
    /// The trade item number; its check digit is right. `None` for a Code 128, QR code or DataMatrix that says none.
    pub gtin: Option<Gtin>,
    /// The two or five digits beside an EAN or UPC: a price, an issue.
    pub add_on: Option<String>,
    /// What the symbol says as a GS1 element string or a Digital Link.
    pub gs1: Option<ElementString>,
    /// How sure it is, 0 to 1: several lines that say the same, no other number that fits nearly as well, a second decoder
    /// that agrees. It orders scans; it is no probability.
    pub confidence: f32,
    /// Whether a person should look: the confidence is below [`BarcodeConfig::confirm_below`], or the symbol is a
    /// [`Symbology::DataBarExpanded`].
    pub requires_confirmation: bool,
    /// Where it is; `None` when the whole picture was searched.
    pub region: Option<Region>,
}

/// Kinds of symbols that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Symbology {
    /// EAN-13, with UPC-A as the numbers that begin with 0.
    Ean13,
    /// EAN-8, of eight digits.
    Ean8,
    /// UPC-E, of eight digits.
    UpcE,
    /// Code 128, GS1-128 included.
    Code128,
    /// Interleaved 2 of 5 with 14 digits (ITF-14).
    Itf14,
    /// GS1 DataBar Omnidirectional, Truncated and Stacked.
    DataBar,
    /// GS1 DataBar Expanded and Expanded Stacked.
    DataBarExpanded,
    /// QR code, with whatever text.
    Qr,
    /// Data Matrix, with whatever text.
    DataMatrix,
}
