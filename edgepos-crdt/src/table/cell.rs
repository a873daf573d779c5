//! What one chain did to one row.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// What one chain added to one row: the position that touched it last and the totals up to there. Position zero is "never".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<u64>", try_from = "Vec<u64>")]
pub struct Cell<const N: usize> {
    pub(crate) stamp: u64,
    pub(crate) totals: [u64; N],
}

impl<const N: usize> Cell<N> {
    pub(crate) const EMPTY: Self = Self { stamp: 0, totals: [0; N] };

    /// Whether both can be states of one single-writer cell: the later one has no smaller total, and one position has one content.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let (old, new) = if self.stamp <= other.stamp { (self, other) } else { (other, self) };
        if old.stamp == new.stamp {
            return old.totals == new.totals;
        }
        old.totals.iter().zip(&new.totals).all(|(old, new)| old <= new)
    }

    /// Whether `later` can be a later state of this cell, or the same.
    pub(super) fn precedes(&self, later: &Self) -> bool {
        self.stamp <= later.stamp && self.agrees_with(later)
    }
}
