//! What one chain added to every row.

use alloc::vec::Vec;

use super::page::{Cell, Page, ROWS};

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
