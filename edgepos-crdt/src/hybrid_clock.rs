//! A hybrid logical clock: stamps that follow the wall clock and never go back.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use edgepos_core::{ParseIdError, WallMs};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const COUNTER_BITS: u32 = 16;
const MAX_MS: u64 = (1 << (64 - COUNTER_BITS)) - 1;

/// A stamp of a hybrid logical clock (Kulkarni and others, 2014): 48 bits of milliseconds since 1970, then 16 bits of counter.
///
/// Milliseconds reach the year 10889. More than 65,536 stamps in one millisecond carry into the next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Hlc(pub u64);

impl Hlc {
    /// Before every stamp.
    pub const ZERO: Self = Self(0);

    /// From milliseconds since 1970, of which 48 bits count and more is the largest, and a counter within that millisecond.
    pub const fn from_parts(ms: u64, counter: u16) -> Self {
        let ms = if ms > MAX_MS { MAX_MS } else { ms };
        Self((ms << COUNTER_BITS) | counter as u64)
    }

    /// Milliseconds since 1970.
    pub const fn ms(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// The counter within the millisecond.
    pub const fn counter(self) -> u16 {
        self.0 as u16
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.ms(), self.counter())
    }
}

/// As it is displayed: milliseconds, a point and the counter.
impl FromStr for Hlc {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let parse = || {
            let (ms, counter) = text.split_once('.').filter(|(ms, counter)| digits(ms) && digits(counter))?;
            let ms = ms.parse().ok().filter(|ms| *ms <= MAX_MS)?;
            Some(Self::from_parts(ms, counter.parse().ok()?))
        };
        parse().ok_or(ParseIdError::new("a stamp such as 1700000000000.3"))
    }
}

/// A remote stamp was further ahead of the local wall clock than [`HybridClock::MAX_AHEAD`], so the clock was not advanced by it.
///
/// One of the two clocks is wrong. What carried the stamp is merged all the same: a join that looked at the local clock would make
/// terminals disagree for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error, Serialize, Deserialize)]
#[error("remote stamp {remote} is {} ms ahead of this clock", .ahead.as_millis())]
pub struct ClockAhead {
    /// The stamp that came from elsewhere.
    pub remote: Hlc,
    /// How far ahead of the local wall clock it is.
    pub ahead: Duration,
}

/// Issues stamps for one incarnation of a terminal: strictly rising, also across a restart and a wall clock that is set back.
///
/// Before a stamp is used, ask [`ceiling_to_persist`](Self::ceiling_to_persist) and write what it returns in the same disk
/// transaction: a restart then begins above every stamp ever used.
///
/// A clock that was wrong once stays ahead, since going back would break the order of its own writes;
/// [`ahead_of`](Self::ahead_of) tells, and the next incarnation begins with a fresh clock.
///
/// ```
/// use edgepos_core::WallMs;
/// use edgepos_crdt::{HybridClock, Hlc};
///
/// let mut clock = HybridClock::new(Hlc::ZERO);
/// let first = clock.now(WallMs(1_000));
/// let set_back = clock.now(WallMs(10));
/// assert!(first < set_back);
///
/// let ceiling = clock.ceiling_to_persist(WallMs(1_000)).expect("nothing is on disk yet");
/// let mut restarted = HybridClock::new(ceiling);
/// assert!(restarted.now(WallMs(10)) > set_back);
/// ```
///
/// Serialised as its ceiling, so that a clock that is read back begins above every stamp that it may have issued since.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Hlc", from = "Hlc")]
pub struct HybridClock {
    last: Hlc,
    ceiling: Hlc,
}

impl From<HybridClock> for Hlc {
    fn from(clock: HybridClock) -> Self {
        clock.last.max(clock.ceiling)
    }
}

impl From<Hlc> for HybridClock {
    fn from(ceiling: Hlc) -> Self {
        Self::new(ceiling)
    }
}

