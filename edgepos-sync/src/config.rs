//! Everything that can be set, with its default and its bounds.

use std::num::NonZeroU32;
use std::time::Duration;

use edgepos_core::{ReplicaId, StoreGeneration, StoreId};

use crate::limits::Limits;

/// Settings of an [`Outbox`](crate::Outbox). Start from [`Config::standard`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Which store this terminal belongs to. Peers of another store are not talked to.
    pub store: StoreId,
    /// The store's generation, for the cloud. Default 0.
    pub generation: StoreGeneration,
    /// This incarnation of this terminal: the replica of the chains that it records.
    pub me: ReplicaId,
    /// Seeds every jittered wait. Different on each terminal, or they retry in step.
    pub seed: u64,
    /// How long events are batched before they are sent. Default 5 s.
    pub flush_interval: Duration,
    /// The same at peak: fewer and larger batches, which compress better. Default 30 s; at least `flush_interval`.
    pub peak_flush_interval: Duration,
    /// What peers have batched already waits this long for more before it goes up to the cloud. Default 500 ms, and never
    /// longer than its own batch would wait. Longer makes fewer and larger uploads, and each sale of another terminal later there.
    pub upload_interval: Duration,
    /// Peak begins when more than this many events of this terminal became durable within a minute. Default 400.
    pub peak_above: u32,
    /// Peak ends when no more than this many did. Default 200; below `peak_above`, so that it does not flap.
    pub peak_below: u32,
    /// Payload bytes of one batch. As soon as this much waits, it is sent. Default 256 KiB; at least four times
    /// [`max_event_bytes`](Self::max_event_bytes), so that each lane has room for one event. A received event that is larger than
    /// this travels in a batch of its own size.
    pub batch_bytes: u32,
    /// Events of one batch. Default 4,096; at most [`Limits::max_events`].
    pub batch_events: u32,
    /// What each lane may use of a batch before a more urgent lane takes it all: no lane starves. Default 16 KiB.
    pub lane_floor_bytes: u32,
    /// Payload bytes of one event that is recorded here. Default 64 KiB; at most [`Limits::max_event_bytes`].
    pub max_event_bytes: u32,
    /// Events of a peer's batch that are taken in at once: what is recorded here meanwhile waits for so many, and for as many on their
    /// way to the disk. Default 64, at least 1. More needs fewer flushes to catch up, less holds up a sale for less.
    pub slice_events: u32,
    /// Writes that may wait for the disk. Above it `record` answers [`RecordError::Busy`](crate::RecordError::Busy) and batches
    /// of peers are left for a resend. Default 4,096.
    pub max_pending_writes: u32,
    /// How long the first acknowledgement of a batch may take before the batch is sent again; doubles each time, jittered.
    /// Default 1 s.
    pub resend_initial: Duration,
    /// The longest such wait. Default 30 s.
    pub resend_max: Duration,
    /// The wait after the first failed cloud request is drawn between 0 and this; the bound doubles each time. Default 1 s.
    pub uplink_initial: Duration,
    /// The highest such bound. Default 60 s.
    pub uplink_max: Duration,
    /// After this long a cloud request counts as failed, whatever becomes of it. Default 30 s.
    pub uplink_timeout: Duration,
    /// How long no leader must have been known before this terminal asks for the upload lease itself. Default 30 s.
    pub leaderless_lease_after: Duration,
    /// Events accepted here and not yet durable above which peers are asked to pause between batches. What waits for the cloud alone does
    /// not count. Default 5,000.
    pub high_water_events: u32,
    /// Events from which on it asks for the longest pause. Default 10,000; above `high_water_events`.
    pub critical_events: u32,
    /// As `high_water_events`, in payload bytes. Default 16 MiB.
    pub high_water_bytes: u32,
    /// As `critical_events`, in payload bytes. Default 32 MiB; above `high_water_bytes`.
    pub critical_bytes: u32,
    /// The longest pause. Default 1 s.
    pub pause_max: Duration,
    /// How long somebody may claim that the cloud holds more than this terminal before that is told as a mistake. Default 3 s: what
    /// would prove it is usually under way.
    pub claim_grace: Duration,
    /// How often an idle uploader asks what the cloud holds. Default 60 s.
    pub head_interval: Duration,
    /// The same while the cloud claims what is not so; doubles with each such answer up to a third of `head_interval`. Default 5 s.
    pub dispute_interval: Duration,
    /// The highest feature level of the store's decisions that this terminal knows, which its greetings announce. Default 0: announced
    /// is nothing.
    pub level: u32,
    /// How long after a start a peer's word alone frees sending own events to that peer, where neither the cloud nor the leader has
    /// stated how far they go. Default 30 s.
    pub unconfirmed_wait: Duration,
    /// How many others are a majority of the store together with this terminal: when so many have stated how far own events go, these are
    /// sent. Default: never by that alone.
    pub majority: Option<NonZeroU32>,
    /// How often a piece of what is stored, 64 KiB, is read and compared with its hashes, at the earliest: 1 GB in 22 hours where
    /// the outbox is told something as often. Default 5 s.
    pub scrub_interval: Duration,
    /// Peers that are remembered, connected or not. Default 64.
    pub max_peers: u32,
    /// What messages may cost.
    pub limits: Limits,
}

