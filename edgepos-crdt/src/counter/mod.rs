//! Single counters: a few bytes where a whole table would be too much.

mod bounded;
mod plain;
mod quads;
mod recount;
mod shares;

pub use bounded::{BoundedCounter, NotEnough, TransferError};
pub use plain::{GCounter, PnCounter};
pub use recount::{Recount, RecountLog};
