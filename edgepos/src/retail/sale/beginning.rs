//! A basket that shall be opened, or change, while it is asked whether it was booked before.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{EventId, IdempotencyKey};

use super::basket::Basket;
use super::body::BasketId;
use crate::retail::effect::CounterRow;
use crate::retail::keys::found::Found;
use crate::retail::unreadable::Unreadable;
use crate::terminal::io::RequestId;
use crate::terminal::refusal::Refusal;

/// A basket between its call and the answer whether it was booked before.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) basket: Basket,
    pub(super) key: Option<IdempotencyKey>,
    /// The parking that it is recalled from.
    pub(super) parked: Option<EventId>,
    /// Whether it is open, and changes.
    pub(super) updates: bool,
    /// What the receipts of what comes back say of it.
    pub(super) allowed: Result<(), Refusal>,
    /// Everybody who asked with this basket.
    pub(super) waiting: Vec<RequestId>,
    /// Receipts of which it takes something back, and whose sale is being read.
    pub(super) originals: BTreeSet<BasketId>,
    /// What may be returned of their lines that have no counter row.
    pub(super) left: BTreeMap<CounterRow, i64>,
    /// Who was booked for the basket, once that is known.
    pub(super) found: Option<Result<Found, Unreadable>>,
}

impl Beginning {
    /// A basket that somebody asks for.
    pub(super) fn of(basket: Basket, request: RequestId) -> Self {
        let (originals, left) = (BTreeSet::new(), BTreeMap::new());
        let waiting = vec![request];
        let (parked, updates, allowed) = (None, false, Ok(()));
        Self { basket, key: None, parked, updates, allowed, waiting, originals, left, found: None }
    }
}
