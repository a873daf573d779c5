//! The windows: each notice of every engine as a log line and a metric, gauges of the terminal's state, and alerts.
//!
//! Metrics go through the facade of the crate `metrics`: whoever installs a recorder sees them, and without one they cost next to
//! nothing. `docs/monitoring.md` has the table.

pub(crate) mod alert;
mod alerts;
mod lag;
pub(crate) mod metrics;
mod story;

use std::time::Duration;

use edgepos_core::{Now, Time};

use self::alert::Alert;
use self::alerts::Alerts;
use self::lag::Lag;
use self::metrics::Sample;
use crate::terminal::{Notice, Status};

/// How often gauges are read and alerts judged.
const PERIOD: Duration = Duration::from_secs(1);

/// Watches one terminal.
#[derive(Debug)]
pub(crate) struct Monitor {
    due: Time,
    lag: Lag,
    alerts: Alerts,
}

impl Monitor {
    /// Begins to watch.
    pub(crate) fn new(now: Now) -> Self {
        metrics::describe();
        Self { due: now.mono, lag: Lag::default(), alerts: Alerts::default() }
    }

    /// A notice: told and counted.
    pub(crate) fn notice(&self, notice: &Notice) {
        let name = story::tell(notice);
        metrics::count_notice(name);
    }

    /// Whether [`sample`](Self::sample) is due.
    pub(crate) fn is_due(&self, now: Now) -> bool {
        now.mono >= self.due
    }

    /// Reads the gauges and judges the alerts. Those that began and those that ended.
    pub(crate) fn sample(
        &mut self,
        now: Now,
        status: &Status,
        elections: &edgepos_consensus::Report,
    ) -> Vec<Alert> {
        self.due = now.mono + PERIOD;
        let lag = self.lag.sample(now.mono, &status.durable, &status.cloud);
        let sample = Sample::new(status, elections, lag);
        sample.publish();
        self.alerts.judge(&sample)
    }
}
