//! The life of a sale: `begin`, payment, `commit`. What can be refused is refused before the customer pays.

use std::collections::BTreeMap;

use edgepos_core::{EventId, IdempotencyKey, Now, Space, Write};
use edgepos_sync::RecordError;
use minicbor::{Decode, Encode};

use super::draft::{self, Basket};
use super::duties::{LoadFor, Then};
use super::io::{Commit, Draft, OpenBasket, Receipt, Refusal, Reply, RequestId};
use super::record::What;
use super::{Record, Terminal, restore};
use crate::model::{
    BasketId, CounterRow, DayClosed, Envelope, Kind, Mode, NumberVoided, Ref, RefRole, from_cbor, to_cbor,
};
use crate::ports::Rows;

/// Open baskets, receipt series and commits that are under way.
#[derive(Debug, Default)]
pub(super) struct Sales {
    open: BTreeMap<BasketId, Basket>,
    /// The last number given of each series.
    series: BTreeMap<String, u64>,
    /// What open baskets take back of each receipt line.
    returning: BTreeMap<CounterRow, i64>,
    committing: BTreeMap<IdempotencyKey, Committing>,
}

/// A commit between its call and its durable write.
#[derive(Debug)]
struct Committing {
    commit: Commit,
    /// Everybody who asked with this key.
    waiting: Vec<RequestId>,
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

impl Sales {
    pub(super) fn restore(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), String> {
        if space == Space::Series {
            let series = String::from_utf8(key.to_vec()).map_err(|error| error.to_string())?;
            let number = value.try_into().map(u64::from_be_bytes).map_err(|_| "expected 8 bytes")?;
            self.series.insert(series, number);
            return Ok(());
        }
        let basket: Basket = from_cbor(value).map_err(|error| error.to_string())?;
        self.insert(basket);
        Ok(())
    }

    fn insert(&mut self, basket: Basket) {
        for (row, quantity) in basket.returns() {
            *self.returning.entry(row).or_insert(0) += quantity;
        }
        self.open.insert(basket.transaction.basket, basket);
    }

    fn remove(&mut self, id: BasketId) -> Option<Basket> {
        let basket = self.open.remove(&id)?;
        for (row, quantity) in basket.returns() {
            if let Some(returning) = self.returning.get_mut(&row) {
                *returning -= quantity;
                if *returning <= 0 {
                    self.returning.remove(&row);
                }
            }
        }
        Some(basket)
    }

    pub(super) fn unresolved(&self) -> impl Iterator<Item = OpenBasket> + '_ {
        self.open.values().map(Basket::as_open)
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Whoever waits for a commit.
    pub(super) fn drain_requests(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.committing).into_values().flat_map(|commit| commit.waiting).collect()
    }

    fn is_committing(&self, basket: BasketId) -> bool {
        self.committing.values().any(|committing| committing.commit.basket == basket)
    }
}

impl Terminal {
    /// Opens a basket and reserves its receipt number. A repeat with the same contents gives the same number. The reply is
    /// [`Reply::Begun`], once that is durable.
    ///
    /// # Errors
    /// Whatever may be refused of a sale is refused here, before the customer pays; nothing was written then.
    pub fn begin(&mut self, now: Now, request: RequestId, draft: Draft) -> Result<(), Refusal> {
        self.check_running()?;
        let mut basket = draft::check(draft, self.config.location, now.wall.0)?;
        let id = basket.transaction.basket;
        if let Some(open) = self.sales.open.get(&id) {
            if !open.same_contents(&basket) {
                return Err(Refusal::BasketExists(id));
            }
            let reply = Reply::Begun { number: open.transaction.number, total: open.transaction.total };
            // Written again: the first write may not be durable yet, and this reply must not come before it.
            let row = Write::put(Space::Basket, id.0, to_cbor(open));
            self.duties.write(row);
            self.duties.then(Then::Reply(request, reply));
            self.settle(now);
            return Ok(());
        }
        if self.sales.open.len() >= self.config.max_open_baskets {
            return Err(Refusal::Full { what: "open baskets", limit: self.config.max_open_baskets });
        }
        self.check_returnable(&basket)?;
        if basket.mode == Mode::Live {
            let series = basket.transaction.series.clone();
            let last = self.sales.series.entry(series.clone()).or_insert(0);
            *last += 1;
            basket.transaction.number = *last;
            self.duties.write(Write::put(Space::Series, series, last.to_be_bytes()));
        }
        self.duties.write(Write::put(Space::Basket, id.0, to_cbor(&basket)));
        let reply = Reply::Begun { number: basket.transaction.number, total: basket.transaction.total };
        self.duties.then(Then::Reply(request, reply));
        self.sales.insert(basket);
        self.settle(now);
        Ok(())
    }

