//! Why a write or a merge was refused. Every refusal leaves the value as it was.

use edgepos_core::{Chain, EventId, FoldEpoch, Seq};
use thiserror::Error;

use crate::Item;

/// A sum does not fit: 64 bits unsigned for what a chain added up, 64 bits signed for a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the amount does not fit in 64 bits")]
pub struct Overflow;

/// Why an operation of one event was refused. The value is unchanged.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The chain was already applied up to `held`: a repeat, or a chain that is not fed in order.
    #[error("event {dot} was already applied: the chain is held up to {held}")]
    AlreadyApplied {
        /// The event that was refused.
        dot: EventId,
        /// How far its chain is held.
        held: Seq,
    },
    /// Events of the chain before this one are missing.
    #[error("gap: event {dot} arrived, its chain is held up to {held}")]
    Gap {
        /// The event that was refused.
        dot: EventId,
        /// How far its chain is held.
        held: Seq,
    },
    /// Position zero names no event.
    #[error("position zero names no event")]
    NoPosition,
    /// The chain was folded into the base, so nothing can be added to it.
    #[error("chain {0} is folded")]
    Folded(Chain),
    /// The chain's total for this item would exceed 64 bits.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// An element cannot be removed before it was seen.
    #[error("event {0} was not seen, so it cannot be removed")]
    Unseen(EventId),
    /// The folded row of an item was put back twice.
    #[error("the folded row of item {} is there already", .0.0)]
    FoldedTwice(Item),
    /// The table's limit of distinct items is reached.
    #[error("the table is full: {limit} items")]
    Full {
        /// How many there may be.
        limit: usize,
    },
}

/// Why a delta was not merged. The value is unchanged.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The delta starts behind a gap: it assumes events of `chain` up to `needed`, and `held` are held. Ask for a delta since the own
    /// vector.
    #[error("gap in {chain}: held up to {held}, the delta starts at {needed}")]
    Gap {
        /// The first chain with a gap.
        chain: Chain,
        /// How far it is held.
        held: Seq,
        /// What the delta assumes.
        needed: Seq,
    },
    /// The sender folded less than this replica did. Send it the newer base, and ask again.
    #[error("the sender is at fold epoch {theirs}, behind {ours}")]
    EpochBehind {
        /// The sender's fold epoch.
        theirs: FoldEpoch,
        /// This replica's fold epoch.
        ours: FoldEpoch,
    },
    /// The sender folded more than this replica did, and the frame does not bring the base rows that are missing here. Ask for them.
    #[error("the sender is at fold epoch {theirs}, ahead of {ours}")]
    EpochAhead {
        /// The sender's fold epoch.
        theirs: FoldEpoch,
        /// This replica's fold epoch.
        ours: FoldEpoch,
    },
    /// A peer knows events of a chain of this incarnation that this incarnation did not write: its disk was rolled back or cloned.
    /// Nothing was merged. Take a new incarnation.
    #[error("rollback: a peer holds {chain} up to {theirs}, its only writer up to {ours}")]
    OwnChainAhead {
        /// The own chain.
        chain: Chain,
        /// What the peer holds.
        theirs: Seq,
        /// What was written here.
        ours: Seq,
    },
    /// The delta contradicts itself or what is held: two writers used one dot, or bits were flipped.
    #[error("corrupt delta: {0}")]
    Corrupt(Corruption),
    /// A sum would exceed 64 bits.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The limit of distinct items or chains would be exceeded.
    #[error("too many {what}: the limit is {limit}")]
    TooMany {
        /// Items or chains.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}

/// What is wrong with a delta, a table or their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Corruption {
    /// A chain's cell has one position and two contents, or a later position and a smaller total: its dots were used twice.
    #[error("chain {chain} used a position twice")]
    DotReused {
        /// The chain that it concerns.
        chain: Chain,
    },
    /// An entry lies outside the interval that the delta claims.
    #[error("an entry of {chain} lies outside the interval")]
    OutsideInterval {
        /// The chain that it concerns.
        chain: Chain,
    },
    /// Entries are not in rising order, or one is there twice.
    #[error("entries are not in rising order")]
    Order,
    /// An element is there, and on record as removed.
    #[error("an element of {chain} is there and removed")]
    RemovedAndThere {
        /// The chain that added it.
        chain: Chain,
    },
    /// The hash of the folded rows is not the one that was agreed.
    #[error("the folded rows do not match the agreed hash")]
    BaseHash,
}
