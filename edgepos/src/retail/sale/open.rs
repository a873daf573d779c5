//! The baskets that are open here, and what they promise: bytes that booking them writes, and what they keep back from each other.
//!
//! Each is a row on disk. Those that have not changed for longest leave memory where there are too many, and are read again when somebody
//! asks for one. What decides is memory where a basket is there, or a row of it is being written, and the disk else.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{Space, Write};

use super::basket::Basket;
use super::body::BasketId;
use crate::retail::counters::Counters;
use crate::retail::effect::{CounterRow, Effect};
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// Most baskets that a start takes into memory, before it knows how many there may be.
const MAX_RESTORED: usize = 4_096;

/// Baskets that were begun and neither committed nor abandoned.
#[derive(Debug, Default)]
pub(crate) struct OpenBaskets {
    baskets: BTreeMap<BasketId, Held>,
    /// By when they changed last, the oldest first.
    order: BTreeSet<(u64, BasketId)>,
    /// What they take of each receipt line, gift card, coupon and customer's points. A basket that is on disk alone keeps nothing back.
    kept_back: BTreeMap<CounterRow, i64>,
    /// Bytes that commits of those in memory may write.
    promised: u64,
    /// How many are on disk alone.
    away: usize,
    /// Bytes that the commit of the largest of them writes: they are booked one after another, seldom, and would fill the disk by and by.
    largest_away: u64,
    /// Writes of a basket's row that are not reported yet: the disk may show what was before.
    writing: BTreeMap<BasketId, u32>,
    /// Baskets that a call has looked at and looks at again: they stay in memory.
    held: BTreeMap<BasketId, u32>,
}

/// A basket in memory.
#[derive(Debug)]
struct Held {
    basket: Basket,
    /// Its place in the order.
    since: u64,
}

