//! What an [`Outbox`](crate::Outbox) is told, and what it asks for.

use core::fmt;
use std::time::Duration;

use edgepos_core::{
    Chain, ConnectionId, EventId, Load, LoadId, Persist, PersistId, ReplicaId, Seq, StoreId, Term,
    UploadEpoch,
};
use edgepos_crdt::VersionVector;
use edgepos_wire::DecodeError;

use crate::event::{EventRecord, Hash};
use crate::wire::message::Message;
use crate::wire::reply::{CloudReply, RefusedReason};
use crate::wire::request::CloudRequest;

/// Numbers the requests to the cloud: 1, 2, 3 … without gaps, from 1 again after each start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UplinkId(pub u64);

/// The world did something.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Input {
    /// A peer's message arrived, decoded with [`Message::decode`].
    Message {
        /// Who sent it, as the transport has authenticated.
        from: ReplicaId,
        /// The connection that it came through.
        connection: ConnectionId,
        /// What it says.
        message: Message,
    },
    /// The time that `poll_timeout` named has come. Too early or too often is harmless.
    Timeout,
    /// The write is durable. In order, without gaps.
    Persisted(PersistId),
    /// The rows asked for, as key and value by rising key.
    Loaded(LoadId, Vec<(Vec<u8>, Vec<u8>)>),
    /// A connection to a peer was made. It replaces an earlier one.
    PeerUp(ReplicaId, ConnectionId),
    /// The connection died. Without effect when it is not the peer's latest.
    PeerLost(ReplicaId, ConnectionId),
    /// The election's state, at the start and at each change.
    Leader {
        /// Who leads, in which term.
        leader: Option<(ReplicaId, Term)>,
        /// Whether it is this terminal and a quorum stands behind it.
        entitled: bool,
    },
    /// The cloud answered, or did not.
    Uplink(UplinkId, Result<CloudReply, UplinkError>),
}

/// Why there is no answer from the cloud. The request may or may not have been carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UplinkError {
    /// There is no connection to the cloud.
    #[error("cloud is unreachable")]
    Unreachable,
    /// No answer came in time.
    #[error("cloud did not answer in time")]
    TimedOut,
    /// What came is no answer to this request.
    #[error("cloud gave an unreadable answer")]
    Unreadable,
    /// Somebody answered and is not the cloud, or refuses: over HTTP, a status that is none of those that a cloud gives.
    #[error("cloud answered with status {status}")]
    Rejected {
        /// The status, as HTTP numbers them.
        status: u16,
    },
    /// The cloud asks for patience, for example by HTTP status 429 or 503.
    #[error("cloud asks to wait {retry_after:?}")]
    Overloaded {
        /// How long it asks to wait before the next request.
        retry_after: Duration,
    },
}

/// What must be done, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Write durably, then tell [`Input::Persisted`].
    Persist(Persist),
    /// Read, then tell [`Input::Loaded`].
    Load(Load),
    /// An event of a peer, each once and in the order of its chain. Its effects belong into the disk transaction of the
    /// [`Persist`](Output::Persist) that follows in the same drain.
    Accepted(EventRecord),
    /// An event whose bytes were damaged or lost on this disk and are there again. Its place is behind that of later events of its
    /// chain. It goes into the transaction of the [`Persist`](Output::Persist) that follows in the same drain.
    Healed {
        /// The event as it was written.
        record: EventRecord,
        /// Whether it was never handed out here: its owner had declared it lost before it came. Otherwise it was recorded or accepted
        /// once.
        is_new: bool,
    },
    /// An event of a branch that lost: of this terminal's own chain, whose disk was restored, lost or cloned, or of another's. Write it
    /// again with [`Outbox::reissue`](crate::Outbox::reissue), unless its owner has, and take back in the same transaction what it did
    /// under its old name.
    Reissue {
        /// The event under its old name.
        record: EventRecord,
        /// The hash of the old chain after it.
        hash: Hash,
    },
    /// Send, once; it may be lost.
    Transmit {
        /// The peer that it is for.
        to: ReplicaId,
        /// Through which connection. Drop it when that one is gone.
        connection: ConnectionId,
        /// To be encoded with [`Message::encode`].
        message: Message,
    },
    /// Ask the cloud, then tell [`Input::Uplink`].
    Uplink(UplinkId, CloudRequest),
    /// Something that a person or a program may want to know.
    Notice(Notice),
}

/// Who says that a chain is not what we hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Witness {
    /// A peer, by what it holds or sends.
    Peer(ReplicaId),
    /// The cloud, by what it holds or refuses.
    Cloud,
    /// The store-wide log, by what it derives to.
    Log,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(peer) => write!(f, "terminal {peer}"),
            Self::Cloud => f.write_str("the cloud"),
            Self::Log => f.write_str("the log"),
        }
    }
}

/// A claim about the cloud that is not so, or a history that is not ours, as long as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// The cloud is claimed to hold more than is held here, and nobody has sent what would prove it.
    Above {
        /// The chain that the claim is about.
        chain: Chain,
        /// How far it is held there, as is claimed.
        claimed: Seq,
        /// How far it is held here.
        own: Seq,
        /// Who claims it.
        witness: Witness,
    },
    /// Somebody holds another history of the chain.
    Disputed {
        /// The chain that has two histories.
        chain: Chain,
        /// Who holds the other one: the cloud, or a connected peer.
        witness: Witness,
    },
}

