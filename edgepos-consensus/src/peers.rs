//! Which connections live, and the election that a dead one starts.

use core::time::Duration;
use std::collections::BTreeMap;

use edgepos_core::{ConnectionId, ReplicaId, Time};

/// Connections that are known at a time: the terminals of a store, with room for those that come and go.
const MAX_CONNECTIONS: usize = 64;

/// What is known about the connections to the other terminals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers {
    connections: BTreeMap<ReplicaId, ConnectionId>,
    /// Terminals whose connection died, and until when their late messages are refused.
    deaf_until: BTreeMap<ReplicaId, Time>,
    /// When to stand for election because the leader's connection died, and the term in which it did.
    stand: Option<(Time, u64)>,
}

impl Peers {
    pub(crate) fn up(&mut self, replica: ReplicaId, connection: ConnectionId) {
        if self.connections.len() >= MAX_CONNECTIONS && !self.connections.contains_key(&replica) {
            return;
        }
        let known = self.connections.entry(replica).or_insert(connection);
        *known = connection.max(*known);
        self.deaf_until.remove(&replica);
    }

    /// Whether there is a connection, which the transport has authenticated.
    pub(crate) fn connected(&self, replica: ReplicaId) -> bool {
        self.connections.contains_key(&replica)
    }

    /// Whether the report concerns the newest connection; an older one was replaced already.
    pub(crate) fn lost(
        &mut self,
        replica: ReplicaId,
        connection: ConnectionId,
        now: Time,
        deaf_until: Time,
    ) -> bool {
        if self.connections.get(&replica).is_some_and(|newest| *newest > connection) {
            return false;
        }
        self.connections.remove(&replica);
        self.deaf_until.retain(|_, until| now < *until);
        self.deaf_until.insert(replica, deaf_until);
        true
    }

    /// Whether messages of the terminal are taken.
    pub(crate) fn admits(&mut self, replica: ReplicaId, now: Time) -> bool {
        match self.deaf_until.get(&replica) {
            Some(until) if now < *until => false,
            Some(_) => {
                self.deaf_until.remove(&replica);
                true
            }
            None => true,
        }
    }

    /// Stands for election after a wait that grows with the rank, so that the terminals do not split the votes.
    pub(crate) fn stand_later(&mut self, now: Time, stagger: Duration, rank: u32, term: u64) {
        self.stand = Some((now + stagger * rank, term));
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.stand.map(|(at, _)| at)
    }

    /// Whether it is time to stand, given that the term is still the one in which the leader was lost.
    pub(crate) fn stands(&mut self, now: Time, term: u64, leaderless: bool) -> bool {
        let Some((at, lost_in)) = self.stand else { return false };
        if !leaderless || term != lost_in {
            self.stand = None;
            return false;
        }
        let due = now >= at;
        if due {
            self.stand = None;
        }
        due
    }
}
