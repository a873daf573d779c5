//! 4,096 rows of one column as plain arrays, of 4 bytes a number while all of them fit.

use alloc::vec;
use alloc::vec::Vec;
use core::array;

use super::page::{Cell, ROWS};
use crate::word::Word;

/// Rows that share one entry of [`Dense::newest`].
const BLOCK: usize = 64;
/// Rows that are compared in one go: as many numbers as registers hold.
const LANES: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Dense<const N: usize, W> {
    stamps: Vec<W>,
    totals: [Vec<W>; N],
    /// The highest stamp of each block: what changed since a position is found without a log and without reading every row.
    newest: [u64; ROWS / BLOCK],
}

impl<const N: usize, W: Word> Dense<N, W> {
    pub(super) fn new() -> Self {
        let zeros = || vec![W::default(); ROWS];
        Self { stamps: zeros(), totals: array::from_fn(|_| zeros()), newest: [0; ROWS / BLOCK] }
    }

    pub(super) fn get(&self, row: usize) -> Cell<N> {
        Cell {
            stamp: self.stamps[row].number(),
            totals: array::from_fn(|sign| self.totals[sign][row].number()),
        }
    }

    /// Whether the cell's numbers fit. If not, nothing is stored.
    #[must_use]
    pub(super) fn set(&mut self, row: usize, cell: Cell<N>) -> bool {
        let (stamp, totals) = (W::of(cell.stamp), cell.totals.map(W::of));
        let (Some(stamp), true) = (stamp, totals.iter().all(Option::is_some)) else { return false };
        self.stamps[row] = stamp;
        for (column, total) in self.totals.iter_mut().zip(totals.into_iter().flatten()) {
            column[row] = total;
        }
        let newest = &mut self.newest[row / BLOCK];
        *newest = (*newest).max(cell.stamp);
        true
    }

    /// Each cell with a stamp above `after`, by rising row.
    pub(super) fn each_since(&self, after: u64, mut visit: impl FnMut(usize, Cell<N>)) {
        for (block, _) in self.newest.iter().enumerate().filter(|&(_, &newest)| newest > after) {
            for row in block * BLOCK..(block + 1) * BLOCK {
                if self.stamps[row].number() > after {
                    visit(row, self.get(row));
                }
            }
        }
    }

    /// Whether a quick look tells that `later` can be a later state of the same chain, cell by cell. If not, it may still be one.
    ///
    /// Numbers that leave the highest bit free and are in order never set it in what is computed here, and nothing else is looked at.
    pub(super) fn surely_precedes(&self, later: &Self) -> bool {
        let mut doubt = W::default();
        for block in (0..ROWS).step_by(LANES) {
            let rows = block..block + LANES;
            let stamps = self.stamps[rows.clone()].iter().zip(&later.stamps[rows.clone()]);
            let mut grown = [W::default(); LANES];
            let mut steps = [W::default(); LANES];
            for (step, (old, new)) in steps.iter_mut().zip(stamps) {
                *step = new.minus(*old);
                doubt = doubt | *step | old.high_bit() | new.high_bit();
            }
            for (mine, theirs) in self.totals.iter().zip(&later.totals) {
                let totals = mine[rows.clone()].iter().zip(&theirs[rows.clone()]);
                for (grown, (old, new)) in grown.iter_mut().zip(totals) {
                    let step = new.minus(*old);
                    doubt = doubt | step | old.high_bit() | new.high_bit();
                    *grown = *grown | step;
                }
            }
            // A row whose total grew has a later stamp: "the step less one" has the highest bit where the step is zero.
            for (step, grown) in steps.iter().zip(&grown) {
                doubt = doubt | (step.minus(W::ONE) & W::default().minus(*grown));
            }
        }
        !doubt.is_high()
    }

    /// The same with wider numbers.
    pub(super) fn widened(&self) -> Dense<N, u64> {
        let wide = |column: &Vec<W>| column.iter().map(|word| word.number()).collect();
        Dense {
            stamps: wide(&self.stamps),
            totals: array::from_fn(|sign| wide(&self.totals[sign])),
            newest: self.newest,
        }
    }
}
