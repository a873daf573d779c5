//! The shop: every room, and which of them an event, a command, a row and a question are for.

use std::time::Duration;

use edgepos_core::{EventId, IdempotencyKey, Lane, Now, ReplicaId, Seq, Space, Time};
use edgepos_crdt::VersionVector;

use super::applied::Applied;
use super::catalogue::Catalogue;
use super::change::Change;
use super::counters::{Counters, Effected};
use super::day::Day;
use super::desk::{Beside, Desk};
use super::effect::CounterRow;
use super::envelope::{Envelope, Mode};
use super::exception::body::ExceptionRaised;
use super::exception::judge::Standing;
use super::exception::{Due, Exceptions, Subject};
use super::keys::Keys;
use super::keys::booked::Booked;
use super::keys::lookup::Question;
use super::keys::name::{BookedName, LookupId, Named};
use super::kind::KnownKind;
use super::parked::Parked;
use super::quarantine::Quarantine;
use super::record::{Record, What};
use super::recordings::Recordings;
use super::reissued::Reissued;
use super::sale::basket::OpenBasket;
use super::sale::body::BasketId;
use super::sale::draft::Draft;
use super::sale::receipt::{Commit, Receipt};
use super::sold;
use super::sums::SoldBy;
use super::unreadable::Unreadable;
use crate::ports::{Rows, Store, StoreError};
use crate::terminal::io::{Notice, Reply, RequestId};
use crate::terminal::ledger::{Arrival, Entry, Ledger};
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork, Wants};

/// The store's state as far as this terminal has seen, and its own sales that are under way.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    day: Day,
    keys: Keys,
    recordings: Recordings,
    desk: Desk,
    counters: Counters,
    applied: Applied,
    catalogue: Catalogue,
    exceptions: Exceptions,
    quarantine: Quarantine,
    reissued: Reissued,
}

impl Shop {
    /// The spaces whose rows the rooms start from.
    pub(crate) const SPACES: [Space; 13] = [
        Space::Basket,
        Space::Series,
        Space::Day,
        Space::ClosedDay,
        Space::Refunded,
        Space::Counter,
        Space::Applied,
        Space::Register,
        Space::Exception,
        Space::Quarantine,
        Space::BookedTwice,
        Space::ExceptionEnd,
        Space::Reissued,
    ];

