//! Which connections live.

use std::collections::BTreeMap;

use edgepos_core::{ConnectionId, ReplicaId, Time};

use crate::guard::DropReason;
use crate::message::{Body, Message};
use crate::turn::Turn;

/// Connections that are known at a time: the terminals of a store, with room for those that come and go.
const MAX_CONNECTIONS: usize = 64;

/// What is known about the connections to the other terminals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers {
    connections: BTreeMap<ReplicaId, ConnectionId>,
    /// Terminals whose connection died, and until when their late messages are refused.
    deaf_until: BTreeMap<ReplicaId, Time>,
}

impl Peers {
    /// There is a connection, whose other end the transport has authenticated.
    pub(crate) fn up(&mut self, turn: &Turn<'_>, replica: ReplicaId, connection: ConnectionId) {
        let another = replica.is_terminal() && replica != turn.config.me;
        let full = self.connections.len() >= MAX_CONNECTIONS && !self.connections.contains_key(&replica);
        if !another || full {
            return;
        }
        let known = self.connections.entry(replica).or_insert(connection);
        *known = connection.max(*known);
        self.deaf_until.remove(&replica);
    }

    /// A connection died. Whether that says something of a terminal of this store: an older one was replaced already.
    pub(crate) fn lost(&mut self, turn: &Turn<'_>, replica: ReplicaId, connection: ConnectionId) -> bool {
        let replaced = self.connections.get(&replica).is_some_and(|newest| *newest > connection);
        if !self.knows(turn, replica) || replaced {
            return false;
        }
        self.connections.remove(&replica);
        self.deaf_until.retain(|_, until| turn.now < *until);
        self.deaf_until.insert(replica, turn.now + turn.config.timing.election_max);
        true
    }

    /// Who is connected, by rising id.
    pub(crate) fn connected(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.connections.keys().copied()
    }

    /// Whether messages of its sender are taken.
    pub(crate) fn admit(&mut self, turn: &Turn<'_>, message: &Message) -> Result<(), DropReason> {
        let from = message.from;
        let member = turn.raft.log().members().contains(from);
        if !self.knows(turn, from) || (matches!(message.body, Body::Propose(_)) && !member) {
            return Err(DropReason::UnknownSender);
        }
        match self.deaf_until.get(&from) {
            Some(until) if turn.now < *until => return Err(DropReason::ConnectionLost),
            Some(_) => self.deaf_until.remove(&from),
            None => None,
        };
        Ok(())
    }

    fn knows(&self, turn: &Turn<'_>, replica: ReplicaId) -> bool {
        // Whoever was away when a terminal was admitted learns of it from its connection, before the log says so: it may lead.
        let listed = turn.raft.log().members().contains(replica) || turn.config.voters.contains(&replica);
        replica != turn.config.me && (listed || self.connections.contains_key(&replica))
    }
}
