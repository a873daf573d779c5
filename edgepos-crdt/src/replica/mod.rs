//! Everything of one terminal that merges, under one vector, with folding.

mod amend;
mod base;
mod content;
mod finals;
mod fold;
mod frame;
mod mutant;
mod state;
mod stored;

#[cfg(test)]
mod check;

pub use amend::Amendment;
pub use content::{Change, RecordError};
pub use finals::{Final, Fold, Retirement};
pub use fold::FoldError;
pub use frame::{Checkpoint, Frame, Merged};
pub use state::{Replica, UsedBefore};
