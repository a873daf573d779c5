//! Events that were written again under another name: of all that repeat one event, one counts.

use std::collections::BTreeMap;

use edgepos_core::{EventId, Space, Write};

use super::unreadable::Unreadable;
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

    /// The event `id` repeats `of`. Whether it counts: it is the first to do so.
    pub(crate) fn note(&mut self, of: EventId, id: EventId, out: &mut UnitOfWork) -> bool {
        if let Some(counting) = self.counting.get(&of) {
            return *counting == id;
        }
        self.counting.insert(of, id);
        out.write(Write::put(Space::Reissued, of.to_key(), id.to_key()));
        true
    }

    /// Whether the event `id`, which repeats `of`, counts.
    pub(crate) fn counts(&self, of: EventId, id: EventId) -> bool {
        self.counting.get(&of) == Some(&id)
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
