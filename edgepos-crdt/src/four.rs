//! Four cells side by side, in 4 bytes a number while all of them are small: what vector instructions take at once.

use core::array;
use core::ops::{BitAnd, BitOr, Not};

use wide::{i32x4, u64x4};

use crate::table::Cell;

/// As many small numbers as the vector registers of every processor hold.
pub(crate) const WIDTH: usize = 4;

/// A position or a total in memory, and four of them in a register.
///
/// What a compiler makes of a loop over four by itself changes with what stands around it, and here it decides whether a counter's
/// merge takes 20 or 40 ns.
pub(crate) trait Word: Copy + Default {
    type Four: Copy + BitOr<Output = Self::Four> + BitAnd<Output = Self::Four> + Not<Output = Self::Four>;

    /// The number, when it fits.
    fn of(number: u64) -> Option<Self>;
    fn number(self) -> u64;
    fn four(numbers: [Self; WIDTH]) -> Self::Four;
    /// All bits of the places where `a` is the larger one.
    fn above(a: Self::Four, b: Self::Four) -> Self::Four;
    /// Whether any place has all bits.
    fn any(four: Self::Four) -> bool;
    fn larger(a: [Self; WIDTH], b: [Self; WIDTH]) -> [Self; WIDTH];
}

macro_rules! word {
    ($(#[$doc:meta])* $word:ty, $four:ty, $of:expr, $number:expr) => {
        $(#[$doc])*
        impl Word for $word {
            type Four = $four;

            fn of(number: u64) -> Option<Self> {
                $of(number)
            }

            fn number(self) -> u64 {
                $number(self)
            }

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

word!(
    /// Numbers below 2³¹. Signed, since plain x86-64 compares vectors of signed numbers only.
    i32,
    i32x4,
    |number| Self::try_from(number).ok(),
    |word: Self| u64::from(word.cast_unsigned())
);
word!(
    /// Every number.
    u64,
    u64x4,
    Some,
    |word| word
);

/// Cells of four rows of a chain, or of four chains. Places that are not used hold zeros, which merge with zeros and bring no news.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Four<const N: usize, W> {
    stamps: [W; WIDTH],
    totals: [[W; WIDTH]; N],
}

impl<const N: usize, W: Word> Four<N, W> {
    pub(crate) fn empty() -> Self {
        let zeros = [W::default(); WIDTH];
        Self { stamps: zeros, totals: [zeros; N] }
    }

    pub(crate) fn stamp(&self, place: usize) -> u64 {
        self.stamps[place].number()
    }

    pub(crate) fn get(&self, place: usize) -> Cell<N> {
        Cell { stamp: self.stamp(place), totals: array::from_fn(|sign| self.totals[sign][place].number()) }
    }

    /// `None`, and no change, where a number does not fit.
    #[must_use]
    pub(crate) fn set(&mut self, place: usize, cell: Cell<N>) -> Option<()> {
        let stamp = W::of(cell.stamp)?;
        let mut totals = [W::default(); N];
        for (total, number) in totals.iter_mut().zip(cell.totals) {
            *total = W::of(number)?;
        }
        self.stamps[place] = stamp;
        for (column, total) in self.totals.iter_mut().zip(totals) {
            column[place] = total;
        }
        Some(())
    }

    /// The same with wider numbers.
    pub(crate) fn widened(&self) -> Four<N, u64> {
        let wide = |numbers: [W; WIDTH]| numbers.map(W::number);
        Four { stamps: wide(self.stamps), totals: self.totals.map(wide) }
    }

    /// The cell at `from` of another four.
    pub(crate) fn copy(&mut self, place: usize, other: &Self, from: usize) {
        self.stamps[place] = other.stamps[from];
        for (column, other) in self.totals.iter_mut().zip(&other.totals) {
            column[place] = other[from];
        }
    }

    /// Where `later` can be no later state of the same cell, nor the same: a number is smaller, or a total grew and the stamp did not.
    pub(crate) fn not_before(&self, later: &Self) -> W::Four {
        let (old, new) = (W::four(self.stamps), W::four(later.stamps));
        let grown = W::above(new, old);
        let mut fault = W::above(old, new);
        for (old, new) in self.totals.iter().zip(&later.totals) {
            let (old, new) = (W::four(*old), W::four(*new));
            fault = fault | W::above(old, new) | (W::above(new, old) & !grown);
        }
        fault
    }

    /// Where the two cannot be states of one single-writer cell (a larger total stands with a larger stamp), and where `other` is the
    /// later one.
    pub(crate) fn compare(&self, other: &Self) -> (W::Four, W::Four) {
        let (mine, theirs) = (W::four(self.stamps), W::four(other.stamps));
        let (later, earlier) = (W::above(theirs, mine), W::above(mine, theirs));
        let mut fault = W::four([W::default(); WIDTH]);
        for (mine, theirs) in self.totals.iter().zip(&other.totals) {
            let (mine, theirs) = (W::four(*mine), W::four(*theirs));
            fault = fault | (W::above(theirs, mine) & !later) | (W::above(mine, theirs) & !earlier);
        }
        (fault, later)
    }

    /// Takes over each cell that is the later one, of two that [`compare`](Self::compare) without a fault.
    pub(crate) fn take_later(&mut self, other: &Self) {
        self.stamps = W::larger(self.stamps, other.stamps);
        for (mine, theirs) in self.totals.iter_mut().zip(&other.totals) {
            *mine = W::larger(*mine, *theirs);
        }
    }
}
