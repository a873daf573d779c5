//! A basket that shall be opened, or change, while it is asked whether it was booked before.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{EventId, IdempotencyKey};

use super::basket::Basket;
use super::body::BasketId;
use crate::retail::effect::CounterRow;
use crate::retail::keys::found::Found;
use crate::retail::sums::{SoldBy, returnable};
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
    /// Whether it is parked or goes on elsewhere, once that is known.
    pub(super) parkings: Option<Result<(), Refusal>>,
    /// Who was booked for the basket, once that is known.
    pub(super) found: Option<Result<Found, Unreadable>>,
}

/// Baskets that shall be opened, or change.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    baskets: BTreeMap<BasketId, Beginning>,
}

impl Beginnings {
    /// What they shall hold, by rising name.
    pub(super) fn baskets(&self) -> impl Iterator<Item = &Basket> {
        self.baskets.values().map(|beginning| &beginning.basket)
    }

    pub(super) fn len(&self) -> usize {
        self.baskets.len()
    }

    pub(super) fn contains(&self, id: BasketId) -> bool {
        self.baskets.contains_key(&id)
    }

    pub(super) fn insert(&mut self, beginning: Beginning) {
        self.baskets.insert(beginning.basket.transaction.basket, beginning);
    }

    /// Whether this call is a repeat of one that is under way, and waits with it.
    ///
    /// # Errors
    /// When something else is asked of the basket, or more than `limit` wait.
    pub(super) fn joins(
        &mut self,
        basket: &Basket,
        updates: bool,
        request: RequestId,
        limit: usize,
    ) -> Result<bool, Refusal> {
        let id = basket.transaction.basket;
        let Some(beginning) = self.baskets.get_mut(&id) else { return Ok(false) };
        if beginning.parked.is_some() || beginning.updates != updates {
            return Err(Refusal::BasketBusy(id));
        }
        if !beginning.basket.same_contents(basket) {
            return Err(Refusal::BasketExists(id));
        }
        if beginning.waiting.len() >= limit {
            return Err(Refusal::Full { what: "repeats of one basket", limit });
        }
        beginning.waiting.push(request);
        Ok(true)
    }

    /// Whether the basket is being recalled, or begun, and the call waits with that.
    pub(super) fn recalls(&mut self, id: BasketId, request: RequestId) -> bool {
        let beginning = self.baskets.get_mut(&id);
        beginning.map(|beginning| beginning.waiting.push(request)).is_some()
    }

    /// Who was booked for one.
    pub(super) fn found(&mut self, id: BasketId, found: Result<Found, Unreadable>) {
        if let Some(beginning) = self.baskets.get_mut(&id) {
            beginning.found = Some(found);
        }
    }

    /// Whether one is parked, or goes on elsewhere.
    pub(super) fn parkings_read(&mut self, id: BasketId, may_begin: Result<(), Refusal>) {
        if let Some(beginning) = self.baskets.get_mut(&id) {
            beginning.parkings = Some(may_begin);
        }
    }

    /// What was sold of a basket of which something shall come back. Those that waited for it.
    pub(super) fn sold_known(&mut self, original: BasketId, sales: &[SoldBy]) -> Vec<BasketId> {
        let mut waited = Vec::new();
        for (id, beginning) in &mut self.baskets {
            if !beginning.originals.remove(&original) {
                continue;
            }
            for (row, _) in beginning.basket.returns() {
                if let Some(left) = returnable(sales, &row) {
                    beginning.left.insert(row, left);
                }
            }
            waited.push(*id);
        }
        waited
    }

    /// One of which all is answered that was asked, with who was booked for it.
    pub(super) fn take_ready(&mut self, id: BasketId) -> Option<(Beginning, Result<Found, Unreadable>)> {
        let beginning = self.baskets.get_mut(&id)?;
        if !beginning.originals.is_empty() || beginning.parkings.is_none() {
            return None;
        }
        let found = beginning.found.take()?;
        Some((self.baskets.remove(&id)?, found))
    }

    /// Ends all of them. Whoever waits.
    pub(super) fn stop(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.baskets).into_values().flat_map(|beginning| beginning.waiting).collect()
    }
}

impl Beginning {
    /// A basket that somebody asks for.
    pub(super) fn of(basket: Basket, request: RequestId) -> Self {
        let (originals, left) = (BTreeSet::new(), BTreeMap::new());
        let waiting = vec![request];
        let (parked, updates, allowed) = (None, false, Ok(()));
        let (parkings, found) = (None, None);
        Self { basket, key: None, parked, updates, allowed, waiting, originals, left, parkings, found }
    }
}
