//! 4,096 rows of one column: a short sorted list while few are touched, plain arrays afterwards.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::array;

use serde::{Deserialize, Serialize};

/// Rows in a page.
pub(crate) const ROWS: usize = 4096;
/// Rows that share one entry of [`Dense::newest`].
const BLOCK: usize = 64;
/// A list of more cells becomes arrays. At this size the arrays cost six times the list, so that a hostile delta which touches a row
/// in each page gains little.
const SPARSE_MAX: usize = 512;

/// What one chain added to one row: the position that touched it last and the totals up to there. Position zero is "never".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<u64>", try_from = "Vec<u64>")]
pub struct Cell<const N: usize> {
    pub(crate) stamp: u64,
    pub(crate) totals: [u64; N],
}

impl<const N: usize> Cell<N> {
    pub(crate) const EMPTY: Self = Self { stamp: 0, totals: [0; N] };

    /// The highest bit says that the two cannot be states of one single-writer cell: as [`agrees_with`](Self::agrees_with), without a
    /// branch.
    pub(crate) fn conflict(&self, other: &Self) -> u64 {
        let swap = below(other.stamp, self.stamp) >> 63 != 0;
        let (old, new) = if swap { (other, self) } else { (self, other) };
        let same_stamp = !differ(old.stamp, new.stamp);
        let totals = old.totals.iter().zip(&new.totals);
        totals.fold(0, |fault, (old, new)| fault | below(*new, *old) | (differ(*old, *new) & same_stamp))
    }

    /// Whether both can be states of one single-writer cell: the later one has no smaller total, and one position has one content.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let (old, new) = if self.stamp <= other.stamp { (self, other) } else { (other, self) };
        if old.stamp == new.stamp {
            return old.totals == new.totals;
        }
        old.totals.iter().zip(&new.totals).all(|(old, new)| old <= new)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Page<const N: usize> {
    /// By rising row.
    Sparse(Vec<(u16, Cell<N>)>),
    /// Shared by the clones of a table, and by tables that were joined, until one of them writes to it.
    Dense(Arc<Dense<N>>),
}

#[derive(Clone, Debug)]
pub(crate) struct Dense<const N: usize> {
    stamps: Vec<u64>,
    totals: [Vec<u64>; N],
    /// The highest stamp of each block: what changed since a position is found without a log and without reading every row.
    newest: [u64; ROWS / BLOCK],
}

impl<const N: usize> Dense<N> {
    fn new() -> Self {
        Self { stamps: vec![0; ROWS], totals: array::from_fn(|_| vec![0; ROWS]), newest: [0; ROWS / BLOCK] }
    }

    fn get(&self, row: usize) -> Cell<N> {
        Cell { stamp: self.stamps[row], totals: array::from_fn(|sign| self.totals[sign][row]) }
    }

    fn set(&mut self, row: usize, cell: Cell<N>) {
        self.stamps[row] = cell.stamp;
        for (column, total) in self.totals.iter_mut().zip(cell.totals) {
            column[row] = total;
        }
        let newest = &mut self.newest[row / BLOCK];
        *newest = (*newest).max(cell.stamp);
    }

    /// Whether `later` can be a later state of the same chain, cell by cell. One pass without branches or comparisons, which the
    /// vector instructions that every x86-64 has can do.
    fn precedes(&self, later: &Self) -> bool {
        let mut fault = 0;
        for block in 0..ROWS / BLOCK {
            let rows = block * BLOCK..(block + 1) * BLOCK;
            let (old_stamps, new_stamps) = (&self.stamps[rows.clone()], &later.stamps[rows.clone()]);
            for (mine, theirs) in self.totals.iter().zip(&later.totals) {
                let stamps = old_stamps.iter().zip(new_stamps);
                for ((old, new), (old_stamp, new_stamp)) in
                    mine[rows.clone()].iter().zip(&theirs[rows.clone()]).zip(stamps)
                {
                    fault |= below(*new_stamp, *old_stamp) | below(*new, *old);
                    fault |= differ(*old, *new) & !differ(*old_stamp, *new_stamp);
                }
            }
        }
        fault >> 63 == 0
    }
}

/// The highest bit says whether `a < b`: the borrow of their difference.
pub(crate) fn below(a: u64, b: u64) -> u64 {
    (!a & b) | ((!a | b) & a.wrapping_sub(b))
}

/// The highest bit says whether the two differ.
fn differ(a: u64, b: u64) -> u64 {
    let bits = a ^ b;
    bits | bits.wrapping_neg()
}

impl<const N: usize> Page<N> {
    pub(crate) const fn new() -> Self {
        Self::Sparse(Vec::new())
    }

    pub(crate) fn get(&self, row: usize) -> Cell<N> {
        match self {
            Self::Sparse(cells) => match cells.binary_search_by_key(&row, |&(at, _)| usize::from(at)) {
                Ok(at) => cells[at].1,
                Err(_) => Cell::EMPTY,
            },
            Self::Dense(dense) => dense.get(row),
        }
    }

