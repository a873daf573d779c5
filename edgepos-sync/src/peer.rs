//! What is known of one peer, and where the conversation with it stands.

use std::collections::BTreeSet;

use edgepos_core::{Chain, ConnectionId, PersistId, Time};
use edgepos_crdt::VersionVector;

use crate::gather::Gather;
use crate::pressure::Throttle;
use crate::receiver::Receiver;

/// A peer, connected or not.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    pub(crate) connection: Option<ConnectionId>,
    /// Whether its `Hello` came through this connection.
    pub(crate) greeted: bool,
    /// Another store, or no version in common: nothing is exchanged on this connection.
    pub(crate) mute: bool,
    /// When our `Hello` is sent again, and how often it was.
    pub(crate) hello_at: Option<Time>,
    pub(crate) hellos: u32,
    pub(crate) receiver: Receiver,
    pub(crate) stage: Stage,
    /// Batches in a row that brought nothing forward.
    pub(crate) failures: u32,
    /// The number of the last batch sent on this connection.
    pub(crate) number: u64,
    /// Chains that are set apart, and that it is told about.
    pub(crate) refused: BTreeSet<Chain>,
    /// It sees no leader and asks for everything.
    pub(crate) relay: bool,
    /// Whether it was told that we ask for everything.
    pub(crate) relay_told: bool,
    pub(crate) owed: Option<Owed>,
    /// How much goes into one batch to it.
    pub(crate) throttle: Throttle,
    /// The dictionaries that it can decompress with.
    pub(crate) dictionaries: BTreeSet<u32>,
}

/// An acknowledgement that waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Owed {
    pub(crate) after: PersistId,
    pub(crate) batch: Option<u64>,
}

/// One batch at a time.
#[derive(Debug, Default)]
pub(crate) enum Stage {
    #[default]
    Idle,
    /// Events are being read.
    Gathering(Box<Gather>),
    /// A batch is under way.
    Flying { number: u64, last: VersionVector, deadline: Time },
    /// The last batch brought nothing forward.
    Resting { until: Time },
}

impl Peer {
    /// A new connection: nothing said on an earlier one counts, except what the peer holds.
    pub(crate) fn connect(&mut self, connection: ConnectionId) {
        let receiver = Receiver::holding(self.receiver.held().clone());
        *self = Self { connection: Some(connection), receiver, ..Self::default() };
    }

    pub(crate) fn disconnect(&mut self) {
        let receiver = Receiver::holding(self.receiver.held().clone());
        *self = Self { receiver, ..Self::default() };
    }

    /// The connection, if it can be talked through.
    pub(crate) fn open(&self) -> Option<ConnectionId> {
        self.connection.filter(|_| self.greeted && !self.mute)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let stage = match &self.stage {
            Stage::Flying { deadline, .. } => Some(*deadline),
            Stage::Resting { until } => Some(*until),
            Stage::Idle | Stage::Gathering(_) => None,
        };
        self.hello_at.into_iter().chain(stage).min()
    }
}
