//! When an engine that worked stops working: after a few failures in a row it is left alone for a while.

use std::time::{Duration, Instant};

/// When an engine is given up, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failed runs in a row before the engine is demoted. Default 3, at least 1.
    pub failures: u32,
    /// How long it is left alone the first time. Default 60 s; doubles each time it fails again.
    pub cool_down: Duration,
    /// The longest it is left alone. Default 1 h.
    pub max_cool_down: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 3, cool_down: Duration::from_secs(60), max_cool_down: Duration::from_secs(3600) }
    }
}

/// The circuit breaker of one engine (Nygard, *Release It!*). Told the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Breaker {
    config: BreakerConfig,
    failures: u32,
    /// How long the next rest is.
    rest: Duration,
    open_until: Option<Instant>,
}

impl Breaker {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self { config, failures: 0, rest: config.cool_down, open_until: None }
    }

    /// Whether the engine may be used or tried again.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        self.open_until.is_none_or(|until| now >= until)
    }

    /// Whether it was given up and its rest is over: time to try it again.
    pub(crate) fn wants_trial(&self, now: Instant) -> bool {
        self.open_until.is_some_and(|until| now >= until)
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::new(self.config);
    }

    /// Counts a failed run; true when that is the one too many.
    pub(crate) fn failed(&mut self, now: Instant) -> bool {
        self.failures += 1;
        if self.failures < self.config.failures.max(1) {
            return false;
        }
        self.trip(now);
        true
    }

    /// Gives the engine up at once: a trial failed.
    pub(crate) fn trip(&mut self, now: Instant) {
        self.failures = 0;
        self.open_until = now.checked_add(self.rest);
        self.rest = self.rest.saturating_mul(2).min(self.config.max_cool_down);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row_and_rests_longer_each_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::new(BreakerConfig::default());
        assert!(!breaker.failed(at(0)) && !breaker.failed(at(0)));
        breaker.succeeded();
        assert!(!breaker.failed(at(1)) && !breaker.failed(at(1)) && breaker.failed(at(1)));
        assert!(!breaker.allows(at(60)) && breaker.allows(at(61)) && breaker.wants_trial(at(61)));
        breaker.trip(at(61));
        assert!(!breaker.allows(at(180)) && breaker.allows(at(181)));
        for _ in 0..20 {
            breaker.trip(at(200));
        }
        assert!(breaker.allows(at(200 + 3600)));
        breaker.succeeded();
        assert!(breaker.allows(at(200)) && !breaker.wants_trial(at(9999)));
    }
}
