//! Whether a leader may still act as one: it counts for itself when each voter last answered.
//!
//! Raft's own check runs once per election timeout and forgives up to two of them. Here an answer proves the following until one
//! lease after the *question* was sent, on the leader's own clock. A follower that answered neither stands for election nor votes
//! for another before that moment, so that at no time two terminals are both entitled, as far as clocks run equally fast.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{ReplicaId, Time};

use crate::io::Notice;
use crate::turn::Turn;

/// Changes of the lease that are remembered: the answers to questions from before all of them count for the shortest.
const LEASES: usize = 8;

/// An answer of a voter: when its question was sent, and until when it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Answer {
    asked: Time,
    until: Time,
}

/// Who was heard, and since when the majority was.
#[derive(Clone, Debug)]
pub(crate) struct Quorum {
    /// One tick less than the lease that was asked for: a follower's own count may be short by the tick under way.
    lease: Duration,
    /// The leases asked for, and since when.
    leases: VecDeque<(Time, Duration)>,
    me: ReplicaId,
    /// Since when this terminal leads; `None` when it does not.
    leads_since: Option<Time>,
    /// The answer of each voter that counts longest.
    answered: BTreeMap<ReplicaId, Answer>,
    /// When anything was last heard from each voter.
    heard: BTreeMap<ReplicaId, Time>,
    /// The same of members whose connection died since. They are out of reach, and no longer silent than they were.
    lost_sight: BTreeMap<ReplicaId, Time>,
    /// As of the last update.
    held: bool,
    lost: Option<Lost>,
}

/// The majority is out of reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lost {
    pub(crate) since: Time,
    pub(crate) reachable: u32,
    pub(crate) needed: u32,
}

impl Quorum {
    pub(crate) fn new(me: ReplicaId, lease: Duration) -> Self {
        Self {
            lease,
            leases: VecDeque::new(),
            me,
            leads_since: None,
            answered: BTreeMap::new(),
            heard: BTreeMap::new(),
            lost_sight: BTreeMap::new(),
            held: false,
            lost: None,
        }
    }

    /// This terminal won an election.
    pub(crate) fn lead(&mut self, now: Time, lease: Duration) {
        self.leads_since = Some(now);
        self.leases = [(now, lease)].into();
        self.lease = lease;
        self.answered.clear();
        self.held = false;
    }

    /// Questions sent from here on ask for this lease.
    pub(crate) fn ask_for(&mut self, now: Time, lease: Duration) {
        if lease == self.lease {
            return;
        }
        // Some questions of this millisecond ask for the old lease and some for the new one: all count for the shorter.
        let since = if lease > self.lease { now + Duration::from_millis(1) } else { now };
        self.lease = lease;
        if self.leases.len() == LEASES {
            self.leases.pop_front();
        }
        self.leases.push_back((since, lease));
    }

    /// What the question asked for. Of those forgotten, the least that any may have asked for.
    fn lease_at(&self, asked: Time) -> Duration {
        let known = self.leases.iter().rev().find(|(since, _)| *since <= asked);
        known.map_or_else(
            || self.leases.iter().map(|(_, lease)| *lease).min().unwrap_or_default(),
            |(_, lease)| *lease,
        )
    }

    /// This terminal does not lead any more. A lost majority stays lost until a leader is known.
    pub(crate) fn follow(&mut self) {
        self.leads_since = None;
        self.held = false;
    }

    /// A message of a terminal was taken.
    pub(crate) fn heard(&mut self, replica: ReplicaId, now: Time) {
        self.heard.insert(replica, now);
        self.lost_sight.remove(&replica);
    }

    /// When the terminal was last heard; zero for never.
    fn heard_at(&self, replica: ReplicaId) -> Time {
        self.heard.get(&replica).copied().unwrap_or_default()
    }

    /// Whether the terminal was heard within this time.
    pub(crate) fn heard_within(&self, replica: ReplicaId, now: Time, time: Duration) -> bool {
        now.since(self.heard_at(replica)) < time
    }

