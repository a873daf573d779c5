//! Which exceptions the log has raised and ended, in the order of the store's chain: of one row they alternate.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use edgepos_core::{EventId, Seq, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};

use super::body::{ExceptionRaised, episode_key};
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// Every episode that has a place in the chain.
#[derive(Debug, Default)]
pub(super) struct Episodes {
    /// By row and number.
    raised: BTreeMap<Vec<u8>, Raised>,
    /// The latest of each row that counts.
    latest: BTreeMap<Vec<u8>, u32>,
    /// Rows whose latest episode has not ended: far fewer than there ever were.
    open: BTreeSet<Vec<u8>>,
    /// Rows of ends that are not taken in yet: they are read in any order.
    ends: BTreeMap<Vec<u8>, Place>,
}

/// A place in the store's chain. A forced recovery begins another chain, whose places are behind all of the one before: its generation
/// stands above the position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place(u64);

/// Bits of a position.
const POSITION: u32 = 48;

impl Place {
    fn of(event: EventId) -> Self {
        let generation = event.chain.replica.0.saturating_sub(1);
        Self(generation << POSITION | event.seq.0)
    }

    fn seq(self) -> Seq {
        Seq(self.0 & ((1 << POSITION) - 1))
    }
}

/// An exception, and its place in the store's chain.
#[derive(Debug)]
struct Raised {
    place: Place,
    exception: ExceptionRaised,
    /// Whether it was the next of its row.
    counts: bool,
    /// Where it ended.
    ended: Option<Place>,
}

