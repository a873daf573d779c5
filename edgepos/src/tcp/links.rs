//! The table of connections: one to each peer, few to the holder of one key, and turns for two boxes of one name.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use edgepos_core::{ConnectionId, ReplicaId};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::framing::Parcel;
use crate::identity::KeyId;

/// How long a connection is kept before another box of the same name may take its place: both are heard by turns then.
pub(super) const TURN: Duration = Duration::from_secs(5);
/// Incarnations that one key may be connected as: a stolen one cannot fill the table. Two are a disk that was cloned; the others are on
/// their way out.
const MAX_OF_KEY: usize = 4;

/// Who is at the other end, as it has said and shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Party {
    pub(super) peer: ReplicaId,
    /// Drawn at each start; those of earlier versions do not say it.
    pub(super) start: Option<u64>,
    /// What it has proved to have, where the connection is encrypted.
    pub(super) key: Option<KeyId>,
}

/// Who is connected.
#[derive(Debug)]
pub(super) struct Links {
    limit: usize,
    links: Mutex<BTreeMap<ReplicaId, Link>>,
}

#[derive(Debug)]
struct Link {
    connection: ConnectionId,
    frames: mpsc::Sender<Parcel>,
    party: Party,
    since: Instant,
    /// When it last brought something.
    heard: Instant,
    /// When another box of its name was first turned away because of it.
    rival: Option<Instant>,
}

impl Links {
    /// Nobody is connected; at most so many peers will be.
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: limit as usize, links: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<ReplicaId, Link>> {
        // Every change of the map is one call: a panic elsewhere leaves it whole.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any incarnation of the terminal is connected.
    pub(super) fn is_connected(&self, terminal: u16) -> bool {
        self.table().keys().any(|peer| peer.terminal() == terminal)
    }

    /// Whether this start of the peer is connected.
    pub(super) fn has(&self, party: &Party) -> bool {
        self.table().get(&party.peer).is_some_and(|link| link.party.start == party.start)
    }

    /// Whether there is room for one more.
    pub(super) fn has_room_for(&self, party: &Party) -> bool {
        let table = self.table();
        let of_key = || table.values().filter(|link| link.party.key == party.key).count();
        table.contains_key(&party.peer)
            || (table.len() < self.limit && (party.key.is_none() || of_key() < MAX_OF_KEY))
    }

    /// Whether a box that has the name of a connected one is to wait, because that one's turn is not over. Both are told, once it is sure
    /// that both are alive: a link that is dead is noticed a little later than its peer calls again.
    pub(super) fn waits_its_turn(&self, party: &Party) -> bool {
        let (now, mut table) = (Instant::now(), self.table());
        let Some(link) = table.get_mut(&party.peer) else { return false };
        if link.party.start.is_none() || party.start.is_none() || link.party.start == party.start {
            return false;
        }
        let first = *link.rival.get_or_insert(now);
        let is_alive = link.heard > first;
        if is_alive {
            // A queue that is full has no room for news either; the next call brings it.
            let _ = link.frames.try_send(Parcel::Rival);
        }
        !is_alive || now.duration_since(link.since) < TURN
    }

    /// A new connection. One to the same peer ends: its queue is dropped.
    pub(super) fn add(&self, party: Party, connection: ConnectionId, frames: mpsc::Sender<Parcel>) {
        let now = Instant::now();
        let link = Link { connection, frames, party, since: now, heard: now, rival: None };
        self.table().insert(party.peer, link);
    }

    /// A connection has ended.
    pub(super) fn remove(&self, peer: ReplicaId, connection: ConnectionId) {
        let mut table = self.table();
        if table.get(&peer).is_some_and(|link| link.connection == connection) {
            table.remove(&peer);
        }
    }

    /// A connection has brought something.
    pub(super) fn heard(&self, peer: ReplicaId, connection: ConnectionId) {
        if let Some(link) = self.table().get_mut(&peer).filter(|link| link.connection == connection) {
            link.heard = Instant::now();
        }
    }

    /// Hands a frame to a connection. `false` where it is dropped although the connection is there.
    pub(super) fn send(&self, to: ReplicaId, connection: ConnectionId, frame: Vec<u8>) -> bool {
        let table = self.table();
        let link = table.get(&to).filter(|link| link.connection == connection);
        link.is_none_or(|link| link.frames.try_send(Parcel::Frame(frame)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(terminal: u16, nonce: u64, key: Option<u8>) -> Party {
        Party {
            peer: ReplicaId::new(terminal, nonce),
            start: Some(nonce),
            key: key.map(|key| KeyId([key; 32])),
        }
    }

    #[test]
    fn one_key_cannot_fill_the_table() {
        let links = Links::new(32);
        let taken = (1..=80).filter(|nonce| {
            let stolen = party(3, *nonce, Some(9));
            let room = links.has_room_for(&stolen);
            if room {
                links.add(stolen, ConnectionId(*nonce), mpsc::channel(1).0);
            }
            room
        });
        assert_eq!(taken.count(), MAX_OF_KEY);
        assert!(links.has_room_for(&party(3, 1, Some(9))), "who is connected may call again");
        assert!(links.has_room_for(&party(4, 1, Some(8))), "the others are not kept out");
    }

    #[test]
    fn the_table_has_an_end() {
        let links = Links::new(2);
        for terminal in 1..=2 {
            links.add(party(terminal, 1, None), ConnectionId(1), mpsc::channel(1).0);
        }
        assert!(!links.has_room_for(&party(3, 1, None)));
        assert!(links.has_room_for(&party(2, 1, None)));
    }
}
