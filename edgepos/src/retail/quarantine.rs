//! What this version cannot read: kept, passed on and shown, with the reason.

use edgepos_core::{EventId, Space, Write};

use super::unreadable::Unreadable;
use crate::terminal::io::Notice;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// What the key of a decision begins with; the key of an event has 17 bytes, and the first two are its terminal.
const DECISION: &[u8] = b"decision";

/// How much of what is stored could not be interpreted.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    count: u64,
}

impl Quarantine {
    /// A row as it is on disk.
    pub(crate) fn restore(&mut self) {
        self.count += 1;
    }

    /// Keeps the reason why an event was not interpreted. The event itself is stored and passed on like any other.
    pub(crate) fn put(&mut self, id: EventId, reason: &Unreadable, out: &mut UnitOfWork) {
        self.count += 1;
        let reason = reason.to_string();
        out.write(Write::put(Space::Quarantine, id.to_key(), reason.as_bytes()));
        out.then(Then::Tell(Notice::Quarantined { id, reason }));
    }

    /// Records that the store has decided something of a kind that this version does not know. It has no place in a chain: the row's
    /// key is `decision` and its position in the store's log, 8 bytes, big endian.
    pub(crate) fn put_decision(&mut self, index: u64, kind: u16, out: &mut UnitOfWork) {
        self.count += 1;
        let key = [DECISION, &index.to_be_bytes()].concat();
        out.write(Write::put(Space::Quarantine, key, format!("a decision of the unknown kind {kind}")));
        out.then(Then::Tell(Notice::DecisionSkipped { index, kind }));
    }

    /// How much there is.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }
}
