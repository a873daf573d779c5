//! The table behind [`PnTable`](super::PnTable) (two totals a cell) and [`GTable`](super::GTable) (one).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::iter;

use edgepos_core::{Chain, EventId, FoldEpoch, Seq};

use super::Item;
use super::cell::Cell;
use super::column::Column;
use crate::{ApplyError, Corruption, MergeError, VersionVector};

/// Cells of one column, by rising item.
pub(crate) type Rows<const N: usize> = Vec<(Item, Cell<N>)>;
/// Columns by rising chain.
pub(crate) type Columns<const N: usize> = Vec<(Chain, Rows<N>)>;

/// One column for each chain, one for what is folded; rows are numbered by first use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid<const N: usize> {
    /// Row → item.
    items: Vec<Item>,
    /// Item → row, for items that do not stand at their own number.
    index: BTreeMap<Item, u32>,
    columns: BTreeMap<Chain, Column<N>>,
    /// The folded totals; the stamp is the epoch that changed the row last.
    base: Column<N>,
    epoch: FoldEpoch,
    vector: VersionVector,
}

impl<const N: usize> Grid<N> {
    pub(crate) const MAX_ITEMS: usize = 1 << 24;

    pub(crate) fn vector(&self) -> &VersionVector {
        &self.vector
    }

    pub(crate) fn epoch(&self) -> FoldEpoch {
        self.epoch
    }

    pub(crate) fn advance(&mut self, vector: &VersionVector) {
        self.vector.join(vector);
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = Item> + '_ {
        self.items.iter().copied()
    }

    fn row(&self, item: Item) -> Option<u32> {
        // A caller that interns 0, 1, 2 … needs no index.
        if let Ok(at) = usize::try_from(item.0)
            && self.items.get(at) == Some(&item)
        {
            return Some(at as u32);
        }
        self.index.get(&item).copied()
    }

    fn intern(&mut self, item: Item) -> Option<u32> {
        if let Some(row) = self.row(item) {
            return Some(row);
        }
        if self.items.len() >= Self::MAX_ITEMS {
            return None;
        }
        let row = self.items.len() as u32;
        self.items.push(item);
        if item.0 != u64::from(row) {
            self.index.insert(item, row);
        }
        Some(row)
    }

    pub(crate) fn cell(&self, chain: Chain, item: Item) -> Option<Cell<N>> {
        let cell = self.columns.get(&chain)?.get(self.row(item)?);
        (cell.stamp != 0).then_some(cell)
    }

