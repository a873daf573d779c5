//! What happened, line by line with its time, and how far the phase is: for whoever looks at the store from a browser.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// Most lines that are kept; the oldest go first.
const MAX_LINES: usize = 400;
/// Most characters of a line.
const MAX_LINE: usize = 400;

/// One line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Line {
    /// Which it is, from 1.
    pub(super) number: u64,
    /// When, in ms since 1970 UTC.
    pub(super) at_ms: u64,
    pub(super) text: String,
}

/// What the store is doing as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    pub(super) done: usize,
    pub(super) steps: usize,
}

/// The lines and the phase.
#[derive(Debug, Default)]
pub(super) struct Story {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<Line>,
    told: u64,
    phase: Phase,
}

impl Story {
    pub(super) fn tell(&self, text: &str) {
        let mut inner = self.inner();
        inner.told += 1;
        if inner.lines.len() == MAX_LINES {
            inner.lines.pop_front();
        }
        let line =
            Line { number: inner.told, at_ms: wall_ms(), text: text.trim().chars().take(MAX_LINE).collect() };
        inner.lines.push_back(line);
    }

    /// The newest lines, newest first.
    pub(super) fn latest(&self, count: usize) -> Vec<Line> {
        self.inner().lines.iter().rev().take(count).cloned().collect()
    }

    pub(super) fn phase(&self, name: &'static str, steps: usize) {
        self.inner().phase = Phase { name, done: 0, steps };
    }

    pub(super) fn step(&self) {
        self.inner().phase.done += 1;
    }

    pub(super) fn now(&self) -> Phase {
        self.inner().phase
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of this machine, in ms since 1970 UTC.
pub(super) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_first_and_numbers_rise() {
        let story = Story::default();
        for line in 0..MAX_LINES + 2 {
            story.tell(&format!("line {line}"));
        }
        let all = story.latest(usize::MAX);
        assert_eq!((all.len(), all[0].number), (MAX_LINES, MAX_LINES as u64 + 2));
        assert_eq!(all.last().map(|line| line.text.as_str()), Some("line 2"));
        story.tell(&"é".repeat(MAX_LINE + 1));
        assert_eq!(story.latest(1)[0].text.chars().count(), MAX_LINE);
        story.phase("selling", 2);
        story.step();
        assert_eq!(story.now(), Phase { name: "selling", done: 1, steps: 2 });
    }
}
