//! Goods that come, go and break.

use edgepos_wire::to_cbor;
use minicbor::{Decode, Encode};

use super::code;
use super::effect::{CounterRow, Effect};
use super::kind::KnownKind;
use super::money::MAX_MAGNITUDE;
use super::record::Record;
use super::redact::mask_card_numbers;
use crate::terminal::refusal::Refusal;

/// Why stock moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[cbor(index_only)]
pub enum StockReason {
    /// Goods came in.
    #[n(0)]
    Receipt,
    /// Goods left for another place.
    #[n(1)]
    TransferOut,
    /// Goods came from another place.
    #[n(2)]
    TransferIn,
    /// Goods broke or spoiled.
    #[n(3)]
    Damage,
    /// The record was wrong.
    #[n(4)]
    Adjust,
}

/// One product of a stock movement.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StockLine {
    /// The product's code.
    #[n(0)]
    pub product: String,
    /// By how many base units stock on hand changes here: below zero where goods leave, for another place or broken, and above where they
    /// come from one. A receipt and an adjustment have either sign.
    #[n(1)]
    pub quantity: i64,
}

/// The body of [`Kind::STOCK_MOVED`](crate::model::Kind::STOCK_MOVED).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct StockMoved {
    /// Why the goods moved.
    #[n(0)]
    pub reason: StockReason,
    /// Where it came from: supplier, store.
    #[n(1)]
    pub from: Option<String>,
    /// Where it went.
    #[n(2)]
    pub to: Option<String>,
    /// What moved, a line a product.
    #[n(3)]
    pub lines: Vec<StockLine>,
}

impl StockReason {
    /// Whether goods may move so, by their number here.
    fn allows(self, quantity: i64) -> bool {
        match self {
            Self::TransferOut | Self::Damage => quantity <= 0,
            Self::TransferIn => quantity >= 0,
            Self::Receipt | Self::Adjust => true,
        }
    }
}

impl Record {
    /// Goods moved: stock on hand at `location` changes by each line's quantity. A product code that is no code is refused when it is
    /// recorded, as is a quantity whose sign contradicts the reason; card numbers in the free text are masked.
    pub fn stock_moved(moved: &StockMoved, location: u32) -> Self {
        if !moved.lines.iter().all(|line| moved.reason.allows(line.quantity)) {
            let reason =
                "goods that leave or break count below zero, and those that come from elsewhere above";
            return Self::refuse(Refusal::BadField { field: "quantity", reason });
        }
        if moved.lines.iter().any(|line| line.quantity.unsigned_abs() > MAX_MAGNITUDE) {
            return Self::refuse(Refusal::Overflow);
        }
        let line = |line: &StockLine| {
            code::check(&line.product).map(|product| StockLine { product, quantity: line.quantity })
        };
        let lines: Vec<StockLine> = match moved.lines.iter().map(line).collect() {
            Ok(lines) => lines,
            Err(reason) => {
                return Self::refuse(Refusal::BadField { field: "product", reason });
            }
        };
        let masked = |text: &Option<String>| text.as_deref().map(mask_card_numbers);
        let moved =
            StockMoved { reason: moved.reason, from: masked(&moved.from), to: masked(&moved.to), lines };
        let effects = moved
            .lines
            .iter()
            .map(|line| Effect::new(CounterRow::stock(&line.product, location), line.quantity, Some(0)))
            .collect();
        Self::event(KnownKind::StockMoved, to_cbor(&moved), effects)
    }
}
