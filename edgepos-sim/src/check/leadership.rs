//! Who leads, as everybody tells it, and whether those who say that they may decide can.

use std::collections::BTreeMap;

use edgepos::Status;
use edgepos_core::{ReplicaId, Term};

use super::{Rule, Violation};

/// How long a terminal may go on believing that it is entitled after it was cut off from a majority, in microseconds. A lease is
/// at most 500 ms by its own clock; frames that were under way and held back by streams come on top.
const LEASE_US: u64 = 2_500_000;

/// Watches leadership over a whole run.
#[derive(Debug, Default)]
pub struct Leadership {
    leaders: BTreeMap<Term, ReplicaId>,
    /// Since when each terminal has had no way to and from a majority.
    alone_since: BTreeMap<ReplicaId, u64>,
    latest: Option<(Term, ReplicaId)>,
    failovers: u64,
}

impl Leadership {
    /// Nobody has led yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody says who leads in a term.
    ///
    /// # Errors
    /// When somebody else was said to.
    pub fn claims(&mut self, teller: ReplicaId, leader: ReplicaId, term: Term) -> Result<(), Violation> {
        let known = *self.leaders.entry(term).or_insert(leader);
        if known != leader {
            let what = format!("{teller} says that {leader} leads term {term}, which {known} did");
            return Err(Violation::new(Rule::OneLeaderPerTerm, what));
        }
        if self.latest.is_none_or(|(latest, _)| term > latest) {
            self.failovers += u64::from(self.latest.is_some_and(|(_, before)| before != leader));
            self.latest = Some((term, leader));
        }
        Ok(())
    }

    /// What a terminal says of itself. `majority`: whether frames get to and from enough voters, this one included.
    ///
    /// # Errors
    /// When it is entitled and has long been alone, or calls itself entitled and follows somebody else.
    pub fn observe(&mut self, now_us: u64, status: &Status, majority: bool) -> Result<(), Violation> {
        let me = status.me;
        if let Some(leader) = status.leader {
            self.claims(me, leader.replica, leader.term)?;
        }
        if majority {
            self.alone_since.remove(&me);
        } else {
            self.alone_since.entry(me).or_insert(now_us);
        }
        if !status.entitled {
            return Ok(());
        }
        if status.leader.is_none_or(|leader| leader.replica != me) {
            let what = format!("{me} is entitled and says that {:?} leads", status.leader);
            return Err(Violation::new(Rule::Honest, what));
        }
        if status.mode != "normal" {
            let what = format!("{me} is entitled in mode {}", status.mode);
            return Err(Violation::new(Rule::Honest, what));
        }
        match self.alone_since.get(&me) {
            Some(since) if now_us - since > LEASE_US => {
                let alone_ms = (now_us - since) / 1000;
                let what = format!("{me} is entitled and has had no majority for {alone_ms} ms");
                Err(Violation::new(Rule::Honest, what))
            }
            _ => Ok(()),
        }
    }

    /// A terminal was paused or off: what it believed meanwhile does not count.
    pub fn excuse(&mut self, replica: ReplicaId) {
        self.alone_since.remove(&replica);
    }

    /// How often the leadership went to another terminal.
    pub fn failovers(&self) -> u64 {
        self.failovers
    }

    /// How many terms had a leader.
    pub fn terms(&self) -> u64 {
        self.leaders.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use edgepos::consensus::Leader;

    use super::*;

    const A: ReplicaId = ReplicaId::new(1, 1);
    const B: ReplicaId = ReplicaId::new(2, 1);

    fn status(me: ReplicaId, leader: ReplicaId, entitled: bool) -> Status {
        Status {
            me,
            leader: Some(Leader { replica: leader, term: Term(4) }),
            entitled,
            mode: "normal",
            durable: Default::default(),
            cloud: Default::default(),
            queued: 0,
            connected: Vec::new(),
            open_baskets: 0,
            exceptions: Vec::new(),
            quarantined: 0,
            business_day: None,
        }
    }

    #[test]
    fn two_leaders_in_one_term_are_noticed() {
        let mut leadership = Leadership::new();
        leadership.claims(A, A, Term(1)).unwrap();
        leadership.claims(B, A, Term(1)).unwrap();
        leadership.claims(B, B, Term(2)).unwrap();
        assert_eq!(leadership.failovers(), 1);
        assert_eq!(leadership.claims(B, B, Term(1)).unwrap_err().rule, Rule::OneLeaderPerTerm);
    }

    #[test]
    fn an_isolated_leader_that_stays_entitled_is_noticed() {
        let mut leadership = Leadership::new();
        let leads = status(A, A, true);
        leadership.observe(0, &leads, true).unwrap();
        leadership.observe(1_000_000, &leads, false).unwrap();
        leadership.observe(3_000_000, &leads, false).unwrap();
        assert_eq!(leadership.observe(4_000_000, &leads, false).unwrap_err().rule, Rule::Honest);
        leadership.observe(5_000_000, &leads, true).unwrap();
        leadership.observe(6_000_000, &leads, false).unwrap();
    }

    #[test]
    fn an_entitled_follower_is_noticed() {
        let mut leadership = Leadership::new();
        assert_eq!(leadership.observe(0, &status(A, B, true), true).unwrap_err().rule, Rule::Honest);
        let mut leadership = Leadership::new();
        let degraded = Status { mode: "degraded", ..status(A, A, true) };
        assert_eq!(leadership.observe(0, &degraded, true).unwrap_err().rule, Rule::Honest);
    }
}
