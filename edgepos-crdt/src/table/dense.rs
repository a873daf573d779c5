//! 8,192 rows of one column as plain numbers, of 4 bytes each while all of them fit.

use alloc::vec;
use alloc::vec::Vec;

use super::cell::Cell;
use crate::four::{Four, WIDTH, Word};

/// Rows in a page.
pub(crate) const ROWS: usize = 8192;
/// Rows that share one entry of [`Dense::newest`].
const BLOCK: usize = 64;

/// A pass over a page reads memory once from front to back, since all numbers of a row lie together.
#[derive(Clone, Debug)]
pub(super) struct Dense<const N: usize, W> {
    fours: Vec<Four<N, W>>,
    /// The highest stamp of each block: what changed since a position is found without a log and without reading every row.
    newest: [u64; ROWS / BLOCK],
}

impl<const N: usize, W: Word> Dense<N, W> {
    pub(super) fn new() -> Self {
        Self { fours: vec![Four::empty(); ROWS / WIDTH], newest: [0; ROWS / BLOCK] }
    }

    pub(super) fn get(&self, row: usize) -> Cell<N> {
        self.fours[row / WIDTH].get(row % WIDTH)
    }

    /// `None`, and no change, where a number does not fit.
    #[must_use]
    pub(super) fn set(&mut self, row: usize, cell: Cell<N>) -> Option<()> {
        self.fours[row / WIDTH].set(row % WIDTH, cell)?;
        let newest = &mut self.newest[row / BLOCK];
        *newest = (*newest).max(cell.stamp);
        Some(())
    }

    /// Each cell with a stamp above `after`, by rising row.
    pub(super) fn each_since(&self, after: u64, mut visit: impl FnMut(usize, Cell<N>)) {
        for (block, _) in self.newest.iter().enumerate().filter(|&(_, &newest)| newest > after) {
            for row in block * BLOCK..(block + 1) * BLOCK {
                if self.fours[row / WIDTH].stamp(row % WIDTH) > after {
                    visit(row, self.get(row));
                }
            }
        }
    }

    /// Whether `later` can be a later state of the same chain, cell by cell.
    pub(super) fn precedes(&self, later: &Self) -> bool {
        let mut fault = W::four([W::default(); WIDTH]);
        for (old, new) in self.fours.iter().zip(&later.fours) {
            fault = fault | old.not_before(new);
        }
        !W::any(fault)
    }

    /// The same with wider numbers.
    pub(super) fn widened(&self) -> Dense<N, u64> {
        Dense { fours: self.fours.iter().map(Four::widened).collect(), newest: self.newest }
    }
}