impl OpenBaskets {
    /// Each of those in memory, by rising id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Basket> {
        self.baskets.values().map(|held| &held.basket)
    }

    pub(super) fn get(&self, id: BasketId) -> Option<&Basket> {
        self.baskets.get(&id).map(|held| &held.basket)
    }

    /// Whether it is in memory.
    pub(super) fn contains(&self, id: BasketId) -> bool {
        self.baskets.contains_key(&id)
    }

    /// How many there are, in memory and on disk alone.
    pub(super) fn len(&self) -> usize {
        self.baskets.len() + self.away
    }

    /// How many are on disk alone.
    pub(super) fn away(&self) -> usize {
        self.away
    }

    /// Whether only the disk can tell if a basket is open.
    pub(super) fn may_be_away(&self, id: BasketId) -> bool {
        self.away > 0 && !self.contains(id) && !self.writing.contains_key(&id)
    }

    /// Bytes that their commits may write.
    pub(super) fn promised(&self) -> u64 {
        self.promised.saturating_add(self.largest_away)
    }

    /// Takes in a basket from disk, at a start.
    pub(super) fn restore(&mut self, basket: Basket) {
        self.put(basket.begun_ms, basket);
        if self.baskets.len() > MAX_RESTORED {
            self.send_away(|_| true);
        }
    }

    /// A basket that was on disk alone was asked for, and read.
    pub(super) fn bring_back(&mut self, basket: Basket) {
        self.away = self.away.saturating_sub(1);
        if self.away == 0 {
            self.largest_away = 0;
        }
        self.insert(basket);
    }

    /// Lets baskets leave memory until fewer than `limit` are there. Whether that is so; those that are not `free` stay.
    pub(super) fn make_room(&mut self, limit: usize, free: impl Fn(BasketId) -> bool) -> bool {
        while self.baskets.len() >= limit && self.send_away(&free) {}
        self.baskets.len() < limit
    }

    /// The one that has not changed for longest leaves memory: one that takes goods back, or from a gift card, only where no other does, since
    /// what it takes is not kept back from others then.
    fn send_away(&mut self, free: impl Fn(BasketId) -> bool) -> bool {
        let may_go =
            |id: &BasketId| !self.writing.contains_key(id) && !self.held.contains_key(id) && free(*id);
        let returns =
            |id: &BasketId| self.get(*id).is_some_and(|basket| basket.keeps_back().next().is_some());
        let mut oldest = self.order.iter().map(|(_, id)| id).filter(|id| may_go(id));
        let Some(first) = oldest.next() else { return false };
        let sells = std::iter::once(first).chain(oldest).find(|id| !returns(id));
        let id = *sells.unwrap_or(first);
        let needs = self.get(id).map_or(0, Basket::needs);
        self.forget(id);
        self.away += 1;
        self.largest_away = self.largest_away.max(needs);
        true
    }

    /// Takes in a basket that is on disk, or about to be.
    pub(super) fn insert(&mut self, basket: Basket) {
        let since = self.order.last().map_or(0, |(since, _)| since.saturating_add(1));
        self.put(since, basket);
    }

    fn put(&mut self, since: u64, basket: Basket) {
        for (row, quantity) in basket.keeps_back() {
            *self.kept_back.entry(row).or_insert(0) += quantity;
        }
        self.promised = self.promised.saturating_add(basket.needs());
        self.order.insert((since, basket.transaction.basket));
        self.baskets.insert(basket.transaction.basket, Held { basket, since });
    }

    /// A basket is not open any more, and its row goes.
    pub(super) fn remove(&mut self, out: &mut UnitOfWork, id: BasketId) {
        self.forget(id);
        out.write(Write::delete(Space::Basket, id.0));
        self.is_written(id, out);
    }

    /// The row of a basket is in what is being gathered: until that is reported, the disk may show what was before.
    pub(super) fn is_written(&mut self, id: BasketId, out: &mut UnitOfWork) {
        *self.writing.entry(id).or_insert(0) += 1;
        out.then(Then::BasketWritten(id));
    }

    /// A write of a basket's row is reported.
    pub(crate) fn written(&mut self, id: BasketId) {
        one_less(&mut self.writing, id);
    }

    /// A call comes back to this basket: until [`let_go`](Self::let_go) it stays in memory.
    pub(crate) fn hold(&mut self, id: BasketId) {
        *self.held.entry(id).or_insert(0) += 1;
    }

    pub(crate) fn let_go(&mut self, id: BasketId) {
        one_less(&mut self.held, id);
    }

    /// Other contents take the place of those that a basket was begun with.
    pub(super) fn replace(&mut self, basket: Basket) {
        self.forget(basket.transaction.basket);
        self.insert(basket);
    }

    fn forget(&mut self, id: BasketId) {
        let Some(Held { basket, since }) = self.baskets.remove(&id) else { return };
        self.order.remove(&(since, id));
        self.promised = self.promised.saturating_sub(basket.needs());
        for (row, quantity) in basket.keeps_back() {
            if let Some(kept) = self.kept_back.get_mut(&row) {
                *kept -= quantity;
                if *kept <= 0 {
                    self.kept_back.remove(&row);
                }
            }
        }
    }

    /// Refuses to take back more of a receipt line than is known to be left beside what these take back, and more from a gift card,
    /// points or a coupon than is known to be there. A receipt that this terminal has never seen is taken: it may be another store's, or
    /// a cut-off till's.
    pub(super) fn check_kept_back(
        &self,
        counters: &Counters,
        basket: &Basket,
        left: &BTreeMap<CounterRow, i64>,
    ) -> Result<(), Refusal> {
        let Some(before) = self.get(basket.transaction.basket) else {
            basket.check_drawn(counters, &self.kept_back)?;
            return basket.check_returnable(counters, &self.kept_back, left);
        };
        // What it took before it changes is no other basket's.
        let mut others = self.kept_back.clone();
        for (row, quantity) in before.keeps_back() {
            others.entry(row).and_modify(|kept| *kept -= quantity);
        }
        basket.check_drawn(counters, &others)?;
        basket.check_returnable(counters, &others, left)
    }

    /// Refuses payments that take more from a card than is known to be there, with what open baskets take, the one that is paid included.
    pub(super) fn check_paid_from(&self, counters: &Counters, effects: &[Effect]) -> Result<(), Refusal> {
        let mut asked: BTreeMap<CounterRow, i64> = BTreeMap::new();
        for effect in effects.iter().filter(|effect| effect.counter.is_drawn() && effect.delta < 0) {
            let row = effect.row();
            let (Some(value), Some(floor)) = (counters.get(&row), effect.floor) else { continue };
            let kept = self.kept_back.get(&row).copied().unwrap_or(0);
            let asked = asked.entry(row).or_insert(0);
            let left = value.saturating_sub(kept).saturating_sub(*asked).saturating_sub(floor);
            *asked = asked.saturating_sub(effect.delta);
            if effect.delta.saturating_neg() > left {
                return Err(Refusal::Overdrawn { counter: effect.counter, left: left.max(0) });
            }
        }
        Ok(())
    }
}

fn one_less(counts: &mut BTreeMap<BasketId, u32>, id: BasketId) {
    if let Some(count) = counts.get_mut(&id) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&id);
        }
    }
}
