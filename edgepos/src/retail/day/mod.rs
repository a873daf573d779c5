//! The business day, of this terminal or of the store: opened, closed, and written into each event.

pub(crate) mod body;
pub(crate) mod cash;
pub(crate) mod shift;

use edgepos_core::{EventId, IdempotencyKey, ReplicaId, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::{CashCount, DayChange, DayClosed, DayOpened, DayRecord, OnDuty, is_date};
use self::cash::{CashMoved, CashRecord, check_counts, counted, may_be_counted};
use self::shift::{OpenShift, ShiftChange, ShiftClosed, ShiftId, ShiftOpened, ShiftRecord, Shifts};
use super::counters::Counters;
use super::envelope::{Envelope, Mode};
use super::kind::KnownKind;
use super::record::{Record, What};
use crate::retail::unreadable::Unreadable;
use crate::terminal::config::BusinessDayOf;
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::UnitOfWork;

const KEY: &[u8] = b"day";
/// By how many years a business day may be behind the last: a shop may have been shut, and nobody takes back a year that was mistyped.
const MAX_YEARS: u32 = 2;

/// The last business day that this terminal opened, and that of the store.
#[derive(Debug, Default)]
pub(crate) struct Day {
    of: BusinessDayOf,
    /// Who wrote this disk, as it was at the start: on one that was put back, the life that went on elsewhere.
    author: ReplicaId,
    /// As yyyymmdd, and whether it is still open.
    last: Option<(u32, bool)>,
    store: StoreDay,
    /// The last close: a repeat gets the same answer.
    closed: Option<Closed>,
    shifts: Shifts,
}

/// The business day of all terminals, as far as is heard: the latest that any has opened for the store, and the latest that any has closed.
/// Days move forward, so both only rise, and in whatever order openings and closes are heard they come to the same. The row on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(map)]
struct StoreDay {
    #[n(0)]
    opened: u32,
    #[n(1)]
    closed: u32,
}

/// What an event says of the store's day.
#[derive(Debug)]
pub(crate) enum Change {
    Opened(DayOpened),
    Closed(DayClosed),
    /// Cash moves, or a shift begins: their effects say it all, but for the figures.
    InDrawers,
    /// A shift ends.
    ShiftClosed(ShiftId),
}

/// A close as it was asked for, and the event that it became. The row on disk.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Closed {
    #[n(0)]
    day: u32,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    event: Vec<u8>,
    #[n(2)]
    counted: i64,
    #[n(3)]
    cash: Vec<CashCount>,
}

impl Day {
    /// The row of [`Space::Day`] as it is on disk.
    pub(crate) fn restore(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        self.last = Some(from_cbor("day row", value)?);
        Ok(())
    }

    /// The row of [`Space::ClosedDay`] as it is on disk.
    pub(crate) fn restore_closed(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        self.closed = Some(from_cbor("closed day row", value)?);
        Ok(())
    }

    /// The row of [`Space::StoreDay`] as it is on disk.
    pub(crate) fn restore_store(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        self.store = from_cbor("day row of the store", value)?;
        Ok(())
    }

    /// A row of [`Space::Shift`] as it is on disk.
    pub(crate) fn restore_shift(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.shifts.restore(key, value)
    }

    /// Every row is restored: whose the day is, and who wrote this disk.
    pub(crate) fn start(&mut self, of: BusinessDayOf, author: ReplicaId) {
        (self.of, self.author) = (of, author);
    }

    /// What an event says of the beginning of a day.
    pub(crate) fn read_opened(envelope: &Envelope) -> Result<Change, Unreadable> {
        Ok(Change::Opened(from_cbor("opening of a day", &envelope.body)?))
    }

    /// What an event says of the end of a day.
    pub(crate) fn read_closed(envelope: &Envelope) -> Result<Change, Unreadable> {
        Ok(Change::Closed(from_cbor("close of a day", &envelope.body)?))
    }

    /// What an event says of cash that moves, or of a shift.
    pub(crate) fn read_drawers(kind: KnownKind, envelope: &Envelope) -> Result<Change, Unreadable> {
        let body = &envelope.body;
        match kind {
            KnownKind::ShiftOpened => drop(from_cbor::<ShiftOpened>("opening of a shift", body)?),
            KnownKind::ShiftClosed => {
                let closed: ShiftClosed = from_cbor("close of a shift", body)?;
                return Ok(Change::ShiftClosed(closed.shift));
            }
            _ => drop(from_cbor::<CashMoved>("cash that moves", body)?),
        }
        Ok(Change::InDrawers)
    }

