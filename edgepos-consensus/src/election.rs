//! The election: what it is told, what it is asked, and the order in which its parts act.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use edgepos_core::{ConnectionId, Now, Persist, PersistId, ReplicaId, StoreGeneration, Term, Time};

use crate::config::Config;
use crate::entry::Proposal;
use crate::error::{HaltReason, NotLeader, ProposeError, StartError};
use crate::flight::{Confirmed, Flight};
use crate::guard::{self, Refusal, Role};
use crate::hand_over::HandOver;
use crate::io::{Event, Input, Leader, Mode, Output};
use crate::log::Log;
use crate::message::{Body, Message};
use crate::pace::Pace;
use crate::peers::Peers;
use crate::proposals::Proposals;
use crate::quorum::Quorum;
use crate::raft::Core;
use crate::report::{Chronicle, Report};
use crate::rows::{self, Restored};
use crate::ticks::{TickClock, TimerTicks};

/// One terminal's part in electing the store's leader and in keeping the store-wide log.
///
/// A plain value without threads, clocks or sockets; see the crate's documentation for the run loop. It never panics on input: what
/// would panic below is refused, and what is not foreseen ends in [`Event::Halted`], after which the value is inert.
pub struct Election {
    pub(crate) config: Config,
    pub(crate) core: Core,
    pub(crate) timers: TimerTicks,
    pub(crate) clock: TickClock,
    pub(crate) now: Time,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) flight: Flight,
    pub(crate) quorum: Quorum,
    pub(crate) pace: Pace,
    pub(crate) peers: Peers,
    pub(crate) proposals: Proposals,
    /// The term in which this terminal leads, once the parts know.
    pub(crate) leads_in: Option<u64>,
    /// Whom the last event named.
    announced: Option<Leader>,
    /// When a leader of the current term last spoke as one.
    pub(crate) leader_heard: Time,
    /// The last leader known: ranks are counted without it.
    pub(crate) last_leader: Option<ReplicaId>,
    /// The term of the latest timeout, and how many there were in it.
    pub(crate) attempt: (u64, u32),
    /// Whose question is being answered, and what it carried.
    pub(crate) echo: Option<(ReplicaId, u64)>,
    /// When the latest heartbeat left, and when to ask the silent ones again.
    pub(crate) beat: Option<(Time, Option<Time>)>,
    /// When to ask again for votes.
    pub(crate) resend_votes: Option<(Time, Duration)>,
    /// The leader ordered this terminal to stand in this term.
    pub(crate) ordered_in: Option<u64>,
    /// The leader's connection died in this term, and this terminal stood at once.
    pub(crate) bereft_in: Option<u64>,
    /// When another terminal last asked for this one's vote.
    pub(crate) courted: Option<Time>,
    /// Voters that said that they never lead.
    pub(crate) passive: BTreeSet<ReplicaId>,
    /// Followers that wait for a snapshot, and until when.
    pub(crate) snapshots: BTreeMap<ReplicaId, Time>,
    /// The log lacks what this terminal once held: it must not help to elect anyone.
    pub(crate) log_lost: bool,
    /// The oldest write takes too long, and that was told.
    pub(crate) stall_told: bool,
    pub(crate) hand_over: Option<HandOver>,
    /// The term in which another terminal was ordered to take over, whatever came of it.
    pub(crate) handed_over_in: Option<u64>,
    pub(crate) chronicle: Chronicle,
    refusals: BTreeMap<Refusal, u64>,
    halted: Option<HaltReason>,
}

