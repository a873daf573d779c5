//! Writes on their way to the disk, and what is durable.

use std::collections::VecDeque;

use edgepos_core::{Chain, Persist, PersistId, Seq, Write};
use edgepos_crdt::VersionVector;

use crate::outputs::Outputs;

/// All writes under way, oldest first.
#[derive(Debug)]
pub(crate) struct Writes {
    durable: VersionVector,
    pending: VecDeque<Pending>,
    issued: PersistId,
    settled: PersistId,
    /// Events of all that is pending.
    events: u64,
    /// Their payload bytes.
    bytes: u64,
}

#[derive(Debug)]
struct Pending {
    id: PersistId,
    /// How far chains are durable with it.
    reached: VersionVector,
    settles: Settled,
}

/// What became durable, or will be.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Payload bytes of events.
    pub(crate) bytes: u64,
    pub(crate) events: u64,
    /// How many of them others sent.
    pub(crate) foreign: u64,
}

impl Writes {
    /// None under way.
    pub(crate) fn new(durable: VersionVector) -> Self {
        let (pending, none) = (VecDeque::new(), PersistId(0));
        Self { durable, pending, issued: none, settled: none, events: 0, bytes: 0 }
    }

    pub(crate) fn durable(&self) -> &VersionVector {
        &self.durable
    }

    /// The chain is taken back: what is behind the position is no longer there. No write of it is under way.
    pub(crate) fn fall_to(&mut self, chain: Chain, seq: Seq) {
        self.durable.fall_to(chain, seq);
    }

    /// How many are under way.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Events under way, and their payload bytes.
    pub(crate) fn load(&self) -> (u64, u64) {
        (self.events, self.bytes)
    }

    /// The latest one asked for.
    pub(crate) fn issued(&self) -> PersistId {
        self.issued
    }

    /// Whether this one, and so each before it, is durable.
    pub(crate) fn is_durable(&self, id: PersistId) -> bool {
        id <= self.settled
    }

    /// Asks for one, unless there is nothing to write.
    pub(crate) fn issue(
        &mut self,
        writes: Vec<Write>,
        reached: VersionVector,
        settles: Settled,
        out: &mut Outputs,
    ) {
        if writes.is_empty() {
            return;
        }
        self.issued = PersistId(self.issued.0 + 1);
        self.events += settles.events;
        self.bytes += settles.bytes;
        self.pending.push_back(Pending { id: self.issued, reached, settles });
        out.write(Persist { id: self.issued, writes });
    }

    /// The write `id` and those before it are durable.
    pub(crate) fn persisted(&mut self, id: PersistId) -> Settled {
        let mut settled = Settled::default();
        while let Some(pending) = self.pending.pop_front_if(|pending| pending.id <= id) {
            self.durable.join(&pending.reached);
            self.settled = pending.id;
            settled.bytes += pending.settles.bytes;
            settled.events += pending.settles.events;
            settled.foreign += pending.settles.foreign;
        }
        self.events -= settled.events;
        self.bytes -= settled.bytes;
        settled
    }
}