    /// Books a paid basket. A repeat with the same key, also after a crash, returns the first receipt and books nothing. The reply
    /// is [`Reply::Committed`], once the event is durable.
    ///
    /// # Errors
    /// When too much is under way at once; nothing was written then, and the same call may be made again. A basket that is not
    /// open is refused in the reply.
    pub fn commit(&mut self, now: Now, request: RequestId, commit: Commit) -> Result<(), Refusal> {
        self.check_running()?;
        if let Some(committing) = self.sales.committing.get_mut(&commit.key) {
            // The limit holds for those who wait as well: a till that repeats without end must not cost memory.
            if committing.waiting.len() >= self.config.max_commits {
                return Err(Refusal::Full { what: "repeats of one commit", limit: self.config.max_commits });
            }
            committing.waiting.push(request);
            return Ok(());
        }
        if self.sales.committing.len() >= self.config.max_commits {
            return Err(Refusal::Full { what: "commits under way", limit: self.config.max_commits });
        }
        if self.sales.is_committing(commit.basket) {
            return Err(Refusal::BasketBusy(commit.basket));
        }
        let key = commit.key;
        self.sales.committing.insert(key, Committing { commit, waiting: vec![request] });
        self.duties.load_row(Space::IdempotencyKey, &key.0, LoadFor::Key(key));
        self.settle(now);
        Ok(())
    }

    /// Gives up an open basket: its number is voided on record. The reply is [`Reply::Abandoned`].
    ///
    /// # Errors
    /// When the basket is not open or is being committed.
    pub fn abandon(&mut self, now: Now, request: RequestId, basket: BasketId) -> Result<(), Refusal> {
        self.check_running()?;
        if self.sales.is_committing(basket) {
            return Err(Refusal::BasketBusy(basket));
        }
        self.void(now, basket)?;
        self.duties.then(Then::Reply(request, Reply::Abandoned));
        self.settle(now);
        Ok(())
    }

    /// Records an event that is no sale. The reply is [`Reply::Recorded`].
    ///
    /// # Errors
    /// When the event is over a limit, or the business day does not allow it; nothing was written then.
    pub fn record(&mut self, now: Now, request: RequestId, record: Record) -> Result<(), Refusal> {
        self.check_running()?;
        let Record { what, mode } = record;
        let (kind, body, effects, day) = match what {
            What::Event { kind, body, effects } => (kind, body, effects, None),
            What::DayOpened(_) if matches!(self.day, Some((_, true))) => {
                return Err(Refusal::Day("a business day is open"));
            }
            What::DayOpened(opened) => {
                (Kind::DAY_OPENED, to_cbor(&opened), Vec::new(), Some((opened.day, true)))
            }
            What::DayClosed { counted } => {
                let Some((day, true)) = self.day else { return Err(Refusal::Day("no business day is open")) };
                let body = DayClosed::new(day, counted, self.outbox.durable());
                (Kind::DAY_CLOSED, to_cbor(&body), Vec::new(), Some((day, false)))
            }
        };
        let before = self.day;
        // The event that opens a day belongs to it.
        self.day = day.or(self.day);
        let mut envelope = self.envelope(now, kind, body, mode);
        envelope.effects = effects;
        match self.append(now, envelope) {
            Ok(id) => {
                if let Some(day) = day {
                    self.duties.write(restore::day_row(day));
                }
                self.duties.then(Then::Reply(request, Reply::Recorded(id)));
                self.settle(now);
                Ok(())
            }
            Err(refusal) => {
                self.day = before;
                Err(refusal)
            }
        }
    }

