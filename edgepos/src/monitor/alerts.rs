//! Alerts: a gauge beyond its threshold, with hysteresis so that what hovers there is told once.

use super::alert::Alert;
use super::metrics::Sample;

/// When an alert begins and when it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct AlertRule {
    pub(super) name: &'static str,
    pub(super) beyond: Beyond,
    /// It begins beyond this.
    pub(super) threshold: f64,
    /// It ends here, or on the good side of it.
    pub(super) ends_at: f64,
    value: fn(&Sample) -> f64,
}

/// On which side of its threshold a figure is bad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Beyond {
    Above,
    Below,
}

impl Beyond {
    /// Whether `value` is beyond `bound`. What is not known is not.
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Above => value > bound,
            Self::Below => value < bound,
        }
    }

    /// How the page says it.
    #[cfg(test)]
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

const fn above(name: &'static str, threshold: f64, ends_at: f64, value: fn(&Sample) -> f64) -> AlertRule {
    AlertRule { name, beyond: Beyond::Above, threshold, ends_at, value }
}

/// Every rule. Durations are in seconds.
pub(super) const RULES: [AlertRule; 9] = [
    above("elections", 3.0, 2.0, |sample| sample.elections),
    above("failover", 10.0, 5.0, |sample| sample.failover),
    above("split_brain", 0.0, 0.0, |sample| sample.split_brains),
    above("sync_lag", 60.0, 30.0, |sample| sample.sync_lag),
    above("queue", 10_000.0, 5_000.0, |sample| sample.queued),
    above("conflicts", 0.01, 0.005, |sample| sample.conflicts),
    above("inference_p99", 0.3, 0.2, |sample| sample.inference_p99),
    AlertRule {
        name: "inference_accuracy",
        beyond: Beyond::Below,
        threshold: 0.9,
        ends_at: 0.92,
        value: |sample| sample.inference_accuracy,
    },
    above("inference_fallbacks", 0.05, 0.03, |sample| sample.inference_fallbacks),
];

/// Which alerts are on.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    firing: [bool; RULES.len()],
}

impl Alerts {
    /// What began and what ended with this sample.
    pub(super) fn judge(&mut self, sample: &Sample) -> Vec<Alert> {
        let mut changes = Vec::new();
        for (rule, on) in RULES.iter().zip(&mut self.firing) {
            let value = (rule.value)(sample);
            let firing = rule.beyond.holds(value, if *on { rule.ends_at } else { rule.threshold });
            if firing != *on {
                *on = firing;
                let AlertRule { name, threshold, .. } = *rule;
                changes.push(Alert { name, firing, value, threshold });
            }
        }
        changes
    }

    /// Every alert, and whether it is on.
    pub(super) fn states(&self) -> Vec<(&'static str, bool)> {
        RULES.iter().zip(&self.firing).map(|(rule, firing)| (rule.name, *firing)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hovers_at_the_threshold_is_told_once() {
        let mut alerts = Alerts::default();
        let mut told = |queued| {
            let changes = alerts.judge(&Sample { queued, inference_accuracy: 1.0, ..Sample::default() });
            changes.iter().map(|change| (change.name, change.firing)).collect::<Vec<_>>()
        };
        assert_eq!(told(10_000.0), []);
        assert_eq!(told(10_001.0), [("queue", true)]);
        assert_eq!(told(9_999.0), []);
        assert_eq!(told(10_001.0), []);
        assert_eq!(told(5_000.0), [("queue", false)]);
    }

    #[test]
    fn each_rule_begins_and_ends() {
        let mut alerts = Alerts::default();
        let high = Sample {
            elections: 4.0,
            failover: 10.1,
            split_brains: 1.0,
            sync_lag: 61.0,
            queued: 10_001.0,
            conflicts: 0.011,
            inference_p99: 0.5,
            inference_accuracy: 0.89,
            inference_fallbacks: 0.051,
            ..Sample::default()
        };
        assert_eq!(alerts.judge(&high).len(), RULES.len());
        let good = Sample { inference_accuracy: 0.95, ..Sample::default() };
        assert_eq!(alerts.judge(&good).len(), RULES.len());
        let unknown = Sample { inference_accuracy: f64::NAN, inference_p99: f64::NAN, ..Sample::default() };
        assert_eq!(alerts.judge(&unknown), [], "what is not known is not bad");
    }
}