    /// An event of any terminal has its place: takes what it says of the store's day. What is no date says nothing.
    ///
    /// A terminal whose disk was put back hears of its own days and shifts what it has forgotten: a day that it has closed stays closed,
    /// and so does a shift. Days of another box with its number are not its own.
    pub(crate) fn apply(&mut self, id: EventId, change: &Change, out: &mut UnitOfWork) {
        if id.chain.replica == self.author {
            self.remember(change, out);
        }
        let before = self.store;
        match change {
            Change::Opened(DayOpened { day, store: Some(true), .. }) if is_date(*day) => {
                self.store.opened = before.opened.max(*day);
            }
            Change::Closed(DayClosed { day, store: Some(true), .. }) if is_date(*day) => {
                self.store.closed = before.closed.max(*day);
            }
            Change::Opened(_) | Change::Closed(_) | Change::InDrawers | Change::ShiftClosed(_) => {}
        }
        if self.store != before {
            out.write(Write::put(Space::StoreDay, KEY, to_cbor(&self.store)));
        }
    }

    fn remember(&mut self, change: &Change, out: &mut UnitOfWork) {
        let said = match change {
            Change::Opened(DayOpened { day, .. }) => (*day, true),
            Change::Closed(DayClosed { day, .. }) => (*day, false),
            Change::ShiftClosed(shift) => return self.shifts.is_closed(*shift, out),
            Change::InDrawers => return,
        };
        // Days move forward, and the close of one is behind its opening.
        let order = |(day, is_open): (u32, bool)| (day, !is_open);
        if is_date(said.0) && self.last.is_some_and(|last| order(last) < order(said)) {
            self.write_last(said, out);
        }
    }

    /// The last day that concerns this terminal, and whether it is open.
    fn current(&self) -> Option<(u32, bool)> {
        let StoreDay { opened, closed } = self.store;
        let store = (opened.max(closed), opened > closed);
        match (self.of, self.last) {
            (BusinessDayOf::Terminal, own) => own,
            (BusinessDayOf::Store, own) if store.0 == 0 => own,
            (BusinessDayOf::Store, Some(own)) if own.0 > store.0 => Some(own),
            (BusinessDayOf::Store, _) => Some(store),
        }
    }

    /// The day that this terminal may close: the open one; or, of the store, one that another has closed and whose drawers it counts.
    fn closable(&self) -> Option<u32> {
        match self.of {
            BusinessDayOf::Terminal => self.open(),
            BusinessDayOf::Store => {
                self.current().map(|(day, _)| day).filter(|day| self.last != Some((*day, false)))
            }
        }
    }

    /// The open day, as yyyymmdd: what events say. Between a close and the next opening they say none, since nothing that comes after
    /// a close belongs to the closed day.
    pub(crate) fn open(&self) -> Option<u32> {
        self.current().and_then(|(day, open)| open.then_some(day))
    }

    /// The day that a sale which begins belongs to.
    ///
    /// # Errors
    /// When the last day is closed. A terminal that never opened one sells without.
    pub(crate) fn selling(&self) -> Result<Option<u32>, Refusal> {
        match self.current() {
            Some((day, false)) => Err(Refusal::DayClosed(day)),
            Some((day, true)) => Ok(Some(day)),
            None => Ok(None),
        }
    }

    /// The open day, and the shift in which somebody works here.
    pub(crate) fn on_duty(&self, operator: Option<&str>) -> OnDuty {
        OnDuty { day: self.open(), shift: self.shifts.of(operator) }
    }

