//! The desk where baskets are handled: those that are open, parked or take something back, and the sales that are read for them.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{EventId, IdempotencyKey, ReplicaId};

use super::counters::Counters;
use super::day::Day;
use super::effect::CounterRow;
use super::envelope::Envelope;
use super::keys::Keys;
use super::keys::found::Found;
use super::keys::name::Wanted;
use super::parked::{Parked, Purpose};
use super::returns::{Read, Returns};
use super::sale::Sales;
use super::sale::basket::OpenBasket;
use super::sale::body::BasketId;
use super::sale::draft::{Draft, Opening};
use super::sale::receipt::{Commit, Receipt};
use super::sold::Sold;
use super::sums::{SoldBy, Sums, basket_of, left};
use super::unreadable::Unreadable;
use crate::ports::Rows;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::UnitOfWork;

/// Questions about sold lines that may wait for their sales to be read at once.
const MAX_ASKED: usize = 1_024;

/// Every basket that somebody handles.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    sold: Sold,
    /// Who asked what is left of a line whose sale is being read.
    asked: BTreeMap<BasketId, Vec<(RequestId, CounterRow)>>,
    sales: Sales,
    returns: Returns,
    parked: Parked,
}

/// The rooms that the desk is lent for one call.
pub(crate) struct Beside<'a> {
    pub(crate) keys: &'a mut Keys,
    pub(crate) counters: &'a Counters,
    pub(crate) day: &'a Day,
}

impl Desk {
    /// A row of [`Space::Basket`](edgepos_core::Space::Basket) as it is on disk.
    pub(crate) fn restore_basket(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        self.sales.restore_basket(value)
    }

    /// A row of [`Space::Series`](edgepos_core::Space::Series) as it is on disk.
    pub(crate) fn restore_series(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.sales.restore_series(key, value)
    }

    /// A row of [`Space::Refunded`](edgepos_core::Space::Refunded) as it is on disk.
    pub(crate) fn restore_refunded(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.returns.restore(key, value)
    }

    /// See [`Sales::start`].
    pub(crate) fn start(&mut self, first: ReplicaId, me: ReplicaId, joins: bool) {
        self.sales.start(first, me, joins);
    }

    /// See [`Sales::rename`].
    pub(crate) fn rename(&mut self, me: ReplicaId) {
        self.sales.rename(me);
    }

    /// Asks for the sales of a basket.
    pub(crate) fn ask_sold(&mut self, basket: BasketId, keys: &mut Keys, out: &mut UnitOfWork) {
        self.sold.ask(basket, keys, out);
    }

    /// Asks for a counter's value, also of a line that was sold and has no row.
    pub(crate) fn ask_counter(
        &mut self,
        turn: &mut Turn<'_>,
        beside: &mut Beside<'_>,
        request: RequestId,
        row: CounterRow,
    ) {
        match basket_of(&row.to_key()).filter(|_| beside.counters.lacks_sale(&row)) {
            Some(_) if self.asked.values().map(Vec::len).sum::<usize>() >= MAX_ASKED => {
                let full = Refusal::Full { what: "questions about sold lines", limit: MAX_ASKED };
                turn.out.reply(request, Err(full));
            }
            Some(basket) => {
                self.asked.entry(basket).or_default().push((request, row));
                self.sold.ask(basket, beside.keys, turn.out);
            }
            None => turn.out.reply(request, Ok(Reply::Counter(beside.counters.get(&row)))),
        }
    }

    /// Which events sold a basket. The sales, where none must be read.
    pub(crate) fn sold_named(
        &mut self,
        basket: BasketId,
        found: &Result<Found, Unreadable>,
        out: &mut UnitOfWork,
    ) -> Option<Vec<SoldBy>> {
        self.sold.named(basket, found, out)
    }

    /// One of the sales of a basket was read. All of them, where it was the last.
    pub(crate) fn sale_loaded(&mut self, basket: BasketId, rows: &Rows) -> Option<Vec<SoldBy>> {
        self.sold.loaded(basket, rows)
    }

    /// The sales of a basket are known, and counted: whoever waits for them goes on.
    pub(crate) fn sold_known(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        basket: BasketId,
        sales: &[SoldBy],
    ) {
        for (request, row) in self.asked.remove(&basket).unwrap_or_default() {
            let value = counters.get(&row).or_else(|| left(sales, &row));
            turn.out.reply(request, Ok(Reply::Counter(value)));
        }
        self.sales.sold_known(turn, counters, basket, sales);
    }

