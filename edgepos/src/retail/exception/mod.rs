//! Counters below their floor and what was booked twice: watched by every terminal, raised and ended by the store.

pub(crate) mod body;
mod episodes;
pub(crate) mod judge;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{EventId, Now, Seq, Space, Time, Write};
use edgepos_crdt::Item;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::{ExceptionEnded, ExceptionRaised};
use self::episodes::Episodes;
use self::judge::{Look, Standing};
use self::watch::Watch;
use super::effect::CounterRow;
use super::envelope::Envelope;
use super::keys::name::BookedName;
use super::kind::{Kind, KnownKind};
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// What the log has raised and ended, and what it may have to.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    episodes: Episodes,
    /// Rows below their floor without an exception.
    falling: Watch<Item>,
    /// Rows with an exception that are at their floor again.
    rising: Watch<Item>,
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

/// What the leader should propose.
#[derive(Debug)]
pub(crate) struct Due {
    /// What it is about.
    pub(crate) subject: Subject,
    pub(crate) kind: KnownKind,
    pub(crate) body: Vec<u8>,
}

impl Exceptions {
    /// Reads an exception without raising it.
    pub(crate) fn read(envelope: &Envelope) -> Result<ExceptionRaised, Unreadable> {
        Ok(from_cbor("exception", &envelope.body)?)
    }

    /// Reads the end of an exception without ending it.
    pub(crate) fn read_end(envelope: &Envelope) -> Result<ExceptionEnded, Unreadable> {
        Ok(from_cbor("end of an exception", &envelope.body)?)
    }