    /// Whether the terminal has been silent for so long while this one leads. A connection that died counts from what came over it.
    pub(crate) fn absent(&self, replica: ReplicaId, now: Time, time: Duration) -> bool {
        let last = self.heard.get(&replica).or_else(|| self.lost_sight.get(&replica)).copied();
        let heard = self.leads_since.map(|since| last.unwrap_or_default().max(since));
        heard.is_some_and(|heard| now.since(heard) >= time)
    }

    /// Whether a majority follows, or may yet say so within the lease that this leadership began with.
    pub(crate) fn held_or_due(&self, now: Time, lease: Duration) -> bool {
        self.held || self.leads_since.is_some_and(|since| now < since + lease)
    }

    /// Whether the terminal was heard within the lease.
    pub(crate) fn reaches(&self, replica: ReplicaId, now: Time) -> bool {
        self.heard.get(&replica).is_some_and(|heard| now < *heard + self.lease)
    }

    /// A voter answered a question that was sent at `asked`. One from before this leadership proves nothing about it.
    pub(crate) fn answered(&mut self, replica: ReplicaId, asked: Time) {
        if self.leads_since.is_none_or(|since| asked < since) {
            return;
        }
        let answer = Answer { asked, until: asked + self.lease_at(asked) };
        let latest = self.answered.entry(replica).or_default();
        latest.asked = answer.asked.max(latest.asked);
        latest.until = answer.until.max(latest.until);
    }

    /// A member's connection died: what it said does not count any more.
    pub(crate) fn lose(&mut self, replica: ReplicaId) {
        self.answered.remove(&replica);
        if let Some(heard) = self.heard.remove(&replica) {
            self.lost_sight.insert(replica, heard);
        }
    }

    /// The connection of one that is no member died.
    pub(crate) fn forget(&mut self, replica: ReplicaId) {
        self.answered.remove(&replica);
        self.heard.remove(&replica);
        self.lost_sight.remove(&replica);
    }

    /// The moment until which a majority is known to follow; `None` while no majority has ever answered.
    pub(crate) fn proven_until(&self, voters: &[ReplicaId]) -> Option<Time> {
        self.proven(voters, |answer| answer.until)
    }

    /// When the latest question was sent that a majority has answered; `None` for none.
    fn proven_at(&self, voters: &[ReplicaId]) -> Option<Time> {
        self.proven(voters, |answer| answer.asked)
    }

    fn proven(&self, voters: &[ReplicaId], of: impl Fn(&Answer) -> Time) -> Option<Time> {
        let others_needed = (voters.len() / 2 + 1).checked_sub(usize::from(voters.contains(&self.me)))?;
        let Some(rank) = others_needed.checked_sub(1) else { return Some(Time(u64::MAX)) };
        let answers = voters.iter().filter(|voter| **voter != self.me);
        let mut times: Vec<_> = answers.filter_map(|voter| self.answered.get(voter)).map(of).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        times.get(rank).copied()
    }

    /// The next moment at which an update may find the majority lost.
    pub(crate) fn deadline(&self, voters: &[ReplicaId]) -> Option<Time> {
        let since = self.leads_since?;
        if !self.held && self.lost.is_some() {
            return None;
        }
        let until = if self.held { self.proven_until(voters)? } else { since + self.lease };
        (until != Time(u64::MAX)).then_some(until)
    }

    /// Brings the count up to date, and tells what has changed. `following` says whether another terminal is known to lead.
    pub(crate) fn update(&mut self, turn: &mut Turn<'_>, following: bool) {
        let (now, voters) = (turn.now, turn.voters());
        let proven = self.proven_until(voters);
        self.held = self.leads_since.is_some() && proven.is_some_and(|until| now < until);
        if self.held || following {
            if self.lost.take().is_some() {
                turn.out.tell(Notice::QuorumRegained);
            }
            return;
        }
        let needed = (voters.len() / 2 + 1) as u32;
        // Words of other kinds, or older questions, may have come from more of them: they prove no majority.
        let reached = |voter: &&ReplicaId| **voter == self.me || self.reaches(**voter, now);
        let reachable = (voters.iter().filter(reached).count() as u32).min(needed - 1);
        if let Some(lost) = &mut self.lost {
            lost.reachable = reachable;
            return;
        }
        let Some(since) = self.leads_since.filter(|since| now >= *since + self.lease) else { return };
        let heard = self.proven_at(voters).unwrap_or(since);
        let since = heard.max(since);
        self.lost = Some(Lost { since, reachable, needed });
        turn.out.tell(Notice::QuorumLost { since, reachable, needed });
    }

