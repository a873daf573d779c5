//! Events that were written again under another name: of all that repeat one event, one counts.

use std::collections::BTreeMap;

use edgepos_core::{EventId, Space, Write};

use super::envelope::Envelope;
use super::unreadable::Unreadable;
use crate::terminal::ledger::Ledger;
use crate::terminal::unit_of_work::UnitOfWork;

/// For each event that was written again the one that counts in its place.
#[derive(Debug, Default)]
pub(crate) struct Reissued {
    counting: BTreeMap<EventId, EventId>,
}

impl Reissued {
    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let name = |bytes| EventId::from_key(bytes).ok_or(Unreadable::NoName { what: "an event" });
        self.counting.insert(name(key)?, name(value)?);
        Ok(())
    }

    /// Whether an event counts: it does not where the same is booked by another, or held under its old name.
    pub(crate) fn note(
        &mut self,
        id: EventId,
        envelope: &Envelope,
        ledger: &Ledger,
        out: &mut UnitOfWork,
    ) -> bool {
        if envelope.duplicate_of.is_some() {
            return false;
        }
        match envelope.reissue_of() {
            // What is held under its old name counts under that.
            Some(of) if ledger.recent_hash(of.event) == Some(of.hash()) => {
                self.is_first(of.event, of.event, out) && of.event == id
            }
            Some(of) => self.is_first(of.event, id, out),
            None => true,
        }
    }

    /// Whether an event counted when it came.
    pub(crate) fn counts(&self, id: EventId, envelope: &Envelope) -> bool {
        let first = envelope.reissue_of().is_none_or(|of| self.counting.get(&of.event) == Some(&id));
        envelope.duplicate_of.is_none() && first
    }

    /// The event `id` repeats `of`. Whether it counts: it is the first to do so.
    fn is_first(&mut self, of: EventId, id: EventId, out: &mut UnitOfWork) -> bool {
        if let Some(counting) = self.counting.get(&of) {
            return *counting == id;
        }
        self.counting.insert(of, id);
        out.write(Write::put(Space::Reissued, of.to_key(), id.to_key()));
        true
    }

    /// The event `id`, which repeats `of`, loses its name. Whether it counted.
    pub(crate) fn take_back(&mut self, of: EventId, id: EventId, out: &mut UnitOfWork) -> bool {
        let counted = self.counting.get(&of) == Some(&id);
        if counted {
            self.counting.remove(&of);
            out.write(Write::delete(Space::Reissued, of.to_key()));
        }
        counted
    }
}
