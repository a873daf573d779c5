//! What models did, as the application reports it.

use std::collections::VecDeque;
use std::time::Duration;

use edgepos_core::Time;

use super::hour::Hour;

/// Upper bounds of the times that are counted, in ms; what takes longer is in a last one.
const BOUNDS_MS: [u64; 11] = [5, 10, 20, 50, 100, 150, 200, 300, 500, 1_000, 5_000];
/// Times, and behind them the calls that were answered by a fallback.
const COUNTS: usize = BOUNDS_MS.len() + 2;
const FALLBACKS: usize = COUNTS - 1;
/// Checked answers that the accuracy is of: the latest ones.
const MAX_CHECKED: usize = 200;
/// Checked answers below which there is no accuracy to speak of.
const MIN_CHECKED: usize = 50;

/// What a model did. A vendor reports it by [`Node::report_inference`](crate::Node::report_inference).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inference {
    /// It answered in time and was sure enough, or asks a person to confirm.
    Answered {
        /// How long the caller waited.
        took: Duration,
    },
    /// The caller got a fallback: too late, too unsure, no model.
    Fallback {
        /// How long the caller waited.
        took: Duration,
    },
    /// A person confirmed an answer, or corrected it.
    Checked {
        /// Whether the answer was right.
        correct: bool,
    },
}

/// What models did in the last hour, and whether the latest answers were right.
#[derive(Debug, Default)]
pub(super) struct InferenceLog {
    calls: Hour<COUNTS>,
    checked: VecDeque<bool>,
}

/// Figures of it; `NaN` where there are none.
#[derive(Clone, Copy, Debug)]
pub(super) struct InferenceFigures {
    /// The 99th percentile of the last hour in seconds, up to the next bound.
    pub(super) p99: f64,
    /// Calls of the last hour that got a fallback, of all.
    pub(super) fallbacks: f64,
    /// Answers that were right among the latest that a person looked at.
    pub(super) accuracy: f64,
}

impl InferenceLog {
    pub(super) fn take(&mut self, now: Time, what: Inference) {
        match what {
            Inference::Answered { took } => self.calls.add(now, bucket(took)),
            Inference::Fallback { took } => {
                self.calls.add(now, bucket(took));
                self.calls.add(now, FALLBACKS);
            }
            Inference::Checked { correct } => {
                if self.checked.len() == MAX_CHECKED {
                    self.checked.pop_front();
                }
                self.checked.push_back(correct);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of an hour are far below 2^53")]
    pub(super) fn figures(&mut self, now: Time) -> InferenceFigures {
        let counts = self.calls.sums(now);
        let calls: u64 = counts[..FALLBACKS].iter().sum();
        let share = |part: u64| if calls == 0 { f64::NAN } else { part as f64 / calls as f64 };
        let checked = self.checked.len();
        let correct = self.checked.iter().filter(|correct| **correct).count();
        InferenceFigures {
            p99: percentile(&counts[..FALLBACKS], calls),
            fallbacks: share(counts[FALLBACKS]),
            accuracy: if checked < MIN_CHECKED { f64::NAN } else { correct as f64 / checked as f64 },
        }
    }
}

fn bucket(took: Duration) -> usize {
    BOUNDS_MS.iter().position(|bound| took <= Duration::from_millis(*bound)).unwrap_or(BOUNDS_MS.len())
}

/// The bound below which 99 of 100 calls were.
#[expect(clippy::cast_precision_loss, reason = "bounds are small")]
fn percentile(counts: &[u64], calls: u64) -> f64 {
    if calls == 0 {
        return f64::NAN;
    }
    let mut sum = 0;
    for (count, bound) in counts.iter().zip(BOUNDS_MS) {
        sum += count;
        if sum * 100 >= calls * 99 {
            return bound as f64 / 1_000.0;
        }
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_000);

    #[test]
    fn nothing_is_known_of_models_that_were_not_asked() {
        let figures = InferenceLog::default().figures(NOW);
        assert!(figures.p99.is_nan() && figures.fallbacks.is_nan() && figures.accuracy.is_nan());
    }

    #[test]
    fn a_percentile_is_its_bound_and_a_fallback_is_a_call() {
        let mut log = InferenceLog::default();
        for call in 0..100u64 {
            let took = Duration::from_millis(if call < 2 { 301 } else { 9 });
            let what = if call == 0 { Inference::Fallback { took } } else { Inference::Answered { took } };
            log.take(NOW, what);
        }
        let figures = log.figures(NOW);
        assert_eq!((figures.p99, figures.fallbacks), (0.5, 0.01), "two of a hundred took over 300 ms");
        log.take(NOW, Inference::Answered { took: Duration::from_secs(60) });
        log.take(NOW, Inference::Answered { took: Duration::from_secs(60) });
        assert!(log.figures(NOW).p99.is_infinite());
    }

    #[test]
    fn the_accuracy_is_of_the_latest_answers() {
        let mut log = InferenceLog::default();
        for _ in 0..MIN_CHECKED - 1 {
            log.take(NOW, Inference::Checked { correct: false });
        }
        assert!(log.figures(NOW).accuracy.is_nan(), "too few to say");
        for _ in 0..MAX_CHECKED {
            log.take(NOW, Inference::Checked { correct: true });
        }
        assert_eq!(log.figures(NOW).accuracy, 1.0);
    }
}
