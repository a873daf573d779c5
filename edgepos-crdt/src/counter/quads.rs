//! The shares of a counter in memory: four chains side by side, so that a merge is a pass over plain numbers.

use alloc::vec::Vec;
use core::array;
use core::ops::{BitAnd, BitOr, Not};

use edgepos_core::{Chain, Lane, ReplicaId};
use wide::{i32x4, u64x4};

use crate::table::Cell;
use crate::word::Word;

/// Chains in a group: as many small numbers as the vector registers of every processor hold.
const WIDTH: usize = 4;

/// Four numbers in a register. What a compiler makes of four by itself changes with what stands around them, and here it decides
/// whether a merge takes 20 or 40 ns.
pub(super) trait Fourfold: Word {
    type Four: Copy + BitOr<Output = Self::Four> + BitAnd<Output = Self::Four> + Not<Output = Self::Four>;

    fn four(numbers: [Self; WIDTH]) -> Self::Four;
    /// All bits of the places where `a` is the larger one.
    fn above(a: Self::Four, b: Self::Four) -> Self::Four;
    /// Whether any place has all bits.
    fn any(four: Self::Four) -> bool;
    fn larger(a: [Self; WIDTH], b: [Self; WIDTH]) -> [Self; WIDTH];
}

macro_rules! fourfold {
    ($word:ty, $four:ty) => {
        impl Fourfold for $word {
            type Four = $four;

            fn four(numbers: [Self; WIDTH]) -> $four {
                <$four>::new(numbers)
            }

            fn above(a: $four, b: $four) -> $four {
                a.simd_gt(b)
            }

            fn any(four: $four) -> bool {
                four.any()
            }

            fn larger(a: [Self; WIDTH], b: [Self; WIDTH]) -> [Self; WIDTH] {
                <$four>::new(a).max(<$four>::new(b)).to_array()
            }
        }
    };
}

fourfold!(i32, i32x4);
fourfold!(u64, u64x4);

/// Places that are not used hold zeros, which merge with zeros and bring no news.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Quad<const N: usize, W> {
    replicas: [u64; WIDTH],
    stamps: [W; WIDTH],
    totals: [[W; WIDTH]; N],
    lanes: [Lane; WIDTH],
}

impl<const N: usize, W: Fourfold> Quad<N, W> {
    fn empty() -> Self {
        Self {
            replicas: [0; WIDTH],
            stamps: [W::default(); WIDTH],
            totals: [[W::default(); WIDTH]; N],
            lanes: [Lane::Transactions; WIDTH],
        }
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

impl<const N: usize, W: Fourfold> Quads<N, W> {
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
        let (quad, place) = (&self.quads[at / WIDTH], at % WIDTH);
        Cell {
            stamp: quad.stamps[place].number(),
            totals: array::from_fn(|sign| quad.totals[sign][place].number()),
        }
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

    /// Whether the share's numbers fit. If not, nothing is stored.
    #[must_use]
    pub(super) fn set(&mut self, chain: Chain, cell: Cell<N>) -> bool {
        let (stamp, totals) = (W::of(cell.stamp), cell.totals.map(W::of));
        let (Some(stamp), true) = (stamp, totals.iter().all(Option::is_some)) else { return false };
        let found = self.find(chain);
        let (Ok(at) | Err(at)) = found;
        if found.is_err() {
            self.make_room(at);
        }
        let (quad, place) = (&mut self.quads[at / WIDTH], at % WIDTH);
        (quad.replicas[place], quad.lanes[place]) = (chain.replica.0, chain.lane);
        quad.stamps[place] = stamp;
        for (column, total) in quad.totals.iter_mut().zip(totals.into_iter().flatten()) {
            column[place] = total;
        }
        true
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
            quad.stamps[place] = from.stamps[old];
            (0..N).for_each(|sign| quad.totals[sign][place] = from.totals[sign][old]);
        }
        self.count += 1;
    }

    pub(super) fn totals(&self) -> [u128; N] {
        let mut sums = [0; N];
        for quad in &self.quads {
            for (sum, column) in sums.iter_mut().zip(&quad.totals) {
                *sum += column.iter().map(|total| u128::from(total.number())).sum::<u128>();
            }
        }
        sums
    }

    /// Takes over each chain's later share; whether there was any. `None`, and no change, where the chains are not the same on both
    /// sides, or where some share can not be a state of one writer: a larger total stands with a larger stamp.
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
            let (old, new) = (W::four(mine.stamps), W::four(theirs.stamps));
            let (later, earlier) = (W::above(new, old), W::above(old, new));
            news = news | later;
            for (old, new) in mine.totals.iter().zip(&theirs.totals) {
                let (old, new) = (W::four(*old), W::four(*new));
                fault = fault | (W::above(new, old) & !later) | (W::above(old, new) & !earlier);
            }
        }
        if W::any(fault) || strangers != [0; WIDTH] || lanes != 0 {
            return None;
        }
        for (mine, theirs) in self.quads.iter_mut().zip(&other.quads) {
            mine.stamps = W::larger(mine.stamps, theirs.stamps);
            for (mine, theirs) in mine.totals.iter_mut().zip(&theirs.totals) {
                *mine = W::larger(*mine, *theirs);
            }
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
