//! Sets with removal, without a tombstone for each element: what a replica covers and does not hold was removed.

mod delta;
mod or;
mod part;
mod runs;
mod targets;
mod tx;

pub use delta::SetDelta;
pub use or::{MvRegister, OrSet};
pub(crate) use part::SetPart;
pub use tx::TxSet;
