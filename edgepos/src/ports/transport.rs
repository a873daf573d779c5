//! The transport port.

use async_trait::async_trait;
use edgepos_core::{ConnectionId, ReplicaId};

use crate::terminal::{ConditionKind, Finding};

/// What a transport does to what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Datagrams: a lost one is lost, the next one is not late for it. Needed by the election profile `Fast`.
    Lossy,
    /// A byte stream: a lost segment holds up what follows.
    Stream,
}

/// What a transport tells the driver, over the channel that it was made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransportEvent {
    /// A connection to a terminal of this store is up. Connection numbers rise.
    PeerUp(ReplicaId, ConnectionId),
    /// A connection is gone.
    PeerLost(ReplicaId, ConnectionId),
    /// A frame came in.
    Frame(ReplicaId, ConnectionId, Vec<u8>),
    /// Something that somebody must act on, or that it is over; at any time.
    Condition(ConditionKind, Option<Finding>),
}

/// Carries frames between the terminals of one store.
#[async_trait]
pub trait Transport: Send {
    /// What it does to frames.
    fn delivery(&self) -> Delivery;

    /// Sends, or drops: never blocks. A frame for a connection that is gone is dropped.
    fn send(&mut self, to: ReplicaId, connection: ConnectionId, frame: Vec<u8>);

    /// Ends every connection and lets go of what it listens at, so that another process may listen there when this returns. Nothing is
    /// sent after it. A transport that has nothing to let go of need not do anything.
    async fn close(&mut self) {}
}
