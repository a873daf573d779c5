//! Who may stamp what all terminals share.

use core::time::Duration;

use edgepos_core::{Now, Time, WallMs};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Hlc;

/// The stamp may not be used for what all terminals share: propose the change to the leader, which stamps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum MustPropose {
    /// No leader was heard within [`OriginGuard::MAX_AGE`].
    #[error("no leader was heard within a day")]
    NoLeader,
    /// The stamp is further from the leader's time than [`OriginGuard::MAX_OFFSET`].
    #[error("this clock is {} ms away from the leader's", .by.as_millis())]
    OffTime {
        /// How far away, in either direction.
        by: Duration,
    },
}

/// Keeps a terminal with a wrong clock from writing prices that win for years.
///
/// The check is at the origin. A receiver that refused a stamp because of its own clock would diverge from one that did not.
///
/// ```
/// use edgepos_core::{Now, WallMs};
/// use edgepos_crdt::{Hlc, OriginGuard};
///
/// let mut guard = OriginGuard::new();
/// let now = Now::new(1_000, 1_700_000_000_000);
/// assert!(guard.check(now, Hlc::from_parts(now.wall.0, 0)).is_err());
/// guard.heard(now, WallMs(1_700_000_000_900));
/// assert!(guard.check(now, Hlc::from_parts(now.wall.0, 0)).is_ok());
/// ```
///
/// What was heard is not serialised: it is dated by a clock that starts anew with the process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OriginGuard {
    #[serde(skip)]
    heard: Option<(Time, WallMs)>,
}

impl OriginGuard {
    /// The furthest that a stamp may be from the leader's time: 5 s.
    pub const MAX_OFFSET: Duration = Duration::from_secs(5);
    /// How old the leader's last heartbeat may be: 24 h. Clocks drift by a few seconds a day.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

    /// No leader was heard yet.
    pub const fn new() -> Self {
        Self { heard: None }
    }

    /// The leader's heartbeat told its wall clock. The leader itself tells its own.
    pub fn heard(&mut self, now: Now, leader: WallMs) {
        self.heard = Some((now.mono, leader));
    }

    /// Whether `stamp`, as the own clock would issue it at `now`, may be used for what all terminals share.
    ///
    /// # Errors
    /// [`MustPropose`]; hand the change to the leader instead.
    pub fn check(&self, now: Now, stamp: Hlc) -> Result<(), MustPropose> {
        let heard = self.heard.map(|(at, leader)| (now.mono - at, leader));
        let Some((age, leader)) = heard.filter(|(age, _)| *age < Self::MAX_AGE) else {
            return Err(MustPropose::NoLeader);
        };
        let elapsed = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let by = Duration::from_millis(leader.0.saturating_add(elapsed).abs_diff(stamp.ms()));
        if by <= Self::MAX_OFFSET { Ok(()) } else { Err(MustPropose::OffTime { by }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADER: u64 = 1_700_000_000_000;
    const TEN_YEARS_MS: u64 = 315_576_000_000;

    /// The monotonic clock starts anew with the process: what was heard before says nothing after it.
    #[test]
    fn a_guard_that_is_read_back_has_heard_nobody() {
        let mut guard = OriginGuard::new();
        guard.heard(Now::new(1_000_000, 0), WallMs(LEADER));
        let json = serde_json::to_string(&guard).unwrap();
        let read: OriginGuard = serde_json::from_str(&json).unwrap();
        let stamp = Hlc::from_parts(LEADER, 0);
        assert_eq!(read.check(Now::new(0, LEADER), stamp), Err(MustPropose::NoLeader));
    }

    #[test]
    fn the_limits_are_inclusive_below_and_exclusive_above() {
        let mut guard = OriginGuard::new();
        guard.heard(Now::new(0, 0), WallMs(LEADER));
        let hour = 3_600_000;
        let at = |mono, ms| guard.check(Now::new(mono, 0), Hlc::from_parts(ms, 3));
        for offset in [0, 5_000] {
            assert_eq!(at(hour, LEADER + hour + offset), Ok(()));
            assert_eq!(at(hour, LEADER + hour - offset), Ok(()));
        }
        let off = Err(MustPropose::OffTime { by: Duration::from_millis(5_001) });
        assert_eq!(at(hour, LEADER + hour + 5_001), off);
        assert_eq!(at(hour, LEADER + hour - 5_001), off);
        for wrong in [LEADER + TEN_YEARS_MS, LEADER - TEN_YEARS_MS, 0] {
            assert!(at(0, wrong).is_err());
        }
        let day = 24 * hour;
        assert_eq!(at(day - 1, LEADER + day), Ok(()));
        assert_eq!(at(day, LEADER + day), Err(MustPropose::NoLeader));
    }
}
