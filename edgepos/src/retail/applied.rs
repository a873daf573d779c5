//! How far the counter rows on disk have come: rows = the effects of the events up to here, and what is above is counted again at a
//! start.

use edgepos_core::{EventId, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// The row's key in its space.
const KEY: &[u8] = b"rows";

/// What is on disk, and how many events have come in since.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    written: Option<VersionVector>,
    behind: u32,
}

/// The last event of each chain that counts.
#[derive(Debug, Encode, Decode)]
#[cbor(transparent)]
struct Row(
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_ids")]
    Vec<EventId>,
);

impl Applied {
    /// The row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        // Another key is a later version's: kept by not touching it.
        if key == KEY {
            let Row(reached) = from_cbor("applied events", value)?;
            self.written = Some(reached.into_iter().map(|id| (id.chain, id.seq)).collect());
        }
        Ok(())
    }

    /// What the row says. `None` on a disk of an earlier version, whose rows were written with each event.
    pub(crate) fn written(&self) -> Option<&VersionVector> {
        self.written.as_ref()
    }

    /// One more event counts in memory and not on disk.
    pub(crate) fn fall_behind(&mut self) {
        self.behind = self.behind.saturating_add(1);
    }

    /// The rows on disk count an event that counts no longer, which no start would find out: they are written with this transaction.
    pub(crate) fn must_write(&mut self) {
        self.behind = u32::MAX;
    }

    /// How many do.
    pub(crate) fn behind(&self) -> u32 {
        self.behind
    }

    /// The rows that go to disk with this write count these events.
    pub(crate) fn write(&mut self, counted: VersionVector, out: &mut UnitOfWork) {
        let reached = counted.iter().map(|(chain, seq)| EventId::new(chain, seq)).collect();
        out.write(Write::put(Space::Applied, KEY, to_cbor(&Row(reached))));
        self.written = Some(counted);
        self.behind = 0;
    }
}
