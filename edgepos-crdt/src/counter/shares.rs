//! What each chain added to one number.

use alloc::vec::Vec;
use core::cmp::Reverse;

use edgepos_core::{Chain, EventId, Seq};

use super::quads::Quads;
use crate::table::Cell;
use crate::{ApplyError, Corruption, MergeError, VersionVector};

/// Shares by rising chain, in small numbers while all of them fit: the first that does not fit widens the others for good, so equal
/// shares are equal in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shares<const N: usize> {
    /// Each number is below 2³¹.
    Narrow(Quads<N, i32>),
    Wide(Quads<N, u64>),
}

impl<const N: usize> Default for Shares<N> {
    fn default() -> Self {
        Self::Narrow(Quads::new())
    }
}

impl<const N: usize> Shares<N> {
    fn count(&self) -> usize {
        match self {
            Self::Narrow(quads) => quads.count(),
            Self::Wide(quads) => quads.count(),
        }
    }

    fn share(&self, at: usize) -> (Chain, Cell<N>) {
        match self {
            Self::Narrow(quads) => (quads.chain(at), quads.cell(at)),
            Self::Wide(quads) => (quads.chain(at), quads.cell(at)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Chain, Cell<N>)> + '_ {
        (0..self.count()).map(|at| self.share(at))
    }

    /// Where the chain is, or where it belongs.
    fn find(&self, chain: Chain) -> Result<usize, usize> {
        match self {
            Self::Narrow(quads) => quads.find(chain),
            Self::Wide(quads) => quads.find(chain),
        }
    }

    fn get(&self, chain: Chain) -> Option<Cell<N>> {
        self.find(chain).ok().map(|at| self.share(at).1)
    }

    fn set(&mut self, chain: Chain, cell: Cell<N>) {
        self.set_at(self.find(chain), chain, cell);
    }

    /// As [`set`](Self::set), at the place that [`find`](Self::find) gave.
    fn set_at(&mut self, place: Result<usize, usize>, chain: Chain, cell: Cell<N>) {
        let fits = match self {
            Self::Narrow(quads) => quads.set(place, chain, cell),
            Self::Wide(quads) => quads.set(place, chain, cell),
        };
        if fits.is_none() {
            let mut wide = Self::Wide(Quads::new());
            self.iter().for_each(|(chain, cell)| wide.set(chain, cell));
            wide.set(chain, cell);
            *self = wide;
        }
    }

    pub(super) fn apply(&mut self, dot: EventId, added: [u64; N]) -> Result<Cell<N>, ApplyError> {
        let place = self.find(dot.chain);
        let mut cell = place.map_or(Cell::EMPTY, |at| self.share(at).1);
        if dot.seq == Seq::ZERO {
            return Err(ApplyError::NoPosition);
        }
        if dot.seq.0 <= cell.stamp {
            return Err(ApplyError::AlreadyApplied { dot, held: Seq(cell.stamp) });
        }
        Cell::add(&mut cell.totals, added)?;
        cell.stamp = dot.seq.0;
        self.set_at(place, dot.chain, cell);
        Ok(cell)
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<bool, MergeError> {
        self.merge_at_once(other).map_or_else(|| self.merge_apart(other, Cell::agrees_with), Ok)
    }

    /// Where shares may have been forgotten and begun anew: the later one stays, though its totals may be smaller.
    #[cfg(feature = "crdts")]
    pub(super) fn merge_after_resets(&mut self, other: &Self) -> Result<bool, MergeError> {
        if let Some(news) = self.merge_at_once(other) {
            return Ok(news);
        }
        let news = self.merge_apart(other, |mine, theirs| mine.stamp != theirs.stamp || mine == theirs)?;
        // What needed wide numbers may be gone.
        *self = self.filtered(|_, _| true);
        Ok(news)
    }

    /// Where both sides have the same chains, which is mostly so, and nothing is wrong.
    fn merge_at_once(&mut self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Narrow(mine), Self::Narrow(theirs)) => mine.merge(theirs),
            (Self::Wide(mine), Self::Wide(theirs)) => mine.merge(theirs),
            _ => None,
        }
    }

    /// Share by share: takes the short cut's place where that is not sure, and tells which share is wrong.
    fn merge_apart(
        &mut self,
        other: &Self,
        agree: impl Fn(&Cell<N>, &Cell<N>) -> bool,
    ) -> Result<bool, MergeError> {
        let (mut news, mut strangers) = (false, false);
        for (chain, theirs) in other.iter() {
            match self.get(chain) {
                Some(mine) if !agree(&mine, &theirs) => {
                    return Err(MergeError::Corrupt(Corruption::DotReused { chain }));
                }
                Some(mine) => news |= mine.stamp < theirs.stamp,
                None => strangers = true,
            }
        }
        if strangers {
            // Put together anew, since many insertions would move the rest as many times.
            let mut all: Vec<_> = self.iter().chain(other.iter()).collect();
            all.sort_unstable_by_key(|(chain, cell)| (*chain, Reverse(cell.stamp)));
            all.dedup_by_key(|(chain, _)| *chain);
            *self = Self::of(all);
        } else if news {
            for (chain, theirs) in other.iter() {
                if self.get(chain).is_some_and(|mine| mine.stamp < theirs.stamp) {
                    self.set(chain, theirs);
                }
            }
        }
        Ok(news || strangers)
    }

    /// Those shares that are wanted.
    pub(super) fn filtered(&self, keep: impl Fn(Chain, Seq) -> bool) -> Self {
        Self::of(self.iter().filter(|(chain, cell)| keep(*chain, Seq(cell.stamp))))
    }

