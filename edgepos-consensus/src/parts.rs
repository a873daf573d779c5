//! The parts of an election, and the order in which they act.
//!
//! A raft message goes one way:
//!
//! ```text
//! bytes ─► Message::decode ─► guard ─► raft steps ─► raft is ready ─┬─► its rows, and what the parts write: Persist
//!          wire.rs            judge    receive       carry_out      ├─► decided entries: Apply, then the Persist that goes with them
//!                                                                   └─► messages, behind the write that they depend on: Transmit
//! ```
//!
//! A [turn](Parts::turn) has four steps, always in this order: time passes; the one thing happens that the caller tells or asks for;
//! what raft has ready is carried out; and everything [settles](Parts::settle) that follows from it. Whatever tells raft something,
//! in any step, has what raft then has ready carried out before anything else.

use core::time::Duration;

use edgepos_core::{ConnectionId, PersistId, ReplicaId, Time, Write};

use crate::apply;
use crate::beat::Beat;
use crate::candidacy::Candidacy;
use crate::config::Config;
use crate::distrust;
use crate::entry::{Numbered, Proposal, ProposalKey};
use crate::error::{HaltReason, ProposeError};
use crate::flight::{Completes, Confirmed, Flight};
use crate::guard::{self, DropReason};
use crate::hand_over::{HandOver, Heir};
use crate::io::{Health, Leader, Notice, Output};
use crate::message::{Body, Message, Question};
use crate::pace::{MAX_LEASE, Pace};
use crate::parting;
use crate::peers::Peers;
use crate::promise::Promise;
use crate::proposals::Proposals;
use crate::quorum::Quorum;
use crate::raft::{Installed, Ready};
use crate::report::{Chronicle, Report};
use crate::rows;
use crate::snapshots_sent::SnapshotsSent;
use crate::standing::Standing;
use crate::succession::{Held, Tending};
use crate::ticks::TickClock;
use crate::turn::{Turn, tell_members};

/// Every part of an election but raft and the configuration.
pub(crate) struct Parts {
    clock: TickClock,
    peers: Peers,
    flight: Flight,
    promise: Promise,
    pace: Pace,
    candidacy: Candidacy,
    standing: Standing,
    quorum: Quorum,
    beat: Beat,
    snapshots: SnapshotsSent,
    hand_over: HandOver,
    tending: Tending,
    proposals: Proposals,
    chronicle: Chronicle,
}

impl Parts {
    /// `promised` is the lease that the last run had promised, `proposals` are those that it left to be decided.
    pub(crate) fn new(config: &Config, promised: Option<Duration>, proposals: Proposals, now: Time) -> Self {
        let timing = &config.timing;
        Self {
            clock: TickClock::new(timing, now),
            peers: Peers::default(),
            flight: Flight::default(),
            promise: Promise::new(timing, promised, now),
            pace: Pace::new(timing),
            candidacy: Candidacy::new(timing),
            standing: Standing::default(),
            quorum: Quorum::new(config.me, timing.lease - timing.tick),
            beat: Beat::default(),
            snapshots: SnapshotsSent::default(),
            hand_over: HandOver::default(),
            tending: Tending::default(),
            proposals,
            chronicle: Chronicle::new(now),
        }
    }

    /// The first turn: `writes` make the beginning of a store durable.
    pub(crate) fn begin(&mut self, turn: &mut Turn<'_>, writes: Vec<Write>, recovered: Option<Notice>) {
        if !writes.is_empty() {
            self.flight.start(turn, Completes::PROMISE, writes);
        }
        if let Some(recovered) = recovered {
            turn.out.tell(recovered);
        }
        self.carry_out(turn, None);
        self.settle(turn);
    }

