//! What one chain added to every row.

use alloc::vec::Vec;

use super::page::{Cell, Page, ROWS};

/// Pages by rising row; a page that was never touched is not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column<const N: usize> {
    pages: Vec<Option<Page<N>>>,
}

impl<const N: usize> Column<N> {
    pub(crate) fn get(&self, row: u32) -> Cell<N> {
        let row = row as usize;
        match self.pages.get(row / ROWS) {
            Some(Some(page)) => page.get(row % ROWS),
            _ => Cell::EMPTY,
        }
    }

    /// Stores a cell that is at least as late as the one it replaces.
    pub(crate) fn set(&mut self, row: u32, cell: Cell<N>) {
        let row = row as usize;
        let number = row / ROWS;
        if self.pages.len() <= number {
            self.pages.resize_with(number + 1, || None);
        }
        self.pages[number].get_or_insert_with(Page::new).set(row % ROWS, cell);
    }

    /// Each cell with a stamp above `after`, by rising row.
    pub(crate) fn each_since(&self, after: u64, mut visit: impl FnMut(u32, Cell<N>)) {
        for (number, page) in self.pages.iter().enumerate() {
            if let Some(page) = page {
                page.each_since(after, |row, cell| visit((number * ROWS + row) as u32, cell));
            }
        }
    }

    /// Whether `later` can be a later state of the same chain. Both number their rows alike.
    pub(crate) fn precedes(&self, later: &Self) -> bool {
        self.pages.iter().enumerate().all(|(number, page)| match (page, later.pages.get(number)) {
            (None, _) => true,
            (Some(mine), Some(Some(theirs))) => mine.precedes(theirs),
            (Some(mine), _) => mine.precedes(&Page::new()),
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
        let pages = counts.iter().map(|&count| (count > 0).then(|| Page::for_rows(count)));
        let mut there = Self { pages: pages.collect() };
        self.each_since(0, |row, cell| there.set(rows[row as usize], cell));
        there
    }
}
