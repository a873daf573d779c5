//! Forced recovery of a store that lost its majority for good: an operator's act, on stopped terminals.
//!
//! Raft waits for ever for a majority that burned down. Somebody who knows that it will not come back picks the survivor that knows
//! most and makes it the only voter, under the next [`StoreGeneration`]; the other survivors then take it as their leader.
//! Messages of the old generation are refused from then on, so that nobody who was thought dead decides anything: a
//! terminal that comes back later [adopts](adopt) the recovery or is replaced.
//!
//! What only the lost majority had decided is lost as a decision (the events of sales travel by the sync and are not concerned),
//! and what the survivor holds undecided counts as decided. [`Recovery`] says how much of both there can be.

use edgepos_core::{ReplicaId, StoreGeneration, Write};

use crate::config::Config;
use crate::entry::{Class, Entry};
use crate::error::RecoverError;
use crate::log::Log;
use crate::members::Members;
use crate::restored::Restored;
use crate::rows::{self, Hard, Position};

/// What a recovery did; the other survivors need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recovery {
    /// The generation from here on.
    pub generation: StoreGeneration,
    /// The survivor that leads on.
    pub survivor: ReplicaId,
    /// The last position of its log. All of it counts as decided.
    pub last: u64,
    /// The term of the entry there; 0 for an empty log.
    pub last_term: u64,
    /// The last position that it knew to be decided before. Those after it may have been refused elsewhere.
    pub decided: u64,
    /// Terminals that belonged to the store and have to come again, by [`adopt`] or as newcomers.
    pub left_out: usize,
}

/// The rows of the last run, checked for a recovery into the configuration's generation.
fn open(config: &Config, restored: Restored) -> Result<Log, RecoverError> {
    let restored = restored.into_found();
    let generation = restored.generation.unwrap_or_default();
    if config.generation <= generation {
        return Err(RecoverError::Generation { rows: generation, asked: config.generation });
    }
    if restored.log_lost {
        return Err(RecoverError::LogLost);
    }
    if restored.members.is_none() {
        return Err(RecoverError::Empty);
    }
    let (log, _) = Log::open(config, restored)?;
    Ok(log)
}

/// Makes the terminal of these rows the store's only voter, under [`Config::generation`]. Commit the writes in one transaction, and
/// start the election with the same configuration. It elects itself, and [admits](crate::Election::admit) the others. Its log begins
/// behind what it has applied: they go on from a snapshot.
///
/// Pick the survivor with the highest ([`last_term`](Recovery::last_term), [`last`](Recovery::last)). Never do it on two: each would
/// lead a store of its own.
///
/// # Errors
/// When the generation is not higher than that of the rows, or the rows are none to go on from.
pub fn recover(config: &Config, restored: Restored) -> Result<(Recovery, Vec<Write>), RecoverError> {
    let log = open(config, restored)?;
    let me = config.me;
    let last = log.last();
    let recovery = Recovery {
        generation: config.generation,
        survivor: me,
        last,
        last_term: log.term(last).unwrap_or_default(),
        decided: log.hard().commit,
        left_out: log.members().iter().filter(|member| *member != me).count(),
    };
    let members = Members { voters: vec![me], learners: vec![], retired: log.members().retired.clone() };
    let hard = Hard { term: log.hard().term + 1, vote: 0, commit: last };
    let mut writes = rows_of(&recovery, &members, hard);
    writes.extend(without_applied(&log));
    writes.extend(without_changes(&log));
    Ok((recovery, writes))
}

/// Makes another survivor of the same store a follower of the recovered one. Commit the writes in one transaction, and start the
/// election with [`Config::generation`] and [`Config::joins`] set; then the survivor admits it.
///
/// # Errors
/// As for [`recover`], and when this terminal knows decisions that the survivor does not: then recover this one instead, into
/// the generation after that, and let the other adopt it.
pub fn adopt(config: &Config, restored: Restored, recovery: &Recovery) -> Result<Vec<Write>, RecoverError> {
    if config.generation != recovery.generation {
        return Err(RecoverError::Generation { rows: recovery.generation, asked: config.generation });
    }
    let log = open(config, restored)?;
    let commit = log.hard().commit;
    // Whoever has an entry of a later term has all that was decided before it (Leader Completeness, section 5.4 of the Raft paper).
    if (log.term(commit).unwrap_or_default(), commit) > (recovery.last_term, recovery.last) {
        return Err(RecoverError::KnowsMore { decided: commit, survivor: recovery.last });
    }
    let members =
        Members { voters: vec![recovery.survivor], learners: vec![], retired: log.members().retired.clone() };
    let hard = Hard { term: log.hard().term + 1, vote: 0, commit };
    let mut writes = rows_of(recovery, &members, hard);
    writes.extend(without_applied(&log));
    writes.extend(without_changes(&log));
    // What was never decided is for the survivor to say.
    let tail = commit + 1..=log.last();
    writes.extend(tail.map(rows::delete_entry));
    Ok(writes)
}

/// The log begins behind what was applied. What came of that belongs to the generation before: a newcomer that applied it anew would have
/// it twice. It goes on from a snapshot.
fn without_applied(log: &Log) -> Vec<Write> {
    let (index, first) = (log.applied(), log.first());
    let Some(term) = log.term(index).filter(|_| index >= first) else { return Vec::new() };
    let dropped = (first..=index).map(rows::delete_entry);
    dropped.chain([rows::put_base(&Position { index, term })]).collect()
}

/// What is still to be applied, with nothing in place of each change of members: it would bring back those who are gone.
fn without_changes(log: &Log) -> Vec<Write> {
    let rest = log.range(log.applied() + 1, log.last() + 1);
    let changes = rest.filter(|entry| entry.class == Class::Members);
    let nothing =
        |entry: &Entry| Entry { index: entry.index, term: entry.term, class: Class::Normal, payload: vec![] };
    changes.map(|entry| rows::put_entry(&nothing(entry))).collect()
}

fn rows_of(recovery: &Recovery, members: &Members, hard: Hard) -> Vec<Write> {
    vec![
        rows::put_members(members),
        rows::put_hard(&hard),
        rows::put_generation(recovery.generation),
        rows::put_recovered(recovery.generation, recovery.last, recovery.decided),
        rows::delete_lease(),
        rows::delete_behind(),
    ]
}
