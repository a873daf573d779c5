//! Goods that somebody counted, relative to what the counting terminal had seen.
//!
//! A count moves a counter by the difference that it finds, so that sales before and after it, wherever they were made and whenever they
//! are heard of, count beside it. Two counts of one product that did not know of each other have both found the same difference: of those
//! the later one by its stamp stands, what it had seen stays as it had seen it, and whoever made another takes its difference back.

pub(crate) mod body;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{EventId, IdempotencyKey, Now, ReplicaId, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::{CountLine, CountRecord, CountSettled, StockCounted, check};
use super::code;
use super::counters::Counters;
use super::effect::{CounterRow, Effect};
use super::envelope::{Envelope, Mode};
use super::kind::KnownKind;
use super::record::{Record, What};
use super::unreadable::Unreadable;
use crate::terminal::config::Config;
use crate::terminal::ledger::{Entry, Ledger};
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::UnitOfWork;

/// Counts that are kept to be compared with others. One that is older than so many stands as it does by then.
const MAX_COUNTS: usize = 1_000;

/// What is kept of that which an author has said of one line, the latest of it.
const MAX_SAID: usize = 64;

/// What an event says of a count.
#[derive(Debug)]
pub(crate) enum Change {
    Counted(StockCounted),
    Settled(CountSettled),
}

/// A count as it is on disk: a row of [`Space::StockCount`], by its event.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Count {
    /// The name that it had first, where it was written again.
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_id")]
    first: EventId,
    #[n(1)]
    hlc: u64,
    #[n(2)]
    location: u32,
    #[n(3)]
    #[cbor(with = "edgepos_wire::event_ids")]
    as_of: Vec<EventId>,
    #[n(4)]
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
struct Line {
    #[n(0)]
    product: String,
    #[n(1)]
    difference: i64,
    /// What its author has said of the difference, in order: it stands until something is said.
    #[n(2)]
    said: Vec<Said>,
}

/// That a difference was taken back, or added again.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
struct Said {
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_id")]
    event: EventId,
    /// The name that the event had first.
    #[n(1)]
    #[cbor(with = "edgepos_wire::event_id")]
    first: EventId,
    #[n(2)]
    stands: bool,
}

impl Count {
    fn seen(&self) -> VersionVector {
        self.as_of.iter().map(|id| (id.chain, id.seq)).collect()
    }
}

impl Line {
    fn stands(&self) -> bool {
        self.said.last().is_none_or(|said| said.stands)
    }

    /// Whether the difference stood, as far as somebody had seen.
    fn stood(&self, seen: &VersionVector) -> bool {
        let had_seen = |said: &&Said| seen.covers(said.event) || seen.covers(said.first);
        self.said.iter().rev().find(had_seen).is_none_or(|said| said.stands)
    }
}

/// The counts of the store, and those whose difference is still to be taken back or added again.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<EventId, Count>,
    /// By what was counted.
    of: BTreeMap<(u32, String), BTreeSet<EventId>>,
    /// What to look at, since a count of it has come.
    fresh: BTreeSet<(u32, String)>,
}

