//! The life of a sale: `begin`, payment, `commit`. What can be refused is refused before the customer pays.

pub(crate) mod basket;
pub(crate) mod body;
pub(crate) mod draft;
pub(crate) mod receipt;

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{IdempotencyKey, ReplicaId, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};

use self::basket::{Basket, OpenBasket, returned};
use self::body::{BasketId, NumberVoided, Transaction};
use self::draft::Draft;
use self::receipt::{Commit, Receipt};
use super::counters::Counters;
use super::effect::CounterRow;
use super::envelope::{Mode, Origin, Ref, RefRole};
use super::keys::Keys;
use super::keys::booked::{Booked, What};
use super::keys::found::Found;
use super::keys::lookup::Question;
use super::kind::KnownKind;
use super::sums::{SoldBy, basket_of, left};
use crate::retail::unreadable::{Unreadable, number};
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// Open baskets, receipt series and commits that are under way.
#[derive(Debug, Default)]
pub(crate) struct Sales {
    open: BTreeMap<BasketId, Basket>,
    /// The last number given of each series.
    series: BTreeMap<String, u64>,
    /// What open baskets take back of each receipt line.
    returning: BTreeMap<CounterRow, i64>,
    beginning: BTreeMap<BasketId, Beginning>,
    committing: BTreeMap<IdempotencyKey, Committing>,
    /// Bytes that the commits of open baskets may write.
    promised: u64,
    /// What the names of series end with: nothing but for an incarnation that is not the terminal's first.
    ending: String,
    /// Which incarnation reserved the numbers of series with another ending.
    before: ReplicaId,
}

/// A basket between its call and the answer whether it was booked before.
#[derive(Debug)]
struct Beginning {
    basket: Basket,
    key: Option<IdempotencyKey>,
    /// Everybody who asked with this basket.
    waiting: Vec<RequestId>,
    /// Receipts of which it takes something back, and whose sale is being read.
    originals: BTreeSet<BasketId>,
    /// What may be returned of their lines that have no counter row.
    left: BTreeMap<CounterRow, i64>,
    /// Who was booked for the basket, once that is known.
    found: Option<Result<Found, Unreadable>>,
}

/// A commit between its call and its durable write.
#[derive(Debug)]
struct Committing {
    commit: Commit,
    /// Everybody who asked with this key.
    waiting: Vec<RequestId>,
}

impl Sales {
    /// A row of [`Space::Series`] as it is on disk.
    pub(crate) fn restore_series(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let series = String::from_utf8(key.to_vec()).map_err(|_| Unreadable::NoName { what: "a series" })?;
        self.series.insert(series, number(value)?);
        Ok(())
    }

    /// A row of [`Space::Basket`] as it is on disk.
    pub(crate) fn restore_basket(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        let basket: Basket = from_cbor("basket", value)?;
        self.insert(basket);
        Ok(())
    }