    /// Raises it, at this position of the store's chain. Whether it counts.
    pub(crate) fn raise(
        &mut self,
        now: Now,
        seq: Seq,
        exception: &ExceptionRaised,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> bool {
        if let Some(name) = exception.booked_twice() {
            self.forget_twice(name, out);
        }
        let counts = self.episodes.raise(seq, exception.clone(), out);
        self.look_at_row(now, exception.row().as_ref(), standing);
        counts
    }

    /// Ends it, at this position of the store's chain. Whether it counts.
    pub(crate) fn end(
        &mut self,
        now: Now,
        seq: Seq,
        ended: &ExceptionEnded,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> bool {
        let counts = self.episodes.end(seq, ended.subject(), ended.episode, out);
        self.look_at_row(now, CounterRow::from_key(ended.subject()).as_ref(), standing);
        counts
    }

    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.episodes.restore(key, value)
    }

    /// What became of an exception, as it is on disk.
    pub(crate) fn restore_end(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.episodes.restore_end(key, value)
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
        if self.episodes.next(exception.subject()).is_none()
            || self.twice.get(&name).is_some_and(|known| known == events)
        {
            return;
        }
        let events = events[..events.len().min(ExceptionRaised::MAX_INVOLVED)].to_vec();
        out.write(Write::put(Space::BookedTwice, name.to_bytes(), to_cbor(&TwiceRow(events.clone()))));
        self.twice.insert(name, events);
        self.watch_twice.note(now.mono, name, true);
    }

    fn forget_twice(&mut self, name: BookedName, out: &mut UnitOfWork) {
        self.watch_twice.settle(name);
        if self.twice.remove(&name).is_some() {
            out.write(Write::delete(Space::BookedTwice, name.to_bytes()));
        }
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
        self.episodes.has(&exception, decided)
    }

    /// How many exceptions are open.
    pub(crate) fn open_count(&self) -> usize {
        self.episodes.open_count()
    }

    /// Each open exception behind the one about `after`, by what they are about.
    pub(crate) fn open_after(&self, after: Option<&[u8]>) -> impl Iterator<Item = &ExceptionRaised> {
        self.episodes.open_after(after)
    }

    /// Every row is restored: starts to watch.
    pub(crate) fn start(&mut self, now: Now, standing: Standing<'_>) {
        self.episodes.start();
        for item in standing.counters.items() {
            self.look(now, item, standing);
        }
        for name in self.twice.keys() {
            self.watch_twice.note(now.mono, *name, true);
        }
    }

    /// What counts as below a floor has changed for a product.
    pub(crate) fn look_at_stock(&mut self, now: Now, product: &str, standing: Standing<'_>) {
        for item in standing.counters.stock(product) {
            self.look(now, item, standing);
        }
    }

    /// A row has moved, or its exception has.
    pub(crate) fn look(&mut self, now: Now, item: Item, standing: Standing<'_>) {
        let Some(look) = standing.look(item) else { return };
        let open = self.episodes.open(&look.row.to_key()).is_some();
        self.falling.note(now.mono, item, look.is_below() && !open);
        self.rising.note(now.mono, item, open && !look.is_below());
    }

    fn look_at_row(&mut self, now: Now, row: Option<&CounterRow>, standing: Standing<'_>) {
        if let Some(item) = row.and_then(|row| standing.counters.item(row)) {
            self.look(now, item, standing);
        }
    }

    /// What has been so for `grace` and is not decided yet. Ends are not proposed to a store that may have terminals which count the
    /// store's chain without them.
    pub(crate) fn due(
        &mut self,
        now: Now,
        grace: Duration,
        ends: bool,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> Vec<Due> {
        let mut due = Vec::new();
        let mut propose = |subject, kind, body| due.push(Due { subject, kind, body });
        for item in self.falling.due(now.mono, grace) {
            let next = standing.counters.row(item).and_then(|row| self.episodes.next(&row.to_key()));
            match next.and_then(|episode| standing.exception(item, episode)) {
                // A second episode follows on an end, and so on a store that knows ends.
                Some(raised) => propose(Subject::Row(item), KnownKind::ExceptionRaised, to_cbor(&raised)),
                None => self.falling.settle(item),
            }
        }
        for item in self.rising.due(now.mono, grace).into_iter().filter(|_| ends) {
            let Some(Look { row, value, .. }) = standing.look(item) else { continue };
            match self.episodes.open(&row.to_key()) {
                Some(raised) => {
                    let ended = ExceptionEnded::new(raised, value);
                    propose(Subject::Row(item), KnownKind::ExceptionEnded, to_cbor(&ended));
                }
                None => self.rising.settle(item),
            }
        }
        for name in self.watch_twice.due(now.mono, grace) {
            match standing.reissued.apart(self.twice.get(&name).map_or(&[], Vec::as_slice)) {
                None => self.watch_twice.postpone(now.mono, grace, name),
                // One sale under the names that it has had.
                Some(events) if events.len() < 2 => self.forget_twice(name, out),
                Some(events) => {
                    let raised = ExceptionRaised::duplicate(name, events);
                    propose(Subject::Name(name), KnownKind::ExceptionRaised, to_cbor(&raised));
                }
            }
        }
        due
    }

    /// It was proposed, or the proposal was not taken.
    pub(crate) fn proposed(&mut self, now: Now, grace: Duration, subject: Subject, taken: bool) {
        match (subject, taken) {
            (Subject::Row(item), true) => {
                self.falling.proposed(now.mono, item);
                self.rising.proposed(now.mono, item);
            }
            (Subject::Row(item), false) => {
                self.falling.postpone(now.mono, grace, item);
                self.rising.postpone(now.mono, grace, item);
            }
            (Subject::Name(name), true) => self.watch_twice.proposed(now.mono, name),
            (Subject::Name(name), false) => self.watch_twice.postpone(now.mono, grace, name),
        }
    }

    /// When there may be something to propose.
    pub(crate) fn next_due(&self, grace: Duration, ends: bool) -> Option<Time> {
        let rising = ends.then(|| self.rising.next(grace)).flatten();
        [self.falling.next(grace), rising, self.watch_twice.next(grace)].into_iter().flatten().min()
    }
}
