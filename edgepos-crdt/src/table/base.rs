//! The folded rows of a table.

use alloc::collections::BTreeMap;

use edgepos_core::{Chain, EventId, FoldEpoch, Seq};

use super::Item;
use super::cell::Cell;
use super::grid::{Columns, Grid, Rows};
use crate::{ApplyError, Corruption, Overflow};

impl<const N: usize> Cell<N> {
    /// Adds totals; unchanged when one does not fit.
    pub(crate) fn add(totals: &mut [u64; N], added: [u64; N]) -> Result<(), Overflow> {
        let mut sums = *totals;
        for (sum, added) in sums.iter_mut().zip(added) {
            *sum = sum.checked_add(added).ok_or(Overflow)?;
        }
        *totals = sums;
        Ok(())
    }
}

/// Adds a chain's rows to base rows, which are stamped with the epoch.
pub(crate) fn add_rows<const N: usize>(
    base: &mut BTreeMap<Item, Cell<N>>,
    rows: &Rows<N>,
    epoch: u64,
) -> Result<(), Overflow> {
    for (item, cell) in rows {
        let sum = base.entry(*item).or_insert(Cell::EMPTY);
        Cell::add(&mut sum.totals, cell.totals)?;
        sum.stamp = epoch;
    }
    Ok(())
}

/// What `longer` has beyond `ledger`, an earlier state of the same chain, which becomes the longer one. Cells that are no later are
/// skipped, so that a repeat adds nothing.
pub(crate) fn extend_ledger<const N: usize>(
    ledger: &mut Rows<N>,
    longer: &Rows<N>,
) -> Result<Rows<N>, Corruption> {
    let mut known: BTreeMap<Item, Cell<N>> = ledger.iter().copied().collect();
    let mut beyond = Rows::new();
    for &(item, cell) in longer {
        let old = known.get(&item).copied().unwrap_or(Cell::EMPTY);
        if cell.stamp <= old.stamp {
            continue;
        }
        if !old.agrees_with(&cell) {
            return Err(Corruption::Order);
        }
        let mut more = cell;
        for (total, before) in more.totals.iter_mut().zip(old.totals) {
            *total -= before;
        }
        beyond.push((item, more));
        known.insert(item, cell);
    }
    *ledger = known.into_iter().collect();
    Ok(beyond)
}

/// Whether these can be the base rows that changed after `since` up to `epoch`.
pub(crate) fn check_base<const N: usize>(
    rows: &Rows<N>,
    since: FoldEpoch,
    epoch: FoldEpoch,
) -> Result<(), Corruption> {
    let rising = rows.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let (since, epoch) = (u64::from(since.0), u64::from(epoch.0));
    if !rising || rows.iter().any(|(_, cell)| cell.stamp <= since || cell.stamp > epoch) {
        return Err(Corruption::Order);
    }
    Ok(())
}

impl<const N: usize> Grid<N> {
    /// The folded rows that an epoch after `epoch` changed, by rising item.
    pub(crate) fn base_since(&self, epoch: FoldEpoch) -> Rows<N> {
        self.rows_since(self.base_column(), u64::from(epoch.0))
    }

    /// What a chain added, by rising item.
    pub(crate) fn column_rows(&self, chain: Chain) -> Rows<N> {
        self.column(chain).map(|column| self.rows_since(column, 0)).unwrap_or_default()
    }

    /// What a chain added after a position, by rising item.
    pub(crate) fn column_beyond(&self, chain: Chain, after: Seq) -> Rows<N> {
        self.column(chain).map(|column| self.rows_since(column, after.0)).unwrap_or_default()
    }

    /// The rows that an event turns its chain's column into. Nothing is changed yet.
    pub(crate) fn prepare(
        &self,
        dot: EventId,
        added: &BTreeMap<Item, [u64; N]>,
    ) -> Result<Columns<N>, ApplyError> {
        let mut rows = Rows::new();
        for (&item, &added) in added {
            let mut cell = self.cell(dot.chain, item).unwrap_or(Cell::EMPTY);
            Cell::add(&mut cell.totals, added)?;
            cell.stamp = dot.seq.0;
            rows.push((item, cell));
        }
        self.room_for(added.keys().copied()).map_err(|_| ApplyError::Full { limit: Self::MAX_ITEMS })?;
        Ok(if rows.is_empty() { Columns::new() } else { Columns::from([(dot.chain, rows)]) })
    }
}
