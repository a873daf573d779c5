//! Other entries at places that are decided here. A leader was elected that lacked some, with the vote of a disk that had been put back.
//!
//! What was decided first stands: by raft's rules the leader of the later term should have had it. A leader's first word is an entry
//! without a decision in it, so where nothing else is at stake a terminal gives up what it holds, and the store has one log again.
//! Otherwise decisions are lost on one side or the other, and a person is told.

use edgepos_core::{LogPosition, LogState, ReplicaId, Term};

use crate::flight::{Completes, Flight};
use crate::message::{Body, Message};
use crate::turn::Turn;

/// A member says what it holds to be decided: whether that is what stands here, as far as decisions go.
pub(crate) fn compare(turn: &mut Turn<'_>, from_whom: ReplicaId, state: LogState) {
    let LogPosition { term, index } = state.decided;
    let log = turn.raft.log();
    let ours = log.term(index.min(log.last())).unwrap_or_default();
    let is_later = ours > term.0;
    let is_earlier = index <= log.hard().commit && ours < term.0 && log.term(index).is_some();
    let from = if is_later { log.first_later(term.0).unwrap_or(index) } else { index };
    let lost = (is_later || is_earlier) && log.has_decisions_from(from);
    let forgotten = turn.raft.log_mut().forgotten_mut();
    if lost {
        forgotten.part(from_whom);
    } else if !is_later && !is_earlier {
        forgotten.agree(from_whom);
    }
}

/// Gives up what was decided in a later term than something else at its place, where no decision is given up with it.
/// Whether it did. What it has acknowledged to the leaders so far it does not hold any more, so it leaves their terms.
pub(crate) fn give_up(turn: &mut Turn<'_>, flight: &mut Flight) -> bool {
    if !flight.is_empty() {
        return false;
    }
    let log = turn.raft.log();
    let earlier = |at: &LogPosition| log.term(at.index.min(log.last())).is_some_and(|ours| ours > at.term.0);
    let claims = log.forgotten().claims(log.members()).filter(earlier);
    let cuts = claims.filter_map(|at| log.empty_since(at.term.0).map(|from| (from, at.term)));
    let Some((from, behind)) = cuts.min() else { return false };
    let term = turn.raft.term();
    cut(turn, flight, from, term + 1);
    turn.raft.log_mut().forgotten_mut().give_up(behind, Term(term));
    true
}

/// Whether a message can be taken by a log that is decided as far as this one: of a leader whose log has other entries there it cannot.
/// Where no decision is at stake the entries here are given up, and the leader sends its own again.
pub(crate) fn bears(turn: &mut Turn<'_>, flight: &mut Flight, message: &Message) -> bool {
    let (log, is_late) = (turn.raft.log(), message.term < turn.raft.term());
    let commit = log.hard().commit;
    let (index, log_term, entries) = match &message.body {
        Body::Append { index, log_term, entries, .. } if !is_late => (*index, *log_term, entries),
        Body::AppendReply { index, reject: None, .. } if turn.leads() && !is_late && *index >= commit => {
            turn.raft.log_mut().forgotten_mut().agree(message.from);
            return true;
        }
        Body::Append { .. }
        | Body::AppendReply { .. }
        | Body::Vote { .. }
        | Body::VoteReply { .. }
        | Body::Heartbeat { .. }
        | Body::HeartbeatReply { .. }
        | Body::Snapshot(_)
        | Body::TimeoutNow
        | Body::Propose(_) => return true,
    };
    let theirs = [(index, log_term)].into_iter().chain(entries.iter().map(|entry| (entry.index, entry.term)));
    let differs = |(index, theirs): &(u64, u64)| {
        *index <= commit && log.term(*index).is_some_and(|ours| ours != *theirs)
    };
    let Some((from, _)) = theirs.into_iter().find(differs) else {
        if index >= commit && log.term(index) == Some(log_term) {
            turn.raft.log_mut().forgotten_mut().agree(message.from);
        }
        return true;
    };
    if log.has_decisions_from(from) || from < log.first() {
        turn.raft.log_mut().forgotten_mut().part(message.from);
    } else if flight.is_empty() {
        cut(turn, flight, from, message.term);
    }
    false
}

/// Drops what stands from there on, and goes on in this term.
fn cut(turn: &mut Turn<'_>, flight: &mut Flight, from: u64, term: u64) {
    if let Some(writes) = turn.raft.cut(turn.config, from, term) {
        flight.start(turn, Completes::PROMISE, writes);
    }
}
