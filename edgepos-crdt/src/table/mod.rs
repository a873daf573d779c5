//! Tables of counters, laid out by column: 100,000 items × 15 terminals as plain arrays.

mod base;
mod cell;
mod column;
mod delta;
mod dense;
mod grid;
mod growing;
mod page;
mod portable;
mod stock;
mod typed;

pub(crate) use base::{add_rows, check_base, extend_ledger};
pub(crate) use cell::Cell;
pub(crate) use delta::{check_columns, read_columns, read_rows, write_columns, write_rows};
#[cfg(test)]
pub(crate) use grid::Grid;
pub(crate) use grid::{Columns, Rows};

pub use delta::{GDelta, PnDelta, TableDelta};
pub use growing::{GRow, GTable};
pub use stock::{PnRow, PnTable};

use serde::{Deserialize, Serialize};

/// The row of a table, interned by the caller: the same number for the same key on every replica.
///
/// Small consecutive numbers make the table fastest; any 64 bits are correct.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Item(pub u64);
