//! Raft counts time in ticks; the caller tells milliseconds.

use core::time::Duration;

use edgepos_core::{Jitter, ReplicaId, Time};

use crate::config::Timing;

/// The durations of a [`Timing`] in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerTicks {
    pub(crate) heartbeat: usize,
    pub(crate) lease: usize,
    pub(crate) election_min: usize,
    pub(crate) election_max: usize,
}

/// The longest wait of a candidate, in multiples of the longest configured one.
const PATIENCE_LIMIT: usize = 64;

impl TimerTicks {
    /// No patience is longer, in ticks.
    pub(crate) fn patience_limit(&self) -> usize {
        self.election_max * PATIENCE_LIMIT
    }

    /// The timing must be valid: whole ticks, within the hour.
    pub(crate) fn new(timing: &Timing) -> Self {
        let count = |duration: Duration| (duration.as_millis() / timing.tick.as_millis().max(1)) as usize;
        Self {
            heartbeat: count(timing.heartbeat),
            lease: count(timing.lease),
            election_min: count(timing.election_min),
            election_max: count(timing.election_max),
        }
    }

    /// The silence after which the replica stands for election: a pure function, so that a run replays from its seed and two
    /// replicas that split a vote draw anew.
    pub(crate) fn draw(&self, seed: u64, me: ReplicaId, term: u64, attempt: u32) -> usize {
        let mut jitter = Jitter::derive(seed, &[me.0, term, u64::from(attempt)]);
        jitter.range(self.election_min as u64, self.election_max as u64) as usize
    }

    /// The same without a draw: one slot for each follower of `leader`, by rank.
    pub(crate) fn slot(&self, rank: usize, followers: usize) -> usize {
        let width = (self.election_max - self.election_min) / followers.saturating_sub(1).max(1);
        (self.election_min + rank * width).min(self.election_max)
    }
}

/// Where in the sequence of ticks we are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TickClock {
    tick: Duration,
    /// A sleep longer than this many ticks is over at once.
    lease: usize,
    last: Time,
}

impl TickClock {
    pub(crate) fn new(timing: &Timing, now: Time) -> Self {
        Self { tick: timing.tick, lease: TimerTicks::new(timing).lease, last: now }
    }

    /// Takes the whole ticks that have passed since the last call. After a long sleep no more than `left`, at which something happens:
    /// one timeout is news enough, and the ones behind it would be elections that nobody could answer.
    pub(crate) fn take(&mut self, now: Time, left: usize) -> usize {
        let ticks = now.since(self.last).as_millis() / self.tick.as_millis().max(1);
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        self.last = self.last + self.tick * ticks;
        let ticks = ticks as usize;
        if ticks <= self.lease {
            return ticks;
        }
        self.skip(now);
        ticks.min(left)
    }

    /// Drops the ticks that have passed.
    pub(crate) fn skip(&mut self, now: Time) {
        self.last = now;
    }

    /// When this many further ticks will have passed.
    pub(crate) fn after(&self, ticks: usize) -> Time {
        self.last + self.tick * u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}
