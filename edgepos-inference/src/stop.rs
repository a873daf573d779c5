//! Telling a run that nobody waits for it any more.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The deadline of a run, and the switch that ends it early.
///
/// The caller of a run never waits for the switch to work: some engines look at it between nodes, some never.
pub struct Stop {
    deadline: Instant,
    asked: AtomicBool,
    hook: Mutex<Option<Hook>>,
}

type Hook = Box<dyn Fn() + Send>;

impl Stop {
    /// A run that should be over at `deadline`.
    #[must_use]
    pub fn at(deadline: Instant) -> Self {
        Self { deadline, asked: AtomicBool::new(false), hook: Mutex::new(None) }
    }

    /// A run that should be over `within` from the present. Saturates far in the future.
    #[must_use]
    pub fn within(within: Duration) -> Self {
        Self::at(deadline(Instant::now(), within))
    }

    /// When the run should be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the run should end: it was asked to, or its deadline has passed.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.asked.load(Ordering::Acquire) || Instant::now() >= self.deadline
    }

    /// Asks the run to end. May be called from any thread, any number of times.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        if let Some(hook) = self.lock().as_ref() {
            hook();
        }
    }

    /// Registers what interrupts the engine; called at once if the stop was asked for already. Replaces an earlier
    /// hook. [`Stop::clear`] removes it when the run is over.
    pub fn on_ask(&self, hook: impl Fn() + Send + 'static) {
        let mut slot = self.lock();
        // Under the lock, so that an `ask` that comes between the store and the check still finds the hook.
        if self.asked.load(Ordering::Acquire) {
            hook();
        }
        *slot = Some(Box::new(hook));
    }

    /// Removes the hook.
    pub fn clear(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Hook>> {
        // A hook that panicked leaves nothing half-written.
        self.hook.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// `start` plus `within`; a year stands for "no deadline" where the addition would overflow.
pub(crate) fn deadline(start: Instant, within: Duration) -> Instant {
    start.checked_add(within).unwrap_or(start + Duration::from_secs(31_536_000))
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("deadline", &self.deadline)
            .field("asked", &self.asked.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn a_hook_registered_late_still_hears_the_request() {
        let calls = Arc::new(AtomicU32::new(0));
        let stop = Stop::within(Duration::from_secs(60));
        assert!(!stop.is_due());
        stop.ask();
        assert!(stop.is_due());
        let seen = Arc::clone(&calls);
        stop.on_ask(move || {
            seen.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        stop.clear();
        stop.ask();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_deadline_beyond_the_clock_does_not_overflow() {
        assert!(!Stop::within(Duration::MAX).is_due());
        assert!(Stop::within(Duration::ZERO).is_due());
    }
}
