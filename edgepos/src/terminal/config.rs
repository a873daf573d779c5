//! Who a terminal is, and its limits.

use std::num::NonZeroU32;
use std::time::Duration;

use edgepos_consensus::{self as consensus, Timing};
use edgepos_core::{ReplicaId, StoreGeneration, StoreId};
use edgepos_sync as sync;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ports::Delivery;
use crate::recovery::kit::RecoveryAnchor;
use crate::retail::exception::policy::Policy;
use crate::retail::label::Labels;
use crate::retail::series_name;
use crate::retail::unreadable::Unreadable;
use crate::zone::Zone;

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

/// Whose a business day is. The same on all terminals of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BusinessDayOf {
    /// Each terminal opens and closes its own.
    #[default]
    Terminal,
    /// One day for all: whoever opens or closes it does so for every terminal that hears of it. Each may count its own drawers besides.
    Store,
}

/// When a receipt gets its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberAt {
    /// When its basket is begun, so that the till knows it before the customer pays. One that is given up, or parked, is voided.
    #[default]
    Begin,
    /// When the sale is booked, in one transaction with it: a basket that is not booked burns none. Until then it has number 0.
    Commit,
}

/// What becomes of events that are older than [`Config::archive_after`] and in the cloud, and of their rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OldEvents {
    /// They stay as they are.
    Keep,
    /// What they are found by is put closer together, as they are themselves: keys, baskets, the figures of days.
    #[default]
    Archive,
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
    /// The same while this terminal is busy (more than 400 of its events in a minute, until no more than 200): fewer and larger batches,
    /// which compress better. Default 30 s; at least `flush_interval`, at most 1 h.
    pub peak_flush_interval: Duration,
    /// Whether connected terminals are told of each sale and keyed record as soon as it is on this disk, in some 100 bytes each, ahead of
    /// the batch. Default true: a till that asks another terminal again within the flush interval is told that the basket is booked, and
    /// not sold it again.
    pub announce_sales: bool,
    /// How long a counter must be below its floor, as the leader sees it, before an exception is raised. Default 5 s. Shorter
    /// raises false alarms when a sale overtakes the goods receipt that it sold from; longer delays the manager's notice.
    pub exception_grace: Duration,
    /// Which exceptions the store's resolver proposes for, and which it resolves by itself. Default: it proposes for each.
    pub policy: Policy,
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
    /// `false` for a terminal that never leads: it votes, sells and confirms decisions. Default `true`. Set it where a terminal is switched
    /// off without notice, or hangs behind a slow line.
    pub campaigns: bool,
    /// This terminal is busy when more than this many of its own events became durable within a minute, until no more than half as many
    /// did. Default 400, at least 2.
    pub busy_above: u32,
    /// After this long a request to the cloud counts as failed, whatever becomes of it. Default 30 s, 1 s to 5 min.
    pub uplink_timeout: Duration,
    /// The longest wait between two requests to a cloud that fails; the first is up to 1 s. Default 60 s, 1 s to 1 h. Shorter finds a
    /// cloud sooner that is back, longer spares one that struggles.
    pub uplink_retry: Duration,
    /// How long no leader must have been known before this terminal uploads for itself. Default 30 s, 1 s to 1 h. Shorter uploads with the
    /// store's leader at the same time, where one is about to be found; longer leaves events here alone.
    pub leaderless_upload_after: Duration,
    /// Events taken in and not yet on disk above which this terminal asks the others to pause between batches, and from twice as many on
    /// for the longest pause. What waits for the cloud alone pauses nobody. Default 5,000, at least 1.
    pub pause_above: u32,
    /// Largest event that is recorded here, in bytes. Default 64 KiB, 10 KiB to 64 KiB: others need not take a larger one. A basket is
    /// refused that would be a larger event once it is paid, with the most payments.
    pub max_event_bytes: u32,
    /// Fewer free bytes than this on the disk are told as [`DiskLow`](crate::ConditionKind::DiskLow), until there are a quarter more.
    /// Default 512 MiB; 0: never. Where the store cannot tell how much is free, nothing is told.
    pub disk_low_below: u64,
    /// Events that are older, and that the cloud holds, are put closer together on the disk, where the store does that
    /// ([`Store::seal`](crate::Store::seal)). Default 7 days; zero: never. Shorter saves room sooner; longer keeps events where `sqlite3`
    /// shows their columns.
    pub seal_after: Duration,
    /// Events that are older, and sealed, are archived where [`old_events`](Self::old_events) says so. Default 30 days, and no less than
    /// [`seal_after`](Self::seal_after), whose zero means never here as well.
    pub archive_after: Duration,
    /// What becomes of them then. Default [`OldEvents::Archive`]. While the disk is [low](Self::disk_low_below) what the cloud holds does
    /// not wait to be old.
    pub old_events: OldEvents,
    /// The place in the store that this terminal sells from. Default 0.
    pub location: u32,
    /// Where the shop stands: each event says how far its clocks were ahead of UTC then. Default UTC.
    pub zone: Zone,
    /// Whose the business day is. Default the terminal's.
    pub business_day_of: BusinessDayOf,
    /// When a receipt gets its number. Default when its basket is begun. To be changed at any time: an open basket keeps the number that it
    /// has.
    pub number_at: NumberAt,
    /// The series, as the till names them, whose receipts a fiscal device signs; at most 16. Default none. Their receipts have their
    /// numbers from `begin` on. A [`Signatory`](crate::Signatory) asks the device.
    pub signed_series: Vec<String>,
    /// How long a commit waits for the signature of its receipt, 100 ms to 60 s. Default 10 s. The sale is booked without it then, and is
    /// signed later.
    pub sign_within: Duration,
    /// Which numbers have a price, a weight or a count in them. Default none: each is a product of its own. A line that names one is the
    /// item's, and a quantity or an amount of 0 in it is left to the label. The same on all terminals of a store.
    pub labels: Labels,
    /// Whether goods come back without their receipt. Default true. A return that names its receipt is held to it either way, as far
    /// as this terminal holds the receipt.
    pub unreferenced_returns: bool,
    /// Whether goods come back on a receipt that this terminal does not hold: one of a till that is cut off, of another store, or an invented
    /// one. Default true: what such a return says is the customer's word, and more than was sold, or a receipt that nobody has, is an
    /// exception afterwards; what was paid for it is not.
    pub unknown_receipts: bool,
    /// Whether payments that do not come to the total are booked, with the difference as an exception. Default false: the commit is
    /// refused with both figures, and the one with the right payments books. An amount that no shop takes is refused either way.
    pub book_differences: bool,
    /// How long after its reply a basket that was begun may still be lost to a power cut, less than 10 s. Default 50 ms: the sale that is
    /// committed within it needs one flush of the disk, and nobody pays faster. Zero makes each basket durable before its reply, with a
    /// flush of its own. The end of the process loses no basket either way.
    pub begin_pause: Duration,
    /// Baskets that are open and in memory, 1 to 100,000. Default 1,000. Where one more begins, the one that has not changed for longest
    /// leaves memory, and is read again when it is asked for: what is forgotten stops no till. Fewer cost such reads.
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
            announce_sales: true,
            exception_grace: Duration::from_secs(5),
            policy: Policy::default(),
            level: consensus::MAX_LEVEL,
            level_after: Duration::from_secs(7 * 24 * 3600),
            replace_voter_after: Duration::from_secs(600),
            disk_stall_after: Duration::from_secs(2),
            campaigns: true,
            busy_above: 400,
            uplink_timeout: Duration::from_secs(30),
            uplink_retry: Duration::from_secs(60),
            leaderless_upload_after: Duration::from_secs(30),
            pause_above: 5_000,
            max_event_bytes: 64 << 10,
            disk_low_below: 512 << 20,
            seal_after: Duration::from_secs(7 * 24 * 3600),
            archive_after: Duration::from_secs(30 * 24 * 3600),
            old_events: OldEvents::default(),
            location: 0,
            zone: Zone::UTC,
            business_day_of: BusinessDayOf::Terminal,
            number_at: NumberAt::Begin,
            signed_series: Vec::new(),
            sign_within: Duration::from_secs(10),
            labels: Labels::default(),
            unreferenced_returns: true,
            unknown_receipts: true,
            book_differences: false,
            begin_pause: Duration::from_millis(50),
            max_open_baskets: 1_000,
            max_commits: 1_024,
            max_rows_behind: 2_000,
            max_peers: 32,
        }
    }

    /// Refuses what would be refused at a start, by the terminal or by one of its engines.
    pub(crate) fn check_all(&self) -> Result<(), ConfigError> {
        self.check()?;
        let election = self.election().validate();
        election.map_err(|error| ConfigError::Election(consensus::StartError::Config(error)))?;
        let outbox = self.outbox().validate();
        outbox.map_err(|error| ConfigError::Outbox(sync::StartError::Config(error)))
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
        bounds(self.begin_pause.as_secs() < 10, "begin_pause", "less than 10 s")?;
        let within = self.sign_within.as_millis();
        bounds((100..=60_000).contains(&within), "sign_within", "100 ms to 60 s")?;
        bounds(self.signed_series.len() <= 16, "signed_series", "at most 16")?;
        let are_series = self.signed_series.iter().all(|series| series_name::check(series).is_ok());
        let said = "each has 1 to 16 characters, no control characters, and is no card number";
        bounds(are_series, "signed_series", said)?;
        self.labels.check().or_else(|(field, said)| bounds(false, field, said))?;
        bounds((1..=100_000).contains(&self.max_open_baskets), "max_open_baskets", "1 to 100,000")?;
        bounds((1..=100_000).contains(&self.max_commits), "max_commits", "1 to 100,000")?;
        bounds((1..=100_000).contains(&self.max_rows_behind), "max_rows_behind", "1 to 100,000")?;
        bounds((1..=1_000).contains(&self.max_peers), "max_peers", "1 to 1,000")?;
        bounds(self.busy_above >= 2, "busy_above", "at least 2")?;
        let seconds = |duration: Duration, most| (1..=most).contains(&duration.as_secs());
        bounds(seconds(self.uplink_timeout, 300), "uplink_timeout", "1 s to 5 min")?;
        bounds(seconds(self.uplink_retry, 3_600), "uplink_retry", "1 s to 1 h")?;
        bounds(seconds(self.leaderless_upload_after, 3_600), "leaderless_upload_after", "1 s to 1 h")?;
        bounds((1..=u32::MAX / 2).contains(&self.pause_above), "pause_above", "at least 1")?;
        bounds((10 << 10..=64 << 10).contains(&self.max_event_bytes), "max_event_bytes", "10 KiB to 64 KiB")?;
        bounds(self.me.is_terminal(), "me", "a terminal's number from 1 to 65,534")
    }

    /// The drawer that cash goes into where nobody names another.
    pub(crate) fn own_drawer(&self) -> String {
        format!("terminal-{}", self.me.terminal())
    }

    /// Whether it joins a store that was there before it.
    pub(crate) fn joins(&self) -> bool {
        !self.genesis.voters.contains(&self.me)
    }

    /// What the election is told of it.
    pub(super) fn election(&self) -> consensus::Config {
        let standard = consensus::Config::standard(self.me, self.genesis.voters.clone(), self.seed);
        // Every field by its name: what the election can be told next, somebody decides here whether a vendor can say it.
        consensus::Config {
            me: self.me,
            voters: standard.voters,
            joins: self.joins(),
            campaigns: self.campaigns,
            replace_voter_after: self.replace_voter_after,
            successor_after: standard.successor_after,
            disk_stall_after: self.disk_stall_after,
            store: self.genesis.store,
            generation: self.genesis.generation,
            level: self.level,
            hears_states: true,
            timing: self.timing.clone(),
            lossy_transport: self.delivery == Delivery::Lossy,
            seed: self.seed,
            // Limits of the store's log: what goes through it is the terminal's own, and small.
            max_entry_bytes: standard.max_entry_bytes,
            max_pending_proposals: standard.max_pending_proposals,
            max_uncommitted_bytes: standard.max_uncommitted_bytes,
            max_log_entries: standard.max_log_entries,
        }
    }

    /// What the outbox is told of it.
    pub(super) fn outbox(&self) -> sync::Config {
        let standard = sync::Config::standard(self.genesis.store, self.me, self.seed);
        let others = self.genesis.voters.len() / 2 + usize::from(self.joins());
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        // Every field by its name, as above.
        sync::Config {
            store: self.genesis.store,
            generation: self.genesis.generation,
            me: self.me,
            seed: self.seed,
            flush_interval: self.flush_interval,
            peak_flush_interval: self.peak_flush_interval,
            upload_interval: standard.upload_interval,
            peak_above: self.busy_above,
            peak_below: self.busy_above / 2,
            max_event_bytes: self.max_event_bytes,
            uplink_initial: standard.uplink_initial,
            uplink_max: self.uplink_retry,
            uplink_timeout: self.uplink_timeout,
            leaderless_lease_after: self.leaderless_upload_after,
            high_water_events: self.pause_above,
            critical_events: self.pause_above * 2,
            level: self.level,
            majority: NonZeroU32::new(others),
            max_peers: self.max_peers.saturating_mul(2),
            // How batches are cut and repeated, and how long a claim may stand: right for every store, as measured.
            batch_bytes: standard.batch_bytes,
            batch_events: standard.batch_events,
            lane_floor_bytes: standard.lane_floor_bytes,
            slice_events: standard.slice_events,
            max_pending_writes: standard.max_pending_writes,
            resend_initial: standard.resend_initial,
            resend_max: standard.resend_max,
            high_water_bytes: standard.high_water_bytes,
            critical_bytes: standard.critical_bytes,
            pause_max: standard.pause_max,
            claim_grace: standard.claim_grace,
            // Slow on purpose: what nobody asks for is read once in a while.
            scrub_interval: standard.scrub_interval,
            head_interval: standard.head_interval,
            dispute_interval: standard.dispute_interval,
            unconfirmed_wait: standard.unconfirmed_wait,
            limits: standard.limits,
        }
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
