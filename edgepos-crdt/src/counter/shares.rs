//! What each chain added to one number.

use alloc::vec::Vec;
use core::array;

use edgepos_core::{Chain, EventId, Seq};

use crate::table::Cell;
use crate::{ApplyError, Corruption, MergeError, VersionVector};

/// Shares by rising chain. Lists, since a store has few chains: where both sides of a merge have the same ones, which is mostly so, it
/// is a pass over plain numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Shares<const N: usize> {
    chains: Vec<Chain>,
    /// The stamps of all chains, then the first totals of all, then the second.
    numbers: Vec<u64>,
}

impl<const N: usize> Shares<N> {
    fn cell(&self, at: usize) -> Cell<N> {
        let count = self.chains.len();
        Cell { stamp: self.numbers[at], totals: array::from_fn(|sign| self.numbers[(sign + 1) * count + at]) }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Chain, Cell<N>)> + '_ {
        self.chains.iter().enumerate().map(|(at, chain)| (*chain, self.cell(at)))
    }

    fn get(&self, chain: Chain) -> Option<Cell<N>> {
        self.chains.binary_search(&chain).ok().map(|at| self.cell(at))
    }

    fn set(&mut self, chain: Chain, cell: Cell<N>) {
        let found = self.chains.binary_search(&chain);
        let (Ok(at) | Err(at)) = found;
        if found.is_err() {
            let count = self.chains.len();
            self.chains.insert(at, chain);
            // From the back, so that the places before it do not move.
            (0..=N).rev().for_each(|column| self.numbers.insert(column * count + at, 0));
        }
        let count = self.chains.len();
        self.numbers[at] = cell.stamp;
        for (sign, total) in cell.totals.into_iter().enumerate() {
            self.numbers[(sign + 1) * count + at] = total;
        }
    }

    pub(super) fn apply(&mut self, dot: EventId, added: [u64; N]) -> Result<Cell<N>, ApplyError> {
        let mut cell = self.get(dot.chain).unwrap_or(Cell::EMPTY);
        if dot.seq == Seq::ZERO {
            return Err(ApplyError::NoPosition);
        }
        if dot.seq.0 <= cell.stamp {
            return Err(ApplyError::AlreadyApplied { dot, held: Seq(cell.stamp) });
        }
        Cell::add(&mut cell.totals, added)?;
        cell.stamp = dot.seq.0;
        self.set(dot.chain, cell);
        Ok(cell)
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<bool, MergeError> {
        let chains = self.chains.iter().zip(&other.chains);
        // All of them without a branch for each.
        let same = |(mine, theirs): (&Chain, &Chain)| {
            (mine.replica == theirs.replica) & (mine.lane.code() == theirs.lane.code())
        };
        if self.chains.len() != other.chains.len() || !chains.fold(true, |all, pair| all & same(pair)) {
            return self.merge_apart(other);
        }
        let Some(later) = self.later_than(other) else { return self.merge_apart(other) };
        for (mine, theirs) in self.numbers.iter_mut().zip(&other.numbers) {
            // The larger one. Neither has the highest bit, so their difference has it when it is negative.
            let step = theirs.wrapping_sub(*mine);
            *mine = mine.wrapping_add(step & (step >> 63).wrapping_sub(1));
        }
        Ok(later)
    }

    /// Whether `other`, which has the same chains, has anything later. `None` where a look at the highest bits does not tell that each
    /// share is a state of one writer: a larger total stands with a larger stamp.
    fn later_than(&self, other: &Self) -> Option<bool> {
        let count = self.chains.len();
        if count == 0 {
            return Some(false);
        }
        let (my_stamps, my_totals) = self.numbers.split_at(count);
        let (their_stamps, their_totals) = other.numbers.split_at(count);
        let (mut doubt, mut later) = (0, 0);
        for (mine, theirs) in my_stamps.iter().zip(their_stamps) {
            doubt |= mine | theirs;
            later |= mine.wrapping_sub(*theirs);
        }
        for (my_totals, their_totals) in my_totals.chunks_exact(count).zip(their_totals.chunks_exact(count)) {
            let stamps = my_stamps.iter().zip(their_stamps);
            for ((mine, theirs), (my_stamp, their_stamp)) in my_totals.iter().zip(their_totals).zip(stamps) {
                let stamp_step = their_stamp.wrapping_sub(*my_stamp);
                let step = theirs.wrapping_sub(*mine);
                // All bits where the step of the stamp is negative: then the total must have stepped down as well, or not at all.
                let back = 0_u64.wrapping_sub(stamp_step >> 63);
                let forth = (step ^ back).wrapping_sub(back);
                let same_stamp = (stamp_step ^ back).wrapping_sub(back).wrapping_sub(1);
                doubt |= mine | theirs | forth | (same_stamp & 0_u64.wrapping_sub(forth));
            }
        }
        (doubt >> 63 == 0).then_some(later >> 63 != 0)
    }

    fn merge_apart(&mut self, other: &Self) -> Result<bool, MergeError> {
        for (chain, theirs) in other.iter() {
            if self.get(chain).is_some_and(|mine| !mine.agrees_with(&theirs)) {
                return Err(MergeError::Corrupt(Corruption::DotReused { chain }));
            }
        }
        let mut news = false;
        for (chain, theirs) in other.iter() {
            if self.get(chain).is_none_or(|mine| mine.stamp < theirs.stamp) {
                self.set(chain, theirs);
                news = true;
            }
        }
        Ok(news)
    }

    /// Those shares that are wanted.
    pub(super) fn filtered(&self, keep: impl Fn(Chain, Seq) -> bool) -> Self {
        Self::of(self.iter().filter(|(chain, cell)| keep(*chain, Seq(cell.stamp))).collect())
    }

    pub(super) fn since(&self, acknowledged: &VersionVector) -> Self {
        self.filtered(|chain, stamp| stamp > acknowledged.get(chain))
    }

    pub(super) fn totals(&self) -> [u128; N] {
        let count = self.chains.len();
        let column = |sign: usize| &self.numbers[(sign + 1) * count..(sign + 2) * count];
        array::from_fn(|sign| column(sign).iter().map(|total| u128::from(*total)).sum())
    }

    /// By rising chain.
    fn of(shares: Vec<(Chain, Cell<N>)>) -> Self {
        let mut numbers: Vec<u64> = shares.iter().map(|(_, cell)| cell.stamp).collect();
        (0..N).for_each(|sign| numbers.extend(shares.iter().map(|(_, cell)| cell.totals[sign])));
        Self { chains: shares.into_iter().map(|(chain, _)| chain).collect(), numbers }
    }

    pub(super) fn checked(shares: Vec<(Chain, Cell<N>)>) -> Result<Self, Corruption> {
        let rising = shares.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !rising || shares.iter().any(|(_, cell)| cell.stamp == 0) {
            return Err(Corruption::Order);
        }
        Ok(Self::of(shares))
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Jitter, Lane, ReplicaId};

    use super::*;

    /// The fast way and the careful one, on shares of one writer and on shares that no writer made, small and at the limits.
    #[test]
    fn both_ways_to_merge_agree() {
        let (mut fast, mut refused) = (0, 0);
        for seed in 0..4_000 {
            let mut jitter = Jitter::derive(seed, &[9]);
            let mut number = |wild: bool| match jitter.range(0, if wild { 8 } else { 5 }) {
                5 => u64::MAX - jitter.range(0, 2),
                6 => (1 << 63) - jitter.range(0, 2),
                7 => 0,
                _ => jitter.range(1, 4),
            };
            let wild = seed % 2 == 0;
            let mut mine = Shares::<2>::default();
            let mut theirs = Shares::<2>::default();
            for terminal in 1..5 {
                let chain = Chain::new(ReplicaId::new(terminal, 1), Lane::Transactions);
                let old = Cell { stamp: number(wild).max(1), totals: [number(wild), number(wild)] };
                let totals = old.totals.map(|total| total.saturating_add(number(wild).saturating_sub(1)));
                let new = Cell { stamp: old.stamp.saturating_add(number(false) - 1), totals };
                let (a, b) = if number(false) < 2 { (new, old) } else { (old, new) };
                mine.set(chain, a);
                theirs.set(chain, b);
            }
            let mut careful = mine.clone();
            let expected = careful.merge_apart(&theirs);
            fast += u32::from(mine.later_than(&theirs).is_some());
            refused += u32::from(expected.is_err());
            assert_eq!(mine.merge(&theirs), expected, "seed {seed}");
            assert_eq!(mine, careful, "seed {seed}");
        }
        assert!(fast > 100 && refused > 100, "{fast} merged fast, {refused} refused");
    }
}
