//! What one chain added to every row.

use alloc::vec::Vec;

use super::cell::Cell;
use super::dense::ROWS;
use super::page::Page;

/// Pages by rising number. A page that was never touched is not there: of a chain that touches one row of a large table a peer sends a
/// few bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column<const N: usize> {
    pages: Vec<(u32, Page<N>)>,
}

impl<const N: usize> Column<N> {
    /// Where the page is, or where it belongs.
    fn find(&self, number: u32) -> Result<usize, usize> {
        match self.pages.get(number as usize) {
            // None of those before it is missing, which is mostly so.
            Some((there, _)) if *there == number => Ok(number as usize),
            _ => self.pages.binary_search_by_key(&number, |(there, _)| *there),
        }
    }

    pub(crate) fn get(&self, row: u32) -> Cell<N> {
        let (number, row) = place(row);
        self.find(number).map_or(Cell::EMPTY, |at| self.pages[at].1.get(row))
    }

    /// Stores a cell that is at least as late as the one it replaces.
    pub(crate) fn set(&mut self, row: u32, cell: Cell<N>) {
        let (number, row) = place(row);
        let at = self.find(number).unwrap_or_else(|at| {
            self.pages.insert(at, (number, Page::new()));
            at
        });
        self.pages[at].1.set(row, cell);
    }

    /// Each cell with a stamp above `after`, by rising row.
    pub(crate) fn each_since(&self, after: u64, mut visit: impl FnMut(u32, Cell<N>)) {
        for (number, page) in &self.pages {
            page.each_since(after, |row, cell| visit(number * ROWS as u32 + row as u32, cell));
        }
    }

    /// Whether `later` can be a later state of the same chain. Both number their rows alike.
    pub(crate) fn precedes(&self, later: &Self) -> bool {
        let untouched = Page::new();
        self.pages.iter().all(|(number, page)| {
            page.precedes(later.find(*number).map_or(&untouched, |at| &later.pages[at].1))
        })
    }

    /// The same cells under other row numbers: each at `rows[row]`.
    pub(crate) fn renumbered(&self, rows: &[u32]) -> Self {
        let mut counts = Vec::new();
        self.each_since(0, |row, _| {
            let number = rows[row as usize] as usize / ROWS;
            if counts.len() <= number {
                counts.resize(number + 1, 0);
            }
            counts[number] += 1;
        });
        let touched = (0..).zip(counts).filter(|&(_, count)| count > 0);
        let pages = touched.map(|(number, count)| (number, Page::for_rows(count)));
        let mut there = Self { pages: pages.collect() };
        self.each_since(0, |row, cell| there.set(rows[row as usize], cell));
        there
    }
}

/// The number of a row's page, and the row in it.
fn place(row: u32) -> (u32, usize) {
    (row / ROWS as u32, row as usize % ROWS)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use edgepos_core::Jitter;

    use super::*;

    const PAGE: u32 = ROWS as u32;

    fn column(cells: &BTreeMap<u32, Cell<2>>, jitter: &mut Jitter) -> Column<2> {
        let mut column = Column::default();
        let mut rest: Vec<_> = cells.iter().collect();
        while !rest.is_empty() {
            let (row, cell) = rest.swap_remove(jitter.range(0, rest.len() as u64) as usize);
            column.set(*row, *cell);
        }
        column
    }

    fn listed(column: &Column<2>, after: u64) -> Vec<(u32, Cell<2>)> {
        let mut list = Vec::new();
        column.each_since(after, |row, cell| list.push((row, cell)));
        list
    }

    /// Lists, narrow and wide arrays on both sides of the borders between pages, some of which are missing; touched in any order.
    #[test]
    fn a_column_behaves_as_a_map_and_finds_a_reused_position_in_any_page() {
        let borders = [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE - 1, 3 * PAGE, 5 * PAGE + 7];
        for seed in 0..60 {
            let mut jitter = Jitter::derive(seed, &[8]);
            let mut cells = BTreeMap::new();
            let cell = |jitter: &mut Jitter, totals| Cell { stamp: jitter.range(1, 90), totals };
            for row in borders.into_iter().filter(|_| jitter.range(0, 4) > 0).collect::<Vec<_>>() {
                let large = [7, (1 << 31) - 1, 1 << 31, u64::MAX - 9][jitter.range(0, 4) as usize];
                cells.insert(row, cell(&mut jitter, [large, 3]));
            }
            // One page around the size at which a list becomes arrays.
            let first = [0, PAGE, 5 * PAGE][jitter.range(0, 3) as usize];
            for row in first..first + [1, 1_022, 1_025][jitter.range(0, 3) as usize] {
                let new = cell(&mut jitter, [5, 5]);
                cells.entry(row).or_insert(new);
            }
            let ours = column(&cells, &mut jitter);
            for after in [0, 44, 90] {
                let expected: Vec<_> =
                    cells.iter().filter(|(_, cell)| cell.stamp > after).map(|(row, c)| (*row, *c)).collect();
                assert_eq!(listed(&ours, after), expected, "seed {seed}");
            }
            for row in borders {
                assert_eq!(ours.get(row), cells.get(&row).copied().unwrap_or(Cell::EMPTY), "seed {seed}");
            }
            let back: Vec<u32> = (0..6 * PAGE).rev().collect();
            assert_eq!(listed(&ours.renumbered(&back).renumbered(&back), 0), listed(&ours, 0), "seed {seed}");

            let mut later = cells.clone();
            later.insert(2 * PAGE, Cell { stamp: 99, totals: [1 << 31, 0] });
            let row = *cells.keys().nth(jitter.range(0, cells.len() as u64) as usize).unwrap();
            later.get_mut(&row).unwrap().totals[0] += 1;
            assert!(!ours.precedes(&column(&later, &mut jitter)), "seed {seed}: a position has two contents");
            later.get_mut(&row).unwrap().stamp = 99;
            let whole = column(&later, &mut jitter);
            assert!(ours.precedes(&whole) && !whole.precedes(&ours), "seed {seed}");
            later.remove(&row);
            assert!(!ours.precedes(&column(&later, &mut jitter)), "seed {seed}: a cell is missing");
        }
    }
}
