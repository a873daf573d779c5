//! A basket that was begun: what it holds until it is paid or given up.

use edgepos_wire::to_cbor;
use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::beside_payments::{MAX_BYTES, MAX_EFFECTS};
use super::body::{BasketId, DocType, Line, Transaction};
use super::fiscal::Signature;
use super::tenders::Tenders;
use super::unresolved::OpenBasket;
use crate::retail::counters::Counters;
use crate::retail::effect::{Counter, CounterRow, Effect};
use crate::retail::envelope::Mode;
use crate::retail::sums::{basket_of, lowest};
use crate::terminal::config::{Config, NumberAt};
use crate::terminal::disk;
use crate::terminal::refusal::Refusal;

/// A begun basket, as it is on disk.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Basket {
    /// Without payments so far.
    #[n(0)]
    pub(crate) transaction: Transaction,
    #[n(1)]
    pub(crate) operator: Option<String>,
    #[n(2)]
    #[cbor(default)]
    pub(crate) mode: Mode,
    #[n(3)]
    pub(crate) effects: Vec<Effect>,
    #[n(4)]
    pub(crate) begun_ms: u64,
    /// The business day that it was begun on, and belongs to whenever it is paid.
    #[n(5)]
    pub(crate) day: Option<u32>,
    /// Whether a fiscal device signs its receipt. Absent where none does.
    #[n(6)]
    pub(super) signed: Option<bool>,
    /// The fingerprint of what the till said of its lines, where labels said a part of them: who says the same again repeats it, whatever
    /// the labels say by then. Absent where the lines stand as they were said.
    #[n(7)]
    #[cbor(with = "minicbor::bytes")]
    pub(super) as_said: Option<Vec<u8>>,
}

impl Basket {
    /// Goes on in the place of what was begun: under its number, on its day.
    pub(crate) fn going_on_from(self, begun: &Self) -> Self {
        let Transaction { number, series, .. } = begun.transaction.clone();
        let transaction = Transaction { number, series, ..self.transaction };
        Self { transaction, begun_ms: begun.begun_ms, day: begun.day, signed: begun.signed, ..self }
    }

    /// Whether beginning `other` again is a repeat of this.
    pub(crate) fn same_contents(&self, other: &Self) -> bool {
        let (known, mut other) = (self.clone().without_sold(), other.clone().without_sold());
        let Transaction { number, series, .. } = &known.transaction;
        other.transaction.number = *number;
        // An incarnation that began meanwhile gives its series names of their own.
        let ending = other.transaction.series.strip_prefix(series.as_str());
        if ending.is_some_and(|ending| ending.starts_with('.')) {
            other.transaction.series.clone_from(series);
        }
        known.transaction == other.transaction
            && known.operator == other.operator
            && known.mode == other.mode
            && known.effects == other.effects
    }

    /// Without what receipts say was sold: the receipt may have come here since the basket was begun.
    fn without_sold(mut self) -> Self {
        self.transaction.lines.iter_mut().for_each(|line| line.sold = None);
        self.effects.retain(|effect| effect.counter != Counter::REFUNDABLE);
        let returnable = self.effects.iter_mut().filter(|effect| effect.counter == Counter::RETURNABLE);
        returnable.for_each(|effect| effect.floor = Some(0));
        self
    }

    /// The goods leave from another place than the one where they were scanned.
    pub(crate) fn moved(self, from: u32, to: u32) -> Self {
        let of_place = |effect: &Effect| effect.counter == Counter::STOCK && effect.location == from;
        let moved = |effect| if of_place(&effect) { Effect { location: to, ..effect } } else { effect };
        Self { effects: self.effects.into_iter().map(moved).collect(), ..self }
    }

    /// Refuses to take back more of a receipt line than is known to be left, with what other baskets take back. `left` says it of
    /// lines that no counter has.
    pub(super) fn check_returnable(
        &self,
        counters: &Counters,
        returning: &BTreeMap<CounterRow, i64>,
        left: &BTreeMap<CounterRow, i64>,
    ) -> Result<(), Refusal> {
        let mut asked: BTreeMap<CounterRow, i64> = BTreeMap::new();
        for line in &self.transaction.lines {
            let Some((row, quantity)) = returned(line) else { continue };
            // Nobody judges a receipt from what is missing here: the sale may still be on its way.
            let is_sold = !counters.lacks_sale(&row) && counters.added(&row) > 0;
            let moved = counters.get(&row);
            let again = counters.item(&row).map_or(0, |item| counters.sold_again(item));
            let once = moved.map(|moved| moved.saturating_sub(again));
            let known = once.filter(|_| is_sold).or_else(|| left.get(&row).copied());
            // As the till read it, less what has come back.
            let read = || line.sold.map(|sold| sold.saturating_add(moved.unwrap_or(0)));
            let Some(value) = known.or_else(read) else { continue };
            let others = returning.get(&row).copied().unwrap_or(0);
            let asked = asked.entry(row).or_insert(0);
            let remaining = value.saturating_sub(others).saturating_sub(*asked);
            *asked += quantity;
            if quantity > remaining {
                return Err(Refusal::NotReturnable { line: line.no, remaining: remaining.max(0) });
            }
        }
        Ok(())
    }

