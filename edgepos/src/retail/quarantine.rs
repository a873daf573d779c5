//! What this version cannot read: kept, passed on and shown, with the reason.

use edgepos_core::{EventId, Space, Write};

use crate::terminal::io::Event;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// How much of what is stored could not be interpreted.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    count: u64,
}

impl Quarantine {
    /// A row as it is on disk.
    pub(crate) fn restore(&mut self) -> Result<(), String> {
        self.count += 1;
        Ok(())
    }

    /// Keeps the reason why an event was not interpreted. The event itself is stored and passed on like any other.
    pub(crate) fn put(&mut self, id: EventId, reason: String, out: &mut UnitOfWork) {
        self.count += 1;
        out.write(Write::put(Space::Quarantine, id.to_key(), reason.as_bytes()));
        out.then(Then::Tell(Event::Quarantined { id, reason }));
    }

    /// How much there is.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }
}
