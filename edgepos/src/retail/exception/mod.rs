//! Counters below their floor: watched by every terminal, raised once an episode by the store.

pub(crate) mod body;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{Now, Seq, Space, Time, Write};
use edgepos_crdt::Item;
use edgepos_wire::{from_cbor, to_cbor};

use self::body::ExceptionRaised;
use self::watch::Watch;
use super::counters::{Counters, Moved};
use super::effect::Counter;
use super::envelope::Envelope;
use super::kind::Kind;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// Raised exceptions by episode, and the rows that may become one.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    raised: BTreeMap<Vec<u8>, Raised>,
    watch: Watch,
}

/// An exception, and its place in the store's chain.
#[derive(Debug)]
struct Raised {
    seq: Seq,
    exception: ExceptionRaised,
}

/// An exception that the leader should propose.
#[derive(Debug)]
pub(crate) struct Due {
    /// The row that it is about.
    pub(crate) item: Item,
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
        self.raised.insert(key, Raised { seq, exception: exception.clone() });
        Some(exception)
    }

    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (seq, exception): (u64, ExceptionRaised) = from_cbor("exception row", value)?;
        self.raised.insert(key.to_vec(), Raised { seq: Seq(seq), exception });
        Ok(())
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
                Judged::Raise(exception) => due.push(Due { item, exception }),
            }
        }
        due
    }

    /// It was proposed, or the proposal was not taken.
    pub(crate) fn proposed(&mut self, now: Now, grace: Duration, item: Item, taken: bool) {
        if taken {
            self.watch.proposed(now.mono, item);
        } else {
            self.watch.postpone(now.mono, grace, item);
        }
    }

    /// When the next row is due.
    pub(crate) fn next_due(&self, grace: Duration) -> Option<Time> {
        self.watch.next(grace)
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
