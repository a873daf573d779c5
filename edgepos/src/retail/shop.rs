//! The shop: every room, and which of them an event, a command, a row and a question are for.

use edgepos_core::{EventId, Now, ReplicaId, Seq, Space};
use edgepos_crdt::VersionVector;
use edgepos_sync::{EventRecord, Hash};

use super::applied::Applied;
use super::calls::Calls;
use super::change::{Change, Touched};
use super::counters::{Counters, Effected};
use super::counting::Tally;
use super::envelope::{Envelope, Mode};
use super::exception::{Exceptions, judge::Standing, judge::standing};
use super::keys::name::{BookedName, LookupId};
use super::keys::{Keys, booked::Booked, lookup::Question};
use super::reissued::{Counts, Reissued};
use super::sale::{Sales, body::BasketId};
use super::sold::{self, Sold};
use super::stored_event::{self, Stored};
use super::taking_back::{Leaving, Rooms};
use super::{catalogue::Catalogue, customer::Customers, day::Day, desk::Desk, desk::OnDesk, sums::SoldBy};
use super::{effect::CounterRow, figures::Figures, parked::Parked, payment::Payments};
use super::{quarantine::Quarantine, recordings::Recordings, returns::Returns, set_aside::SetAside};
use super::{uncounted::Uncounted, unreadable::Unreadable};
use crate::ports::{Rows, Store, StoreError};
use crate::terminal::config::Config;
use crate::terminal::io::{Notice, RequestId};
use crate::terminal::ledger::{Arrival, Ledger};
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork, Wants};

/// The store's state as far as this terminal has seen, and its own sales that are under way.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    day: Day,
    keys: Keys,
    calls: Calls,
    recordings: Recordings,
    sales: Sales,
    returns: Returns,
    parked: Parked,
    payments: Payments,
    sold: Sold,
    counters: Counters,
    tally: Tally,
    applied: Applied,
    catalogue: Catalogue,
    customers: Customers,
    exceptions: Exceptions,
    figures: Figures,
    quarantine: Quarantine,
    reissued: Reissued,
    set_aside: SetAside,
    uncounted: Uncounted,
}

impl Shop {
    /// Takes a row of one of [`RESTORED`](super::rebuilt::RESTORED) from disk; rows of other spaces are not for the shop.
    pub(crate) fn restore(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        match space {
            Space::Day => self.day.restore(value),
            Space::ClosedDay => self.day.restore_closed(value),
            Space::StoreDay => self.day.restore_store(value),
            Space::Shift => self.day.restore_shift(key, value),
            Space::StockCount => self.tally.restore(key, value),
            Space::FiguresKnown => self.figures.restore(value),
            Space::Refunded => self.returns.restore(key, value),
            Space::Basket => self.sales.restore_basket(value),
            Space::Payment => self.payments.restore(key, value),
            Space::Series => self.sales.series().restore(key, value),
            Space::Counter => self.counters.restore(key, value),
            Space::Applied => self.applied.restore(key, value),
            Space::Register => self.catalogue.restore(key, value),
            Space::ErasedCustomer => self.customers.restore(key),
            Space::Exception => self.exceptions.restore(key, value),
            Space::ExceptionEnd => self.exceptions.restore_end(key, value),
            Space::Resolution => self.exceptions.restore_resolution(key, value),
            Space::BookedTwice if self.keys.restore(key, value)? => Ok(()),
            Space::BookedTwice => self.exceptions.restore_twice(key, value),
            Space::SharedNumber => self.exceptions.restore_number(key, value),
            Space::Reissued => self.reissued.restore(key, value),
            Space::Unsigned => self.sales.signing().restore(key, value),
            Space::Lost => self.uncounted.restore(key, value),
            Space::Quarantine => self.quarantine.restore(key, value),
            Space::SetAside => self.set_aside.restore(),
            _ => Ok(()),
        }
    }

