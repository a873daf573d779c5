//! When more is taken in than the disk keeps up with: who sends it is asked to pause, and sends less at a time. Recording is never
//! asked. What only the cloud lacks is on disk, where it costs nothing to wait.

use std::time::Duration;

use crate::config::Config;

/// How long a peer is asked to pause after each batch while this much waits for the disk: nothing up to high water, then growing, and
/// [`Config::pause_max`] from the critical mark on. The worse of events and bytes counts.
pub(crate) fn pause(events: u64, bytes: u64, config: &Config) -> Duration {
    let events = per_mille(events, config.high_water_events, config.critical_events);
    let bytes = per_mille(bytes, config.high_water_bytes, config.critical_bytes);
    config.pause_max * events.max(bytes) / 1_000
}

fn per_mille(level: u64, high: u32, critical: u32) -> u32 {
    let (high, critical) = (u64::from(high), u64::from(critical));
    let above = level.saturating_sub(high).min(critical - high);
    // Never zero above high water: the pause begins with the first event too many.
    u32::try_from((above * 1_000).div_ceil((critical - high).max(1))).unwrap_or(1_000)
}

/// What a peer that is asked may put into one batch: additive increase, multiplicative decrease (Chiu and Jain, 1989).
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    /// Taken off [`Config::batch_bytes`].
    cut: u32,
    /// Whether the longest pause was asked for since none was: at the edge it does not flap.
    critical: bool,
}

impl Throttle {
    pub(crate) fn answered(&mut self, pause: Duration, config: &Config) {
        let full = config.batch_bytes;
        if pause.is_zero() {
            self.cut = self.cut.saturating_sub(full / 16);
        } else {
            let half = (full - self.cut) / 2;
            self.cut = full - half.max(full / 32);
        }
    }

    /// Whether a pause of this length begins a time of the longest pauses.
    pub(crate) fn turns_critical(&mut self, pause: Duration, config: &Config) -> bool {
        if pause.is_zero() {
            self.critical = false;
            return false;
        }
        pause >= config.pause_max && !std::mem::replace(&mut self.critical, true)
    }

    pub(crate) fn budget(&self, config: &Config) -> u32 {
        config.batch_bytes - self.cut
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{ReplicaId, StoreId};

    use super::*;

    fn config() -> Config {
        Config::standard(StoreId([0; 16]), ReplicaId::new(1, 1), 1)
    }

    #[test]
    fn the_pause_grows_between_the_marks() {
        let config = config();
        let ms = |events, bytes| pause(events, bytes, &config).as_millis();
        assert_eq!((ms(0, 0), ms(5_000, 0), ms(5_001, 0)), (0, 0, 1));
        assert_eq!((ms(7_500, 0), ms(10_000, 0), ms(u64::MAX, 0)), (500, 1_000, 1_000));
        assert_eq!((ms(0, 16 << 20), ms(0, 24 << 20), ms(6_000, 24 << 20)), (0, 500, 500));
    }

    #[test]
    fn the_budget_halves_and_recovers_in_steps() {
        let config = config();
        let mut throttle = Throttle::default();
        let mut seen = Vec::new();
        for pause_ms in [1, 1, 1, 1, 1, 1, 0, 0] {
            throttle.answered(Duration::from_millis(pause_ms), &config);
            seen.push(throttle.budget(&config) >> 10);
        }
        assert_eq!(seen, [128, 64, 32, 16, 8, 8, 24, 40]);
        for _ in 0..20 {
            throttle.answered(Duration::ZERO, &config);
        }
        assert_eq!(throttle.budget(&config), config.batch_bytes);
    }
}