    pub(super) fn since(&self, acknowledged: &VersionVector) -> Self {
        self.filtered(|chain, stamp| stamp > acknowledged.get(chain))
    }

    pub(super) fn totals(&self) -> [u128; N] {
        let mut sums = [0; N];
        for (_, cell) in self.iter() {
            sums.iter_mut().zip(cell.totals).for_each(|(sum, total)| *sum += u128::from(total));
        }
        sums
    }

    fn of(shares: impl IntoIterator<Item = (Chain, Cell<N>)>) -> Self {
        let mut there = Self::default();
        shares.into_iter().for_each(|(chain, cell)| there.set(chain, cell));
        there
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
    use std::collections::BTreeMap;

    use edgepos_core::{Jitter, Lane, ReplicaId};

    use super::*;

    /// The fast way and the careful one, on shares of one writer and on shares that no writer made, small and at the limits.
    #[test]
    fn both_ways_to_merge_agree() {
        let (mut fast, mut refused) = (0, 0);
        for seed in 0..8_000 {
            let mut jitter = Jitter::derive(seed, &[9]);
            // Small numbers, those around the limit of the narrow ones, and those around the limits of 64 bits.
            let wild = seed % 4;
            let mut number = |wild: u64| match (wild, jitter.range(0, if wild == 0 { 5 } else { 8 })) {
                (1, number @ 5..) => (1 << 31) + number - 7,
                (2, number @ 5..) => (1 << 63) + number - 7,
                (3, number @ 5..) => u64::MAX - number + 5,
                _ => jitter.range(0, 4),
            };
            let mut mine = Shares::<2>::default();
            let mut theirs = Shares::<2>::default();
            let terminals = number(0) + 1;
            for terminal in (0..terminals).map(|n| n as u16 * 2 + 2) {
                let chain = Chain::new(ReplicaId::new(terminal, 1), Lane::Transactions);
                let old = Cell { stamp: number(wild).max(1), totals: [number(wild), number(wild)] };
                let totals = old.totals.map(|total| total.saturating_add(number(wild).saturating_sub(1)));
                let new = Cell { stamp: old.stamp.saturating_add(number(0)), totals };
                let (a, b) = if number(0) < 2 { (new, old) } else { (old, new) };
                mine.set(chain, a);
                theirs.set(chain, b);
            }
            if seed % 5 == 0 {
                // One that the other side does not know, before, between or after the ones that it does.
                let chain = Chain::new(ReplicaId::new(number(0) as u16 * 3 + 1, 1), Lane::Stock);
                theirs.set(chain, Cell { stamp: 1, totals: [number(wild), 1] });
            }
            let expected = one_by_one(&mine, &theirs);
            let (mut at_once, mut careful) = (mine.clone(), mine.clone());
            let short = at_once.merge_at_once(&theirs);
            assert!(short.is_some() || at_once == mine, "seed {seed}: changed, although not merged");
            fast += u32::from(short.is_some());
            refused += u32::from(expected.is_err());
            let (whole, news) =
                expected.map_or_else(|e| (mine.clone(), Err(e)), |(all, news)| (all, Ok(news)));
            assert_eq!(careful.merge_apart(&theirs, Cell::agrees_with), news, "seed {seed}");
            assert_eq!(mine.merge(&theirs), news, "seed {seed}");
            for merged in [&mine, &careful] {
                assert!(merged.iter().eq(whole.iter()), "seed {seed}");
                assert_eq!(*merged, whole, "seed {seed}: equal shares are equal in memory");
            }
        }
        assert!(fast > 1_000 && refused > 1_000, "{fast} merged at once, {refused} refused");
    }

    /// The definition.
    fn one_by_one(mine: &Shares<2>, theirs: &Shares<2>) -> Result<(Shares<2>, bool), MergeError> {
        let mut all: BTreeMap<_, _> = mine.iter().collect();
        let mut news = false;
        for (chain, cell) in theirs.iter() {
            let held = *all.entry(chain).or_insert(Cell::EMPTY);
            let (old, new) = if held.stamp <= cell.stamp { (held, cell) } else { (cell, held) };
            let smaller = old.totals.iter().zip(&new.totals).any(|(old, new)| old > new);
            if smaller || (old.stamp == new.stamp && old.totals != new.totals) {
                return Err(MergeError::Corrupt(Corruption::DotReused { chain }));
            }
            news |= new != held;
            all.insert(chain, new);
        }
        Ok((Shares::of(all), news))
    }

    /// Chains come in any order, and each is found again.
    #[test]
    fn chains_are_kept_in_order() {
        for seed in 0..300 {
            let mut jitter = Jitter::derive(seed, &[3]);
            let (mut shares, mut truth) = (Shares::<1>::default(), BTreeMap::new());
            for stamp in 1..40 {
                let lane = Lane::ALL[jitter.range(0, 4) as usize];
                let chain = Chain::new(ReplicaId::new(jitter.range(1, 12) as u16, 0), lane);
                let total = if seed % 2 == 0 { stamp } else { stamp << 27 };
                let cell = Cell { stamp, totals: [total] };
                assert_eq!(shares.get(chain), truth.get(&chain).copied(), "seed {seed}");
                shares.set(chain, cell);
                truth.insert(chain, cell);
                assert!(shares.iter().eq(truth.iter().map(|(chain, cell)| (*chain, *cell))), "seed {seed}");
            }
            assert_eq!(matches!(shares, Shares::Wide(_)), seed % 2 == 1, "seed {seed}");
        }
    }
}
