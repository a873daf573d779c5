//! The life of a sale: `begin`, payment, `commit`. What can be refused is refused before the customer pays.

pub(crate) mod basket;
pub(crate) mod body;
pub(crate) mod draft;
pub(crate) mod receipt;

use std::collections::BTreeMap;

use edgepos_core::{IdempotencyKey, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};

use self::basket::{Basket, OpenBasket, returned};
use self::body::{BasketId, NumberVoided, Transaction};
use self::draft::Draft;
use self::receipt::{Commit, Receipt};
use super::counters::Counters;
use super::effect::CounterRow;
use super::envelope::{Mode, Ref, RefRole};
use super::kind::KnownKind;
use crate::ports::Rows;
use crate::retail::unreadable::{Unreadable, number};
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{LoadFor, Then, UnitOfWork};

/// Open baskets, receipt series and commits that are under way.
#[derive(Debug, Default)]
pub(crate) struct Sales {
    open: BTreeMap<BasketId, Basket>,
    /// The last number given of each series.
    series: BTreeMap<String, u64>,
    /// What open baskets take back of each receipt line.
    returning: BTreeMap<CounterRow, i64>,
    committing: BTreeMap<IdempotencyKey, Committing>,
    /// Bytes that the commits of open baskets may write.
    promised: u64,
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

    /// Bytes that the commits of open baskets may write.
    pub(crate) fn promised(&self) -> u64 {
        self.promised
    }

    /// Opens a basket and reserves its receipt number.
    ///
    /// # Errors
    /// Whatever may be refused of a sale; nothing was written then.
    pub(crate) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        request: RequestId,
        draft: Draft,
    ) -> Result<(), Refusal> {
        let mut basket = draft::check(draft, turn.config.location, turn.now.wall.0)?;
        let id = basket.transaction.basket;
        if let Some(open) = self.open.get(&id) {
            if !open.same_contents(&basket) {
                return Err(Refusal::BasketExists(id));
            }
            // Written again: the first write may not be durable yet, and this reply must not come before it.
            keep(turn.out, request, open);
            return Ok(());
        }
        let limit = turn.config.max_open_baskets;
        if self.open.len() >= limit {
            return Err(Refusal::Full { what: "open baskets", limit });
        }
        turn.disk.check(self.promised, basket.needs())?;
        self.check_returnable(counters, &basket)?;
        if basket.mode == Mode::Live {
            let series = basket.transaction.series.clone();
            let last = self.series.entry(series.clone()).or_insert(0);
            *last += 1;
            basket.transaction.number = *last;
            turn.out.write(Write::put(Space::Series, series, last.to_be_bytes()));
        }
        keep(turn.out, request, &basket);
        self.insert(basket);
        Ok(())
    }

    /// Asks the store whether the key was committed before; [`key_loaded`](Self::key_loaded) goes on.
    ///
    /// # Errors
    /// When too much is under way at once; nothing was written then.
    pub(crate) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
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
        let key = commit.key;
        self.committing.insert(key, Committing { commit, waiting: vec![request] });
        turn.out.load_row(Space::IdempotencyKey, &key.0, LoadFor::Key(key));
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

    /// The store was asked whether a key was committed before.
    pub(crate) fn key_loaded(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        key: IdempotencyKey,
        rows: &Rows,
    ) {
        let Some(committing) = self.committing.get(&key) else { return };
        let basket = committing.commit.basket;
        let booked = match rows.first() {
            Some((_, row)) => match Receipt::from_row(row) {
                Ok(receipt) if receipt.basket == basket => {
                    return self.repeat(turn, business_day, key, receipt);
                }
                // Nothing is booked, and the basket stays open: the till asks again under a key of its own.
                Ok(receipt) => Err(Refusal::KeyOfAnotherBasket { asked: basket, basket: receipt.basket }),
                Err(reason) => Err(Refusal::Damaged { what: "the receipt of this key", reason }),
            },
            None if self.open.contains_key(&basket) => self.book(turn, business_day, key),
            None => Err(Refusal::UnknownBasket(basket)),
        };
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

    /// Ends every commit that is under way. Whoever waits for one.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.committing).into_values().flat_map(|commit| commit.waiting).collect()
    }

    fn end_commit(&mut self, key: IdempotencyKey) -> Vec<RequestId> {
        self.committing.remove(&key).map(|committing| committing.waiting).unwrap_or_default()
    }

    /// The key was committed before: the first receipt, again.
    fn repeat(
        &mut self,
        turn: &mut Turn<'_>,
        business_day: Option<u32>,
        key: IdempotencyKey,
        receipt: Receipt,
    ) {
        let Some(committing) = self.committing.remove(&key) else { return };
        let basket = committing.commit.basket;
        // A till that lost the reply may have begun anew under the same name before it asked: nobody will pay that basket. When its
        // number cannot be voided at once it stays open, and the cashier sees it among the unresolved.
        if self.open.contains_key(&basket) {
            let _ = self.void(turn, business_day, basket);
        }
        for request in committing.waiting {
            turn.out.reply(request, Ok(Reply::Committed { receipt: receipt.clone(), repeated: true }));
        }
    }

    /// One transaction: the event, the rows that it moves, its key, and the basket's end.
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
        let drawer = format!("terminal-{}", turn.config.me.terminal());
        let effects = match basket.mode {
            Mode::Live => basket.effects_with(&tenders, &drawer),
            Mode::Training => Vec::new(),
        };
        let mut transaction = basket.transaction.clone();
        transaction.change = Some(tenders.change()).filter(|change| *change != 0);
        transaction.tenders = tenders.into_vec();
        let entry = Entry {
            mode: basket.mode,
            operator: basket.operator.clone(),
            effects,
            refs: references(&transaction),
            key: Some(key),
            ..Entry::new(business_day, KnownKind::Transaction, to_cbor(&transaction))
        };
        let event = turn.ledger.record(turn.now, turn.config, entry)?;
        let Transaction { series, number, total, .. } = transaction;
        let receipt = Receipt { event, basket: id, series, number, total };
        turn.out.write(receipt.row(key));
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
            let entry = Entry::new(business_day, KnownKind::NumberVoided, to_cbor(&voided));
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
    fn check_returnable(&self, counters: &Counters, basket: &Basket) -> Result<(), Refusal> {
        let mut asked: BTreeMap<CounterRow, i64> = BTreeMap::new();
        for line in &basket.transaction.lines {
            let Some((row, quantity)) = returned(line) else { continue };
            let Some(value) = counters.get(&row) else { continue };
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
