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
    /// Groups that were written and not flushed; `None` as before.
    pub(crate) writes: Option<u64>,
    /// What a sale took its caller, half of the sales and all but a hundredth at most; `None` where it is not measured.
    pub(crate) latency: Option<[Duration; 2]>,
}

impl Figures {
    pub(crate) fn per_second(&self) -> f64 {
        self.sales as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn bytes_a_sale(&self) -> Option<u64> {
        self.bytes.map(|bytes| bytes / self.sales as u64)
    }

    pub(crate) fn commits_a_sale(&self) -> Option<f64> {
        self.each(self.commits)
    }

    pub(crate) fn writes_a_sale(&self) -> Option<f64> {
        self.each(self.writes)
    }

    fn each(&self, count: Option<u64>) -> Option<f64> {
        count.map(|count| (count as f64 / self.sales as f64 * 1_000.0).round() / 1_000.0)
    }

    /// In milliseconds.
    pub(crate) fn latency_ms(&self) -> Option<[f64; 2]> {
        self.latency.map(|latency| latency.map(|took| (took.as_secs_f64() * 1e5).round() / 100.0))
    }
}

/// What half of them took at most, and all but a hundredth.
pub(crate) fn quantiles(mut took: Vec<Duration>) -> Option<[Duration; 2]> {
    took.sort_unstable();
    let at = |hundredths: usize| {
        took.get((took.len() * hundredths / 100).min(took.len().saturating_sub(1))).copied()
    };
    at(50).zip(at(99)).map(|(half, most)| [half, most])
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
