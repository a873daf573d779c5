//! The election as its caller sees it: what it is told, what it is asked, and how it ends when something below it breaks.

use core::fmt;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use edgepos_core::{LogState, Now, ReplicaId, StoreGeneration, Term, Time};

use crate::config::Config;
use crate::distrust;
use crate::entry::{LEVEL_KIND, Proposal, ProposalKey};
use crate::error::{HaltReason, MembershipError, NotLeader, ProposeError, StartError};
use crate::guard::DropReason;
use crate::hand_over::Heir;
use crate::io::{Health, Input, Leader, Notice, Output};
use crate::log::Log;
use crate::members::MembersChange;
use crate::outputs::Outputs;
use crate::parts::Parts;
use crate::proposals::Proposals;
use crate::raft::Core;
use crate::report::Report;
use crate::restored::Restored;
use crate::snapshot::Attachment;
use crate::succession::Held;
use crate::turn::Turn;

/// One terminal's part in electing the store's leader and in keeping the store-wide log.
///
/// A plain value without threads, clocks or sockets; see the crate's documentation for the run loop. It never panics on input: what
/// would panic below is refused, and what is not foreseen ends in [`Notice::Halted`], after which the value is inert.
pub struct Election {
    config: Config,
    raft: Core,
    parts: Parts,
    /// The moment of the last turn, and what it left to do.
    now: Time,
    outputs: Outputs,
    deadline: Option<Time>,
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
        let mut restored = restored.into_found();
        // Whoever was promised a vote before the restart still counts on it. A new terminal has promised nothing.
        let lease = restored.lease_ms.map(Duration::from_millis).unwrap_or(config.timing.lease);
        let promised = restored.hard.is_some().then_some(lease);
        let recovered = restored.recovered.map(|[generation, last, decided]| {
            let generation = StoreGeneration(generation as u32);
            Notice::StoreRecovered { generation, last, decided }
        });
        let generation = restored.generation.unwrap_or_default();
        if restored.members.is_some() && generation != config.generation {
            return Err(StartError::Generation { rows: generation, config: config.generation });
        }
        let waiting = std::mem::take(&mut restored.proposals);
        let (mut log, mut writes) = Log::open(&config, restored)?;
        log.forgotten_mut().begin(now.mono);
        let decided = log.decisions().number(config.me);
        let (proposals, over) = Proposals::open(config.me, decided, waiting)?;
        writes.extend(over);
        let refused = |reason| StartError::Refused { reason };
        let raft = catch_unwind(AssertUnwindSafe(|| Core::new(&config, log)))
            .map_err(|panic| refused(panic_message(&*panic)))??;
        let mut election = Self {
            parts: Parts::new(&config, promised, proposals, now.mono),
            raft,
            config,
            now: now.mono,
            outputs: Outputs::default(),
            deadline: None,
            halted: None,
        };
        election.guarded(|parts, turn| {
            parts.begin(turn, writes, recovered);
            Ok(())
        });
        match election.halted {
            Some(reason) => Err(refused(reason.to_string())),
            None => Ok(election),
        }
    }

    /// The world did something. Never fails; what is wrong with a message is counted and told as [`Notice::Refused`].
    ///
    /// A `now` before the last one counts as the last one.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.turn(now, |parts, turn| {
            match input {
                Input::Message(message) => parts.receive(turn, message),
                Input::Timeout => {}
                Input::Persisted(id) => parts.persisted(turn, id)?,
                Input::PeerLost(replica, connection) => parts.peer_lost(turn, replica, connection),
                Input::PeerUp(replica, connection) => parts.peer_up(turn, replica, connection),
                Input::Stated(replica, state) => distrust::hear(turn, replica, state),
            }
            Ok(())
        });
    }

    /// Asks the store to decide, on any terminal, and says under which name. The proposal is written down first; then it goes to the
    /// leader as soon as one is known, again and again and through any restart, until it comes back as [`Output::Apply`] or
    /// [`Notice::ProposalRefused`].
    ///
    /// A crash before its [`Output::Persist`] is durable loses it without a trace. After a start [`decided`](Self::decided) and
    /// [`pending_proposals`](Self::pending_proposals) tell: what has a number above both together is lost, and is proposed anew.
    ///
    /// # Errors
    /// When it is too large, its kind is reserved, too many wait, or the engine has halted. Nothing is kept then.
    pub fn propose(&mut self, now: Now, proposal: Proposal) -> Result<ProposalKey, ProposeError> {
        if proposal.kind == LEVEL_KIND {
            return Err(ProposeError::KindReserved { kind: proposal.kind });
        }
        self.submit(now, proposal, 0)
    }

    /// Tells what the application keeps of the decisions that were handed out, all of them: a terminal that missed more than the log
    /// keeps gets it with the snapshot, as [`Output::Install`]. Call it at the start and whenever it has changed, with no
    /// [`Output::Apply`] left to do; until then no snapshot is sent. An application that never calls it sends snapshots without. A state
    /// above [`MAX_ATTACHMENT_BYTES`](crate::MAX_ATTACHMENT_BYTES) counts as [`Attachment::Nothing`].
    pub fn attach(&mut self, attachment: Attachment) {
        self.raft.log_mut().attach(attachment);
    }

    /// Asks the store to raise its [feature level](Self::level), which it never lowers. Ask only when every member of the store runs a version
    /// that knows the level, and none will go back behind it: an earlier one decides otherwise from there on.
    ///
    /// # Errors
    /// When the level is reached or unknown, too many proposals wait, or the engine has halted.
    pub fn raise_level(&mut self, now: Now, level: u32) -> Result<ProposalKey, ProposeError> {
        let current = self.level();
        let limit = self.config.level;
        if level <= current || level > limit {
            return Err(ProposeError::Level { given: level, current, limit });
        }
        let proposal = Proposal { kind: LEVEL_KIND, subject: Vec::new(), base: None, bytes: Vec::new() };
        self.submit(now, proposal, level)
    }

    fn submit(&mut self, now: Now, proposal: Proposal, level: u32) -> Result<ProposalKey, ProposeError> {
        if self.halted.is_some() {
            return Err(ProposeError::Halted);
        }
        self.parts.check(&self.config, &proposal)?;
        let mut key = None;
        self.turn(now, |parts, turn| {
            key = Some(parts.propose(turn, proposal, level));
            Ok(())
        });
        key.filter(|_| self.halted.is_none()).ok_or(ProposeError::Halted)
    }

    /// Hands the leadership to the follower that has most of the log, before a planned stop. From here on this terminal is not
    /// entitled in this term. The order is repeated, then given to the next voter; when nobody takes over, this terminal says
    /// [`Notice::HandOverFailed`], and the next election decides.
    ///
    /// `Ok` in a store with one voter, where there is nobody to hand over to.
    ///
    /// # Errors
    /// When this terminal does not lead.
    pub fn step_down(&mut self, now: Now) -> Result<(), NotLeader> {
        self.hand_over(now, Heir::Best)
    }

    /// Hands the leadership to the next voter in the order of their names, the first behind the last, because this terminal lacks
    /// something that a leader needs: where each that lacks it does so, one that has it comes to lead. As [`step_down`](Self::step_down)
    /// in everything else.
    ///
    /// # Errors
    /// When this terminal does not lead.
    pub fn step_aside(&mut self, now: Now) -> Result<(), NotLeader> {
        self.hand_over(now, Heir::Next)
    }

    fn hand_over(&mut self, now: Now, heir: Heir) -> Result<(), NotLeader> {
        if self.leader().is_none_or(|leader| leader.replica != self.config.me) {
            return Err(NotLeader);
        }
        self.turn(now, |parts, turn| {
            parts.hand_over(turn, heir);
            Ok(())
        });
        Ok(())
    }

    /// Adds a terminal to the store: it learns first, and gets a vote once it has caught up, as long as fewer than
    /// [`MAX_VOTERS`](crate::MAX_VOTERS) vote. The new terminal starts with [`Config::joins`](crate::Config::joins).
    ///
    /// `Ok` says that the change is in the leader's log; [`Notice::MembersChanged`](crate::Notice::MembersChanged) says that it is decided.
    ///
    /// # Errors
    /// When this terminal is not entitled, another change is under way, the store is full, or the terminal belongs to it already.
    pub fn admit(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        let change = self.raft.log().members().admit(replica)?;
        self.change_members(now, change)
    }

    /// Removes a terminal that is retired. It counts no more, and does not return under this name.
    ///
    /// The leader does not remove itself: it steps down first. `Ok` as for [`admit`](Self::admit).
    ///
    /// # Errors
    /// When this terminal is not entitled, another change is under way, or the terminal does not belong to the store or leads it.
    pub fn retire(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        let change = self.raft.log().members().remove(self.config.me, replica)?;
        self.change_members(now, change)
    }

    /// These members are replaced although they are heard, by an operator's word: another incarnation of the same terminal that has
    /// caught up votes first, and then this one is removed; a leader hands over before. It holds until the next call, on this terminal
    /// alone, and is for the caller to repeat after a start; at most [`MAX_TERMINALS`](crate::MAX_TERMINALS) count.
    ///
    /// A member that is silent needs no word: an admitted incarnation of the same terminal takes its place.
    pub fn replace(&mut self, leaving: impl IntoIterator<Item = ReplicaId>) {
        self.parts.replace(leaving);
    }

    /// Learners whose place another incarnation of their terminal has, which is heard: as the entitled leader saw it last, empty elsewhere.
    pub fn held(&self) -> &[Held] {
        self.parts.held()
    }

    /// Whether this terminal leads, and has not heard the replica for [`Config::successor_after`](crate::Config::successor_after) while it did.
    pub fn is_silent(&self, now: Now, replica: ReplicaId) -> bool {
        self.entitled() && self.parts.is_silent(&self.config, replica, now.mono)
    }

    /// Whether the replica belonged to the store and was removed: it does not return under this name.
    pub fn is_retired(&self, replica: ReplicaId) -> bool {
        self.raft.log().members().retired.contains(&replica)
    }

    /// Those that were removed, the latest 1,024 of them.
    pub fn retired(&self) -> &[ReplicaId] {
        &self.raft.log().members().retired
    }

    fn change_members(&mut self, now: Now, change: MembersChange) -> Result<(), MembershipError> {
        if !self.entitled() {
            return Err(MembershipError::NotEntitled);
        }
        if self.raft.changes_members() {
            return Err(MembershipError::ChangeUnderWay);
        }
        let mut taken = false;
        self.turn(now, |_, turn| {
            taken = turn.raft.propose_members(change);
            Ok(())
        });
        if taken { Ok(()) } else { Err(MembershipError::NotEntitled) }
    }

    /// The next duty, in order. Call until `None` after each call of anything else.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.poll()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Timeout`] if nothing else happens before; `None` for no deadline.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.deadline
    }

    /// Whether that is by this moment.
    pub fn is_due(&self, now: Time) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Who leads, as far as this terminal knows.
    pub fn leader(&self) -> Option<Leader> {
        self.parts.leader().filter(|_| self.halted.is_none())
    }

    /// The term this terminal is in.
    pub fn term(&self) -> Term {
        Term(self.raft.term())
    }

    /// What the store can do from this terminal's view.
    pub fn health(&self) -> Health {
        if self.halted.is_some() { Health::Leaderless } else { self.parts.health() }
    }

    /// Whether this terminal leads and has heard a majority within the lease: only then may it upload and act for the store.
    ///
    /// As of the last call with a `now`: after a pause call [`handle`](Self::handle) with [`Input::Timeout`] first, or compare with
    /// [`entitled_until`](Self::entitled_until). No two terminals are entitled at the same moment, as far as their clocks run equally fast and the
    /// transport reports no living connection as lost.
    pub fn entitled(&self) -> bool {
        self.halted.is_none() && self.parts.entitled(self.config.me, self.raft.term())
    }

    /// The moment at which [`entitled`](Self::entitled) ends unless a majority answers before; `None` when it is not so now.
    /// `Time(u64::MAX)` in a store with one voter, which needs no answer.
    pub fn entitled_until(&self) -> Option<Time> {
        if self.entitled() { self.parts.proven_until(self.voters()) } else { None }
    }

    /// The highest proposal number of the replica that was applied; 0 for none. The next proposal gets the number after it and
    /// after those that wait.
    pub fn decided(&self, replica: ReplicaId) -> u64 {
        self.raft.log().decisions().number(replica)
    }

    /// The [index](crate::Decision::index) of the last decision of this kind that was applied; 0 for none.
    pub fn version(&self, kind: u16) -> u64 {
        self.raft.log().decisions().version(kind)
    }

    /// The [base](Proposal::base) of an edit that builds on what holds: the [index](crate::Decision::index) of the last decision of this
    /// kind about this subject, or up to which none is remembered. Below feature level 1 that of the last decision of the kind.
    pub fn version_of(&self, kind: u16, subject: &[u8]) -> u64 {
        self.raft.log().decisions().version_of(kind, subject)
    }

    /// The store's feature level: what all its terminals decide by, as the log says. 0 is what version 0.1.0 knows; from 1 on a
    /// [base](Proposal::base) is compared for each subject. A terminal that knows less than the store's level
    /// ([`Config::level`]) neither votes nor leads.
    pub fn level(&self) -> u32 {
        self.raft.log().decisions().level()
    }

    /// Whether the store has gone on to a level that this terminal does not know. What it is handed as [`Output::Apply`] from there on may
    /// not be what the others are: nothing that all must agree on may follow from it.
    pub fn is_below_level(&self) -> bool {
        self.raft.log().is_beyond()
    }

    /// Whether this terminal is known to have held more of the log than it does: it neither votes nor leads, also after a restart, until
    /// another incarnation takes its place.
    pub fn has_lost_log(&self) -> bool {
        self.raft.log().is_lost()
    }

    /// The disk of this terminal has gone back: somebody has its events further, or otherwise. It leaves the terms in which it may have
    /// given a vote that it has forgotten, some thousand of them. Until it holds again what was decided before it votes and stands only
    /// where enough other voters state what they hold ([`misses`](Self::misses)).
    pub fn renounce_terms(&mut self, now: Now) {
        self.turn(now, |parts, turn| {
            parts.renounce(turn);
            Ok(())
        });
    }

    /// Where this terminal stands, for others: [`Input::Stated`] there.
    pub fn log_state(&self) -> LogState {
        let (log, generation) = (self.raft.log(), self.config.generation);
        let (last, decided) = (log.position(log.last()), log.position(log.hard().commit));
        LogState { generation, term: self.term().max(last.term), last, decided }
    }

    /// How many more voters have to state what they hold before this terminal votes; `None` for one whose disk is not known to have gone
    /// back, or that has caught up since.
    pub fn misses(&self) -> Option<usize> {
        let log = self.raft.log();
        log.forgotten().misses(self.config.me, log.members())
    }

    /// Members that hold other decisions than this terminal at the same places of the log: a leader was elected that lacked some, with the
    /// vote of a terminal that had forgotten them.
    pub fn parted(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        let members = self.raft.log().members();
        self.raft.log().forgotten().parted().filter(|replica| members.contains(*replica))
    }

    /// How many of this terminal's proposals wait for a decision.
    pub fn pending_proposals(&self) -> usize {
        self.parts.pending_proposals()
    }

    /// The terminals that vote, as the log says.
    pub fn voters(&self) -> &[ReplicaId] {
        &self.raft.log().members().voters
    }

    /// The terminals that only learn, as the log says.
    pub fn learners(&self) -> &[ReplicaId] {
        &self.raft.log().members().learners
    }

    /// How many messages were dropped since the start, by reason.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        self.parts.drops()
    }

    /// Figures for monitoring.
    pub fn report(&self, now: Now) -> Report {
        self.parts.report(now.mono)
    }

    /// Why the engine stopped for good, if it did.
    pub fn halted(&self) -> Option<&HaltReason> {
        self.halted.as_ref()
    }

    /// What this terminal holds, for the conformance suite.
    pub(crate) fn log(&self) -> &Log {
        self.raft.log()
    }

    /// Makes raft panic in the middle of a call, as a defect in it would: the election halts. For tests of what goes on then.
    #[cfg(any(test, feature = "poison"))]
    pub fn poison(&mut self) {
        self.guarded(|_, turn| {
            turn.out.tell(Notice::QuorumRegained);
            turn.raft.poison();
            Ok(())
        });
    }

    /// One turn at `now`, in which `work` is what the caller wants.
    fn turn(&mut self, now: Now, work: impl FnOnce(&mut Parts, &mut Turn<'_>) -> Result<(), HaltReason>) {
        let now = now.mono.max(self.now);
        let pause = now.since(self.now);
        self.now = now;
        self.guarded(|parts, turn| parts.turn(turn, pause, work));
    }

    /// Lends the turn to the parts. When something panics or the election must halt, nothing of what was done leaves: a decision
    /// without the write that goes with it would be applied twice.
    fn guarded(&mut self, work: impl FnOnce(&mut Parts, &mut Turn<'_>) -> Result<(), HaltReason>) {
        if self.halted.is_some() {
            return;
        }
        let before = self.outputs.len();
        let Self { config, raft, parts, now, outputs, deadline, .. } = self;
        let mut turn = Turn { now: *now, config, raft, out: outputs };
        let end = catch_unwind(AssertUnwindSafe(|| {
            work(parts, &mut turn)?;
            *deadline = parts.deadline(&turn);
            Ok(())
        }));
        let end = end.unwrap_or_else(|panic| Err(HaltReason::Panicked { message: panic_message(&*panic) }));
        if let Err(reason) = end {
            self.outputs.truncate(before);
            self.outputs.tell(Notice::Halted(reason.clone()));
            self.deadline = None;
            self.halted = Some(reason);
        }
    }
}

impl fmt::Debug for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Election")
            .field("me", &self.config.me)
            .field("term", &self.raft.term())
            .field("role", &self.raft.role())
            .field("leader", &self.leader())
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
    use core::time::Duration;
    use std::collections::{BTreeMap, VecDeque};

    use edgepos_core::PersistId;

    use super::*;
    use crate::message::Message;

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
        let Some(Output::Notice(Notice::Halted(HaltReason::Panicked { .. }))) = election.poll_output() else {
            panic!("the halt is told first and alone");
        };
        assert_eq!(election.poll_output(), None);
        assert!(!election.entitled() && election.leader().is_none() && election.poll_timeout().is_none());
        assert!(matches!(election.halted(), Some(HaltReason::Panicked { .. })));
        assert_eq!(election.health(), Health::Leaderless);
        let proposal = Proposal { kind: 0, subject: vec![], base: None, bytes: vec![] };
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
    /// A leader counts on its one voter, half a second away, for no longer than the answered questions asked for: neither the first
    /// one, which leaves before the lease is measured, nor those from before a longer lease.
    #[test]
    fn nobody_is_entitled_beyond_what_was_asked_for() {
        const ONE_WAY: u64 = 250;
        let (near, far) = (ReplicaId::new(1, 1), ReplicaId::new(2, 1));
        let start = |me, campaigns| {
            let config = Config { campaigns, ..Config::standard(me, vec![near, far], 1) };
            Election::new(Now::new(0, 0), config, Restored::new()).unwrap()
        };
        let mut both = [start(near, true), start(far, false)];
        let (mut wire, mut asked) = (VecDeque::new(), BTreeMap::new());
        let (mut promised, mut led) = (Time(0), 0);
        for ms in 1..20_000 {
            let now = Now::new(ms, ms);
            while wire.front().is_some_and(|(at, _)| *at <= ms) {
                let (_, message): (u64, Message) = wire.pop_front().unwrap();
                if let (true, Some(stamp)) = (message.is_acknowledgement(), message.asked_at()) {
                    promised = promised.max(stamp + asked[&stamp]);
                }
                both[usize::from(message.to() == far)].handle(now, Input::Message(message));
            }
            for election in &mut both {
                if election.poll_timeout().is_some_and(|at| at <= now.mono) {
                    election.handle(now, Input::Timeout);
                }
                while let Some(output) = election.poll_output() {
                    match output {
                        Output::Persist(persist) => election.handle(now, Input::Persisted(persist.id)),
                        Output::Transmit(message) => {
                            if let (true, Some(stamp)) = (message.is_leaders(), message.asked_at()) {
                                let lease = Duration::from_millis(message.lease_ms.max(300));
                                let known: &mut Duration = asked.entry(stamp).or_insert(lease);
                                *known = lease.max(*known);
                            }
                            wire.push_back((ms + ONE_WAY, message));
                        }
                        _ => {}
                    }
                }
            }
            if let Some(until) = both[0].entitled_until() {
                led += 1;
                assert!(
                    until <= promised,
                    "at {ms} ms: entitled until {until:?}, promised until {promised:?}"
                );
            }
        }
        assert!(led > 10_000, "it leads: {led} ms");
    }
}