impl Config {
    /// The default of every setting, for this terminal of this store.
    pub fn standard(store: StoreId, me: ReplicaId, seed: u64) -> Self {
        Self {
            store,
            generation: StoreGeneration(0),
            me,
            seed,
            flush_interval: Duration::from_secs(5),
            peak_flush_interval: Duration::from_secs(30),
            upload_interval: Duration::from_millis(500),
            peak_above: 400,
            peak_below: 200,
            batch_bytes: 256 << 10,
            batch_events: 4_096,
            lane_floor_bytes: 16 << 10,
            max_event_bytes: 64 << 10,
            slice_events: 64,
            max_pending_writes: 4_096,
            resend_initial: Duration::from_secs(1),
            resend_max: Duration::from_secs(30),
            uplink_initial: Duration::from_secs(1),
            uplink_max: Duration::from_secs(60),
            uplink_timeout: Duration::from_secs(30),
            leaderless_lease_after: Duration::from_secs(30),
            high_water_events: 5_000,
            critical_events: 10_000,
            high_water_bytes: 16 << 20,
            critical_bytes: 32 << 20,
            pause_max: Duration::from_secs(1),
            claim_grace: Duration::from_secs(3),
            head_interval: Duration::from_secs(60),
            dispute_interval: Duration::from_secs(5),
            level: 0,
            unconfirmed_wait: Duration::from_secs(30),
            majority: None,
            scrub_interval: Duration::from_secs(5),
            max_peers: 64,
            limits: Limits::DEFAULT,
        }
    }

    /// Checks the bounds of each setting.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let above = |field, value: u32, other, limit: u32| {
            if value > limit { Err(ConfigError::Above { field, value, other, limit }) } else { Ok(()) }
        };
        let zero = |field, value: u32| if value == 0 { Err(ConfigError::Zero { field }) } else { Ok(()) };
        zero("max_event_bytes", self.max_event_bytes)?;
        zero("batch_events", self.batch_events)?;
        zero("slice_events", self.slice_events)?;
        zero("max_pending_writes", self.max_pending_writes)?;
        zero("max_peers", self.max_peers)?;
        zero("flush_interval", u32::from(!self.flush_interval.is_zero()))?;
        zero("resend_initial", u32::from(!self.resend_initial.is_zero()))?;
        zero("uplink_initial", u32::from(!self.uplink_initial.is_zero()))?;
        zero("uplink_timeout", u32::from(!self.uplink_timeout.is_zero()))?;
        zero("scrub_interval", u32::from(!self.scrub_interval.is_zero()))?;
        zero("dispute_interval", u32::from(!self.dispute_interval.is_zero()))?;
        above("max_event_bytes", self.max_event_bytes, "batch_bytes / 4", self.batch_bytes / 4)?;
        above("max_event_bytes", self.max_event_bytes, "limits.max_event_bytes", limits.max_event_bytes)?;
        above("lane_floor_bytes", self.lane_floor_bytes, "batch_bytes / 4", self.batch_bytes / 4)?;
        above("batch_bytes", self.batch_bytes, "limits.max_body_bytes / 2", limits.max_body_bytes / 2)?;
        above(
            "limits.max_event_bytes",
            limits.max_event_bytes,
            "limits.max_body_bytes / 4",
            limits.max_body_bytes / 4,
        )?;
        above("batch_events", self.batch_events, "limits.max_events", limits.max_events)?;
        above(
            "limits.max_body_bytes",
            limits.max_body_bytes,
            "limits.max_message_bytes",
            limits.max_message_bytes,
        )?;
        let ordered = |low, high, holds: bool| {
            if holds { Ok(()) } else { Err(ConfigError::Order { low, high }) }
        };
        ordered("resend_initial", "resend_max", self.resend_initial <= self.resend_max)?;
        ordered("uplink_initial", "uplink_max", self.uplink_initial <= self.uplink_max)?;
        ordered("dispute_interval", "head_interval", self.dispute_interval <= self.head_interval)?;
        ordered("flush_interval", "peak_flush_interval", self.flush_interval <= self.peak_flush_interval)?;
        ordered("peak_below", "peak_above", self.peak_below < self.peak_above)?;
        ordered("high_water_events", "critical_events", self.high_water_events < self.critical_events)?;
        ordered("high_water_bytes", "critical_bytes", self.high_water_bytes < self.critical_bytes)?;
        if !self.me.is_terminal() {
            return Err(ConfigError::NoTerminal);
        }
        Ok(())
    }
}

/// Which setting contradicts which.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting that may not be zero.
    #[error("{field} is zero")]
    Zero {
        /// The setting that is zero.
        field: &'static str,
    },
    /// A setting above what another allows.
    #[error("{field} is {value}, above {other}, which is {limit}")]
    Above {
        /// The setting that is too high.
        field: &'static str,
        /// The value that it has.
        value: u32,
        /// What it is compared with.
        other: &'static str,
        /// The value that the other one has.
        limit: u32,
    },
    /// Two settings in the wrong order.
    #[error("{low} is not below {high}")]
    Order {
        /// The one that must be lower.
        low: &'static str,
        /// The one that must be higher.
        high: &'static str,
    },
    /// `me` is no terminal: number 0 is the store itself, and the highest one the cloud's.
    #[error("me is no terminal")]
    NoTerminal,
}

/// Why an outbox does not start.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings contradict each other.
    #[error("configuration is contradictory")]
    Config(#[from] ConfigError),
    /// More rows than the limits allow.
    #[error("store has {chains} chains, more than {limit}")]
    TooManyChains {
        /// How many chains there are.
        chains: usize,
        /// How many may be: [`Limits::max_chains`](crate::Limits::max_chains).
        limit: u32,
    },
}
