//! What a terminal may have forgotten, and what others state against it.
//!
//! A disk that was put back looks like any other. The votes that it gave since are known to whom it gave them, and the decisions that it
//! helped to take to those who hold them. So nobody counts on its own rows alone who starts from some: others state with their greetings
//! how far they have come, and that bounds which votes it gives.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{LogPosition, LogState, ReplicaId, Term, Time};

use crate::config::MAX_TERMINALS;
use crate::members::Members;

/// What the rows of this terminal do not tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forgotten {
    /// What was stated since the start, by whomever: a terminal may have joined since the image that this one has started from.
    stated: BTreeMap<ReplicaId, LogState>,
    /// The term that was left where the disk is known to have gone back, until what was decided before is held again.
    behind: Option<u64>,
    /// It has started from rows, and votes may have been given behind them.
    may_have_voted: bool,
    /// The term of the rows at the start, and the moment: what tells one start from another.
    began: [u64; 2],
    /// What was decided in terms behind the first and up to the second was decided by who had forgotten, and is given up here.
    given_up: Option<(Term, Term)>,
    /// Those that hold other decisions at the places of ours.
    parted: BTreeSet<ReplicaId>,
}

impl Forgotten {
    /// What rows of that term leave open.
    pub(crate) fn new(term: u64, behind: Option<u64>) -> Self {
        Self { behind, may_have_voted: true, began: [term, 0], ..Self::default() }
    }

    /// The election starts at this moment.
    pub(crate) fn begin(&mut self, now: Time) {
        self.began[1] = now.0;
    }

    /// The term and the moment of the start.
    pub(crate) fn began(&self) -> [u64; 2] {
        self.began
    }

    /// Takes what a terminal says of itself. Terms and decisions never go back, whoever says less of them later, unless it has given some
    /// up, for which it goes to a term of its own.
    pub(crate) fn take(&mut self, from: ReplicaId, state: LogState) {
        if self.stated.len() < MAX_TERMINALS || self.stated.contains_key(&from) {
            let known = self.stated.entry(from).or_insert(state);
            let gives_up = state.term > known.term && state.decided < known.decided;
            known.decided = if gives_up { state.decided } else { known.decided.max(state.decided) };
            known.term = known.term.max(state.term);
            known.last = state.last;
        }
    }

    /// Whether that one has stated where it stands since the start.
    pub(crate) fn has_heard(&self, from: ReplicaId) -> bool {
        self.stated.contains_key(&from)
    }

    /// What the voters state to be decided.
    pub(crate) fn claims<'f>(&'f self, members: &'f Members) -> impl Iterator<Item = LogPosition> + 'f {
        let of_voters = self.stated.iter().filter(|(replica, _)| members.voters.contains(replica));
        of_voters.map(|(_, state)| state.decided)
    }

    /// What was decided behind the one term and up to the other counts for nothing.
    pub(crate) fn give_up(&mut self, behind: Term, up_to: Term) {
        self.given_up = Some((behind, up_to));
    }

    fn counts(&self, position: LogPosition) -> bool {
        self.given_up.is_none_or(|(behind, up_to)| position.term <= behind || position.term > up_to)
    }

    /// Whether a log that ends there may win with the vote of `me`: it lacks nothing that is known to be decided, and, where the disk of
    /// `me` went back, nothing of what enough others hold to meet each majority that `me` was part of.
    /// `is_true` tells whether what is stated to be decided may be, as far as the log of `me` tells.
    pub(crate) fn may_elect(
        &self,
        me: ReplicaId,
        members: &Members,
        end: LogPosition,
        is_true: impl Fn(LogPosition) -> bool,
    ) -> bool {
        let decided = self.stated.values().map(|state| state.decided);
        if decided.into_iter().any(|at| end < at && self.counts(at) && is_true(at)) {
            return false;
        }
        if self.behind.is_none() {
            return true;
        }
        let held = self.stated.values().map(|state| state.last).filter(|at| self.counts(*at));
        end >= held.max().unwrap_or_default() && self.heard(me, members) >= needed(members.voters.len())
    }

    /// Whether votes may have been given behind the rows of this start.
    pub(crate) fn may_have_voted(&self) -> bool {
        self.may_have_voted
    }

    /// The terms are left in which they may have been given.
    pub(crate) fn leave(&mut self) {
        self.may_have_voted = false;
    }

    /// The latest term that was stated, where every other voter has: whoever was given a vote has its term, and says so.
    pub(crate) fn latest_term(&self, me: ReplicaId, members: &Members) -> Option<Term> {
        let all = others(me, members).all(|voter| self.stated.contains_key(voter));
        all.then(|| self.stated.values().map(|state| state.term).max().unwrap_or_default())
    }

    /// The disk is known to have gone back, and this term was left.
    pub(crate) fn fall_behind(&mut self, left: u64) {
        self.behind = Some(left);
    }

    /// Whether an entry of this term, which is decided here, was appended since the disk went back; nothing that was decided before is
    /// missing then.
    pub(crate) fn catches_up(&mut self, decided: u64) -> bool {
        self.behind.take_if(|left| decided > *left).is_some()
    }

    /// How many other voters have stated how far they have come.
    fn heard(&self, me: ReplicaId, members: &Members) -> usize {
        others(me, members).filter(|voter| self.stated.contains_key(voter)).count()
    }

    /// How many more voters have to be heard before this terminal votes, where its disk is known to have gone back.
    pub(crate) fn misses(&self, me: ReplicaId, members: &Members) -> Option<usize> {
        self.behind.map(|_| needed(members.voters.len()).saturating_sub(self.heard(me, members)))
    }

    /// That one holds other decisions than this terminal.
    pub(crate) fn part(&mut self, from: ReplicaId) {
        if self.parted.len() < MAX_TERMINALS {
            self.parted.insert(from);
        }
    }

    /// That one holds the same again.
    pub(crate) fn agree(&mut self, from: ReplicaId) {
        self.parted.remove(&from);
    }

    /// Those that hold other decisions than this terminal.
    pub(crate) fn parted(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.parted.iter().copied()
    }
}

fn others(me: ReplicaId, members: &Members) -> impl Iterator<Item = &ReplicaId> {
    members.voters.iter().filter(move |voter| **voter != me)
}

/// How many of the other voters have one in common with each majority that a voter was part of.
fn needed(voters: usize) -> usize {
    let majority = voters / 2 + 1;
    (voters + 1 - majority).min(voters.saturating_sub(1))
}

/// An entry of the log by raft's numbers.
pub(crate) const fn position(term: u64, index: u64) -> LogPosition {
    LogPosition { term: Term(term), index }
}
