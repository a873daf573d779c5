//! Sets with removal, without a tombstone for each element: what a replica covers and does not hold was removed.

mod delta;
mod or;
mod tx;

pub use delta::SetDelta;
pub(crate) use delta::{SetPart, check_part, read_part, write_part};
pub use or::{MvRegister, OrSet};
pub use tx::TxSet;
