//! What a terminal must be told before it can take part in elections.

use core::time::Duration;

use edgepos_core::{ReplicaId, StoreGeneration, StoreId};

use crate::error::ConfigError;

/// Highest [feature level](crate::Election::level) that this version knows.
pub const MAX_LEVEL: u32 = 1;
/// Terminals of one store. A sixteenth is refused.
pub const MAX_TERMINALS: usize = 15;
/// Terminals that vote: the first of [`Config::voters`]. The others learn decisions and take part in sync, but more voters would
/// only make every decision wait for more disks.
pub const MAX_VOTERS: usize = 5;
/// No configuration may allow entries larger than this, in bytes: a message must carry at least one.
pub const MAX_ENTRY_BYTES: u32 = 256 * 1024;

/// When elections happen. Heartbeat, lease and the election timeouts are multiples of [`tick`](Self::tick).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timing {
    /// The unit in which the other durations are counted. Default 10 ms. Shorter costs wake-ups only where a deadline needs them.
    pub tick: Duration,
    /// How often a leader says that it is alive. Default 150 ms. Longer makes one lost packet look like a dead leader, shorter
    /// costs packets (two per terminal and heartbeat).
    pub heartbeat: Duration,
    /// For how long after the leader *sent* a heartbeat its answer proves that the majority still follows. Default 300 ms. Longer
    /// lets a cut-off leader believe in itself for longer; shorter than two heartbeats reports a lost quorum for one lost packet.
    /// A leader asks for a longer one, at most 2 s, where a voter's answers take so long that they would come too late.
    pub lease: Duration,
    /// The least silence after which a follower stands for election. Default 300 ms. Shorter recovers faster and flaps on bad
    /// Wi-Fi; it must not be shorter than the lease, or two leaders may both be entitled.
    pub election_min: Duration,
    /// The silence after which every follower has stood for election (exclusive bound of the draw). Default 500 ms. Too close to
    /// the minimum splits votes.
    pub election_max: Duration,
    /// When the transport reports the leader's connection dead, the follower of rank r waits r times this before it stands.
    /// Default 15 ms. Shorter than a round trip splits votes; longer delays the recovery when the first in rank is dead as well.
    pub peer_lost_stagger: Duration,
    /// Ask again for a vote that was not answered after this time; raft itself asks once. Default 30 ms, `None` for never. It counts
    /// with [`Config::lossy_transport`] only: on a byte stream the question is not lost but late, and asking again makes it later.
    /// Shorter than a round trip asks needlessly; longer makes one lost packet cost more.
    pub vote_resend: Option<Duration>,
    /// `true` gives each follower its own slot between minimum and maximum, by rank, instead of a draw. Default `false`. It
    /// removes split votes; only with [`Config::lossy_transport`], since a stream's stalls move the slots into each other. With it
    /// a leader resigns one lease after the last majority, so that no two believe to lead where two leases fit into `election_min`.
    pub ranked: bool,
}

impl Timing {
    /// Profile *Standard*: heartbeat 150 ms, lease 300 ms, elections after 300 to 500 ms, tick 10 ms.
    pub const fn standard() -> Self {
        Self {
            tick: Duration::from_millis(10),
            heartbeat: Duration::from_millis(150),
            lease: Duration::from_millis(300),
            election_min: Duration::from_millis(300),
            election_max: Duration::from_millis(500),
            peer_lost_stagger: Duration::from_millis(15),
            vote_resend: Some(Duration::from_millis(30)),
            ranked: false,
        }
    }

    /// Profile *Fast*, for transports that lose messages instead of delaying them (datagrams): heartbeat 50 ms, lease 125 ms,
    /// ranked elections from 300 to 500 ms, tick 5 ms.
    pub const fn fast() -> Self {
        Self {
            tick: Duration::from_millis(5),
            heartbeat: Duration::from_millis(50),
            lease: Duration::from_millis(125),
            ranked: true,
            ..Self::standard()
        }
    }

    /// Profile *Relaxed*, for poor Wi-Fi: heartbeat 300 ms, lease 1 s, elections after 1 to 2 s, tick 20 ms.
    pub const fn relaxed() -> Self {
        Self {
            tick: Duration::from_millis(20),
            heartbeat: Duration::from_millis(300),
            lease: Duration::from_millis(1000),
            election_min: Duration::from_millis(1000),
            election_max: Duration::from_millis(2000),
            peer_lost_stagger: Duration::from_millis(40),
            vote_resend: Some(Duration::from_millis(80)),
            ranked: false,
        }
    }

