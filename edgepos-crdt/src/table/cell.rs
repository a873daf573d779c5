//! What one chain did to one row.

use alloc::vec::Vec;

use edgepos_core::{EventId, Seq};
use serde::{Deserialize, Serialize};

use crate::{ApplyError, Overflow};

/// What one chain added to one row: the position that touched it last and the totals up to there. Position zero is "never".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<u64>", try_from = "Vec<u64>")]
pub struct Cell<const N: usize> {
    pub(crate) stamp: u64,
    pub(crate) totals: [u64; N],
}

impl<const N: usize> Cell<N> {
    pub(crate) const EMPTY: Self = Self { stamp: 0, totals: [0; N] };

    /// The cell after one more event of its chain.
    pub(super) fn after(mut self, dot: EventId, added: [u64; N]) -> Result<Self, ApplyError> {
        if dot.seq == Seq::ZERO {
            return Err(ApplyError::NoPosition);
        }
        if dot.seq.0 <= self.stamp {
            return Err(ApplyError::AlreadyApplied { dot, held: Seq(self.stamp) });
        }
        self.stamp = dot.seq.0;
        for (total, added) in self.totals.iter_mut().zip(added) {
            *total = total.checked_add(added).ok_or(Overflow)?;
        }
        Ok(self)
    }

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
