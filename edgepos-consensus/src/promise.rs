//! What a follower owes to its leader: its vote, to no other one, until the lease that the leader asked for has run out.

use core::time::Duration;

use edgepos_core::Time;

use crate::config::Timing;
use crate::pace::MAX_LEASE;
use crate::turn::Turn;

/// The promise to the last leader heard.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    /// The configured lease, which raft itself keeps count of.
    lease: Duration,
    /// The lease that the leader asked for last.
    granted: Duration,
    /// Until when no other one gets this terminal's vote.
    until: Option<Time>,
    /// When a leader of the current term last spoke as one.
    heard: Time,
}

impl Promise {
    /// `granted` is the lease that the last run had promised; whoever asked for it may still count on it.
    pub(crate) fn new(timing: &Timing, granted: Option<Duration>, now: Time) -> Self {
        let lease = timing.lease;
        let granted_then = granted.map(|granted| granted.clamp(lease, MAX_LEASE.max(lease)));
        Self {
            lease,
            granted: granted_then.unwrap_or(lease),
            until: granted_then.map(|granted| now + granted),
            heard: now,
        }
    }

    /// The leader spoke.
    pub(crate) fn heard(&mut self, now: Time) {
        self.heard = now;
    }

    /// A leader asks for this lease. `Some` when that is not what is written down: the lease to write before answering, so that a
    /// restart does not break the promise.
    pub(crate) fn grant(&mut self, now: Time, lease: Duration) -> Option<Duration> {
        let lease = lease.clamp(self.lease, MAX_LEASE.max(self.lease));
        let until = now + lease;
        let longer = self.until.is_none_or(|promised| until >= promised);
        self.until = self.until.max(Some(until));
        // A shorter lease is written down only when the longer promise is over.
        let changes = lease > self.granted || (lease < self.granted && longer);
        if !changes {
            return None;
        }
        self.granted = lease;
        Some(lease)
    }

    /// Whether this terminal's vote is promised to the leader it heard, beyond what raft itself keeps count of.
    pub(crate) fn holds(&self, now: Time) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// The transport saw the leader's connection die: it leads nobody any more.
    pub(crate) fn release(&mut self) {
        self.until = None;
    }

    /// By how much longer than configured the leader may count on this terminal.
    pub(crate) fn stretch(&self) -> Duration {
        self.granted.saturating_sub(self.lease)
    }

    /// When a terminal that does not stand for election gives up its leader; `None` for one that has none or stands.
    pub(crate) fn leader_silent_at(&self, turn: &Turn<'_>) -> Option<Time> {
        turn.raft.leader().filter(|leader| !turn.may_stand() && *leader != turn.config.me)?;
        // Raft lets a voter refuse others for one lease; it does not count on while this one is not ticked.
        let patience = match turn.raft.votes() {
            true => self.lease + self.stretch(),
            false => turn.config.timing.election_max,
        };
        Some(self.heard + patience)
    }

    /// Gives up a leader that has been silent for too long. Raft does it by standing for election, which a learner never does.
    /// Whether it did.
    pub(crate) fn give_up(&self, turn: &mut Turn<'_>) -> bool {
        let overdue = self.leader_silent_at(turn).is_some_and(|at| turn.now >= at);
        if overdue {
            turn.raft.forget_leader();
        }
        overdue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is promised outlives a later, shorter promise and a restart.
    #[test]
    fn a_promise_is_kept() {
        let timing = Timing::standard();
        let long = Duration::from_millis(1050);
        let mut promise = Promise::new(&timing, None, Time(0));
        assert_eq!(promise.grant(Time(0), timing.lease), None, "the configured lease needs no row");
        assert_eq!(promise.grant(Time(100), long), Some(long));
        assert_eq!(promise.grant(Time(200), long), None);
        assert_eq!(promise.grant(Time(300), timing.lease), None, "the longer one still runs");
        assert!(promise.holds(Time(1249)) && !promise.holds(Time(1250)));
        assert_eq!(promise.grant(Time(1300), timing.lease), Some(timing.lease));
        let restarted = Promise::new(&timing, Some(long), Time(5000));
        assert!(restarted.holds(Time(6049)) && !restarted.holds(Time(6050)));
        assert_eq!(restarted.stretch(), Duration::from_millis(750));
    }

    /// Whoever asks for a vote for ever gets it for the longest lease, and so does a row that says so.
    #[test]
    fn no_promise_is_longer_than_the_longest_lease() {
        let timing = Timing::standard();
        let mut promise = Promise::new(&timing, None, Time(0));
        assert_eq!(promise.grant(Time(0), Duration::from_millis(u64::MAX)), Some(MAX_LEASE));
        assert!(promise.holds(Time(1_999)) && !promise.holds(Time(2_000)));
        let restarted = Promise::new(&timing, Some(Duration::from_millis(u64::MAX)), Time(0));
        assert!(!restarted.holds(Time(2_000)));
    }

    /// A configured lease may be longer than any that is asked for.
    #[test]
    fn a_longer_configured_lease_stands() {
        let timing = Timing { lease: 2 * MAX_LEASE, ..Timing::standard() };
        let mut promise = Promise::new(&timing, Some(Duration::from_millis(1)), Time(0));
        assert!(promise.holds(Time(3999)) && !promise.holds(Time(4000)));
        assert_eq!(promise.grant(Time(0), MAX_LEASE), None);
    }
}
