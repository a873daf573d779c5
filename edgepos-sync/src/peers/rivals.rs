//! Two terminals that use one number: who is connected to both tells each of the other.

use std::time::Duration;

use edgepos_core::{ReplicaId, Time};

use crate::turn::Turn;

/// How often both are told while both are connected.
const REMINDER: Duration = Duration::from_secs(60);

/// When others are told again, and what was heard of one that uses our own number.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    next: Option<Time>,
    ours: Option<(ReplicaId, Time)>,
}

impl Rivals {
    /// A peer says that this one is connected to it. It counts where it has our number.
    pub(super) fn heard(&mut self, turn: &mut Turn<'_>, replica: ReplicaId) {
        let me = turn.config.me;
        if replica.terminal() == me.terminal() && replica != me {
            self.ours = Some((replica, turn.now));
        } else {
            turn.out.ignore();
        }
    }

    /// The last that was heard, and when.
    pub(super) fn ours(&self) -> Option<(ReplicaId, Time)> {
        self.ours
    }

    /// Others were told of each other: they are again, as long as both are there.
    pub(super) fn told(&mut self, now: Time) {
        self.next = Some(now + REMINDER);
    }

    /// Whether they are to be told again.
    pub(super) fn take_due(&mut self, now: Time) -> bool {
        self.next.take_if(|next| *next <= now).is_some()
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.next
    }
}