    /// Baskets that were begun and neither committed nor abandoned, by rising id.
    pub(crate) fn unresolved(&self) -> impl ExactSizeIterator<Item = OpenBasket> + '_ {
        self.open.values().map(Basket::as_open)
    }

    /// Receipts get series of their own: a number that another incarnation gave is never given again.
    pub(crate) fn rename(&mut self, me: ReplicaId) {
        self.ending = series_ending(me);
    }

    /// Who this terminal is at its start, and whether it was set up as this incarnation. A terminal that joined a store had one series
    /// for all incarnations of its number in 0.1.0, and goes on with it.
    pub(crate) fn start(&mut self, first: ReplicaId, me: ReplicaId, joins: bool) {
        let ending = series_ending(me);
        self.before = first;
        let old = self.series.keys().any(|series| !series.ends_with(&ending));
        if me != first || (joins && !old) {
            self.ending = ending;
        }
    }

    /// Bytes that the commits of open baskets may write.
    pub(crate) fn promised(&self) -> u64 {
        self.promised
    }

    /// How many there are, with those that are about to be opened.
    pub(crate) fn open_baskets(&self) -> usize {
        self.open.len() + self.beginning.len()
    }

    /// Asks whether the basket was booked before; [`begin_answered`](Self::begin_answered) goes on. A repeat for an open basket is
    /// answered at once. Receipts whose sale is to be read, since something of a line without a row shall come back.
    ///
    /// # Errors
    /// Whatever may be refused of a sale by itself; nothing was written then.
    pub(crate) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        counters: &Counters,
        day: Result<Option<u32>, Refusal>,
        request: RequestId,
        draft: Draft,
    ) -> Result<BTreeSet<BasketId>, Refusal> {
        let key = draft.key;
        let mut basket = draft::check(draft, turn.config.location, turn.now.wall.0)?;
        basket.transaction.series.push_str(&self.ending);
        let id = basket.transaction.basket;
        if let Some(open) = self.open.get(&id) {
            if !open.same_contents(&basket) {
                return Err(Refusal::BasketExists(id));
            }
            // Written again: the first write may not be durable yet, and this reply must not come before it.
            keep(turn.out, request, open);
            return Ok(BTreeSet::new());
        }
        if let Some(beginning) = self.beginning.get_mut(&id) {
            if !beginning.basket.same_contents(&basket) {
                return Err(Refusal::BasketExists(id));
            }
            let limit = turn.config.max_commits;
            if beginning.waiting.len() >= limit {
                return Err(Refusal::Full { what: "repeats of one basket", limit });
            }
            beginning.waiting.push(request);
            return Ok(BTreeSet::new());
        }
        basket.day = day?;
        let limit = turn.config.max_open_baskets;
        if self.open.len() + self.beginning.len() >= limit {
            return Err(Refusal::Full { what: "open baskets", limit });
        }
        turn.disk.check(self.promised, basket.needs())?;
        self.check_returnable(counters, &basket, &BTreeMap::new())?;
        let originals = lacking(counters, &basket);
        let (waiting, left) = (vec![request], BTreeMap::new());
        let asked = originals.clone();
        self.beginning.insert(id, Beginning { basket, key, waiting, originals, left, found: None });
        keys.ask(Question::Begin(id), key, Some(id), turn.out);
        Ok(asked)
    }

    /// Who was booked for a basket that shall be begun: opens it and reserves its receipt number, where nobody was.
    pub(crate) fn begin_answered(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        id: BasketId,
        found: Result<Found, Unreadable>,
    ) {
        if let Some(beginning) = self.beginning.get_mut(&id) {
            beginning.found = Some(found);
        }
        self.begin_if_ready(turn, counters, id);
    }

    /// What was sold of a basket of which something shall come back.
    pub(crate) fn sold_known(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        original: BasketId,
        sales: &[SoldBy],
    ) {
        let mut ready = Vec::new();
        for (id, beginning) in &mut self.beginning {
            if !beginning.originals.remove(&original) {
                continue;
            }
            for (row, _) in beginning.basket.returns() {
                if let Some(left) = left(sales, &row) {
                    beginning.left.insert(row, left);
                }
            }
            ready.push(*id);
        }
        for id in ready {
            self.begin_if_ready(turn, counters, id);
        }
    }

    /// Opens a basket once all that was asked about it is answered.
    fn begin_if_ready(&mut self, turn: &mut Turn<'_>, counters: &Counters, id: BasketId) {
        let Some(beginning) = self.beginning.get(&id) else { return };
        if beginning.found.is_none() || !beginning.originals.is_empty() {
            return;
        }
        let Some(Beginning { mut basket, key, waiting, left, found, .. }) = self.beginning.remove(&id) else {
            return;
        };
        let found = found.expect("checked above");
        // Others may have been begun meanwhile.
        let may_begin = free(id, key, found)
            .and_then(|()| turn.disk.check(self.promised, basket.needs()))
            .and_then(|()| self.check_returnable(counters, &basket, &left));
        if let Err(refusal) = may_begin {
            for request in waiting {
                turn.out.reply(request, Err(refusal.clone()));
            }
            return;
        }
        if basket.mode == Mode::Live {
            let series = basket.transaction.series.clone();
            let last = self.series.entry(series.clone()).or_insert(0);
            *last += 1;
            basket.transaction.number = *last;
            turn.out.write(Write::put(Space::Series, series, last.to_be_bytes()));
        }
        for request in waiting {
            keep(turn.out, request, &basket);
        }
        self.insert(basket);
    }

    /// Asks whether the key or the basket was booked before; [`commit_answered`](Self::commit_answered) goes on.
    ///
    /// # Errors
    /// When too much is under way at once; nothing was written then.
    pub(crate) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        request: RequestId,
        commit: Commit,
    ) -> Result<(), Refusal> {
        let limit = turn.config.max_commits;
        if let Some(committing) = self.committing.get_mut(&commit.key) {
            let asked = committing.commit.basket;
            if asked != commit.basket {
                return Err(Refusal::KeyOfAnotherBasket { asked: commit.basket, basket: asked });
            }
            // The limit holds for those who wait as well: a till that repeats without end must not cost memory.
            if committing.waiting.len() >= limit {
                return Err(Refusal::Full { what: "repeats of one commit", limit });
            }
            committing.waiting.push(request);
            return Ok(());
        }
        if self.committing.len() >= limit {
            return Err(Refusal::Full { what: "commits under way", limit });
        }
        self.check_free(commit.basket)?;
        let (key, basket) = (commit.key, commit.basket);
        self.committing.insert(key, Committing { commit, waiting: vec![request] });
        keys.ask(Question::Commit(key), Some(key), Some(basket), turn.out);
        Ok(())
    }

    /// Gives up an open basket: its number is voided on record.
    ///
    /// # Errors
    /// When the basket is not open or is being committed.
    pub(crate) fn abandon(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        self.check_free(basket)?;
        self.void(turn, business_day, basket)?;
        turn.out.then(Then::Reply(request, Reply::Abandoned));
        Ok(())
    }

    /// Who was booked under the key and for the basket of a commit.
    pub(crate) fn commit_answered(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &Keys,
        business_day: Option<u32>,
        key: IdempotencyKey,
        found: Result<Found, Unreadable>,
    ) {
        let Some(committing) = self.committing.get(&key) else { return };
        let basket = committing.commit.basket;
        let meant = |what: &What| matches!(what, What::Sale(receipt) if receipt.basket == basket);
        let booked = match found {
            Ok(found) => match found.first_of_key(meant) {
                Some(booked) if meant(&booked.what) => {
                    return self.repeat(turn, keys, business_day, key, booked);
                }
                _ => free(basket, Some(key), Ok(found)),
            },
            Err(reason) => Err(Refusal::Damaged { what: "the receipt of this key", reason }),
        };
        let booked = booked.and_then(|()| self.book(turn, business_day, key));
        if let Err(refusal) = booked {
            for request in self.end_commit(key) {
                turn.out.reply(request, Err(refusal.clone()));
            }
        }
    }

    /// The sale is durable: tells everybody who asked.
    pub(crate) fn committed(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, receipt: &Receipt) {
        for (position, request) in self.end_commit(key).into_iter().enumerate() {
            let reply = Reply::Committed { receipt: receipt.clone(), repeated: position > 0 };
            out.reply(request, Ok(reply));
        }
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        let beginning = std::mem::take(&mut self.beginning).into_values().flat_map(|basket| basket.waiting);
        let committing = std::mem::take(&mut self.committing).into_values().flat_map(|commit| commit.waiting);
        beginning.chain(committing).collect()
    }

    fn end_commit(&mut self, key: IdempotencyKey) -> Vec<RequestId> {
        self.committing.remove(&key).map(|committing| committing.waiting).unwrap_or_default()
    }

    /// The key was committed before, here or at another terminal: the first receipt, again.
    fn repeat(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &Keys,
        business_day: Option<u32>,
        key: IdempotencyKey,
        booked: &Booked,
    ) {
        let What::Sale(receipt) = &booked.what else { return };
        // The basket may be open: it was begun before the first sale came to this terminal, and nobody will pay it again. When its
        // number cannot be voided at once it stays open, and the cashier sees it among the unresolved.
        if self.open.contains_key(&receipt.basket) {
            let _ = self.void(turn, business_day, receipt.basket);
        }
        let later = keys.keep(booked, turn.out);
        for request in self.end_commit(key) {
            let reply = Reply::Committed { receipt: receipt.clone(), repeated: true };
            match later {
                true => turn.out.then(Then::Reply(request, reply)),
                false => turn.out.reply(request, Ok(reply)),
            }
        }
    }

    /// One transaction: the event, the rows that it moves, its names, and the basket's end.
    fn book(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        key: IdempotencyKey,
    ) -> Result<(), Refusal> {
        let Some(committing) = self.committing.get(&key) else { return Ok(()) };
        let Commit { basket: id, tenders, .. } = committing.commit.clone();
        let Some(basket) = self.open.get(&id) else { return Err(Refusal::UnknownBasket(id)) };
        tenders.check(basket.transaction.total)?;
        if tenders.drawer().is_some_and(|name| !CounterRow::is_drawer(name)) {
            let reason = "a drawer's name is 1 to 64 bytes of text";
            return Err(Refusal::BadField { field: "drawer", reason });
        }
        let effects = match basket.mode {
            Mode::Live => basket.effects_with(&tenders, &turn.config.own_drawer()),
            Mode::Training => Vec::new(),
        };
        let mut transaction = basket.transaction.clone();
        transaction.change = Some(tenders.change()).filter(|change| *change != 0);
        transaction.tenders = tenders.as_slice().to_vec();
        let reserved_here = transaction.series.ends_with(&self.ending);
        let entry = Entry {
            origin: (!reserved_here && basket.mode == Mode::Live).then(|| Origin::begun_in(self.before)),
            mode: basket.mode,
            operator: basket.operator.clone(),
            drawer: tenders.drawer().map(str::to_owned),
            effects,
            refs: references(&transaction),
            key: Some(key),
            ..Entry::new(basket.day.or(business_day), KnownKind::Transaction, to_cbor(&transaction))
        };
        let event = turn.ledger.record(turn.now, turn.config, entry)?;
        let Transaction { series, number, total, .. } = transaction;
        let receipt = Receipt { event, basket: id, series, number, total };
        self.remove(turn.out, id);
        turn.out.then(Then::Committed(key, receipt));
        Ok(())
    }

    /// Ends an open basket and records that its number is not used.
    fn void(&mut self, turn: &mut Turn<'_>, business_day: Option<u32>, id: BasketId) -> Result<(), Refusal> {
        let Some(basket) = self.open.get(&id) else { return Err(Refusal::UnknownBasket(id)) };
        if basket.mode == Mode::Live {
            let Transaction { series, number, .. } = basket.transaction.clone();
            let voided = NumberVoided { series, number, basket: id };
            let day = basket.day.or(business_day);
            let entry = Entry::new(day, KnownKind::NumberVoided, to_cbor(&voided));
            turn.ledger.record(turn.now, turn.config, entry)?;
        }
        self.remove(turn.out, id);
        Ok(())
    }

    fn insert(&mut self, basket: Basket) {
        for (row, quantity) in basket.returns() {
            *self.returning.entry(row).or_insert(0) += quantity;
        }
        self.promised = self.promised.saturating_add(basket.needs());
        self.open.insert(basket.transaction.basket, basket);
    }

    fn remove(&mut self, out: &mut UnitOfWork, id: BasketId) {
        let Some(basket) = self.open.remove(&id) else { return };
        self.promised = self.promised.saturating_sub(basket.needs());
        for (row, quantity) in basket.returns() {
            if let Some(returning) = self.returning.get_mut(&row) {
                *returning -= quantity;
                if *returning <= 0 {
                    self.returning.remove(&row);
                }
            }
        }
        out.write(Write::delete(Space::Basket, id.0));
    }

    /// Refuses what would change a basket while it is being committed.
    fn check_free(&self, basket: BasketId) -> Result<(), Refusal> {
        if self.committing.values().any(|committing| committing.commit.basket == basket) {
            return Err(Refusal::BasketBusy(basket));
        }
        Ok(())
    }

    /// Refuses to take back more of a receipt line than is known to be left. A receipt that this terminal has never seen is taken:
    /// it may be another store's, or a cut-off till's.
    fn check_returnable(
        &self,
        counters: &Counters,
        basket: &Basket,
        left: &BTreeMap<CounterRow, i64>,
    ) -> Result<(), Refusal> {
        let mut asked: BTreeMap<CounterRow, i64> = BTreeMap::new();
        for line in &basket.transaction.lines {
            let Some((row, quantity)) = returned(line) else { continue };
            let known = counters.get(&row).filter(|_| !counters.lacks_sale(&row));
            let Some(value) = known.or_else(|| left.get(&row).copied()) else { continue };
            let returning = self.returning.get(&row).copied().unwrap_or(0);
            let asked = asked.entry(row).or_insert(0);
            let remaining = value.saturating_sub(returning).saturating_sub(*asked);
            *asked += quantity;
            if quantity > remaining {
                return Err(Refusal::NotReturnable { line: line.no, remaining: remaining.max(0) });
            }
        }
        Ok(())
    }
}

