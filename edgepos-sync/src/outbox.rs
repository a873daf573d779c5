//! The engine: records events, exchanges them with peers, and uploads them while it holds the upload lease.

use edgepos_core::{Chain, ConnectionId, EventId, Jitter, Lane, LogState, Now, ReplicaId, Seq, Term, Time};
use edgepos_crdt::VersionVector;

use crate::Hash;
use crate::author::{Author, Parting};
use crate::claims::Claims;
use crate::cloud::health::CloudRefusal;
use crate::cloud::uploader::Uploader;
use crate::config::{Config, StartError};
use crate::floor;
use crate::flush::Flush;
use crate::gap::Lost;
use crate::io::{Input, Mistake, Notice, Output, UplinkError, UplinkId};
use crate::judging::{Judging, yield_to_others};
use crate::log::Log;
use crate::log::record::{Decided, RecordError};
use crate::log::restored::Restored;
use crate::log::writes::Settled;
use crate::mending::Mending;
use crate::outputs::Outputs;
use crate::peers::Peers;
use crate::rewriting::Rewriting;
use crate::turn::Turn;
use crate::wire::message::Message;
use crate::wire::reply::CloudReply;

/// The event log of one terminal: durable first, then at every peer, then in the cloud. See the crate's documentation for how to
/// run it.
pub struct Outbox {
    config: Config,
    log_state: Option<LogState>,
    log: Log,
    jitter: Jitter,
    out: Outputs,
    claims: Claims,
    author: Author,
    parts: Parts,
}

