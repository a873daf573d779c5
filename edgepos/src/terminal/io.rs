//! What goes into a terminal and what comes out of it.

use edgepos_consensus::{Health, Leader};
use edgepos_core::{ConnectionId, EventId, Load, LoadId, Persist, PersistId, ReplicaId, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_sync::{CloudReply, CloudRequest, UplinkError, UplinkId};

use super::condition::Condition;
use super::disk::Disk;
use super::refusal::Refusal;
use crate::monitor::alert::Alert;
use crate::retail::envelope::Envelope;
use crate::retail::exception::body::{ExceptionEnded, ExceptionRaised};
use crate::retail::sale::body::Line;
use crate::retail::sale::receipt::Receipt;

/// Most rows of one answer: counters, open baskets, open exceptions. What has more is asked for page by page.
pub const MAX_PAGE: usize = 1_000;

/// The world did something.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// The deadline of [`poll_timeout`](super::Terminal::poll_timeout) has come.
    Timeout,
    /// The writes of this [`Persist`] would survive a power cut.
    Persisted(PersistId),
    /// The rows that a [`Load`] asked for.
    Loaded(LoadId, Vec<(Vec<u8>, Vec<u8>)>),
    /// A connection to a terminal of this store is up. A newer one replaces an older one.
    PeerUp(ReplicaId, ConnectionId),
    /// A connection died. Ignored when it is not the newest.
    PeerLost(ReplicaId, ConnectionId),
    /// Bytes that a peer sent over a connection.
    Frame(ReplicaId, ConnectionId, Vec<u8>),
    /// The cloud has just said what time it is, with an answer.
    CloudTime(WallMs),
    /// The cloud answered, or could not be reached.
    Uplink(UplinkId, Result<CloudReply, UplinkError>),
    /// How the store is, when that has changed. A caller that never says has room for everything.
    Disk(Disk),
}

/// A duty. Not `#[non_exhaustive]`: a new duty must break every caller's build, since a missed one loses money.
#[derive(Clone, Debug)]
pub enum Output {
    /// Make durable, then tell [`Input::Persisted`].
    Persist(Persist),
    /// Read, then tell [`Input::Loaded`].
    Load(Load),
    /// Send; may be lost. Drop it where `connection` is no longer the newest one to that peer.
    Transmit {
        /// The terminal that it is for.
        to: ReplicaId,
        /// Over which connection.
        connection: ConnectionId,
        /// What, at most [`MAX_FRAME`](super::MAX_FRAME) bytes.
        frame: Vec<u8>,
    },
    /// Ask the cloud, then tell [`Input::Uplink`].
    Uplink(UplinkId, CloudRequest),
    /// Answer whoever made the request. What it says is durable.
    Reply(RequestId, Result<Reply, Refusal>),
    /// Something happened; may be dropped.
    Notice(Notice),
}

/// The caller's number for a request, given back with the reply. Unique among the requests that are open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// What a reply says; every word of it is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// A basket is open; its number is reserved.
    Begun {
        /// Its number in the series.
        number: u64,
        /// What the customer owes, in minor units.
        total: i64,
    },
    /// The sale is booked.
    Committed {
        /// Proof of the booked transaction.
        receipt: Receipt,
        /// Whether an earlier call with this key had booked it.
        repeated: bool,
    },
    /// The basket is gone and its number voided.
    Abandoned,
    /// The basket is put aside and its number voided.
    Parked,
    /// A parked basket is open here.
    Claimed {
        /// Its number in the series.
        number: u64,
        /// What the customer owes, in minor units.
        total: i64,
        /// What was scanned.
        lines: Vec<Line>,
    },
    /// The event is recorded.
    Recorded(EventId),
    /// The value of the counter that was asked for; `None` when nothing ever moved it.
    Counter(Option<i64>),
}

/// What happened, for whoever watches the terminal. All of it may be dropped. Not to be mixed with the events of the log.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The election has something to say: who leads, whether the majority is heard, who belongs to the store.
    Election(edgepos_consensus::Notice),
    /// The event log has something to say: the cloud, peers, forks, damage.
    Sync(edgepos_sync::Notice),
    /// An event is on this terminal's disk, its own or a peer's.
    Recorded {
        /// Its place: chain and position.
        id: EventId,
        /// What it says of itself.
        envelope: Box<Envelope>,
    },
    /// A counter fell below its floor, and the store has decided to say so.
    ExceptionRaised(ExceptionRaised),
    /// A counter is at its floor again, and the store has decided to say so.
    ExceptionEnded(ExceptionEnded),
    /// An event cannot be read here. It is kept, forwarded and shown.
    Quarantined {
        /// Its place: chain and position.
        id: EventId,
        /// Why it could not be interpreted, in English.
        reason: String,
    },
    /// The store has decided something of a kind that this version does not know. It is counted among what is quarantined.
    DecisionSkipped {
        /// Its position in the store's log.
        index: u64,
        /// The number of its kind.
        kind: u16,
    },
    /// A peer's clock is far ahead; ours did not follow.
    ClockAhead {
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// A figure went beyond its threshold or came back. Told by a [`Driver`](crate::Driver), which watches them.
    Alert(Alert),
    /// What someone must act on began, or is over. [`Status::conditions`] has those that hold, also when this notice was dropped.
    Condition {
        /// What it is, and since when.
        condition: Condition,
        /// Whether it holds; `false`: it is over.
        holds: bool,
    },
    /// A frame from outside was refused and dropped.
    Refused {
        /// The terminal that sent it.
        from: ReplicaId,
        /// What was refused and why.
        reason: String,
    },
}

/// Who a terminal is, whom it follows, and how far its events have come.
#[derive(Clone, PartialEq, Debug)]
pub struct Status {
    /// The incarnation that this terminal is.
    pub me: ReplicaId,
    /// Who writes its events: the same, or the incarnation that it became where its disk had been restored, lost or cloned.
    pub author: ReplicaId,
    /// The terminal that leads the store, and its term.
    pub leader: Option<Leader>,
    /// Whether this terminal leads and hears a majority.
    pub entitled: bool,
    /// What the store can do from this terminal's view.
    pub health: Health,
    /// What is on this terminal's disk.
    pub durable: VersionVector,
    /// What the cloud holds, as far as is known here.
    pub cloud: VersionVector,
    /// Events on this terminal that the cloud is not known to hold.
    pub queued: u64,
    /// Peers with a connection.
    pub connected: Vec<ReplicaId>,
    /// The terminals that vote on what the store decides.
    pub voters: Vec<ReplicaId>,
    /// Those that learn: newcomers and further terminals. One with the number of another member is to take its place.
    pub learners: Vec<ReplicaId>,
    /// Baskets that are open.
    pub open_baskets: usize,
    /// By which rules the store decides: see [`Election::level`](crate::consensus::Election::level).
    pub level: u32,
    /// Whether that is a level which this terminal does not know: it sells and exchanges events, and takes no part in what the store
    /// decides.
    pub below_level: bool,
    /// Exceptions that are raised and have not ended, the first [`MAX_PAGE`] by what they are about.
    pub exceptions: Vec<ExceptionRaised>,
    /// How many there are of them.
    pub open_exceptions: usize,
    /// Events that cannot be read here.
    pub quarantined: u64,
    /// Events of branches that lost: taken out of their chains and kept. Each counts under the name that it was given instead.
    pub set_aside: u64,
    /// The open business day, as yyyymmdd.
    pub business_day: Option<u32>,
    /// What someone must act on, while it holds.
    pub conditions: Vec<Condition>,
}
