//! A terminal of a later version, beside today's: the same engines, and events, decisions, fields and frames that today's do not
//! know.
//!
//! It is put together here from the engines and not from [`edgepos::Terminal`], so that what today's terminal makes of the unknown
//! is compared with something that does not share its mistakes. Of what the formats promise it keeps all: a decision of the kind
//! that carries an event gets the next position of the store's chain, whether or not anybody can read it; decisions of other kinds
//! get none; a second decision about one episode gets none; a resolution that does not count gets one without effects.

mod disk;
mod downgrade;
mod forms;
mod state;
mod voice;
mod waiting;
mod writes;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos::consensus::{self, Attachment, Decision, Election, Leader, Proposal, Timing};
use edgepos::crdt::HybridClock;
use edgepos::model::Kind;
use edgepos::{Commit, Draft, Input, MemoryStore, Notice, Output, Status};
use edgepos_core::{Chain, ConnectionId, EventId, Jitter, Lane, Now, PersistId, ReplicaId, StoreId, Time};
use edgepos_sync::{self as sync, Limits, Outbox};

use crate::check::{Facts, events_on};

use disk::{LaterError, ceiling, ceiling_row, election_rows, outbox};
pub(crate) use downgrade::downgraded;
use forms::{Stamp, encoded, payload, with_field};
use state::State;
use voice::{Saying, Voice};
use waiting::Waiting;
use writes::Writes;

/// Decisions of this kind carry an event of the store's own chain.
const STORE_EVENT: u16 = 1;
/// The feature level that it announces: one more than today's.
const LEVEL: u32 = consensus::MAX_LEVEL + 1;
/// The first byte of a frame.
const ELECTION: u8 = 1;
const SYNC: u8 = 2;
/// So few that others fall behind it and get a snapshot.
const LOG_ENTRIES: u32 = 16;
/// How often it looks for counters below their floor.
const LOOK: Duration = Duration::from_millis(500);

/// What a later terminal starts from, each time.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Which incarnation it is.
    pub me: ReplicaId,
    /// Its place, from 0.
    pub place: usize,
    /// The store that it belongs to.
    pub store: StoreId,
    /// All terminals of the store.
    pub voters: Vec<ReplicaId>,
    /// Spreads its timers.
    pub seed: u64,
    /// The election's profile.
    pub timing: Timing,
    /// Whether frames may be lost.
    pub lossy: bool,
    /// Draws what it says; another one for each start.
    pub voice: Jitter,
}

/// What is promised once it is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Promise {
    /// An event beside receipts.
    Recorded(EventId),
    /// A receipt: what was asked, and the number that it has.
    Sold(EventId, Box<(Draft, Commit)>, u64),
}

/// One terminal of a later version.
pub(crate) struct Later {
    setup: Setup,
    election: Election,
    outbox: Outbox,
    clock: HybridClock,
    state: State,
    writes: Writes<Promise>,
    waiting: Waiting,
    peers: BTreeMap<ReplicaId, ConnectionId>,
    told_leader: (Option<Leader>, bool),
    voice: Voice,
    /// When it says the next thing; `None` once it is silent.
    speaks_at: Option<Time>,
    looks_at: Time,
    out: VecDeque<Output>,
    /// Receipts that it begins to record, and what has become durable.
    asked: Vec<(Draft, Commit)>,
    kept: Vec<Promise>,
}

impl Later {
    /// Starts from a disk.
    ///
    /// # Errors
    /// When a row cannot be read or an engine does not start.
    pub(crate) fn start(now: Now, setup: Setup, disk: &MemoryStore) -> Result<Self, LaterError> {
        let mut config = consensus::Config::standard(setup.me, setup.voters.clone(), setup.seed);
        config.hears_states = true;
        config.timing = setup.timing.clone();
        config.lossy_transport = setup.lossy;
        config.store = setup.store;
        config.max_log_entries = LOG_ENTRIES;
        let election = Election::new(now, config, election_rows(disk)?)?;
        let mut state = State::default();
        for (id, payload) in events_on(disk)? {
            state.add(setup.me, id, &payload);
        }
        let mut voice = Voice::new(setup.place, setup.voice.clone());
        let mut later = Self {
            election,
            outbox: outbox(now, setup.store, setup.me, setup.seed, disk)?,
            clock: HybridClock::new(ceiling(disk)?),
            state,
            writes: Writes::default(),
            waiting: Waiting::on(disk)?,
            peers: BTreeMap::new(),
            told_leader: (None, false),
            speaks_at: Some(now.mono + Duration::from_millis(1_000 + voice.pause_ms())),
            voice,
            looks_at: now.mono + LOOK,
            out: VecDeque::new(),
            asked: Vec::new(),
            kept: Vec::new(),
            setup,
        };
        later.settle(now);
        Ok(later)
    }

