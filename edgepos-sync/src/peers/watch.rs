//! When peers are asked what the cloud holds: the message that told it may be lost, and the next may be a day away.

use edgepos_core::Time;

use crate::turn::Turn;

/// One question, as long as something waits for the answer.
#[derive(Debug, Default)]
pub(crate) struct CloudWatch {
    ask_at: Option<Time>,
}

impl CloudWatch {
    /// Whether news of the cloud is waited for.
    pub(crate) fn update(&mut self, turn: &mut Turn<'_>, waits: bool) {
        if !waits {
            self.ask_at = None;
        } else if self.ask_at.is_none() {
            self.ask_at = Some(turn.now + turn.jitter.spread(turn.config.resend_max));
        }
    }

    /// Whether it is time to ask, which is said once.
    pub(crate) fn take_due(&mut self, now: Time) -> bool {
        self.ask_at.take_if(|at| *at <= now).is_some()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.ask_at
    }
}
