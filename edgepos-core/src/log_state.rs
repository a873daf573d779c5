//! Where a terminal stands in the elections of its store and in the store-wide log, as it tells others.

use crate::ids::{StoreGeneration, Term};

/// An entry of the store-wide log. Ordered as raft compares the ends of two logs: by the term first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LogPosition {
    /// The term of the leader that appended it; 0 where there is none.
    pub term: Term,
    /// Its place, from 1 on; 0 for an empty log.
    pub index: u64,
}

/// What a terminal says of itself with its greeting, so that one whose disk went back learns what it has forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LogState {
    /// The generation of the store that the rest is about: a recovery begins another one.
    pub generation: StoreGeneration,
    /// The latest term that it has heard of. It has asked for no vote in a later one.
    pub term: Term,
    /// The last entry that it holds.
    pub last: LogPosition,
    /// The last entry that it knows to be decided.
    pub decided: LogPosition,
}
