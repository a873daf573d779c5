//! Goods that come, go and break.

pub(crate) mod body;

use edgepos_wire::to_cbor;

use self::body::{StockLine, StockMoved};
use super::code;
use super::effect::{CounterRow, Effect};
use super::kind::KnownKind;
use super::record::Record;
use super::redact::mask_card_numbers;
use crate::terminal::refusal::Refusal;

impl Record {
    /// Goods moved: stock on hand at `location` changes by each line's quantity. A product code that is no code is refused when it is
    /// recorded, and card numbers in the free text are masked.
    pub fn stock_moved(moved: &StockMoved, location: u32) -> Self {
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