/// Those who act. Each is told what concerns it, and is lent the rest of the outbox for the length of the call.
struct Parts {
    flush: Flush,
    peers: Peers,
    uploader: Uploader,
    judging: Judging,
    rewriting: Rewriting,
    mending: Mending,
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
        let log = Log::new(config.me, restored);
        Ok(Self {
            log_state: None,
            author: Author::new(log.author(), now.mono),
            log,
            jitter: Jitter::derive(config.seed, &[config.me.0]),
            out: Outputs::default(),
            claims: Claims::default(),
            parts: Parts {
                flush: Flush::default(),
                peers: Peers::default(),
                uploader: Uploader::new(now.mono, &config),
                judging: Judging::default(),
                rewriting: Rewriting::default(),
                mending: Mending::default(),
            },
            config,
        })
    }

    /// The world did something. Never fails; drain [`poll_output`](Self::poll_output) afterwards.
    pub fn handle(&mut self, now: Now, input: Input) {
        let (parts, mut turn) = self.lend(now);
        parts.handle(&mut turn, input);
        parts.pump(&mut turn);
    }

    /// Records an event of this terminal: the next of its chain in `lane`. It is durable, and may be shown as such, once the
    /// write that this asks for is; nobody is sent it before.
    ///
    /// Never waits for a network, a peer or a leader.
    ///
    /// # Errors
    /// [`RecordError::TooLarge`], [`RecordError::Busy`] when the disk does not keep up. Nothing is recorded then.
    pub fn record(&mut self, now: Now, lane: Lane, payload: Vec<u8>) -> Result<EventId, RecordError> {
        let (parts, mut turn) = self.lend(now);
        let id = turn.log.record(lane, payload, turn.config, turn.out)?;
        parts.pump(&mut turn);
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
        let (parts, mut turn) = self.lend(now);
        let decided = turn.log.record_decided(chain, payload, turn.config, turn.out)?;
        parts.pump(&mut turn);
        Ok(decided)
    }

    /// Whether, by the peer's greeting through its present connection, neither it nor this terminal has forgotten what it wrote itself
    /// under the name that it was set up as. Where one has, its disk went back, and what it promised in elections may be forgotten too.
    /// `false` before the greeting.
    pub fn remembers(&self, peer: ReplicaId) -> bool {
        self.parts.peers.remembers(peer)
    }

    /// Whether a connected peer has stated more than is here of what this terminal wrote under the name that it was set up as, or another
    /// history of it. So long the disk is taken to have gone back, and what it promised in elections to be forgotten.
    pub fn is_contradicted(&self) -> bool {
        self.parts.peers.contradict()
    }

    /// The highest feature level that the peer's latest greeting announced: 0 for one that announces none, `None` for one that has not
    /// greeted since the start.
    pub fn level_of(&self, peer: ReplicaId) -> Option<u32> {
        self.parts.peers.level(peer)
    }

    /// By how many ms the time of day of each connected peer was ahead of this terminal's monotonic clock when it last greeted, within the
    /// last two hours; those that did not say it are left out. As late as the greeting was under way.
    pub fn peer_clocks(&self, now: Now) -> impl Iterator<Item = (ReplicaId, i64)> + '_ {
        self.parts.peers.clocks(now.mono)
    }

    /// Another connected terminal that uses the number of this one, as a peer said last, and when.
    pub fn rival(&self) -> Option<(ReplicaId, Time)> {
        self.parts.peers.rival()
    }

    /// Where this terminal stands in the store-wide log: its greetings say so from here on. Where it has given up what it had stated to be
    /// decided, everybody is greeted anew. Whether they are.
    pub fn state_log(&mut self, now: Now, state: LogState) -> bool {
        let before = self.log_state.replace(state);
        let gave_up = before.is_some_and(|before| before.decided > state.decided);
        if gave_up {
            self.greet_anew(now);
        }
        gave_up
    }

    /// Whether the peer has greeted through this connection, as one to talk to.
    pub fn hears(&self, peer: ReplicaId, connection: ConnectionId) -> bool {
        self.parts.peers.hears(peer, connection)
    }

    /// Greets every peer again: what the last greeting said of this terminal's clock is no longer so.
    pub fn greet_anew(&mut self, now: Now) {
        let (parts, mut turn) = self.lend(now);
        parts.peers.greet_anew(&mut turn);
        parts.pump(&mut turn);
    }

    /// How far the store-wide log has derived a chain of the store itself: what
    /// [`record_decided`](Self::record_decided) last returned, also across a restart. Peers may have brought more of it.
    pub fn decided(&self, chain: Chain) -> Seq {
        self.log.decided(chain).0
    }

    /// The same, with the hash of the chain's history there: what a terminal needs that takes part in the log from here on.
    pub fn decided_head(&self, chain: Chain) -> (Seq, Hash) {
        self.log.decided(chain)
    }

    /// How far a chain is here, durable or not, with the hash of its history there.
    pub fn head(&self, chain: Chain) -> (Seq, Hash) {
        self.log.held(chain)
    }

    /// Goes on from what another terminal's [`decided_head`](Self::decided_head) said: this one missed more decisions than the log keeps.
    /// The events come from peers; the next that [`record_decided`](Self::record_decided) derives has the place behind `seq`. Nothing
    /// happens where as much is derived here already.
    ///
    /// # Errors
    /// [`RecordError::NotTheStore`] for a terminal's chain; [`RecordError::Fork`] when the history here is another one.
    pub fn adopt_decided(&mut self, now: Now, chain: Chain, seq: Seq, hash: Hash) -> Result<(), RecordError> {
        let (parts, mut turn) = self.lend(now);
        turn.log.adopt_decided(chain, seq, hash, turn.out)?;
        parts.pump(&mut turn);
        Ok(())
    }

    /// Who writes the chains of this terminal: the incarnation that it was set up as, or the latest that it became.
    pub fn author(&self) -> ReplicaId {
        self.author.name()
    }

    /// Whether somebody else has stated, since the start, how far the chains of this terminal go. Until then they are not sent.
    pub fn is_confirmed(&self) -> bool {
        self.author.is_confirmed()
    }

    /// Whether another terminal or the cloud has said since the start what it holds, and none of them, connected or not, holds an event
    /// of this lane that is not durable here.
    pub fn has_all_that_is_known(&self, lane: Lane) -> bool {
        let Parts { peers, uploader, .. } = &self.parts;
        let durable = self.log.durable();
        let has = |(chain, seq): (Chain, Seq)| chain.lane != lane || seq <= durable.get(chain);
        let is_told = peers.have_greeted() || uploader.has_heard();
        is_told && peers.claimed().chain(uploader.claimed()).all(has)
    }

    /// Whether a chain of this terminal is written on elsewhere, so that it has to [`reincarnate`](Self::reincarnate): its disk was
    /// restored, lost or cloned.
    pub fn is_displaced(&self) -> bool {
        let durable = |chain: &Chain| self.log.durable().get(*chain) == self.log.accepted().get(*chain);
        self.author.lost().is_some_and(|lost| lost.keys().all(durable))
    }

    /// Goes on under a name that nobody has written under. Where the terminal is [displaced](Self::is_displaced), what it alone wrote
    /// under the old one is handed out as [`Output::Reissue`], event by event, to be written again; until that is done nothing of the old
    /// chains is sent or taken. Otherwise, as on a disk that is known to be a copy, everything stays where it is.
    pub fn reincarnate(&mut self, now: Now, name: ReplicaId) {
        let (parts, mut turn) = self.lend(now);
        let lost = turn.author.take_lost().unwrap_or_default();
        turn.log.rename(name, &lost, turn.out);
        turn.author.rename(name);
        parts.uploader.set_aside(lost.keys());
        parts.peers.set_aside(&mut turn, &lost);
        parts.pump(&mut turn);
    }

    /// What is held of another terminal's chain behind `seq`, where its history has this hash, lost against another branch: its owner has
    /// written it again. Once [`sets_aside`](Self::sets_aside) says so, [`set_aside`](Self::set_aside) takes it out. Nothing happens where
    /// no more than that is held, and for the chains of this terminal and of the store.
    pub fn lose_branch(&mut self, chain: Chain, seq: Seq, hash: Hash) {
        if chain.replica != self.author.name() {
            self.parts.judging.lose_branch(&self.log, chain, Parting { seq, hash });
        }
    }

    /// Whether a branch that lost can be set aside: every write of its chain is durable.
    pub fn sets_aside(&self) -> bool {
        self.parts.judging.sets_aside(&self.log)
    }

    /// Takes the branches that lost out of their chains. Their events are handed out as [`Output::Reissue`], one by one; until that is done
    /// nothing of those chains is sent or taken.
    pub fn set_aside(&mut self, now: Now) {
        let (parts, mut turn) = self.lend(now);
        let losing = parts.judging.take_lost_branches(turn.log);
        turn.log.set_aside(&losing, turn.out);
        parts.uploader.set_aside(losing.keys());
        parts.peers.set_aside(&mut turn, &losing);
        parts.pump(&mut turn);
    }

    /// Writes an event of [`Output::Reissue`] again, as the next of this terminal in the same lane; `None`: it leaves its place and is not
    /// written again here. Its new name.
    pub fn reissue(&mut self, now: Now, id: EventId, payload: Option<Vec<u8>>) -> Option<EventId> {
        let (parts, mut turn) = self.lend(now);
        let new = turn.log.reissue(id, payload, turn.out);
        parts.rewriting.done();
        if !turn.log.is_being_rewritten(id.chain) {
            parts.peers.greet_anew(&mut turn);
        }
        parts.pump(&mut turn);
        new
    }

    /// How many events of this terminal wait to be written again.
    pub fn to_reissue(&self) -> u64 {
        self.log.tail_len(|chain| chain.replica.terminal() == self.config.me.terminal())
    }

    /// How many events of other terminals' branches that lost wait to be taken out.
    pub fn to_set_aside(&self) -> u64 {
        self.log.tail_len(|chain| chain.replica.terminal() != self.config.me.terminal())
    }

    /// Sends what waits, without waiting for more: before the store closes, or when somebody looks. Whoever uploads and has nothing to send
    /// asks the cloud what it holds, once a second at most: what was published comes down, and a cloud that was restored is found out.
    pub fn flush(&mut self, now: Now) {
        let (parts, mut turn) = self.lend(now);
        parts.send_all(&turn);
        parts.uploader.ask_soon(now.mono);
        parts.pump(&mut turn);
    }

    /// The next duty. Call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.poll()
    }

    /// When to tell [`Input::Timeout`], if nothing else happens before; `None`: nothing is pending.
    pub fn poll_timeout(&self) -> Option<Time> {
        let Parts { flush, peers, uploader, judging, mending, .. } = &self.parts;
        let timeouts = [
            flush.poll_timeout(),
            peers.poll_timeout(),
            uploader.poll_timeout(&self.config),
            judging.poll_timeout(&self.author, &self.config),
            mending.poll_timeout(),
        ];
        timeouts.into_iter().flatten().min()
    }

    /// What is recorded or accepted here, durable or not yet.
    pub fn vector(&self) -> &VersionVector {
        self.log.accepted()
    }

    /// What would survive a power cut here.
    pub fn durable(&self) -> &VersionVector {
        self.log.durable()
    }

    /// What the cloud is proved to hold: it has stated the hash that is held here. Goes back only with the cloud.
    pub fn cloud(&self) -> &VersionVector {
        self.log.cloud()
    }

    /// What the peer says that it holds durably, connected or not; `None` for one that was never connected since the start.
    pub fn peer_vector(&self, peer: ReplicaId) -> Option<&VersionVector> {
        self.parts.peers.vector(peer)
    }

    /// Up to where events may be pruned, for each chain: durable here, and proved to be in the cloud and at each of `members`, the store's.
    /// A member that was not heard since the start, or that gives no hashes, holds everything back.
    pub fn floor(&self, members: &[ReplicaId]) -> VersionVector {
        let Parts { peers, uploader, .. } = &self.parts;
        floor::of(&self.log, peers, uploader, members.iter().filter(|member| **member != self.config.me))
    }

    /// Positions below [`vector`](Self::vector) whose bytes are lost, as their owner has declared, until somebody turns up who has them.
    pub fn lost(&self) -> Lost {
        self.log.damage().lost()
    }

    /// How many stored events are damaged on this disk and are still to be mended or declared lost.
    pub fn damaged(&self) -> u64 {
        self.log.damage().counts().0
    }

    /// Somebody has read the event of this name and found something else than was written: it is looked into, and asked for where its bytes
    /// are damaged. Nothing happens where it is being looked into.
    pub fn suspect(&mut self, now: Now, id: EventId) {
        let (parts, mut turn) = self.lend(now);
        if turn.log.damage_mut().suspect(id) {
            turn.out.notice(Notice::Damaged { id });
        }
        parts.pump(&mut turn);
    }

    /// Events held here, of whatever chain, that the cloud is not known to hold. The word of a cloud that speaks no hashes counts.
    pub fn queue_len(&self) -> u64 {
        self.log.above_cloud()
    }

    /// Claims about the cloud that are not so, and histories that differ from those held here, as long as they stand.
    pub fn mistakes(&self) -> impl Iterator<Item = Mistake> + '_ {
        let Parts { judging, uploader, peers, .. } = &self.parts;
        judging.mistakes(&self.log).chain(uploader.disputed()).chain(peers.disputes())
    }

    /// Why the cloud does not take what this terminal uploads, while it answers and refuses.
    pub fn refused_by_cloud(&self) -> Option<CloudRefusal> {
        self.parts.uploader.refusal()
    }

    /// Whether this terminal is so busy that its batches go every [`Config::peak_flush_interval`].
    pub fn is_peak(&self) -> bool {
        self.parts.flush.is_peak()
    }

    /// Messages dropped since the start: of a dead or unknown connection, before the greeting, of an unknown kind, beyond a
    /// limit.
    pub fn ignored(&self) -> u64 {
        self.out.ignored()
    }

    /// The parts, and what they are lent for one call.
    fn lend(&mut self, now: Now) -> (&mut Parts, Turn<'_>) {
        let Self { config, log_state, log, jitter, out, claims, author, parts } = self;
        let (now, wall, log_state) = (now.mono, now.wall, *log_state);
        (parts, Turn { now, wall, config, log_state, log, jitter, out, author, claims })
    }
}

