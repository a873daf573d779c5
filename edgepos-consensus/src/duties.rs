//! What the election does by itself: it moves raft's batches to the disk and the wire, and keeps its timers.

use core::time::Duration;

use edgepos_core::{Persist, ReplicaId, Term, Time, Write};

use crate::election::Election;
use crate::entry::{Entry, Proposal};
use crate::guard::Role;
use crate::io::{Decision, Event, Mode, Output};
use crate::members::MembersChange;
use crate::message::{Body, Message};
use crate::pace::MAX_LEASE;
use crate::quorum::Change;
use crate::raft::Batch;
use crate::snapshot::MAX_PROPOSERS;

impl Election {
    /// Takes everything that raft has ready.
    pub(crate) fn drain(&mut self) {
        loop {
            self.draw_patience();
            let Some(batch) = self.core.ready() else { return };
            self.carry_out(batch);
        }
    }

    /// Raft draws its own timeout from the thread's random numbers: it is overwritten before the next tick can read it.
    fn draw_patience(&mut self) {
        let term = self.core.term();
        if self.attempt.0 != term {
            self.attempt = (term, 0);
        }
        let me = self.config.me;
        let ticks = match self.last_leader.filter(|leader| self.config.timing.ranked && *leader != me) {
            Some(leader) => self.timers.slot(self.rank(leader), self.voters().len().saturating_sub(1)),
            None => self.timers.draw(self.config.seed, me, term, self.attempt.1),
        };
        let ticks = (ticks + self.further_patience()).min(self.timers.patience_limit());
        if self.core.patience() != ticks {
            self.core.set_patience(ticks);
        }
    }

    /// Ticks to wait in addition, because the others are far or the disks are slow: as long as this terminal's vote is promised,
    /// and, without a leader, until votes can be there. A draw within the configured range does not keep candidates apart that
    /// need longer than that for asking, so each rank waits for the ones before it.
    fn further_patience(&self) -> usize {
        let timing = &self.config.timing;
        let mut further = self.pace.stretch().as_millis();
        if self.core.leader().is_none() {
            let takes = u128::from(self.pace.election_ms(self.voters().len() / 2));
            if takes > (timing.election_max - timing.election_min).as_millis() / 8 {
                let rank = self.rank(self.last_leader.unwrap_or(self.config.me)) as u128;
                further += 2 * takes * (1 + rank);
            }
        }
        further.div_ceil(timing.tick.as_millis()) as usize
    }

    fn carry_out(&mut self, batch: Batch) {
        let Batch { number, mut writes, promise, snapshot, committed, messages, leads } = batch;
        if let Some((from, to)) = snapshot {
            let decided = self.core.log().decided(self.config.me);
            self.proposals.decided(decided);
            self.outputs.push_back(Output::Event(Event::SnapshotInstalled { from, to }));
            let (voters, learners) = (self.voters().to_vec(), self.learners().to_vec());
            self.outputs.push_back(Output::Event(Event::MembersChanged { voters, learners }));
        }
        self.apply(committed, &mut writes);
        self.compact(&mut writes);
        if !writes.is_empty() {
            let id = self.flight.start(number, promise, snapshot.map(|(_, to)| to), self.now);
            self.outputs.push_back(Output::Persist(Persist { id, writes }));
        } else if !self.flight.attach(number) {
            self.core.persisted(number);
        }
        if !self.flight.installs_snapshot() {
            self.core.applied();
        }
        for message in messages {
            self.send(message, leads);
        }
    }