impl Tally {
    /// A row of [`Space::StockCount`] as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let event = EventId::from_key(key).ok_or(Unreadable::NoName { what: "an event" })?;
        self.insert(event, from_cbor("count", value)?);
        Ok(())
    }

    /// What an event says of a count.
    pub(crate) fn read(kind: KnownKind, envelope: &Envelope) -> Result<Change, Unreadable> {
        Ok(match kind {
            KnownKind::CountSettled => Change::Settled(from_cbor("settled count", &envelope.body)?),
            _ => Change::Counted(from_cbor("count", &envelope.body)?),
        })
    }

    /// An event of any terminal has its place.
    pub(crate) fn apply(&mut self, id: EventId, envelope: &Envelope, change: Change, out: &mut UnitOfWork) {
        match change {
            Change::Counted(counted) => {
                let line = |line: &CountLine| Line {
                    product: code::key(&line.product),
                    difference: line.difference(),
                    said: Vec::new(),
                };
                let first = envelope.reissue_of().map_or(id, |of| of.event);
                let as_of = counted.as_of().iter().map(|(chain, seq)| EventId::new(chain, seq)).collect();
                let lines = counted.lines.iter().map(line).collect();
                let count = Count { first, hlc: envelope.hlc().0, location: counted.location, as_of, lines };
                // What makes its state again from the events has heard what was said of it, or hears it next.
                let count = self.counts.get(&id).cloned().unwrap_or(count);
                out.write(Write::put(Space::StockCount, id.to_key(), to_cbor(&count)));
                self.insert(id, count);
                self.drop_oldest(out);
            }
            Change::Settled(CountSettled { count, product, stands }) => {
                // Whoever made a count says what became of it, and nobody else; both may have been written again since.
                let first = envelope.reissue_of().map_or(id, |of| of.event);
                if count.chain.replica == first.chain.replica {
                    self.say(count, &product, Said { event: id, first, stands }, out);
                }
            }
        }
    }

    /// An event leaves its chain, and with it what it said.
    pub(crate) fn take_back(&mut self, id: EventId, change: &Change, out: &mut UnitOfWork) {
        match change {
            Change::Counted(_) => {
                self.forget(id);
                out.write(Write::delete(Space::StockCount, id.to_key()));
            }
            Change::Settled(settled) => self.unsay(settled.count, &settled.product, id, out),
        }
    }

    /// Its author says whether the difference of a count stands.
    fn say(&mut self, id: EventId, product: &str, said: Said, out: &mut UnitOfWork) {
        self.change(id, product, out, |line| {
            line.said.retain(|known| known.event != said.event);
            line.said.push(said);
            // In the order of the author's chain, in whatever order they are heard or made again.
            line.said.sort_by_key(|said| said.first);
            let too_many = line.said.len().saturating_sub(MAX_SAID);
            line.said.drain(..too_many);
        });
    }

    /// The event that said so leaves its chain.
    fn unsay(&mut self, id: EventId, product: &str, event: EventId, out: &mut UnitOfWork) {
        self.change(id, product, out, |line| line.said.retain(|known| known.event != event));
    }

    fn change(&mut self, id: EventId, product: &str, out: &mut UnitOfWork, change: impl FnOnce(&mut Line)) {
        let renamed = || self.counts.iter().find(|(_, count)| count.first == id).map(|(id, _)| *id);
        let id = if self.counts.contains_key(&id) { Some(id) } else { renamed() };
        let Some((id, count)) = id.and_then(|id| Some((id, self.counts.get_mut(&id)?))) else { return };
        if let Some(line) = count.lines.iter_mut().find(|line| line.product == product) {
            change(line);
        }
        out.write(Write::put(Space::StockCount, id.to_key(), to_cbor(count)));
        self.fresh.insert((count.location, product.to_owned()));
    }

    fn forget(&mut self, id: EventId) {
        let Some(Count { location, lines, .. }) = self.counts.remove(&id) else { return };
        for Line { product, .. } in lines {
            let of = (location, product);
            if let Some(counts) = self.of.get_mut(&of) {
                counts.remove(&id);
                if counts.is_empty() {
                    self.of.remove(&of);
                }
            }
            self.fresh.insert(of);
        }
    }

    /// Takes back, or adds again, the differences of this terminal's counts beside those that others made at the same time. Whether
    /// something was recorded. What the log does not take is tried again with the next call.
    pub(crate) fn settle(
        &mut self,
        now: Now,
        config: &Config,
        ledger: &mut Ledger,
        day: Option<u32>,
    ) -> bool {
        let mut any = false;
        for of in std::mem::take(&mut self.fresh) {
            let mut left = false;
            for (count, difference, stands) in self.unsettled(&of, ledger.author()) {
                let (location, product) = of.clone();
                let delta = if stands { difference } else { difference.saturating_neg() };
                let row = CounterRow::stock(&product, location);
                let body = to_cbor(&CountSettled { count, product, stands });
                let effects = vec![Effect::new(row, delta, None)];
                let entry = Entry { effects, ..Entry::new(day, KnownKind::CountSettled, body) };
                match ledger.record(now, config, entry) {
                    Ok(_) => any = true,
                    Err(_) => left = true,
                }
            }
            if left {
                self.fresh.insert(of);
            }
        }
        any
    }

    /// This terminal's counts of something that stand and must not, or the other way round.
    fn unsettled(&self, of: &(u32, String), me: ReplicaId) -> Vec<(EventId, i64, bool)> {
        let counts = self.of.get(of).into_iter().flatten();
        let counts: Vec<(EventId, &Count)> =
            counts.filter_map(|id| Some((*id, self.counts.get(id)?))).collect();
        // Most counts are others', and say nothing of ours.
        if !counts.iter().any(|(id, _)| id.chain.replica == me) {
            return Vec::new();
        }
        let Some((latest, seen)) = latest(&counts) else { return Vec::new() };
        let own = counts.into_iter().filter(|(id, _)| id.chain.replica == me);
        own.filter_map(|(id, count)| {
            let line = count.lines.iter().find(|line| line.product == of.1)?;
            // The difference of the latest is built on what it had seen, as it had seen it, and on nothing else.
            let stands = id == latest || covers(&seen, id, count) && line.stood(&seen);
            (stands != line.stands() && line.difference != 0).then_some((id, line.difference, stands))
        })
        .collect()
    }

    fn insert(&mut self, id: EventId, count: Count) {
        for line in &count.lines {
            let of = (count.location, line.product.clone());
            self.of.entry(of.clone()).or_default().insert(id);
            self.fresh.insert(of);
        }
        self.counts.insert(id, count);
    }

    fn drop_oldest(&mut self, out: &mut UnitOfWork) {
        while self.counts.len() > MAX_COUNTS {
            let oldest = self.counts.iter().min_by_key(|(id, count)| (count.hlc, **id)).map(|(id, _)| *id);
            let Some(oldest) = oldest else { return };
            self.forget(oldest);
            out.write(Write::delete(Space::StockCount, oldest.to_key()));
        }
    }

    /// Records a count: what each counter says by then, and the difference as its effect.
    ///
    /// # Errors
    /// See [`Record::stock_counted`].
    pub(crate) fn record(
        turn: &mut Turn<'_>,
        counters: &Counters,
        day: Option<u32>,
        CountRecord { location, mut lines }: CountRecord,
        (mode, key): (Mode, Option<IdempotencyKey>),
    ) -> Result<EventId, Refusal> {
        check(&mut lines)?;
        let mut effects = Vec::with_capacity(lines.len());
        for line in &mut lines {
            let row = CounterRow::stock(&line.product, location);
            line.expected = Some(counters.get(&row).unwrap_or(0));
            effects.push(Effect::new(row, line.difference(), Some(0)));
        }
        let body = to_cbor(&StockCounted::new(location, lines, turn.ledger.held()));
        let entry = Entry { mode, effects, key, ..Entry::new(day, KnownKind::StockCounted, body) };
        turn.ledger.record(turn.now, turn.config, entry)
    }
}

