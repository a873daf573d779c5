//! What is said of goods that somebody counted.

use std::collections::BTreeSet;

use edgepos_core::EventId;
use edgepos_crdt::VersionVector;
use edgepos_wire::to_cbor;
use minicbor::{Decode, Encode};

use crate::retail::code;
use crate::retail::money::MAX_MAGNITUDE;
use crate::terminal::refusal::Refusal;

/// Most products of one count.
pub const MAX_COUNT_LINES: usize = 400;

/// One product that was counted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct CountLine {
    /// The product's code.
    #[n(0)]
    pub product: String,
    /// How many base units there are.
    #[n(1)]
    pub counted: i64,
    /// How many its counter said, as the terminal had seen: written when it is recorded.
    #[n(2)]
    pub expected: Option<i64>,
}

impl CountLine {
    /// So much of a product.
    pub fn new(product: impl Into<String>, counted: i64) -> Self {
        Self { product: product.into(), counted, expected: None }
    }

    /// By how much its counter was off.
    pub(super) fn difference(&self) -> i64 {
        self.counted.saturating_sub(self.expected.unwrap_or(0))
    }
}

/// The body of [`Kind::STOCK_COUNTED`](crate::model::Kind::STOCK_COUNTED): how many there were of some products at one place, with
/// everything that its terminal had seen by then.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct StockCounted {
    /// The place in the store.
    #[n(0)]
    pub location: u32,
    /// What was counted, a line a product.
    #[n(1)]
    pub lines: Vec<CountLine>,
    #[n(2)]
    #[cbor(with = "edgepos_wire::event_ids")]
    as_of: Vec<EventId>,
}

impl StockCounted {
    /// What was counted at a place, with what was seen by then.
    pub fn new(location: u32, lines: Vec<CountLine>, as_of: &VersionVector) -> Self {
        Self { location, lines, as_of: as_of.iter().map(|(chain, seq)| EventId::new(chain, seq)).collect() }
    }

    /// The events that its terminal had seen: what is in them is in the count, and everything else comes on top of it.
    pub fn as_of(&self) -> VersionVector {
        self.as_of.iter().map(|id| (id.chain, id.seq)).collect()
    }

    /// What the till asked for when it was recorded, as bytes.
    pub(crate) fn as_asked(&self) -> Vec<u8> {
        let lines: Vec<_> = self.lines.iter().map(|line| (&line.product, line.counted)).collect();
        to_cbor(&(self.location, lines))
    }
}

/// The body of [`Kind::COUNT_SETTLED`](crate::model::Kind::COUNT_SETTLED): whether the difference that a count had found stands beside
/// counts that were made at the same time. Its effect takes the difference back, or adds it again.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct CountSettled {
    /// The count that it is about.
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_id")]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub count: EventId,
    /// The product whose counter it is about.
    #[n(1)]
    pub product: String,
    /// Whether the difference counts from here on.
    #[n(2)]
    pub stands: bool,
}

/// What is counted at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CountRecord {
    pub(crate) location: u32,
    pub(crate) lines: Vec<CountLine>,
}

impl CountRecord {
    /// The body that it becomes, but for what is found out when it is recorded.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut lines = self.lines.clone();
        // What is no count is refused when it is recorded.
        let _ = check(&mut lines);
        to_cbor(&StockCounted::new(self.location, lines, &VersionVector::new()))
    }
}

/// Refuses what is no count, and names each product by its key.
pub(super) fn check(lines: &mut [CountLine]) -> Result<(), Refusal> {
    if lines.is_empty() || lines.len() > MAX_COUNT_LINES {
        return Err(Refusal::BadField { field: "lines", reason: "a count has 1 to 400 products" });
    }
    let mut seen = BTreeSet::new();
    for line in lines {
        line.product =
            code::check(&line.product).map_err(|reason| Refusal::BadField { field: "product", reason })?;
        if !(0..=MAX_MAGNITUDE as i64).contains(&line.counted) {
            return Err(Refusal::BadField { field: "counted", reason: "there are 0 to 10^12 of a product" });
        }
        if !seen.insert(code::key(&line.product)) {
            return Err(Refusal::BadField { field: "product", reason: "it is counted twice" });
        }
    }
    Ok(())
}
