//! The receipt: proof of a booked transaction, kept under the till's key.

use edgepos_core::{EventId, IdempotencyKey, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::body::{BasketId, Tenders};
use crate::retail::unreadable::Unreadable;

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
pub struct Receipt {
    /// The event that booked it.
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

/// The row that an idempotency key leads to.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
struct StoredReceipt {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    event: Vec<u8>,
    #[n(1)]
    basket: BasketId,
    #[n(2)]
    series: String,
    #[n(3)]
    number: u64,
    #[n(4)]
    total: i64,
}

impl Receipt {
    /// The row that the till's key leads to.
    pub(crate) fn row(&self, key: IdempotencyKey) -> Write {
        let stored = StoredReceipt {
            event: self.event.to_key().to_vec(),
            basket: self.basket,
            series: self.series.clone(),
            number: self.number,
            total: self.total,
        };
        Write::put(Space::IdempotencyKey, key.0, to_cbor(&stored))
    }

    /// Reads what [`row`](Self::row) wrote.
    pub(crate) fn from_row(row: &[u8]) -> Result<Self, Unreadable> {
        let stored: StoredReceipt = from_cbor("receipt", row)?;
        let event = EventId::from_key(&stored.event).ok_or(Unreadable::NoName { what: "an event" })?;
        let StoredReceipt { basket, series, number, total, .. } = stored;
        Ok(Self { event, basket, series, number, total })
    }
}