/// The count of one thing that stands whatever the others say, and what it had seen: of those that no other had seen the latest by its
/// stamp. A clock that is wrong puts no count above one that has seen it.
fn latest(counts: &[(EventId, &Count)]) -> Option<(EventId, VersionVector)> {
    let seen: Vec<_> = counts.iter().map(|(id, count)| (*id, count.seen())).collect();
    let is_last = |(id, count): &&(EventId, &Count)| {
        !seen.iter().any(|(other, seen)| other != id && covers(seen, *id, count))
    };
    let mut by_stamp: Vec<_> = counts.iter().collect();
    by_stamp.sort_unstable_by_key(|(id, count)| Reverse((count.hlc, *id)));
    // Where each claims to have seen another, none is the last.
    let last = by_stamp.iter().copied().find(is_last).or(by_stamp.first().copied());
    last.map(|(id, count)| (*id, count.seen()))
}

fn covers(seen: &VersionVector, id: EventId, count: &Count) -> bool {
    seen.covers(id) || seen.covers(count.first)
}

impl Record {
    /// Somebody has counted goods at `location`, at most [`MAX_COUNT_LINES`](crate::MAX_COUNT_LINES) products: there are so many, with all
    /// that this terminal has seen so far. What others sell meanwhile, and what is heard of later, counts beside it. Of counts of one
    /// product that did not know of each other the later one stands.
    pub fn stock_counted(lines: Vec<CountLine>, location: u32) -> Self {
        Self::new(What::Count(CountRecord { location, lines }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::{Chain, Lane, Seq};

    use super::*;

    fn id(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 1), Lane::Stock), Seq(seq))
    }