    /// Stores a cell that is at least as late as the one it replaces. `row` is below [`ROWS`].
    pub(crate) fn set(&mut self, row: usize, cell: Cell<N>) {
        match self {
            Self::Dense(dense) => Arc::make_mut(dense).set(row, cell),
            Self::Sparse(cells) => match cells.binary_search_by_key(&row, |&(at, _)| usize::from(at)) {
                Ok(at) => cells[at].1 = cell,
                Err(at) if cells.len() < SPARSE_MAX => cells.insert(at, (row as u16, cell)),
                Err(_) => {
                    let mut dense = Dense::new();
                    for &(row, cell) in &*cells {
                        dense.set(usize::from(row), cell);
                    }
                    dense.set(row, cell);
                    *self = Self::Dense(Arc::new(dense));
                }
            },
        }
    }

    /// Each cell with a stamp above `after`, by rising row.
    pub(crate) fn each_since(&self, after: u64, mut visit: impl FnMut(usize, Cell<N>)) {
        match self {
            Self::Sparse(cells) => {
                for &(row, cell) in cells.iter().filter(|(_, cell)| cell.stamp > after) {
                    visit(usize::from(row), cell);
                }
            }
            Self::Dense(dense) => {
                for (block, _) in dense.newest.iter().enumerate().filter(|&(_, &newest)| newest > after) {
                    for row in block * BLOCK..(block + 1) * BLOCK {
                        if dense.stamps[row] > after {
                            visit(row, dense.get(row));
                        }
                    }
                }
            }
        }
    }

    /// Whether `later` can be a later state of this page of the same chain.
    pub(crate) fn precedes(&self, later: &Self) -> bool {
        if let (Self::Dense(mine), Self::Dense(theirs)) = (self, later) {
            return Arc::ptr_eq(mine, theirs) || mine.precedes(theirs);
        }
        let mut fault = false;
        self.each_since(0, |row, cell| {
            let new = later.get(row);
            fault |= new.stamp < cell.stamp || !cell.agrees_with(&new);
        });
        !fault
    }

    /// An empty page for this many rows.
    pub(crate) fn for_rows(count: usize) -> Self {
        if count > SPARSE_MAX { Self::Dense(Arc::new(Dense::new())) } else { Self::new() }
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::Jitter;

    use super::*;

    #[test]
    fn a_page_that_grows_dense_reads_as_before() {
        let mut page = Page::<2>::new();
        let mut jitter = Jitter::new(1);
        let mut truth = vec![Cell::EMPTY; ROWS];
        for stamp in 1..=2_000 {
            let row = jitter.range(0, ROWS as u64) as usize;
            let cell = Cell { stamp, totals: [stamp * 3, stamp] };
            page.set(row, cell);
            truth[row] = cell;
            assert_eq!(
                matches!(page, Page::Dense(_)),
                truth.iter().filter(|c| c.stamp > 0).count() > SPARSE_MAX
            );
        }
        for (row, cell) in truth.iter().enumerate() {
            assert_eq!(page.get(row), *cell);
        }
        for after in [0, 1, 999, 1_999, 2_000] {
            let mut changed = Vec::new();
            page.each_since(after, |row, cell| changed.push((row, cell)));
            let expected: Vec<_> =
                truth.iter().copied().enumerate().filter(|(_, cell)| cell.stamp > after).collect();
            assert_eq!(changed, expected);
        }
    }

    #[test]
    fn precedes_sees_a_smaller_total_and_a_reused_position() {
        for dense in [false, true] {
            let mut old = Page::<2>::new();
            if dense {
                (0..600).for_each(|row| old.set(row, Cell { stamp: 1, totals: [1, 1] }));
            }
            old.set(7, Cell { stamp: 5, totals: [10, 3] });
            let with = |stamp, totals| {
                let mut new = old.clone();
                new.set(7, Cell { stamp, totals });
                new
            };
            assert!(old.precedes(&old.clone()));
            assert!(old.precedes(&with(6, [10, 4])));
            assert!(!old.precedes(&with(6, [9, 4])), "smaller total");
            assert!(!old.precedes(&with(5, [10, 4])), "one position, two contents");
            assert!(!old.precedes(&with(4, [10, 3])), "earlier");
            for extreme in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, 0] {
                let expected = extreme >= 10;
                assert_eq!(old.precedes(&with(6, [extreme, 3])), expected, "{extreme}");
                assert_eq!(with(6, [extreme, 3]).precedes(&with(7, [u64::MAX, 3])), true, "{extreme}");
                assert_eq!(with(6, [u64::MAX, 3]).precedes(&with(7, [extreme, 3])), extreme == u64::MAX);
                assert_eq!(with(u64::MAX, [11, 3]).precedes(&with(extreme, [11, 3])), extreme == u64::MAX);
            }
        }
    }
}
