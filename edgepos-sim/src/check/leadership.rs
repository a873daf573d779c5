//! Who leads, as everybody tells it, and whether those who say that they may decide can.

use std::collections::BTreeMap;

use edgepos::Status;
use edgepos_consensus::Health;
use edgepos_core::{ReplicaId, Term};

use super::promises::Promises;
use super::rule::{Rule, Violation};

/// Watches leadership over a whole run.
#[derive(Debug, Default)]
pub struct Leadership {
    leaders: BTreeMap<Term, ReplicaId>,
    promises: Promises,
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

    /// A terminal, whose configured lease is `lease_ms`, sends a frame.
    ///
    /// # Errors
    /// When it asks for a longer lease than any may.
    pub fn sent(&mut self, frame: &[u8], lease_ms: u64) -> Result<(), Violation> {
        self.promises.sent(frame, lease_ms)
    }

    /// A frame has arrived.
    pub fn arrived(&mut self, frame: &[u8]) {
        self.promises.arrived(frame);
    }

    /// What a terminal says of itself at `now_ms` of its own monotonic clock, and who votes.
    ///
    /// # Errors
    /// When it is entitled without the promises of a majority, or calls itself entitled and follows somebody else.
    pub fn observe(&mut self, now_ms: u64, status: &Status, voters: &[ReplicaId]) -> Result<(), Violation> {
        let me = status.me;
        if let Some(leader) = status.leader {
            self.claims(me, leader.replica, leader.term)?;
        }
        if !status.entitled {
            return Ok(());
        }
        let Some(leader) = status.leader.filter(|leader| leader.replica == me) else {
            let what = format!("{me} is entitled and says that {:?} leads", status.leader);
            return Err(Violation::new(Rule::Honest, what));
        };
        if status.health != Health::Normal {
            let what = format!("{me} is entitled while {}", status.health);
            return Err(Violation::new(Rule::Honest, what));
        }
        let until_ms = self.promises.majority_until_ms(me, leader.term.0, voters);
        if until_ms.is_some_and(|until_ms| now_ms <= until_ms) {
            return Ok(());
        }
        let what = match until_ms {
            None => format!("{me} is entitled, and no majority has promised it anything"),
            Some(until_ms) => {
                format!("{me} is entitled {} ms after the promises of its majority ended", now_ms - until_ms)
            }
        };
        Err(Violation::new(Rule::Honest, what))
    }

    /// A terminal is off: when it starts again it counts on no promise from before.
    pub fn stopped(&mut self, replica: ReplicaId) {
        self.promises.forget(replica);
    }

    /// All disks went back to one moment: what anybody led or promised since is forgotten by all.
    pub(crate) fn forget(&mut self) {
        (self.leaders, self.promises, self.latest) = (BTreeMap::new(), Promises::default(), None);
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
pub(crate) mod tests {
    use edgepos::consensus::Leader;

    use super::super::promises::tests::frame;
    use super::*;

    const A: ReplicaId = ReplicaId::new(1, 1);
    const B: ReplicaId = ReplicaId::new(2, 1);

    pub(crate) fn status(me: ReplicaId, leader: ReplicaId, entitled: bool) -> Status {
        Status {
            me,
            author: me,
            leader: Some(Leader { replica: leader, term: Term(4) }),
            entitled,
            health: Health::Normal,
            durable: Default::default(),
            cloud: Default::default(),
            queued: 0,
            connected: Vec::new(),
            voters: Vec::new(),
            learners: Vec::new(),
            open_shifts: Vec::new(),
            open_baskets: 0,
            unsigned: Vec::new(),
            unsigned_receipts: 0,
            erasures_known: true,
            level: 0,
            below_level: false,
            exceptions: Vec::new(),
            open_exceptions: 0,
            quarantined: 0,
            set_aside: 0,
            disk_free: None,
            business_day: None,
            conditions: Vec::new(),
            alerts: Vec::new(),
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

    /// A leader of term 4 that has asked at 100 ms of its clock, for 300 ms, and was answered.
    fn promised() -> Leadership {
        let mut leadership = Leadership::new();
        leadership.sent(&frame(A, B, [4, 101, 5, 0]), 300).unwrap();
        leadership.arrived(&frame(B, A, [4, 101, 6, 0]));
        leadership
    }

    #[test]
    fn a_leader_that_stays_entitled_beyond_its_promises_is_noticed() {
        let (leads, voters) = (status(A, A, true), [A, B]);
        promised().observe(100, &leads, &voters).unwrap();
        promised().observe(400, &leads, &voters).unwrap();
        assert_eq!(promised().observe(401, &leads, &voters).unwrap_err().rule, Rule::Honest);
        promised().observe(401, &status(A, A, false), &voters).unwrap();
    }

    #[test]
    fn a_leader_whom_nobody_promised_anything_is_noticed() {
        let (leads, voters) = (status(A, A, true), [A, B]);
        assert_eq!(Leadership::new().observe(100, &leads, &voters).unwrap_err().rule, Rule::Honest);
        let mut leadership = promised();
        leadership.stopped(A);
        assert_eq!(leadership.observe(100, &leads, &voters).unwrap_err().rule, Rule::Honest);
        let more = [A, B, ReplicaId::new(3, 1), ReplicaId::new(4, 1)];
        assert_eq!(promised().observe(100, &leads, &more).unwrap_err().rule, Rule::Honest, "two of four");
        assert_eq!(promised().sent(&frame(A, B, [4, 900, 5, 2_001]), 300).unwrap_err().rule, Rule::Honest);
    }

    #[test]
    fn an_entitled_follower_is_noticed() {
        let mut leadership = Leadership::new();
        assert_eq!(leadership.observe(0, &status(A, B, true), &[A, B]).unwrap_err().rule, Rule::Honest);
        let degraded = Health::Degraded { since: edgepos_core::Time(0), reachable: 1, needed: 2 };
        let degraded = Status { health: degraded, ..status(A, A, true) };
        assert_eq!(promised().observe(100, &degraded, &[A, B]).unwrap_err().rule, Rule::Honest);
    }
}