    /// Whether a majority followed at the last update.
    pub(crate) fn held(&self) -> bool {
        self.held
    }

    /// Whether this terminal leads, has had one lease to hear a majority, and does not.
    pub(crate) fn unheard(&self, now: Time) -> bool {
        !self.held && self.leads_since.is_some_and(|since| now >= since + self.lease)
    }

    pub(crate) fn lost(&self) -> Option<Lost> {
        self.lost
    }

    /// The voters that have not answered a question sent at `asked` or later; none when the majority has.
    pub(crate) fn missing(&self, asked: Time, voters: &[ReplicaId]) -> Vec<ReplicaId> {
        if self.proven_at(voters).is_some_and(|proven| proven >= asked) {
            return Vec::new();
        }
        let silent = |voter: &&ReplicaId| {
            **voter != self.me && self.answered.get(voter).is_none_or(|answer| answer.asked < asked)
        };
        voters.iter().filter(silent).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cable that is pulled and put back makes nobody silent: who is takes its place for good.
    #[test]
    fn a_connection_that_dies_is_no_silence_yet() {
        let (voter, patience) = (ReplicaId::new(2, 1), Duration::from_secs(5));
        let mut quorum = Quorum::new(ReplicaId::new(1, 1), Duration::from_millis(499));
        quorum.lead(Time(0), Duration::from_millis(499));
        quorum.heard(voter, Time(60_000));
        quorum.lose(voter);
        assert!(!quorum.reaches(voter, Time(60_001)), "it is out of reach at once");
        assert!(!quorum.absent(voter, Time(64_999), patience));
        assert!(quorum.absent(voter, Time(65_000), patience));
        quorum.heard(voter, Time(65_001));
        assert!(!quorum.absent(voter, Time(65_002), patience));
    }

    /// What is asked in the millisecond of a change may carry either lease, and counts for the shorter one.
    #[test]
    fn a_question_counts_for_no_more_than_it_asks() {
        let (me, voter) = (ReplicaId::new(1, 1), ReplicaId::new(2, 1));
        let ms = Duration::from_millis;
        let proven = |changes: &[(u64, u64)], asked: u64| {
            let mut quorum = Quorum::new(me, ms(290));
            quorum.lead(Time(0), ms(290));
            changes.iter().for_each(|(at, lease)| quorum.ask_for(Time(*at), ms(*lease)));
            quorum.answered(voter, Time(asked));
            quorum.proven_until(&[me, voter]).expect("a majority has answered").0 - asked
        };
        let changes = [(100, 1040), (200, 290)];
        let expected = [(99, 290), (100, 290), (101, 1040), (199, 1040), (200, 290), (201, 290)];
        for (asked, lease) in expected {
            assert_eq!(proven(&changes, asked), lease, "asked at {asked}");
        }
    }
    /// A lease that became longer meanwhile does not lengthen what was promised before: the majority is looked at when that ends.
    #[test]
    fn a_promise_ends_on_time_while_a_longer_lease_is_asked_for() {
        let (me, voter) = (ReplicaId::new(1, 1), ReplicaId::new(2, 1));
        let ms = Duration::from_millis;
        let mut quorum = Quorum::new(me, ms(290));
        quorum.lead(Time(0), ms(290));
        assert_eq!(quorum.deadline(&[me, voter]), Some(Time(290)), "nobody has answered");
        quorum.ask_for(Time(5), ms(1040));
        quorum.answered(voter, Time(4));
        quorum.held = true;
        assert_eq!(quorum.deadline(&[me, voter]), Some(Time(294)));
        quorum.held = false;
        assert_eq!(quorum.deadline(&[me, voter]), Some(Time(1040)), "the alarm waits for one whole lease");
    }
}
