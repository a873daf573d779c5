//! Our types as raft's, and back.

use ::raft::eraftpb::{self, ConfChange, ConfChangeType, ConfState, EntryType, MessageType};
use edgepos_core::{ReplicaId, StoreGeneration, StoreId};
use protobuf::Message as _;

use crate::config::Config;
use crate::entry::{Class, Entry};
use crate::members::{Members, MembersChange};
use crate::message::{Body, Hint, Message};
use crate::snapshot::Snapshot;

/// What every message carries.
pub(super) struct Frame {
    me: ReplicaId,
    store: StoreId,
    generation: StoreGeneration,
}

impl Frame {
    pub(super) fn new(config: &Config) -> Self {
        Self { me: config.me, store: config.store, generation: config.generation }
    }

    pub(super) fn me(&self) -> ReplicaId {
        self.me
    }

    pub(super) fn message(&self, to: ReplicaId, term: u64, body: Body) -> Message {
        let Self { store, generation, me } = *self;
        Message { store, generation, from: me, to, term, stamp: 0, lease_ms: 0, passive: false, body }
    }

    /// What raft says; `None` for what is not said this way.
    pub(super) fn outgoing(&self, mut message: eraftpb::Message) -> Option<Message> {
        let refused = message.reject;
        let (index, log_term) = (message.index, message.log_term);
        let (commit, commit_term) = (message.commit, message.commit_term);
        let body = match message.get_msg_type() {
            MessageType::MsgAppend => {
                let entries = message.take_entries().into_iter().map(entry_from_raft).collect();
                Body::Append { index, log_term, commit, entries }
            }
            MessageType::MsgAppendResponse => {
                let hint = Hint { index: message.reject_hint, log_term };
                Body::AppendReply { index, commit, reject: refused.then_some(hint) }
            }
            kind @ (MessageType::MsgRequestVote | MessageType::MsgRequestPreVote) => Body::Vote {
                pre: kind == MessageType::MsgRequestPreVote,
                transfer: !message.context.is_empty(),
                index,
                log_term,
                commit,
                commit_term,
            },
            kind @ (MessageType::MsgRequestVoteResponse | MessageType::MsgRequestPreVoteResponse) => {
                let pre = kind == MessageType::MsgRequestPreVoteResponse;
                Body::VoteReply { pre, reject: refused, commit, commit_term }
            }
            MessageType::MsgHeartbeat => Body::Heartbeat { commit },
            MessageType::MsgHeartbeatResponse => Body::HeartbeatReply { commit },
            MessageType::MsgSnapshot => Body::Snapshot(Box::new(snapshot_from_raft(message.get_snapshot()))),
            MessageType::MsgTimeoutNow => Body::TimeoutNow,
            // Proposals go their own way, and nothing asks for a read index.
            _ => return None,
        };
        Some(self.message(ReplicaId(message.to), message.term, body))
    }
}

pub(super) fn to_raft(message: Message) -> eraftpb::Message {
    let mut out =
        eraftpb::Message { from: message.from.0, to: message.to.0, term: message.term, ..Default::default() };
    match message.body {
        Body::Append { index, log_term, commit, entries } => {
            out.set_msg_type(MessageType::MsgAppend);
            (out.index, out.log_term, out.commit) = (index, log_term, commit);
            out.entries = entries.iter().map(entry_to_raft).collect();
        }
        Body::AppendReply { index, commit, reject } => {
            out.set_msg_type(MessageType::MsgAppendResponse);
            (out.index, out.commit) = (index, commit);
            if let Some(hint) = reject {
                (out.reject, out.reject_hint, out.log_term) = (true, hint.index, hint.log_term);
            }
        }
        Body::Vote { pre, transfer, index, log_term, commit, commit_term } => {
            out.set_msg_type(match pre {
                true => MessageType::MsgRequestPreVote,
                false => MessageType::MsgRequestVote,
            });
            (out.index, out.log_term, out.commit, out.commit_term) = (index, log_term, commit, commit_term);
            if transfer {
                out.context = ::raft::CAMPAIGN_TRANSFER.into();
            }
        }
        Body::VoteReply { pre, reject, commit, commit_term } => {
            out.set_msg_type(match pre {
                true => MessageType::MsgRequestPreVoteResponse,
                false => MessageType::MsgRequestVoteResponse,
            });
            (out.reject, out.commit, out.commit_term) = (reject, commit, commit_term);
        }
        Body::Heartbeat { commit } => {
            out.set_msg_type(MessageType::MsgHeartbeat);
            out.commit = commit;
        }
        Body::HeartbeatReply { commit } => {
            out.set_msg_type(MessageType::MsgHeartbeatResponse);
            out.commit = commit;
        }
        Body::Snapshot(snapshot) => {
            out.set_msg_type(MessageType::MsgSnapshot);
            out.set_snapshot(snapshot_to_raft(&snapshot));
        }
        Body::TimeoutNow => out.set_msg_type(MessageType::MsgTimeoutNow),
        // The election takes proposals before raft; a local type is refused by raft.
        Body::Propose(_) => out.set_msg_type(MessageType::MsgHup),
    }
    out
}

