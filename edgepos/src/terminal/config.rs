//! Who a terminal is, and its limits.

use std::num::NonZeroU32;
use std::time::Duration;

use edgepos_consensus::{self as consensus, Timing};
use edgepos_core::{ReplicaId, StoreGeneration, StoreId};
use edgepos_sync as sync;
use thiserror::Error;

use crate::ports::Delivery;
use crate::recovery::kit::RecoveryAnchor;
use crate::retail::unreadable::Unreadable;

/// The record that a store begins from, identical on its first terminals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Genesis {
    /// The id of the store, on every message and upload.
    pub store: StoreId,
    /// Raised by a forced recovery.
    pub generation: StoreGeneration,
    /// The first terminals, 1 to 15. The first five vote. A terminal that is not among them joins, and waits until the leader
    /// [admits](crate::Terminal::admit) it to the store's decisions; it sells and syncs meanwhile.
    pub voters: Vec<ReplicaId>,
    /// What tells the codes of the manager's recovery kit; see [`recovery`](crate::recovery). `None` for a store without one,
    /// which cannot be recovered by force.
    pub recovery: Option<RecoveryAnchor>,
}

/// How a terminal behaves. [`Config::new`] gives the defaults.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// This incarnation of this terminal.
    pub me: ReplicaId,
    /// The store that it belongs to.
    pub genesis: Genesis,
    /// The election's profile. Default `Standard`: 300–500 ms, heartbeat 150 ms. `Fast` is refused on a stream.
    pub timing: Timing,
    /// What the transport does to frames. Default [`Delivery::Stream`]; a [`Driver`](crate::Driver) takes what its transport says. On
    /// a lossy one the election repeats lost questions, which on a stream would only queue up.
    pub delivery: Delivery,
    /// A random number, drawn anew for each start: it names the next incarnation, where this disk turns out to be an older one. Two
    /// starts from one image must not draw the same. Default from `seed`, which is random only where that is; a
    /// [`Driver`](crate::Driver) draws one.
    pub nonce: u64,
    /// Spreads timers; two terminals with one seed still differ, since their ids do.
    pub seed: u64,
    /// How long events are batched before they are sent, 10 ms to 1 h. Default 5 s. Shorter costs bytes, longer costs what is
    /// lost when this terminal burns before it has told anybody.
    pub flush_interval: Duration,
    /// The same while the store is busy (more than 400 events in a minute, until no more than 200): fewer and larger batches, which
    /// compress better. Default 30 s; at least `flush_interval`, at most 1 h.
    pub peak_flush_interval: Duration,
    /// How long a counter must be below its floor, as the leader sees it, before an exception is raised. Default 5 s. Shorter
    /// raises false alarms when a sale overtakes the goods receipt that it sold from; longer delays the manager's notice.
    pub exception_grace: Duration,
    /// The highest feature level of the store's decisions that this terminal knows. Default and bound
    /// [`MAX_LEVEL`](crate::consensus::MAX_LEVEL); lower ones are for trying what becomes of a terminal that stayed behind.
    pub level: u32,
    /// How long after every member has announced a higher feature level the leader raises the store to it without an operator's word.
    /// Default 7 days. Shorter leaves less time to take a bad update back; longer keeps new features away.
    pub level_after: Duration,
    /// A voter that was silent for this long loses its vote to a learner that is there, while a majority holds. Default 10 min, at least
    /// 10 s. Shorter moves votes at every restart; longer leaves the store one failure from standing still.
    pub replace_voter_after: Duration,
    /// A leader whose oldest write takes longer hands over. Default 2 s, at least 100 ms. Shorter moves the leadership at every hiccup of
    /// a flash disk; longer leaves decisions unapplied where the uploads are.
    pub disk_stall_after: Duration,
    /// The place in the store that this terminal sells from. Default 0.
    pub location: u32,
    /// Whether goods come back without their receipt. Default true. A return that names its receipt is held to it either way, as far
    /// as this terminal holds the receipt.
    pub unreferenced_returns: bool,
    /// Baskets that may be open at once. Default 1,000.
    pub max_open_baskets: usize,
    /// Commits that may be under way at once. Default 1,024.
    pub max_commits: usize,
    /// Events that the counter rows on disk may lack, 1 to 100,000. Default 2,000. More means fewer writes and a longer start, which
    /// counts them again.
    pub max_rows_behind: u32,
    /// Peers that may be connected at once. Default 32: 15 terminals and their next incarnations.
    pub max_peers: u32,
}

