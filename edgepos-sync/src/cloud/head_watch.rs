//! When an uploader asks what the cloud holds: one that idles hears nothing, and a cloud that was wrong says nothing when it is repaired.

use std::time::Duration;

use edgepos_core::Time;

use crate::turn::Turn;

/// Between two questions that somebody is in a hurry for.
const HURRY: Duration = Duration::from_secs(1);

/// The next question.
#[derive(Debug, Default)]
pub(super) struct HeadWatch {
    /// `None` until the wait begins.
    at: Option<Time>,
    /// Answers in a row that left the cloud in doubt.
    doubts: u32,
    doubtful: bool,
    /// When somebody was in a hurry last.
    hurried: Option<Time>,
}

impl HeadWatch {
    /// Begins the wait, or shortens it where the cloud has become doubtful.
    pub(super) fn update(&mut self, turn: &Turn<'_>, doubtful: bool) {
        if self.at.is_some() && doubtful == self.doubtful {
            return;
        }
        if !doubtful {
            self.doubts = 0;
        }
        let waits = turn.config.dispute_interval.saturating_mul(1 << self.doubts.min(16));
        // A cloud that was repaired is believed before a minute is over.
        let wait =
            if doubtful { waits.min(turn.config.head_interval / 3) } else { turn.config.head_interval };
        let at = turn.now + wait;
        self.at = Some(if doubtful { at.min(self.at.unwrap_or(at)) } else { at });
        self.doubtful = doubtful;
    }

    /// Somebody has reason to believe that the cloud holds something else: it is asked at once, once in a while.
    pub(super) fn hurry(&mut self, now: Time) {
        if self.at.is_some() && self.hurried.is_none_or(|last| last + HURRY <= now) {
            self.at = self.at.min(Some(now));
            self.hurried = Some(now);
        }
    }

    /// All that the cloud holds was heard.
    pub(super) fn looked(&mut self) {
        self.doubts = if self.doubtful { self.doubts.saturating_add(1) } else { 0 };
        self.at = None;
    }

    /// Whether it is time, and what there is to send must wait for the answer.
    pub(super) fn is_urgent(&self, now: Time) -> bool {
        self.doubtful && self.is_due(now)
    }

    /// Whether it is time, where there is nothing to send.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.at
    }
}
