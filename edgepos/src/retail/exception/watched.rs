//! What the leader may have to raise or end: counters below their floor and above it again, and what was booked more than once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_core::{EventId, Now, ReplicaId, Space, Time, Write};
use edgepos_crdt::{Item, VersionVector};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::body::{ExceptionEnded, ExceptionRaised};
use super::episodes::Episodes;
use super::judge::{Look, Standing};
use super::policy::Policy;
use super::resolutions::Resolutions;
use super::watch::Watch;
use crate::retail::keys::name::BookedName;
use crate::retail::kind::KnownKind;
use crate::retail::sale::body::BasketId;
use crate::retail::sale::number::ReceiptNumber;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// Who proposes, and by which rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposer<'c> {
    pub(crate) me: ReplicaId,
    pub(crate) grace: Duration,
    /// Whether the store knows ends and resolutions: not one that may have terminals which count its chain without them.
    pub(crate) knows_ends: bool,
    pub(crate) policy: &'c Policy,
    /// How long a model may take; `None` where there is none to ask.
    pub(crate) advice_within: Option<Duration>,
    /// What has its place at the proposer.
    pub(crate) held: &'c VersionVector,
}

/// What an exception is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// A counter row.
    Row(Item),
    /// A basket or a key.
    Name(BookedName),
    /// The end of what a basket or a key was raised for.
    Settled(BookedName),
    /// The number of a receipt.
    Number(ReceiptNumber),
    /// Advice about the exception of a row.
    Advice(Vec<u8>),
}

/// What the leader should propose.
#[derive(Debug)]
pub(crate) struct Due {
    /// What it is about.
    pub(crate) subject: Subject,
    pub(crate) kind: KnownKind,
    pub(crate) body: Vec<u8>,
}

/// Before a basket, in a row of [`Space::BookedTwice`] that names the payments taken for it beside what booked it.
const PAYMENTS: u8 = b'p';

/// A row of [`Space::BookedTwice`].
#[derive(Debug, Encode, Decode)]
#[cbor(transparent)]
struct TwiceRow(
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_ids")]
    Vec<EventId>,
);

/// What is watched, by every terminal: a new leader need not start to wait anew.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// Rows below their floor without an exception.
    falling: Watch<Item>,
    /// Rows with an exception that are at their floor again.
    rising: Watch<Item>,
    /// What was booked more than once, and is not raised yet.
    twice: BTreeMap<BookedName, Vec<EventId>>,
    /// Which of those are payments.
    payments: BTreeMap<BasketId, Vec<EventId>>,
    watch_twice: Watch<BookedName>,
    /// Names with an exception of whose sales one is voided.
    settled: Watch<BookedName>,
}

impl Watched {
    /// A row of what was booked more than once, as it is on disk.
    pub(super) fn restore_twice(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let basket = key.strip_prefix(&[PAYMENTS]).and_then(|basket| basket.try_into().ok());
        // A later version may keep more here.
        let name = BookedName::from_bytes(key);
        if name.is_none() && basket.is_none() {
            return Ok(());
        }
        let TwiceRow(events) = from_cbor("booked twice", value)?;
        basket.map(|basket| self.payments.insert(BasketId(basket), events.clone()));
        name.map(|name| self.twice.insert(name, events));
        Ok(())
    }

    /// Every row is restored.
    pub(super) fn start(&mut self, now: Now, episodes: &Episodes) {
        for name in self.twice.keys().filter(|name| open(episodes, **name).is_none()) {
            self.watch_twice.note(now.mono, *name, true);
        }
    }

    /// These events were booked under one name, and none of them is voided; `payments` of them were taken beside the others. It is written
    /// down until it is raised: a restart does not ask again.
    pub(super) fn note_twice(
        &mut self,
        now: Now,
        name: BookedName,
        (events, payments): (&[EventId], &[EventId]),
        episodes: &Episodes,
        out: &mut UnitOfWork,
    ) {
        let raised = open(episodes, name);
        let is_known = |event: &EventId| raised.is_some_and(|raised| raised.involved.contains(event));
        if events.len() < 2 && raised.is_none() || events.iter().all(is_known) {
            return;
        }
        // Who asks for the sales of a basket does not know of its payments, and the other way round.
        let known = self.twice.get(&name).map_or(&[][..], Vec::as_slice);
        let events = united(known, events);
        if events != known {
            out.write(Write::put(Space::BookedTwice, name.to_bytes(), to_cbor(&TwiceRow(events.clone()))));
            self.twice.insert(name, events);
        }
        if let (BookedName::Basket(basket), false) = (name, payments.is_empty()) {
            let payments = united(self.payments_of(name), payments);
            out.write(Write::put(
                Space::BookedTwice,
                payments_key(basket),
                to_cbor(&TwiceRow(payments.clone())),
            ));
            self.payments.insert(basket, payments);
        }
        match raised {
            Some(raised) => self.look_at_name(now, name, Some(raised), false),
            None => self.watch_twice.note(now.mono, name, true),
        }
    }

