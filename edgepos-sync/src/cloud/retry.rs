//! Requests to the cloud that failed, in a row.

use std::time::Duration;

use crate::backoff;
use crate::turn::Turn;

/// Their count: the bound of the wait doubles with each.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    failures: u32,
}

impl Retry {
    /// A request was of use.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// One more has failed: how many that makes, and how long to wait.
    pub(crate) fn failed(&mut self, turn: &mut Turn<'_>) -> (u32, Duration) {
        let wait = backoff::full_jitter(turn, self.failures);
        self.failures = self.failures.saturating_add(1);
        (self.failures, wait)
    }
}
