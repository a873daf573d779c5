//! Counters below their floor: watched by every terminal, raised once an episode by the store.

pub(crate) mod body;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{EventId, Now, Seq, Space, Time, Write};
use edgepos_crdt::Item;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::ExceptionRaised;
use self::watch::Watch;
use super::counters::{Counters, Moved};
use super::effect::Counter;
use super::envelope::Envelope;
use super::keys::name::BookedName;
use super::kind::Kind;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// Raised exceptions by episode, and the rows that may become one.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    raised: BTreeMap<Vec<u8>, Raised>,
    watch: Watch<Item>,
    /// What was booked more than once, and is not raised yet.
    twice: BTreeMap<BookedName, Vec<EventId>>,
    watch_twice: Watch<BookedName>,
}

/// What an exception is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// A counter row.
    Row(Item),
    /// A basket or a key.
    Name(BookedName),
}

/// A row of [`Space::BookedTwice`].
#[derive(Debug, Encode, Decode)]
#[cbor(transparent)]
struct TwiceRow(
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_ids")]
    Vec<EventId>,
);

/// An exception, and its place in the store's chain.
#[derive(Debug)]
struct Raised {
    seq: Seq,
    exception: ExceptionRaised,
}

/// An exception that the leader should propose.
#[derive(Debug)]
pub(crate) struct Due {
    /// What it is about.
    pub(crate) subject: Subject,
    /// What to propose.
    pub(crate) exception: ExceptionRaised,
}

/// What a row below its floor comes to.
enum Judged {
    /// There is nothing to raise.
    Settled,
    /// Not yet.
    TooEarly,
    Raise(ExceptionRaised),
}

impl Exceptions {
    /// Reads an exception without raising it.
    pub(crate) fn read(envelope: &Envelope) -> Result<ExceptionRaised, Unreadable> {
        Ok(from_cbor("exception", &envelope.body)?)
    }

    /// Raises it, at this position of the store's chain; `None` when its episode was raised before.
    pub(crate) fn apply(
        &mut self,
        seq: Seq,
        exception: ExceptionRaised,
        out: &mut UnitOfWork,
    ) -> Option<ExceptionRaised> {
        let key = exception.episode_key();
        if self.raised.contains_key(&key) {
            return None;
        }
        out.write(Write::put(Space::Exception, key.clone(), to_cbor(&(seq.0, &exception))));
        if let Some(name) = exception.booked_twice() {
            self.watch_twice.settle(name);
            if self.twice.remove(&name).is_some() {
                out.write(Write::delete(Space::BookedTwice, name.to_bytes()));
            }
        }
        self.raised.insert(key, Raised { seq, exception: exception.clone() });
        Some(exception)
    }

    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (seq, exception): (u64, ExceptionRaised) = from_cbor("exception row", value)?;
        self.raised.insert(key.to_vec(), Raised { seq: Seq(seq), exception });
        Ok(())
    }

    /// A row of what was booked more than once, as it is on disk.
    pub(crate) fn restore_twice(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        // A later version may keep more here.
        let Some(name) = BookedName::from_bytes(key) else { return Ok(()) };
        let TwiceRow(events) = from_cbor("booked twice", value)?;
        self.twice.insert(name, events);
        Ok(())
    }

    /// These events, by rising id, were booked under one name. It is written down until it is raised: a restart does not ask again.
    pub(crate) fn note_twice(
        &mut self,
        now: Now,
        name: BookedName,
        events: &[EventId],
        out: &mut UnitOfWork,
    ) {
        let exception = ExceptionRaised::duplicate(name, Vec::new());
        if self.raised.contains_key(&exception.episode_key())
            || self.twice.get(&name).is_some_and(|known| known == events)
        {
            return;
        }
        let events = events[..events.len().min(ExceptionRaised::MAX_INVOLVED)].to_vec();
        out.write(Write::put(Space::BookedTwice, name.to_bytes(), to_cbor(&TwiceRow(events.clone()))));
        self.twice.insert(name, events);
        self.watch_twice.note(now.mono, name, true);
    }

    /// Whether a decided event is a second proposal of an episode that the log has raised up to `decided`, its position in the
    /// store's chain so far. Such an event has no place: the first version passed it over, and all must count alike. One that was
    /// raised beyond `decided` is no repeat: a peer was faster, and this is the decision that it comes from.
    pub(crate) fn is_repeat(&self, payload: &[u8], decided: Seq) -> bool {
        let Ok(envelope) = Envelope::decode(payload) else { return false };
        if envelope.kind != Kind::EXCEPTION_RAISED {
            return false;
        }
        let Ok(exception) = Self::read(&envelope) else { return false };
        self.raised.get(&exception.episode_key()).is_some_and(|raised| raised.seq <= decided)
    }

    /// Each raised exception.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ExceptionRaised> {
        self.raised.values().map(|raised| &raised.exception)
    }

    /// Starts to watch what is below its floor already.
    pub(crate) fn watch_all(&mut self, now: Now, counters: &Counters) {
        for item in counters.all_below_floor() {
            self.watch.note(now.mono, item, true);
        }
        for name in self.twice.keys() {
            self.watch_twice.note(now.mono, *name, true);
        }
    }

    /// Rows have moved.
    pub(crate) fn note(&mut self, now: Now, moved: &[Moved]) {
        for moved in moved {
            let below = moved.floor.is_some_and(|floor| moved.value < floor);
            self.watch.note(now.mono, moved.item, below);
        }
    }

    /// What has been below its floor for `grace` and is not raised yet.
    pub(crate) fn due(&mut self, now: Now, grace: Duration, counters: &Counters) -> Vec<Due> {
        let mut due = Vec::new();
        for item in self.watch.due(now.mono, grace) {
            match self.judge(counters, item) {
                Judged::Settled => self.watch.settle(item),
                Judged::TooEarly => self.watch.postpone(now.mono, grace, item),
                Judged::Raise(exception) => due.push(Due { subject: Subject::Row(item), exception }),
            }
        }
        for name in self.watch_twice.due(now.mono, grace) {
            let events = self.twice.get(&name).cloned().unwrap_or_default();
            due.push(Due {
                subject: Subject::Name(name),
                exception: ExceptionRaised::duplicate(name, events),
            });
        }
        due
    }

    /// It was proposed, or the proposal was not taken.
    pub(crate) fn proposed(&mut self, now: Now, grace: Duration, subject: Subject, taken: bool) {
        match (subject, taken) {
            (Subject::Row(item), true) => self.watch.proposed(now.mono, item),
            (Subject::Row(item), false) => self.watch.postpone(now.mono, grace, item),
            (Subject::Name(name), true) => self.watch_twice.proposed(now.mono, name),
            (Subject::Name(name), false) => self.watch_twice.postpone(now.mono, grace, name),
        }
    }

    /// When the next row is due.
    pub(crate) fn next_due(&self, grace: Duration) -> Option<Time> {
        [self.watch.next(grace), self.watch_twice.next(grace)].into_iter().flatten().min()
    }

    fn judge(&self, counters: &Counters, item: Item) -> Judged {
        let Some(((value, floor), row)) = counters.below_floor(item).zip(counters.row(item)) else {
            return Judged::Settled;
        };
        let (involved, added) = counters.history(item);
        // A return whose sale has not arrived is not yet known to be one too many.
        if row.counter == Counter::RETURNABLE && added == 0 {
            return Judged::TooEarly;
        }
        let exception = ExceptionRaised::new(&row, value, floor, involved);
        if self.raised.contains_key(&exception.episode_key()) {
            return Judged::Settled;
        }
        Judged::Raise(exception)
    }
}
