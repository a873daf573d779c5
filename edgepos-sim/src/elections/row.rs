//! One line of the table.

use core::fmt;

use serde::Serialize;

use super::lan::Wire;
use super::trial::{Cell, Profile, Trial, What};

/// What many seeds of one [`Cell`] gave.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// The profile that sets the durations.
    pub profile: Profile,
    /// What happened to the leader.
    pub cause: What,
    /// Terminals of the store.
    pub terminals: usize,
    /// How messages travelled.
    pub transport: Wire,
    /// Messages lost, in percent.
    pub loss: u64,
    /// How long each flush took, in milliseconds.
    pub flush_ms: u64,
    /// The round trip to the cloud that votes, in milliseconds; `null` for a store that votes by itself.
    pub cloud_rtt_ms: Option<u64>,
    /// How many runs were made.
    pub seeds: u64,
    /// Half of the runs had a leader that may act for the store within this time, in milliseconds.
    pub p50_ms: u64,
    /// 99 of 100 runs had.
    pub p99_ms: u64,
    /// The slowest run.
    pub max_ms: u64,
    /// Runs that found no leader within a minute; they count as one minute above.
    pub never: u64,
    /// Runs in which the election needed more than one term.
    pub split_terms: u64,
    /// The longest time that two terminals believed to lead, in milliseconds. The older one is not entitled to anything by then, or
    /// cannot commit it; see the docs of `Election::entitled`.
    pub two_leaders_ms_max: u64,
}

impl Row {
    pub(super) fn new(cell: &Cell, trials: &[Trial]) -> Self {
        let mut took: Vec<_> = trials.iter().map(|trial| trial.took_ms.unwrap_or(60_000)).collect();
        took.sort_unstable();
        let percentile = |percent: usize| {
            let rank = (took.len() * percent).div_ceil(100).saturating_sub(1);
            took.get(rank).copied().unwrap_or_default()
        };
        let count = |wanted: fn(&Trial) -> bool| trials.iter().filter(|trial| wanted(trial)).count() as u64;
        Self {
            profile: cell.profile,
            cause: cell.what,
            terminals: cell.terminals,
            transport: cell.wire,
            loss: cell.loss,
            flush_ms: cell.flush_ms,
            cloud_rtt_ms: cell.cloud_rtt_ms,
            seeds: trials.len() as u64,
            p50_ms: percentile(50),
            p99_ms: percentile(99),
            max_ms: percentile(100),
            never: count(|trial| trial.took_ms.is_none()),
            split_terms: count(|trial| trial.split),
            two_leaders_ms_max: trials.iter().map(|trial| trial.two_leaders_ms).max().unwrap_or_default(),
        }
    }

    /// The heading of the printed table.
    pub const HEADING: &str = "profile   cause      terminals transport loss flush cloud   p50   p99    max  split never two leaders";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (profile, cause) = (format!("{:?}", self.profile), format!("{:?}", self.cause));
        let wire = format!("{:?}", self.transport);
        let cloud = self.cloud_rtt_ms.map_or_else(|| "-".to_owned(), |rtt| rtt.to_string());
        write!(f, "{profile:<9} {cause:<10} {:>9} {wire:<9} {:>2} % ", self.terminals, self.loss)?;
        write!(
            f,
            "{:>5} {cloud:>5} {:>5} {:>5} {:>6}",
            self.flush_ms, self.p50_ms, self.p99_ms, self.max_ms
        )?;
        write!(f, " {:>6} {:>5} {:>8} ms", self.split_terms, self.never, self.two_leaders_ms_max)
    }
}
