//! 8,192 rows of one column: a short sorted list while few are touched, plain arrays afterwards.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::cell::Cell;
use super::dense::Dense;

/// A list of more cells becomes arrays. At this size the arrays cost three times the list, so that a hostile delta which touches a few
/// rows of each page gains little.
const SPARSE_MAX: usize = 1024;

/// Arrays are shared by the clones of a table, and by tables that were joined, until one of them writes to it.
#[derive(Clone, Debug)]
pub(crate) enum Page<const N: usize> {
    /// By rising row.
    Sparse(Vec<(u16, Cell<N>)>),
    /// While each number is below 2³¹.
    Narrow(Arc<Dense<N, i32>>),
    Wide(Arc<Dense<N, u64>>),
}

impl<const N: usize> Page<N> {
    pub(crate) const fn new() -> Self {
        Self::Sparse(Vec::new())
    }

    /// An empty page for this many rows.
    pub(crate) fn for_rows(count: usize) -> Self {
        if count > SPARSE_MAX { Self::Narrow(Arc::new(Dense::new())) } else { Self::new() }
    }

    pub(crate) fn get(&self, row: usize) -> Cell<N> {
        match self {
            Self::Sparse(cells) => match cells.binary_search_by_key(&row, |&(at, _)| usize::from(at)) {
                Ok(at) => cells[at].1,
                Err(_) => Cell::EMPTY,
            },
            Self::Narrow(dense) => dense.get(row),
            Self::Wide(dense) => dense.get(row),
        }
    }

    /// Stores a cell that is at least as late as the one it replaces. `row` is below [`ROWS`](super::dense::ROWS).
    pub(crate) fn set(&mut self, row: usize, cell: Cell<N>) {
        match self {
            Self::Wide(dense) => {
                Arc::make_mut(dense).set(row, cell).expect("64 bits hold each number");
            }
            Self::Narrow(dense) => {
                if Arc::make_mut(dense).set(row, cell).is_none() {
                    *self = Self::Wide(Arc::new(dense.widened()));
                    self.set(row, cell);
                }
            }
            Self::Sparse(cells) => match cells.binary_search_by_key(&row, |&(at, _)| usize::from(at)) {
                Ok(at) => cells[at].1 = cell,
                Err(at) if cells.len() < SPARSE_MAX => cells.insert(at, (row as u16, cell)),
                Err(_) => {
                    let mut arrays = Self::for_rows(SPARSE_MAX + 1);
                    cells.iter().for_each(|&(row, cell)| arrays.set(usize::from(row), cell));
                    arrays.set(row, cell);
                    *self = arrays;
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
            Self::Narrow(dense) => dense.each_since(after, visit),
            Self::Wide(dense) => dense.each_since(after, visit),
        }
    }

    /// Whether `later` can be a later state of this page of the same chain.
    pub(crate) fn precedes(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::Narrow(mine), Self::Narrow(theirs)) => Arc::ptr_eq(mine, theirs) || mine.precedes(theirs),
            (Self::Wide(mine), Self::Wide(theirs)) => Arc::ptr_eq(mine, theirs) || mine.precedes(theirs),
            _ => {
                let mut fault = false;
                self.each_since(0, |row, cell| fault |= !cell.precedes(&later.get(row)));
                !fault
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use edgepos_core::Jitter;

    use super::super::dense::ROWS;
    use super::*;

    #[test]
    fn a_page_that_grows_dense_reads_as_before() {
        let mut page = Page::<2>::new();
        let mut jitter = Jitter::new(1);
        let mut truth = vec![Cell::EMPTY; ROWS];
        for stamp in 1..=2_000_u64 {
            let row = jitter.range(0, ROWS as u64) as usize;
            let cell = Cell { stamp, totals: [stamp * 3, stamp] };
            page.set(row, cell);
            truth[row] = cell;
            assert_eq!(
                matches!(page, Page::Narrow(_)),
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
    fn a_page_widens_when_a_number_needs_it() {
        for number in [(1 << 31) - 1, 1 << 31, u64::MAX] {
            let mut page = Page::<2>::for_rows(ROWS);
            (0..ROWS).for_each(|row| page.set(row, Cell { stamp: row as u64 + 1, totals: [7, 0] }));
            let narrow = page.clone();
            page.set(9, Cell { stamp: 9_000, totals: [7, number] });
            assert_eq!(matches!(page, Page::Wide(_)), number >= 1 << 31);
            assert_eq!(page.get(9), Cell { stamp: 9_000, totals: [7, number] });
            assert_eq!(page.get(10), Cell { stamp: 11, totals: [7, 0] });
            assert_eq!(narrow.get(9), Cell { stamp: 10, totals: [7, 0] }, "the clone has its own");
            let mut late = Vec::new();
            page.each_since(ROWS as u64 - 1, |row, _| late.push(row));
            assert_eq!(late, [9, ROWS - 1]);
            assert!(narrow.precedes(&page) && !page.precedes(&narrow));
        }
    }

    #[test]
    fn precedes_sees_a_smaller_total_and_a_reused_position() {
        for dense in [false, true] {
            let mut old = Page::<2>::new();
            if dense {
                (0..SPARSE_MAX + 1).for_each(|row| old.set(row, Cell { stamp: 1, totals: [1, 1] }));
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
            for extreme in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, 0] {
                let last = extreme == u64::MAX;
                assert_eq!(old.precedes(&with(6, [extreme, 3])), extreme >= 10, "{extreme}");
                assert!(with(6, [extreme, 3]).precedes(&with(7, [u64::MAX, 3])), "{extreme}");
                assert_eq!(with(6, [u64::MAX, 3]).precedes(&with(7, [extreme, 3])), last, "{extreme}");
                assert_eq!(with(u64::MAX, [11, 3]).precedes(&with(extreme, [11, 3])), last, "{extreme}");
            }
        }
    }
}
