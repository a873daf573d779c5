//! Records under a key, between their call and their durable write.

use std::collections::BTreeMap;

use edgepos_core::{EventId, IdempotencyKey};
use edgepos_crdt::VersionVector;
use edgepos_wire::to_cbor;

use super::day::body::{DayChange, DayClosed, DayOpened, DayRecord};
use super::day::shift::{ShiftChange, ShiftClosed, ShiftOpened, ShiftRecord};
use super::keys::Keys;
use super::keys::booked::{Contents, What as Named};
use super::keys::found::Found;
use super::keys::lookup::Question;
use super::kind::Kind;
use super::record::{Record, What};
use crate::retail::unreadable::Unreadable;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// Records whose key is being looked up or written.
#[derive(Debug, Default)]
pub(crate) struct Recordings {
    under_way: BTreeMap<IdempotencyKey, Recording>,
}

#[derive(Debug)]
struct Recording {
    /// `None` once it is being written.
    record: Option<Record>,
    contents: Contents,
    /// Everybody who asked with this key.
    waiting: Vec<RequestId>,
}

impl Recordings {
    /// Asks whether the key was used before.
    ///
    /// # Errors
    /// When something else is recorded under the key, or too much is under way at once; nothing was written then.
    pub(crate) fn ask(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        request: RequestId,
        key: IdempotencyKey,
        record: Record,
    ) -> Result<(), Refusal> {
        let limit = turn.config.max_commits;
        let contents = contents(&record, &turn.config.own_drawer());
        if let Some(recording) = self.under_way.get_mut(&key) {
            if recording.contents != contents {
                return Err(Refusal::KeyBusy);
            }
            if recording.waiting.len() >= limit {
                return Err(Refusal::Full { what: "repeats of one record", limit });
            }
            recording.waiting.push(request);
            return Ok(());
        }
        if self.under_way.len() >= limit {
            return Err(Refusal::Full { what: "records under way", limit });
        }
        self.under_way.insert(key, Recording { record: Some(record), contents, waiting: vec![request] });
        keys.ask(Question::Record(key), Some(key), None, turn.out);
        Ok(())
    }

    /// The same once more of a record that nobody had booked, and that has waited for something else.
    pub(crate) fn ask_again(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        key: IdempotencyKey,
        record: Record,
    ) {
        if let Some(recording) = self.under_way.get_mut(&key) {
            recording.record = Some(record);
            keys.ask(Question::Record(key), Some(key), None, turn.out);
        }
    }

    /// Who was booked under the key. What is to be recorded, where nobody was; everybody else is answered.
    pub(crate) fn answered(
        &mut self,
        out: &mut UnitOfWork,
        keys: &Keys,
        key: IdempotencyKey,
        found: Result<Found, Unreadable>,
    ) -> Option<Record> {
        let recording = self.under_way.get_mut(&key)?;
        let contents = recording.contents;
        let meant = |what: &Named| matches!(what, Named::Record(_, held) if *held == contents);
        let told = found.as_ref().ok().and_then(Found::as_told);
        let found = match &found {
            Ok(found) => found.first_of_key(meant),
            Err(reason) => {
                let reason = reason.clone();
                self.refuse(out, key, &Refusal::Damaged { what: "the event of this key", reason });
                return None;
            }
        };
        let Some(booked) = found else {
            let Some(told) = told else { return recording.record.take() };
            let event = told.event();
            let elsewhere = Refusal::RecordedElsewhere { event };
            self.refuse(out, key, &if meant(&told.what) { elsewhere } else { Refusal::KeyInUse { event } });
            return None;
        };
        if meant(&booked.what) {
            let later = keys.keep(booked, out);
            for request in self.end(key) {
                match later {
                    true => out.then(Then::Reply(request, Reply::Recorded(booked.event()))),
                    false => out.reply(request, Ok(Reply::Recorded(booked.event()))),
                }
            }
        } else {
            let refusal = Refusal::KeyInUse { event: booked.event() };
            // What is said of an event is said once that is durable.
            let later = keys.keep(booked, out);
            for request in self.end(key) {
                match later {
                    true => out.then(Then::Refuse(request, refusal.clone())),
                    false => out.reply(request, Err(refusal.clone())),
                }
            }
        }
        None
    }

    /// It is durable: tells everybody who asked.
    pub(crate) fn recorded(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, id: EventId) {
        for request in self.end(key) {
            out.reply(request, Ok(Reply::Recorded(id)));
        }
    }

    /// It is not recorded.
    pub(crate) fn refuse(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, refusal: &Refusal) {
        for request in self.end(key) {
            out.reply(request, Err(refusal.clone()));
        }
    }

    /// Ends every record that is under way. Whoever waits for one.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.under_way).into_values().flat_map(|recording| recording.waiting).collect()
    }

    fn end(&mut self, key: IdempotencyKey) -> Vec<RequestId> {
        self.under_way.remove(&key).map(|recording| recording.waiting).unwrap_or_default()
    }
}

/// What a record will say at a terminal with this drawer.
fn contents(record: &Record, own_drawer: &str) -> Contents {
    let mode = record.mode;
    match record.what() {
        What::Event { kind, body, effects, .. } => Contents::of(kind.kind(), mode, body, effects),
        What::Payment(step) => Contents::of(step.kind().kind(), mode, &step.body(), &[]),
        What::Count(record) => Contents::of(Kind::STOCK_COUNTED, mode, &record.body(), &[]),
        What::Cash(record) => Contents::of(Kind::CASH_MOVED, mode, &record.body(own_drawer), &[]),
        What::Shift(ShiftRecord { shift, change, cash }) => {
            let (shift, cash) = (*shift, (!cash.is_empty()).then(|| cash.clone()));
            let (kind, body) = match change {
                ShiftChange::Opened(_) => (Kind::SHIFT_OPENED, to_cbor(&ShiftOpened { shift, cash })),
                ShiftChange::Closed => (Kind::SHIFT_CLOSED, to_cbor(&ShiftClosed { shift, cash })),
            };
            Contents::of(kind, mode, &body, &[])
        }
        What::Day(DayRecord { change, amount, cash, .. }) => {
            let cash = (!cash.is_empty()).then(|| cash.clone());
            let (kind, body) = match *change {
                DayChange::Opened(day) => {
                    (Kind::DAY_OPENED, to_cbor(&DayOpened { day, float: *amount, cash, store: None }))
                }
                DayChange::Closed => {
                    let closed = DayClosed::new(0, *amount, &VersionVector::new()).with_cash(cash);
                    (Kind::DAY_CLOSED, to_cbor(&closed))
                }
            };
            Contents::of(kind, mode, &body, &[])
        }
    }
}
