//! How a terminal acts on what it may have forgotten, and on what the others state: which terms it leaves, and whether it stands.

use edgepos_core::{Jitter, LogState, ReplicaId};

use crate::entry::MAX_INDEX;
use crate::flight::{Completes, Flight};
use crate::guard::{self, Role};
use crate::io::Notice;
use crate::message::{Body, Message};
use crate::parting;
use crate::rows;
use crate::turn::Turn;

/// How many terms are left behind at least where a vote may have been given in them: more elections than a store holds between an image
/// and its return. A terminal that is away all the while must still believe the terms that the others come to.
const LEFT: u64 = 1 << 10;
/// The same where the disk is known to have gone back: more elections than there are between two backups.
const RENOUNCED: u64 = 1 << 12;
/// How many more are drawn: a disk that is put back to one image twice must not come to the terms of its first life.
const DRAWN: u64 = 1 << 12;

/// Another terminal states how far it has come. Whoever stands and would lead without what that one knows stands no more.
pub(crate) fn hear(turn: &mut Turn<'_>, from: ReplicaId, state: LogState) {
    // What no honest terminal can have reached would leave this one without a term to vote in.
    let possible = guard::is_reachable(turn.raft.term(), state.term.0) && state.last.index < MAX_INDEX;
    if state.generation != turn.config.generation || from == turn.config.me || !possible {
        return;
    }
    turn.raft.log_mut().forgotten_mut().take(from, state);
    parting::compare(turn, from, state);
    let stands = matches!(turn.raft.role(), Role::PreCandidate | Role::Candidate);
    if stands && !turn.may_stand() {
        turn.raft.resign();
    }
}

/// A message is about to be taken. Where a vote follows from it, the terms are left in which one may have been given that was forgotten.
/// Whoever stands leaves those of all that would vote for it in one step, before it asks for the votes that bind.
pub(crate) fn leave_terms(turn: &mut Turn<'_>, message: &mut Message) {
    if !turn.config.hears_states {
        return;
    }
    let term = turn.raft.term();
    match message.body {
        Body::Vote { pre, transfer, .. } => {
            // Who states nothing does not know how to stand in a later term than the next one.
            let binds = !pre || !turn.raft.log().forgotten().has_heard(message.from);
            if binds && (transfer || !turn.raft.is_promised()) && may_have_voted(turn) {
                let floor = floor(turn);
                turn.raft.vote_for_nobody_up_to(floor);
                turn.raft.log_mut().forgotten_mut().leave();
            }
        }
        Body::VoteReply { pre: true, reject: false, .. } if turn.raft.role() == Role::PreCandidate => {
            let asked = message.term.saturating_sub(1).max(term);
            raise(turn, asked);
            message.term = turn.raft.term() + 1;
        }
        Body::TimeoutNow => {
            raise(turn, term);
            message.term = turn.raft.term();
        }
        Body::VoteReply { .. }
        | Body::Append { .. }
        | Body::AppendReply { .. }
        | Body::Heartbeat { .. }
        | Body::HeartbeatReply { .. }
        | Body::Snapshot(_)
        | Body::Propose(_) => {}
    }
}

/// What this terminal says. Who asks whether it would get a vote hears the first term in which it may.
pub(crate) fn worded(turn: &Turn<'_>, mut message: Message) -> Message {
    let would = matches!(message.body, Body::VoteReply { pre: true, reject: false, .. });
    if would && turn.config.hears_states && may_have_voted(turn) {
        message.term = message.term.max(floor(turn) + 1);
    }
    message
}

fn may_have_voted(turn: &Turn<'_>) -> bool {
    turn.raft.log().forgotten().may_have_voted()
}

/// This terminal is about to vote for itself: it goes to this term first, and behind those in which it may have voted.
fn raise(turn: &mut Turn<'_>, term: u64) {
    let term = if may_have_voted(turn) { floor(turn).max(term) } else { term };
    turn.raft.log_mut().forgotten_mut().leave();
    turn.raft.raise(term);
}

/// The last term in which this terminal may have given a vote that it has forgotten. Where every other voter has stated its own, whoever
/// was given it is among them; otherwise nobody knows, and some are left.
fn floor(turn: &Turn<'_>) -> u64 {
    let log = turn.raft.log();
    let latest = log.forgotten().latest_term(turn.config.me, log.members());
    latest.map_or_else(|| drawn(turn, LEFT), |latest| latest.0)
}

/// The term to go on in, so many behind that of the rows at the start and some more. Two starts from one image draw different ones.
fn drawn(turn: &Turn<'_>, left: u64) -> u64 {
    let (config, [term, at]) = (turn.config, turn.raft.log().forgotten().began());
    term + left + Jitter::derive(config.seed, &[config.me.0, term, at]).range(0, DRAWN)
}

/// The disk of this terminal is known to have gone back: leaves the terms in which it may have voted, and knows from here on that it may
/// lack what it helped to decide.
pub(crate) fn renounce(turn: &mut Turn<'_>, flight: &mut Flight) {
    let left = drawn(turn, RENOUNCED).max(turn.raft.term() + RENOUNCED);
    turn.raft.leave_terms_up_to(left);
    let forgotten = turn.raft.log_mut().forgotten_mut();
    forgotten.leave();
    if turn.config.hears_states {
        forgotten.fall_behind(left);
        flight.start(turn, Completes::NOTHING, vec![rows::put_behind(left)]);
    }
}

/// What a leader appended that was elected since is decided here, and everything that was decided before with it.
pub(crate) fn catch_up(turn: &mut Turn<'_>, flight: &mut Flight) {
    let log = turn.raft.log_mut();
    let decided = log.term(log.hard().commit).unwrap_or_default();
    if log.forgotten_mut().catches_up(decided) {
        flight.start(turn, Completes::NOTHING, vec![rows::delete_behind()]);
    }
}

/// This terminal held the log up to `known`, as the leader knows: what it promised may be forgotten as well.
pub(crate) fn lose(turn: &mut Turn<'_>, flight: &mut Flight, known: u64) {
    let held = turn.raft.log().last();
    if let Some(writes) = turn.raft.log_mut().lose(known) {
        flight.start(turn, Completes::NOTHING, writes);
        turn.out.tell(Notice::LogLost { held, known });
    }
    if turn.leads() {
        turn.raft.resign();
    }
}
