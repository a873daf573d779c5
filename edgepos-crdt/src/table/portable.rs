//! The serialised form of a table: rows by rising chain and item, however they are numbered in memory.

use alloc::vec::Vec;

use edgepos_core::{Chain, FoldEpoch, Seq};
use serde::{Deserialize, Serialize};

use super::Item;
use super::cell::Cell;
use super::grid::Grid;
use crate::{ApplyError, VersionVector};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Portable<R> {
    epoch: FoldEpoch,
    vector: VersionVector,
    base: Vec<(Item, R)>,
    columns: Vec<(Chain, Vec<(Item, R)>)>,
}

impl<R> Portable<R> {
    pub(crate) fn of<const N: usize>(grid: &Grid<N>) -> Self
    where
        R: From<Cell<N>>,
    {
        let rows =
            |cells: Vec<(Item, Cell<N>)>| cells.into_iter().map(|(i, cell)| (i, cell.into())).collect();
        let (columns, base) = grid.canonical();
        Self {
            epoch: grid.epoch(),
            vector: grid.vector().clone(),
            base: rows(base),
            columns: columns.into_iter().map(|(chain, cells)| (chain, rows(cells))).collect(),
        }
    }

    /// Refuses a row that is there twice, a row without a position, and a row beyond the vector or the epoch.
    pub(crate) fn into_grid<const N: usize>(self) -> Result<Grid<N>, ApplyError>
    where
        R: Into<Cell<N>>,
    {
        let mut grid = Grid::default();
        grid.advance(&self.vector);
        for (chain, rows) in self.columns {
            for (item, row) in rows {
                let cell: Cell<N> = row.into();
                if Seq(cell.stamp) > self.vector.get(chain) {
                    return Err(ApplyError::Unseen(edgepos_core::EventId::new(chain, Seq(cell.stamp))));
                }
                grid.restore(chain, item, cell)?;
            }
        }
        grid.restore_base(self.epoch, self.base.into_iter().map(|(item, row)| (item, row.into())))?;
        Ok(grid)
    }
}
