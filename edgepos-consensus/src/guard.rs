//! What a message must satisfy before raft sees it.
//!
//! Raft trusts its peers: single messages exist that make it panic, or that it would store and never recover from. The checks hold on
//! what a terminal of the store can honestly say, so that refusing costs nothing but a lost message, which raft expects anyway.

use edgepos_core::ReplicaId;

use crate::config::Config;
use crate::entry::{Class, MAX_INDEX, MAX_TERM};
use crate::forgotten;
use crate::log::Log;
use crate::message::{Body, Message};
use crate::snapshot::Snapshot;

/// How far ahead of ours a term may be. A store that was apart for a year with an election every 30 s is 2²⁰ terms ahead.
const MAX_TERM_JUMP: u64 = 1 << 20;

/// Why a message was dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum DropReason {
    /// From another store, or another generation of this one.
    WrongStore,
    /// Addressed to another terminal.
    WrongDestination,
    /// From ourselves: a loop in the transport, or two terminals run on copies of one disk.
    FromMyself,
    /// From a terminal that is neither listed as a member nor connected.
    UnknownSender,
    /// From a terminal whose connection was reported lost.
    ConnectionLost,
    /// A term of 0, or impossibly far ahead.
    ImpossibleTerm,
    /// A number beyond every log, or two that contradict each other.
    ImpossibleIndex,
    /// Entries with gaps, falling terms, or contents that no leader appends.
    ImpossibleEntries,
    /// A snapshot that no leader sends.
    ImpossibleSnapshot,
    /// A second leader in one term: raft's first promise is broken. Tell a person.
    SecondLeader,
    /// The leader knows that this terminal once held entries that it does not hold: its disk lost writes, or is a restored copy. The
    /// terminal must join as a new incarnation.
    LogLost,
    /// A request for a vote from a terminal that has none itself as far as both know: a learner, or one that was removed.
    NotAVoter,
    /// A request for a vote, to a terminal whose version knows less than the store's feature level.
    BelowLevel,
    /// A request for a vote from a terminal whose log may lack decisions: it ends before what others hold, or this terminal has forgotten what it
    /// helped to decide and does not hear enough others that know.
    LacksDecisions,
    /// A vote that was not asked for yet.
    Unsolicited,
    /// An order to take over, from a terminal that does not lead.
    NotFromLeader,
    /// An order to take over, to a voter that never leads.
    Passive,
    /// A proposal to a terminal that does not lead.
    NotLeading,
    /// A proposal in another terminal's name, or above the limit of its size.
    ImpossibleProposal,
    /// Another write must become durable first; the sender tries again.
    Busy,
    /// Raft itself did not take it.
    Dropped,
}

/// What the checks need to know about this terminal.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) me: ReplicaId,
    pub(crate) term: u64,
    pub(crate) role: Role,
    pub(crate) leader: Option<ReplicaId>,
    pub(crate) last: u64,
    /// Vote requests wait for the disk: nobody can have answered yet.
    pub(crate) votes_held: bool,
}

/// The roles that raft knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Follower,
    PreCandidate,
    Candidate,
    Leader,
}

fn need(condition: bool, otherwise: DropReason) -> Result<(), DropReason> {
    if condition { Ok(()) } else { Err(otherwise) }
}

/// A position of a log: both numbers are 0 or neither is.
fn position(index: u64, term: u64) -> Result<(), DropReason> {
    need(index < MAX_INDEX && term < MAX_TERM && (index == 0) == (term == 0), DropReason::ImpossibleIndex)
}

/// Whether the message is of this store, for this terminal and not its own.
pub(crate) fn addressed(config: &Config, message: &Message) -> Result<(), DropReason> {
    let Message { store, generation, from, to, .. } = message;
    need((*store, *generation) == (config.store, config.generation), DropReason::WrongStore)?;
    need(*from != config.me, DropReason::FromMyself)?;
    need(*to == config.me, DropReason::WrongDestination)
}

/// Whether honest terminals can have come to that term.
pub(crate) fn is_reachable(ours: u64, term: u64) -> bool {
    (1..MAX_TERM).contains(&term) && term <= ours.saturating_add(MAX_TERM_JUMP)
}