/// Refuses a basket that is booked, and a key that is something else's.
fn free(
    basket: BasketId,
    key: Option<IdempotencyKey>,
    found: Result<Found, Unreadable>,
) -> Result<(), Refusal> {
    let found =
        found.map_err(|reason| Refusal::Damaged { what: "what this basket was booked as", reason })?;
    let of_key = key.and_then(|_| found.first_of_key(|_| false)).map(|booked| &booked.what);
    match of_key {
        Some(What::Sale(receipt)) if receipt.basket != basket => {
            return Err(Refusal::KeyOfAnotherBasket { asked: basket, basket: receipt.basket });
        }
        Some(What::Record(event, _)) => return Err(Refusal::KeyInUse { event: *event }),
        Some(What::Sale(_)) | None => {}
    }
    match found.first_of_basket().map(|booked| &booked.what) {
        Some(What::Sale(receipt)) => Err(Refusal::BasketBooked(receipt.clone())),
        Some(What::Record(..)) | None => Ok(()),
    }
}

/// Receipts of which the basket takes back lines without a row.
fn lacking(counters: &Counters, basket: &Basket) -> BTreeSet<BasketId> {
    let rows = basket.returns().map(|(row, _)| row).filter(|row| counters.lacks_sale(row));
    rows.filter_map(|row| basket_of(&row.to_key())).collect()
}

/// What the series of an incarnation end with: the low 32 bits of its nonce.
fn series_ending(me: ReplicaId) -> String {
    format!(".{:08x}", me.0 & 0xFFFF_FFFF)
}

/// Writes the basket down, and answers once that is durable.
fn keep(out: &mut UnitOfWork, request: RequestId, basket: &Basket) {
    let Transaction { basket: id, number, total, .. } = &basket.transaction;
    out.write(Write::put(Space::Basket, id.0, to_cbor(basket)));
    out.then(Then::Reply(request, Reply::Begun { number: *number, total: *total }));
}

fn references(transaction: &Transaction) -> Vec<Ref> {
    let mut originals: Vec<BasketId> =
        transaction.lines.iter().filter_map(|line| line.original).map(|original| original.basket).collect();
    originals.sort_unstable();
    originals.dedup();
    let originals =
        originals.into_iter().map(|basket| Ref { role: RefRole::ORIGINAL, id: basket.0.to_vec() });
    let customer = transaction
        .customer
        .iter()
        .map(|customer| Ref { role: RefRole::CUSTOMER, id: customer.as_bytes().to_vec() });
    originals.chain(customer).collect()
}
