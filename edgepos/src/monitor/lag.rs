//! How old the oldest event is that the cloud does not hold.

use std::collections::VecDeque;
use std::time::Duration;

use edgepos_core::Time;
use edgepos_crdt::VersionVector;

/// Moments that are kept. When they are full every second one goes, and the rest are twice as far apart: the memory is bounded, and
/// the age of a long outage is known to 1 part in 64.
const MAX_MOMENTS: usize = 128;

/// What was durable here at past moments.
#[derive(Debug, Default)]
pub(super) struct Lag {
    moments: VecDeque<(Time, VersionVector)>,
    /// Samples to pass over before the next one is kept, less one.
    stride: u32,
    passed: u32,
}

impl Lag {
    /// Takes what is durable here and in the cloud. The age of the oldest moment whose events the cloud does not all hold; zero where
    /// it holds everything.
    pub(super) fn sample(&mut self, now: Time, durable: &VersionVector, cloud: &VersionVector) -> Duration {
        while self.moments.front().is_some_and(|(_, held)| cloud.dominates(held)) {
            self.moments.pop_front();
        }
        if self.moments.is_empty() {
            (self.stride, self.passed) = (0, 0);
        }
        if cloud.dominates(durable) {
            return Duration::ZERO;
        }
        if self.passed < self.stride {
            self.passed += 1;
        } else if self.moments.back().is_none_or(|(_, held)| held != durable) {
            self.passed = 0;
            if self.moments.len() == MAX_MOMENTS {
                let mut keep = false;
                self.moments.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.stride = self.stride * 2 + 1;
            }
            self.moments.push_back((now, durable.clone()));
        }
        self.moments.front().map_or(Duration::ZERO, |(since, _)| now - *since)
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::*;

    fn upto(seq: u64) -> VersionVector {
        [(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq))].into_iter().collect()
    }

    #[test]
    fn the_oldest_event_that_is_missing_counts() {
        let mut lag = Lag::default();
        assert_eq!(lag.sample(Time(0), &upto(5), &upto(5)), Duration::ZERO);
        assert_eq!(lag.sample(Time(1_000), &upto(6), &upto(5)), Duration::ZERO, "seen for the first time");
        assert_eq!(lag.sample(Time(9_000), &upto(7), &upto(5)), Duration::from_secs(8));
        assert_eq!(lag.sample(Time(10_000), &upto(8), &upto(6)), Duration::from_secs(1), "since 7 was seen");
        assert_eq!(lag.sample(Time(11_000), &upto(8), &upto(8)), Duration::ZERO);
    }

    #[test]
    fn a_long_outage_is_measured_in_bounded_memory() {
        let mut lag = Lag::default();
        for second in 0..100_000u64 {
            let age = lag.sample(Time(second * 1_000), &upto(second + 1), &upto(0));
            assert_eq!(age, Duration::from_secs(second));
        }
        assert!(lag.moments.len() <= MAX_MOMENTS);
        let age = lag.sample(Time(100_000_000), &upto(100_000), &upto(50_000)).as_secs();
        assert!((49_000..=50_000).contains(&age), "half is there, to 1 part in 64: {age}");
    }
}