    /// The world did something.
    pub(crate) fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Timeout => {
                self.election.handle(now, consensus::Input::Timeout);
                self.outbox.handle(now, sync::Input::Timeout);
            }
            Input::Persisted(id) => self.persisted(now, id),
            Input::Loaded(id, rows) => {
                if let Some(id) = self.writes.loaded(id) {
                    self.outbox.handle(now, sync::Input::Loaded(id, rows));
                }
            }
            Input::PeerUp(peer, connection) => {
                self.peers.insert(peer, connection);
                self.election.handle(now, consensus::Input::PeerUp(peer, connection));
                self.outbox.handle(now, sync::Input::PeerUp(peer, connection));
            }
            Input::PeerLost(peer, connection) if self.peers.get(&peer) == Some(&connection) => {
                self.peers.remove(&peer);
                self.election.handle(now, consensus::Input::PeerLost(peer, connection));
                self.outbox.handle(now, sync::Input::PeerLost(peer, connection));
            }
            Input::Frame(peer, connection, frame) => self.frame(now, peer, connection, &frame),
            Input::Uplink(id, reply) => self.outbox.handle(now, sync::Input::Uplink(id, reply)),
            _ => {}
        }
        self.settle(now);
    }

    /// Says nothing more of its own.
    pub(crate) fn fall_silent(&mut self) {
        self.speaks_at = None;
    }

    /// Hands the leadership over, where this terminal leads.
    pub(crate) fn step_down(&mut self, now: Now) {
        if self.election.step_down(now).is_ok() {
            self.settle(now);
        }
    }

    /// The next duty.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call with [`Input::Timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let engines = [self.election.poll_timeout(), self.outbox.poll_timeout(), self.speaks_at];
        engines.into_iter().flatten().chain([self.looks_at]).min()
    }

    /// Receipts that it has begun to record since the last call, and what has become durable.
    pub(crate) fn take_promises(&mut self) -> (Vec<(Draft, Commit)>, Vec<Promise>) {
        (std::mem::take(&mut self.asked), std::mem::take(&mut self.kept))
    }

    /// What it knows of the store.
    pub(crate) fn facts(&self) -> &Facts {
        self.state.facts()
    }

    /// What a terminal tells of itself.
    pub(crate) fn status(&self) -> Status {
        Status {
            me: self.setup.me,
            author: self.setup.me,
            leader: self.election.leader(),
            entitled: self.election.entitled(),
            health: self.election.health(),
            durable: self.outbox.durable().clone(),
            cloud: self.outbox.cloud().clone(),
            queued: self.outbox.queue_len(),
            connected: self.peers.keys().copied().collect(),
            voters: self.election.voters().to_vec(),
            learners: self.election.learners().to_vec(),
            open_baskets: 0,
            unsigned: Vec::new(),
            unsigned_receipts: 0,
            erasures_known: true,
            level: self.election.level(),
            below_level: self.election.is_below_level(),
            exceptions: self.state.exceptions(),
            open_exceptions: self.state.exceptions().len(),
            quarantined: self.state.facts().unreadable.len() as u64,
            set_aside: 0,
            disk_free: None,
            business_day: None,
            open_shifts: Vec::new(),
            conditions: Vec::new(),
            alerts: Vec::new(),
        }
    }

    fn persisted(&mut self, now: Now, id: PersistId) {
        let Some(group) = self.writes.persisted(id) else { return };
        for id in group.election {
            self.election.handle(now, consensus::Input::Persisted(id));
        }
        for id in group.outbox {
            self.outbox.handle(now, sync::Input::Persisted(id));
        }
        self.kept.extend(group.promises);
    }

    fn frame(&mut self, now: Now, peer: ReplicaId, connection: ConnectionId, frame: &[u8]) {
        if self.peers.get(&peer) != Some(&connection) {
            return;
        }
        match frame.split_first() {
            Some((&ELECTION, body)) => {
                if let Ok(message) = consensus::Message::decode(body) {
                    self.election.handle(now, consensus::Input::Message(message));
                }
            }
            Some((&SYNC, body)) => {
                if let Ok(message) = sync::Message::decode(body, &Limits::DEFAULT) {
                    let state = if let sync::Message::Hello(hello) = &message { hello.log } else { None };
                    self.outbox.handle(now, sync::Input::Message { from: peer, connection, message });
                    if let Some(state) = state.filter(|_| self.outbox.hears(peer, connection)) {
                        self.election.handle(now, consensus::Input::Stated(peer, state));
                    }
                }
            }
            _ => {}
        }
    }

    fn settle(&mut self, now: Now) {
        if self.speaks_at.is_some_and(|at| at <= now.mono) {
            self.speaks_at = Some(now.mono + Duration::from_millis(self.voice.pause_ms()));
            self.speak(now);
        }
        loop {
            let mut quiet = true;
            while let Some(output) = self.election.poll_output() {
                quiet = false;
                self.do_election(now, output);
            }
            while let Some(output) = self.outbox.poll_output() {
                quiet = false;
                self.do_outbox(output);
            }
            self.place(now);
            self.attach();
            quiet &= !self.tell_leader(now);
            quiet &= !self.raise(now);
            quiet &= !self.outbox.state_log(now, self.election.log_state());
            if quiet {
                break;
            }
        }
        if self.writes.is_gathering()
            && let Some(ceiling) = self.clock.ceiling_to_persist(now.wall)
        {
            self.writes.put(ceiling_row(ceiling));
        }
        self.out.extend(self.writes.seal().map(Output::Persist));
    }

    fn do_election(&mut self, now: Now, output: consensus::Output) {
        match output {
            consensus::Output::Persist(persist) => self.writes.of_election(persist),
            consensus::Output::Apply(decision) => self.decided(now, decision),
            // It alone keeps so short a log that others need a snapshot.
            // Others compact their logs when they get its snapshot, and may know more by then than its own disk after a power cut.
            consensus::Output::Install(state) => self.install(now, state.as_deref()),
            consensus::Output::Transmit(message) => {
                if let Some(&connection) = self.peers.get(&message.to()) {
                    self.transmit(message.to(), connection, ELECTION, &message.encode());
                }
            }
            consensus::Output::Notice(notice) => self.out.push_back(Output::Notice(Notice::Election(notice))),
        }
    }

    fn do_outbox(&mut self, output: sync::Output) {
        match output {
            sync::Output::Persist(persist) => self.writes.of_outbox(persist),
            sync::Output::Load(load) => {
                let load = self.writes.load(load);
                self.out.push_back(Output::Load(load));
            }
            // Nobody puts back the disk of a terminal of a later version.
            sync::Output::Reissue { .. } | sync::Output::Healed { .. } => {}
            sync::Output::Accepted(record) => self.state.add(self.setup.me, record.id, &record.payload),
            sync::Output::Transmit { to, connection, mut message } => {
                if let sync::Message::Hello(hello) = &mut message {
                    hello.versions.1 += 1;
                    hello.dictionaries.insert(77);
                    hello.level = LEVEL;
                }
                self.transmit(to, connection, SYNC, &message.encode());
            }
            sync::Output::Uplink(id, request) => self.out.push_back(Output::Uplink(id, request)),
            sync::Output::Notice(notice) => self.out.push_back(Output::Notice(Notice::Sync(notice))),
        }
    }

    /// With a field that today's terminals skip.
    fn transmit(&mut self, to: ReplicaId, connection: ConnectionId, kind: u8, body: &[u8]) {
        let mut frame = vec![kind];
        match with_field(body) {
            Some(more) => frame.extend(more),
            None => frame.extend_from_slice(body),
        }
        self.out.push_back(Output::Transmit { to, connection, frame });
    }

    fn tell_leader(&mut self, now: Now) -> bool {
        let known = (self.election.leader(), self.election.entitled());
        if self.told_leader == known {
            return false;
        }
        self.told_leader = known;
        let leader = known.0.map(|leader| (leader.replica, leader.term));
        self.outbox.handle(now, sync::Input::Leader { leader, entitled: known.1 });
        true
    }

    /// A snapshot took the place of decisions.
    fn install(&mut self, now: Now, state: Option<&[u8]>) {
        let read = state.and_then(waiting::read);
        let (seq, hash) = read.expect("who does not know the places attaches nothing, and sends no snapshot");
        self.waiting.forget().into_iter().for_each(|write| self.writes.put(write));
        // Another history is told by the outbox, which the checkers see.
        drop(self.outbox.adopt_decided(now, store_chain(), seq, hash));
    }

    /// What others get with a snapshot.
    fn attach(&mut self) {
        let (seq, hash) = self.outbox.decided_head(store_chain());
        let state = [seq.0.to_be_bytes().as_slice(), &hash.0, b"and more"].concat();
        let derived = self.waiting.is_empty();
        self.election.attach(if derived { Attachment::State(state) } else { Attachment::Pending });
    }

    /// A decision of the log: its position first, whatever it says.
    fn decided(&mut self, now: Now, decision: Decision) {
        if decision.kind == STORE_EVENT {
            self.waiting.push(decision.index, decision.bytes);
            self.place(now);
        }
    }

    fn place(&mut self, now: Now) {
        let chain = store_chain();
        loop {
            let (held, decided) = (self.outbox.head(chain).0, self.outbox.decided(chain));
            let Some((payload, row)) = self.waiting.next(held, decided) else { break };
            row.into_iter().for_each(|write| self.writes.put(write));
            let Some(payload) = self.state.judge(&payload, decided) else { continue };
            if let Ok(placed) = self.outbox.record_decided(now, chain, payload.clone())
                && placed.new
            {
                self.state.add(self.setup.me, placed.id, &payload);
            }
        }
        self.waiting.keep().into_iter().for_each(|write| self.writes.put(write));
    }

    fn raise(&mut self, now: Now) -> bool {
        if now.mono < self.looks_at || !self.election.entitled() {
            self.looks_at = if now.mono < self.looks_at { self.looks_at } else { now.mono + LOOK };
            return false;
        }
        self.looks_at = now.mono + LOOK;
        let raised = self.state.raise(now.mono);
        for exception in &raised {
            let stamp = self.stamp(now);
            let bytes = payload(stamp, Kind::EXCEPTION_RAISED.0.into(), &[], &encoded(exception));
            self.propose(now, STORE_EVENT, bytes);
        }
        !raised.is_empty()
    }

    fn speak(&mut self, now: Now) {
        let stamp = self.stamp(now);
        let number = self.state.next_number();
        match self.voice.next(stamp, number) {
            Saying::Event { lane, payload } => {
                if let Some(id) = self.record(now, lane, payload) {
                    self.writes.promise(Promise::Recorded(id));
                }
            }
            Saying::Sale { sold, payload } => {
                if let Some(id) = self.record(now, Lane::Transactions, payload) {
                    self.asked.push((*sold).clone());
                    self.writes.promise(Promise::Sold(id, sold, number));
                }
            }
            Saying::Proposal { kind, bytes } => self.propose(now, kind, bytes),
            Saying::Frame(frame) => {
                for (&to, &connection) in &self.peers {
                    self.out.push_back(Output::Transmit { to, connection, frame: frame.clone() });
                }
            }
        }
    }

    fn stamp(&mut self, now: Now) -> Stamp {
        Stamp { wall: now.wall, hlc: self.clock.now(now.wall), terminal: self.setup.me.terminal() }
    }

    /// Records an event of its own; `None` when the disk does not keep up.
    fn record(&mut self, now: Now, lane: Lane, payload: Vec<u8>) -> Option<EventId> {
        let id = self.outbox.record(now, lane, payload.clone()).ok()?;
        self.state.add(self.setup.me, id, &payload);
        Some(id)
    }

    /// What does not fit among the proposals that wait is not proposed.
    fn propose(&mut self, now: Now, kind: u16, bytes: Vec<u8>) {
        let _ = self.election.propose(now, Proposal { kind, subject: Vec::new(), base: None, bytes });
    }
}

/// The store's own chain.
fn store_chain() -> Chain {
    Chain::new(ReplicaId::store(Default::default()), Lane::Transactions)
}
