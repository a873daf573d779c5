//! Whether a model is still right: what cashiers confirm and correct, over a window, with the uncertainty stated.

use std::collections::VecDeque;

use serde::Serialize;

/// What counts as a decline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftConfig {
    /// How many answers count, the latest. Default 200, at least 1.
    pub window: usize,
    /// Fewer answers than this raise no alert. Default 30.
    pub min_samples: usize,
    /// An accuracy below this is an alert. Default 0.9.
    pub threshold: f64,
    /// An alert ends when the accuracy is back above the threshold by this much. Default 0.02.
    pub hysteresis: f64,
    /// The normal quantile of the confidence interval. Default 1.96: 95 %.
    pub z: f64,
}

impl Default for DriftConfig {
    fn default() -> Self {
        Self { window: 200, min_samples: 30, threshold: 0.9, hysteresis: 0.02, z: 1.96 }
    }
}

/// A share that was counted: of the answers in a monitor's window, those that a person confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// How many were counted.
    pub samples: usize,
    /// How many of them were right.
    pub correct: usize,
    /// Their share; 1 where there are none.
    pub share: f64,
    /// The lower end of the Wilson score interval (Wilson, 1927).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What a new answer changed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DriftNotice {
    /// The accuracy is below the threshold, and not by chance: ask for a new model.
    Declined(Accuracy),
    /// It is back.
    Recovered(Accuracy),
}

impl Accuracy {
    /// The share of `correct` among `samples`, with the interval of the normal quantile `z`.
    pub(crate) fn of(correct: usize, samples: usize, z: f64) -> Self {
        if samples == 0 {
            return Self { samples, correct: 0, share: 1.0, low: 0.0, high: 1.0 };
        }
        let n = samples as f64;
        let share = correct as f64 / n;
        let scale = 1.0 + z * z / n;
        let centre = (share + z * z / (2.0 * n)) / scale;
        let half = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        Self { samples, correct, share, low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
    }
}

/// Watches the accuracy of one model version. A plain value: no clock, no threads.
///
/// ```
/// use edgepos_inference::{DriftConfig, DriftNotice, DriftMonitor};
///
/// let mut monitor = DriftMonitor::new(DriftConfig::default());
/// let mut alert = None;
/// for sale in 0..100 {
///     let correct = sale % 4 != 0; // a cashier corrects every fourth
///     alert = alert.or(monitor.record(correct));
/// }
/// assert!(matches!(alert, Some(DriftNotice::Declined(accuracy)) if accuracy.high < 0.9));
/// ```
#[derive(Clone, Debug)]
pub struct DriftMonitor {
    config: DriftConfig,
    answers: VecDeque<bool>,
    correct: usize,
    declined: bool,
}

impl DriftMonitor {
    /// A monitor without answers. Make a new one for each model version.
    #[must_use]
    pub fn new(config: DriftConfig) -> Self {
        Self { config, answers: VecDeque::new(), correct: 0, declined: false }
    }

    /// Records whether a person confirmed (`true`) or corrected an answer.
    pub fn record(&mut self, correct: bool) -> Option<DriftNotice> {
        self.answers.push_back(correct);
        self.correct += usize::from(correct);
        if self.answers.len() > self.config.window.max(1)
            && let Some(oldest) = self.answers.pop_front()
        {
            self.correct -= usize::from(oldest);
        }
        let accuracy = self.accuracy();
        // The whole interval below the threshold: a few unlucky answers are no decline.
        let declined = accuracy.samples >= self.config.min_samples && accuracy.high < self.config.threshold;
        if !self.declined && declined {
            self.declined = true;
            return Some(DriftNotice::Declined(accuracy));
        }
        // All right is as good as it gets, whatever the two add up to.
        let recovered = (self.config.threshold + self.config.hysteresis).min(1.0);
        if self.declined && accuracy.share >= recovered {
            self.declined = false;
            return Some(DriftNotice::Recovered(accuracy));
        }
        None
    }

    /// The accuracy over the window.
    #[must_use]
    pub fn accuracy(&self) -> Accuracy {
        Accuracy::of(self.correct, self.answers.len(), self.config.z)
    }

    /// Whether an alert stands.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        self.declined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-4, "{found} instead of {expected}");
    }

    #[test]
    fn the_interval_is_wilsons() {
        // Newcombe (1998), table I: 81 of 263 and 15 of 148 give 0.2553–0.3662 and 0.0624–0.1605.
        for (correct, samples, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)] {
            let mut monitor = DriftMonitor::new(DriftConfig { window: 1000, ..DriftConfig::default() });
            for sample in 0..samples {
                monitor.record(sample < correct);
            }
            close(monitor.accuracy().low, low);
            close(monitor.accuracy().high, high);
        }
    }

    #[test]
    fn one_alert_per_decline_and_none_for_bad_luck() {
        let mut monitor = DriftMonitor::new(DriftConfig::default());
        for _ in 0..10 {
            assert_eq!(monitor.record(false), None, "too few");
        }
        let mut monitor = DriftMonitor::new(DriftConfig::default());
        let mut notices = Vec::new();
        for sale in 0..300 {
            // 88 %: below 90, but 200 answers do not prove it.
            notices.extend(monitor.record(sale % 25 >= 3));
        }
        assert_eq!(notices, []);
        for sale in 0..400 {
            notices.extend(monitor.record(sale % 3 != 0));
        }
        assert!(matches!(notices[..], [DriftNotice::Declined(_)]) && monitor.is_declined());
        for _ in 0..400 {
            notices.extend(monitor.record(true));
        }
        assert!(matches!(notices[..], [DriftNotice::Declined(_), DriftNotice::Recovered(_)]));
    }

    #[test]
    fn an_alert_ends_also_where_the_threshold_is_near_one() {
        let config = DriftConfig { window: 50, threshold: 0.99, ..DriftConfig::default() };
        let mut monitor = DriftMonitor::new(config);
        let notices: Vec<_> = (0..100).filter_map(|sale| monitor.record(sale >= 50)).collect();
        assert!(matches!(notices[..], [DriftNotice::Declined(_), DriftNotice::Recovered(_)]), "{notices:?}");
    }

    #[test]
    fn only_the_window_counts() {
        let mut monitor = DriftMonitor::new(DriftConfig { window: 3, ..DriftConfig::default() });
        for correct in [false, false, true, true, true] {
            monitor.record(correct);
        }
        assert_eq!((monitor.accuracy().samples, monitor.accuracy().correct), (3, 3));
    }
}