impl Election {
    /// Starts from the rows of the last run, or begins a store where there are none.
    ///
    /// Its first outputs may be decisions that were not applied before the crash: drain it before anything else.
    ///
    /// # Errors
    /// When the configuration contradicts itself, the rows contradict each other, or the terminal is not a member of the store.
    pub fn new(now: Now, config: Config, restored: Restored) -> Result<Self, StartError> {
        config.validate()?;
        // Whoever was promised a vote before the restart still counts on it. A new terminal has promised nothing.
        let lease = restored.lease_ms.map(Duration::from_millis).unwrap_or(config.timing.lease);
        let promised = restored.hard.is_some().then_some(lease);
        let (log_lost, recovered) = (restored.log_lost, restored.recovered);
        let generation = restored.generation.unwrap_or_default();
        if restored.members.is_some() && generation != config.generation {
            return Err(StartError::Generation { rows: generation, config: config.generation });
        }
        let (log, writes) = Log::open(&config, restored)?;
        let refused = |reason| StartError::Refused { reason };
        let core = catch_unwind(AssertUnwindSafe(|| Core::new(&config, log)))
            .map_err(|panic| refused(panic_message(&*panic)))??;
        let timing = &config.timing;
        let mut election = Self {
            timers: TimerTicks::new(timing),
            clock: TickClock::new(timing.tick, now.mono),
            now: now.mono,
            outputs: VecDeque::new(),
            flight: Flight::default(),
            quorum: Quorum::new(config.me, timing.lease - timing.tick),
            pace: Pace::new(timing, promised, now.mono),
            peers: Peers::default(),
            proposals: Proposals::new(
                config.max_pending_proposals,
                config.max_entry_bytes,
                timing.election_max,
            ),
            leads_in: None,
            announced: None,
            leader_heard: now.mono,
            last_leader: None,
            attempt: (0, 0),
            echo: None,
            beat: None,
            resend_votes: None,
            ordered_in: None,
            bereft_in: None,
            courted: None,
            passive: BTreeSet::new(),
            snapshots: BTreeMap::new(),
            log_lost,
            stall_told: false,
            hand_over: None,
            handed_over_in: None,
            chronicle: Chronicle::new(now.mono),
            refusals: BTreeMap::new(),
            halted: None,
            core,
            config,
        };
        if !writes.is_empty() {
            let id = election.flight.start(0, true, None, now.mono);
            election.outputs.push_back(Output::Persist(Persist { id, writes }));
        }
        if let Some([generation, last, decided]) = recovered {
            let generation = StoreGeneration(generation as u32);
            election.outputs.push_back(Output::Event(Event::StoreRecovered { generation, last, decided }));
        }
        election.guarded(|election| {
            election.drain();
            election.settle();
        });
        match election.halted {
            Some(reason) => Err(refused(reason.to_string())),
            None => Ok(election),
        }
    }

