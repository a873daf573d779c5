//! Why a run gives no figures.

use edgepos_core::Term;
use thiserror::Error;

/// A run went wrong.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum TrialError {
    /// Raft's promise of one leader in each term was broken.
    #[error("terminals {first} and {second} both lead in term {term}")]
    TwoLeaders {
        /// The place of the terminal that led first, from 0.
        first: usize,
        /// The place of the other one.
        second: usize,
        /// The term that both lead in.
        term: Term,
    },
    /// The store found no leader before anything was done to it.
    #[error("no first leader")]
    NoFirstLeader,
    /// The store found no leader after the cable was put back.
    #[error("no leader after a cable was put back")]
    NoLeaderAfterFault,
}