    /// The store was asked whether a key was committed before.
    pub(super) fn key_loaded(&mut self, now: Now, key: IdempotencyKey, rows: &Rows) {
        let Some(committing) = self.sales.committing.get(&key) else { return };
        let basket = committing.commit.basket;
        if let Some((_, row)) = rows.first() {
            match read_receipt(row) {
                Ok(receipt) => self.repeat(now, key, receipt),
                Err(reason) => self.refuse_commit(key, &Refusal::Stopped(reason)),
            }
        } else if self.sales.open.contains_key(&basket) {
            self.book(now, key);
        } else {
            self.refuse_commit(key, &Refusal::UnknownBasket(basket));
        }
    }

    /// The sale is durable: tells everybody who asked.
    pub(super) fn committed(&mut self, key: IdempotencyKey, receipt: Receipt) {
        let Some(committing) = self.sales.committing.remove(&key) else { return };
        for (position, request) in committing.waiting.into_iter().enumerate() {
            let reply = Reply::Committed { receipt: receipt.clone(), repeated: position > 0 };
            self.duties.reply(request, Ok(reply));
        }
    }

    /// The key was committed before: the first receipt, again.
    fn repeat(&mut self, now: Now, key: IdempotencyKey, receipt: Receipt) {
        let Some(committing) = self.sales.committing.remove(&key) else { return };
        let basket = committing.commit.basket;
        // A till that lost the reply may have begun anew under the same name before it asked: nobody will pay that basket. When its
        // number can not be voided at once it stays open, and the cashier sees it among the unresolved.
        if receipt.basket == basket && self.sales.open.contains_key(&basket) {
            let _ = self.void(now, basket);
        }
        for request in committing.waiting {
            self.duties.reply(request, Ok(Reply::Committed { receipt: receipt.clone(), repeated: true }));
        }
    }

    fn refuse_commit(&mut self, key: IdempotencyKey, refusal: &Refusal) {
        let Some(committing) = self.sales.committing.remove(&key) else { return };
        for request in committing.waiting {
            self.duties.reply(request, Err(refusal.clone()));
        }
    }

    /// One transaction: the event, the rows that it moves, its key, and the basket's end.
    fn book(&mut self, now: Now, key: IdempotencyKey) {
        let Some(committing) = self.sales.committing.get(&key) else { return };
        let Commit { basket: id, tenders, .. } = committing.commit.clone();
        let Some(basket) = self.sales.open.get(&id) else { return };
        let tenders = tenders.into_vec();
        let drawer = format!("terminal-{}", self.config.me.terminal());
        let effects = match basket.mode {
            Mode::Live => basket.effects_with(&tenders, &drawer),
            Mode::Training => Vec::new(),
        };
        let mut transaction = basket.transaction.clone();
        transaction.tenders = tenders;
        let (mode, operator) = (basket.mode, basket.operator.clone());
        let mut envelope =
            self.envelope(now, Kind::TRANSACTION, to_cbor(&transaction), mode).with_key(Some(key));
        envelope.operator = operator;
        envelope.effects = effects;
        envelope.refs = references(&transaction);
        match self.append(now, envelope) {
            Ok(event) => {
                let receipt = Receipt {
                    event,
                    basket: id,
                    series: transaction.series,
                    number: transaction.number,
                    total: transaction.total,
                };
                self.duties.write(Write::put(Space::IdempotencyKey, key.0, store_receipt(&receipt)));
                self.duties.write(Write::delete(Space::Basket, id.0));
                self.sales.remove(id);
                self.duties.then(Then::Committed(key, receipt));
            }
            Err(refusal) => self.refuse_commit(key, &refusal),
        }
    }

