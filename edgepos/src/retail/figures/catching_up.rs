//! Up to where events have their rows, and how what another version of this program left out is caught up with.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, Lane, Seq, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// The row's key in its space.
const KEY: &[u8] = b"known";

/// Events after which the row is written: so many are read again at a start.
const WRITTEN_EVERY: u32 = 2_000;

/// Bytes of events that are read at a time.
const PIECE: u32 = 1 << 18;

/// How far the events of each chain have their rows.
#[derive(Debug, Default)]
pub(super) struct CatchingUp {
    /// As the row on disk says.
    written: VersionVector,
    /// The events that have come in.
    came: VersionVector,
    /// Chains of which older events are not read yet: the next, and the last.
    behind: BTreeMap<Chain, (Seq, Seq)>,
    since: u32,
}

#[derive(Debug, Encode, Decode)]
#[cbor(transparent)]
struct Stored(
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_ids")]
    Vec<EventId>,
);

/// Whether a chain may say something of a day. Stock, prices and telemetry say nothing.
fn concerns(chain: Chain) -> bool {
    chain.lane == Lane::Transactions
}

impl CatchingUp {
    pub(super) fn restore(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        let Stored(reached) = from_cbor("events with figures", value)?;
        for id in reached {
            self.written.set_max(id.chain, id.seq);
        }
        Ok(())
    }

    /// What is held at the start. What is not known of it is read while the terminal works.
    pub(super) fn start(&mut self, held: &VersionVector, out: &mut UnitOfWork) {
        for (chain, last) in held.iter().filter(|(chain, _)| concerns(*chain)) {
            self.came.set_max(chain, last);
            let known = self.written.get(chain);
            if known < last {
                self.behind.insert(chain, (known.next(), last));
            }
        }
        self.read_on(out);
    }

    /// An event has come in, with its row.
    pub(super) fn came(&mut self, id: EventId, out: &mut UnitOfWork) {
        if concerns(id.chain) {
            self.came.set_max(id.chain, id.seq);
            self.since += 1;
            if self.since >= WRITTEN_EVERY {
                self.write(out);
            }
        }
    }

    /// A piece was read, up to this event; nothing where there was none.
    pub(super) fn read(&mut self, reached: Option<EventId>, out: &mut UnitOfWork) {
        let Some(mut first) = self.behind.first_entry() else { return };
        let end = first.get().1;
        match reached {
            Some(id) if id.seq < end => first.get_mut().0 = id.seq.next(),
            // All of it, or what is left is pruned.
            _ => drop(first.remove()),
        }
        self.write(out);
        self.read_on(out);
    }

    /// Whether nothing is left to be read.
    pub(super) fn is_done(&self) -> bool {
        self.behind.is_empty()
    }

    fn read_on(&self, out: &mut UnitOfWork) {
        let Some((&chain, &(next, last))) = self.behind.first_key_value() else { return };
        let key = |seq| EventId::new(chain, seq).to_key().to_vec();
        out.load_range(Space::Event, key(next), key(last), PIECE, Wants::Figures);
    }

    /// With the rows that it tells of, or after them: a power cut takes both or this alone.
    fn write(&mut self, out: &mut UnitOfWork) {
        self.since = 0;
        let whole = self.came.iter().filter_map(|(chain, last)| match self.behind.get(&chain) {
            Some((next, _)) if next.0 == 1 => None,
            Some((next, _)) => Some(EventId::new(chain, Seq(next.0 - 1))),
            None => Some(EventId::new(chain, last)),
        });
        out.write_soon(Write::put(Space::FiguresKnown, KEY, to_cbor(&Stored(whole.collect()))));
    }
}
