//! Events that are no sale: what an application records beside the receipts.

use crate::model::{CounterRow, DayOpened, Effect, Kind, Mode, PriceSet, ProductSet, StockMoved, to_cbor};

/// An event to record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub(super) what: What,
    /// Whether it counts.
    pub mode: Mode,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A kind with its body and effects.
    Event { kind: Kind, body: Vec<u8>, effects: Vec<Effect> },
    /// The business day begins.
    DayOpened(DayOpened),
    /// The business day ends, with so much cash counted; its watermark is taken when it is recorded.
    DayClosed { counted: i64 },
}

impl Record {
    fn event(kind: Kind, body: Vec<u8>, effects: Vec<Effect>) -> Self {
        Self { what: What::Event { kind, body, effects }, mode: Mode::Live }
    }

    /// Goods moved: stock on hand at `location` changes by each line's quantity.
    pub fn stock_moved(moved: &StockMoved, location: u32) -> Self {
        let effects = moved
            .lines
            .iter()
            .map(|line| Effect::new(CounterRow::stock(&line.product, location), line.quantity, Some(0)))
            .collect();
        Self::event(Kind::STOCK_MOVED, to_cbor(moved), effects)
    }

    /// A product's master data.
    pub fn product(product: &ProductSet) -> Self {
        Self::event(Kind::PRODUCT_SET, to_cbor(product), Vec::new())
    }

    /// A price.
    pub fn price(price: &PriceSet) -> Self {
        Self::event(Kind::PRICE_SET, to_cbor(price), Vec::new())
    }

    /// The business day `day` (yyyymmdd) begins with `float` minor units in the drawer.
    pub fn day_opened(day: u32, float: i64) -> Self {
        Self { what: What::DayOpened(DayOpened { day, float }), mode: Mode::Live }
    }

    /// The open business day ends; `counted` minor units are in the drawer.
    pub fn day_closed(counted: i64) -> Self {
        Self { what: What::DayClosed { counted }, mode: Mode::Live }
    }

    /// A vendor's own event: `body` is opaque, `effects` move counters.
    pub fn custom(body: Vec<u8>, effects: Vec<Effect>) -> Self {
        Self::event(Kind::CUSTOM, body, effects)
    }
}