impl Config {
    /// The defaults above.
    pub fn new(me: ReplicaId, genesis: Genesis, seed: u64) -> Self {
        Self {
            me,
            genesis,
            nonce: seed,
            timing: Timing::standard(),
            delivery: Delivery::Stream,
            seed,
            flush_interval: Duration::from_secs(5),
            peak_flush_interval: Duration::from_secs(30),
            exception_grace: Duration::from_secs(5),
            level: consensus::MAX_LEVEL,
            level_after: Duration::from_secs(7 * 24 * 3600),
            replace_voter_after: Duration::from_secs(600),
            disk_stall_after: Duration::from_secs(2),
            location: 0,
            unreferenced_returns: true,
            max_open_baskets: 1_000,
            max_commits: 1_024,
            max_rows_behind: 2_000,
            max_peers: 32,
        }
    }

    /// Refuses values that are out of their bounds.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let bounds =
            |ok: bool, field, bounds| if ok { Ok(()) } else { Err(ConfigError::Bounds { field, bounds }) };
        let flush = self.flush_interval.as_millis();
        bounds((10..=3_600_000).contains(&flush), "flush_interval", "10 ms to 1 h")?;
        let peak = self.peak_flush_interval.as_millis();
        bounds((flush..=3_600_000).contains(&peak), "peak_flush_interval", "flush_interval to 1 h")?;
        bounds(self.exception_grace.as_secs() <= 3_600, "exception_grace", "at most 1 h")?;
        bounds((1..=100_000).contains(&self.max_open_baskets), "max_open_baskets", "1 to 100,000")?;
        bounds((1..=100_000).contains(&self.max_commits), "max_commits", "1 to 100,000")?;
        bounds((1..=100_000).contains(&self.max_rows_behind), "max_rows_behind", "1 to 100,000")?;
        bounds((1..=1_000).contains(&self.max_peers), "max_peers", "1 to 1,000")?;
        bounds(!self.me.is_store() && self.me.terminal() != 0, "me", "a terminal's number from 1 on")
    }

    /// The drawer that cash goes into where nobody names another.
    pub(crate) fn own_drawer(&self) -> String {
        format!("terminal-{}", self.me.terminal())
    }

    /// Whether it joins a store that was there before it.
    pub(super) fn joins(&self) -> bool {
        !self.genesis.voters.contains(&self.me)
    }

    /// What the election is told of it.
    pub(super) fn election(&self) -> consensus::Config {
        let mut election = consensus::Config::standard(self.me, self.genesis.voters.clone(), self.seed);
        election.timing = self.timing.clone();
        election.lossy_transport = self.delivery == Delivery::Lossy;
        election.joins = self.joins();
        election.replace_voter_after = self.replace_voter_after;
        election.disk_stall_after = self.disk_stall_after;
        election.store = self.genesis.store;
        election.generation = self.genesis.generation;
        election.level = self.level;
        election
    }

    /// What the outbox is told of it.
    pub(super) fn outbox(&self) -> sync::Config {
        let mut outbox = sync::Config::standard(self.genesis.store, self.me, self.seed);
        outbox.generation = self.genesis.generation;
        outbox.level = self.level;
        outbox.flush_interval = self.flush_interval;
        outbox.peak_flush_interval = self.peak_flush_interval;
        let others = self.genesis.voters.len() / 2 + usize::from(self.joins());
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        outbox.majority = NonZeroU32::new(others);
        outbox.max_peers = self.max_peers.saturating_mul(2);
        outbox
    }
}

/// A terminal cannot start. Nothing was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The store on disk belongs to somebody else.
    #[error("the disk belongs to {found}, not to {expected}")]
    OtherIdentity {
        /// Whose it is.
        found: String,
        /// Who was to start.
        expected: String,
    },
    /// A value is out of its bounds.
    #[error("{field} is out of its bounds: {bounds}")]
    Bounds {
        /// The name of the field in [`Config`].
        field: &'static str,
        /// What is allowed.
        bounds: &'static str,
    },
    /// The election cannot start.
    #[error("the election cannot start")]
    Election(#[source] edgepos_consensus::StartError),
    /// Rows of the store contradict each other.
    #[error("rows of the store contradict each other")]
    Rows(#[source] Unreadable),
    /// The outbox cannot start.
    #[error("the outbox cannot start")]
    Outbox(#[source] edgepos_sync::StartError),
}
