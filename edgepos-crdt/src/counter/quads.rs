//! The shares of a counter in memory: four chains side by side, so that a merge is a pass over plain numbers.

use alloc::vec::Vec;

use edgepos_core::{Chain, Lane, ReplicaId};

use crate::four::{Four, WIDTH, Word};
use crate::table::Cell;

/// Places that are not used hold zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Quad<const N: usize, W> {
    replicas: [u64; WIDTH],
    cells: Four<N, W>,
    lanes: [Lane; WIDTH],
}

impl<const N: usize, W: Word> Quad<N, W> {
    fn empty() -> Self {
        Self { replicas: [0; WIDTH], cells: Four::empty(), lanes: [Lane::Transactions; WIDTH] }
    }

    fn chain(&self, place: usize) -> Chain {
        Chain::new(ReplicaId(self.replicas[place]), self.lanes[place])
    }

    /// The lanes as one number.
    fn lane_codes(&self) -> u32 {
        u32::from_ne_bytes(self.lanes.map(Lane::code))
    }
}

/// By rising chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Quads<const N: usize, W> {
    count: usize,
    quads: Vec<Quad<N, W>>,
}

impl<const N: usize, W: Word> Quads<N, W> {
    pub(super) const fn new() -> Self {
        Self { count: 0, quads: Vec::new() }
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn chain(&self, at: usize) -> Chain {
        self.quads[at / WIDTH].chain(at % WIDTH)
    }

    pub(super) fn cell(&self, at: usize) -> Cell<N> {
        self.quads[at / WIDTH].cells.get(at % WIDTH)
    }

    /// Where the chain is, or where it belongs.
    pub(super) fn find(&self, chain: Chain) -> Result<usize, usize> {
        let later = self.quads.partition_point(|quad| quad.chain(0) <= chain) * WIDTH;
        let mut at = later.saturating_sub(WIDTH);
        while at < later.min(self.count) && self.chain(at) < chain {
            at += 1;
        }
        if at < self.count && self.chain(at) == chain { Ok(at) } else { Err(at) }
    }

    /// Stores the share at the place that [`find`](Self::find) gave. `None`, and no change, where a number does not fit.
    #[must_use]
    pub(super) fn set(&mut self, place: Result<usize, usize>, chain: Chain, cell: Cell<N>) -> Option<()> {
        let at = match place {
            Ok(at) => at,
            Err(at) => {
                // Tried apart, since room is made first.
                Four::<N, W>::empty().set(0, cell)?;
                self.make_room(at);
                let quad = &mut self.quads[at / WIDTH];
                (quad.replicas[at % WIDTH], quad.lanes[at % WIDTH]) = (chain.replica.0, chain.lane);
                at
            }
        };
        self.quads[at / WIDTH].cells.set(at % WIDTH, cell)
    }

    /// Moves what is at `at` and later by one place.
    fn make_room(&mut self, at: usize) {
        if self.count.is_multiple_of(WIDTH) {
            if self.quads.len() < WIDTH {
                // Most counters have few chains: without this the first one would make room for sixteen.
                self.quads.reserve_exact(1);
            }
            self.quads.push(Quad::empty());
        }
        for to in (at + 1..=self.count).rev() {
            let (from, old) = (self.quads[(to - 1) / WIDTH], (to - 1) % WIDTH);
            let (quad, place) = (&mut self.quads[to / WIDTH], to % WIDTH);
            quad.replicas[place] = from.replicas[old];
            quad.lanes[place] = from.lanes[old];
            quad.cells.copy(place, &from.cells, old);
        }
        self.count += 1;
    }

    /// Takes over each chain's later share; whether there was any. `None`, and no change, where the chains are not the same on both
    /// sides, or where some share cannot be a state of one writer: a larger total stands with a larger stamp.
    pub(super) fn merge(&mut self, other: &Self) -> Option<bool> {
        if self.count != other.count {
            return None;
        }
        let none = W::four([W::default(); WIDTH]);
        let (mut fault, mut news) = (none, none);
        let (mut strangers, mut lanes) = ([0; WIDTH], 0);
        for (mine, theirs) in self.quads.iter().zip(&other.quads) {
            lanes |= mine.lane_codes() ^ theirs.lane_codes();
            for (stranger, (mine, theirs)) in
                strangers.iter_mut().zip(mine.replicas.iter().zip(&theirs.replicas))
            {
                *stranger |= mine ^ theirs;
            }
            let (wrong, later) = mine.cells.compare(&theirs.cells);
            (fault, news) = (fault | wrong, news | later);
        }
        if W::any(fault) || strangers != [0; WIDTH] || lanes != 0 {
            return None;
        }
        for (mine, theirs) in self.quads.iter_mut().zip(&other.quads) {
            mine.cells.take_later(&theirs.cells);
        }
        Some(W::any(news))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the documentation says that a chain takes, by four.
    #[test]
    fn four_chains_take_the_bytes_that_are_promised() {
        assert_eq!([size_of::<Quad<2, i32>>(), size_of::<Quad<1, i32>>()], [4 * 22, 4 * 18]);
        assert_eq!([size_of::<Quad<2, u64>>(), size_of::<Quad<1, u64>>()], [4 * 34, 4 * 26]);
    }
}