    /// See [`Terminal::begin`](crate::Terminal::begin).
    pub(crate) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        beside: &mut Beside<'_>,
        request: RequestId,
        draft: Draft,
    ) -> Result<(), Refusal> {
        let Some(draft) = self.returns.begin(turn, beside.keys, request, draft)? else { return Ok(()) };
        self.open(turn, beside, Opening { request, draft, allowed: Ok(()) })
    }

    /// Which event a receipt is.
    pub(crate) fn receipt_named(
        &mut self,
        turn: &mut Turn<'_>,
        beside: &mut Beside<'_>,
        wanted: Wanted,
        found: Result<Found, Unreadable>,
    ) {
        let read = self.returns.named(beside.keys, &self.sales, wanted, found, turn.out);
        self.receipts_read(turn, beside, read);
    }

    /// The event of a receipt was read.
    pub(crate) fn receipt_loaded(
        &mut self,
        turn: &mut Turn<'_>,
        beside: &mut Beside<'_>,
        wanted: Wanted,
        fresh: bool,
        rows: &Rows,
    ) {
        let read = self.returns.loaded(&self.sales, wanted, fresh, rows);
        self.receipts_read(turn, beside, read);
    }

    /// A return whose receipts are read begins, where they allow it.
    fn receipts_read(&mut self, turn: &mut Turn<'_>, beside: &mut Beside<'_>, read: Option<Read>) {
        let Some(Read { draft, waiting, allowed }) = read else { return };
        for request in waiting {
            let opening = Opening { request, draft: draft.clone(), allowed: allowed.clone() };
            if let Err(refusal) = self.open(turn, beside, opening) {
                turn.out.reply(request, Err(refusal));
            }
        }
    }

    /// A basket begins, where its receipts allow it.
    fn open(
        &mut self,
        turn: &mut Turn<'_>,
        beside: &mut Beside<'_>,
        opening: Opening,
    ) -> Result<(), Refusal> {
        let Beside { keys, counters, day } = beside;
        let originals = self.sales.begin(turn, keys, counters, day.selling(), opening)?;
        self.read_sold(turn, keys, originals);
        Ok(())
    }

    fn read_sold(&mut self, turn: &mut Turn<'_>, keys: &mut Keys, originals: BTreeSet<BasketId>) {
        for original in originals {
            self.sold.ask(original, keys, turn.out);
        }
    }

    /// See [`Sales::begin_answered`].
    pub(crate) fn begin_answered(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        basket: BasketId,
        found: Result<Found, Unreadable>,
    ) {
        self.sales.begin_answered(turn, counters, basket, found);
    }

    /// See [`Terminal::commit`](crate::Terminal::commit).
    pub(crate) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        request: RequestId,
        commit: Commit,
    ) -> Result<(), Refusal> {
        self.sales.commit(turn, keys, request, commit)
    }

    /// See [`Sales::commit_answered`].
    pub(crate) fn commit_answered(
        &mut self,
        turn: &mut Turn<'_>,
        beside: &Beside<'_>,
        key: IdempotencyKey,
        found: Result<Found, Unreadable>,
    ) {
        self.sales.commit_answered(turn, beside.keys, beside.day.open(), key, found);
    }

    /// The sale is durable: tells everybody who asked.
    pub(crate) fn committed(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, receipt: &Receipt) {
        self.sales.committed(out, key, receipt);
    }

    /// See [`Terminal::abandon`](crate::Terminal::abandon).
    pub(crate) fn abandon(
        &mut self,
        turn: &mut Turn<'_>,
        day: &Day,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        if !self.sales.is_open(basket) {
            let limit = turn.config.max_commits;
            return self.parked.ask(limit, request, basket, Purpose::Close, turn.out);
        }
        self.sales.abandon(turn, day.open(), request, basket)
    }

    /// See [`Terminal::park`](crate::Terminal::park).
    pub(crate) fn park(
        &mut self,
        turn: &mut Turn<'_>,
        day: &Day,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        if self.sales.park(turn, day.open(), request, basket)? {
            return Ok(());
        }
        self.parked.ask(turn.config.max_commits, request, basket, Purpose::Park, turn.out)
    }

    /// See [`Terminal::claim`](crate::Terminal::claim).
    pub(crate) fn claim(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        if self.sales.reclaim(turn, request, basket) {
            return Ok(());
        }
        self.parked.ask(turn.config.max_commits, request, basket, Purpose::Claim, turn.out)
    }

    /// The rows of a parked basket were read.
    pub(crate) fn parked_loaded(
        &mut self,
        turn: &mut Turn<'_>,
        beside: &mut Beside<'_>,
        basket: BasketId,
        rows: &Rows,
    ) {
        let Beside { keys, counters, day } = beside;
        for (request, purpose) in self.parked.loaded(basket) {
            let done = Parked::free(basket, rows).and_then(|free| match purpose {
                Purpose::Claim => {
                    let recalled = self.sales.recall(turn, keys, counters, day.selling(), request, free);
                    recalled.map(|originals| self.read_sold(turn, keys, originals))
                }
                Purpose::Close => self.sales.close_parked(turn, day.open(), request, &free),
                Purpose::Park => {
                    turn.out.reply(request, Ok(Reply::Parked));
                    Ok(())
                }
            });
            if let Err(refusal) = done {
                turn.out.reply(request, Err(refusal));
            }
        }
    }

    /// What an event says of its own lines, which have no rows.
    pub(crate) fn note_lines(&mut self, event: EventId, lines: Sums) {
        self.sold.note(event, lines);
    }

    /// Money that an event gave back.
    pub(crate) fn note_refund(&mut self, envelope: &Envelope, out: &mut UnitOfWork) {
        self.returns.note(envelope, out);
    }

    /// The event is durable.
    pub(crate) fn durable(&mut self, event: EventId) {
        self.sold.durable(event);
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        let mut waiting = self.sales.stop();
        waiting.extend(self.parked.stop());
        waiting.extend(self.returns.stop());
        let asked = std::mem::take(&mut self.asked).into_values().flatten();
        waiting.extend(asked.map(|(request, _)| request));
        waiting
    }

    /// Baskets that were begun and neither committed nor abandoned, by rising id.
    pub(crate) fn unresolved(&self) -> impl ExactSizeIterator<Item = OpenBasket> + '_ {
        self.sales.unresolved()
    }

    /// How many there are, with those that are about to be opened.
    pub(crate) fn open_baskets(&self) -> usize {
        self.sales.open_baskets()
    }

    /// Bytes that the commits of open baskets may write.
    pub(crate) fn promised(&self) -> u64 {
        self.sales.promised()
    }
}
