//! The engine: records events, exchanges them with peers, and uploads them when that is its office.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{Chain, EventId, Jitter, Lane, Now, ReplicaId, Seq, Term, Time};
use edgepos_crdt::VersionVector;

use crate::backoff;
use crate::cloud::uploader::Uploader;
use crate::io::{UplinkError, UplinkId, Witness};
use crate::log::Log;
use crate::log::record::{Decided, RecordError};
use crate::log::restored::Restored;
use crate::log::writes::Settled;
use crate::outputs::Outputs;
use crate::pace::Pace;
use crate::peer::Peer;
use crate::turn::Turn;
use crate::wire::reply::CloudReply;
use crate::{Config, ConfigError, Input, Output};

/// The event log of one terminal: durable first, then at every peer, then in the cloud. See the crate's documentation for how to
/// run it.
pub struct Outbox {
    pub(crate) config: Config,
    pub(crate) log: Log,
    /// Ordered: the simulator compares two runs byte by byte.
    pub(crate) peers: BTreeMap<ReplicaId, Peer>,
    pub(crate) uploader: Uploader,
    pub(crate) leader: Option<(ReplicaId, Term)>,
    pub(crate) jitter: Jitter,
    flush_at: Option<Time>,
    /// When a peer is asked what the cloud holds.
    ask_at: Option<Time>,
    pace: Pace,
    /// Payload bytes that became durable since the last flush.
    fresh_bytes: u64,
    pub(crate) out: Outputs,
}

impl Outbox {
    /// From the rows of an earlier run. Until [`Input::Leader`] says otherwise there is no leader.
    ///
    /// # Errors
    /// [`StartError`] when the settings contradict each other or the rows exceed the limits.
    pub fn new(now: Now, config: Config, restored: Restored) -> Result<Self, StartError> {
        config.validate()?;
        let (chains, limit) = (restored.chains(), config.limits.max_chains);
        if chains > limit as usize {
            return Err(StartError::TooManyChains { chains, limit });
        }
        let jitter = Jitter::derive(config.seed, &[config.me.0]);
        Ok(Self {
            log: Log::new(config.me, restored),
            uploader: Uploader::new(now.mono, &config),
            config,
            peers: BTreeMap::new(),
            leader: None,
            jitter,
            flush_at: None,
            ask_at: None,
            pace: Pace::default(),
            fresh_bytes: 0,
            out: Outputs::default(),
        })
    }

    /// The world did something. Never fails; drain [`poll_output`](Self::poll_output) afterwards.
    pub fn handle(&mut self, now: Now, input: Input) {
        let time = now.mono;
        match input {
            Input::Message { from, connection, message } => self.on_message(time, from, connection, message),
            Input::Timeout => self.on_timeout(time),
            Input::Persisted(id) => {
                let settled = self.log.persisted(id);
                self.on_settled(time, &settled);
            }
            Input::Loaded(id, rows) => {
                let (uploader, mut turn) = self.uploading(time);
                if !uploader.loaded(&mut turn, id, &rows) {
                    // Rows for a conversation that has ended are of no use.
                    self.on_loaded_for_peer(time, id, &rows);
                }
            }
            Input::PeerUp(peer, connection) => self.on_peer_up(time, peer, connection),
            Input::PeerLost(peer, connection) => self.on_peer_lost(peer, connection),
            Input::Leader { leader, entitled } => self.on_leader(time, leader, entitled),
            Input::Uplink(id, reply) => self.on_uplink(time, id, reply),
        }
        self.pump(time);
    }

    /// Records an event of this terminal: the next of its chain in `lane`. It is durable, and may be shown as such, once the
    /// write that this asks for is; nobody is sent it before.
    ///
    /// Never waits for a network, a peer or a leader.
    ///
    /// # Errors
    /// [`RecordError::TooLarge`], [`RecordError::Busy`] when the disk does not keep up. Nothing is recorded then.
    pub fn record(&mut self, now: Now, lane: Lane, payload: Vec<u8>) -> Result<EventId, RecordError> {
        let id = self.log.record(lane, payload, &self.config, &mut self.out)?;
        self.pump(now.mono);
        Ok(id)
    }

    /// Records what the whole store has decided: the next event that this terminal derives from the store-wide log for a chain of
    /// the store itself. Every terminal derives the same, so a peer may have brought the event before the log did; then it was
    /// an [`Output::Accepted`] already, its effects must not be applied again, and [`Decided::new`] says so.
    ///
    /// The position in the chain is remembered durably with the same write, so that a decision is recorded once if the log's
    /// applied index goes to disk together with it.
    ///
    /// # Errors
    /// [`RecordError::TooLarge`]; [`RecordError::NotTheStore`] for a terminal's chain; [`RecordError::Fork`] when a peer's
    /// history of the chain is not what the log derives to. The chain is not sent any more then.
    pub fn record_decided(
        &mut self,
        now: Now,
        chain: Chain,
        payload: Vec<u8>,
    ) -> Result<Decided, RecordError> {
        let decided = self.log.record_decided(chain, payload, &self.config, &mut self.out)?;
        self.pump(now.mono);
        Ok(decided)
    }

    /// How far the store-wide log has derived a chain of the store itself: what
    /// [`record_decided`](Self::record_decided) last returned, also across a restart. Peers may have brought more of it.
    pub fn decided(&self, chain: Chain) -> Seq {
        self.log.decided(chain)
    }

    /// Sends what waits, without waiting for company: before the store closes, or when somebody looks.
    pub fn flush(&mut self, now: Now) {
        self.set_goals();
        self.pump(now.mono);
    }

