//! The names, units and meanings of the metrics.

use std::time::Duration;

use edgepos_consensus::Report;

use super::inference::InferenceFigures;
use crate::terminal::Status;

/// Notices, by their name.
pub(super) const NOTICES: &str = "edgepos_notices_total";
/// What that counts.
pub(super) const NOTICES_HELP: &str = "what happened, by the name of the notice";

/// A gauge: its name, and what it says. Units are in the name's ending, as Prometheus has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Gauge {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
}

macro_rules! gauges {
    ($($field:ident $name:literal $help:literal;)+) => {
        /// What was read at one moment; durations in seconds, `NaN` for what is not known.
        #[derive(Clone, Copy, PartialEq, Debug, Default)]
        pub(crate) struct Sample {
            $(pub(crate) $field: f64,)+
        }

        /// Every gauge, in the order of the page.
        const GAUGES: &[Gauge] = &[$(Gauge { name: $name, help: $help },)+];

        impl Sample {
            /// Hands each gauge to whoever records.
            pub(crate) fn publish(&self) {
                $(if !self.$field.is_nan() {
                    ::metrics::gauge!($name).set(self.$field);
                })+
            }

            /// Each gauge with its value, in the order of the page.
            pub(super) fn gauges(&self) -> impl Iterator<Item = (&'static Gauge, f64)> {
                GAUGES.iter().zip([$(self.$field,)+])
            }
        }
    };
}

gauges! {
    elections "edgepos_elections_last_hour" "new leaders seen in the last hour";
    failover "edgepos_failover_max_seconds" "longest failover among the latest 256";
    split_brains "edgepos_split_brains" "two leaders seen in one term since the start";
    sync_lag "edgepos_sync_lag_seconds" "age of the oldest event here that the cloud is not known to hold";
    queued "edgepos_queued_events" "events here that the cloud is not known to hold";
    exceptions "edgepos_exceptions" "exceptions that are raised";
    quarantined "edgepos_quarantined_events" "stored and not readable by this version";
    open_baskets "edgepos_open_baskets" "baskets begun and neither committed nor abandoned";
    connected "edgepos_connected_peers" "terminals with a connection";
    entitled "edgepos_entitled" "1 while this terminal leads and hears a majority";
    conditions "edgepos_conditions" "conditions that hold: what someone must act on";
    conflicts "edgepos_conflicts_ratio" "exceptions of the last hour for each transaction, of at least 100";
    inference_p99 "edgepos_inference_p99_seconds" "99th percentile of the models' answers in the last hour, up to the next bound";
    inference_fallbacks "edgepos_inference_fallback_ratio" "calls of models in the last hour that got a fallback";
    inference_accuracy "edgepos_inference_accuracy_ratio" "right among the latest 200 answers that a person looked at, from 50 on";
    disk_free "edgepos_disk_free_bytes" "free on the disk, in whole MiB, where the store can tell";
    unsigned "edgepos_unsigned_receipts" "receipts that are booked and wait for their signatures";
    without_quorum "edgepos_without_quorum_seconds" "time without a leader or a majority since the start";
}

impl Sample {
    /// Reads a terminal.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats, and no count here nears 2^53")]
    pub(super) fn new(
        status: &Status,
        elections: &Report,
        lag: Duration,
        conflicts: f64,
        inference: InferenceFigures,
    ) -> Self {
        Self {
            elections: f64::from(elections.elections_last_hour),
            failover: elections.failover_max.as_secs_f64(),
            split_brains: elections.split_brains as f64,
            sync_lag: lag.as_secs_f64(),
            queued: status.queued as f64,
            exceptions: status.exceptions.len() as f64,
            quarantined: status.quarantined as f64,
            open_baskets: status.open_baskets as f64,
            connected: status.connected.len() as f64,
            entitled: f64::from(u8::from(status.entitled)),
            conditions: status.conditions.len() as f64,
            conflicts,
            inference_p99: inference.p99,
            inference_fallbacks: inference.fallbacks,
            inference_accuracy: inference.accuracy,
            disk_free: status.disk_free.map_or(f64::NAN, |free| free as f64),
            unsigned: status.unsigned_receipts as f64,
            without_quorum: elections.without_quorum.as_secs_f64(),
        }
    }
}

/// Tells whoever records what the figures mean.
pub(crate) fn describe() {
    ::metrics::describe_counter!(NOTICES, NOTICES_HELP);
    for gauge in GAUGES {
        ::metrics::describe_gauge!(gauge.name, gauge.help);
    }
}

/// Counts a notice.
pub(crate) fn count_notice(name: &'static str) {
    ::metrics::counter!(NOTICES, "notice" => name).increment(1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::super::alerts::{AlertRule, RULES};
    use super::*;

    /// The rows of a table of the page, without its head.
    fn rows(page: &str, head: &str) -> Vec<String> {
        let table = &page[page.find(head).unwrap_or_else(|| panic!("no table {head}"))..];
        table.lines().skip(2).take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
    }

    #[test]
    fn the_page_has_every_gauge_and_every_alert() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/monitoring.md");
        let page = std::fs::read_to_string(page).unwrap();
        let gauges: Vec<_> =
            GAUGES.iter().map(|gauge| format!("| `{}` | {} |", gauge.name, gauge.help)).collect();
        assert_eq!(rows(&page, "| gauge | what it says |"), gauges);
        let alerts: Vec<_> = RULES
            .iter()
            .map(|rule| {
                let AlertRule { name, beyond, threshold, ends_at, says, remedy, .. } = rule;
                format!("| `{name}` | {} {threshold} | {ends_at} | {says} | {remedy} |", beyond.word())
            })
            .collect();
        assert_eq!(rows(&page, "| alert | begins | ends at |"), alerts);
    }

    fn file(name: &str) -> String {
        let path = format!("{}/../docs/monitoring/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn prometheus_has_a_rule_for_every_alert() {
        let rules = file("alerts.yml");
        for rule in RULES {
            assert!(rules.contains(&format!("alert: edgepos_{}\n", rule.name)), "no rule for {}", rule.name);
            let expr = format!("expr: edgepos_alert{{alert=\"{}\"}} == 1\n", rule.name);
            assert!(rules.contains(&expr), "no {expr}");
        }
        assert_eq!(
            rules.matches("alert: edgepos_").count(),
            RULES.len() + 1,
            "each alert, and the conditions"
        );
    }

    #[test]
    fn the_dashboard_names_only_what_there_is() {
        let dashboard = file("dashboard.json");
        let names = dashboard.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        let mut shown = 0;
        for name in names.filter(|name| name.starts_with("edgepos_")) {
            let known =
                GAUGES.iter().any(|gauge| gauge.name == name) || name == NOTICES || name == "edgepos_alert";
            assert!(known, "{name} is no metric");
            shown += 1;
        }
        assert!(shown >= GAUGES.len(), "{shown} of {} gauges are shown", GAUGES.len());
    }
}