    /// Takes a row of one of [`SPACES`](Self::SPACES) from disk; rows of other spaces are not for the shop.
    pub(crate) fn restore(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        match space {
            Space::Day => self.day.restore(value),
            Space::ClosedDay => self.day.restore_closed(value),
            Space::Refunded => self.desk.restore_refunded(key, value),
            Space::Basket => self.desk.restore_basket(value),
            Space::Series => self.desk.restore_series(key, value),
            Space::Counter => self.counters.restore(key, value),
            Space::Applied => self.applied.restore(key, value),
            Space::Register => self.catalogue.restore(key, value),
            Space::Exception => self.exceptions.restore(key, value),
            Space::ExceptionEnd => self.exceptions.restore_end(key, value),
            Space::BookedTwice => match self.keys.restore(key, value)? {
                true => Ok(()),
                false => self.exceptions.restore_twice(key, value),
            },
            Space::Reissued => self.reissued.restore(key, value),
            Space::Quarantine => {
                self.quarantine.restore();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Every row is restored: starts to watch what is below its floor, and to read what `held` events are called.
    /// `first` is the incarnation that the terminal was set up as, and whether it `joins` the store; `me` is the present one.
    ///
    /// # Errors
    /// When rows of one product cannot be one row.
    pub(crate) fn start(
        &mut self,
        now: Now,
        first: ReplicaId,
        me: ReplicaId,
        joins: bool,
        held: &VersionVector,
        out: &mut UnitOfWork,
    ) -> Result<(), Unreadable> {
        self.desk.start(first, me, joins);
        self.counters.start(out)?;
        self.exceptions.start(now, standing(&self.counters, &self.catalogue));
        self.keys.start(me, held, out);
        for basket in self.counters.unsold() {
            self.desk.ask_sold(basket, &mut self.keys, out);
        }
        Ok(())
    }

    /// Every row is restored, and the events above them are counted: reads the sales of lines of which something came back.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn read_sales(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        sold::settle(store, &mut self.counters)
    }

    /// Asks for a counter's value, also of a line that was sold and has no row.
    pub(crate) fn ask_counter(&mut self, turn: &mut Turn<'_>, request: RequestId, row: CounterRow) {
        let (desk, mut beside) = self.desk();
        desk.ask_counter(turn, &mut beside, request, row);
    }

    /// The desk, and the rooms that it is lent.
    fn desk(&mut self) -> (&mut Desk, Beside<'_>) {
        (&mut self.desk, Beside { keys: &mut self.keys, counters: &self.counters, day: &self.day })
    }

    /// The sales of a basket are known: whoever waits for them goes on.
    fn sold_known(&mut self, turn: &mut Turn<'_>, basket: BasketId, sales: &[SoldBy]) {
        for item in self.counters.settle(basket, sales) {
            self.exceptions.look(turn.now, item, standing(&self.counters, &self.catalogue));
        }
        self.desk.sold_known(turn, &self.counters, basket, sales);
    }

    /// Up to where the counter rows on disk count; `None` where an earlier version wrote each with its event.
    pub(crate) fn applied(&self) -> Option<&VersionVector> {
        self.applied.written()
    }

    /// An event on disk whose effects the counter rows may lack. Nothing but rows is touched: whatever else it does was written with
    /// it.
    pub(crate) fn replay(&mut self, id: EventId, payload: &[u8]) {
        let counted = Envelope::decode(payload).map_err(Unreadable::from).and_then(|envelope| {
            if envelope.mode == Mode::Training || !self.reissued.counts(id, &envelope) {
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

    /// How many events the counter rows on disk lack.
    pub(crate) fn rows_behind(&self) -> u32 {
        self.applied.behind()
    }

    /// Writes the counter rows that have moved; they count `held` then, all that was interpreted.
    pub(crate) fn write_rows(&mut self, held: VersionVector, out: &mut UnitOfWork) {
        self.counters.write(out);
        self.applied.write(held, out);
    }

    /// See [`Terminal::begin`](crate::Terminal::begin).
    pub(crate) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        draft: Draft,
    ) -> Result<(), Refusal> {
        self.catalogue.check_scales(&draft.lines)?;
        let (desk, mut beside) = self.desk();
        desk.begin(turn, &mut beside, request, draft)
    }

    /// Rows that a room asked for were read. The event that is to be written again, and what booked the same before, where that was
    /// asked.
    pub(crate) fn loaded(
        &mut self,
        turn: &mut Turn<'_>,
        what: Wants,
        rows: &Rows,
    ) -> Option<(EventId, Option<EventId>)> {
        match what {
            Wants::Name(id, name) => return self.names_loaded(turn, id, name, rows),
            Wants::Sale(basket) => {
                if let Some(sales) = self.desk.sale_loaded(basket, rows) {
                    self.sold_known(turn, basket, &sales);
                }
            }
            Wants::Receipt { wanted, fresh } => {
                let (desk, mut beside) = self.desk();
                desk.receipt_loaded(turn, &mut beside, wanted, fresh, rows);
            }
            Wants::Parked(basket) => {
                let (desk, mut beside) = self.desk();
                desk.parked_loaded(turn, &mut beside, basket, rows);
            }
            Wants::Older => self.keys.read_older(rows, turn.out),
        }
        None
    }

    /// See [`Terminal::commit`](crate::Terminal::commit).
    pub(crate) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        commit: Commit,
    ) -> Result<(), Refusal> {
        self.desk.commit(turn, &mut self.keys, request, commit)
    }

    /// See [`Terminal::abandon`](crate::Terminal::abandon).
    pub(crate) fn abandon(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        self.desk.abandon(turn, &self.day, request, basket)
    }

    /// See [`Terminal::park`](crate::Terminal::park).
    pub(crate) fn park(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        self.desk.park(turn, &self.day, request, basket)
    }

    /// See [`Terminal::claim`](crate::Terminal::claim).
    pub(crate) fn claim(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        basket: BasketId,
    ) -> Result<(), Refusal> {
        self.desk.claim(turn, request, basket)
    }

    /// See [`Terminal::record`](crate::Terminal::record).
    pub(crate) fn record(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        record: Record,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = record.refused() {
            return Err(refusal.clone());
        }
        if let What::Event { lane: Lane::Telemetry, effects, .. } = record.what()
            && !effects.is_empty()
        {
            return Err(Refusal::EffectsInTelemetry);
        }
        if let Some(key) = record.key() {
            return self.recordings.ask(turn, &mut self.keys, request, key, record);
        }
        let id = self.write(turn, record)?;
        turn.out.then(Then::Reply(request, Reply::Recorded(id)));
        Ok(())
    }

    fn write(&mut self, turn: &mut Turn<'_>, record: Record) -> Result<EventId, Refusal> {
        let (key, repairs) = (record.key(), record.repairs());
        let (what, mode) = record.into_parts();
        turn.disk.check(self.promised(), what.needs())?;
        match what {
            What::Event { kind, lane, body, effects } => {
                let above = self.catalogue.above(kind, &body, repairs)?;
                let entry =
                    Entry { lane, mode, effects, key, above, ..Entry::new(self.day.open(), kind, body) };
                turn.ledger.record(turn.now, turn.config, entry)
            }
            What::Day(record) => {
                let open = self.desk.open_baskets();
                self.day.record(turn, &self.counters, open, record, mode, key)
            }
        }
    }

    /// The rows of a name were read: who waits for them goes on, once all names that it asked for are.
    /// The event that is to be written again, and what booked the same before, where that was asked.
    fn names_loaded(
        &mut self,
        turn: &mut Turn<'_>,
        id: LookupId,
        name: BookedName,
        rows: &Rows,
    ) -> Option<(EventId, Option<EventId>)> {
        let (question, found) = self.keys.loaded(id, name, rows)?;
        match question {
            Question::Begin(basket) => self.desk.begin_answered(turn, &self.counters, basket, found),
            Question::Commit(key) => {
                let (desk, beside) = self.desk();
                desk.commit_answered(turn, &beside, key, found);
            }
            Question::Sold(basket) => {
                if let Some(sales) = self.desk.sold_named(basket, &found, turn.out) {
                    self.sold_known(turn, basket, &sales);
                }
            }
            Question::Record(key) => {
                if let Some(record) = self.recordings.answered(turn.out, &self.keys, key, found) {
                    match self.write(turn, record) {
                        Ok(id) => turn.out.then(Then::Recorded(key, id)),
                        Err(refusal) => self.recordings.refuse(turn.out, key, &refusal),
                    }
                }
            }
            Question::Reissue(id) => {
                // What cannot be read counts as unknown: both are booked then, and whoever reads it sees them.
                let of = found.ok().and_then(|found| found.first_but(id));
                self.keys.settle(turn.out);
                return Some((id, of));
            }
            Question::Receipt(wanted) => {
                let (desk, mut beside) = self.desk();
                desk.receipt_named(turn, &mut beside, wanted, found);
            }
            Question::Twice(named) => {
                for (name, events) in found.map(|found| found.doubles(named)).unwrap_or_default() {
                    self.exceptions.note_twice(turn.now, name, &events, turn.out);
                }
            }
        }
        self.keys.settle(turn.out);
        None
    }

    /// This terminal goes on under another name: its receipts get series of their own.
    pub(crate) fn rename(&mut self, me: ReplicaId) {
        self.keys.rename(me);
        self.desk.rename(me);
    }

    /// Asks whether others have the names of an event that is to be written again. Whether it has any.
    pub(crate) fn ask_for_reissue(&mut self, id: EventId, envelope: &Envelope, out: &mut UnitOfWork) -> bool {
        self.keys.ask_for_reissue(id, envelope, out)
    }

    /// Takes back what an event did that leaves its chain, which is held up to `floor` then.
    pub(crate) fn take_back(
        &mut self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        floor: Seq,
        out: &mut UnitOfWork,
    ) {
        self.keys.take_back(id, envelope, out);
        let repeats = envelope.reissue_of();
        let counted = repeats.is_none_or(|of| self.reissued.take_back(of.event, id, out));
        if envelope.mode == Mode::Training || envelope.duplicate_of.is_some() || !counted {
            return;
        }
        // What cannot be summed up was quarantined when it came, and moved nothing.
        for item in self.counters.take_back(id, &envelope.effects, floor).unwrap_or_default() {
            self.exceptions.look(now, item, standing(&self.counters, &self.catalogue));
        }
        if matches!(envelope.kind.known(), Some(KnownKind::ProductSet | KnownKind::PriceSet)) {
            self.catalogue.rename(envelope, id);
        }
    }

    /// The names of an event are on disk.
    pub(crate) fn named(&mut self, named: Named) {
        self.keys.durable(named);
        self.desk.durable(named.event);
    }

    /// The record under a key is durable: tells everybody who asked.
    pub(crate) fn recorded(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, id: EventId) {
        self.recordings.recorded(out, key, id);
    }

    /// The sale is durable: tells everybody who asked.
    pub(crate) fn committed(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, receipt: &Receipt) {
        self.desk.committed(out, key, receipt);
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        let mut waiting = self.desk.stop();
        waiting.extend(self.recordings.stop());
        waiting
    }

    /// Interprets each event that has got its place. What cannot be interpreted is quarantined, and moves nothing.
    pub(crate) fn interpret(&mut self, now: Now, ledger: &mut Ledger, out: &mut UnitOfWork) {
        while let Some(Arrival { id, envelope }) = ledger.next_arrival() {
            let own = self.keys.note(id, envelope.as_ref().ok(), out);
            self.applied.fall_behind();
            let envelope = match envelope {
                Ok(envelope) => envelope,
                Err(reason) => {
                    self.quarantine.put(id, &reason, out);
                    continue;
                }
            };
            if !self.reissued.note(id, &envelope, ledger, out) {
                out.then(Then::Tell(Notice::Recorded { id, envelope: Box::new(envelope) }));
                continue;
            }
            if let Err(reason) = self.apply(now, id, &envelope, own, out) {
                self.quarantine.put(id, &reason, out);
            }
            out.then(Then::Tell(Notice::Recorded { id, envelope: Box::new(envelope) }));
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
        match change {
            Change::Register(change) => {
                if let Some(product) = self.catalogue.apply(change, out) {
                    self.exceptions.look_at_stock(now, &product, standing(&self.counters, &self.catalogue));
                }
            }
            Change::Raised(raised) => {
                let standing = standing(&self.counters, &self.catalogue);
                if self.exceptions.raise(now, id.seq, &raised, standing, out) {
                    out.then(Then::Tell(Notice::ExceptionRaised(raised)));
                }
            }
            Change::Ended(ended) => {
                let standing = standing(&self.counters, &self.catalogue);
                if self.exceptions.end(now, id.seq, &ended, standing, out) {
                    out.then(Then::Tell(Notice::ExceptionEnded(ended)));
                }
            }
            Change::Sale => {
                self.catalogue.note_scales(&envelope.effects, out);
                self.desk.note_refund(envelope, out);
            }
            Change::Parked(change) => Parked::apply(id, envelope, &change, out),
            Change::EffectsAlone => {}
        }
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
        self.desk.note_lines(id, sold);
        for basket in wanted {
            self.desk.ask_sold(basket, &mut self.keys, out);
        }
        for item in moved {
            self.exceptions.look(now, item, standing(&self.counters, &self.catalogue));
        }
        Ok(())
    }

    /// The store has decided something of a kind that this version does not know.
    pub(crate) fn skip_decision(&mut self, index: u64, kind: u16, out: &mut UnitOfWork) {
        self.quarantine.put_decision(index, kind, out);
    }

    /// Whether a decided event has no place: see [`Exceptions::is_repeat`].
    pub(crate) fn is_repeat(&self, payload: &[u8], decided: Seq) -> bool {
        self.exceptions.is_repeat(payload, decided)
    }

    /// What the leader should propose.
    pub(crate) fn due(&mut self, now: Now, grace: Duration, ends: bool) -> Vec<Due> {
        self.exceptions.due(now, grace, ends, standing(&self.counters, &self.catalogue))
    }

    /// It was proposed, or the proposal was not taken.
    pub(crate) fn proposed(&mut self, now: Now, grace: Duration, subject: Subject, taken: bool) {
        self.exceptions.proposed(now, grace, subject, taken);
    }

    /// When there may be something to propose.
    pub(crate) fn next_due(&self, grace: Duration, ends: bool) -> Option<Time> {
        self.exceptions.next_due(grace, ends)
    }

    /// Baskets that were begun and neither committed nor abandoned, by rising id.
    pub(crate) fn unresolved(&self) -> impl ExactSizeIterator<Item = OpenBasket> + '_ {
        self.desk.unresolved()
    }

    /// Bytes that the commits of open baskets may write.
    pub(crate) fn promised(&self) -> u64 {
        self.desk.promised()
    }

    /// The value of a counter; `None` when nothing ever moved it.
    pub(crate) fn counter(&self, row: &CounterRow) -> Option<i64> {
        self.counters.get(row)
    }

    /// The room of the counters, for questions.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The room of products and prices, for questions.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Exceptions that are raised and have not ended.
    pub(crate) fn exceptions(&self) -> impl Iterator<Item = &ExceptionRaised> {
        self.exceptions.iter()
    }

    /// How much of what is stored could not be interpreted.
    pub(crate) fn quarantined(&self) -> u64 {
        self.quarantine.len()
    }

    /// The open business day, as yyyymmdd.
    pub(crate) fn business_day(&self) -> Option<u32> {
        self.day.open()
    }
}

fn standing<'a>(counters: &'a Counters, catalogue: &'a Catalogue) -> Standing<'a> {
    Standing { counters, catalogue }
}
