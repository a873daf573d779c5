//! What a part of the election is lent while it acts.

use edgepos_core::{ReplicaId, Term, Time};

use crate::config::Config;
use crate::guard::Role;
use crate::io::{Leader, Notice};
use crate::outputs::Outputs;
use crate::raft::Core;

/// One turn: the time, the configuration, raft, and where the duties go. A part keeps its own state, and nothing of this beyond the
/// call. A part that told raft something says so, and its parent takes what raft has ready before the next part acts.
pub(crate) struct Turn<'t> {
    pub(crate) now: Time,
    pub(crate) config: &'t Config,
    pub(crate) raft: &'t mut Core,
    pub(crate) out: &'t mut Outputs,
}

impl Turn<'_> {
    pub(crate) fn leads(&self) -> bool {
        self.raft.role() == Role::Leader
    }

    pub(crate) fn voters(&self) -> &[ReplicaId] {
        &self.raft.log().members().voters
    }

    pub(crate) fn other_voters(&self) -> impl Iterator<Item = ReplicaId> {
        self.voters().iter().copied().filter(|voter| *voter != self.config.me)
    }

    /// Whether this terminal may stand for election: a voter that is meant to lead, has its whole log, as far as is known, and knows the
    /// rules by which the store decides.
    pub(crate) fn may_stand(&self) -> bool {
        let log = self.raft.log();
        let fit = self.raft.votes() && self.config.campaigns && !log.is_lost() && !log.is_beyond();
        fit && log.may_help(self.config.me, log.position(log.last()))
    }

    /// How many voters come before this one when `leader` is left out.
    pub(crate) fn rank(&self, leader: ReplicaId) -> usize {
        self.voters().iter().filter(|voter| **voter < self.config.me && **voter != leader).count()
    }

    /// Who leads by raft's word, once it may be told: a leader of one voter is not before its term is durable, since it could lead
    /// in the same term again after a crash.
    pub(crate) fn leader_in_sight(&self, promise_durable: bool) -> Option<Leader> {
        let leader = self.raft.leader().filter(|leader| *leader != self.config.me || promise_durable);
        leader.map(|replica| Leader { replica, term: Term(self.raft.term()) })
    }
}

/// Tells who belongs to the store.
pub(crate) fn tell_members(turn: &mut Turn<'_>) {
    let members = turn.raft.log().members();
    let (voters, learners) = (members.voters.clone(), members.learners.clone());
    turn.out.tell(Notice::MembersChanged { voters, learners });
}