impl HybridClock {
    /// A remote stamp further ahead of the local wall clock than this does not advance the clock: 60 s.
    pub const MAX_AHEAD: Duration = Duration::from_secs(60);
    /// How far above the present the persisted ceiling is set: 10 s.
    pub const CEILING_REACH: Duration = Duration::from_secs(10);
    /// The ceiling is raised when less than this is left below it: 5 s, so that it is written at most every 5 s.
    pub const CEILING_RENEWAL: Duration = Duration::from_secs(5);

    /// Goes on above `ceiling`, the last one that was persisted; [`Hlc::ZERO`] when there is none.
    pub const fn new(ceiling: Hlc) -> Self {
        Self { last: ceiling, ceiling }
    }

    /// The next stamp: the wall clock when it is ahead, else one more than the last.
    ///
    /// Strictly rising until the largest `u64`, in the year 10889, where it stays.
    pub fn now(&mut self, wall: WallMs) -> Hlc {
        let physical = Hlc::from_parts(wall.0, 0);
        self.last = if physical > self.last { physical } else { Hlc(self.last.0.saturating_add(1)) };
        self.last
    }

    /// Makes later stamps exceed `remote`, so that an answer sorts after what it answers.
    ///
    /// # Errors
    /// [`ClockAhead`] when `remote` is more than [`Self::MAX_AHEAD`] ahead of `wall`; the clock is unchanged.
    pub fn observe(&mut self, remote: Hlc, wall: WallMs) -> Result<(), ClockAhead> {
        let ahead = Duration::from_millis(remote.ms().saturating_sub(wall.0));
        if ahead > Self::MAX_AHEAD {
            return Err(ClockAhead { remote, ahead });
        }
        self.last = self.last.max(remote);
        Ok(())
    }

    /// The ceiling to write down before any stamp beyond the last ceiling is used; `None` while the last one reaches far enough.
    ///
    /// What is returned counts as persisted: a write that fails ends the terminal.
    pub fn ceiling_to_persist(&mut self, wall: WallMs) -> Option<Hlc> {
        let present = self.last.ms().max(wall.0).min(MAX_MS);
        let left = self.ceiling.ms().saturating_sub(present);
        if u128::from(left) >= Self::CEILING_RENEWAL.as_millis() || self.ceiling.0 == u64::MAX {
            return None;
        }
        let reach = present.saturating_add(Self::CEILING_REACH.as_millis() as u64);
        // In the last millisecond of all only the counter still rises.
        self.ceiling = if reach < MAX_MS { Hlc::from_parts(reach, 0) } else { Hlc(u64::MAX) };
        Some(self.ceiling)
    }

    /// The last stamp issued or observed.
    pub const fn last(&self) -> Hlc {
        self.last
    }