    fn payments_of(&self, name: BookedName) -> &[EventId] {
        let BookedName::Basket(basket) = name else { return &[] };
        self.payments.get(&basket).map_or(&[], Vec::as_slice)
    }

    /// An event is no longer one of those that were booked twice, whatever they are called.
    pub(super) fn forget_event(&mut self, id: EventId, out: &mut UnitOfWork) {
        let of_it = self.twice.iter_mut().filter(|(_, events)| events.contains(&id));
        let mut over = Vec::new();
        for (name, events) in of_it {
            events.retain(|event| *event != id);
            if events.len() < 2 {
                over.push(*name);
            } else {
                out.write(Write::put(
                    Space::BookedTwice,
                    name.to_bytes(),
                    to_cbor(&TwiceRow(events.clone())),
                ));
            }
        }
        over.into_iter().for_each(|name| self.forget_twice(name, out));
        let paid = self.payments.iter_mut().find(|(_, payments)| payments.contains(&id));
        if let Some((basket, payments)) = paid {
            payments.retain(|payment| *payment != id);
            let row = to_cbor(&TwiceRow(payments.clone()));
            out.write(Write::put(Space::BookedTwice, payments_key(*basket), row));
        }
    }

    /// A name is raised, with these events. What else is known of it waits for the next episode.
    pub(super) fn raised(
        &mut self,
        now: Now,
        raised: &ExceptionRaised,
        name: BookedName,
        out: &mut UnitOfWork,
    ) {
        self.watch_twice.settle(&name);
        if self.lacks(raised, name) {
            self.look_at_name(now, name, Some(raised), false);
        } else {
            self.forget_twice(name, out);
        }
    }

    /// Whether more is known of a name than its exception says.
    fn lacks(&self, raised: &ExceptionRaised, name: BookedName) -> bool {
        let known = self.twice.get(&name).map_or(&[][..], Vec::as_slice);
        let is_full = raised.involved.len() >= ExceptionRaised::MAX_INVOLVED;
        !is_full && known.iter().any(|event| !raised.involved.contains(event))
    }

    /// A name need not be raised.
    pub(super) fn forget_twice(&mut self, name: BookedName, out: &mut UnitOfWork) {
        self.watch_twice.settle(&name);
        if self.twice.remove(&name).is_some() {
            out.write(Write::delete(Space::BookedTwice, name.to_bytes()));
        }
        if let BookedName::Basket(basket) = name
            && self.payments.remove(&basket).is_some()
        {
            out.write(Write::delete(Space::BookedTwice, payments_key(basket)));
        }
    }

    /// Whether the open exception of a name ends: one of its sales is voided, or it does not say all that is known, and is raised anew.
    pub(super) fn look_at_name(
        &mut self,
        now: Now,
        name: BookedName,
        raised: Option<&ExceptionRaised>,
        is_voided: bool,
    ) {
        let ends = raised.is_some_and(|raised| is_voided || self.lacks(raised, name));
        self.settled.note(now.mono, name, ends);
    }

    /// A row has moved, or its exception has.
    pub(super) fn look(&mut self, now: Now, item: Item, standing: Standing<'_>, episodes: &Episodes) {
        let Some(look) = standing.look(item, now.wall.0) else { return };
        let open = episodes.open(&look.row.to_key()).is_some();
        self.falling.note(now.mono, item, look.is_below() && !open);
        self.rising.note(now.mono, item, open && !look.is_below());
    }

    /// Rows that have been so for long enough.
    pub(super) fn due_rows(
        &mut self,
        now: Now,
        by: Proposer<'_>,
        standing: Standing<'_>,
        episodes: &Episodes,
    ) -> Vec<Due> {
        let mut due = Vec::new();
        let mut propose = |subject, kind, body| due.push(Due { subject, kind, body });
        for item in self.falling.due(now.mono, by.grace) {
            let next = standing.counters.row(item).and_then(|row| episodes.next(&row.to_key()));
            match next.and_then(|episode| standing.exception(item, episode, now.wall.0)) {
                // A second episode follows on an end, and so on a store that knows ends.
                Some(raised) => propose(Subject::Row(item), KnownKind::ExceptionRaised, to_cbor(&raised)),
                None => self.falling.settle(&item),
            }
        }
        for item in self.rising.due(now.mono, by.grace).into_iter().filter(|_| by.knows_ends) {
            let Some(Look { row, value, .. }) = standing.look(item, now.wall.0) else { continue };
            match episodes.open(&row.to_key()) {
                Some(raised) => {
                    let ended = ExceptionEnded::new(raised, value);
                    propose(Subject::Row(item), KnownKind::ExceptionEnded, to_cbor(&ended));
                }
                None => self.rising.settle(&item),
            }
        }
        due
    }

