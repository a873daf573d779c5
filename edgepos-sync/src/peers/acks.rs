//! What a peer is told about what this terminal holds.

use std::collections::BTreeSet;

use edgepos_core::{Chain, PersistId};
use edgepos_crdt::VersionVector;

use super::pressure;
use super::stance::Stance;
use crate::log::Log;
use crate::turn::Turn;
use crate::wire::message::{Ack, Message};

/// The acknowledgements to one peer.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    owed: Option<Owed>,
    /// Chains that are not taken from it, because their histories differ.
    refused: BTreeSet<Chain>,
    /// Whether it was told that we ask for everything.
    relay_told: bool,
    /// What the last acknowledgement said that is held here.
    told: VersionVector,
    /// The number of the peer's latest greeting.
    heard: u32,
}

/// An acknowledgement that waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Owed {
    after: PersistId,
    batch: Option<u64>,
}

impl Acks {
    /// A batch has arrived. It is answered as soon as every write asked for so far is durable.
    pub(crate) fn owe(&mut self, log: &Log, batch: u64) {
        self.owed = Some(Owed { after: log.issued(), batch: Some(batch) });
    }

    /// What is durable is told at once, unless a batch waits for its answer, which will tell it too.
    pub(crate) fn owe_news(&mut self) {
        self.owed.get_or_insert(Owed { after: PersistId(0), batch: None });
    }

    /// The chain is not taken from the peer any more. Whether that is new.
    pub(crate) fn refuse(&mut self, chain: Chain) -> bool {
        self.refused.insert(chain)
    }

    /// Chains are taken again, unless their histories still differ.
    pub(crate) fn forget_refusals(&mut self) {
        self.refused.clear();
    }

    /// The peer has greeted: what is told from here on is told in knowledge of that.
    pub(crate) fn heard(&mut self, greeting: u32) {
        self.heard = greeting;
    }

    /// A `Hello` has told whether we ask for everything.
    pub(crate) fn greeted(&mut self, relay: bool) {
        self.relay_told = relay;
    }

    /// The acknowledgement that is owed, once no write holds it up.
    pub(crate) fn settle(&mut self, turn: &Turn<'_>, stance: Stance) -> Option<Message> {
        let owed = self.owed.take_if(|owed| turn.log.is_durable(owed.after))?;
        Some(self.ack(turn, stance, owed.batch, false))
    }

    /// One that tells whether we ask for everything, where the last one told otherwise.
    pub(crate) fn tell_relay(&mut self, turn: &Turn<'_>, stance: Stance) -> Option<Message> {
        (self.relay_told != stance.asks_relay()).then(|| self.ack(turn, stance, None, false))
    }

    /// One that asks what the cloud holds.
    pub(crate) fn ask_about_cloud(&mut self, turn: &Turn<'_>, stance: Stance) -> Message {
        self.ack(turn, stance, None, true)
    }

    fn ack(&mut self, turn: &Turn<'_>, stance: Stance, batch: Option<u64>, asks_cloud: bool) -> Message {
        let relay = stance.asks_relay();
        self.relay_told = relay;
        let (events, bytes) = turn.log.above_durable();
        let pause = pressure::pause(events, bytes, turn.config);
        let (vector, refused) = (turn.log.durable().clone(), self.refused.clone());
        let heads = turn.log.heads_above(&self.told);
        self.told = vector.clone();
        Message::Ack(Ack { vector, heads, batch, relay, refused, pause, asks_cloud, greeting: self.heard })
    }
}