impl Parts {
    fn handle(&mut self, turn: &mut Turn<'_>, input: Input) {
        match input {
            Input::Message { from, connection, message: Message::Found { first, last, batch, base } }
                if self.peers.hears(from, connection) =>
            {
                self.mending.found(turn, Some(from), (first, last), batch.as_deref(), base);
            }
            Input::Message { from, connection, message } => self.peers.heard(turn, from, connection, message),
            Input::Timeout => self.on_timeout(turn),
            Input::Persisted(id) => {
                let settled = turn.log.persisted(id);
                self.on_settled(turn, &settled);
            }
            Input::Loaded(id, rows) => {
                if !self.judging.loaded(turn, id, &rows)
                    && !self.rewriting.loaded(turn, id, &rows)
                    && !self.mending.loaded(turn, id, &rows)
                    && !self.uploader.loaded(turn, id, &rows)
                {
                    self.peers.loaded(turn, id, &rows);
                }
            }
            Input::PeerUp(peer, connection) => self.peers.up(turn, peer, connection),
            Input::PeerLost(peer, connection) => self.peers.lost(peer, connection),
            Input::Leader { leader, entitled } => self.on_leader(turn, leader, entitled),
            Input::Uplink(id, reply) => self.on_uplink(turn, id, reply),
        }
    }