    /// Names that have been so for long enough.
    pub(super) fn due_names(
        &mut self,
        now: Now,
        by: Proposer<'_>,
        (standing, resolutions): (Standing<'_>, &Resolutions),
        episodes: &Episodes,
        out: &mut UnitOfWork,
    ) -> Vec<Due> {
        let mut due = Vec::new();
        let mut propose = |subject, kind, body| due.push(Due { subject, kind, body });
        for name in self.watch_twice.due(now.mono, by.grace) {
            let events = resolutions.not_voided(self.twice.get(&name).map_or(&[], Vec::as_slice));
            match standing.reissued.apart(&events, by.held) {
                None => self.watch_twice.postpone(now.mono, by.grace, &name),
                // One sale under the names that it has had.
                Some(events) if events.len() < 2 => self.forget_twice(name, out),
                Some(events) => {
                    let payments = self.payments_of(name);
                    let mut raised = ExceptionRaised::duplicate(name, events).with_payments(payments);
                    raised.episode = episodes.next(raised.subject()).unwrap_or(1);
                    propose(Subject::Name(name), KnownKind::ExceptionRaised, to_cbor(&raised));
                }
            }
        }
        for name in self.settled.due(now.mono, Duration::ZERO).into_iter().filter(|_| by.knows_ends) {
            let exception = ExceptionRaised::duplicate(name, Vec::new());
            match episodes.open(exception.subject()) {
                Some(raised) => {
                    let left = resolutions.not_voided(&raised.involved).len();
                    let known = self.twice.get(&name).map_or(&[][..], Vec::as_slice);
                    let all = resolutions.not_voided(&united(&raised.involved, known));
                    let is_new = |event: &EventId| !raised.involved.contains(event);
                    if left == raised.involved.len() {
                        match standing.reissued.apart(&all, by.held) {
                            None => {
                                self.settled.postpone(now.mono, by.grace, &name);
                                continue;
                            }
                            // What is known besides is voided, or the same sale under a name that it has had.
                            Some(all) if !all.iter().any(is_new) => {
                                self.settled.settle(&name);
                                self.forget_twice(name, out);
                                continue;
                            }
                            Some(_) => {}
                        }
                    }
                    let ended = ExceptionEnded::new(raised, i64::try_from(left).unwrap_or(i64::MAX));
                    propose(Subject::Settled(name), KnownKind::ExceptionEnded, to_cbor(&ended));
                }
                None => self.settled.settle(&name),
            }
        }
        due
    }

    /// It was proposed, or the proposal was not taken. Of advice and of numbers somebody else keeps book.
    pub(super) fn proposed(&mut self, now: Now, grace: Duration, subject: &Subject, taken: bool) {
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
            (Subject::Settled(name), true) => self.settled.proposed(now.mono, name),
            (Subject::Settled(name), false) => self.settled.postpone(now.mono, grace, name),
            (Subject::Number(_) | Subject::Advice(_), _) => {}
        }
    }

    /// When there may be something to propose.
    pub(super) fn next_due(&self, by: Proposer<'_>) -> Option<Time> {
        let ends =
            || [self.rising.next(by.grace), self.settled.next(Duration::ZERO)].into_iter().flatten().min();
        let ends = by.knows_ends.then(ends).flatten();
        [self.falling.next(by.grace), ends, self.watch_twice.next(by.grace)].into_iter().flatten().min()
    }
}

/// The events of both, by rising id, as many as an exception may name.
fn united(some: &[EventId], others: &[EventId]) -> Vec<EventId> {
    let all: BTreeSet<EventId> = some.iter().chain(others).copied().collect();
    all.into_iter().take(ExceptionRaised::MAX_INVOLVED).collect()
}

/// The open exception of a name.
fn open(episodes: &Episodes, name: BookedName) -> Option<&ExceptionRaised> {
    episodes.open(ExceptionRaised::duplicate(name, Vec::new()).subject())
}

fn payments_key(basket: BasketId) -> Vec<u8> {
    [&[PAYMENTS], basket.0.as_slice()].concat()
}