    /// The world did something. Never fails; what is wrong with a message is counted and told as [`Event::Refused`].
    ///
    /// A `now` before the last one counts as the last one.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.guarded(|election| {
            election.advance(now.mono);
            match input {
                Input::Message(message) => election.receive(message),
                Input::Timeout => {}
                Input::Persisted(id) => election.persisted(id),
                Input::PeerLost(replica, connection) => election.peer_lost(replica, connection),
                Input::PeerUp(replica, connection) => {
                    if replica.terminal() != 0 && replica != election.config.me {
                        election.peers.up(replica, connection);
                    }
                }
            }
            election.drain();
            election.settle();
        });
    }

    /// Asks the store to decide, on any terminal: the proposal goes to the leader as soon as one is known, again and again until it
    /// comes back as [`Output::Apply`]. It is not written down here: after a crash propose it again, with the same key.
    ///
    /// A repeat of a proposal that waits is taken as that one.
    ///
    /// # Errors
    /// When it is too large, too many wait, its number leaves a gap or is decided, its key names another terminal, or the engine has
    /// halted. Nothing is kept then.
    pub fn propose(&mut self, now: Now, proposal: Proposal) -> Result<(), ProposeError> {
        if self.halted.is_some() {
            return Err(ProposeError::Halted);
        }
        let me = self.config.me;
        self.proposals.submit(me, self.core.log().decided(me), proposal)?;
        self.guarded(|election| {
            election.advance(now.mono);
            election.drain();
            election.settle();
        });
        Ok(())
    }

    /// Hands the leadership to the follower that has most of the log, before a planned stop. From here on this terminal is not
    /// entitled in this term. The order is repeated, then given to the next voter; when nobody takes over, this terminal says
    /// [`Event::HandOverFailed`], and the next election decides.
    ///
    /// `Ok` in a store with one voter, where there is nobody to hand over to.
    ///
    /// # Errors
    /// When this terminal does not lead.
    pub fn step_down(&mut self, now: Now) -> Result<(), NotLeader> {
        if self.leader().is_none_or(|leader| leader.replica != self.config.me) {
            return Err(NotLeader);
        }
        self.guarded(|election| {
            election.advance(now.mono);
            election.hand_over();
            election.drain();
            election.settle();
        });
        Ok(())
    }

    /// The next duty, in order. Call until `None` after each call of anything else.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Timeout`] if nothing else happens before; `None` for no deadline.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.halted.is_some() { None } else { self.deadline() }
    }

    /// Who leads, as far as this terminal knows.
    pub fn leader(&self) -> Option<Leader> {
        self.announced
    }

    /// The term this terminal is in.
    pub fn term(&self) -> Term {
        Term(self.core.term())
    }

    /// What the store can do from this terminal's view.
    pub fn mode(&self) -> Mode {
        match (self.quorum.lost(), self.announced) {
            _ if self.halted.is_some() => Mode::Leaderless,
            (Some(lost), _) => {
                Mode::Degraded { since: lost.since, reachable: lost.reachable, needed: lost.needed }
            }
            (None, Some(_)) => Mode::Normal,
            (None, None) => Mode::Leaderless,
        }
    }

    /// Whether this terminal leads and has heard a majority within the lease: only then may it upload and act for the store.
    ///
    /// As of the last call with a `now`: after a pause call [`handle`](Self::handle) with [`Input::Timeout`] first, or compare with
    /// [`entitled_until`](Self::entitled_until). No two terminals are entitled at the same moment, as far as their clocks run equally fast and the
    /// transport reports no living connection as lost.
    pub fn entitled(&self) -> bool {
        self.halted.is_none()
            && self.announced.is_some_and(|leader| leader.replica == self.config.me)
            && self.quorum.held()
            && self.handed_over_in != Some(self.core.term())
    }

    /// The moment at which [`entitled`](Self::entitled) ends unless a majority answers before; `None` when it is not so now.
    /// `Time(u64::MAX)` in a store with one voter, which needs no answer.
    pub fn entitled_until(&self) -> Option<Time> {
        let voters = &self.core.log().members().voters;
        if self.entitled() { self.quorum.proven_until(voters) } else { None }
    }

    /// The highest proposal number of the replica that was applied; 0 for none. The next proposal takes the number after it and
    /// after those that wait.
    pub fn decided(&self, replica: ReplicaId) -> u64 {
        self.core.log().decided(replica)
    }

    /// The [index](crate::Decision::index) of the last decision of this kind that was applied; 0 for none. It is the
    /// [base](Proposal::base) of an edit that builds on what holds.
    pub fn version(&self, kind: u16) -> u64 {
        self.core.log().version(kind)
    }

    /// How many of this terminal's proposals wait for a decision.
    pub fn pending_proposals(&self) -> usize {
        self.proposals.len()
    }

    /// The terminals that vote, as the log says.
    pub fn voters(&self) -> &[ReplicaId] {
        &self.core.log().members().voters
    }

    /// The terminals that only learn, as the log says.
    pub fn learners(&self) -> &[ReplicaId] {
        &self.core.log().members().learners
    }

    /// How many messages were dropped since the start, by reason.
    pub fn refusals(&self) -> impl Iterator<Item = (Refusal, u64)> {
        self.refusals.iter().map(|(reason, count)| (*reason, *count))
    }

    /// Figures for monitoring.
    pub fn report(&self, now: Now) -> Report {
        self.chronicle.report(now.mono)
    }

    /// Why the engine stopped for good, if it did.
    pub fn halted(&self) -> Option<&HaltReason> {
        self.halted.as_ref()
    }

    /// Runs a part of the engine. When it panics or halts, nothing of what it did in this call leaves: a decision without the write that
    /// goes with it would be applied twice.
    pub(crate) fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if self.halted.is_some() {
            return;
        }
        let before = self.outputs.len();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            self.halted = Some(HaltReason::Panicked { message: panic_message(&*panic) });
        }
        if let Some(reason) = &self.halted {
            self.outputs.truncate(before);
            self.outputs.push_back(Output::Event(Event::Halted(reason.clone())));
            self.announced = None;
        }
    }

    pub(crate) fn knows(&self, replica: ReplicaId) -> bool {
        // Whoever was away when a terminal was admitted learns of it from its connection, before the log says so: it may lead.
        let listed = self.core.log().members().contains(replica) || self.config.voters.contains(&replica);
        replica != self.config.me && (listed || self.peers.connected(replica))
    }

    fn receive(&mut self, message: Message) {
        let from = message.from;
        if matches!(message.body, Body::VoteReply { .. }) && message.to == self.config.me {
            self.voted(&message);
        }
        if let Err(reason) = self.judge(&message) {
            if let (Refusal::LogLost, Body::Heartbeat { commit }) = (reason, &message.body) {
                self.lose_log(*commit);
            }
            return self.refuse(from, reason);
        }
        if self.core.log().members().contains(from) {
            self.quorum.heard(from, self.now);
        }
        if message.is_leaders() && message.term >= self.core.term() {
            self.leader_heard = self.now;
        }
        if matches!(message.body, Body::Vote { .. }) {
            self.courted = Some(self.now);
        }
        if matches!(message.body, Body::Vote { transfer: false, .. }) && self.pace.promised(self.now) {
            // As raft does within its own lease: no answer is an answer, and an honest question is no refusal.
            return;
        }
        self.chronicle.heard(from, self.now);
        self.chronicle.stale_leaders += u64::from(message.is_leaders() && message.term < self.core.term());
        if message.is_acknowledgement() && message.stamp > 0 && message.term == self.core.term() {
            self.acknowledged(&message);
        }
        if let Body::Propose(proposals) = message.body {
            for proposal in proposals {
                self.append(&proposal);
            }
            return;
        }
        self.echo = Some((from, message.stamp));
        let ordered = (message.body == Body::TimeoutNow).then_some(message.term + 1);
        self.ordered_in = ordered.or(self.ordered_in);
        if message.is_leaders() && message.term >= self.core.term() {
            self.grant(&message);
        }
        if !self.core.step(message) {
            self.refuse(from, Refusal::Dropped);
        }
        self.drain();
        self.echo = None;
    }

    /// A follower follows: for how long, and how far away it is.
    fn acknowledged(&mut self, message: &Message) {
        let asked = Time(message.stamp - 1).min(self.now);
        self.quorum.answered(message.from, asked);
        if message.passive && self.voters().contains(&message.from) {
            self.passive.insert(message.from);
        }
        if message.is_heartbeat() && self.core.role() == Role::Leader {
            self.pace.answered(message.from, self.now.since(asked));
        }
    }

    /// A voter answered a request for its vote, in this term or an earlier one.
    fn voted(&mut self, message: &Message) {
        let asked = Time(message.stamp.saturating_sub(1));
        if message.stamp > 0 && asked <= self.now && self.voters().contains(&message.from) {
            self.pace.voted(message.from, self.now.since(asked));
        }
    }

    /// The leader counts on this terminal's vote for as long as it asks for. A longer time than configured is written down before
    /// it is answered, so that a restart does not break the promise.
    fn grant(&mut self, message: &Message) {
        let lease = Duration::from_millis(message.lease_ms).max(self.config.timing.lease);
        if let Some(lease) = self.pace.grant(self.now, lease) {
            let id = self.flight.start(0, true, None, self.now);
            let writes = vec![rows::put_lease(lease.as_millis() as u64)];
            self.outputs.push_back(Output::Persist(Persist { id, writes }));
        }
    }

    fn judge(&mut self, message: &Message) -> Result<(), Refusal> {
        let Message { store, generation, from, to, .. } = message;
        if (*store, *generation) != (self.config.store, self.config.generation) {
            return Err(Refusal::WrongStore);
        }
        if *from == self.config.me {
            return Err(Refusal::FromMyself);
        }
        if *to != self.config.me {
            return Err(Refusal::WrongDestination);
        }
        if !self.knows(*from) {
            return Err(Refusal::UnknownSender);
        }
        let member = self.core.log().members().contains(*from);
        if matches!(message.body, Body::Propose(_)) && !member {
            return Err(Refusal::UnknownSender);
        }
        if !self.peers.admits(*from, self.now) {
            return Err(Refusal::ConnectionLost);
        }
        if self.flight.installs_snapshot() {
            return Err(Refusal::Busy);
        }
        if message.body == Body::TimeoutNow && !self.config.campaigns {
            return Err(Refusal::Passive);
        }
        let may_lead = self.may_lead(message);
        guard::check(&self.core.view(self.flight.holds_votes(), self.log_lost, may_lead), message)
    }

    fn lose_log(&mut self, known: u64) {
        if !self.log_lost {
            self.log_lost = true;
            let held = self.core.log().last();
            // It must stay out after a restart as well, when nobody may be there to tell it again.
            let id = self.flight.start(0, false, None, self.now);
            self.outputs.push_back(Output::Persist(Persist { id, writes: vec![rows::put_lost(known)] }));
            self.outputs.push_back(Output::Event(Event::LogLost { held, known }));
        }
    }

    fn refuse(&mut self, from: ReplicaId, reason: Refusal) {
        *self.refusals.entry(reason).or_default() += 1;
        self.chronicle.split_brains += u64::from(reason == Refusal::SecondLeader);
        self.outputs.push_back(Output::Event(Event::Refused { from, reason }));
    }

    fn persisted(&mut self, id: PersistId) {
        match self.flight.confirm(id) {
            Confirmed::Next(waiting) => {
                self.stall_told = false;
                self.pace.flushed(self.now.since(waiting.since));
                if waiting.number > 0 {
                    self.core.persisted(waiting.number);
                }
                if waiting.snapshot.is_some() {
                    self.core.applied();
                }
                self.outputs.extend(waiting.messages.into_iter().map(Output::Transmit));
            }
            Confirmed::Again => {}
            Confirmed::Gap { expected } => {
                self.halted = Some(HaltReason::PersistOutOfOrder { expected: expected.0, got: id.0 });
            }
        }
    }

    fn peer_lost(&mut self, replica: ReplicaId, connection: ConnectionId) {
        let deaf_until = self.now + self.config.timing.election_max;
        if !self.knows(replica) || !self.peers.lost(replica, connection, self.now, deaf_until) {
            return;
        }
        if self.core.role() == Role::Leader {
            self.core.unreachable(replica);
            self.quorum.forget(replica);
        } else if self.core.leader() == Some(replica) {
            self.core.forget_leader();
            self.pace.release();
            if self.may_stand() {
                let rank = self.rank(replica) as u32;
                let stagger = self.config.timing.peer_lost_stagger;
                self.peers.stand_later(self.now, stagger, rank, self.core.term());
            }
        }
    }

    /// How many voters come before this one when `leader` is left out.
    pub(crate) fn rank(&self, leader: ReplicaId) -> usize {
        let before = |voter: &&ReplicaId| **voter < self.config.me && **voter != leader;
        self.voters().iter().filter(before).count()
    }

    /// Who leads by raft's word, once it may be told: a leader of one voter is not before its term is durable, since it could lead
    /// in the same term again after a crash.
    pub(crate) fn leader_in_sight(&self) -> Option<Leader> {
        let durable = self.flight.promise_durable();
        let leader = self.core.leader().filter(|leader| *leader != self.config.me || durable);
        leader.map(|replica| Leader { replica, term: self.term() })
    }

    /// Tells who leads when that has changed.
    pub(crate) fn announce(&mut self) {
        let leader = self.leader_in_sight();
        if let Some(leader) = leader {
            self.last_leader = Some(leader.replica);
        }
        if leader != self.announced {
            self.announced = leader;
            self.outputs.push_back(Output::Event(Event::LeaderChanged(leader)));
        }
    }
}

