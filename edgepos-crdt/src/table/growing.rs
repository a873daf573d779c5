//! Counters that only go up.

use edgepos_core::{Chain, EventId, FoldEpoch, Seq};
use serde::{Deserialize, Serialize};

use super::Item;
use super::delta::GDelta;
use super::grid::Grid;
use super::page::Cell;
use super::portable::Portable;
use crate::wire::{Reader, Wire, Writer};
use crate::{ApplyError, DecodeError, MergeError, Overflow, VersionVector};

/// What one chain added to one item, from its first event to the one that touched the item last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct GRow {
    /// The last event of the chain that touched the item. In a folded row: the fold epoch that changed it last.
    pub stamp: Seq,
    /// The sum of all amounts.
    pub total: u64,
}

impl From<Cell<1>> for GRow {
    fn from(cell: Cell<1>) -> Self {
        let [total] = cell.totals;
        Self { stamp: Seq(cell.stamp), total }
    }
}

impl From<GRow> for Cell<1> {
    fn from(row: GRow) -> Self {
        Self { stamp: row.stamp.0, totals: [row.total] }
    }
}

/// Points earned, visits, coupons used: one counter for each item that only goes up, each chain adding in a column of its own.
///
/// Spending is no counter: two tills that are cut off would spend the same points twice. Spend against the leader, or from a
/// `BoundedCounter`'s share. Otherwise as [`PnTable`](crate::PnTable), at two thirds of its size.
///
/// ```
/// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
/// use edgepos_crdt::{GTable, Item};
///
/// let till = Chain::new(ReplicaId::new(1, 42), Lane::Transactions);
/// let mut points = GTable::new();
/// points.apply(EventId::new(till, Seq(1)), Item(7), 120)?;
/// assert_eq!(points.value(Item(7)), Ok(120));
/// # Ok::<(), edgepos_crdt::ApplyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(into = "Portable<GRow>", try_from = "Portable<GRow>")]
pub struct GTable {
    pub(crate) grid: Grid<1>,
}

impl GTable {
    /// The most distinct items: 2²⁴.
    pub const MAX_ITEMS: usize = Grid::<1>::MAX_ITEMS;

    /// A table without any items.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `amount` to an item for the event `dot`, and returns the row to write through.
    ///
    /// One event touches one item once: sum the lines of a receipt first. Zero is legal.
    ///
    /// # Errors
    /// [`ApplyError::AlreadyApplied`] for a position below what the chain is held at, or the second one on one item;
    /// [`ApplyError::Overflow`] when the chain's total would exceed 64 bits; [`ApplyError::Full`]; [`ApplyError::NoPosition`].
    /// The table is unchanged.
    pub fn apply(&mut self, dot: EventId, item: Item, amount: u64) -> Result<GRow, ApplyError> {
        self.grid.apply(dot, item, [amount]).map(GRow::from)
    }

    /// Puts back a row that was read from the store. Then tell [`advance`](Self::advance) how far the chains are held.
    ///
    /// # Errors
    /// [`ApplyError::AlreadyApplied`] when the row is there already; [`ApplyError::NoPosition`]; [`ApplyError::Full`].
    pub fn restore(&mut self, chain: Chain, item: Item, row: GRow) -> Result<(), ApplyError> {
        self.grid.restore(chain, item, row.into())
    }

    /// Puts back the folded rows that were read from the store, all of them, with the epoch that they are of.
    ///
    /// # Errors
    /// [`ApplyError::NoPosition`] for a row without a stamp or of a later epoch; [`ApplyError::FoldedTwice`]; [`ApplyError::Full`].
    /// Begin anew with an empty table then.
    pub fn restore_base(
        &mut self,
        epoch: FoldEpoch,
        rows: impl IntoIterator<Item = (Item, GRow)>,
    ) -> Result<(), ApplyError> {
        self.grid.restore_base(epoch, rows.into_iter().map(|(item, row)| (item, row.into())))
    }

    /// Raises the vector: the events up to there touch nothing in this table that it does not hold.
    pub fn advance(&mut self, vector: &VersionVector) {
        self.grid.advance(vector);
    }

