//! Checks of a clock.

use std::time::{Duration, Instant};

use crate::ports::Clock;

/// Longest time that a clock may stand still.
const STANDSTILL: Duration = Duration::from_secs(10);

/// Runs every check of a [`Clock`].
///
/// # Panics
/// With what is wrong, when a check fails.
pub fn clock(clock: &dyn Clock) {
    never_goes_back(clock);
    goes_on(clock);
}

fn never_goes_back(clock: &dyn Clock) {
    let mut last = clock.now().mono;
    for _ in 0..10_000 {
        let now = clock.now().mono;
        assert!(now >= last, "the monotonic clock went back from {last:?} to {now:?}");
        last = now;
    }
    std::thread::scope(|threads| {
        let other = threads.spawn(|| clock.now().mono);
        let there = other.join().expect("reading a clock does not panic");
        assert!(there >= last, "the monotonic clock is another one on another thread");
    });
}

fn goes_on(clock: &dyn Clock) {
    let (began, first) = (Instant::now(), clock.now().mono);
    while clock.now().mono == first {
        assert!(began.elapsed() < STANDSTILL, "the monotonic clock stands still");
        std::thread::yield_now();
    }
}