    /// Every row is restored: starts to watch what is below its floor, and to read what held events are called.
    ///
    /// # Errors
    /// When rows of one product cannot be one row.
    pub(crate) fn start(
        &mut self,
        now: Now,
        config: &Config,
        ledger: &Ledger,
        out: &mut UnitOfWork,
    ) -> Result<(), Unreadable> {
        self.day.start(config.business_day_of, ledger.author());
        self.sales.series().start(config.me, ledger.author(), config.joins());
        self.sales.start(config.max_open_baskets);
        self.counters.start(out)?;
        self.exceptions.start(now, standing(&self.counters, &self.catalogue, &self.reissued));
        self.exceptions.start_numbers(now, ledger.durable());
        self.keys.start(ledger.author(), ledger.durable(), out);
        let may_be_open = |basket| self.sales.is_open(basket) || self.sales.may_be_away(basket);
        self.payments.start(config.me.terminal(), may_be_open, &mut self.keys, out);
        self.figures.start(ledger.durable(), out);
        for basket in self.counters.unsold() {
            self.sold.ask(basket, &mut self.keys, out);
        }
        for (id, envelope) in self.quarantine.take_readable(out) {
            self.count_late(now, id, &envelope, ledger, out);
            self.counted_late(id, envelope, ledger, out);
        }
        self.uncounted.look_on(ledger.durable(), out);
        Ok(())
    }