    /// The next duty. Call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.poll()
    }

    /// When to tell [`Input::Timeout`], if nothing else happens before; `None`: nothing is pending.
    pub fn poll_timeout(&self) -> Option<Time> {
        let peers = self.peers.values().filter_map(Peer::poll_timeout);
        peers.chain(self.flush_at).chain(self.ask_at).chain(self.uploader.poll_timeout(&self.config)).min()
    }

    /// What is recorded or accepted here, durable or not yet.
    pub fn vector(&self) -> &VersionVector {
        self.log.accepted()
    }

    /// What would survive a power cut here.
    pub fn durable(&self) -> &VersionVector {
        self.log.durable()
    }

    /// What the cloud is known to hold. Never goes back.
    pub fn cloud(&self) -> &VersionVector {
        self.log.cloud()
    }

    /// What the peer is known to hold durably, connected or not; `None` for one that was never connected since the start.
    pub fn peer_vector(&self, peer: ReplicaId) -> Option<&VersionVector> {
        self.peers.get(&peer).map(|peer| peer.receiver.held())
    }

    /// Up to where events may be pruned, for each chain: durable here, in the cloud, and at each of `members`, which are the
    /// replicas that belong to the store and are not retired. A member that was not heard since the start holds everything back.
    ///
    /// Per chain and never one number: a scalar minimum deletes what a cut-off terminal has never sent, or keeps everything
    /// because of one that is gone.
    pub fn floor(&self, members: &[ReplicaId]) -> VersionVector {
        let nothing = VersionVector::new();
        let others = members.iter().filter(|member| **member != self.config.me);
        others.fold(self.durable().meet(self.cloud()), |floor, member| {
            floor.meet(self.peer_vector(*member).unwrap_or(&nothing))
        })
    }

    /// Events held here, of whatever chain, that the cloud is not known to hold.
    pub fn queue_len(&self) -> u64 {
        self.log.above_cloud()
    }

    /// Whether the store is so busy that batches go every [`Config::peak_flush_interval`].
    pub fn is_peak(&self) -> bool {
        self.pace.is_peak()
    }

    /// Messages dropped since the start: of a dead or unknown connection, before the greeting, of an unknown kind, beyond a
    /// limit.
    pub fn ignored(&self) -> u64 {
        self.out.ignored()
    }

    fn on_settled(&mut self, now: Time, settled: &Settled) {
        self.fresh_bytes = self.fresh_bytes.saturating_add(settled.bytes);
        self.pace.note(now, settled.events, &self.config);
        if settled.foreign && self.hub().is_none() {
            self.announce();
        }
        if self.fresh_bytes >= u64::from(self.config.batch_bytes) {
            self.set_goals();
        } else if settled.events > 0 && self.flush_at.is_none() {
            self.flush_at = Some(now + self.pace.interval(&self.config));
        }
    }

    fn on_timeout(&mut self, now: Time) {
        if self.flush_at.is_some_and(|at| at <= now) {
            self.set_goals();
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            self.ask_at = None;
            self.ask_about_cloud();
        }
        self.wake_peers(now);
        let (uploader, mut turn) = self.uploading(now);
        uploader.wake(&mut turn);
    }

    fn on_leader(&mut self, now: Time, leader: Option<(ReplicaId, Term)>, entitled: bool) {
        let (uploader, turn) = self.uploading(now);
        uploader.elected(&turn, leader, entitled);
        if self.leader != leader {
            self.leader = leader;
            // Who has to be told what is different, so whatever waits goes at once.
            self.set_goals();
        }
    }

    fn on_uplink(&mut self, now: Time, id: UplinkId, reply: Result<CloudReply, UplinkError>) {
        if !self.uploader.has_asked(id) {
            self.out.ignore();
            return;
        }
        // What the cloud holds it holds, whoever asked and however late the answer is.
        if let Some(vector) = reply.as_ref().ok().and_then(CloudReply::vector) {
            self.adopt_cloud(vector, Witness::Cloud);
        }
        let (uploader, mut turn) = self.uploading(now);
        uploader.answered(&mut turn, id, reply);
    }

    /// The uploader, and what it is lent.
    fn uploading(&mut self, now: Time) -> (&mut Uploader, Turn<'_>) {
        let Self { config, log, jitter, out, uploader, .. } = self;
        (uploader, Turn { now, config, log, jitter, out })
    }

    /// Everything that is durable shall be sent, without waiting for more.
    fn set_goals(&mut self) {
        self.flush_at = None;
        self.fresh_bytes = 0;
        for peer in self.peers.values_mut() {
            peer.receiver.aim(self.log.durable());
        }
        self.uploader.aim(self.log.durable());
    }

    /// Starts whatever can be started.
    fn pump(&mut self, now: Time) {
        self.settle_acks();
        self.tell_relay();
        self.pump_peers(now);
        let (uploader, mut turn) = self.uploading(now);
        uploader.pump(&mut turn);
        self.watch_cloud(now);
    }

    /// The message that told what the cloud holds may be lost, and the next may be a day away: who waits for it asks.
    fn watch_cloud(&mut self, now: Time) {
        if self.uploader.hears_cloud() || !self.has_peers() || self.queue_len() == 0 {
            self.ask_at = None;
        } else if self.ask_at.is_none() {
            self.ask_at = Some(now + self.jitter.spread(self.config.resend_max));
        }
    }

    pub(crate) fn backoff(&mut self, now: Time, failures: u32) -> Duration {
        backoff::equal_jitter(&mut self.uploading(now).1, failures)
    }
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
        /// How many there are.
        chains: usize,
        /// [`Limits::max_chains`](crate::Limits::max_chains).
        limit: u32,
    },
}
