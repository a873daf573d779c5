//! Counters that only go up.

use edgepos_core::{Chain, EventId, FoldEpoch, Seq};
use serde::{Deserialize, Serialize};

use super::Item;
use super::cell::Cell;
use super::delta::GDelta;
use super::grid::Grid;
use super::portable::Portable;
use super::typed::table;
use crate::wire::{Reader, Wire, Writer};
use crate::{ApplyError, MergeError, Overflow, VersionVector, WireError};

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

table! {
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
    GTable(1, GRow, GDelta, u64, u64, "Portable<GRow>"),
    |amount: u64| [amount],
    |[total]: [u128; 1]| u64::try_from(total).ok()
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