pub(super) fn entry_to_raft(entry: &Entry) -> eraftpb::Entry {
    let mut out = eraftpb::Entry { index: entry.index, term: entry.term, ..Default::default() };
    match entry.class {
        Class::Normal => out.data = entry.payload.clone().into(),
        Class::Members => {
            out.set_entry_type(EntryType::EntryConfChange);
            // Checked by the guard and at the start; raft takes an empty one for no change.
            let change = entry.members_change().map(change_to_raft).unwrap_or_default();
            let bytes = change.write_to_bytes();
            out.data = bytes.expect("a message without required fields is complete").into();
        }
    }
    out
}

pub(super) fn entry_from_raft(entry: eraftpb::Entry) -> Entry {
    let (class, payload) = match entry.get_entry_type() {
        EntryType::EntryNormal => (Class::Normal, entry.data.to_vec()),
        EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => {
            let change = ConfChange::parse_from_bytes(&entry.data).unwrap_or_default();
            (Class::Members, change_from_raft(&change).encode())
        }
    };
    Entry { index: entry.index, term: entry.term, class, payload }
}

pub(super) fn change_to_raft(change: MembersChange) -> ConfChange {
    let mut out = ConfChange { node_id: change.replica().0, ..Default::default() };
    out.set_change_type(match change {
        MembersChange::Learn(_) => ConfChangeType::AddLearnerNode,
        MembersChange::Vote(_) => ConfChangeType::AddNode,
        MembersChange::Remove(_) => ConfChangeType::RemoveNode,
    });
    out
}

fn change_from_raft(change: &ConfChange) -> MembersChange {
    let replica = ReplicaId(change.node_id);
    match change.get_change_type() {
        ConfChangeType::AddLearnerNode => MembersChange::Learn(replica),
        ConfChangeType::AddNode => MembersChange::Vote(replica),
        ConfChangeType::RemoveNode => MembersChange::Remove(replica),
    }
}

pub(super) fn members_to_raft(members: &Members) -> ConfState {
    let ids = |replicas: &[ReplicaId]| replicas.iter().map(|replica| replica.0).collect();
    ConfState { voters: ids(&members.voters), learners: ids(&members.learners), ..Default::default() }
}

pub(super) fn snapshot_to_raft(snapshot: &Snapshot) -> eraftpb::Snapshot {
    let mut out = eraftpb::Snapshot::default();
    let metadata = out.mut_metadata();
    (metadata.index, metadata.term) = (snapshot.index, snapshot.term);
    metadata.set_conf_state(members_to_raft(&snapshot.members));
    out.data = snapshot.encode().into();
    out
}

/// The data are ours: written above, or by the same function on another terminal and checked by the guard since.
pub(super) fn snapshot_from_raft(snapshot: &eraftpb::Snapshot) -> Snapshot {
    Snapshot::decode(&snapshot.data).expect("raft hands back the bytes that it was given")
}
