//! Everything of one terminal that merges, under one vector, with folding.

mod amend;
mod fold;
mod frame;
mod mutant;
mod state;

#[cfg(test)]
mod check;

pub use amend::Amendment;
pub use fold::{Final, Fold, FoldError, Retirement};
pub use frame::{Checkpoint, Frame, Merged};
pub use state::{Change, RecordError, Replica, UsedBefore};
