//! A planned hand-over of the leadership, pursued until somebody takes it.

use core::time::Duration;
use std::collections::BTreeSet;

use edgepos_core::{ReplicaId, Time};

use crate::io::Notice;
use crate::turn::Turn;

/// Half heartbeats before the next voter is ordered.
const PATIENCE: u32 = 3;

/// Who shall lead next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heir {
    /// Who has most of the log.
    Best,
    /// The next in the order of their names, and after the last the first: so each is asked where each hands on.
    Next,
}

/// What this terminal has ordered, and whom it orders nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandOver {
    order: Option<Order>,
    /// The term in which another terminal was ordered to take over, whatever came of it.
    ordered_in: Option<u64>,
    /// Voters that said that they never lead.
    passive: BTreeSet<ReplicaId>,
}

/// A hand-over under way.
#[derive(Clone, Debug)]
struct Order {
    heir: Heir,
    target: ReplicaId,
    tried: Vec<ReplicaId>,
    /// When another voter is ordered instead.
    until: Time,
    /// Until the order is repeated.
    again_after: Duration,
    /// When to look again.
    at: Time,
}

impl HandOver {
    /// A voter said that it never leads.
    pub(crate) fn passive(&mut self, voter: ReplicaId) {
        self.passive.insert(voter);
    }

    /// Orders a voter. Whether there was one.
    pub(crate) fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        heir: Heir,
        reached: impl Fn(ReplicaId) -> bool,
    ) -> bool {
        self.order = None;
        self.order_next(turn, heir, Vec::new(), reached)
    }

    /// Whether this terminal has given its leadership away in this term: an order may be obeyed at any time.
    pub(crate) fn given_away_in(&self, term: u64) -> bool {
        self.ordered_in == Some(term)
    }

    /// Repeats an order, which can be lost, and then orders another voter. Whether raft was told something.
    pub(crate) fn pursue(&mut self, turn: &mut Turn<'_>, reached: impl Fn(ReplicaId) -> bool) -> bool {
        if !turn.leads() {
            self.order = None;
            return false;
        }
        let Some(mut order) = self.order.take_if(|order| turn.now >= order.at) else { return false };
        if turn.now < order.until && turn.raft.hands_over() {
            order.again_after *= 2;
            order.at = (turn.now + order.again_after).min(order.until);
            turn.raft.take_over_again(order.target);
            self.order = Some(order);
        } else if !self.order_next(turn, order.heir, order.tried, reached) {
            // An order may still be on its way and be obeyed at any time, lease or not: this term is over.
            turn.raft.resign();
            turn.out.tell(Notice::HandOverFailed);
        }
        true
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.order.as_ref().map(|order| order.at)
    }

    /// Orders a voter that was not tried, one within reach before the others. `false` when none is left.
    fn order_next(
        &mut self,
        turn: &mut Turn<'_>,
        heir: Heir,
        mut tried: Vec<ReplicaId>,
        reached: impl Fn(ReplicaId) -> bool,
    ) -> bool {
        let open = |voter: &ReplicaId| !tried.contains(voter) && !self.passive.contains(voter);
        let ahead = |voter: &ReplicaId| (reached(*voter), turn.raft.matched(*voter));
        let me = turn.config.me;
        let around = |voter: &ReplicaId| (!reached(*voter), *voter < me, *voter);
        let voters = turn.other_voters().filter(open);
        let target = match heir {
            Heir::Best => voters.max_by_key(ahead),
            Heir::Next => voters.min_by_key(around),
        };
        let Some(target) = target else { return false };
        tried.push(target);
        self.ordered_in = Some(turn.raft.term());
        turn.raft.transfer_to(target);
        let timing = &turn.config.timing;
        let again_after = match turn.config.lossy_transport {
            true => timing.soon(),
            // It is not lost but late, and the first may be obeyed while the second is on its way.
            false => timing.heartbeat / 2,
        };
        let until = turn.now + PATIENCE * timing.heartbeat / 2;
        self.order = Some(Order { heir, target, tried, until, again_after, at: turn.now + again_after });
        true
    }
}
