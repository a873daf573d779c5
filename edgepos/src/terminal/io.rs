//! What goes into a terminal and what comes out of it.

use edgepos_core::{ConnectionId, EventId, Load, LoadId, Persist, PersistId, ReplicaId, WallMs};
use edgepos_sync::{CloudReply, CloudRequest, UplinkError, UplinkId};

use super::condition::Condition;
use super::disk::Disk;
use super::refusal::Refusal;
use crate::monitor::alert::Alert;
use crate::retail::envelope::Envelope;
use crate::retail::exception::body::{ExceptionEnded, ExceptionRaised};
use crate::retail::exception::resolution::{ExceptionResolved, Resolution, ResolutionProposed};
use crate::retail::sale::body::{BasketId, Line};
use crate::retail::sale::receipt::Receipt;
use crate::retail::sale::unresolved::OpenBasket;

/// Most rows of one answer: counters, open baskets, open exceptions. What has more is asked for page by page.
pub const MAX_PAGE: usize = 1_000;

/// The world did something.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// The deadline of [`poll_timeout`](super::Terminal::poll_timeout) has come.
    Timeout,
    /// The writes of this [`Persist`] would survive a power cut, or the end of this process where they came as an [`Output::Write`].
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
    /// Make durable, with everything that was written before, then tell [`Input::Persisted`]. It may have no writes of its own: then it
    /// makes an earlier [`Write`](Self::Write) durable.
    Persist(Persist),
    /// Write, in order with each `Persist`, and tell [`Input::Persisted`] as soon as no end of this process can lose it; a power cut
    /// may. A caller that makes it durable at once does no harm.
    Write(Persist),
    /// Read, then tell [`Input::Loaded`]. It need not see a `Persist` or a [`Write`](Self::Write) that is not reported yet.
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
    /// Answer whoever made the request. What it says is durable, or [begun](Reply::Begun).
    Reply(RequestId, Result<Reply, Refusal>),
    /// Something happened; may be dropped.
    Notice(Notice),
}

/// The caller's number for a request, given back with the reply. Unique among the requests that are open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// What a reply says; every word of it is durable but what was [begun](Self::Begun) a moment ago.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// A basket is open; its number is reserved. The end of this process takes neither; a power cut within
    /// [`Config::begin_pause`](super::Config::begin_pause) may take both, and the number is then the next basket's: it counts, and may be
    /// printed, once the sale is booked.
    Begun {
        /// Its number in the series; 0 where it gets one [at its commit](super::NumberAt::Commit), and in training.
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
    /// A page of the baskets that are open, by rising id; `next` is the last one that was looked at, behind which the next page begins,
    /// and `None` behind the last page.
    Unresolved {
        /// What is open, also where it left memory.
        baskets: Vec<OpenBasket>,
        /// Behind which the next page begins.
        next: Option<BasketId>,
    },
    /// The event is recorded.
    Recorded(EventId),
    /// The key to a customer's fields is kept.
    Kept,
    /// The value of the counter that was asked for; `None` when nothing ever moved it.
    Counter(Option<i64>),
    /// The store has resolved an exception.
    Resolved(Box<Resolution>),
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
    /// The resolver proposes what to do about an exception, and the store has decided to say so.
    ResolutionProposed(Box<ResolutionProposed>),
    /// Somebody has decided what is done about an exception, and it counts.
    ExceptionResolved(Box<ExceptionResolved>),
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
    /// What someone must act on began, or is over. [`Status::conditions`](super::Status::conditions) has those that hold, also when this notice was dropped.
    Condition {
        /// What it is, and since when.
        condition: Condition,
        /// Whether it holds; `false`: it is over.
        holds: bool,
    },
    /// A terminal of the store has a connection.
    PeerConnected {
        /// Who it is.
        peer: ReplicaId,
    },
    /// A terminal of the store has no connection any more.
    PeerLost {
        /// Who it is.
        peer: ReplicaId,
    },
    /// A frame from outside was refused and dropped.
    Refused {
        /// The terminal that sent it.
        from: ReplicaId,
        /// What was refused and why.
        reason: String,
    },
}
