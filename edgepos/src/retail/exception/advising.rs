//! Open exceptions about which the resolver has not said anything: the leader asks it, and proposes what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_core::Time;

use super::body::ExceptionRaised;
use super::policy::Rules;
use super::resolution::{Advice, Fallback};
use super::watch::Watch;

/// Which exceptions wait for advice.
#[derive(Debug, Default)]
pub(super) struct Advising {
    /// By what they are about: of each at most one is open.
    waiting: Watch<Vec<u8>>,
    /// Those of which somebody was asked.
    asked: BTreeSet<Vec<u8>>,
    /// What was answered, and about which episode.
    answers: BTreeMap<Vec<u8>, (u32, Advice)>,
}

impl Advising {
    /// An exception waits for advice.
    pub(super) fn begin(&mut self, now: Time, row: &[u8]) {
        self.waiting.note(now, row.to_vec(), true);
    }

    /// It waits no longer.
    pub(super) fn end(&mut self, row: &[u8]) {
        self.waiting.settle(&row.to_vec());
        self.asked.remove(row);
        self.answers.remove(row);
    }

    /// Whether an exception waits.
    pub(super) fn waits(&self, row: &[u8]) -> bool {
        self.waiting.has(&row.to_vec())
    }

    /// A row of which nobody was asked so far.
    pub(super) fn next_to_ask(&mut self) -> Option<Vec<u8>> {
        let row = self.waiting.all().find(|row| !self.asked.contains(*row))?.clone();
        self.asked.insert(row.clone());
        Some(row)
    }

    /// Somebody has answered.
    pub(super) fn answer(&mut self, now: Time, row: &[u8], episode: u32, advice: Advice) {
        if self.waits(row) {
            self.answers.insert(row.to_vec(), (episode, advice));
            self.waiting.due_at(&row.to_vec(), now);
        }
    }

    /// Rows whose advice is to be proposed: those that were answered, and those that have waited `within`.
    pub(super) fn due(&self, now: Time, within: Duration) -> Vec<Vec<u8>> {
        self.waiting.due(now, within)
    }

    /// What was answered; the rules, where nothing was and a model `should` have.
    pub(super) fn advice(&self, raised: &ExceptionRaised, should: bool) -> Advice {
        let answered = self.answers.get(raised.subject()).filter(|(episode, _)| *episode == raised.episode);
        match answered {
            Some((_, advice)) => advice.clone(),
            None => Advice { fallback: should.then_some(Fallback::LATE), ..Rules.advise(raised) },
        }
    }

    /// It is proposed.
    pub(super) fn proposed(&mut self, now: Time, row: &[u8]) {
        self.waiting.proposed(now, &row.to_vec());
    }

    /// It cannot be proposed.
    pub(super) fn postpone(&mut self, now: Time, row: &[u8]) {
        self.waiting.postpone(now, Duration::ZERO, &row.to_vec());
    }

    /// When something is due.
    pub(super) fn next(&self, within: Duration) -> Option<Time> {
        self.waiting.next(within)
    }
}
