//! What the world tells a terminal.

use edgepos_consensus as consensus;
use edgepos_core::{ConnectionId, EventId, LoadId, Now, PersistId, ReplicaId};
use edgepos_sync::{self as sync, EventRecord};

use super::duties::{LoadFor, Then};
use super::frame::Frame;
use super::{Event, Terminal};
use crate::model::Envelope;
use crate::ports::Rows;

impl Terminal {
    pub(super) fn persisted(&mut self, now: Now, id: PersistId) {
        let Some(batch) = self.duties.persisted(id) else { return };
        for id in batch.election {
            self.election.handle(now, consensus::Input::Persisted(id));
        }
        for id in batch.outbox {
            self.outbox.handle(now, sync::Input::Persisted(id));
        }
        for then in batch.then {
            match then {
                Then::Reply(request, reply) => self.duties.reply(request, Ok(reply)),
                Then::Committed(key, receipt) => self.committed(key, receipt),
                Then::Tell(event) => self.tell(event),
            }
        }
    }

    pub(super) fn loaded(&mut self, now: Now, id: LoadId, rows: Rows) {
        match self.duties.loaded(id) {
            Some(LoadFor::Outbox(id)) => self.outbox.handle(now, sync::Input::Loaded(id, rows)),
            Some(LoadFor::Key(key)) => self.key_loaded(now, key, &rows),
            None => {}
        }
    }

    pub(super) fn peer_up(&mut self, now: Now, peer: ReplicaId, connection: ConnectionId) {
        let known = self.peers.get(&peer).copied();
        let crowded = known.is_none() && self.peers.len() >= self.config.max_peers as usize;
        if peer == self.config.me || crowded || known.is_some_and(|known| known >= connection) {
            return;
        }
        self.peers.insert(peer, connection);
        self.election.handle(now, consensus::Input::PeerUp(peer, connection));
        self.outbox.handle(now, sync::Input::PeerUp(peer, connection));
    }

    pub(super) fn peer_lost(&mut self, now: Now, peer: ReplicaId, connection: ConnectionId) {
        if self.peers.get(&peer) == Some(&connection) {
            self.peers.remove(&peer);
            self.election.handle(now, consensus::Input::PeerLost(peer, connection));
            self.outbox.handle(now, sync::Input::PeerLost(peer, connection));
        }
    }

    /// A frame of a dead connection is dropped: it may be older than the loss that the engines were told of.
    pub(super) fn frame(&mut self, now: Now, peer: ReplicaId, connection: ConnectionId, bytes: &[u8]) {
        if self.peers.get(&peer) != Some(&connection) {
            return;
        }
        let reason = match Frame::decode(bytes) {
            Ok(Frame::Election(message)) if message.from() == peer => {
                return self.election.handle(now, consensus::Input::Message(message));
            }
            Ok(Frame::Election(_)) => "an election message in another terminal's name".into(),
            Ok(Frame::Sync(message)) => {
                return self.outbox.handle(now, sync::Input::Message { from: peer, connection, message });
            }
            Ok(Frame::Unknown(kind)) => format!("a frame of the unknown kind {kind}"),
            Err(error) => error.to_string(),
        };
        self.tell(Event::Refused { from: peer, reason });
    }

    /// A peer's event, once, in its chain's order.
    pub(super) fn accepted(&mut self, now: Now, record: &EventRecord) {
        match Envelope::decode(&record.payload) {
            Ok(envelope) => {
                if let Err(ahead) = self.clock.observe(envelope.hlc(), now.wall) {
                    let by_ms = u64::try_from(ahead.ahead.as_millis()).unwrap_or(u64::MAX);
                    self.tell(Event::ClockAhead { by_ms });
                }
                self.apply(now, record.id, envelope);
            }
            Err(error) => self.quarantine(record.id, &error.to_string()),
        }
    }

    /// Applies an event, own or a peer's, into the transaction that is being gathered.
    pub(super) fn apply(&mut self, now: Now, id: EventId, envelope: Envelope) {
        match self.state.apply(id, &envelope, self.duties.writes()) {
            Ok(applied) => {
                for moved in applied.moved {
                    let below = moved.floor.is_some_and(|floor| moved.value < floor);
                    self.floors.note(now.mono, moved.item, below);
                }
                if let Some(raised) = applied.raised {
                    self.duties.then(Then::Tell(Event::ExceptionRaised(raised)));
                }
            }
            Err(reason) => self.quarantine(id, &reason),
        }
        self.duties.then(Then::Tell(Event::Recorded { id, envelope: Box::new(envelope) }));
    }

    fn quarantine(&mut self, id: EventId, reason: &str) {
        self.state.quarantine(id, reason, self.duties.writes());
        self.duties.then(Then::Tell(Event::Quarantined { id, reason: reason.into() }));
    }
}