impl Episodes {
    /// A row of [`Space::Exception`] as it is on disk.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (place, exception): (u64, ExceptionRaised) = from_cbor("exception row", value)?;
        let raised = Raised { place: Place(place), exception, counts: false, ended: None };
        self.raised.insert(key.to_vec(), raised);
        Ok(())
    }

    /// A row of [`Space::ExceptionEnd`] as it is on disk.
    pub(super) fn restore_end(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (place,): (u64,) = from_cbor("end of an exception", value)?;
        self.ends.insert(key.to_vec(), Place(place));
        Ok(())
    }

    /// Every row is restored: which episodes count follows from the order of the chain.
    pub(super) fn start(&mut self) {
        let raised = self.raised.iter().map(|(key, raised)| (raised.place, key.clone(), false));
        let ends = std::mem::take(&mut self.ends).into_iter().map(|(key, place)| (place, key, true));
        let mut order: Vec<_> = raised.chain(ends).collect();
        order.sort_unstable();
        for (place, key, is_end) in order {
            let _ = if is_end { self.take_end(place, &key) } else { self.count(&key) };
        }
    }

    /// An exception has its place. Whether it counts: it is the next of its row, and the one before has ended.
    pub(super) fn raise(&mut self, event: EventId, exception: ExceptionRaised, out: &mut UnitOfWork) -> bool {
        let key = exception.episode_key();
        if self.raised.contains_key(&key) {
            return false;
        }
        let place = Place::of(event);
        out.write(Write::put(Space::Exception, key.clone(), to_cbor(&(place.0, &exception))));
        self.raised.insert(key.clone(), Raised { place, exception, counts: false, ended: None });
        self.count(&key)
    }

    /// The end of an episode has its place. Whether it counts: the episode is open.
    pub(super) fn end(&mut self, event: EventId, row: &[u8], episode: u32, out: &mut UnitOfWork) -> bool {
        let (place, key) = (Place::of(event), episode_key(row, episode));
        let ends = self.take_end(place, &key);
        if ends {
            out.write(Write::put(Space::ExceptionEnd, key, to_cbor(&(place.0,))));
        }
        ends
    }

    /// The open exception of a row.
    pub(super) fn open(&self, row: &[u8]) -> Option<&ExceptionRaised> {
        let raised = self.raised.get(&episode_key(row, *self.latest.get(row)?))?;
        raised.ended.is_none().then_some(&raised.exception)
    }

    /// The number of the row's next exception, where none is open.
    pub(super) fn next(&self, row: &[u8]) -> Option<u32> {
        let latest = self.latest.get(row).copied().unwrap_or(0);
        self.open(row).is_none().then(|| latest.checked_add(1)).flatten()
    }

    /// Whether the chain has this episode up to `decided`.
    pub(super) fn has(&self, exception: &ExceptionRaised, decided: EventId) -> bool {
        self.raised.get(&exception.episode_key()).is_some_and(|raised| raised.place <= Place::of(decided))
    }

    /// Where an episode was raised, as far as the chain is derived up to `decided`, if it was open there.
    pub(super) fn open_at(&self, episode: &[u8], decided: EventId) -> Option<Seq> {
        let (raised, decided) =
            (self.raised.get(episode).filter(|raised| raised.counts)?, Place::of(decided));
        let has_ended = raised.ended.is_some_and(|ended| ended <= decided);
        (raised.place <= decided && !has_ended).then_some(raised.place.seq())
    }

    /// An episode that counts, open or not, and where it was raised.
    pub(super) fn find(&self, episode: &[u8]) -> Option<(&ExceptionRaised, Seq)> {
        let raised = self.raised.get(episode).filter(|raised| raised.counts)?;
        Some((&raised.exception, raised.place.seq()))
    }

    /// How many exceptions are open.
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Every open exception behind the one about `after`, by row.
    pub(super) fn open_after(&self, after: Option<&[u8]>) -> impl Iterator<Item = &ExceptionRaised> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.open.range::<[u8], _>((start, Bound::Unbounded)).filter_map(|row| self.open(row))
    }

    fn count(&mut self, key: &[u8]) -> bool {
        let Some(Raised { exception, .. }) = self.raised.get(key) else { return false };
        let (row, episode) = (exception.subject(), exception.episode);
        let counts = self.next(row) == Some(episode);
        if counts {
            let row = row.to_vec();
            self.open.insert(row.clone());
            self.latest.insert(row, episode);
        }
        if let Some(raised) = self.raised.get_mut(key) {
            raised.counts = counts;
        }
        counts
    }

    fn take_end(&mut self, place: Place, key: &[u8]) -> bool {
        let Some(raised) = self.raised.get_mut(key) else { return false };
        let latest = self.latest.get(raised.exception.subject()) == Some(&raised.exception.episode);
        let ends = latest && raised.counts && raised.ended.is_none();
        if ends {
            raised.ended = Some(place);
            self.open.remove(raised.exception.subject());
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::{Chain, Lane, ReplicaId, StoreGeneration};

    use super::*;
    use crate::retail::effect::CounterRow;

    fn at(generation: u32, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::store(StoreGeneration(generation)), Lane::Transactions), Seq(seq))
    }

    fn milk() -> ExceptionRaised {
        ExceptionRaised::new(&CounterRow::stock("milk", 0), -1, 0, Vec::new())
    }

    /// What was raised as the 29th decision of a generation, and ended as the third of the next, is over, however the rows are read.
    #[test]
    fn the_chain_of_a_later_generation_is_behind_the_one_before() {
        let (milk, mut out) = (milk(), UnitOfWork::default());
        let (key, row) = (milk.episode_key(), milk.subject().to_vec());
        let mut episodes = Episodes::default();
        assert!(episodes.raise(at(0, 29), milk.clone(), &mut out));
        assert!(episodes.has(&milk, at(1, 0)) && !episodes.has(&milk, at(0, 28)));
        assert_eq!(episodes.open_at(&key, at(1, 2)), Some(Seq(29)));
        assert!(episodes.end(at(1, 3), &row, milk.episode, &mut out));
        assert_eq!(episodes.open_at(&key, at(1, 2)), Some(Seq(29)));
        assert_eq!(episodes.open_at(&key, at(1, 3)), None);

        let mut again = Episodes::default();
        let (raised, ended) = (Place::of(at(0, 29)).0, Place::of(at(1, 3)).0);
        assert_eq!(raised, 29, "rows of the first generation are as they were");
        again.restore_end(&key, &to_cbor(&(ended,))).unwrap();
        again.restore(&key, &to_cbor(&(raised, &milk))).unwrap();
        again.start();
        assert_eq!((again.open_count(), again.next(&row)), (0, Some(milk.episode + 1)));
    }
}