impl fmt::Debug for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Election")
            .field("me", &self.config.me)
            .field("term", &self.core.term())
            .field("role", &self.core.role())
            .field("leader", &self.announced)
            .field("halted", &self.halted)
            .finish_non_exhaustive()
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last line of defence: what panics below ends the engine and not the process, and nothing of that call leaves.
    #[test]
    fn a_panic_below_halts_the_engine_alone() {
        let me = ReplicaId::new(1, 1);
        let mut now = Now::new(0, 0);
        let mut election = Election::new(now, Config::standard(me, vec![me], 1), Restored::new()).unwrap();
        while !election.entitled() {
            while let Some(output) = election.poll_output() {
                if let Output::Persist(persist) = output {
                    election.handle(now, Input::Persisted(persist.id));
                }
            }
            now.mono = election.poll_timeout().unwrap_or(now.mono).max(now.mono);
            election.handle(now, Input::Timeout);
        }
        while election.poll_output().is_some() {}
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        election.poison();
        std::panic::set_hook(hook);
        let Some(Output::Event(Event::Halted(HaltReason::Panicked { .. }))) = election.poll_output() else {
            panic!("the halt is told first and alone");
        };
        assert_eq!(election.poll_output(), None);
        assert!(!election.entitled() && election.leader().is_none() && election.poll_timeout().is_none());
        assert!(matches!(election.halted(), Some(HaltReason::Panicked { .. })));
        assert_eq!(election.mode(), Mode::Leaderless);
        let key = crate::entry::ProposalKey { replica: me, number: 1 };
        let proposal = Proposal { key, kind: 0, base: None, bytes: vec![] };
        assert_eq!(election.propose(now, proposal), Err(ProposeError::Halted));
        assert_eq!(election.step_down(now), Err(NotLeader));
        election.handle(now, Input::Timeout);
        assert_eq!(election.poll_output(), None);
    }

    /// A write reported out of order may mean that one was lost: nothing may be said any more.
    #[test]
    fn a_gap_in_the_writes_halts() {
        let me = ReplicaId::new(1, 1);
        let now = Now::new(0, 0);
        let mut election = Election::new(now, Config::standard(me, vec![me], 1), Restored::new()).unwrap();
        election.handle(now, Input::Persisted(PersistId(2)));
        assert_eq!(election.halted(), Some(&HaltReason::PersistOutOfOrder { expected: 1, got: 2 }));
        assert_eq!(election.poll_timeout(), None);
    }
}
