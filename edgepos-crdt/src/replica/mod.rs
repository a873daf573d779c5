//! Everything of one terminal that merges, under one vector, with folding.

mod amend;
mod base;
mod finals;
mod fold;
mod frame;
mod mutant;
mod state;

#[cfg(test)]
mod check;

pub use amend::Amendment;
pub use finals::{Final, Fold, Retirement};
pub use fold::FoldError;
pub use frame::{Checkpoint, Frame, Merged};
pub use state::{Change, RecordError, Replica, UsedBefore};
