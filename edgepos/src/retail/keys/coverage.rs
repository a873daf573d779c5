//! Up to where the names of events are known, and how what an earlier version left unread is caught up with.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, Seq, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::name::LookupId;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// The row's key in its space.
pub(super) const KEY: &[u8] = b"known";

/// Events after which the row is written: so many are read again at a start.
const WRITTEN_EVERY: u32 = 2_000;

/// Bytes of events that are read at a time while catching up.
const PIECE: u32 = 1 << 16;

/// How far the names of each chain are known, here and on disk.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// Up to here as the row says.
    written: VersionVector,
    /// The events that have come in.
    noted: VersionVector,
    /// Chains of which older events are not read yet: the next, and the last.
    behind: BTreeMap<Chain, (Seq, Seq)>,
    reading: bool,
    since: u32,
    /// What the row shall say once every question up to this one is answered.
    captured: Option<(LookupId, VersionVector)>,
}

#[derive(Debug, Encode, Decode)]
#[cbor(transparent)]
struct Row(
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_ids")]
    Vec<EventId>,
);

impl Coverage {
    /// The row as it is on disk.
    pub(super) fn restore(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        let Row(reached) = from_cbor("known names", value)?;
        for id in reached {
            self.written.set_max(id.chain, id.seq);
        }
        Ok(())
    }

    /// What is held at the start. What is not known of it is read while the terminal works.
    pub(super) fn start(&mut self, held: &VersionVector, out: &mut UnitOfWork) {
        self.noted = held.clone();
        for (chain, last) in held.iter() {
            let known = self.written.get(chain);
            if known < last {
                self.behind.insert(chain, (known.next(), last));
            }
        }
        self.read_on(out);
    }

    /// An event has come in.
    pub(super) fn note(&mut self, id: EventId) {
        self.noted.set_max(id.chain, id.seq);
        self.since += 1;
    }

    /// The next piece of older events, where there are any and none is being read.
    fn read_on(&mut self, out: &mut UnitOfWork) {
        if self.reading || self.captured.is_some() {
            return;
        }
        let Some((&chain, &(next, last))) = self.behind.first_key_value() else { return };
        self.reading = true;
        let key = |seq| EventId::new(chain, seq).to_key().to_vec();
        out.load_range(Space::Event, key(next), key(last), PIECE, Wants::Older);
    }

    /// A piece was read, up to this event; `None` when there was nothing. `last` is the last question that was asked about it.
    pub(super) fn read(&mut self, reached: Option<EventId>, last: LookupId) {
        self.reading = false;
        let Some(mut first) = self.behind.first_entry() else { return };
        let end = first.get().1;
        match reached {
            Some(id) if id.seq < end => first.get_mut().0 = id.seq.next(),
            // All of it, or what is left is pruned.
            _ => drop(first.remove()),
        }
        self.capture(last);
    }

    /// Writes the row when it is time to, and goes on reading. `answered` tells whether a question is.
    pub(super) fn settle(
        &mut self,
        last: LookupId,
        answered: impl Fn(LookupId) -> bool,
        out: &mut UnitOfWork,
    ) {
        if self.captured.is_none() && self.since >= WRITTEN_EVERY {
            self.capture(last);
        }
        if let Some((_, reached)) = self.captured.take_if(|(id, _)| answered(*id)) {
            let ids = reached.iter().map(|(chain, seq)| EventId::new(chain, seq)).collect();
            out.write(Write::put(Space::BookedTwice, KEY, to_cbor(&Row(ids))));
            self.written = reached;
        }
        self.read_on(out);
    }

    fn capture(&mut self, last: LookupId) {
        self.since = 0;
        let reached = self.noted.iter().filter_map(|(chain, noted)| match self.behind.get(&chain) {
            Some((next, _)) if next.0 == 1 => None,
            Some((next, _)) => Some((chain, Seq(next.0 - 1))),
            None => Some((chain, noted)),
        });
        self.captured = Some((last, reached.collect()));
    }
}
