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
    /// What it says and what to do, in two sentences.
    pub(super) says: &'static str,
    pub(super) remedy: &'static str,
    value: fn(&Sample) -> f64,
}

impl AlertRule {
    /// What it says with this figure.
    fn alert(&self, firing: bool, value: f64) -> Alert {
        let Self { name, threshold, says, remedy, .. } = *self;
        Alert { name, firing, value, threshold, says, remedy }
    }
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

const fn rule(
    name: &'static str,
    (beyond, threshold, ends_at): (Beyond, f64, f64),
    (says, remedy): (&'static str, &'static str),
    value: fn(&Sample) -> f64,
) -> AlertRule {
    AlertRule { name, beyond, threshold, ends_at, says, remedy, value }
}

/// Every rule. Durations are in seconds.
pub(super) const RULES: [AlertRule; 10] = [
    rule(
        "elections",
        (Beyond::Above, 3.0, 2.0),
        (
            "There were more than three leaders in an hour.",
            "Look at the network between the terminals, then at the disks.",
        ),
        |sample| sample.elections,
    ),
    rule(
        "failover",
        (Beyond::Above, 10.0, 5.0),
        ("A leader took longer than 10 s to replace.", "Ask whether most terminals were off."),
        |sample| sample.failover,
    ),
    rule(
        "split_brain",
        (Beyond::Above, 0.0, 0.0),
        (
            "There were two leaders in one term: a disk was copied, or a terminal lies.",
            "Take one of them off.",
        ),
        |sample| sample.split_brains,
    ),
    rule(
        "sync_lag",
        (Beyond::Above, 60.0, 30.0),
        (
            "Events are older than 60 s and not in the cloud.",
            "Look at the line to the cloud, and at the condition `refused_by_cloud`.",
        ),
        |sample| sample.sync_lag,
    ),
    rule(
        "queue",
        (Beyond::Above, 10_000.0, 5_000.0),
        (
            "More than 10,000 events wait for the cloud.",
            "See that the disk has room: the cloud has been away for long, and nothing is lost.",
        ),
        |sample| sample.queued,
    ),
    rule(
        "unsigned",
        (Beyond::Above, 10.0, 0.0),
        (
            "More than ten receipts wait for their signatures.",
            "Look at the fiscal device: sales go on, and what waits is signed once it answers.",
        ),
        |sample| sample.unsigned,
    ),
    rule(
        "conflicts",
        (Beyond::Above, 0.01, 0.005),
        (
            "There was more than one exception for each hundred transactions of the last hour.",
            "Look at the stock records, and at which tills were cut off.",
        ),
        |sample| sample.conflicts,
    ),
    rule(
        "inference_p99",
        (Beyond::Above, 0.3, 0.2),
        (
            "Models answer too late.",
            "Look at which engine and delegate they run on, and at what else the box does.",
        ),
        |sample| sample.inference_p99,
    ),
    rule(
        "inference_accuracy",
        (Beyond::Below, 0.9, 0.92),
        (
            "Cashiers correct more than one answer of ten: the products or their packages have changed.",
            "Train or enrol again.",
        ),
        |sample| sample.inference_accuracy,
    ),
    rule(
        "inference_fallbacks",
        (Beyond::Above, 0.05, 0.03),
        (
            "More than one call of twenty gets a fallback.",
            "See whether a model is missing, too slow or unsure.",
        ),
        |sample| sample.inference_fallbacks,
    ),
];

/// The name of each rule.
#[cfg(test)]
pub(super) const fn names() -> [&'static str; RULES.len()] {
    let mut names = [""; RULES.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = RULES[index].name;
        index += 1;
    }
    names
}

/// Which alerts are on, and the figures that they were judged by last.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    firing: [bool; RULES.len()],
    values: [f64; RULES.len()],
}

impl Alerts {
    /// What began and what ended with this sample.
    pub(super) fn judge(&mut self, sample: &Sample) -> Vec<Alert> {
        let mut changes = Vec::new();
        for ((rule, on), latest) in RULES.iter().zip(&mut self.firing).zip(&mut self.values) {
            let value = (rule.value)(sample);
            *latest = value;
            let firing = rule.beyond.holds(value, if *on { rule.ends_at } else { rule.threshold });
            if firing != *on {
                *on = firing;
                changes.push(rule.alert(firing, value));
            }
        }
        changes
    }

    /// Those that are on, with their latest figures.
    pub(super) fn standing(&self) -> impl Iterator<Item = Alert> + '_ {
        let all = RULES.iter().zip(&self.firing).zip(&self.values);
        all.filter(|((_, on), _)| **on).map(|((rule, _), value)| rule.alert(true, *value))
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
        let standing: Vec<_> =
            alerts.standing().map(|alert| (alert.name, alert.firing, alert.value)).collect();
        assert_eq!(standing, [("queue", true, 9_999.0)], "it stands with its latest figure");
        let mut told = |queued| {
            let changes = alerts.judge(&Sample { queued, inference_accuracy: 1.0, ..Sample::default() });
            changes.iter().map(|change| (change.name, change.firing)).collect::<Vec<_>>()
        };
        assert_eq!(told(10_001.0), []);
        assert_eq!(told(5_000.0), [("queue", false)]);
        assert_eq!(alerts.standing().count(), 0);
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
            unsigned: 11.0,
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
