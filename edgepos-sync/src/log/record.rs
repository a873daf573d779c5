//! What recording an event comes to.

use edgepos_core::{Chain, EventId};

/// A store-wide decision that is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decided {
    /// Its place in the store's chain.
    pub id: EventId,
    /// `false` when a peer had brought the event before: its effects are applied already.
    pub new: bool,
}

/// Why an event is not recorded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The payload exceeds [`Config::max_event_bytes`](crate::Config::max_event_bytes).
    #[error("event has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// The size of the payload.
        bytes: usize,
        /// The size that is allowed.
        limit: u32,
    },
    /// [`Config::max_pending_writes`](crate::Config::max_pending_writes) writes wait for the disk. Try again when one is durable.
    #[error("disk does not keep up: {waiting} of {limit} writes are waiting")]
    Busy {
        /// How many writes wait.
        waiting: usize,
        /// How many writes may wait.
        limit: u32,
    },
    /// Only chains of the store itself hold decisions.
    #[error("chain {chain} is not the store's own")]
    NotTheStore {
        /// The chain that was given.
        chain: Chain,
    },
    /// What peers hold of this chain is not what the log derives to.
    #[error("event {id} has another history at a peer than in the log")]
    Fork {
        /// The event that was to be recorded.
        id: EventId,
    },
}