/// What a person or a program may want to know. All of it may be dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// The leader holds this durably. Not told on the leader itself, where it is [`Outbox::durable`](crate::Outbox::durable).
    LeaderHas(VersionVector),
    /// The cloud holds this.
    CloudHas(VersionVector),
    /// Two histories of one chain: a cloned or restored disk. Nothing of the run was taken, and the chain is neither taken from
    /// this witness nor sent to it until it connects again (a peer) or this terminal restarts (cloud, log).
    Fork {
        /// The chain that has two histories.
        chain: Chain,
        /// Up to where it was held when the fork was seen.
        seq: Seq,
        /// Who has the other history.
        witness: Witness,
    },
    /// Somebody holds events of our own chain that we have not written: this disk was rolled back, lost or cloned. Nothing of the
    /// chain is sent any more; recording goes on, and [`Outbox::reincarnate`](crate::Outbox::reincarnate) makes it go on elsewhere.
    RollbackSuspected {
        /// The chain of ours that is held further there.
        chain: Chain,
        /// How far it is held there.
        known: Seq,
        /// How far it is held here.
        own: Seq,
        /// Who holds more.
        witness: Witness,
    },
    /// Somebody claims that the cloud holds more of a chain than is held here, and nobody has sent what would prove it. Nothing was
    /// written down of the claim, and nothing is passed on.
    Mistaken {
        /// The chain that the claim is about.
        chain: Chain,
        /// How far it is held there, as is claimed.
        claimed: Seq,
        /// How far it is held here.
        own: Seq,
        /// Who claims it.
        witness: Witness,
    },
    /// A terminal goes on as another incarnation: its disk was restored, lost or cloned, or the terminal was replaced.
    Reincarnated {
        /// The incarnation whose first event has arrived.
        replica: ReplicaId,
    },
    /// The cloud has begun another life: it lost its memory, or was restored from a backup. What it held before counts for nothing; all
    /// that it lacks is sent to it again.
    CloudRestored {
        /// Who says so.
        witness: Witness,
    },
    /// A peer uses our own replica id: a cloned disk.
    CloneSuspected {
        /// Through which connection.
        connection: ConnectionId,
    },
    /// A stored event does not match its hash, or is gone. It is asked for of peers and the cloud; until it is there the chain is not
    /// sent beyond it.
    Damaged {
        /// The event whose row is damaged.
        id: EventId,
    },
    /// Events whose bytes nobody has who was asked: this terminal, whose events they are, declares them lost, and what comes behind
    /// them goes on.
    Lost {
        /// The first one.
        first: EventId,
        /// The position of the last one.
        last: Seq,
    },
    /// Events that were damaged or lost are there again, as they were.
    Mended {
        /// The first one.
        first: EventId,
        /// The position of the last one.
        last: Seq,
    },
    /// A peer or the cloud needs an event that is not on this disk any more. A peer is told, and needs a snapshot.
    Pruned {
        /// The first event that is needed.
        id: EventId,
        /// The peer that needs it; `None` is the cloud.
        peer: Option<ReplicaId>,
    },
    /// A peer cannot send what we lack: it is pruned there. This terminal needs a snapshot, from that peer or from the cloud.
    SnapshotNeeded {
        /// Who pruned it.
        peer: ReplicaId,
        /// The chain of which we lack events.
        chain: Chain,
        /// The first position that the peer still has.
        floor: Seq,
    },
    /// A peer speaks no version that we speak. Nothing is exchanged on this connection.
    Incompatible {
        /// The peer that speaks other versions.
        peer: ReplicaId,
        /// Oldest and newest version that it speaks.
        versions: (u16, u16),
    },
    /// A peer belongs to another store. Nothing is exchanged on this connection.
    WrongStore {
        /// The peer that belongs to another store.
        peer: ReplicaId,
        /// The store that it belongs to.
        store: StoreId,
    },
    /// There are more peers than [`Config::max_peers`](crate::Config::max_peers); this one is ignored.
    PeerRefused {
        /// The peer that is ignored.
        peer: ReplicaId,
    },
    /// A batch of a peer does not decode. It was dropped.
    Undecodable {
        /// Who sent it.
        peer: ReplicaId,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// A chain or a vector was not taken, because there would be more chains than
    /// [`Limits::max_chains`](crate::Limits::max_chains).
    TooManyChains {
        /// Who sent it.
        witness: Witness,
    },
    /// The cloud has given this terminal the upload lease.
    Leased {
        /// The epoch that every append carries.
        epoch: UploadEpoch,
        /// Whether it was given to this terminal as the leader.
        leader: bool,
    },
    /// What waits for the peer's disk has reached the critical mark: it asks for the longest pause after each batch. Told
    /// once until it asks for none at all. Recording goes on. A leader of 0.1.0 asks for it by what waits for the cloud.
    Backpressure {
        /// The peer that asks.
        peer: ReplicaId,
        /// How long to wait before the next batch.
        retry_after: Duration,
    },
    /// Another terminal has the upload lease now.
    Fenced {
        /// The epoch in force.
        epoch: UploadEpoch,
    },
    /// The cloud will not take a request as it is.
    UploadRefused {
        /// The reason that the cloud gives.
        reason: RefusedReason,
    },
    /// The cloud is of use again, after so many requests in a row that failed.
    UplinkFound {
        /// How many failed.
        attempts: u32,
    },
    /// A request to the cloud failed; the next is made after a wait.
    UplinkFailed {
        /// What became of the request.
        error: UplinkError,
        /// How many in a row have failed.
        attempts: u32,
    },
}