    /// Hands out each decision once: the one after the replica's last is the only one that counts. The table of these numbers is
    /// part of the replicated state, so that every terminal skips the same entries.
    fn apply(&mut self, committed: Vec<Entry>, writes: &mut Vec<Write>) {
        let Some(last) = committed.last().map(|entry| entry.index) else { return };
        for entry in committed {
            if let Some(change) = entry.members_change() {
                self.apply_members(change, writes);
                continue;
            }
            let Some(Proposal { key, kind, base, bytes }) = entry.proposal() else { continue };
            let log = self.core.log_mut();
            let decided = log.decided(key.replica);
            let room = (decided > 0 || log.proposers() < MAX_PROPOSERS) && log.takes_kind(kind);
            if key.number != decided.saturating_add(1) || !room {
                continue;
            }
            log.set_decided(key.replica, key.number, writes);
            if key.replica == self.config.me {
                self.proposals.decided(key.number);
            }
            let (index, term) = (entry.index, Term(entry.term));
            let current = self.core.log().version(kind);
            if let Some(base) = base.filter(|base| *base < current) {
                self.outputs.push_back(Output::Event(Event::ProposalRefused { key, kind, base, current }));
                continue;
            }
            self.core.log_mut().set_version(kind, index, writes);
            self.outputs.push_back(Output::Apply(Decision { index, term, key, kind, bytes }));
        }
        self.core.log_mut().set_applied(last, writes);
    }

    fn apply_members(&mut self, change: MembersChange, writes: &mut Vec<Write>) {
        let Some(members) = self.core.apply_members(change) else { return };
        let (voters, learners) = (members.voters.clone(), members.learners.clone());
        self.core.log_mut().set_members(members, writes);
        self.outputs.push_back(Output::Event(Event::MembersChanged { voters, learners }));
        self.leave_if_removed();
    }

    fn compact(&mut self, writes: &mut Vec<Write>) {
        let limit = self.config.max_log_entries as usize;
        let log = self.core.log_mut();
        if log.len() > limit {
            let keep = limit as u64 / 2;
            log.compact(log.applied().saturating_sub(keep), writes);
        }
    }

    /// Sends what raft says as soon as it may be said. A leader's words depend on its term only: its entries count once a majority
    /// has written them, itself or not. So does the answer to a heartbeat, which a slow disk must not silence.
    fn send(&mut self, mut message: Message, leads: bool) {
        let (to, now) = (message.to, self.now);
        let mut promise_only = leads;
        match message.body {
            Body::Heartbeat { .. } => {
                self.beat = Some((now, Some(now + self.beat_again_after())));
                message.stamp = now.0 + 1;
            }
            Body::Append { .. } | Body::Vote { .. } => message.stamp = now.0 + 1,
            Body::Snapshot(_) => {
                message.stamp = now.0 + 1;
                self.snapshots.insert(to, now + 2 * self.config.timing.election_max);
            }
            Body::AppendReply { .. } | Body::HeartbeatReply { .. } | Body::VoteReply { .. } => {
                message.stamp = self.echo.filter(|(from, _)| *from == to).map_or(0, |(_, stamp)| stamp);
                promise_only |= matches!(message.body, Body::HeartbeatReply { .. });
                message.passive = message.is_acknowledgement() && !self.config.campaigns;
            }
            Body::TimeoutNow | Body::Propose(_) => {}
        }
        self.mark_lease(&mut message);
        let held = match promise_only {
            true => self.flight.hold_behind_promise(message),
            false => self.flight.hold_behind_all(message),
        };
        self.outputs.extend(held.map(Output::Transmit));
    }

    /// Says on a leader's message for how long it counts on the answer, where that is longer than configured.
    fn mark_lease(&self, message: &mut Message) {
        let asked = self.pace.asked();
        if message.is_leaders() && asked > self.config.timing.lease {
            message.lease_ms = asked.as_millis() as u64;
        }
    }

    /// Appends a proposal to the log if this terminal leads and it is the next of its replica. `false` when it has to wait.
    pub(crate) fn append(&mut self, proposal: &Proposal) -> bool {
        let log = self.core.log();
        let decided = log.decided(proposal.key.replica);
        let room = (decided > 0 || log.proposers() < MAX_PROPOSERS) && log.takes_kind(proposal.kind);
        if !room || !self.proposals.fits(proposal) || !self.proposals.is_next(proposal.key, decided) {
            return false;
        }
        if !self.core.propose(proposal.encode()) {
            return false;
        }
        self.proposals.append(proposal.key);
        self.drain();
        true
    }

