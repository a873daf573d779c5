//! The windows: each notice of every engine as a log line and a metric, gauges of the terminal's state, and alerts.
//!
//! Metrics go through the facade of the crate `metrics`: whoever installs a recorder sees them, and without one they cost next to
//! nothing. `docs/monitoring.md` has the table.

pub(crate) mod alert;
mod alerts;
pub(crate) mod exposition;
mod hour;
pub(crate) mod inference;
mod lag;
pub(crate) mod metrics;
mod story;

use std::time::Duration;

use edgepos_core::{Now, Time};

use self::alert::Alert;
use self::alerts::Alerts;
use self::exposition::Counts;
use self::hour::Hour;
use self::inference::{Inference, InferenceLog};
use self::lag::Lag;
use self::metrics::Sample;
use self::story::Story;
use crate::retail::kind::KnownKind;
use crate::terminal::{Notice, Status};

/// The names of all alerts.
#[cfg(test)]
pub(crate) const RULE_NAMES: [&str; alerts::RULES.len()] = alerts::names();

/// How often gauges are read and alerts judged.
const PERIOD: Duration = Duration::from_secs(1);
/// Transactions that an hour has at least where exceptions are counted for each: one of three is no trend.
const FEW: u64 = 100;
/// The counts of an hour: transactions, and exceptions.
const TRANSACTIONS: usize = 0;
const EXCEPTIONS: usize = 1;

/// The windows of one terminal, for whoever has a loop of their own; a [`Driver`](crate::Driver) has one inside.
///
/// It is handed every [`Notice`] and, once a second, the status: each notice becomes a log line and a count, the status becomes gauges,
/// and figures beyond their thresholds become alerts.
#[derive(Debug)]
pub struct Monitor {
    due: Time,
    story: Story,
    lag: Lag,
    alerts: Alerts,
    trade: Hour<2>,
    inference: InferenceLog,
    counts: Counts,
    latest: Sample,
}

impl Monitor {
    /// Begins to watch a terminal that has just started.
    pub fn new(now: Now) -> Self {
        metrics::describe();
        Self {
            due: now.mono,
            story: Story::new(now.mono),
            lag: Lag::default(),
            alerts: Alerts::default(),
            trade: Hour::default(),
            inference: InferenceLog::default(),
            counts: Counts::new(),
            latest: Sample::default(),
        }
    }

    /// A notice of the terminal: told and counted.
    pub fn notice(&mut self, now: Now, notice: &Notice) {
        let name = self.story.tell(now.mono, notice);
        self.count(name);
        match notice {
            Notice::Recorded { envelope, .. } if envelope.kind.known() == Some(KnownKind::Transaction) => {
                self.trade.add(now.mono, TRANSACTIONS);
            }
            Notice::ExceptionRaised(_) => self.trade.add(now.mono, EXCEPTIONS),
            _ => {}
        }
    }

    /// What a model did: told and counted.
    pub fn inference(&mut self, now: Now, what: Inference) {
        self.count(story::tell_inference(what));
        self.inference.take(now.mono, what);
    }

    /// What became of a model: told and counted.
    #[cfg(feature = "embedded")]
    pub fn model(&mut self, notice: &edgepos_inference::Notice) {
        notice.log();
        self.count(notice.name());
    }

    fn count(&mut self, name: &'static str) {
        metrics::count_notice(name);
        *self.counts.entry(name).or_default() += 1;
    }

    /// The figures of the latest sample, and the counts of all notices, as text for Prometheus.
    pub fn text(&self) -> String {
        exposition::text(&self.latest, &self.counts, &self.alerts.states())
    }

    /// The alerts that are on, as the latest sample has them.
    pub fn alerts(&self) -> Vec<Alert> {
        self.alerts.standing().collect()
    }

    /// Whether [`sample`](Self::sample) is due: once a second.
    pub fn is_due(&self, now: Now) -> bool {
        now.mono >= self.due
    }

    /// Reads the gauges of a status and of the elections' report, and judges the alerts: those that began and those that ended, which are
    /// to be handed in as [`Notice::Alert`].
    pub fn sample(&mut self, now: Now, status: &Status, elections: &edgepos_consensus::Report) -> Vec<Alert> {
        self.due = now.mono + PERIOD;
        let lag = self.lag.sample(now.mono, &status.durable, &status.cloud);
        let [transactions, exceptions] = self.trade.sums(now.mono);
        #[expect(clippy::cast_precision_loss, reason = "counts of an hour are far below 2^53")]
        let conflicts = exceptions as f64 / transactions.max(FEW) as f64;
        let inference = self.inference.figures(now.mono);
        self.latest = Sample::new(status, elections, lag, conflicts, inference);
        self.latest.publish();
        self.alerts.judge(&self.latest)
    }
}