    fn count(event: EventId, hlc: u64, as_of: &[EventId]) -> (EventId, Count) {
        (event, Count { first: event, hlc, location: 0, as_of: as_of.to_vec(), lines: Vec::new() })
    }

    fn latest_of(counts: &[(EventId, Count)]) -> EventId {
        let counts: Vec<_> = counts.iter().map(|(id, count)| (*id, count)).collect();
        latest(&counts).unwrap().0
    }

    #[test]
    fn the_latest_that_nobody_had_seen_stands() {
        let (a, b, c) = (id(1, 1), id(2, 1), id(3, 1));
        assert_eq!(latest_of(&[count(a, 1, &[]), count(b, 2, &[])]), b, "they did not know of each other");
        assert_eq!(latest_of(&[count(a, 1, &[]), count(b, 2, &[a])]), b, "one after the other");
        assert_eq!(latest_of(&[count(a, 1, &[]), count(b, 2, &[]), count(c, 3, &[a])]), c);
        // A wrong clock: the later one by its stamp had seen nothing of the one that has seen it.
        assert_eq!(latest_of(&[count(a, 5, &[]), count(b, 2, &[a])]), b);
        assert_eq!(latest_of(&[count(a, 5, &[b]), count(b, 2, &[a])]), a, "neither can be");
    }

    #[test]
    fn what_is_said_counts_in_the_order_of_its_chain() {
        let mut tally = Tally::default();
        let (a, mut out) = (id(1, 1), UnitOfWork::default());
        let line = Line { product: "milk".into(), difference: -2, said: Vec::new() };
        tally.insert(a, Count { lines: vec![line], ..count(a, 1, &[]).1 });
        for (event, stands) in [(id(1, 3), true), (id(1, 2), false), (id(1, 3), true)] {
            tally.say(a, "milk", Said { event, first: event, stands }, &mut out);
        }
        let line = &tally.counts[&a].lines[0];
        assert_eq!((line.said.len(), line.stands()), (2, true), "the second was heard first");
        tally.unsay(a, "milk", id(1, 3), &mut out);
        assert!(!tally.counts[&a].lines[0].stands());
    }

    #[test]
    fn what_a_later_count_had_seen_stays_as_it_had_seen_it() {
        let (a, off, on) = (id(1, 1), id(1, 2), id(1, 3));
        let said = |event, stands| Said { event, first: event, stands };
        let line = Line {
            product: "milk".into(),
            difference: -2,
            said: vec![said(off, false), said(on, true), said(id(1, 4), false)],
        };
        let seen = |last: EventId| -> VersionVector { [(last.chain, last.seq)].into_iter().collect() };
        assert!(!line.stands());
        assert!(line.stood(&seen(a)) && !line.stood(&seen(off)) && line.stood(&seen(on)));
    }
}
