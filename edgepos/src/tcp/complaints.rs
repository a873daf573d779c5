//! Log lines about strangers: a flood of them fills no disk.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lines about callers that were turned away, in each [`PERIOD`]. What comes beyond is counted.
const MOST: u32 = 20;
const PERIOD: Duration = Duration::from_secs(60);

/// How many callers were turned away, and of how many was told.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    began: Option<Instant>,
    told: u32,
    untold: u64,
}

impl Complaints {
    /// Whether there is to be a line about one more, and how many there were since the last one that got none.
    pub(super) fn one_more(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.began.is_none_or(|began| now.duration_since(began) >= PERIOD) {
            (state.began, state.told) = (Some(now), 0);
        }
        if state.told == MOST {
            state.untold += 1;
            return None;
        }
        state.told += 1;
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_told() {
        let (complaints, start) = (Complaints::default(), Instant::now());
        let lines = (0..10_000).filter(|_| complaints.one_more(start).is_some()).count();
        assert_eq!(lines, MOST as usize);
        assert_eq!(
            complaints.one_more(start + PERIOD),
            Some(10_000 - u64::from(MOST)),
            "the next line says how many"
        );
        assert_eq!(complaints.one_more(start + PERIOD), Some(0));
    }
}
