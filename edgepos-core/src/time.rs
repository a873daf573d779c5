//! Two clocks, both told by the caller: a monotonic one for timers, a wall clock for stamps and retention.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Monotonic milliseconds since an origin that the caller chooses (start of the process, power-on).
///
/// It must count the time that the device was suspended: `std::time::Instant` stops on Linux while a tablet sleeps, and a leader
/// that wakes up would still trust a lease that ran out long ago. Arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Time(pub u64);

impl Time {
    /// The clock's origin, zero milliseconds.
    pub const ZERO: Self = Self(0);

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Whole milliseconds of `rhs` count; a rest below one millisecond is dropped.
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, rhs: Self) -> Duration {
        self.since(rhs)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z as this device's clock has it, right or wrong.
///
/// It may jump both ways. Nothing that concerns correctness is decided by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct WallMs(pub u64);

/// The instant of a call, on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Now {
    /// Drives every timer; never goes back.
    pub mono: Time,
    /// Read by the hybrid logical clock and by retention only.
    pub wall: WallMs,
}

impl Now {
    /// Both clocks, in milliseconds.
    pub const fn new(mono_ms: u64, wall_ms: u64) -> Self {
        Self { mono: Time(mono_ms), wall: WallMs(wall_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Time(5) + Duration::from_micros(1_999), Time(6));
        assert_eq!(Time(u64::MAX) + Duration::from_secs(1), Time(u64::MAX));
        assert_eq!(Time(5) - Time(9), Duration::ZERO);
        assert_eq!(Time(9).since(Time(5)), Duration::from_millis(4));
    }
}