    /// The cells of an item, by rising chain.
    pub(crate) fn cells(&self, item: Item) -> impl Iterator<Item = (Chain, Cell<N>)> + '_ {
        let row = self.row(item);
        self.columns.iter().filter_map(move |(&chain, column)| {
            let cell = column.get(row?);
            (cell.stamp != 0).then_some((chain, cell))
        })
    }

    /// Each total over the base and all chains.
    pub(crate) fn totals(&self, item: Item) -> [u128; N] {
        let mut sums = [0; N];
        if let Some(row) = self.row(item) {
            for column in iter::once(&self.base).chain(self.columns.values()) {
                for (sum, total) in sums.iter_mut().zip(column.get(row).totals) {
                    *sum += u128::from(total);
                }
            }
        }
        sums
    }

    /// Adds to one cell for the event `dot`.
    pub(crate) fn apply(&mut self, dot: EventId, item: Item, added: [u64; N]) -> Result<Cell<N>, ApplyError> {
        let held = self.vector.get(dot.chain);
        if dot.seq == Seq::ZERO {
            return Err(ApplyError::NoPosition);
        }
        if dot.seq < held {
            return Err(ApplyError::AlreadyApplied { dot, held });
        }
        let cell = self.cell(dot.chain, item).unwrap_or(Cell::EMPTY).after(dot, added)?;
        let row = self.intern(item).ok_or(ApplyError::Full { limit: Self::MAX_ITEMS })?;
        self.columns.entry(dot.chain).or_default().set(row, cell);
        self.vector.set_max(dot.chain, dot.seq);
        Ok(cell)
    }

    /// Takes from one cell what an event had added that leaves its chain; the chain is held up to `floor` then. The cell, empty where
    /// nothing is left.
    pub(crate) fn take_back(&mut self, chain: Chain, item: Item, added: [u64; N], floor: Seq) -> Cell<N> {
        self.vector.fall_to(chain, floor);
        let (Some(row), Some(mut cell)) = (self.row(item), self.cell(chain, item)) else {
            return Cell::EMPTY;
        };
        for (total, added) in cell.totals.iter_mut().zip(added) {
            *total = total.saturating_sub(added);
        }
        let untouched = floor == Seq::ZERO && cell.totals == [0; N];
        cell.stamp = if untouched { 0 } else { cell.stamp.min(floor.0.max(1)) };
        if let Some(column) = self.columns.get_mut(&chain) {
            column.set(row, cell);
        }
        cell
    }

    /// No cell of the chain is later than `floor`; one that was keeps what it has. The items of those.
    pub(crate) fn fall_to(&mut self, chain: Chain, floor: Seq) -> Vec<Item> {
        self.vector.fall_to(chain, floor);
        let Some(column) = self.columns.get_mut(&chain) else { return Vec::new() };
        let stamp = floor.0.max(1);
        let mut later = Vec::new();
        column.each_since(stamp, |row, cell| later.push((row, cell)));
        for (row, cell) in &later {
            column.set(*row, Cell { stamp, ..*cell });
        }
        later.into_iter().map(|(row, _)| self.items[row as usize]).collect()
    }

    /// Adds what an event added whose bytes came behind those of later events of its chain.
    pub(crate) fn add_late(
        &mut self,
        dot: EventId,
        item: Item,
        added: [u64; N],
    ) -> Result<Cell<N>, ApplyError> {
        let mut cell = self.cell(dot.chain, item).unwrap_or(Cell::EMPTY);
        for (total, added) in cell.totals.iter_mut().zip(added) {
            *total = total.checked_add(added).ok_or(crate::Overflow)?;
        }
        cell.stamp = cell.stamp.max(dot.seq.0);
        let row = self.intern(item).ok_or(ApplyError::Full { limit: Self::MAX_ITEMS })?;
        self.columns.entry(dot.chain).or_default().set(row, cell);
        self.vector.set_max(dot.chain, dot.seq);
        Ok(cell)
    }

    /// Puts back a cell that was read from the store.
    pub(crate) fn restore(&mut self, chain: Chain, item: Item, cell: Cell<N>) -> Result<(), ApplyError> {
        if cell.stamp == 0 {
            return Err(ApplyError::NoPosition);
        }
        if let Some(held) = self.cell(chain, item) {
            let dot = EventId::new(chain, Seq(cell.stamp));
            return Err(ApplyError::AlreadyApplied { dot, held: Seq(held.stamp) });
        }
        let row = self.intern(item).ok_or(ApplyError::Full { limit: Self::MAX_ITEMS })?;
        self.columns.entry(chain).or_default().set(row, cell);
        self.vector.set_max(chain, Seq(cell.stamp));
        Ok(())
    }

    /// Puts back the folded rows that were read from the store; the stamp of a row is the epoch that changed it last.
    pub(crate) fn restore_base(
        &mut self,
        epoch: FoldEpoch,
        rows: impl IntoIterator<Item = (Item, Cell<N>)>,
    ) -> Result<(), ApplyError> {
        for (item, cell) in rows {
            if cell.stamp == 0 || cell.stamp > u64::from(epoch.0) {
                return Err(ApplyError::NoPosition);
            }
            if self.base(item).stamp != 0 {
                return Err(ApplyError::FoldedTwice(item));
            }
            let row = self.intern(item).ok_or(ApplyError::Full { limit: Self::MAX_ITEMS })?;
            self.base.set(row, cell);
        }
        self.epoch = epoch;
        Ok(())
    }

    /// Stores base rows of an epoch, for which there is room.
    pub(crate) fn put_base(&mut self, rows: &Rows<N>, epoch: FoldEpoch) {
        for (item, cell) in rows {
            let Some(row) = self.intern(*item) else { continue };
            self.base.set(row, *cell);
        }
        self.epoch = epoch;
    }

    /// What is folded of an item.
    pub(crate) fn base(&self, item: Item) -> Cell<N> {
        self.row(item).map_or(Cell::EMPTY, |row| self.base.get(row))
    }

    /// Whole-table join: of each chain the longer prefix is kept, so only columns on which `other` is ahead are read.
    pub(crate) fn join(&mut self, other: &Self) -> Result<bool, MergeError> {
        self.check_epoch(other.epoch)?;
        self.vector.check_room(&other.vector)?;
        let newer: Vec<Chain> =
            other.vector.iter().filter(|&(c, seq)| seq > self.vector.get(c)).map(|(c, _)| c).collect();
        if newer.is_empty() {
            return Ok(false);
        }
        let known = self.items.len();
        let joined = self.join_newer(other, &newer);
        if joined.is_err() {
            self.forget_items_after(known);
        }
        joined.map(|()| true)
    }

    fn join_newer(&mut self, other: &Self, newer: &[Chain]) -> Result<(), MergeError> {
        let numbering = self.numbering_of(other)?;
        let mut later = Vec::new();
        for &chain in newer {
            // Pages are shared, so a clone costs a few pointers.
            let theirs = other.columns.get(&chain).map(|theirs| {
                numbering.as_ref().map_or_else(|| theirs.clone(), |rows| theirs.renumbered(rows))
            });
            let untouched = Column::default();
            let next = theirs.as_ref().unwrap_or(&untouched);
            if self.columns.get(&chain).is_some_and(|mine| !mine.precedes(next)) {
                return Err(MergeError::Corrupt(Corruption::DotReused { chain }));
            }
            later.extend(theirs.map(|theirs| (chain, theirs)));
        }
        // A chain has one writer, so of two states of its column the later one is their join.
        self.columns.extend(later);
        self.vector.join(&other.vector);
        Ok(())
    }

    /// Takes back the numbers that were given for a table that was then refused.
    fn forget_items_after(&mut self, known: usize) {
        for item in self.items.drain(known..) {
            self.index.remove(&item);
        }
    }

    pub(crate) fn check_epoch(&self, theirs: FoldEpoch) -> Result<(), MergeError> {
        let ours = self.epoch;
        match theirs.cmp(&ours) {
            Ordering::Less => Err(MergeError::EpochBehind { theirs, ours }),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(MergeError::EpochAhead { theirs, ours }),
        }
    }

    pub(crate) fn column(&self, chain: Chain) -> Option<&Column<N>> {
        self.columns.get(&chain)
    }

    pub(crate) fn drop_column(&mut self, chain: Chain) {
        self.columns.remove(&chain);
    }

    pub(crate) fn base_column(&self) -> &Column<N> {
        &self.base
    }

    /// The chain ends there, and nothing beyond is covered.
    pub(crate) fn end_chain(&mut self, chain: Chain, end: Seq) {
        self.vector.set(chain, end);
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = (Chain, &Column<N>)> {
        self.columns.iter().map(|(&chain, column)| (chain, column))
    }

    /// The cells of a column with a stamp above `after`, by rising item.
    pub(crate) fn rows_since(&self, column: &Column<N>, after: u64) -> Rows<N> {
        let mut rows = Vec::new();
        column.each_since(after, |row, cell| rows.push((self.items[row as usize], cell)));
        if !rows.is_sorted_by_key(|&(item, _)| item) {
            rows.sort_unstable_by_key(|&(item, _)| item);
        }
        rows
    }

    /// Whether these items fit, of which any may be known or named more than once.
    pub(crate) fn room_for(&self, items: impl Iterator<Item = Item> + Clone) -> Result<(), MergeError> {
        let free = Self::MAX_ITEMS - self.items.len();
        if items.clone().count() <= free {
            return Ok(());
        }
        let unknown: BTreeSet<Item> = items.filter(|item| self.row(*item).is_none()).collect();
        if unknown.len() > free {
            return Err(MergeError::TooMany { what: "items", limit: Self::MAX_ITEMS });
        }
        Ok(())
    }

    /// Takes over each cell that is later than the one held. The vector is raised by the caller.
    pub(crate) fn join_columns(&mut self, columns: &Columns<N>) {
        for (chain, rows) in columns {
            for (item, cell) in rows {
                let Some(row) = self.intern(*item) else { continue };
                let column = self.columns.entry(*chain).or_default();
                if cell.stamp > column.get(row).stamp {
                    column.set(row, *cell);
                }
            }
        }
    }

    /// Row of `other` → row here; `None` where they are the same. Items that are new here get a number.
    fn numbering_of(&mut self, other: &Self) -> Result<Option<Vec<u32>>, MergeError> {
        let common = self.items.len().min(other.items.len());
        let alike = self.items[..common] == other.items[..common];
        let first = if alike { common } else { 0 };
        let full = MergeError::TooMany { what: "items", limit: Self::MAX_ITEMS };
        let rows = other.items[first..].iter().map(|&item| self.intern(item).ok_or_else(|| full.clone()));
        let rows: Vec<u32> = rows.collect::<Result<_, _>>()?;
        Ok((!alike).then_some(rows))
    }

    /// Every cell by rising chain, then item; and the base by rising item. Independent of how rows are numbered.
    pub(crate) fn canonical(&self) -> (Columns<N>, Rows<N>) {
        let columns = self.columns().map(|(chain, column)| (chain, self.rows_since(column, 0)));
        (columns.filter(|(_, rows)| !rows.is_empty()).collect(), self.rows_since(&self.base, 0))
    }
}