    /// About a round trip on the shop's network (a mean of 6 ms): when to repeat what was probably lost.
    pub(crate) fn soon(&self) -> Duration {
        (self.peer_lost_stagger / 2).max(Duration::from_millis(5))
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let positive = [
            ("tick", self.tick),
            ("heartbeat", self.heartbeat),
            ("lease", self.lease),
            ("election_min", self.election_min),
            ("election_max", self.election_max),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, value)| value.as_millis() == 0) {
            return Err(ConfigError::Zero { field });
        }
        if !self.tick.subsec_nanos().is_multiple_of(1_000_000) || self.tick > Duration::from_secs(1) {
            return Err(ConfigError::Tick { tick: self.tick });
        }
        for (field, value) in positive {
            if !value.as_nanos().is_multiple_of(self.tick.as_nanos()) || value > Duration::from_secs(3600) {
                return Err(ConfigError::NotTicks { field, value, tick: self.tick });
            }
        }
        let ordered = [
            ("2 × heartbeat", 2 * self.heartbeat, "lease", self.lease),
            ("lease", self.lease, "election_min", self.election_min),
            ("election_min + 4 × tick", self.election_min + 4 * self.tick, "election_max", self.election_max),
            ("peer_lost_stagger", self.peer_lost_stagger, "heartbeat", self.heartbeat),
        ];
        for (smaller, smaller_value, larger, larger_value) in ordered {
            if smaller_value > larger_value {
                return Err(ConfigError::Order { smaller, smaller_value, larger, larger_value });
            }
        }
        if let Some(resend) = self.vote_resend.filter(|resend| *resend < self.tick) {
            return Err(ConfigError::Order {
                smaller: "tick",
                smaller_value: self.tick,
                larger: "vote_resend",
                larger_value: resend,
            });
        }
        Ok(())
    }
}

/// Everything [`Election::new`](crate::Election::new) needs besides the restored rows. Start from [`Config::standard`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The name of this terminal.
    pub me: ReplicaId,
    /// The terminals of the store as its genesis record lists them, the same list in the same order on each: 1 to
    /// [`MAX_TERMINALS`]. The first [`MAX_VOTERS`] vote, the others learn. It counts on the first start only; afterwards the log says
    /// who belongs.
    pub voters: Vec<ReplicaId>,
    /// `true` for a terminal that comes to an existing store: `voters` is the genesis list without it, and it waits until the leader
    /// [admits](crate::Election::admit) it. Default `false`.
    pub joins: bool,
    /// `false` for a voter that never stands for election, such as the cloud as the third voter of a store with two terminals: it
    /// votes and confirms decisions, and leads nothing. Default `true`. A terminal that missed what the other one and this voter
    /// decided is not elected before the other one is back.
    pub campaigns: bool,
    /// A voter that was silent for this long loses its vote to a learner that is there, while a majority holds. Default 10 min,
    /// at least 10 s. Shorter moves votes at every restart; longer leaves the store one failure from standing still.
    pub replace_voter_after: Duration,
    /// A member that was silent for this long loses its place to another incarnation of the same terminal that was admitted. Default
    /// 5 s, at least 1 s. Shorter takes it from a terminal that restarts; longer leaves the store one failure from standing still.
    pub successor_after: Duration,
    /// A leader whose oldest write takes longer hands over. Default 2 s, at least 100 ms. Shorter moves the leadership at every
    /// hiccup of a flash disk; longer leaves decisions unapplied where the uploads are.
    pub disk_stall_after: Duration,
    /// The store, so that a terminal plugged into the wrong network is refused. Default all zero.
    pub store: StoreId,
    /// Raised by a forced recovery of a store that lost its majority for good; messages of another generation are refused. Default 0.
    pub generation: StoreGeneration,
    /// The highest feature level that this terminal decides by. Default and bound [`MAX_LEVEL`]; lower ones are for trying what becomes
    /// of a terminal that stayed behind.
    pub level: u32,
    /// Whether the caller hands in what the other terminals state of themselves ([`Input::Stated`](crate::Input::Stated)), as the terminal
    /// of `edgepos` does. A voter that starts from rows then gives no vote in a term in which it may have given one that its disk has
    /// lost. Default `false`: its rows are believed.
    pub hears_states: bool,
    /// When elections happen. Default [`Timing::standard`].
    pub timing: Timing,
    /// Whether the transport loses messages (datagrams) instead of delaying them (streams). Default `false`. [`Timing::fast`] needs it.
    pub lossy_transport: bool,
    /// Draws the election timeouts, with the replica, the term and the attempt: the same seed gives the same run.
    pub seed: u64,
    /// Largest [`Proposal`](crate::Proposal), in bytes. Default 64 KiB, at most [`MAX_ENTRY_BYTES`].
    pub max_entry_bytes: u32,
    /// Proposals of this terminal that may wait for a decision. Default 64, at most 4,096; one more is refused and handed back.
    pub max_pending_proposals: u32,
    /// Bytes of entries that a leader appends before a majority has confirmed any. Default 4 MiB, at least 1 MiB; more
    /// proposals wait with their proposers.
    pub max_uncommitted_bytes: u64,
    /// Entries that the log keeps, at least 16. Default 1,024. The older half of it is dropped when it is full; a terminal that
    /// missed more than what is left gets a snapshot and [`Notice::SnapshotInstalled`](crate::Notice::SnapshotInstalled).
    pub max_log_entries: u32,
}

