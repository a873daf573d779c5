//! The receipt: proof of a booked transaction.

use edgepos_core::{EventId, IdempotencyKey};

use super::body::BasketId;
use super::tenders::Tenders;

/// The customer has paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The basket that was begun.
    pub basket: BasketId,
    /// The till's key: a repeat returns the first receipt and books nothing.
    pub key: IdempotencyKey,
    /// How it was paid, and what was given back. What does not come to the total is refused, and the basket stays open.
    pub tenders: Tenders,
}

/// Proof of a booked transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Receipt {
    /// The event that booked it.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// The basket that it came of.
    pub basket: BasketId,
    /// The receipt series.
    pub series: String,
    /// Its number there.
    pub number: u64,
    /// What was sold for, in minor units.
    pub total: i64,
}