    /// How far the clock's stamps are ahead of the wall clock; zero when they follow it.
    ///
    /// Up to [`Self::CEILING_REACH`] after a restart and up to [`Self::MAX_AHEAD`] behind a fast peer are normal. More means that
    /// this terminal's wall clock once was far ahead.
    pub fn ahead_of(&self, wall: WallMs) -> Duration {
        Duration::from_millis(self.last.ms().saturating_sub(wall.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_YEARS_MS: u64 = 315_576_000_000;

    #[test]
    fn parts_read_back_and_order_is_by_time_then_counter() {
        let stamp = Hlc::from_parts(1_700_000_000_000, 65_535);
        assert_eq!((stamp.ms(), stamp.counter()), (1_700_000_000_000, 65_535));
        assert!(stamp < Hlc::from_parts(1_700_000_000_001, 0));
        assert_eq!(Hlc::from_parts(u64::MAX, 0).ms(), MAX_MS);
    }

    #[test]
    fn stamps_rise_whatever_the_wall_clock_does() {
        let mut clock = HybridClock::new(Hlc::ZERO);
        let mut last = Hlc::ZERO;
        for wall in [5_000, 5_000, 4_000, 0, 5_001, TEN_YEARS_MS, 5_002, u64::MAX] {
            let stamp = clock.now(WallMs(wall));
            assert!(stamp > last, "{stamp} after {last} at {wall}");
            last = stamp;
        }
    }

    #[test]
    fn counter_overflow_carries_into_the_millisecond() {
        let mut clock = HybridClock::new(Hlc::from_parts(7, u16::MAX));
        assert_eq!(clock.now(WallMs(7)), Hlc::from_parts(8, 0));
    }

    #[test]
    fn the_last_stamp_of_all_saturates() {
        let mut clock = HybridClock::new(Hlc(u64::MAX));
        assert_eq!(clock.now(WallMs(u64::MAX)), Hlc(u64::MAX));
        assert_eq!(clock.ceiling_to_persist(WallMs(u64::MAX)), None);
    }

    /// A wall clock beyond 48 bits, and a restart.
    #[test]
    fn a_restart_in_the_last_millisecond_repeats_no_stamp() {
        let mut clock = HybridClock::new(Hlc::ZERO);
        let first = clock.now(WallMs(u64::MAX));
        let ceiling = clock.ceiling_to_persist(WallMs(u64::MAX)).unwrap();
        let used = clock.now(WallMs(u64::MAX));
        assert!(first < used && used < ceiling);
        assert_eq!(clock.ceiling_to_persist(WallMs(u64::MAX)), None);
        assert!(HybridClock::new(ceiling).now(WallMs(0)) > used);
    }

    #[test]
    fn a_far_future_remote_does_not_drag_the_clock() {
        let mut clock = HybridClock::new(Hlc::ZERO);
        let wall = WallMs(1_000_000);
        assert_eq!(clock.observe(Hlc::from_parts(1_060_000, 9), wall), Ok(()));
        assert_eq!(clock.now(wall), Hlc::from_parts(1_060_000, 10));
        let remote = Hlc::from_parts(1_060_001, 0);
        let news = clock.observe(remote, wall).unwrap_err();
        assert_eq!(news, ClockAhead { remote, ahead: Duration::from_millis(60_001) });
        assert_eq!(clock.last(), Hlc::from_parts(1_060_000, 10));
    }

    #[test]
    fn a_restart_begins_above_every_stamp_used() {
        let mut clock = HybridClock::new(Hlc::ZERO);
        let mut on_disk = Hlc::ZERO;
        let mut writes = 0;
        let mut used = Hlc::ZERO;
        for wall in (0..60_000).step_by(100) {
            let stamp = clock.now(WallMs(wall));
            if let Some(ceiling) = clock.ceiling_to_persist(WallMs(wall)) {
                on_disk = ceiling;
                writes += 1;
            }
            assert!(stamp < on_disk);
            used = stamp;
            assert!(HybridClock::new(on_disk).now(WallMs(0)) > used, "restart with the wall clock at 1970");
        }
        assert!(used > Hlc::ZERO);
        assert!((11..=13).contains(&writes), "about every 5 s of 60: {writes}");
    }

    /// A state that was written at noon is read after a crash at noon and eight seconds: what was issued in between is not repeated.
    #[test]
    fn a_clock_that_is_read_back_begins_above_its_ceiling() {
        let mut clock = HybridClock::new(Hlc::ZERO);
        clock.now(WallMs(1_000));
        clock.ceiling_to_persist(WallMs(1_000)).unwrap();
        let json = serde_json::to_string(&clock).unwrap();
        let used = clock.now(WallMs(5_999));
        assert_eq!(clock.ceiling_to_persist(WallMs(5_999)), None, "the ceiling still reaches");
        let mut read: HybridClock = serde_json::from_str(&json).unwrap();
        assert!(read.now(WallMs(0)) > used);
    }

    #[test]
    fn a_clock_that_was_wrong_once_tells_so() {
        let mut clock = HybridClock::new(Hlc::ZERO);
        clock.now(WallMs(TEN_YEARS_MS));
        assert_eq!(clock.ahead_of(WallMs(0)), Duration::from_millis(TEN_YEARS_MS));
        assert_eq!(clock.ahead_of(WallMs(TEN_YEARS_MS)), Duration::ZERO);
    }
}
