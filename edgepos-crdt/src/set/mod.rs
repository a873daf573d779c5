//! Sets with removal, without a tombstone for each element: what a replica covers and does not hold was removed.

mod delta;
mod or;
mod runs;
mod targets;
mod tx;

pub use delta::SetDelta;
pub(crate) use delta::SetPart;
pub use or::{MvRegister, OrSet};
pub use tx::TxSet;
