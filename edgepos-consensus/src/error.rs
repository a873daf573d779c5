//! One small error per operation.

use core::time::Duration;

use edgepos_core::{ReplicaId, Space, StoreGeneration};

/// A configuration that contradicts itself.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No terminal at all, or one too many.
    #[error("voters lists {given} terminals: a store has 1 to {limit}")]
    Terminals {
        /// How many were listed.
        given: usize,
        /// How many a store may have.
        limit: usize,
    },
    /// The same replica is listed twice.
    #[error("voters lists {replica} twice")]
    Twice {
        /// The replica that is listed twice.
        replica: ReplicaId,
    },
    /// Terminal number 0 is the store itself, and the one behind the last the cloud.
    #[error("voters lists {replica}, which is no terminal: numbers go from 1 to {last}", last = ReplicaId::LAST_TERMINAL)]
    NotATerminal {
        /// The replica that is no terminal.
        replica: ReplicaId,
    },
    /// A terminal must belong to its store.
    #[error("me is {me}, which voters does not list")]
    MeNotListed {
        /// This terminal, which is not listed.
        me: ReplicaId,
    },
    /// A terminal that joins is not among the first ones.
    #[error("joins is set, but voters lists {me}")]
    JoinsButListed {
        /// This terminal, which is listed.
        me: ReplicaId,
    },
    /// A duration below one millisecond.
    #[error("timing.{field} is below one millisecond")]
    Zero {
        /// The name of the field in `Timing`.
        field: &'static str,
    },
    /// The tick is not whole milliseconds, or above one second.
    #[error("timing.tick of {tick:?} is not whole milliseconds up to one second")]
    Tick {
        /// The tick that was given.
        tick: Duration,
    },
    /// A duration that cannot be counted in ticks, or is above one hour.
    #[error("timing.{field} of {value:?} is not a multiple of timing.tick of {tick:?} up to one hour")]
    NotTicks {
        /// The name of the field in `Timing`.
        field: &'static str,
        /// The duration that was given.
        value: Duration,
        /// The tick that it is no multiple of.
        tick: Duration,
    },
    /// Two durations in the wrong order.
    #[error("timing: {smaller} of {smaller_value:?} exceeds {larger} of {larger_value:?}")]
    Order {
        /// What must not be larger.
        smaller: &'static str,
        /// The value of what must not be larger.
        smaller_value: Duration,
        /// What must not be smaller.
        larger: &'static str,
        /// The value of what must not be smaller.
        larger_value: Duration,
    },
    /// A setting that is harmful on a byte stream.
    #[error("{field} is set but lossy_transport is not")]
    NeedsLossyTransport {
        /// The name of the field that needs it.
        field: &'static str,
    },
    /// A limit outside its bounds.
    #[error("{field} is {given}: it must be {min} to {max}")]
    OutOfRange {
        /// The name of the field in `Config`.
        field: &'static str,
        /// The value that was given.
        given: u64,
        /// The least value that it may have.
        min: u64,
        /// The largest value that it may have.
        max: u64,
    },
}

/// A row that this version cannot read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The row belongs to another engine.
    #[error("space {space:?} is not the election's")]
    Space {
        /// The row's space.
        space: Space,
    },
    /// The row is damaged: it does not decode.
    #[error("the row in {space:?} with key {key:02x?} does not decode")]
    Malformed {
        /// The row's space.
        space: Space,
        /// The row's key.
        key: Vec<u8>,
    },
}

/// Why an election could not start from what was restored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration contradicts itself.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// Rows contradict each other: some are lost, or they come from different disks. Join again as a new incarnation.
    #[error("the restored rows contradict each other: {what}")]
    Inconsistent {
        /// What does not fit.
        what: &'static str,
    },
    /// The terminal is no longer a member of the store whose log it holds.
    #[error("{me} is not a member of the store whose log was restored")]
    NotAMember {
        /// This terminal, by its configuration.
        me: ReplicaId,
    },
    /// The rows are of another generation of the store than the configuration: only a forced recovery changes it.
    #[error("the restored rows are of store generation {rows}, the configuration of {config}")]
    Generation {
        /// That of the rows.
        rows: StoreGeneration,
        /// The configured one.
        config: StoreGeneration,
    },
    /// The engine below refused to start.
    #[error("raft refused to start: {reason}")]
    Refused {
        /// What the engine below said.
        reason: String,
    },
}

