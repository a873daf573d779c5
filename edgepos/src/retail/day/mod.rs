//! The business day of this terminal: opened, closed, and written into each of its events.

pub(crate) mod body;

use std::collections::BTreeSet;

use edgepos_core::{EventId, IdempotencyKey, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::{CashCount, DayChange, DayClosed, DayOpened, DayRecord, is_date};
use super::counters::Counters;
use super::effect::{CounterRow, Effect};
use super::envelope::Mode;
use super::kind::KnownKind;
use super::money::MAX_MAGNITUDE;
use super::record::{Record, What};
use crate::retail::unreadable::Unreadable;
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;

const KEY: &[u8] = b"day";
/// Most counts of one opening or close: drawers times currencies.
const MAX_COUNTS: usize = 64;

/// The last business day that this terminal opened.
#[derive(Debug, Default)]
pub(crate) struct Day {
    /// As yyyymmdd, and whether it is still open.
    last: Option<(u32, bool)>,
    /// The last close: a repeat gets the same answer.
    closed: Option<Closed>,
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

    /// The open day, as yyyymmdd: what events say. Between a close and the next opening they say none, since nothing that comes after
    /// a close belongs to the closed day.
    pub(crate) fn open(&self) -> Option<u32> {
        self.last.and_then(|(day, open)| open.then_some(day))
    }

    /// The day that a sale which begins belongs to.
    ///
    /// # Errors
    /// When the last day is closed. A terminal that never opened one sells without.
    pub(crate) fn selling(&self) -> Result<Option<u32>, Refusal> {
        match self.last {
            Some((day, false)) => Err(Refusal::DayClosed(day)),
            Some((day, true)) => Ok(Some(day)),
            None => Ok(None),
        }
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
        mode: Mode,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        if mode == Mode::Training {
            return Err(Refusal::Day("a trainee neither opens nor closes a business day"));
        }
        check_counts(&record)?;
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
            return Err(Refusal::Day("a business day is a date, as yyyymmdd"));
        }
        match self.last {
            Some((_, true)) => return Err(Refusal::Day("a business day is open")),
            Some((last, false)) if day <= last => {
                return Err(Refusal::Day("business days move forward: this one is not after the last"));
            }
            _ => {}
        }
        let (cash, effects) = counted(counters, &turn.config.own_drawer(), record.cash);
        let body = to_cbor(&DayOpened { day, float: record.amount, cash });
        // The event that opens a day belongs to it.
        let entry = Entry { effects, key, ..Entry::new(Some(day), KnownKind::DayOpened, body) };
        let id = turn.ledger.record(turn.now, turn.config, entry)?;
        self.set(turn, (day, true));
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
        let Some(day) = self.open() else { return self.repeat_close(turn, &record) };
        if open_baskets > 0 {
            return Err(Refusal::Day(
                "baskets are open: a day is closed when each is paid, parked or abandoned",
            ));
        }
        let asked = record.cash.clone();
        let (cash, effects) = counted(counters, &turn.config.own_drawer(), record.cash);
        let body = DayClosed::new(day, record.amount, turn.ledger.durable()).with_cash(cash);
        let entry = Entry { effects, key, ..Entry::new(Some(day), KnownKind::DayClosed, to_cbor(&body)) };
        let id = turn.ledger.record(turn.now, turn.config, entry)?;
        self.set(turn, (day, false));
        let closed = Closed { day, event: id.to_key().to_vec(), counted: record.amount, cash: asked };
        turn.out.write(Write::put(Space::ClosedDay, KEY, to_cbor(&closed)));
        self.closed = Some(closed);
        Ok(id)
    }

    /// Written again: the first write may not be durable yet, and the reply must not come before it.
    fn repeat_close(&self, turn: &mut Turn<'_>, record: &DayRecord) -> Result<EventId, Refusal> {
        let last = self.last.map(|(day, _)| day);
        let closed = self.closed.as_ref().filter(|closed| Some(closed.day) == last);
        let closed = closed.ok_or(Refusal::Day("no business day is open"))?;
        if closed.counted != record.amount || closed.cash != record.cash {
            return Err(Refusal::Day("the business day is closed, with another count"));
        }
        let event = EventId::from_key(&closed.event).ok_or(Refusal::Day("no business day is open"))?;
        turn.out.write(Write::put(Space::ClosedDay, KEY, to_cbor(closed)));
        Ok(event)
    }

    fn set(&mut self, turn: &mut Turn<'_>, last: (u32, bool)) {
        self.last = Some(last);
        turn.out.write(Write::put(Space::Day, KEY, to_cbor(&last)));
    }
}

/// Refuses counts that no drawer can hold, and two of one drawer and currency.
fn check_counts(record: &DayRecord) -> Result<(), Refusal> {
    let bad = |reason| Err(Refusal::BadField { field: "cash", reason });
    let amounts = record.cash.iter().map(|count| count.amount).chain([record.amount]);
    if amounts.into_iter().any(|amount| amount < 0 || amount.unsigned_abs() > MAX_MAGNITUDE) {
        return bad("an amount that is counted is 0 to 10^12");
    }
    if record.cash.len() > MAX_COUNTS {
        return bad("more than 64 counts");
    }
    let mut seen = BTreeSet::new();
    for count in &record.cash {
        if count.drawer.as_deref().is_some_and(|name| !CounterRow::is_drawer(name)) {
            return bad("a drawer's name is 1 to 64 bytes of text");
        }
        if !seen.insert((&count.drawer, count.currency)) {
            return bad("a drawer is counted twice in one currency");
        }
    }
    Ok(())
}

/// What was counted beside what was expected, and the effects that make each drawer's counter say what was counted.
fn counted(
    counters: &Counters,
    own_drawer: &str,
    counts: Vec<CashCount>,
) -> (Option<Vec<CashCount>>, Vec<Effect>) {
    let mut effects = Vec::new();
    let counts: Vec<_> = counts
        .into_iter()
        .map(|count| {
            let row = CounterRow::cash(count.drawer.as_deref().unwrap_or(own_drawer), count.currency);
            let expected = counters.get(&row).unwrap_or(0);
            let delta = count.amount.saturating_sub(expected);
            if delta != 0 {
                effects.push(Effect::new(row, delta, None));
            }
            CashCount { expected: Some(expected), ..count }
        })
        .collect();
    ((!counts.is_empty()).then_some(counts), effects)
}

impl Record {
    /// The business day `day` (yyyymmdd) begins with `float` minor units in the drawer, of a currency that nobody names.
    pub fn day_opened(day: u32, float: i64) -> Self {
        Self::new(What::Day(DayRecord { change: DayChange::Opened(day), amount: float, cash: Vec::new() }))
    }

    /// The same with this cash in the drawers, whose counters say so from then on.
    pub fn day_opened_with(day: u32, float: i64, cash: Vec<CashCount>) -> Self {
        Self::new(What::Day(DayRecord { change: DayChange::Opened(day), amount: float, cash }))
    }

    /// The open business day ends; `counted` minor units are in the drawer, of a currency that nobody names.
    pub fn day_closed(counted: i64) -> Self {
        Self::new(What::Day(DayRecord { change: DayChange::Closed, amount: counted, cash: Vec::new() }))
    }

    /// The same with this cash in the drawers, whose counters say so from then on.
    pub fn day_closed_with(counted: i64, cash: Vec<CashCount>) -> Self {
        Self::new(What::Day(DayRecord { change: DayChange::Closed, amount: counted, cash }))
    }
}