    /// Brings time up to `now`: the ticks that have passed, each with its consequences.
    pub(crate) fn advance(&mut self, now: Time) {
        let now = now.max(self.now);
        let pause = now.since(self.now);
        self.now = now;
        if self.core.role() == Role::Leader && self.voters().len() > 1 && pause > self.config.timing.lease {
            // The process was stopped: others may have elected a leader, and old answers may wait in the sockets.
            self.clock.skip(now);
            self.core.resign();
            return self.drain();
        }
        let Some(left) = self.ticks_left() else { return self.clock.skip(now) };
        let mut ticks = self.clock.take(now);
        if ticks > self.timers.lease {
            // After a long sleep one timeout is news enough; the ones behind it would be elections that nobody could answer.
            self.clock.skip(now);
            ticks = ticks.min(left);
        }
        for _ in 0..ticks {
            self.tick();
        }
    }

    fn tick(&mut self) {
        let role = self.core.role();
        if role != Role::Leader && self.core.votes() && self.core.silence() + 1 >= self.core.patience() {
            self.attempt.1 = self.attempt.1.saturating_add(1);
            self.pace.stands();
        }
        let expects = self.quorum.leads_since().is_some_and(|since| self.now < since + self.pace.asked());
        if role == Role::Leader && self.core.counts_next() && (self.quorum.held() || expects) {
            self.core.excuse();
        }
        self.core.tick();
        self.drain();
    }

    /// Ticks until something happens; `None` while time must not pass for raft, or does not matter to it.
    fn ticks_left(&self) -> Option<usize> {
        if self.core.role() == Role::Leader {
            return Some(self.core.leader_ticks());
        }
        let alone = self.voters().len() == 1;
        if self.flight.installs_snapshot() || (alone && !self.flight.is_empty()) {
            // A lone voter is elected in the same step in which it stands, which raft allows with a durable log only.
            return None;
        }
        self.may_stand().then(|| self.core.patience().saturating_sub(self.core.silence()).max(1))
    }