/// Why a proposal was not taken. Nothing was kept: the caller still has it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// The engine halted; start it again from the store.
    #[error("the election halted")]
    Halted,
    /// Larger than the configuration allows.
    #[error("proposal of {bytes} bytes exceeds max_entry_bytes of {limit}")]
    TooLarge {
        /// Its size with the subject, in bytes.
        bytes: usize,
        /// The configured limit, in bytes.
        limit: u32,
    },
    /// The subject is longer than any may be.
    #[error("subject of {bytes} bytes exceeds {limit}")]
    SubjectTooLong {
        /// Its length, in bytes.
        bytes: usize,
        /// The longest that is taken, in bytes.
        limit: usize,
    },
    /// The kind is the election's own.
    #[error("kind {kind} is reserved")]
    KindReserved {
        /// The kind that was given.
        kind: u16,
    },
    /// The feature level is reached, or unknown to this version.
    #[error("feature level {given}: the store is at {current}, this version knows {limit}")]
    Level {
        /// The level asked for.
        given: u32,
        /// The store's level at this moment.
        current: u32,
        /// The highest that this version knows.
        limit: u32,
    },
    /// As many proposals as the configuration allows wait for a decision.
    #[error("{limit} proposals already wait for a decision")]
    Full {
        /// How many may wait.
        limit: u32,
    },
}

/// Only the leader can hand over its leadership.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this terminal does not lead")]
pub struct NotLeader;

/// Why the members of the store were not changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// Only a leader that a majority follows changes members.
    #[error("this terminal is not the entitled leader")]
    NotEntitled,
    /// One change at a time. A new leader also waits for its first entry.
    #[error("another change of members is under way")]
    ChangeUnderWay,
    /// The terminal belongs to the store already.
    #[error("{replica} is a member already")]
    AlreadyMember {
        /// The terminal that is a member.
        replica: ReplicaId,
    },
    /// The terminal does not belong to the store.
    #[error("{replica} is not a member")]
    NotAMember {
        /// The terminal that is no member.
        replica: ReplicaId,
    },
    /// Terminal number 0 is the store itself, and the one behind the last the cloud.
    #[error("replica: {replica} is no terminal: numbers go from 1 to {last}", last = ReplicaId::LAST_TERMINAL)]
    NotATerminal {
        /// The replica that is no terminal.
        replica: ReplicaId,
    },
    /// The terminal was retired: it returns under a new name.
    #[error("{replica} was retired and comes back as a new incarnation only")]
    Retired {
        /// The terminal that was retired.
        replica: ReplicaId,
    },
    /// The store has as many terminals as it may.
    #[error("the store has its {limit} terminals")]
    Full {
        /// How many terminals a store may have.
        limit: usize,
    },
    /// The leader is never removed: it steps down first.
    #[error("{replica} leads: it steps down before it is removed")]
    Leads {
        /// The terminal that leads.
        replica: ReplicaId,
    },
}

/// Why a forced recovery is not done. Nothing was written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// A recovery leads to a higher generation, and one that is adopted to its own.
    #[error("store generation {asked} does not come after {rows}, or is not the recovery's")]
    Generation {
        /// That of the rows, or of the recovery.
        rows: StoreGeneration,
        /// The one asked for.
        asked: StoreGeneration,
    },
    /// There is no log to go on from: the terminal is a newcomer.
    #[error("the terminal holds no log")]
    Empty,
    /// The log lacks what this terminal once held: another one is the better survivor.
    #[error("the log of this terminal is known to lack entries")]
    LogLost,
    /// This terminal knows more decisions than the survivor that was picked.
    #[error("this terminal knows {decided} positions as decided, and the survivor holds {survivor}")]
    KnowsMore {
        /// The last index decided here.
        decided: u64,
        /// The last index of the survivor.
        survivor: u64,
    },
    /// The rows are none to start from.
    #[error("rows: {0}")]
    Rows(#[from] StartError),
}

/// Why the engine stopped for good. It ignores every further input; the process lives on. Start again from the store.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HaltReason {
    /// The engine below panicked. What it did in this call was discarded.
    #[error("panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// `Persisted` skipped a number: a write was lost or reported out of order.
    #[error("persist {got} was reported, {expected} was due")]
    PersistOutOfOrder {
        /// The id that was due.
        expected: u64,
        /// The id that was told.
        got: u64,
    },
}
