//! Who is connected, over which connection.

use std::collections::BTreeMap;

use edgepos_core::{ConnectionId, ReplicaId};

/// The newest connection to each peer.
#[derive(Debug)]
pub(super) struct Links {
    me: ReplicaId,
    limit: usize,
    newest: BTreeMap<ReplicaId, ConnectionId>,
}

impl Links {
    /// No connections; at most `limit` peers.
    pub(super) fn new(me: ReplicaId, limit: u32) -> Self {
        Self { me, limit: limit as usize, newest: BTreeMap::new() }
    }

    /// Takes a connection that is newer than the known one. Whether it did.
    pub(super) fn up(&mut self, peer: ReplicaId, connection: ConnectionId) -> bool {
        let known = self.newest.get(&peer).copied();
        let crowded = known.is_none() && self.newest.len() >= self.limit;
        if peer == self.me || crowded || known.is_some_and(|known| known >= connection) {
            return false;
        }
        self.newest.insert(peer, connection);
        true
    }

    /// Drops a connection where it is the newest. Whether it was.
    pub(super) fn lost(&mut self, peer: ReplicaId, connection: ConnectionId) -> bool {
        let newest = self.is_newest(peer, connection);
        if newest {
            self.newest.remove(&peer);
        }
        newest
    }

    /// Whether frames of this connection count: those of a dead one may be older than the loss that the engines were told of.
    pub(super) fn is_newest(&self, peer: ReplicaId, connection: ConnectionId) -> bool {
        self.newest.get(&peer) == Some(&connection)
    }

    /// The connection to a peer.
    pub(super) fn to(&self, peer: ReplicaId) -> Option<ConnectionId> {
        self.newest.get(&peer).copied()
    }

    /// Who is connected.
    pub(super) fn peers(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.newest.keys().copied()
    }
}
