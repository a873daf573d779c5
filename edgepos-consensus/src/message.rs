//! What terminals say to each other.

use edgepos_core::{ReplicaId, StoreGeneration, StoreId, Term, Time};

use crate::entry::{Entry, Numbered};
use crate::snapshot::Snapshot;

/// One message between two terminals of a store. It is made by an [`Election`](crate::Election) and read by another; in between it is
/// bytes ([`encode`](Self::encode), [`decode`](Self::decode)). It may be lost, repeated, late or out of order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub(crate) store: StoreId,
    pub(crate) generation: StoreGeneration,
    pub(crate) from: ReplicaId,
    pub(crate) to: ReplicaId,
    pub(crate) term: u64,
    /// On a question when it was made, on its sender's own clock; on an answer what the question carried. 0 for none.
    pub(crate) stamp: u64,
    /// On a leader's message: for how long its receiver shall vote for no other, in milliseconds. 0 for the configured lease.
    pub(crate) lease_ms: u64,
    /// On an answer to a leader: its sender votes and never leads, so that the leadership is not offered to it.
    pub(crate) passive: bool,
    pub(crate) body: Body,
}

/// The kinds. Each has its fields and no others, so that no check is needed for what cannot be said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Body {
    Append { index: u64, log_term: u64, commit: u64, entries: Vec<Entry> },
    AppendReply { index: u64, commit: u64, reject: Option<Hint> },
    Vote { pre: bool, transfer: bool, index: u64, log_term: u64, commit: u64, commit_term: u64 },
    VoteReply { pre: bool, reject: bool, commit: u64, commit_term: u64 },
    Heartbeat { commit: u64 },
    HeartbeatReply { commit: u64 },
    Snapshot(Box<Snapshot>),
    TimeoutNow,
    Propose(Vec<Numbered>),
}

/// Where a follower that refused entries suggests to try next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hint {
    pub(crate) index: u64,
    pub(crate) log_term: u64,
}

/// Whose message is being answered, and when that was sent, on its sender's own clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Question {
    from: ReplicaId,
    stamp: u64,
}

impl Message {
    /// Who sent it. A transport that authenticates compares this with whom it authenticated.
    pub fn from(&self) -> ReplicaId {
        self.from
    }

    /// Whom it is for.
    pub fn to(&self) -> ReplicaId {
        self.to
    }

    /// The sender's term, or the one it stands for.
    pub fn term(&self) -> Term {
        Term(self.term)
    }

    /// Whether it is the leader's sign of life or an answer to one: nothing is lost with it but time.
    pub fn is_heartbeat(&self) -> bool {
        matches!(self.body, Body::Heartbeat { .. } | Body::HeartbeatReply { .. })
    }

    /// Whether it asks for a vote or gives one: worth nothing of a terminal that has forgotten what it promised.
    pub fn is_about_votes(&self) -> bool {
        matches!(self.body, Body::Vote { .. } | Body::VoteReply { .. } | Body::TimeoutNow)
    }

    /// Whether only a leader says it.
    pub(crate) fn is_leaders(&self) -> bool {
        matches!(self.body, Body::Append { .. } | Body::Heartbeat { .. } | Body::Snapshot(_))
    }

    /// Whether this is an answer that proves that its sender heard the leader.
    pub(crate) fn is_acknowledgement(&self) -> bool {
        matches!(self.body, Body::AppendReply { .. } | Body::HeartbeatReply { .. })
    }

    /// Whether it waits for no disk but that of term and vote, also where its sender follows: an answer that a slow disk must not
    /// silence, since it says nothing about entries.
    pub(crate) fn needs_promise_only(&self) -> bool {
        matches!(self.body, Body::HeartbeatReply { .. })
    }

    /// The last entry that it hands on, or that its receiver must have for it.
    pub(crate) fn reaches(&self) -> Option<u64> {
        match &self.body {
            Body::Append { index, entries, .. } => Some(index + entries.len() as u64),
            _ => None,
        }
    }

    /// What an answer to this message is stamped with.
    pub(crate) fn question(&self) -> Question {
        Question { from: self.from, stamp: self.stamp }
    }

    /// When the question was sent that this answers; `None` where it carries nothing.
    pub(crate) fn asked_at(&self) -> Option<Time> {
        self.stamp.checked_sub(1).map(Time)
    }

    /// Stamps a question with the time, and an answer with what its question carried.
    pub(crate) fn stamped(self, now: Time, question: Option<Question>) -> Self {
        let stamp = match self.body {
            Body::Heartbeat { .. } | Body::Append { .. } | Body::Vote { .. } | Body::Snapshot(_) => now.0 + 1,
            Body::AppendReply { .. } | Body::HeartbeatReply { .. } | Body::VoteReply { .. } => {
                question.filter(|question| question.from == self.to).map_or(0, |question| question.stamp)
            }
            Body::TimeoutNow | Body::Propose(_) => 0,
        };
        Self { stamp, ..self }
    }
}
