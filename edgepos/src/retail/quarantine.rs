//! What this version cannot read: kept, passed on and shown, with the reason.

use std::collections::BTreeSet;

use edgepos_core::{EventId, Space, Write};
use edgepos_sync::EventRecord;

use super::change::Change;
use super::envelope::Envelope;
use super::unreadable::Unreadable;
use crate::ports::{Store, StoreError};
use crate::terminal::io::Notice;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// What the key of a decision begins with; the key of an event has 17 bytes, and the first two are its terminal.
const DECISION: &[u8] = b"decision";

/// Events that a start reads again; the rest at the next one.
const MAX_AGAIN: usize = 4_096;

/// What is stored and could not be interpreted.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    events: BTreeSet<EventId>,
    /// Those of them that would have moved a counter out of 64 bits.
    overflows: BTreeSet<EventId>,
    /// Decisions, and what a later version keeps here.
    others: u64,
    /// Events that an earlier version could not interpret and that this one can.
    readable: Vec<(EventId, Envelope)>,
}

impl Quarantine {
    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], reason: &[u8]) -> Result<(), Unreadable> {
        match EventId::from_key(key) {
            Some(id) => self.insert(id, reason),
            None => self.others += 1,
        }
        Ok(())
    }

    /// Whether the event was not interpreted.
    pub(crate) fn has(&self, id: EventId) -> bool {
        self.events.contains(&id)
    }

    /// The event leaves its place, or can be read now.
    pub(crate) fn take(&mut self, id: EventId, out: &mut UnitOfWork) {
        self.overflows.remove(&id);
        if self.events.remove(&id) {
            out.write(Write::delete(Space::Quarantine, id.to_key()));
        }
    }

    /// Every row is restored: reads the events again, which this version may know.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn read_again(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        for id in self.events.iter().take(MAX_AGAIN) {
            let rows = store.scan(Space::Event, &id.to_key(), &id.to_key(), u32::MAX)?;
            let record = rows.first().and_then(|(key, value)| EventRecord::from_row(key, value));
            let envelope = record.and_then(|(record, _)| Envelope::decode(&record.payload).ok());
            let readable = envelope.filter(|envelope| Change::read(*id, envelope).is_ok());
            self.readable.extend(readable.map(|envelope| (*id, envelope)));
        }
        Ok(())
    }

    /// Those that this version can interpret: they are quarantined no longer.
    pub(crate) fn take_readable(&mut self, out: &mut UnitOfWork) -> Vec<(EventId, Envelope)> {
        let readable = std::mem::take(&mut self.readable);
        readable.iter().for_each(|(id, _)| self.take(*id, out));
        readable
    }

    /// Keeps the reason why an event was not interpreted. The event itself is stored and passed on like any other.
    pub(crate) fn put(&mut self, id: EventId, reason: &Unreadable, out: &mut UnitOfWork) {
        let reason = reason.to_string();
        self.insert(id, reason.as_bytes());
        out.write(Write::put(Space::Quarantine, id.to_key(), reason.as_bytes()));
        out.then(Then::Tell(Notice::Quarantined { id, reason }));
    }

    /// Records that the store has decided something of a kind that this version does not know. It has no place in a chain: the row's
    /// key is `decision` and its position in the store's log, 8 bytes, big endian.
    pub(crate) fn put_decision(&mut self, index: u64, kind: u16, out: &mut UnitOfWork) {
        self.others += 1;
        let key = [DECISION, &index.to_be_bytes()].concat();
        out.write(Write::put(Space::Quarantine, key, format!("a decision of the unknown kind {kind}")));
        out.then(Then::Tell(Notice::DecisionSkipped { index, kind }));
    }

    fn insert(&mut self, id: EventId, reason: &[u8]) {
        self.events.insert(id);
        let overflows = [Unreadable::CounterOverflow, Unreadable::EffectsOverflow];
        if overflows.iter().any(|overflow| overflow.to_string().as_bytes() == reason) {
            self.overflows.insert(id);
        }
    }

    /// How many events would have moved a counter out of 64 bits.
    pub(crate) fn overflows(&self) -> u64 {
        self.overflows.len() as u64
    }

    /// How much there is.
    pub(crate) fn len(&self) -> u64 {
        self.events.len() as u64 + self.others
    }
}