    /// One turn, `pause` after the last one.
    ///
    /// # Errors
    /// When the election must halt.
    pub(crate) fn turn(
        &mut self,
        turn: &mut Turn<'_>,
        pause: Duration,
        work: impl FnOnce(&mut Self, &mut Turn<'_>) -> Result<(), HaltReason>,
    ) -> Result<(), HaltReason> {
        self.pass_time(turn, pause);
        work(self, turn)?;
        self.carry_out(turn, None);
        self.settle(turn);
        Ok(())
    }

    /// Brings time up to this moment: the ticks that have passed, each with its consequences.
    fn pass_time(&mut self, turn: &mut Turn<'_>, pause: Duration) {
        if turn.leads() && turn.voters().len() > 1 && pause > turn.config.timing.lease {
            // The process was stopped: others may have elected a leader, and old answers may wait in the sockets.
            self.clock.skip(turn.now);
            turn.raft.resign();
            return self.carry_out(turn, None);
        }
        let Some(left) = self.ticks_left(turn) else { return self.clock.skip(turn.now) };
        for _ in 0..self.clock.take(turn.now, left) {
            if self.candidacy.stands_at_next_tick(turn) {
                self.pace.stands();
            }
            if turn.leads() && turn.raft.counts_next() && self.quorum.held_or_due(turn.now, self.pace.asked())
            {
                turn.raft.excuse();
            }
            turn.raft.tick();
            self.carry_out(turn, None);
        }
    }

    /// Ticks until something happens; `None` while time must not pass for raft, or does not matter to it.
    fn ticks_left(&self, turn: &Turn<'_>) -> Option<usize> {
        if turn.leads() {
            return Some(turn.raft.leader_ticks());
        }
        let alone = turn.voters().len() == 1;
        if self.flight.installs_snapshot() || (alone && !self.flight.is_empty()) {
            // A lone voter is elected in the same step in which it stands, which raft allows with a durable log only.
            return None;
        }
        turn.may_stand().then(|| turn.raft.patience().saturating_sub(turn.raft.silence()).max(1))
    }

    /// A message arrived.
    pub(crate) fn receive(&mut self, turn: &mut Turn<'_>, mut message: Message) {
        let (from, now) = (message.from, turn.now);
        if matches!(message.body, Body::VoteReply { .. }) && message.to == turn.config.me {
            self.voted(turn, &message);
        }
        if let Err(reason) = self.judge(turn, &message) {
            if let (DropReason::LogLost, Body::Heartbeat { commit }) = (reason, &message.body) {
                self.lose_log(turn, *commit);
            }
            return self.chronicle.refused(turn, from, reason);
        }
        // Of one that is connected and does not belong to the store as well: it is alive.
        self.quorum.heard(from, now);
        let of_guest = message.is_acknowledgement() && !turn.raft.log().members().contains(from);
        // A guest has heard who leads; raft knows nothing of it, nor of a leader that lacks decisions.
        if (turn.leads() && of_guest) || !parting::bears(turn, &mut self.flight, &message) {
            return;
        }
        let leads_us = message.is_leaders() && message.term >= turn.raft.term();
        if leads_us {
            self.promise.heard(now);
        }
        if matches!(message.body, Body::Vote { .. }) {
            self.candidacy.courted(now);
        }
        if matches!(message.body, Body::Vote { transfer: false, .. }) && self.promise.holds(now) {
            // As raft does within its own lease: no answer is an answer, and an honest question is no refusal.
            return;
        }
        distrust::leave_terms(turn, &mut message);
        self.chronicle.heard(from, now);
        if message.is_leaders() && !leads_us {
            self.chronicle.stale_leader();
        }
        if message.is_acknowledgement() && message.term == turn.raft.term() {
            self.acknowledged(turn, &message);
        }
        if let Body::Propose(proposals) = message.body {
            for proposal in proposals {
                self.append(turn, &proposal);
            }
            return;
        }
        if message.body == Body::TimeoutNow {
            self.candidacy.ordered(message.term + 1);
        }
        if leads_us {
            self.grant(turn, &message);
        }
        let question = message.question();
        if !turn.raft.step(message) {
            self.chronicle.refused(turn, from, DropReason::Dropped);
        }
        self.carry_out(turn, Some(question));
    }

    /// Whether raft may see the message.
    fn judge(&mut self, turn: &Turn<'_>, message: &Message) -> Result<(), DropReason> {
        guard::addressed(turn.config, message)?;
        self.peers.admit(turn, message)?;
        if self.flight.installs_snapshot() {
            return Err(DropReason::Busy);
        }
        if message.body == Body::TimeoutNow && !turn.config.campaigns {
            return Err(DropReason::Passive);
        }
        guard::check(&turn.raft.view(self.flight.holds_votes()), turn.raft.log(), message)
    }

    /// A voter answered a request for its vote, in this term or an earlier one.
    fn voted(&mut self, turn: &Turn<'_>, message: &Message) {
        let asked = message.asked_at().filter(|asked| *asked <= turn.now);
        if let Some(asked) = asked.filter(|_| turn.voters().contains(&message.from)) {
            self.pace.voted(message.from, turn.now.since(asked));
        }
    }

    /// A follower follows: since when, and how far away it is.
    fn acknowledged(&mut self, turn: &Turn<'_>, message: &Message) {
        let Some(asked) = message.asked_at().map(|asked| asked.min(turn.now)) else { return };
        self.quorum.answered(message.from, asked);
        if message.passive && turn.voters().contains(&message.from) {
            self.hand_over.passive(message.from);
        }
        if message.is_heartbeat() && turn.leads() {
            self.pace.answered(turn.now, message.from, turn.now.since(asked));
        }
    }

    /// The leader counts on this terminal's vote for as long as it asks for.
    fn grant(&mut self, turn: &mut Turn<'_>, message: &Message) {
        let lease = Duration::from_millis(message.lease_ms).max(turn.config.timing.lease);
        if let Some(lease) = self.promise.grant(turn.now, lease) {
            self.flight.start(turn, Completes::PROMISE, vec![rows::put_lease(lease.as_millis() as u64)]);
        }
    }

    /// This terminal held the log up to `known`, as the leader knows: what it promised may be forgotten as well.
    pub(crate) fn lose_log(&mut self, turn: &mut Turn<'_>, known: u64) {
        distrust::lose(turn, &mut self.flight, known);
    }

    /// The disk of this terminal is known to have gone back.
    pub(crate) fn renounce(&mut self, turn: &mut Turn<'_>) {
        distrust::renounce(turn, &mut self.flight);
    }

    /// A write is durable: what waited for it leaves.
    ///
    /// # Errors
    /// When another one should be before it.
    pub(crate) fn persisted(&mut self, turn: &mut Turn<'_>, id: PersistId) -> Result<(), HaltReason> {
        match self.flight.confirm(id) {
            Confirmed::Next(waiting) => {
                self.pace.flushed(turn.now.since(waiting.since));
                let Completes { number, snapshot, proposal, .. } = waiting.completes;
                if number > 0 {
                    turn.raft.persisted(number);
                }
                if snapshot.is_some() {
                    turn.raft.applied();
                }
                self.proposals.durable(proposal);
                for message in waiting.messages {
                    turn.out.push(Output::Transmit(message));
                }
            }
            Confirmed::Again => {}
            Confirmed::Gap { expected } => {
                return Err(HaltReason::PersistOutOfOrder { expected: expected.0, got: id.0 });
            }
        }
        Ok(())
    }

    pub(crate) fn peer_up(&mut self, turn: &Turn<'_>, replica: ReplicaId, connection: ConnectionId) {
        self.peers.up(turn, replica, connection);
    }

    pub(crate) fn peer_lost(&mut self, turn: &mut Turn<'_>, replica: ReplicaId, connection: ConnectionId) {
        if !self.peers.lost(turn, replica, connection) {
            return;
        }
        if !turn.raft.log().members().contains(replica) {
            self.quorum.forget(replica);
        } else if turn.leads() {
            turn.raft.unreachable(replica);
            self.quorum.lose(replica);
        } else if turn.raft.leader() == Some(replica) {
            turn.raft.forget_leader();
            self.promise.release();
            self.candidacy.leader_lost(turn, replica);
        }
    }

    /// Whether a proposal of this terminal can be taken.
    pub(crate) fn check(&self, config: &Config, proposal: &Proposal) -> Result<(), ProposeError> {
        self.proposals.check(config, proposal)
    }

    /// Takes and numbers a proposal of this terminal, which leaves once it is durable. A leader appends it in the same write.
    pub(crate) fn propose(&mut self, turn: &mut Turn<'_>, proposal: Proposal, level: u32) -> ProposalKey {
        let key = self.proposals.take(turn, proposal, level);
        if self.standing.leads() {
            self.append_own(turn);
        }
        let (rows, number) = self.proposals.rows();
        if number > 0 {
            self.flight.start(turn, Completes::proposal(number), rows);
        }
        key
    }

    /// Appends a proposal, where this terminal leads.
    fn append(&mut self, turn: &mut Turn<'_>, proposal: &Numbered) {
        if self.proposals.append(turn, proposal) {
            self.carry_out(turn, None);
        }
    }

    /// Hands the leadership over, as the caller wants or because the disk hangs.
    pub(crate) fn hand_over(&mut self, turn: &mut Turn<'_>, heir: Heir) {
        let (quorum, now) = (&self.quorum, turn.now);
        if self.hand_over.begin(turn, heir, |voter| quorum.reaches(voter, now)) {
            self.carry_out(turn, None);
        }
    }

    /// Everything that raft has ready: rows to the disk, decisions to the caller, messages to the wire.
    fn carry_out(&mut self, turn: &mut Turn<'_>, question: Option<Question>) {
        loop {
            let takes_ms = self.pace.election_ms(turn.voters().len() / 2);
            self.candidacy.set_patience(turn, self.promise.stretch(), takes_ms);
            let Some(Ready { number, mut writes, promise, snapshot, committed, messages, leads }) =
                turn.raft.ready()
            else {
                return;
            };
            let installs = snapshot.as_ref().map(|installed| installed.to);
            if let Some(Installed { from, to, attachment }) = snapshot {
                turn.out.push(Output::Install(attachment));
                turn.out.tell(Notice::SnapshotInstalled { from, to });
                tell_members(turn);
            }
            apply::entries(turn, committed, &mut writes);
            self.proposals.decided(turn.raft.log().decisions().number(turn.config.me), &mut writes);
            turn.raft.log_mut().compact(turn.config.max_log_entries, &mut writes);
            if !writes.is_empty() {
                let (rows, proposal) = self.proposals.rows();
                writes.extend(rows);
                let completes = Completes { number, promise, snapshot: installs, proposal };
                self.flight.start(turn, completes, writes);
            } else if !self.flight.attach(number) {
                turn.raft.persisted(number);
            }
            if !self.flight.installs_snapshot() {
                turn.raft.applied();
            }
            for message in messages {
                self.send(turn, message, leads, question);
            }
        }
    }

    /// Sends what raft says as soon as it may be said. A leader's words depend on its term only: its entries count once a majority
    /// has written them, itself or not. But its own proposals it must know again after a crash.
    fn send(&mut self, turn: &mut Turn<'_>, mut message: Message, leads: bool, question: Option<Question>) {
        match message.body {
            Body::Heartbeat { .. } => self.beat.sent(turn),
            Body::Snapshot(_) => self.snapshots.sent(turn, message.to),
            _ => {}
        }
        message = distrust::worded(turn, message).stamped(turn.now, question);
        message.passive = message.is_acknowledgement() && !turn.config.campaigns;
        self.pace.mark(&mut message);
        let held = message.reaches().is_some_and(|index| self.proposals.holds(index));
        if (leads && !held) || message.needs_promise_only() {
            self.flight.send_behind_promise(turn, message);
        } else {
            self.flight.send_behind_all(turn, message);
        }
    }

    /// Everything that follows from what has changed, in this order: who is believed to lead, then what a leader owes, then what is
    /// told. A step that tells raft something is followed by what raft then has ready.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        // Who leads. A silent leader is given up before this terminal stands in its place.
        if parting::give_up(turn, &mut self.flight) | self.promise.give_up(turn) {
            self.carry_out(turn, None);
        }
        if self.candidacy.stand(turn, self.flight.installs_snapshot()) {
            self.pace.stands();
            self.carry_out(turn, None);
        }
        self.change_role(turn);
        // Whether the majority follows: after the role, since a new leader counts anew.
        self.count_quorum(turn);
        self.resign_unheard(turn);
        // What is asked again: after the count, which knows who is silent.
        self.beat_again(turn);
        self.candidacy.ask_again(turn, self.flight.holds_votes());
        self.snapshots.watch(turn);
        self.carry_out(turn, None);
        // Whether another one should lead.
        if self.flight.stalls(turn) && turn.leads() && turn.voters().len() > 1 {
            self.hand_over(turn, Heir::Best);
        }
        self.pursue_hand_over(turn);
        // Decisions: proposals before members, so that a change of these does not hold up those.
        self.pass_on_proposals(turn);
        self.announce(turn);
        self.tend_members(turn);
        distrust::catch_up(turn, &mut self.flight);
        // Figures last: they tell what holds after the turn.
        self.chronicle.note(turn, self.leader(), self.health(), self.quorum.held());
    }