    /// Ends an open basket and records that its number is not used.
    fn void(&mut self, now: Now, id: BasketId) -> Result<(), Refusal> {
        let Some(basket) = self.sales.open.get(&id) else { return Err(Refusal::UnknownBasket(id)) };
        if basket.mode == Mode::Live {
            let voided = NumberVoided {
                series: basket.transaction.series.clone(),
                number: basket.transaction.number,
                basket: id,
            };
            let envelope = self.envelope(now, Kind::NUMBER_VOIDED, to_cbor(&voided), Mode::Live);
            self.append(now, envelope)?;
        }
        self.sales.remove(id);
        self.duties.write(Write::delete(Space::Basket, id.0));
        Ok(())
    }

    fn envelope(&mut self, now: Now, kind: Kind, body: Vec<u8>, mode: Mode) -> Envelope {
        let hlc = self.clock.now(now.wall);
        let mut envelope = Envelope::new(kind, now.wall.0, hlc, body);
        envelope.business_day = self.day.map(|(day, _)| day);
        envelope.location = self.config.location;
        envelope.workstation = self.config.me.terminal();
        envelope.mode = mode;
        envelope
    }

    /// Records an event of this terminal and applies it.
    fn append(&mut self, now: Now, envelope: Envelope) -> Result<EventId, Refusal> {
        let id = self.outbox.record(now, envelope.kind.lane(), envelope.encode()).map_err(refusal)?;
        self.apply(now, id, envelope);
        Ok(id)
    }

    /// Refuses to take back more of a receipt line than is known to be left. A receipt that this terminal has never seen is taken:
    /// it may be another store's, or a cut-off till's.
    fn check_returnable(&self, basket: &Basket) -> Result<(), Refusal> {
        let mut asked: BTreeMap<CounterRow, i64> = BTreeMap::new();
        for line in &basket.transaction.lines {
            let Some((row, quantity)) = draft::returned(line) else { continue };
            let Some(value) = self.state.counters.get(&row) else { continue };
            let returning = self.sales.returning.get(&row).copied().unwrap_or(0);
            let asked = asked.entry(row).or_insert(0);
            let remaining = value.saturating_sub(returning).saturating_sub(*asked);
            *asked += quantity;
            if quantity > remaining {
                return Err(Refusal::NotReturnable { line: line.no, remaining: remaining.max(0) });
            }
        }
        Ok(())
    }

    fn check_running(&self) -> Result<(), Refusal> {
        match &self.stopped {
            Some(reason) => Err(Refusal::Stopped(reason.clone())),
            None => Ok(()),
        }
    }
}

fn references(transaction: &crate::model::Transaction) -> Vec<Ref> {
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

fn store_receipt(receipt: &Receipt) -> Vec<u8> {
    to_cbor(&StoredReceipt {
        event: receipt.event.to_key().to_vec(),
        basket: receipt.basket,
        series: receipt.series.clone(),
        number: receipt.number,
        total: receipt.total,
    })
}

fn read_receipt(row: &[u8]) -> Result<Receipt, String> {
    let stored: StoredReceipt =
        from_cbor(row).map_err(|error| format!("a receipt can not be read: {error}"))?;
    let event = EventId::from_key(&stored.event).ok_or("a receipt names no event")?;
    let StoredReceipt { basket, series, number, total, .. } = stored;
    Ok(Receipt { event, basket, series, number, total })
}

fn refusal(error: RecordError) -> Refusal {
    match error {
        RecordError::TooLarge { limit, .. } => {
            Refusal::TooLarge { field: "event", limit: usize::try_from(limit).unwrap_or(usize::MAX) }
        }
        RecordError::Busy { limit, .. } => {
            Refusal::Full { what: "writes under way", limit: usize::try_from(limit).unwrap_or(usize::MAX) }
        }
        other => Refusal::Stopped(other.to_string()),
    }
}
