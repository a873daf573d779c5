//! What goes into an election and what comes out.

use std::fmt;

use edgepos_core::{ConnectionId, LogState, Persist, PersistId, ReplicaId, StoreGeneration, Term, Time};

use crate::entry::ProposalKey;
use crate::error::HaltReason;
use crate::guard::DropReason;
use crate::message::Message;

/// What happened in the world.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Input {
    /// A message arrived. Drop it when the connection that brought it was reported lost.
    Message(Message),
    /// The time of [`poll_timeout`](crate::Election::poll_timeout) has come. Early or late is harmless.
    Timeout,
    /// This write, and each before it, would survive a power cut.
    Persisted(PersistId),
    /// The transport saw this connection die. When it was the leader's, an election starts at once. Messages of that terminal are
    /// refused until [`PeerUp`](Self::PeerUp), at most for one `election_max`: a late heartbeat must not restore a dead leader.
    PeerLost(ReplicaId, ConnectionId),
    /// There is a new connection, and the transport has authenticated its other end as this terminal of this store: messages of a
    /// terminal that joined while this one was away are taken from here on. A [`PeerLost`](Self::PeerLost) with a lower id than this is ignored from here on.
    PeerUp(ReplicaId, ConnectionId),
    /// A terminal of this store states where it stands, through a connection that was opened after this terminal's start.
    Stated(ReplicaId, LogState),
}

/// What the caller must do, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Make it durable, then say [`Input::Persisted`].
    Persist(Persist),
    /// The store has decided. Apply the effects in the same disk transaction as the [`Persist`](Self::Persist) that follows in this
    /// drain, which carries the applied index: then they are applied exactly once through any crash.
    Apply(Decision),
    /// Decisions were missed, and a snapshot took their place: this is what the application of its sender had
    /// [attached](crate::Election::attach). Take it in the same disk transaction as the [`Persist`](Self::Persist) that follows in this
    /// drain. `None`: the sender attaches nothing, as version 0.1.0 does; what the application keeps of the decisions is unknown then.
    Install(Option<Vec<u8>>),
    /// Send it to [`Message::to`]. It may be lost.
    Transmit(Message),
    /// News. It may be dropped.
    Notice(Notice),
}

/// A proposal that the store has decided on. Every terminal gets the same ones in the same order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Its position in the store-wide log. Rising, with gaps: the log also holds entries of the election itself.
    pub index: u64,
    /// The term of the leader that appended it.
    pub term: Term,
    /// Its name. No key is decided twice.
    pub key: ProposalKey,
    /// What kind of decision; the caller's numbers.
    pub kind: u16,
    /// The proposal's bytes.
    pub bytes: Vec<u8>,
}

/// Who leads, and since which election.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Leader {
    /// The terminal that leads.
    pub replica: ReplicaId,
    /// Its term: attach it to every act of a leader that others can see, so that they can refuse an older one.
    pub term: Term,
}

/// What the store can do from this terminal's view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// A leader is known.
    Normal,
    /// This terminal leads or led, and the majority is out of reach: it may neither commit store-wide decisions nor upload, and
    /// coordinates the terminals that it still reaches. Local sales go on.
    Degraded {
        /// When the majority was last heard.
        since: Time,
        /// Voters within reach, this terminal among them.
        reachable: u32,
        /// Voters that a majority needs.
        needed: u32,
    },
    /// No leader is known: store-wide decisions wait. Local sales go on.
    Leaderless,
}

/// In one word: `normal`, `degraded` or `leaderless`.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Degraded { .. } => "degraded",
            Self::Leaderless => "leaderless",
        })
    }
}

/// What is worth telling, and asks for nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Another leader is known, or none.
    LeaderChanged(Option<Leader>),
    /// This terminal leads and has not heard a majority for one lease. Tell the manager.
    QuorumLost {
        /// When the majority was last heard.
        since: Time,
        /// Voters within reach, this terminal among them.
        reachable: u32,
        /// Voters that a majority needs.
        needed: u32,
    },
    /// The end of [`QuorumLost`](Self::QuorumLost): a majority answers again, or follows another leader that this terminal follows as well.
    QuorumRegained,
    /// The engine stopped for good; see [`HaltReason`].
    Halted(HaltReason),
    /// A message was dropped. Counted by reason in [`Election::drops`](crate::Election::drops).
    Refused {
        /// Who sent it, by its own word.
        from: ReplicaId,
        /// Why it was dropped.
        reason: DropReason,
    },
    /// The leader knows that this terminal once held the log up to `known`, and it holds less: the disk lost writes that it had
    /// reported durable, or is an older copy. From here on this terminal neither votes nor stands for election. It must join as a new
    /// incarnation: under the old name it may give a vote twice, and its event chains fork.
    LogLost {
        /// The last index held.
        held: u64,
        /// The last index that the leader knows was held.
        known: u64,
    },
    /// The store has refused a proposal, on every terminal alike: another decision about its subject was taken after the one
    /// that its proposer had seen. Its number counts as decided. Look at what holds, and propose anew where it still makes sense.
    ProposalRefused {
        /// The name of the proposal.
        key: ProposalKey,
        /// The kind of the proposal.
        kind: u16,
        /// The index that it built on.
        base: u64,
        /// The index of the last decision about the subject, or up to which such decisions are not remembered.
        current: u64,
    },
    /// The store has raised its [feature level](crate::Election::level): what it adds holds from the next decision on.
    LevelRaised {
        /// The level from here on.
        level: u32,
    },
    /// An operator has [recovered](crate::recovery::recover) this store by force, as of its last time. Told at every start.
    StoreRecovered {
        /// The generation that it began.
        generation: StoreGeneration,
        /// The last position of the survivor's log.
        last: u64,
        /// The last position known to be decided before: those after it count as decided since.
        decided: u64,
    },
    /// The store has decided who belongs to it.
    MembersChanged {
        /// Those that vote.
        voters: Vec<ReplicaId>,
        /// Those that only learn.
        learners: Vec<ReplicaId>,
    },
    /// A write was not reported durable for [`Config::disk_stall_after`](crate::Config::disk_stall_after). A leader hands over.
    DiskStalled {
        /// When it was handed out.
        since: Time,
    },
    /// A hand-over was ordered by [`step_down`](crate::Election::step_down), and no voter took over: this terminal stopped
    /// leading all the same, and the next election decides.
    HandOverFailed,
    /// This terminal had missed more decisions than the log keeps: those after `from` up to `to` were skipped here. Their effects
    /// reach it as events through the sync.
    SnapshotInstalled {
        /// The last index applied before.
        from: u64,
        /// The index from which decisions arrive one by one again, exclusive.
        to: u64,
    },
}