    fn change_role(&mut self, turn: &mut Turn<'_>) {
        if !self.standing.changes(turn) {
            return;
        }
        self.snapshots.change_role();
        self.beat.change_role(turn);
        if !self.standing.leads() {
            return self.quorum.follow();
        }
        // A leader's first words leave before the parts know that it leads, and ask for what was asked for last.
        let first = self.pace.asked() - turn.config.timing.tick;
        self.pace.leads(turn.now);
        let lease = self.lease_to_ask(turn);
        self.quorum.lead(turn.now, first.min(lease));
        self.quorum.ask_for(turn.now, lease);
        self.proposals.lead(turn);
    }

    /// The lease for what this leader says from here on, less the tick by which a follower's own count may be short.
    fn lease_to_ask(&mut self, turn: &Turn<'_>) -> Duration {
        let near = turn.other_voters().filter(|voter| self.quorum.heard_within(*voter, turn.now, MAX_LEASE));
        self.pace.ask(turn.now, near) - turn.config.timing.tick
    }

    fn count_quorum(&mut self, turn: &mut Turn<'_>) {
        if self.standing.leads() {
            let lease = self.lease_to_ask(turn);
            self.quorum.ask_for(turn.now, lease);
        }
        let following = turn.raft.leader().is_some_and(|leader| leader != turn.config.me);
        self.quorum.update(turn, following);
    }