    /// The shifts that are open here.
    pub(crate) fn open_shifts(&self) -> impl Iterator<Item = OpenShift> + '_ {
        self.shifts.open()
    }

    /// Records that cash moves.
    ///
    /// # Errors
    /// See [`Record::cash_moved`].
    pub(crate) fn move_cash(
        &self,
        turn: &mut Turn<'_>,
        record: CashRecord,
        mode: Mode,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        let OnDuty { day, shift } = self.on_duty(record.operator.as_deref());
        cash::record(turn, (day, shift), record, mode, key)
    }

    /// Records that a shift begins or ends.
    ///
    /// # Errors
    /// See [`Record::shift_opened`].
    pub(crate) fn shift(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        record: ShiftRecord,
        as_what: (Mode, Option<IdempotencyKey>),
    ) -> Result<EventId, Refusal> {
        let days = (self.open(), self.current().map(|(day, _)| day));
        self.shifts.record(turn, counters, days, record, as_what)
    }

    /// Whether the record is a close that ends an open day and parks what is open.
    ///
    /// # Errors
    /// When a trainee asks, or a count says what no drawer holds.
    pub(crate) fn parks(&self, record: &DayRecord, mode: Mode) -> Result<bool, Refusal> {
        if mode == Mode::Training {
            return Err(Refusal::Day("a trainee neither opens nor closes a business day"));
        }
        if !may_be_counted(record.amount) {
            let reason = "an amount that is counted is 0 to 10^12";
            return Err(Refusal::BadField { field: "cash", reason });
        }
        check_counts(&record.cash)?;
        Ok(record.parks && self.closable().is_some_and(|day| record.is_meant_for(day)))
    }

    /// Records that the day begins or ends; a repeated close gets the event of the first.
    ///
    /// # Errors
    /// When one is open, or none is, or baskets are, or it is no later date of the calendar; nothing was written then.
    pub(crate) fn record(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        open_baskets: usize,
        record: DayRecord,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        match record.change {
            DayChange::Opened(day) => self.begin(turn, counters, day, record, key),
            DayChange::Closed => self.end(turn, counters, open_baskets, record, key),
        }
    }

    fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        day: u32,
        record: DayRecord,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        if !is_date(day) {
            return Err(Refusal::NoDate { field: "day", given: day });
        }
        // Another terminal has opened it for the store: this one says what its own drawers begin with, once.
        let joins = self.of == BusinessDayOf::Store
            && self.current() == Some((day, true))
            && self.last.is_none_or(|(own, _)| own < day);
        match self.current() {
            _ if joins => {}
            Some((_, true)) => return Err(Refusal::Day("a business day is open")),
            Some((last, false)) if day <= last => {
                return Err(Refusal::Day("business days move forward: this one is not after the last"));
            }
            Some((last, false)) if day / 10_000 > last / 10_000 + MAX_YEARS => {
                return Err(Refusal::Day(
                    "it is years after the last business day, and no day before it could be opened any more: is the year right?",
                ));
            }
            _ => {}
        }
        let (cash, effects) = counted(counters, &turn.config.own_drawer(), record.cash);
        let store = (self.of == BusinessDayOf::Store).then_some(true);
        let body = to_cbor(&DayOpened { day, float: record.amount, cash, store });
        // The event that opens a day belongs to it.
        let entry = Entry { effects, key, ..Entry::new(Some(day), KnownKind::DayOpened, body) };
        let id = turn.ledger.record(turn.now, turn.config, entry)?;
        self.write_last((day, true), turn.out);
        Ok(id)
    }

    fn end(
        &mut self,
        turn: &mut Turn<'_>,
        counters: &Counters,
        open_baskets: usize,
        record: DayRecord,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        let Some(day) = self.closable().filter(|day| record.is_meant_for(*day)) else {
            return self.repeat_close(turn, &record);
        };
        if open_baskets > 0 {
            return Err(Refusal::Day(
                "baskets are open: a day is closed when each is paid, parked or abandoned",
            ));
        }
        let asked = record.cash.clone();
        let (cash, effects) = counted(counters, &turn.config.own_drawer(), record.cash);
        // What has its place before the close is on disk with it or before it.
        let seen = turn.ledger.held();
        let of_store = self.of == BusinessDayOf::Store;
        let body = DayClosed::new(day, record.amount, seen).with_cash(cash).of_store(of_store);
        let entry = Entry { effects, key, ..Entry::new(Some(day), KnownKind::DayClosed, to_cbor(&body)) };
        let id = turn.ledger.record(turn.now, turn.config, entry)?;
        self.write_last((day, false), turn.out);
        let closed = Closed { day, event: id.to_key().to_vec(), counted: record.amount, cash: asked };
        turn.out.write(Write::put(Space::ClosedDay, KEY, to_cbor(&closed)));
        self.closed = Some(closed);
        Ok(id)
    }

    /// Written again: the first write may not be durable yet, and the reply must not come before it.
    fn repeat_close(&self, turn: &mut Turn<'_>, record: &DayRecord) -> Result<EventId, Refusal> {
        let last = self.last.map(|(day, _)| day);
        let is_meant = |closed: &&Closed| record.meant.or(last) == Some(closed.day);
        let closed = self.closed.as_ref().filter(is_meant).ok_or(match self.closable() {
            Some(_) => Refusal::Day("the business day that is named is not the one that is open"),
            None => Refusal::Day("no business day is open"),
        })?;
        if closed.counted != record.amount || closed.cash != record.cash {
            return Err(Refusal::Day("the business day is closed, with another count"));
        }
        let event = EventId::from_key(&closed.event).ok_or(Refusal::Day("no business day is open"))?;
        turn.out.write(Write::put(Space::ClosedDay, KEY, to_cbor(closed)));
        Ok(event)
    }

    fn write_last(&mut self, last: (u32, bool), out: &mut UnitOfWork) {
        self.last = Some(last);
        out.write(Write::put(Space::Day, KEY, to_cbor(&last)));
    }
}

