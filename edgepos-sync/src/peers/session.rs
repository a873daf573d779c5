//! The connection to one peer, and the greeting through it.

use edgepos_core::{ConnectionId, ReplicaId, Time};

use crate::backoff;
use crate::io::Notice;
use crate::turn::Turn;
use crate::wire::batch::BATCH_FORMAT;
use crate::wire::compress;
use crate::wire::message::{Hello, Message, VERSIONS};

/// What was said through the latest connection. Nothing but greetings is exchanged before the peer has greeted.
#[derive(Debug)]
pub(crate) struct Session {
    peer: ReplicaId,
    connection: Option<ConnectionId>,
    /// Whether the peer's `Hello` came through this connection.
    greeted: bool,
    /// Another store, or no version in common: nothing is exchanged on this connection.
    mute: bool,
    /// When our `Hello` is sent again, and how often it was.
    hello_at: Option<Time>,
    hellos: u32,
}

impl Session {
    /// Nothing was said yet.
    pub(crate) fn new(peer: ReplicaId, connection: Option<ConnectionId>) -> Self {
        Self { peer, connection, greeted: false, mute: false, hello_at: None, hellos: 0 }
    }

    pub(crate) fn peer(&self) -> ReplicaId {
        self.peer
    }

    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    pub(crate) fn is_through(&self, connection: ConnectionId) -> bool {
        self.connection == Some(connection)
    }

    /// Whether a `Hello` through this connection is heard.
    pub(crate) fn hears(&self, connection: ConnectionId) -> bool {
        self.is_through(connection) && !self.mute
    }

    /// Whether it can be talked through.
    pub(crate) fn is_open(&self) -> bool {
        self.is_connected() && self.greeted && !self.mute
    }

    /// Says `Hello`, and again and again until the peer has said it too. `doubts`: what the peer has said does not agree, so it is to say it
    /// once more.
    pub(crate) fn say_hello(&mut self, turn: &mut Turn<'_>, relay: bool, doubts: bool) {
        let wait = backoff::equal_jitter(turn, self.hellos);
        self.hellos = self.hellos.saturating_add(1);
        self.hello_at = (!self.greeted).then_some(turn.now + wait);
        let hello = Hello {
            versions: VERSIONS,
            store: turn.config.store,
            heard: self.greeted && !doubts,
            vector: turn.log.durable().clone(),
            heads: turn.log.durable_heads(),
            relay,
            dictionaries: compress::dictionaries().collect(),
            level: turn.config.level,
            wall: Some(turn.wall),
            lost: Some(turn.log.damage().lost()),
            number: self.hellos,
            batch_format: BATCH_FORMAT,
            log: turn.log_state,
        };
        self.send(turn, Message::Hello(hello));
    }

    /// Whether what the peer says was said before it heard our latest `Hello`. One that counts none is taken by its word.
    pub(crate) fn is_overtaken(&self, greeting: u32) -> bool {
        greeting > 0 && greeting < self.hellos
    }

    /// Says `Hello` once more: the latest may be lost.
    pub(crate) fn greet_again(&mut self, now: Time) {
        self.hello_at = Some(now);
    }

    /// The peer has said `Hello`. Whether it is one to talk to; if not, it falls mute.
    pub(crate) fn heard_hello(&mut self, turn: &mut Turn<'_>, hello: &Hello) -> bool {
        self.hello_at = None;
        let (oldest, newest) = hello.versions;
        let peer = self.peer;
        if oldest > VERSIONS.1 || newest < VERSIONS.0 || oldest > newest {
            self.mute = true;
            turn.out.notice(Notice::Incompatible { peer, versions: hello.versions });
        } else if hello.store != turn.config.store {
            self.mute = true;
            turn.out.notice(Notice::WrongStore { peer, store: hello.store });
        } else {
            self.greeted = true;
        }
        !self.mute
    }

    pub(crate) fn send(&self, turn: &mut Turn<'_>, message: Message) {
        if let Some(connection) = self.connection {
            turn.out.transmit(self.peer, connection, message);
        }
    }

    /// Whether our `Hello` was not answered in time.
    pub(crate) fn hello_is_due(&self, now: Time) -> bool {
        self.hello_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.hello_at
    }
}