    /// With ranked elections the next leader is elected at a known time: the old one stops believing in itself before, and not
    /// only at raft's next look.
    fn resign_unheard(&mut self, turn: &mut Turn<'_>) {
        if turn.config.timing.ranked && self.quorum.unheard(turn.now) {
            turn.raft.resign();
            self.carry_out(turn, None);
            self.change_role(turn);
        }
    }

    /// Asks those voters again that have not answered the latest heartbeat, while the majority is missing. Who is connected and does
    /// not belong to the store hears who leads it: it sells, and its events go to the leader.
    fn beat_again(&mut self, turn: &mut Turn<'_>) {
        for mut message in self.beat.greet_guests(turn, self.peers.connected()) {
            self.pace.mark(&mut message);
            self.flight.send_behind_promise(turn, message);
        }
        let Some(asked) = self.beat.due(turn.now) else { return };
        let silent = self.quorum.missing(asked, turn.voters());
        for mut message in self.beat.again(turn, &silent) {
            self.pace.mark(&mut message);
            self.flight.send_behind_promise(turn, message);
        }
    }

    fn pursue_hand_over(&mut self, turn: &mut Turn<'_>) {
        let (quorum, now) = (&self.quorum, turn.now);
        if self.hand_over.pursue(turn, |voter| quorum.reaches(voter, now)) {
            self.carry_out(turn, None);
        }
    }

