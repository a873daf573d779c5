//! Events that are taken in together and written together.

use std::collections::BTreeSet;

use edgepos_core::{Chain, Seq, Space, Write};
use edgepos_crdt::VersionVector;

use super::restored::Head;
use super::writes::{Settled, Writes};
use crate::event::{EventRecord, Hash};
use crate::outputs::Outputs;

/// One write in the making.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// Those of others, whose effects belong into the same write.
    accepted: Vec<EventRecord>,
    rows: Vec<Write>,
    /// Chains whose head changes.
    heads: BTreeSet<Chain>,
    reached: VersionVector,
    settles: Settled,
}

/// What a run turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    /// New events, or none that are new.
    Yes,
    /// It begins too late.
    Gap,
    /// It belongs to another history.
    Fork,
    /// One chain too many.
    TooManyChains,
}

impl Intake {
    /// The next event of its chain, and the chain's hash after it.
    pub(crate) fn add(&mut self, record: &EventRecord, hash: Hash) {
        self.rows.push(Write::put(Space::Event, record.id.to_key(), record.to_row(hash)));
        self.reached.set_max(record.id.chain, record.id.seq);
        self.heads.insert(record.id.chain);
        self.settles.bytes += record.payload.len() as u64;
        self.settles.events += 1;
    }

    /// The chain goes on behind lost positions, which the row remembers.
    pub(crate) fn pass(&mut self, chain: Chain, last: Seq, row: Write) {
        self.rows.push(row);
        self.reached.set_max(chain, last);
        self.heads.insert(chain);
        self.settles.events += 1;
        self.settles.foreign += 1;
    }

    /// Another row belongs into the same write.
    pub(crate) fn write(&mut self, row: Write) {
        self.rows.push(row);
    }

    /// An event that was added is one of others.
    pub(crate) fn accept(&mut self, record: EventRecord) {
        self.accepted.push(record);
        self.settles.foreign += 1;
    }

    /// The chain's head changes without an event.
    pub(crate) fn touch(&mut self, chain: Chain) {
        self.heads.insert(chain);
    }

    /// Hands over what others sent, then asks for the write; for none when nothing was taken in. `head` is that of a chain
    /// after all of it.
    pub(crate) fn commit(self, head: impl Fn(Chain) -> Head, writes: &mut Writes, out: &mut Outputs) {
        for record in self.accepted {
            out.accepted(record);
        }
        let mut rows = self.rows;
        rows.extend(self.heads.into_iter().map(|chain| head(chain).to_write(chain)));
        writes.issue(rows, self.reached, self.settles, out);
    }
}