    fn on_timeout(&mut self, turn: &mut Turn<'_>) {
        if self.flush.is_due(turn.now) {
            self.send_all(turn);
        }
        self.peers.wake(turn);
        self.uploader.wake(turn);
        self.judging.wake(turn);
    }

    fn on_settled(&mut self, turn: &mut Turn<'_>, settled: &Settled) {
        if settled.foreign > 0 {
            self.peers.took_in(turn);
            self.uploader.took_in(turn);
        }
        if settled.events > 0 {
            self.judging.settled(turn);
        }
        let came_down = self.uploader.passes_on(turn);
        if self.flush.settled(turn.now, settled, turn.config) || came_down {
            self.send_all(turn);
        }
    }

    fn on_leader(&mut self, turn: &mut Turn<'_>, leader: Option<(ReplicaId, Term)>, entitled: bool) {
        self.uploader.elected(turn, leader, entitled);
        if self.peers.elected(leader) {
            // Who has to be told what is different, so whatever waits goes at once.
            self.send_all(turn);
            yield_to_others(turn, &self.peers);
        }
    }

    fn on_uplink(&mut self, turn: &mut Turn<'_>, id: UplinkId, reply: Result<CloudReply, UplinkError>) {
        if !self.uploader.has_asked(id) {
            turn.out.ignore();
            return;
        }
        // What the cloud holds it holds, whoever asked and however late the answer is.
        if let Some(claim) = reply.as_ref().ok().and_then(CloudReply::held) {
            turn.claims.by_cloud(claim, self.uploader.awaits(id));
        }
        if let Ok(CloudReply::Hash { event, hash }) = &reply {
            turn.claims.answer(None, *event, *hash);
        }
        if let Ok(CloudReply::Events { first, last, batch, base }) = &reply {
            self.mending.found(turn, None, (*first, *last), batch.as_deref(), *base);
        }
        self.uploader.answered(turn, id, reply);
    }

    /// Everything that is durable shall be sent, without waiting for more.
    fn send_all(&mut self, turn: &Turn<'_>) {
        self.flush.done();
        self.peers.aim(turn.log.durable());
        self.uploader.aim(turn.log.durable());
    }

    /// Starts whatever can be started, at the end of each call. The order counts: what is taken in is judged, what is judged is
    /// answered, and only the uploader's mandate, which is looked at here, says whether peers have to be asked about the cloud.
    fn pump(&mut self, turn: &mut Turn<'_>) {
        self.peers.take_in(turn);
        self.uploader.take_in(turn);
        self.judging.pump(turn, &mut self.peers, &mut self.uploader);
        self.rewriting.pump(turn);
        self.mending.pump(turn, &mut self.peers, &mut self.uploader);
        self.peers.pump(turn);
        self.uploader.pump(turn, self.judging.doubts_cloud());
        self.peers.watch_cloud(turn, self.uploader.hears_cloud());
    }
}
