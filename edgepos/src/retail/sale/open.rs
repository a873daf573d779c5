//! The baskets that are open here, and what they promise: bytes that booking them writes, and goods that they take back.

use std::collections::BTreeMap;
use std::ops::Bound;

use edgepos_core::{Space, Write};

use super::basket::Basket;
use super::body::BasketId;
use crate::retail::counters::Counters;
use crate::retail::effect::CounterRow;
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::UnitOfWork;

/// Baskets that were begun and neither committed nor abandoned.
#[derive(Debug, Default)]
pub(super) struct OpenBaskets {
    baskets: BTreeMap<BasketId, Basket>,
    /// What they take back of each receipt line.
    returning: BTreeMap<CounterRow, i64>,
    /// Bytes that their commits may write.
    promised: u64,
}

impl OpenBaskets {
    /// Each of them, by rising id.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Basket> {
        self.baskets.values()
    }

    /// Each of them behind `after`, by rising id.
    pub(super) fn after(&self, after: Option<BasketId>) -> impl Iterator<Item = &Basket> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.baskets.range((start, Bound::Unbounded)).map(|(_, basket)| basket)
    }

    pub(super) fn get(&self, id: BasketId) -> Option<&Basket> {
        self.baskets.get(&id)
    }

    pub(super) fn contains(&self, id: BasketId) -> bool {
        self.baskets.contains_key(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.baskets.len()
    }

    /// Bytes that their commits may write.
    pub(super) fn promised(&self) -> u64 {
        self.promised
    }

    /// Takes in a basket that is on disk, or about to be.
    pub(super) fn insert(&mut self, basket: Basket) {
        for (row, quantity) in basket.returns() {
            *self.returning.entry(row).or_insert(0) += quantity;
        }
        self.promised = self.promised.saturating_add(basket.needs());
        self.baskets.insert(basket.transaction.basket, basket);
    }

    /// A basket is not open any more, and its row goes.
    pub(super) fn remove(&mut self, out: &mut UnitOfWork, id: BasketId) {
        self.forget(id);
        out.write(Write::delete(Space::Basket, id.0));
    }

    /// Other contents take the place of those that a basket was begun with.
    pub(super) fn replace(&mut self, basket: Basket) {
        self.forget(basket.transaction.basket);
        self.insert(basket);
    }

    fn forget(&mut self, id: BasketId) {
        let Some(basket) = self.baskets.remove(&id) else { return };
        self.promised = self.promised.saturating_sub(basket.needs());
        for (row, quantity) in basket.returns() {
            if let Some(returning) = self.returning.get_mut(&row) {
                *returning -= quantity;
                if *returning <= 0 {
                    self.returning.remove(&row);
                }
            }
        }
    }

    /// Refuses to take back more of a receipt line than is known to be left beside what these take back. A receipt that this terminal
    /// has never seen is taken: it may be another store's, or a cut-off till's.
    pub(super) fn check_returnable(
        &self,
        counters: &Counters,
        basket: &Basket,
        left: &BTreeMap<CounterRow, i64>,
    ) -> Result<(), Refusal> {
        let Some(before) = self.get(basket.transaction.basket) else {
            return basket.check_returnable(counters, &self.returning, left);
        };
        // What it took back before it changes is no other basket's.
        let mut others = self.returning.clone();
        for (row, quantity) in before.returns() {
            others.entry(row).and_modify(|returning| *returning -= quantity);
        }
        basket.check_returnable(counters, &others, left)
    }
}