    /// Every row is restored, and the events above them are counted: reads the sales of lines of which something came back, and what an
    /// earlier version could not read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn read_sales(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        self.quarantine.read_again(store)?;
        sold::settle(store, &mut self.counters, &self.reissued)
    }

    /// Asks for a counter's value, also of a line that was sold and has no row.
    pub(crate) fn ask_counter(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        row: CounterRow,
    ) -> Result<(), Refusal> {
        let row = turn.config.labels.counted(&row, &self.counters).into_owned();
        self.sold.ask_counter(&mut self.keys, &self.counters, request, row, turn.out);
        Ok(())
    }

    /// The desk where baskets are begun, committed, abandoned, parked and claimed.
    pub(crate) fn desk(&mut self) -> Desk<'_> {
        let Self { calls, recordings, sales, returns, parked, payments, sold, keys, .. } = self;
        let (counters, catalogue, customers) = (&self.counters, &self.catalogue, &self.customers);
        Desk::new(OnDesk {
            calls,
            recordings,
            sales,
            returns,
            parked,
            payments,
            sold,
            keys,
            counters,
            catalogue,
            customers,
            day: &mut self.day,
        })
    }

    /// The sales of a basket are known: whoever waits for them goes on.
    fn sold_known(&mut self, turn: &mut Turn<'_>, basket: BasketId, sales: &[SoldBy]) {
        for item in self.counters.settle(basket, sales) {
            self.exceptions.look(turn.now, item, standing(&self.counters, &self.catalogue, &self.reissued));
        }
        self.sold.known(&self.counters, basket, sales, turn.out);
        self.sales.sold_known(turn, (&self.keys, &self.counters), basket, sales);
    }

    /// Up to where the counter rows on disk count; `None` where an earlier version wrote each with its event.
    pub(crate) fn applied(&self) -> Option<&VersionVector> {
        self.applied.written()
    }

    /// An event on disk whose effects the counter rows may lack. Nothing but rows is touched: whatever else it does was written with
    /// it.
    pub(crate) fn replay(&mut self, id: EventId, payload: &[u8]) {
        let counted = Envelope::decode(payload).map_err(Unreadable::from).and_then(|envelope| {
            let is_counted = self.reissued.counts(id, &envelope) && !self.quarantine.has(id);
            if envelope.mode == Mode::Training || !is_counted {
                return Ok(());
            }
            Change::read(id, &envelope)?;
            let own = Booked::of(id, &envelope).and_then(|booked| booked.basket());
            self.counters.replay(id, &envelope.effects, own)
        });
        // What cannot be interpreted was quarantined when it came, and moved nothing then.
        drop(counted);
        self.applied.fall_behind();
    }

    /// An event that the counter rows may lack cannot be read: it counts when its bytes are there again.
    pub(crate) fn lacks(&mut self, id: EventId) {
        self.uncounted.note(id);
        self.applied.fall_behind();
    }

    /// An event that has its place and has done nothing so far does now what it should have done then.
    fn count_late(
        &mut self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        ledger: &Ledger,
        out: &mut UnitOfWork,
    ) {
        let own = self.keys.note(id, Some(envelope), out);
        self.counters.count_late(true);
        self.count_once(now, id, envelope, own, ledger, out);
        self.counters.count_late(false);
    }

    /// It is told, and only the rows say that it counts: a start does not look at it again.
    fn counted_late(&mut self, id: EventId, envelope: Envelope, ledger: &Ledger, out: &mut UnitOfWork) {
        out.then(Then::Tell(Notice::Recorded { id, envelope: Box::new(envelope) }));
        self.write_rows(ledger.held().clone(), out);
    }

    /// An event is there whose bytes were damaged or lost. It does now what it has not done: one that `is_new` has done nothing.
    pub(crate) fn heal(&mut self, turn: &mut Turn<'_>, healed: &EventRecord, is_new: bool) {
        if !self.uncounted.take(healed.id, turn.out) && !is_new {
            return;
        }
        if let Some(envelope) = self.count_bytes(turn, healed) {
            self.counted_late(healed.id, envelope, turn.ledger, turn.out);
        }
    }

    /// Events that the counters lack were read: those that are as they were written count from here on, and were told long ago.
    fn count_found(&mut self, turn: &mut Turn<'_>, asked: (EventId, Seq), rows: &Rows) {
        for record in self.uncounted.found(asked, rows, &turn.ledger.lost()) {
            self.uncounted.take(record.id, turn.out);
            self.count_bytes(turn, &record);
        }
        self.uncounted.absent(asked.0).into_iter().for_each(|event| turn.ledger.suspect(turn.now, event));
        self.write_rows(turn.ledger.held().clone(), turn.out);
        self.uncounted.look_on(turn.ledger.durable(), turn.out);
    }

    fn count_bytes(&mut self, turn: &mut Turn<'_>, record: &EventRecord) -> Option<Envelope> {
        match Envelope::decode(&record.payload) {
            Ok(envelope) => {
                self.count_late(turn.now, record.id, &envelope, turn.ledger, turn.out);
                Some(envelope)
            }
            Err(error) => {
                self.quarantine.put(record.id, &error.into(), turn.out);
                None
            }
        }
    }

    /// How many events the counter rows on disk lack.
    pub(crate) fn rows_behind(&self) -> u32 {
        self.applied.behind()
    }

    /// Writes the counter rows that have moved; they count `held` then, all that was interpreted.
    pub(crate) fn write_rows(&mut self, held: VersionVector, out: &mut UnitOfWork) {
        self.counters.write(out);
        self.uncounted.write(out);
        self.applied.write(held, out);
    }

    /// Chains end earlier than before: no row says any more that it counts what was behind their ends.
    pub(crate) fn fall_back(&mut self, ledger: &Ledger, out: &mut UnitOfWork) {
        self.counters.fall_to(|chain| ledger.end_of(chain));
        self.write_rows(ledger.held().clone(), out);
    }

    /// Rows that a room asked for were read. The event that is to be written again, and what booked the same, where that was asked.
    pub(crate) fn loaded(
        &mut self,
        turn: &mut Turn<'_>,
        what: Wants,
        rows: &Rows,
    ) -> Option<(EventId, Option<EventId>)> {
        match what {
            Wants::Name(id, name) => return self.names_loaded(turn, id, name, rows),
            Wants::Sale(basket, event) => {
                let stored = stored_event::found(turn, event, rows);
                if stored == Stored::Damaged {
                    self.sold.is_damaged(basket, event, turn.out);
                    // A return does not wait for it: what its receipt says was judged by itself.
                    self.sales.sold_known(turn, (&self.keys, &self.counters), basket, &[]);
                } else if let Some(sales) = self.sold.loaded(basket, &stored, &self.reissued) {
                    self.sold_known(turn, basket, &sales);
                }
            }
            Wants::Receipt { wanted, event, fresh } => {
                let stored = stored_event::found(turn, event, rows);
                self.desk().receipt_loaded(turn, (wanted, fresh), &stored);
            }
            Wants::PaidBy(first, event) => self.desk().paid_by_read(turn, &first, event, rows),
            Wants::Basket(basket) => {
                let read = self.desk().basket_read(turn, basket, rows);
                while self.desk().goes_on(turn, basket, &read) {
                    self.interpret(turn.now, turn.ledger, turn.out);
                }
                self.desk().park_read(turn, basket, read);
            }
            Wants::Away => self.desk().away_loaded(turn, rows),
            Wants::Unresolved(request) => self.desk().unresolved_loaded(turn, request, rows),
            Wants::Parked(basket) => {
                while self.desk().parked_goes_on(turn, basket, rows) {
                    self.interpret(turn.now, turn.ledger, turn.out);
                }
            }
            Wants::Unparked(basket) => self.desk().parkings_read(turn, basket, rows),
            Wants::Voided { key, base, event } => {
                let stored = stored_event::found(turn, event, rows);
                let (exceptions, standing) = self.watch();
                exceptions.sale_loaded(turn.now, (key, base), &stored, standing, turn.out);
            }
            Wants::Uncounted(first, last) => self.count_found(turn, (first, last), rows),
            Wants::Numbers => self.exceptions.numbers_read(turn.now, rows, turn.out),
            Wants::Older => self.keys.read_older(rows, turn.out),
            Wants::Figures => {
                let (reissued, quarantine) = (&self.reissued, &self.quarantine);
                let counts = |id, envelope: &Envelope| reissued.counts(id, envelope) && !quarantine.has(id);
                self.figures.older_read(rows, counts, turn.out);
            }
            Wants::Original => {
                if self.rooms().original_loaded(turn, rows) {
                    self.applied.must_write();
                }
            }
        }
        None
    }

    /// The rows of a name were read. The event that is to be written again, and what booked the same before, where that was asked.
    fn names_loaded(
        &mut self,
        turn: &mut Turn<'_>,
        id: LookupId,
        name: BookedName,
        rows: &Rows,
    ) -> Option<(EventId, Option<EventId>)> {
        let (question, found) = self.keys.loaded(turn.now.mono, id, name, rows)?;
        match question {
            Question::Begin(basket) => {
                self.sales.begin_answered(turn, (&self.keys, &self.counters), basket, found);
            }
            Question::Commit(key) => self.desk().commit_answered(turn, key, found),
            Question::Sold(basket) => {
                if let Some(sales) = self.sold.named(basket, &found, turn.out) {
                    self.sold_known(turn, basket, &sales);
                }
            }
            Question::Record(key) => self.desk().record_answered(turn, key, found),
            Question::Beside(_) => self.desk().paid_beside(turn, &found),
            Question::Reissue(id) => {
                // What cannot be read counts as unknown: both are booked then, and whoever reads it sees them.
                let of = found.ok().and_then(|found| found.first_but(id));
                self.keys.settle(turn.out);
                return Some((id, of));
            }
            Question::Receipt(wanted) => self.desk().receipt_named(turn, wanted, found),
            Question::Twice(named) => {
                for (name, events) in found.map(|found| found.doubles(named)).unwrap_or_default() {
                    self.exceptions.note_twice(turn.now, name, (&events, &[]), turn.out);
                }
            }
        }
        self.keys.settle(turn.out);
        None
    }

    /// This terminal goes on under another name: its receipts get series of their own.
    pub(crate) fn rename(&mut self, me: ReplicaId) {
        self.keys.rename(me);
        self.sales.series().rename(me);
    }

    /// The room of names.
    pub(crate) fn keys(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Takes back what an event did that leaves its chain. What repeats it and has counted nothing so far counts from here on.
    pub(crate) fn take_back(&mut self, now: Now, leaving: Leaving<'_>, out: &mut UnitOfWork) {
        if let Some(next) = self.rooms().take_back(now, leaving, out) {
            // Whether or not its bytes can be read here: they are those of the event that leaves.
            self.uncounted.take(next, out);
            let own = Booked::of(next, leaving.envelope).and_then(|booked| booked.basket());
            // Later events of its chain count already.
            self.counters.count_late(true);
            self.count(now, next, leaving.envelope, own, out);
            self.counters.count_late(false);
        }
    }

    fn rooms(&mut self) -> Rooms<'_> {
        let Self { keys, returns, parked, counters, tally, catalogue, .. } = self;
        let (exceptions, reissued, sold) = (&mut self.exceptions, &mut self.reissued, &mut self.sold);
        let unmoved = (&mut self.uncounted, &mut self.quarantine);
        Rooms { keys, returns, parked, counters, tally, catalogue, exceptions, reissued, sold, unmoved }
    }

    /// The room of events that left their chains and are kept.
    pub(crate) fn events_aside(&mut self) -> &mut SetAside {
        &mut self.set_aside
    }

    /// Whether an event of this name, with this hash of its chain, was written again under another.
    pub(crate) fn is_written_again(&self, id: EventId, hash: Hash) -> bool {
        self.reissued.has(id, hash)
    }

    /// Reads, one at a time, if events that were written again are held under their old names, and whose numbers others have.
    pub(crate) fn ask_originals(&mut self, now: Now, durable: &VersionVector, out: &mut UnitOfWork) {
        if let Some(event) = self.reissued.next_to_check(now.mono, durable) {
            stored_event::ask(event, Wants::Original, out);
        }
        self.exceptions.read_numbers(durable, out);
    }

    /// What waited for a write goes on.
    pub(crate) fn durable(&mut self, then: Then, out: &mut UnitOfWork) {
        match then {
            Then::Reply(request, reply) => out.reply(request, Ok(reply)),
            Then::Refuse(request, refusal) => out.reply(request, Err(refusal)),
            Then::BasketWritten(basket) => self.sales.baskets().written(basket),
            Then::ParkedWritten(basket) => self.parked.written(basket),
            Then::Committed(key, receipt) => self.sales.commits().booked(out, key, &receipt),
            Then::Recorded(key, id) => self.recordings.recorded(out, key, id),
            Then::Named(named) => {
                self.keys.durable(named);
                self.sold.durable(named.event);
                self.payments.look(None, |basket| self.sales.is_open(basket), &mut self.keys, out);
            }
            Then::Mended => self.sold.mended(out),
            Then::Tell(event) => out.tell(event),
        }
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        let mut waiting = self.sales.stop();
        waiting.extend(self.calls.stop());
        waiting.extend(self.parked.stop());
        waiting.extend(self.returns.stop());
        waiting.extend(self.sold.stop());
        waiting.extend(self.recordings.stop());
        waiting.extend(self.exceptions.calls().stop());
        waiting
    }

    /// Interprets each event that has got its place. What cannot be interpreted is quarantined, and moves nothing.
    pub(crate) fn interpret(&mut self, now: Now, ledger: &mut Ledger, out: &mut UnitOfWork) {
        while let Some(Arrival { id, envelope }) = ledger.next_arrival() {
            let own = self.keys.note(id, envelope.as_ref().ok(), out);
            self.applied.fall_behind();
            self.figures.came(id, out);
            // Of an event of another branch, which had this name.
            self.uncounted.take(id, out);
            self.quarantine.take(id, out);
            self.exceptions.forget_event(id, out);
            let envelope = match envelope {
                Ok(envelope) => envelope,
                Err(reason) => {
                    self.quarantine.put(id, &reason, out);
                    continue;
                }
            };
            self.count_once(now, id, &envelope, own, ledger, out);
            out.then(Then::Tell(Notice::Recorded { id, envelope: Box::new(envelope) }));
        }
    }

    /// An event that has its place counts from here on, whatever names it was written under before.
    fn count_once(
        &mut self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        own: Option<BasketId>,
        ledger: &Ledger,
        out: &mut UnitOfWork,
    ) {
        self.exceptions.note_number(now, (id, envelope), ledger.held(), out);
        match self.reissued.note(id, envelope, ledger.held(), out) {
            Counts::No => return,
            Counts::InsteadOf(other) => {
                self.rooms().uncount(now, (other, None), envelope, ledger, out);
                self.applied.must_write();
            }
            Counts::Yes => {}
        }
        self.count(now, id, envelope, own, out);
    }

    fn count(
        &mut self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        own: Option<BasketId>,
        out: &mut UnitOfWork,
    ) {
        if let Err(reason) = self.apply(now, id, envelope, own, out) {
            self.quarantine.put(id, &reason, out);
        }
    }

    /// What an event does, all of it or nothing: its body is read first, since once a counter has moved there is no way back.
    fn apply(
        &mut self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        own: Option<BasketId>,
        out: &mut UnitOfWork,
    ) -> Result<(), Unreadable> {
        if envelope.mode == Mode::Training {
            return Ok(());
        }
        let change = Change::read(id, envelope)?;
        self.move_counters(now, id, envelope, own, out)?;
        let Self { catalogue, customers, exceptions, returns, parked, payments, day, tally, .. } = self;
        let (signing, by) = (self.sales.signing(), (&self.counters, &self.reissued));
        let touched =
            Touched { catalogue, customers, exceptions, returns, parked, payments, signing, day, tally, by };
        change.carry_out(now, id, envelope, touched, out);
        self.sales.aside().came_back(own, envelope, &mut self.payments, out);
        self.payments.look(own, |basket| self.sales.is_open(basket), &mut self.keys, out);
        Ok(())
    }

    fn move_counters(
        &mut self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        own: Option<BasketId>,
        out: &mut UnitOfWork,
    ) -> Result<(), Unreadable> {
        let Effected { moved, sold, wanted } = self.counters.apply(id, &envelope.effects, own)?;
        self.sold.note(id, sold);
        for basket in wanted {
            self.sold.ask(basket, &mut self.keys, out);
        }
        for item in moved {
            self.exceptions.look(now, item, standing(&self.counters, &self.catalogue, &self.reissued));
        }
        Ok(())
    }

    /// The store has decided something of a kind that this version does not know.
    pub(crate) fn skip_decision(&mut self, index: u64, kind: u16, out: &mut UnitOfWork) {
        self.quarantine.put_decision(index, kind, out);
    }

    /// The room of exceptions, with what it judges by.
    pub(crate) fn watch(&mut self) -> (&mut Exceptions, Standing<'_>) {
        (&mut self.exceptions, standing(&self.counters, &self.catalogue, &self.reissued))
    }

    /// Bytes that the commits of open baskets and the outcomes of payments may write.
    pub(crate) fn promised(&self) -> u64 {
        self.sales.promised().saturating_add(self.payments.promised())
    }

    /// Settles counts of goods that were made at the same time: see [`Tally::settle`].
    pub(crate) fn settle_counts(&mut self, now: Now, config: &Config, ledger: &mut Ledger) -> bool {
        !self.uncounted.is_looking() && self.tally.settle(now, config, ledger, self.day.open())
    }
}

/// Rooms that are asked for what they know.
macro_rules! asked {
    ($($doc:literal $room:ident: $type:ty;)*) => {
        impl Shop {
            $(#[doc = $doc]
            pub(crate) fn $room(&self) -> &$type {
                &self.$room
            })*
        }
    };
}

asked! {
    "The room of events that were written again, for questions." reissued: Reissued;
    "The room of exceptions, for questions." exceptions: Exceptions;
    "The room of payments, for questions." payments: Payments;
    "The room of baskets, for questions." sales: Sales;
    "The room of the counters, for questions." counters: Counters;
    "The room of products and prices, for questions." catalogue: Catalogue;
    "The room of customers, for questions." customers: Customers;
    "The room of what days come to, for questions." figures: Figures;
    "What is stored and could not be interpreted, for questions." quarantine: Quarantine;
    "The room of business days and shifts, for questions." day: Day;
    "Events that the counters lack because their bytes could not be read." uncounted: Uncounted;
    "Events that left their chains and are kept, for questions." set_aside: SetAside;
}
