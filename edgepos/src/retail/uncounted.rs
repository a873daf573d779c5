//! Events that the counter rows lack although they are behind them: their bytes could not be read when they were to be counted.

use std::collections::BTreeSet;

use edgepos_core::{EventId, Space, Write};

use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// What the keys of the rows begin with; the event follows. Other keys of the space are those of the event log.
const UNCOUNTED: &[u8] = b"u";

/// The events, until their bytes are there again.
#[derive(Debug, Default)]
pub(crate) struct Uncounted {
    events: BTreeSet<EventId>,
    /// Whether some are not on disk yet.
    is_fresh: bool,
}

impl Uncounted {
    /// A row as it is on disk; one of another key is not of this room.
    pub(crate) fn restore(&mut self, key: &[u8]) -> Result<(), Unreadable> {
        self.events.extend(key.strip_prefix(UNCOUNTED).and_then(EventId::from_key));
        Ok(())
    }

    /// The event could not be read at a start that was to count it.
    pub(crate) fn note(&mut self, id: EventId) {
        self.is_fresh |= self.events.insert(id);
    }

    /// Whether the rows on disk must be written with these, so that a later start does not take them for counted.
    pub(crate) fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Writes down those that are not on disk yet: in the transaction of the rows that lack them.
    pub(crate) fn write(&mut self, out: &mut UnitOfWork) {
        if std::mem::take(&mut self.is_fresh) {
            self.events.iter().for_each(|id| out.write(Write::put(Space::Lost, key(*id), [])));
        }
    }

    /// The event is there and is counted now. Whether it was one of these.
    pub(crate) fn take(&mut self, id: EventId, out: &mut UnitOfWork) -> bool {
        let was = self.events.remove(&id);
        if was {
            out.write(Write::delete(Space::Lost, key(id)));
        }
        was
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.events.len() as u64
    }
}

fn key(id: EventId) -> Vec<u8> {
    [UNCOUNTED, &id.to_key()].concat()
}
