//! The one module that names the crate `raft`: our types go in, our types come out, and its storage is our log.
//!
//! Nothing here decides anything. The calls may panic on what the guard has not foreseen; the election catches that.

mod storage;
mod translate;

use ::raft::{Error, INVALID_ID, ProgressState, RawNode, StateRole};
use edgepos_core::{ReplicaId, Write};

use crate::config::Config;
use crate::entry::{Entry, MAX_TERM};
use crate::error::StartError;
use crate::guard::{Role, View};
use crate::log::Log;
use crate::members::{Members, MembersChange};
use crate::message::{Body, Message};
use crate::rows::Hard;
use crate::ticks::TimerTicks;

use storage::Disk;
use translate::{Frame, change_to_raft, entry_from_raft, snapshot_from_raft, to_raft};

/// Bytes of entries in one message, as protobuf counts them; ours are a little longer.
const MAX_APPEND_BYTES: u64 = 512 * 1024;
/// Messages of entries on their way to one follower.
const MAX_INFLIGHT: usize = 64;
/// Bytes of decided entries handed out at once.
const MAX_APPLY_BYTES: u64 = 1024 * 1024;

/// A snapshot that took the place of the log.
#[derive(Debug)]
pub(crate) struct Installed {
    /// The index applied before.
    pub(crate) from: u64,
    /// The index that it goes up to.
    pub(crate) to: u64,
    /// What the application of its sender keeps of the decisions up to there.
    pub(crate) attachment: Option<Vec<u8>>,
}

/// What raft has for the world after a step.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) number: u64,
    /// Rows that make the batch durable; the log in memory has them already.
    pub(crate) writes: Vec<Write>,
    /// Whether they hold a term or a vote.
    pub(crate) promise: bool,
    /// Installed from another terminal: the index before and after.
    pub(crate) snapshot: Option<Installed>,
    pub(crate) committed: Vec<Entry>,
    pub(crate) messages: Vec<Message>,
    /// The messages are a leader's: they depend on the term only.
    pub(crate) leads: bool,
}

/// Raft with our log below it.
pub(crate) struct Core {
    node: RawNode<Disk>,
    frame: Frame,
}