impl Config {
    /// Profile *Standard* with every limit at its default.
    pub fn standard(me: ReplicaId, voters: Vec<ReplicaId>, seed: u64) -> Self {
        Self {
            me,
            voters,
            joins: false,
            campaigns: true,
            replace_voter_after: Duration::from_secs(600),
            successor_after: Duration::from_secs(5),
            disk_stall_after: Duration::from_secs(2),
            store: StoreId::default(),
            generation: StoreGeneration::default(),
            level: MAX_LEVEL,
            hears_states: false,
            timing: Timing::standard(),
            lossy_transport: false,
            seed,
            max_entry_bytes: 64 * 1024,
            max_pending_proposals: 64,
            max_uncommitted_bytes: 4 * 1024 * 1024,
            max_log_entries: 1024,
        }
    }

    /// Finds the first contradiction.
    ///
    /// # Errors
    /// Names the field, or both fields, that contradict.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let terminals = self.voters.len();
        if terminals == 0 || terminals > MAX_TERMINALS {
            return Err(ConfigError::Terminals { given: terminals, limit: MAX_TERMINALS });
        }
        for (position, replica) in self.voters.iter().enumerate() {
            if !replica.is_terminal() {
                return Err(ConfigError::NotATerminal { replica: *replica });
            }
            if self.voters[..position].contains(replica) {
                return Err(ConfigError::Twice { replica: *replica });
            }
        }
        if !self.me.is_terminal() {
            return Err(ConfigError::NotATerminal { replica: self.me });
        }
        if self.voters.contains(&self.me) == self.joins {
            return Err(match self.joins {
                true => ConfigError::JoinsButListed { me: self.me },
                false => ConfigError::MeNotListed { me: self.me },
            });
        }
        self.timing.validate()?;
        if self.timing.ranked && !self.lossy_transport {
            return Err(ConfigError::NeedsLossyTransport { field: "timing.ranked" });
        }
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let ranges = [
            ("replace_voter_after (ms)", ms(self.replace_voter_after), 10_000, u64::MAX),
            ("successor_after (ms)", ms(self.successor_after), 1_000, u64::MAX),
            ("disk_stall_after (ms)", ms(self.disk_stall_after), 100, u64::MAX),
            ("level", u64::from(self.level), 0, u64::from(MAX_LEVEL)),
            ("max_entry_bytes", u64::from(self.max_entry_bytes), 1, u64::from(MAX_ENTRY_BYTES)),
            ("max_pending_proposals", u64::from(self.max_pending_proposals), 1, 4096),
            ("max_uncommitted_bytes", self.max_uncommitted_bytes, 1 << 20, 1 << 30),
            ("max_log_entries", u64::from(self.max_log_entries), 16, 1 << 20),
        ];
        for (field, given, min, max) in ranges {
            if given < min || given > max {
                return Err(ConfigError::OutOfRange { field, given, min, max });
            }
        }
        Ok(())
    }
}