    fn pass_on_proposals(&mut self, turn: &mut Turn<'_>) {
        let Some(leader) = turn.leader_in_sight(self.flight.promise_durable()) else { return };
        if !self.standing.leads() {
            return self.proposals.pass_on(turn, leader);
        }
        self.append_own(turn);
    }

    fn append_own(&mut self, turn: &mut Turn<'_>) {
        while self.proposals.append_own(turn) {
            self.carry_out(turn, None);
        }
    }

    fn announce(&mut self, turn: &mut Turn<'_>) {
        let leader = turn.leader_in_sight(self.flight.promise_durable());
        if let Some(leader) = leader {
            self.candidacy.led_by(leader.replica);
        }
        self.standing.announce(turn, leader);
    }

    /// Proposes the change of members that is due, on the entitled leader.
    fn tend_members(&mut self, turn: &mut Turn<'_>) {
        if !self.entitled(turn.config.me, turn.raft.term()) {
            return self.tending.rest();
        }
        if turn.raft.changes_members() {
            return;
        }
        if self.tending.hands_over(turn, &self.quorum) {
            self.hand_over(turn, Heir::Best);
        } else if let Some(change) = self.tending.look(turn, &self.quorum, &self.peers) {
            turn.raft.propose_members(change);
            self.carry_out(turn, None);
        }
    }