    /// The next moment at which something is to be done.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let ticks = self.ticks_left().map(|ticks| self.clock.after(ticks));
        let again = self.beat.and_then(|(_, again)| again);
        let follows = self.leads_in.is_none() && self.core.leader().is_some();
        let deadlines = [
            ticks,
            again,
            self.silent_leader_at(),
            self.quorum.deadline(self.voters()),
            self.peers.deadline(),
            self.proposals.deadline().filter(|_| follows),
            self.resend_votes.map(|(at, _)| at),
            self.stalls_at(),
            self.hand_over.as_ref().map(|hand_over| hand_over.at),
            self.snapshots.values().min().copied(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// After every call: everything that follows from what has changed.
    pub(crate) fn settle(&mut self) {
        self.forget_silent_leader();
        self.stand();
        self.change_role();
        self.count_quorum();
        self.resign_unheard();
        self.ask_again();
        self.watch_snapshots();
        self.watch_disk();
        self.pursue_hand_over();
        self.pass_on_proposals();
        self.announce();
        self.tend_members();
        self.chronicle();
    }

    fn chronicle(&mut self) {
        if let Some(leader) = self.leader() {
            if leader.replica == self.config.me && self.quorum.held() {
                self.chronicle.heard(leader.replica, self.now);
            }
            self.chronicle.leads(leader, self.now);
        }
        self.chronicle.quorum(self.mode() == Mode::Normal, self.now);
    }

    /// Raft forgets a silent leader by standing for election, which a learner never does.
    fn forget_silent_leader(&mut self) {
        let overdue = self.silent_leader_at().is_some_and(|at| self.now >= at);
        if overdue {
            self.core.forget_leader();
            self.drain();
        }
    }

    /// Whether this terminal may stand for election: a voter that is meant to lead and has its whole log.
    pub(crate) fn may_stand(&self) -> bool {
        self.core.votes() && self.config.campaigns && !self.log_lost
    }

    /// When a terminal that does not stand for election gives up its leader.
    fn silent_leader_at(&self) -> Option<Time> {
        self.core.leader().filter(|leader| !self.may_stand() && *leader != self.config.me)?;
        // Raft lets a voter refuse others for one lease; it does not count on while this one is not ticked.
        let patience = match self.core.votes() {
            true => self.config.timing.lease + self.pace.stretch(),
            false => self.config.timing.election_max,
        };
        Some(self.leader_heard + patience)
    }

    fn stand(&mut self) {
        let leaderless = self.core.leader().is_none() && self.core.role() == Role::Follower;
        let due = self.peers.stands(self.now, self.core.term(), leaderless);
        if !due || !self.may_stand() || self.flight.installs_snapshot() {
            return;
        }
        let stagger = self.config.timing.peer_lost_stagger;
        if self.courted.take().is_some_and(|at| self.now.since(at) <= stagger) {
            // Another one heard of it earlier and asks already: two that stand at once split the votes.
            return self.peers.stand_later(self.now, stagger, 2, self.core.term());
        }
        self.attempt.1 = self.attempt.1.saturating_add(1);
        self.pace.stands();
        self.bereft_in = Some(self.core.term());
        self.core.campaign();
        self.drain();
    }

    fn change_role(&mut self) {
        let leads_in = (self.core.role() == Role::Leader).then(|| self.core.term());
        if leads_in == self.leads_in {
            return;
        }
        self.leads_in = leads_in;
        self.snapshots.clear();
        self.beat = None;
        if leads_in.is_none() {
            return self.quorum.follow();
        }
        self.pace.leads(self.now);
        let lease = self.lease_to_ask();
        self.quorum.lead(self.now, lease);
        if self.config.lossy_transport {
            // The first entry proves the majority; a lost one shall not wait for the next heartbeat.
            self.beat = Some((self.now, Some(self.now + self.soon())));
        }
        let log = self.core.log();
        let tail = log.range(log.applied() + 1, log.last() + 1).filter_map(Entry::proposal);
        // Later entries win: numbers in the log rise for each replica, or do not count.
        self.proposals.lead(tail.map(|proposal| (proposal.key.replica, proposal.key.number)).collect());
    }

    /// The lease for what this leader says from here on, less the tick by which a follower's own count may be short.
    fn lease_to_ask(&mut self) -> Duration {
        let me = self.config.me;
        let voters = self.core.log().members().voters.iter().copied();
        let (quorum, now) = (&self.quorum, self.now);
        let near = voters.filter(|voter| *voter != me && now.since(quorum.heard_at(*voter)) < MAX_LEASE);
        self.pace.ask(now, near) - self.config.timing.tick
    }

    /// How long after a heartbeat to ask the silent ones again. On a stream once, since it is late and not lost.
    fn beat_again_after(&self) -> Duration {
        self.config.timing.heartbeat / if self.config.lossy_transport { 4 } else { 2 }
    }

    /// About a round trip on the shop's network (a mean of 6 ms): when to repeat what was probably lost.
    pub(crate) fn soon(&self) -> Duration {
        let timing = &self.config.timing;
        (timing.peer_lost_stagger / 2).max(Duration::from_millis(5))
    }

    fn count_quorum(&mut self) {
        if self.leads_in.is_some() {
            let lease = self.lease_to_ask();
            self.quorum.ask_for(self.now, lease);
        }
        let following = self.core.leader().is_some_and(|leader| leader != self.config.me);
        let voters = &self.core.log().members().voters;
        let event = match self.quorum.update(self.now, voters, following) {
            Some(Change::Lost(lost)) => {
                Event::QuorumLost { since: lost.since, reachable: lost.reachable, needed: lost.needed }
            }
            Some(Change::Regained) => Event::QuorumRegained,
            None => return,
        };
        self.outputs.push_back(Output::Event(event));
    }

    /// With ranked elections the next leader is elected at a known time: the old one stops believing in itself before, and not
    /// only at raft's next look.
    fn resign_unheard(&mut self) {
        if self.config.timing.ranked && self.quorum.unheard(self.now) {
            self.core.resign();
            self.drain();
            self.change_role();
        }
    }

    /// Asks those again that have not answered: voters the latest heartbeat, while the majority is missing, and for their votes
    /// where the transport loses messages.
    fn ask_again(&mut self) {
        let now = self.now;
        if let Some((asked, Some(at))) = self.beat
            && now >= at
        {
            let missing = self.quorum.missing(asked, self.voters());
            let again = self.config.lossy_transport && !missing.is_empty();
            self.beat = Some((asked, again.then(|| now + self.beat_again_after())));
            for voter in missing {
                let mut message = self.core.heartbeat(voter);
                message.stamp = now.0 + 1;
                self.mark_lease(&mut message);
                self.outputs.extend(self.flight.hold_behind_promise(message).map(Output::Transmit));
            }
        }
        self.ask_for_votes_again();
    }

    /// How long after asking for votes to ask again; `None` for never.
    fn vote_again_after(&self) -> Option<Duration> {
        let term = self.core.term();
        let bereft = self.bereft_in.is_some_and(|lost_in| lost_in == term || lost_in + 1 == term);
        if self.ordered_in == Some(term) && self.config.lossy_transport || bereft {
            // Who has not heard yet that the leader is gone gives no answer, and is asked again, also on a stream.
            return Some(self.soon());
        }
        self.config.timing.vote_resend.filter(|_| self.config.lossy_transport)
    }

    fn ask_for_votes_again(&mut self) {
        let now = self.now;
        let stands = matches!(self.core.role(), Role::PreCandidate | Role::Candidate);
        let Some(first) = self.vote_again_after().filter(|_| stands) else {
            self.resend_votes = None;
            return;
        };
        let (due, after) = *self.resend_votes.get_or_insert((now + first, first));
        if now < due {
            return;
        }
        let after = match self.config.lossy_transport {
            true => after,
            false => (2 * after).min(self.config.timing.heartbeat),
        };
        self.resend_votes = Some((now + after, after));
        let ordered = self.ordered_in == Some(self.core.term());
        if self.flight.holds_votes() {
            return;
        }
        let others: Vec<ReplicaId> =
            self.voters().iter().filter(|voter| **voter != self.config.me).copied().collect();
        // The first request has left: what it depends on is durable.
        for mut message in others.into_iter().filter_map(|voter| self.core.vote_again(voter, ordered)) {
            message.stamp = now.0 + 1;
            self.outputs.push_back(Output::Transmit(message));
        }
    }

    /// Raft waits for ever for the answer to a snapshot.
    fn watch_snapshots(&mut self) {
        let now = self.now;
        let core = &mut self.core;
        self.snapshots.retain(|replica, until| {
            let waits = core.awaits_snapshot(*replica);
            if waits && now >= *until {
                core.snapshot_lost(*replica);
            }
            waits && now < *until
        });
        self.drain();
    }

    /// A leader whose disk hangs applies nothing and uploads nothing, though its followers decide: another one leads better.
    fn watch_disk(&mut self) {
        let Some(since) = self.flight.oldest().filter(|_| self.stalls_at().is_some_and(|at| self.now >= at))
        else {
            return;
        };
        self.stall_told = true;
        self.outputs.push_back(Output::Event(Event::DiskStalled { since }));
        if self.core.role() == Role::Leader && self.voters().len() > 1 {
            self.hand_over();
        }
    }

    fn stalls_at(&self) -> Option<Time> {
        let oldest = self.flight.oldest().filter(|_| !self.stall_told)?;
        Some(oldest + self.config.disk_stall_after)
    }

    fn pass_on_proposals(&mut self) {
        let Some(leader) = self.leader_in_sight() else { return };
        if self.leads_in.is_none() {
            if let Some(batch) = self.proposals.batch(self.now, leader) {
                let message = self.core.message(leader.replica, Body::Propose(batch));
                self.outputs.push_back(Output::Transmit(message));
            }
            return;
        }
        let decided = self.core.log().decided(self.config.me);
        let waiting = |proposals: &crate::proposals::Proposals| {
            proposals.pending().find(|proposal| proposals.is_next(proposal.key, decided)).cloned()
        };
        while let Some(next) = waiting(&self.proposals) {
            if !self.append(&next) {
                return;
            }
        }
    }
}
