//! A terminal's two clocks, made from the world's time.

use edgepos_core::{Now, Time, WallMs};

/// Runs a little fast or slow, shows a wrong time of day, and starts again from near zero when the device was powered off.
#[derive(Clone, Debug)]
pub(crate) struct VirtualClock {
    epoch_ms: i64,
    rate_ppm: i64,
    anchor_us: u64,
    mono_at_anchor_us: u64,
    wall_off_ms: i64,
}

impl VirtualClock {
    /// A clock that gains `rate_ppm` microseconds in each second, and whose wall time is off by `wall_off_ms` from `epoch_ms`, where the
    /// world begins.
    pub(crate) fn new(epoch_ms: u64, rate_ppm: i64, wall_off_ms: i64) -> Self {
        Self { epoch_ms: signed(epoch_ms), rate_ppm, anchor_us: 0, mono_at_anchor_us: 0, wall_off_ms }
    }

    /// Both clocks at a time of the world.
    pub(crate) fn now(&self, world_us: u64) -> Now {
        let drift_us = signed(world_us) * self.rate_ppm / 1_000_000;
        let wall = self.epoch_ms + (signed(world_us) + drift_us) / 1000 + self.wall_off_ms;
        Now { mono: Time(self.mono_us(world_us) / 1000), wall: WallMs(u64::try_from(wall).unwrap_or(0)) }
    }

    /// The first time of the world, `world_us` at the earliest, at which the monotonic clock shows `mono` or more.
    pub(crate) fn due(&self, world_us: u64, mono: Time) -> u64 {
        let missing_us = mono.0.saturating_mul(1000).saturating_sub(self.mono_at_anchor_us);
        let scaled =
            u128::from(missing_us) * 1_000_000 / u128::from((1_000_000 + self.rate_ppm).unsigned_abs());
        let mut due =
            self.anchor_us.saturating_add(u64::try_from(scaled).unwrap_or(u64::MAX / 4)).max(world_us);
        while self.now(due).mono < mono {
            due += 1;
        }
        due
    }

    /// The device was powered off: the monotonic clock starts again.
    pub(crate) fn power_on(&mut self, world_us: u64, mono_ms: u64) {
        self.anchor_us = world_us;
        self.mono_at_anchor_us = mono_ms * 1000;
    }

    /// Somebody sets the wall clock.
    pub(crate) fn jump(&mut self, by_ms: i64) {
        self.wall_off_ms += by_ms;
    }

    fn mono_us(&self, world_us: u64) -> u64 {
        let passed = world_us.saturating_sub(self.anchor_us);
        let drift = signed(passed) * self.rate_ppm / 1_000_000;
        self.mono_at_anchor_us + passed.saturating_add_signed(drift)
    }
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH_MS: u64 = 1_790_000_000_000;

    #[test]
    fn a_deadline_comes_when_the_clock_shows_it_and_no_microsecond_earlier() {
        for rate in [-500, 0, 500] {
            let mut clock = VirtualClock::new(EPOCH_MS, rate, 0);
            clock.power_on(7_777, 3);
            for deadline in [4, 10, 12_345, 60_000_001] {
                let due = clock.due(7_777, Time(deadline));
                assert!(clock.now(due).mono >= Time(deadline), "rate {rate}, deadline {deadline}");
                assert!(clock.now(due - 1).mono < Time(deadline), "rate {rate}, deadline {deadline}");
            }
        }
    }

    #[test]
    fn a_deadline_in_the_past_is_due_now() {
        let clock = VirtualClock::new(EPOCH_MS, 0, 0);
        assert_eq!(clock.due(9_000_000, Time(5)), 9_000_000);
    }

    #[test]
    fn the_wall_jumps_and_the_monotonic_clock_does_not() {
        let mut clock = VirtualClock::new(EPOCH_MS, 0, -30_000);
        let before = clock.now(1_000_000);
        clock.jump(3_600_000);
        let after = clock.now(1_000_000);
        assert_eq!(before.mono, after.mono);
        assert_eq!(after.wall.0 - before.wall.0, 3_600_000);
        assert_eq!(before.wall.0, EPOCH_MS + 1_000 - 30_000);
    }

    #[test]
    fn power_off_starts_the_monotonic_clock_again() {
        let mut clock = VirtualClock::new(EPOCH_MS, 100, 0);
        clock.power_on(50_000_000, 1_500);
        assert_eq!(clock.now(50_000_000).mono, Time(1_500));
        assert_eq!(clock.now(51_000_000).mono, Time(2_500));
    }
}