    /// Refuses to take more from a gift card, points or a coupon than is known to be there, with what other baskets take. One that nobody
    /// here has heard of may have been loaded at a till that is cut off.
    pub(super) fn check_drawn(
        &self,
        counters: &Counters,
        others: &BTreeMap<CounterRow, i64>,
    ) -> Result<(), Refusal> {
        for (row, (taken, floor)) in self.drawn() {
            let (Some(value), Some(floor)) = (counters.get(&row), floor) else { continue };
            let others = others.get(&row).copied().unwrap_or(0);
            let left = value.saturating_sub(others).saturating_sub(floor);
            if taken > left {
                return Err(Refusal::Overdrawn { counter: row.counter, left: left.max(0) });
            }
        }
        Ok(())
    }

    /// What it takes from gift cards, points and coupons, with what it puts there, and the floor that the till names. Goods that come back
    /// take the points back that they brought, spent or not.
    fn drawn(&self) -> BTreeMap<CounterRow, (i64, Option<i64>)> {
        let takes_back =
            matches!(self.transaction.doc_type, DocType::Return | DocType::Void | DocType::Exchange);
        let mut drawn: BTreeMap<CounterRow, (i64, Option<i64>)> = BTreeMap::new();
        for effect in self.effects.iter().filter(|_| self.mode == Mode::Live) {
            if effect.counter.is_drawn() && (effect.counter != Counter::POINTS || !takes_back) {
                let (taken, floor) = drawn.entry(effect.row()).or_insert((0, effect.floor));
                *taken = taken.saturating_sub(effect.delta);
                *floor = lowest(*floor, effect.floor);
            }
        }
        drawn.retain(|_, (taken, _)| *taken > 0);
        drawn
    }

    /// Whether its receipt is to be signed follows from its series, as the till names it.
    pub(super) fn signed_by(&self, config: &Config) -> Option<bool> {
        let is_signed = self.mode == Mode::Live && config.signed_series.contains(&self.transaction.series);
        is_signed.then_some(true)
    }

    /// Whether a fiscal device signs its receipt.
    pub(super) fn is_signed(&self) -> bool {
        self.signed == Some(true)
    }

    /// Whether it begins without a number: one that is signed has it before the device is asked.
    pub(super) fn waits_for_number(&self, config: &Config) -> bool {
        config.number_at == NumberAt::Commit && self.mode == Mode::Live && !self.is_signed()
    }

    /// Whether it holds a receipt number, which is voided where it is not booked.
    pub(super) fn has_number(&self) -> bool {
        self.mode == Mode::Live && self.transaction.number > 0
    }

    /// Whether it gets its receipt number when it is booked.
    pub(super) fn draws_at_commit(&self) -> bool {
        self.mode == Mode::Live && self.transaction.number == 0
    }

    /// What is told of it at the terminal of this number, where it is open.
    pub(crate) fn as_open(&self, terminal: u16) -> OpenBasket {
        OpenBasket {
            basket: self.transaction.basket,
            series: self.transaction.series.clone(),
            number: self.transaction.number,
            total: self.transaction.total,
            begun_ms: self.begun_ms,
            currency: self.transaction.currency,
            lines: self.transaction.lines.clone(),
            operator: self.operator.clone(),
            terminal,
        }
    }

    /// Bytes that booking it writes at most. What it sells has no row that says how much of it may come back. The payments add no row but
    /// the drawer's and that of a difference; a number that is drawn then adds that of its series.
    pub(crate) fn needs(&self) -> u64 {
        let has_row = |effect: &&Effect| effect.counter != Counter::RETURNABLE || effect.delta < 0;
        let moved = self.effects.iter().filter(has_row).count();
        let rows = moved + 3 + usize::from(self.draws_at_commit()) + MAX_EFFECTS;
        let signature = if self.is_signed() { disk::writes(Signature::MAX, 1) } else { 0 };
        disk::writes(to_cbor(self).len() + MAX_BYTES, rows) + signature
    }

    /// How much of each receipt line this basket takes back.
    pub(crate) fn returns(&self) -> impl Iterator<Item = (CounterRow, i64)> + '_ {
        let live = self.mode == Mode::Live;
        self.transaction.lines.iter().filter(move |_| live).filter_map(returned)
    }

    /// What it keeps back from other baskets: of receipt lines, gift cards, points and coupons.
    pub(super) fn keeps_back(&self) -> impl Iterator<Item = (CounterRow, i64)> + '_ {
        self.returns().chain(self.drawn().into_iter().map(|(row, (taken, _))| (row, taken)))
    }

    /// Receipts of which it takes back lines without a row.
    pub(super) fn lacking(&self, counters: &Counters) -> BTreeSet<BasketId> {
        let rows = self.returns().map(|(row, _)| row).filter(|row| counters.lacks_sale(row));
        rows.filter_map(|row| basket_of(&row.to_key())).collect()
    }

    /// The effects of the whole transaction, now that the payments are known.
    pub(crate) fn effects_with(&self, tenders: &Tenders, difference: i64, own_drawer: &str) -> Vec<Effect> {
        let mut effects = [self.effects.as_slice(), &tenders.beside().effects].concat();
        let cash = tenders.cash();
        if cash != 0 {
            let drawer = tenders.drawer().unwrap_or(own_drawer);
            effects.push(Effect::new(CounterRow::cash(drawer, self.transaction.currency), cash, None));
        }
        if difference != 0 {
            // Below its floor whichever way: too much is as wrong as too little.
            let row = CounterRow::difference(self.transaction.basket);
            effects.push(Effect::new(row, -difference.saturating_abs(), Some(0)));
        }
        effects
    }
}

/// The receipt line that a line takes goods back from, and how many.
pub(crate) fn returned(line: &Line) -> Option<(CounterRow, i64)> {
    let original = line.original.filter(|_| line.quantity < 0)?;
    Some((CounterRow::returnable(original.basket, original.line), -line.quantity))
}