/// Judges a message whose sender, destination and store are known to be right.
pub(crate) fn check(view: &View, log: &Log, message: &Message) -> Result<(), DropReason> {
    let term = message.term;
    need(is_reachable(view.term, term), DropReason::ImpossibleTerm)?;
    let current = term == view.term;
    match &message.body {
        Body::Append { .. } | Body::Heartbeat { .. } | Body::Snapshot(_) => {
            if current {
                need(view.role != Role::Leader, DropReason::SecondLeader)?;
                need(view.leader.is_none_or(|leader| leader == message.from), DropReason::SecondLeader)?;
            }
            from_leader(view, message)
        }
        Body::AppendReply { index, commit, reject } => {
            need(*index < MAX_INDEX && *commit < MAX_INDEX, DropReason::ImpossibleIndex)?;
            if let Some(hint) = reject {
                need(hint.index <= *index && hint.log_term <= term, DropReason::ImpossibleIndex)?;
            }
            if current && view.role == Role::Leader {
                need(*commit <= view.last, DropReason::ImpossibleIndex)?;
                need(*index <= view.last, DropReason::ImpossibleIndex)?;
            }
            Ok(())
        }
        Body::HeartbeatReply { commit } => {
            need(*commit < MAX_INDEX, DropReason::ImpossibleIndex)?;
            let mine = current && view.role == Role::Leader;
            need(!mine || *commit <= view.last, DropReason::ImpossibleIndex)
        }
        Body::Vote { index, log_term, commit, commit_term, .. } => {
            position(*index, *log_term)?;
            position(*commit, *commit_term)?;
            let ordered = *log_term < term && commit <= index && commit_term <= log_term;
            need(ordered, DropReason::ImpossibleIndex)?;
            let may_elect = log.may_elect(message.from, *commit, *commit_term);
            need(may_elect, DropReason::NotAVoter)?;
            // It would elect a leader without the decisions that it has forgotten.
            need(!log.is_lost(), DropReason::LogLost)?;
            need(log.may_help(view.me, forgotten::position(*log_term, *index)), DropReason::LacksDecisions)?;
            need(!log.is_beyond(), DropReason::BelowLevel)
        }
        Body::VoteReply { pre, reject, commit, commit_term } => {
            position(*commit, *commit_term)?;
            need(*commit_term <= term, DropReason::ImpossibleIndex)?;
            // Late answers to the questions before, pre-votes and those of older terms, count for nothing.
            let granted = current && view.role == Role::Candidate && !pre && !reject;
            need(!(granted && view.votes_held), DropReason::Unsolicited)
        }
        Body::TimeoutNow => need(current && view.leader == Some(message.from), DropReason::NotFromLeader),
        Body::Propose(proposals) => {
            need(view.role == Role::Leader, DropReason::NotLeading)?;
            let own = proposals.iter().all(|proposal| proposal.key.replica == message.from);
            need(own, DropReason::ImpossibleProposal)
        }
    }
}

/// The contents of a leader's message. One of an older term is only answered with ours, whatever it says.
fn from_leader(view: &View, message: &Message) -> Result<(), DropReason> {
    match &message.body {
        Body::Append { index, log_term, commit, entries } => {
            position(*index, *log_term)?;
            need(*commit < MAX_INDEX && *log_term <= message.term, DropReason::ImpossibleIndex)?;
            let (mut last, mut last_term) = (*index, (*log_term).max(1));
            for entry in entries {
                let follows =
                    entry.index == last + 1 && entry.term >= last_term && entry.term <= message.term;
                let readable = entry.class == Class::Normal || entry.members_change().is_some();
                need(follows && readable, DropReason::ImpossibleEntries)?;
                (last, last_term) = (entry.index, entry.term);
            }
            need(last < MAX_INDEX, DropReason::ImpossibleIndex)
        }
        Body::Heartbeat { commit } => {
            need(*commit < MAX_INDEX, DropReason::ImpossibleIndex)?;
            need(message.term < view.term || *commit <= view.last, DropReason::LogLost)
        }
        Body::Snapshot(snapshot) => well_formed(view, message.term, snapshot),
        _ => Ok(()),
    }
}

fn well_formed(view: &View, term: u64, snapshot: &Snapshot) -> Result<(), DropReason> {
    let place = (1..MAX_INDEX).contains(&snapshot.index) && (1..=term).contains(&snapshot.term);
    let members = snapshot.members.well_formed() && snapshot.members.contains(view.me);
    need(place && members && snapshot.decisions.within_limits(), DropReason::ImpossibleSnapshot)
}