    /// These members are replaced although they are heard.
    pub(crate) fn replace(&mut self, leaving: impl IntoIterator<Item = ReplicaId>) {
        self.tending.replace(leaving);
    }

    /// The learners whose place another incarnation of their terminal has.
    pub(crate) fn held(&self) -> &[Held] {
        self.tending.held()
    }

    /// When the replica was last heard is so long ago that its successor may take its place, as this leader sees it.
    pub(crate) fn is_silent(&self, config: &Config, replica: ReplicaId, now: Time) -> bool {
        replica != config.me && self.quorum.absent(replica, now, config.successor_after)
    }

    /// The next moment at which something is to be done.
    pub(crate) fn deadline(&self, turn: &Turn<'_>) -> Option<Time> {
        let follows = !self.standing.leads() && turn.raft.leader().is_some();
        let deadlines = [
            self.ticks_left(turn).map(|ticks| self.clock.after(ticks)),
            self.promise.leader_silent_at(turn),
            self.candidacy.deadline(),
            self.quorum.deadline(turn.voters()),
            self.beat.deadline(),
            self.snapshots.deadline(),
            self.flight.deadline(turn),
            self.hand_over.deadline(),
            self.proposals.deadline().filter(|_| follows),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Whether this terminal leads, has heard a majority within the lease, and has not given its leadership away.
    pub(crate) fn entitled(&self, me: ReplicaId, term: u64) -> bool {
        let leads = self.standing.leader().is_some_and(|leader| leader.replica == me);
        leads && self.quorum.held() && !self.hand_over.given_away_in(term)
    }

    /// Until when a majority is known to follow.
    pub(crate) fn proven_until(&self, voters: &[ReplicaId]) -> Option<Time> {
        self.quorum.proven_until(voters)
    }

    pub(crate) fn leader(&self) -> Option<Leader> {
        self.standing.leader()
    }

    pub(crate) fn health(&self) -> Health {
        match (self.quorum.lost(), self.standing.leader()) {
            (Some(lost), _) => {
                Health::Degraded { since: lost.since, reachable: lost.reachable, needed: lost.needed }
            }
            (None, Some(_)) => Health::Normal,
            (None, None) => Health::Leaderless,
        }
    }

    pub(crate) fn pending_proposals(&self) -> usize {
        self.proposals.len()
    }

    pub(crate) fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        self.chronicle.drops()
    }

    pub(crate) fn report(&self, now: Time) -> Report {
        self.chronicle.report(now)
    }
}
