//! Which exceptions the log has raised and ended, in the order of the store's chain: of one row they alternate.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use edgepos_core::{Seq, Space, Write};
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
    ends: BTreeMap<Vec<u8>, Seq>,
}

/// An exception, and its place in the store's chain.
#[derive(Debug)]
struct Raised {
    seq: Seq,
    exception: ExceptionRaised,
    /// Whether it was the next of its row.
    counts: bool,
    /// Where it ended.
    ended: Option<Seq>,
    /// It was raised in the chain of before a forced recovery.
    is_of_before: bool,
}

impl Episodes {
    /// A row of [`Space::Exception`] as it is on disk.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (seq, exception): (u64, ExceptionRaised) = from_cbor("exception row", value)?;
        self.raised.insert(
            key.to_vec(),
            Raised { seq: Seq(seq), exception, counts: false, ended: None, is_of_before: false },
        );
        Ok(())
    }

    /// A row of [`Space::ExceptionEnd`] as it is on disk.
    pub(super) fn restore_end(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (seq,): (u64,) = from_cbor("end of an exception", value)?;
        self.ends.insert(key.to_vec(), Seq(seq));
        Ok(())
    }

    /// Every row is restored, of a chain that goes up to `end`: which episodes count follows from the order of the chain.
    pub(super) fn start(&mut self, end: Seq) {
        // What has its place behind the end is of another chain.
        self.raised.values_mut().for_each(|raised| raised.is_of_before = raised.seq > end);
        let raised = self.raised.iter().map(|(key, raised)| (raised.seq, key.clone(), false));
        let ends = std::mem::take(&mut self.ends).into_iter().map(|(key, seq)| (seq, key, true));
        let mut order: Vec<_> = raised.chain(ends).collect();
        order.sort_unstable();
        for (seq, key, is_end) in order {
            let _ = if is_end { self.take_end(seq, &key) } else { self.count(&key) };
        }
    }

    /// An exception has its place. Whether it counts: it is the next of its row, and the one before has ended.
    pub(super) fn raise(&mut self, seq: Seq, exception: ExceptionRaised, out: &mut UnitOfWork) -> bool {
        let key = exception.episode_key();
        if self.raised.contains_key(&key) {
            return false;
        }
        out.write(Write::put(Space::Exception, key.clone(), to_cbor(&(seq.0, &exception))));
        self.raised
            .insert(key.clone(), Raised { seq, exception, counts: false, ended: None, is_of_before: false });
        self.count(&key)
    }

    /// The end of an episode has its place. Whether it counts: the episode is open.
    pub(super) fn end(&mut self, seq: Seq, row: &[u8], episode: u32, out: &mut UnitOfWork) -> bool {
        let key = episode_key(row, episode);
        let ends = self.take_end(seq, &key);
        if ends {
            out.write(Write::put(Space::ExceptionEnd, key, to_cbor(&(seq.0,))));
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
    pub(super) fn has(&self, exception: &ExceptionRaised, decided: Seq) -> bool {
        self.raised.get(&exception.episode_key()).is_some_and(|raised| raised.seq <= decided)
    }

    /// Where an episode was raised, as far as the chain is derived up to `decided`, if it was open there.
    pub(super) fn open_at(&self, episode: &[u8], decided: Seq) -> Option<Seq> {
        let raised = self.raised.get(episode).filter(|raised| raised.counts)?;
        let is_raised = raised.is_of_before || raised.seq <= decided;
        let has_ended =
            raised.ended.is_some_and(|ended| ended <= decided || raised.is_of_before && ended > raised.seq);
        (is_raised && !has_ended).then_some(raised.seq)
    }

    /// An episode that counts, open or not, and where it was raised.
    pub(super) fn find(&self, episode: &[u8]) -> Option<(&ExceptionRaised, Seq)> {
        let raised = self.raised.get(episode).filter(|raised| raised.counts)?;
        Some((&raised.exception, raised.seq))
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

    fn take_end(&mut self, seq: Seq, key: &[u8]) -> bool {
        let Some(raised) = self.raised.get_mut(key) else { return false };
        let latest = self.latest.get(raised.exception.subject()) == Some(&raised.exception.episode);
        let ends = latest && raised.counts && raised.ended.is_none();
        if ends {
            raised.ended = Some(seq);
            self.open.remove(raised.exception.subject());
        }
        ends
    }
}