    /// What the table covers.
    pub fn vector(&self) -> &VersionVector {
        self.grid.vector()
    }

    /// How many foldings the base has seen.
    pub fn epoch(&self) -> FoldEpoch {
        self.grid.epoch()
    }

    /// The value of an item; 0 when nothing touched it.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit in a `u64`. Each chain's share still does.
    pub fn value(&self, item: Item) -> Result<u64, Overflow> {
        let [total] = self.grid.totals(item);
        u64::try_from(total).map_err(|_| Overflow)
    }

    /// Each chain's share of an item that is not folded, by rising chain.
    pub fn rows(&self, item: Item) -> impl Iterator<Item = (Chain, GRow)> + '_ {
        self.grid.cells(item).map(|(chain, cell)| (chain, cell.into()))
    }

    /// One chain's share of an item.
    pub fn row(&self, chain: Chain, item: Item) -> Option<GRow> {
        self.grid.cell(chain, item).map(GRow::from)
    }

    /// What is folded of an item.
    pub fn base(&self, item: Item) -> GRow {
        self.grid.base(item).into()
    }

    /// The folded rows that foldings after `epoch` changed, by rising item: what to write through after one.
    pub fn base_since(&self, epoch: FoldEpoch) -> impl Iterator<Item = (Item, GRow)> {
        self.grid.base_since(epoch).into_iter().map(|(item, cell)| (item, cell.into()))
    }

    /// Each item that was ever touched or restored, in the order of its first use.
    pub fn items(&self) -> impl Iterator<Item = Item> + '_ {
        self.grid.items()
    }

    /// What changed beyond `acknowledged`, the vector that the peer reported as durable.
    pub fn delta_since(&self, acknowledged: &VersionVector) -> GDelta {
        self.grid.delta_since(acknowledged)
    }

    /// Merges what changed elsewhere; the same as joining the sender's whole table. Returns whether anything was new.
    ///
    /// # Errors
    /// [`MergeError::Gap`] when the delta starts beyond what is held; otherwise as [`join`](Self::join). The table is unchanged.
    pub fn merge(&mut self, delta: &GDelta) -> Result<bool, MergeError> {
        self.grid.merge(delta)
    }

    /// Joins a whole table: of each chain the longer prefix stays. Returns whether anything was new.
    ///
    /// Only columns on which `other` is ahead are read; fastest when both tables met their items in the same order.
    ///
    /// # Errors
    /// [`MergeError::EpochAhead`] and [`MergeError::EpochBehind`] when one has folded what the other has not;
    /// [`MergeError::Corrupt`] when a chain used a position twice; [`MergeError::TooMany`] items. The values are unchanged.
    pub fn join(&mut self, other: &Self) -> Result<bool, MergeError> {
        self.grid.join(&other.grid)
    }
}

impl Wire for GTable {
    fn write(&self, out: &mut Writer) {
        self.grid.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Grid::read(input).map(|grid| Self { grid })
    }
}

impl From<GTable> for Portable<GRow> {
    fn from(table: GTable) -> Self {
        Self::of(&table.grid)
    }
}

impl TryFrom<Portable<GRow>> for GTable {
    type Error = ApplyError;

    fn try_from(portable: Portable<GRow>) -> Result<Self, ApplyError> {
        portable.into_grid().map(|grid| Self { grid })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId};

    use super::*;

    #[test]
    fn values_sum_over_chains_and_overflow_changes_nothing() {
        let chain = |terminal| Chain::new(ReplicaId::new(terminal, 7), Lane::Transactions);
        let mut points = GTable::new();
        points.apply(EventId::new(chain(1), Seq(1)), Item(5), u64::MAX).unwrap();
        let before = points.clone();
        let refused = points.apply(EventId::new(chain(1), Seq(2)), Item(5), 1);
        assert_eq!(refused, Err(ApplyError::Overflow(Overflow)));
        assert_eq!(points, before);
        points.apply(EventId::new(chain(2), Seq(1)), Item(5), 1).unwrap();
        assert_eq!(points.value(Item(5)), Err(Overflow));
        let json = serde_json::to_string(&points).unwrap();
        assert_eq!(serde_json::from_str::<GTable>(&json).unwrap(), points);
    }
}