impl Core {
    pub(crate) fn new(config: &Config, log: Log) -> Result<Self, StartError> {
        let ticks = TimerTicks::new(&config.timing);
        let (hard, applied) = (log.hard(), log.applied());
        let settings = ::raft::Config {
            id: config.me.0,
            election_tick: ticks.lease,
            heartbeat_tick: ticks.heartbeat,
            min_election_tick: ticks.election_min,
            max_election_tick: ticks.patience_limit() + 1,
            applied,
            max_size_per_msg: MAX_APPEND_BYTES,
            max_inflight_msgs: MAX_INFLIGHT,
            check_quorum: true,
            pre_vote: true,
            max_uncommitted_size: config.max_uncommitted_bytes,
            max_committed_size_per_ready: MAX_APPLY_BYTES,
            ..::raft::Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let refused = |error: Error| StartError::Refused { reason: error.to_string() };
        let node = RawNode::new(&settings, Disk::new(log), &logger).map_err(refused)?;
        debug_assert_eq!(node.raft.term, hard.term);
        Ok(Self { node, frame: Frame::new(config) })
    }

    pub(crate) fn log(&self) -> &Log {
        self.node.store().log()
    }

    pub(crate) fn log_mut(&mut self) -> &mut Log {
        self.node.mut_store().log_mut()
    }

    pub(crate) fn term(&self) -> u64 {
        self.node.raft.term
    }

    pub(crate) fn role(&self) -> Role {
        match self.node.raft.state {
            StateRole::Follower => Role::Follower,
            StateRole::PreCandidate => Role::PreCandidate,
            StateRole::Candidate => Role::Candidate,
            StateRole::Leader => Role::Leader,
        }
    }

    pub(crate) fn leader(&self) -> Option<ReplicaId> {
        let id = self.node.raft.leader_id;
        (id != INVALID_ID).then_some(ReplicaId(id))
    }

    /// Whether a hand-over of the leadership is under way.
    pub(crate) fn hands_over(&self) -> bool {
        self.node.raft.lead_transferee.is_some()
    }

    /// Whether this terminal may stand for election.
    pub(crate) fn votes(&self) -> bool {
        self.node.raft.promotable()
    }

    pub(crate) fn view(&self, votes_held: bool) -> View {
        View {
            me: self.frame.me(),
            term: self.term(),
            role: self.role(),
            leader: self.leader(),
            last: self.node.raft.raft_log.last_index(),
            votes_held,
        }
    }

    /// Ticks since the leader was heard, or since the last timeout.
    pub(crate) fn silence(&self) -> usize {
        self.node.raft.election_elapsed
    }

    /// Ticks of silence after which this terminal stands for election.
    pub(crate) fn patience(&self) -> usize {
        self.node.raft.randomized_election_timeout()
    }

    /// Whether a leader's next tick is the one that counts the majority.
    pub(crate) fn counts_next(&self) -> bool {
        self.node.raft.election_elapsed + 1 >= self.node.raft.election_timeout()
    }

    /// Lets a leader go on although raft has not counted a majority since its last look: the election counts by itself, and knows
    /// how far the voters are.
    pub(crate) fn excuse(&mut self) {
        for (_, progress) in self.node.raft.mut_prs().iter_mut() {
            progress.recent_active = true;
        }
    }

    pub(crate) fn set_patience(&mut self, ticks: usize) {
        self.node.raft.set_randomized_election_timeout(ticks);
    }

    /// Ticks until a leader's next duty.
    pub(crate) fn leader_ticks(&self) -> usize {
        let raft = &self.node.raft;
        let heartbeat = raft.heartbeat_timeout().saturating_sub(raft.heartbeat_elapsed());
        heartbeat.min(raft.election_timeout().saturating_sub(raft.election_elapsed)).max(1)
    }

    pub(crate) fn tick(&mut self) {
        self.node.tick();
    }

    /// `false` when raft does not take it, which is no harm.
    pub(crate) fn step(&mut self, message: Message) -> bool {
        self.node.step(to_raft(message)).is_ok()
    }

    pub(crate) fn campaign(&mut self) {
        // An error says that nothing happened: the next timeout tries again.
        let _ = self.node.campaign();
    }

    /// The index of the entry; `None` when this terminal cannot append at this moment.
    pub(crate) fn propose(&mut self, payload: Vec<u8>) -> Option<u64> {
        self.node.propose(Vec::new(), payload).ok()?;
        Some(self.node.raft.raft_log.last_index())
    }

    /// Whether a change of members is in the log and not applied, or may be.
    pub(crate) fn changes_members(&self) -> bool {
        self.node.raft.has_pending_conf()
    }

    /// `false` when this terminal cannot append at this moment.
    pub(crate) fn propose_members(&mut self, change: MembersChange) -> bool {
        self.node.propose_conf_change(Vec::new(), change_to_raft(change)).is_ok()
    }

    /// Makes a decided change take effect; `false` when it is impossible by now, which is so on every terminal.
    pub(crate) fn apply_members(&mut self, change: MembersChange, writes: &mut Vec<Write>) -> bool {
        let Ok(state) = self.node.apply_conf_change(&change_to_raft(change)) else { return false };
        let sorted = |ids: &[u64]| {
            let mut replicas: Vec<_> = ids.iter().map(|id| ReplicaId(*id)).collect();
            replicas.sort_unstable();
            replicas
        };
        let members =
            Members { voters: sorted(&state.voters), learners: sorted(&state.learners), retired: vec![] };
        let members = members.following(self.log().members(), change);
        self.log_mut().set_members(members, writes);
        true
    }

    /// Says again that the follower shall take over, if it has the whole log. Raft says it once.
    pub(crate) fn take_over_again(&mut self, replica: ReplicaId) {
        if self.matched(replica) == self.node.raft.raft_log.last_index() {
            self.node.raft.send_timeout_now(replica.0);
        }
    }

    /// Forgets who leads, so that this terminal grants votes within the lease of a leader that is known to be gone.
    pub(crate) fn forget_leader(&mut self) {
        self.node.raft.leader_id = INVALID_ID;
    }

    /// Stops leading, in the same term.
    pub(crate) fn resign(&mut self) {
        let term = self.node.raft.term;
        self.node.raft.become_follower(term, INVALID_ID);
    }

    /// Goes on in a term in which nobody can have been given a vote; those before may be promised.
    pub(crate) fn leave_terms_up_to(&mut self, term: u64) {
        self.node.raft.become_follower(term.min(MAX_TERM - 1), INVALID_ID);
    }

    /// Gives no vote in this term nor in those before, other than the one that is on record.
    pub(crate) fn vote_for_nobody_up_to(&mut self, term: u64) {
        let raft = &mut self.node.raft;
        if raft.term < term {
            raft.become_follower(term, INVALID_ID);
        }
        // One's own vote, with which nothing is won: only a candidate counts it.
        if raft.term == term && raft.vote == INVALID_ID {
            raft.vote = raft.id;
        }
    }

    /// Who is about to win an election goes to a later term first: as a candidate it then stands in the one behind it.
    pub(crate) fn raise(&mut self, term: u64) {
        let raft = &mut self.node.raft;
        if raft.term < term {
            (raft.term, raft.vote) = (term.min(MAX_TERM - 1), raft.id);
        }
    }

    /// Drops the entries from there on and follows nobody; every write must be durable. The rows that make it so, none where raft does not
    /// take it.
    pub(crate) fn cut(&mut self, config: &Config, index: u64, term: u64) -> Option<Vec<Write>> {
        let mut log = self.log().clone();
        let writes = log.cut(config.me, index, term);
        *self = Self::new(config, log).ok()?;
        Some(writes)
    }

    /// Whether the leader was heard so lately that nobody else is given a vote.
    pub(crate) fn is_promised(&self) -> bool {
        let raft = &self.node.raft;
        raft.leader_id != INVALID_ID && raft.election_elapsed < raft.election_timeout()
    }

    pub(crate) fn transfer_to(&mut self, replica: ReplicaId) {
        self.node.transfer_leader(replica.0);
    }

    pub(crate) fn unreachable(&mut self, replica: ReplicaId) {
        self.node.report_unreachable(replica.0);
    }

    /// Up to which index the follower has our log.
    pub(crate) fn matched(&self, replica: ReplicaId) -> u64 {
        self.node.raft.prs().get(replica.0).map_or(0, |progress| progress.matched)
    }

    /// Whether the follower waits for a snapshot that was sent.
    pub(crate) fn awaits_snapshot(&self, replica: ReplicaId) -> bool {
        let progress = self.node.raft.prs().get(replica.0);
        progress.is_some_and(|progress| progress.state == ProgressState::Snapshot)
    }

    /// The snapshot seems lost: tries again with the next answer of the follower.
    pub(crate) fn snapshot_lost(&mut self, replica: ReplicaId) {
        self.node.report_snapshot(replica.0, ::raft::SnapshotStatus::Failure);
    }

    /// A heartbeat to one voter, besides raft's own.
    pub(crate) fn heartbeat(&self, to: ReplicaId) -> Message {
        let commit = self.matched(to).min(self.node.raft.raft_log.committed);
        self.frame.message(to, self.term(), Body::Heartbeat { commit })
    }

    /// A request to vote again, for a voter that has not answered; `None` when it has, or when nobody stands.
    pub(crate) fn vote_again(&self, to: ReplicaId, transfer: bool) -> Option<Message> {
        let raft = &self.node.raft;
        let (pre, term) = match raft.state {
            StateRole::PreCandidate => (true, raft.term + 1),
            StateRole::Candidate => (false, raft.term),
            StateRole::Follower | StateRole::Leader => return None,
        };
        if raft.prs().votes().contains_key(&to.0) {
            return None;
        }
        let (commit, commit_term) = raft.raft_log.commit_info();
        let (index, log_term) = (raft.raft_log.last_index(), raft.raft_log.last_term());
        let body = Body::Vote { pre, transfer, index, log_term, commit, commit_term };
        Some(self.frame.message(to, term, body))
    }

    /// A message of this terminal that raft knows nothing of.
    pub(crate) fn message(&self, to: ReplicaId, body: Body) -> Message {
        self.frame.message(to, self.term(), body)
    }

    /// The next batch, its entries in the log already.
    pub(crate) fn ready(&mut self) -> Option<Ready> {
        if !self.node.has_ready() {
            return None;
        }
        let mut ready = self.node.ready();
        let leads = self.node.raft.state == StateRole::Leader;
        let mut writes = Vec::new();
        let before = self.log().hard();
        let mut snapshot = None;
        if !ready.snapshot().is_empty() {
            let from = self.log().applied();
            let received = snapshot_from_raft(ready.snapshot());
            snapshot = Some(Installed { from, to: received.index, attachment: received.attachment.clone() });
            self.log_mut().install(received, &mut writes);
        }
        let entries = ready.take_entries().into_iter().map(entry_from_raft).collect();
        self.log_mut().append(entries, &mut writes);
        let mut promise = false;
        if let Some(hard) = ready.hs() {
            let hard = Hard { term: hard.term, vote: hard.vote, commit: hard.commit };
            promise = hard.term != before.term || hard.vote != before.vote;
            self.log_mut().set_hard(hard, &mut writes);
        }
        let committed = ready.take_committed_entries().into_iter().map(entry_from_raft).collect();
        let mut messages = ready.take_messages();
        messages.extend(ready.take_persisted_messages());
        // Raft walks a hash map of its peers: the order must not depend on the platform's word size.
        messages.sort_by_key(|message| message.to);
        let messages = messages.into_iter().filter_map(|message| self.frame.outgoing(message)).collect();
        let number = ready.number();
        self.node.advance_append_async(ready);
        Some(Ready { number, writes, promise, snapshot, committed, messages, leads })
    }

    /// Breaks a promise of raft's, so that it panics.
    #[cfg(any(test, feature = "poison"))]
    pub(crate) fn poison(&mut self) {
        self.node.raft.raft_log.commit_to(u64::MAX);
    }

    /// All batches up to this one are durable.
    pub(crate) fn persisted(&mut self, number: u64) {
        self.node.on_persist_ready(number);
    }

    /// Everything handed out so far is applied.
    pub(crate) fn applied(&mut self) {
        self.node.advance_apply();
    }
}
