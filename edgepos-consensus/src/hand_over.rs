//! A planned hand-over of the leadership, pursued until somebody takes it.

use core::time::Duration;

use edgepos_core::{ReplicaId, Time};

use crate::election::Election;
use crate::guard::Role;
use crate::io::{Event, Output};

/// Half heartbeats before the next voter is ordered.
const PATIENCE: u32 = 3;

/// A hand-over under way.
#[derive(Clone, Debug)]
pub(crate) struct HandOver {
    target: ReplicaId,
    tried: Vec<ReplicaId>,
    /// When another voter is ordered instead.
    until: Time,
    /// Until the order is repeated.
    again_after: Duration,
    /// When to look again.
    pub(crate) at: Time,
}

impl Election {
    pub(crate) fn hand_over(&mut self) {
        self.hand_over = None;
        self.hand_over_to_next(Vec::new());
    }

    /// Orders the best voter that was not tried: one within reach, with most of the log. `false` when none is left.
    fn hand_over_to_next(&mut self, mut tried: Vec<ReplicaId>) -> bool {
        let open = |voter: &&ReplicaId| {
            **voter != self.config.me && !tried.contains(voter) && !self.passive.contains(voter)
        };
        let ahead = |voter: &&ReplicaId| (self.quorum.reaches(**voter, self.now), self.core.matched(**voter));
        let Some(target) = self.voters().iter().filter(open).max_by_key(ahead).copied() else { return false };
        tried.push(target);
        self.handed_over_in = Some(self.core.term());
        self.core.transfer_to(target);
        let again_after = match self.config.lossy_transport {
            true => self.soon(),
            // It is not lost but late, and the first may be obeyed while the second is on its way.
            false => self.config.timing.heartbeat / 2,
        };
        let until = self.now + PATIENCE * self.config.timing.heartbeat / 2;
        self.hand_over = Some(HandOver { target, tried, until, again_after, at: self.now + again_after });
        self.drain();
        true
    }

    /// An order can be lost: it is repeated, then another voter is asked.
    pub(crate) fn pursue_hand_over(&mut self) {
        if self.core.role() != Role::Leader {
            self.hand_over = None;
            return;
        }
        let Some(mut hand_over) = self.hand_over.take_if(|hand_over| self.now >= hand_over.at) else {
            return;
        };
        if self.now < hand_over.until && self.core.hands_over() {
            hand_over.again_after *= 2;
            hand_over.at = (self.now + hand_over.again_after).min(hand_over.until);
            self.core.take_over_again(hand_over.target);
            self.hand_over = Some(hand_over);
            self.drain();
        } else if !self.hand_over_to_next(hand_over.tried) {
            // An order may still be on its way and be obeyed at any time, lease or not: this term is over.
            self.core.resign();
            self.outputs.push_back(Output::Event(Event::HandOverFailed));
            self.drain();
        }
    }
}