impl Record {
    /// The business day `day` (yyyymmdd) begins with `float` minor units in the drawer, of a currency that nobody names.
    pub fn day_opened(day: u32, float: i64) -> Self {
        Self::new(What::Day(DayRecord {
            change: DayChange::Opened(day),
            amount: float,
            cash: Vec::new(),
            parks: false,
            meant: None,
        }))
    }

    /// The same with this cash in the drawers, whose counters say so from then on.
    pub fn day_opened_with(day: u32, float: i64, cash: Vec<CashCount>) -> Self {
        Self::new(What::Day(DayRecord {
            change: DayChange::Opened(day),
            amount: float,
            cash,
            parks: false,
            meant: None,
        }))
    }

    /// The open business day ends; `counted` minor units are in the drawer, of a currency that nobody names.
    pub fn day_closed(counted: i64) -> Self {
        Self::new(What::Day(DayRecord {
            change: DayChange::Closed,
            amount: counted,
            cash: Vec::new(),
            parks: false,
            meant: None,
        }))
    }

    /// The same with this cash in the drawers, whose counters say so from then on.
    pub fn day_closed_with(counted: i64, cash: Vec<CashCount>) -> Self {
        Self::new(What::Day(DayRecord {
            change: DayChange::Closed,
            amount: counted,
            cash,
            parks: false,
            meant: None,
        }))
    }

    /// Cash moves without a sale: change money that comes, a pay-out, notes that go to the safe, or from one drawer into another. Where a
    /// drawer is not named it is the terminal's own, into which float and pay-ins go and from which pay-outs and skims come; a transfer
    /// names at least one. It moves the counters of the drawers that it names, is in the figures of the open day, and in those of the shift
    /// that `operator` has open here. Refused when it is recorded: an amount that is not 1 to 10^12, and a note above 256 bytes.
    pub fn cash_moved(moved: CashMoved, operator: Option<String>) -> Self {
        Self::new(What::Cash(CashRecord { moved, operator }))
    }

    /// A shift begins at this terminal, of `operator`, or of whoever has none of their own; `cash` is in the drawers, whose counters say so
    /// from then on. What the operator sells and moves here belongs to it until it ends. It begins on an open business day, and may go on
    /// over its close. An operator has one at a time, and a terminal at most [`MAX_SHIFTS`](crate::MAX_SHIFTS).
    pub fn shift_opened(shift: ShiftId, operator: Option<String>, cash: Vec<CashCount>) -> Self {
        Self::new(What::Shift(ShiftRecord { shift, change: ShiftChange::Opened(operator), cash }))
    }

    /// A shift ends at the terminal where it began, with what was counted; the event says beside each count what was expected there.
    pub fn shift_closed(shift: ShiftId, cash: Vec<CashCount>) -> Self {
        Self::new(What::Shift(ShiftRecord { shift, change: ShiftChange::Closed, cash }))
    }

    /// A close is meant for this day (yyyymmdd), and is refused where another one would be closed: where the day belongs to the store, the
    /// others may have gone on to the next since a cashier began to count.
    pub fn of_day(mut self, day: u32) -> Self {
        if let What::Day(record) = self.what_mut() {
            record.meant = Some(day);
        }
        self
    }

    /// A close parks the baskets that are open at this terminal, for whoever recalls them on the next day, where it would be refused
    /// otherwise; a trainee's are given up. One that money was taken for is never parked: the close is refused then.
    pub fn parking(mut self) -> Self {
        if let What::Day(record) = self.what_mut() {
            record.parks = true;
        }
        self
    }
}