/// Equal contents, however the rows are numbered.
impl<const N: usize> PartialEq for Grid<N> {
    fn eq(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self.vector == other.vector && self.canonical() == other.canonical()
    }
}

impl<const N: usize> Eq for Grid<N> {}

#[cfg(test)]
impl<const N: usize> Grid<N> {
    /// Leaves room for this many more items, which begin at [`MAX_ITEMS`](Self::MAX_ITEMS).
    pub(crate) fn nearly_full(free: usize) -> Self {
        let items = (0..(Self::MAX_ITEMS - free) as u64).map(Item).collect();
        Self { items, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId};

    use super::*;

    #[test]
    fn the_limit_counts_an_item_once_however_many_chains_touch_it() {
        let dot = |terminal| EventId::new(Chain::new(ReplicaId::new(terminal, 7), Lane::Stock), Seq(1));
        let item = |at| Item((Grid::<1>::MAX_ITEMS + at) as u64);
        let mut theirs = Grid::<1>::default();
        for terminal in 1..=2 {
            theirs.apply(dot(terminal), item(1), [5]).unwrap();
            theirs.apply(dot(terminal), item(2), [5]).unwrap();
        }
        let delta = theirs.delta_since(&VersionVector::new());
        let mut ours = Grid::nearly_full(1);
        let refused = Err(MergeError::TooMany { what: "items", limit: Grid::<1>::MAX_ITEMS });
        assert_eq!(ours.merge(&delta), refused);
        assert_eq!(ours, Grid::default());
        let mut ours = Grid::nearly_full(2);
        assert_eq!(ours.merge(&delta), Ok(true));
        assert_eq!(ours, theirs);
        assert_eq!(ours.apply(dot(3), item(3), [1]), Err(ApplyError::Full { limit: Grid::<1>::MAX_ITEMS }));
    }
}
