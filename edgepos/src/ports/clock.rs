//! The clock port.

use std::time::{SystemTime, UNIX_EPOCH};

use edgepos_core::Now;

/// Tells the time on both clocks.
pub trait Clock: Send + Sync {
    /// The monotonic part must count the time that the device was suspended, and never go back.
    fn now(&self) -> Now;
}

/// The operating system's clocks: `CLOCK_BOOTTIME` on Linux and Android, `std::time::Instant` elsewhere (which counts suspend on
/// Windows and does not on macOS).
#[derive(Debug)]
pub struct SystemClock {
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    origin: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is when the device started (Linux, Android) or this call.
    #[expect(
        clippy::new_without_default,
        reason = "elsewhere than on Linux it reads the clock: not a default value"
    )]
    pub fn new() -> Self {
        Self {
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            origin: std::time::Instant::now(),
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn mono_ms(&self) -> u64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        (time.tv_sec.unsigned_abs()) * 1000 + time.tv_nsec.unsigned_abs() / 1_000_000
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn mono_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        // A clock before 1970 is as wrong as one that was never set, and reads as that.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now::new(self.mono_ms(), u64::try_from(wall.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let clock = SystemClock::new();
        let readings: Vec<_> = (0..1000).map(|_| clock.now().mono).collect();
        assert!(readings.is_sorted());
        assert!(clock.now().wall.0 > 1_600_000_000_000);
    }
}
