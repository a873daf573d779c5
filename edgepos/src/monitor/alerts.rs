//! Alerts: a gauge beyond its threshold, with hysteresis so that what hovers there is told once.

use super::alert::Alert;
use super::metrics::Sample;

/// When an alert begins and when it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct AlertRule {
    pub(super) name: &'static str,
    /// It begins above this.
    pub(super) threshold: f64,
    /// It ends at or below this.
    pub(super) ends_at: f64,
    value: fn(&Sample) -> f64,
}

/// Every rule. Durations are in seconds.
pub(super) const RULES: [AlertRule; 5] = [
    AlertRule { name: "elections", threshold: 3.0, ends_at: 2.0, value: |sample| sample.elections },
    AlertRule { name: "failover", threshold: 10.0, ends_at: 5.0, value: |sample| sample.failover },
    AlertRule { name: "split_brain", threshold: 0.0, ends_at: 0.0, value: |sample| sample.split_brains },
    AlertRule { name: "sync_lag", threshold: 60.0, ends_at: 30.0, value: |sample| sample.sync_lag },
    AlertRule { name: "queue", threshold: 10_000.0, ends_at: 5_000.0, value: |sample| sample.queued },
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
            let firing = if *on { value > rule.ends_at } else { value > rule.threshold };
            if firing != *on {
                *on = firing;
                let AlertRule { name, threshold, .. } = *rule;
                changes.push(Alert { name, firing, value, threshold });
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hovers_at_the_threshold_is_told_once() {
        let mut alerts = Alerts::default();
        let mut told = |queued| {
            let changes = alerts.judge(&Sample { queued, ..Sample::default() });
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
            ..Sample::default()
        };
        assert_eq!(alerts.judge(&high).len(), RULES.len());
        assert_eq!(alerts.judge(&Sample::default()).len(), RULES.len());
    }
}
