//! What is said of baskets that are put aside at one till and recalled at another.

use edgepos_core::EventId;
use minicbor::{Decode, Encode};

use crate::retail::money::Currency;
use crate::retail::sale::body::BasketId;

/// The body of [`Kind::BASKET_PARKED`](crate::model::Kind::BASKET_PARKED): a basket is put aside, for whichever till recalls it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct BasketParked {
    /// The till's name for the basket; it keeps it.
    #[n(0)]
    pub basket: BasketId,
    /// What the customer will owe, in minor units.
    #[n(1)]
    pub total: i64,
    /// Of which currency.
    #[n(2)]
    pub currency: Currency,
    /// The basket as the row of an open one has it, without a receipt number.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    contents: Vec<u8>,
}

impl BasketParked {
    /// A basket with these contents: the row of an open one.
    pub(crate) fn new(basket: BasketId, total: i64, currency: Currency, contents: Vec<u8>) -> Self {
        Self { basket, total, currency, contents }
    }

    /// The basket as the row of an open one has it.
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }
}

/// The body of [`Kind::BASKET_CLAIMED`](crate::model::Kind::BASKET_CLAIMED) and of
/// [`Kind::BASKET_CLOSED`](crate::model::Kind::BASKET_CLOSED): a parked basket goes on at a till, or is given up.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct BasketTaken {
    /// The basket that was parked.
    #[n(0)]
    pub basket: BasketId,
    #[n(1)]
    #[cbor(with = "edgepos_wire::event_ids")]
    parked: Vec<EventId>,
}

impl BasketTaken {
    /// The basket that this event had parked.
    pub fn new(basket: BasketId, parked: EventId) -> Self {
        Self { basket, parked: vec![parked] }
    }

    /// The event that had parked it.
    pub fn parked(&self) -> Option<EventId> {
        self.parked.first().copied()
    }
}
