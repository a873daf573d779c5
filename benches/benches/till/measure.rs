//! Counts of this process, and the time that something took.

use std::time::Duration;

/// What a run of sales took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) sales: usize,
    pub(crate) time: Duration,
    /// Bytes handed to the system to write; `None` where another process writes.
    pub(crate) bytes: Option<u64>,
    /// Groups that were made durable; `None` where that cannot be seen.
    pub(crate) commits: Option<u64>,
}

impl Figures {
    pub(crate) fn per_second(&self) -> f64 {
        self.sales as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn bytes_a_sale(&self) -> Option<u64> {
        self.bytes.map(|bytes| bytes / self.sales as u64)
    }

    pub(crate) fn commits_a_sale(&self) -> Option<f64> {
        self.commits.map(|commits| (commits as f64 / self.sales as f64 * 100.0).round() / 100.0)
    }
}

/// Bytes that this process has handed to the system to write; 0 where the system does not say.
pub(crate) fn written() -> u64 {
    figure("/proc/self/io", "wchar:")
}

/// Bytes of memory that this process has; 0 where the system does not say.
pub(crate) fn resident() -> u64 {
    figure("/proc/self/status", "VmRSS:") * 1_024
}

fn figure(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
