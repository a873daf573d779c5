//! The store's state as one terminal has it: what events have done, in memory and in the rows that are written with them.

mod catalogue;
mod counters;
mod exceptions;

use edgepos_core::{EventId, Space, Write};

pub(super) use catalogue::Catalogue;
pub(super) use counters::{Counters, Moved};
pub(super) use exceptions::Exceptions;

use crate::model::{Envelope, ExceptionRaised, Kind, Mode};

/// Rows and registers, moved by events and by nothing else.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) counters: Counters,
    pub(super) catalogue: Catalogue,
    pub(super) exceptions: Exceptions,
    pub(super) quarantined: u64,
}

/// What one event did.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// Rows that it moved.
    pub(super) moved: Vec<Moved>,
    /// An exception that it raised, where there was none.
    pub(super) raised: Option<ExceptionRaised>,
}

impl State {
    pub(super) const SPACES: [Space; 4] =
        [Space::Counter, Space::Register, Space::Exception, Space::Quarantine];

    pub(super) fn restore(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), String> {
        match space {
            Space::Counter => self.counters.restore(key, value),
            Space::Register => self.catalogue.restore(key, value),
            Space::Exception => self.exceptions.restore(key, value),
            Space::Quarantine => {
                self.quarantined += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Applies one event, once, in its chain's order. All of it or nothing: the reason for nothing is returned, and the caller
    /// quarantines the event.
    pub(super) fn apply(
        &mut self,
        id: EventId,
        envelope: &Envelope,
        writes: &mut Vec<Write>,
    ) -> Result<Applied, String> {
        let mut applied = Applied::default();
        // The body is read first: once a counter has moved there is no way back.
        match envelope.kind {
            Kind::PRODUCT_SET | Kind::PRICE_SET if envelope.mode == Mode::Live => {
                let change = Catalogue::read(id, envelope)?;
                applied.moved = self.counters.apply(id, &envelope.effects, writes)?;
                self.catalogue.apply(change, writes);
            }
            Kind::EXCEPTION_RAISED if id.chain.replica.is_store() => {
                let raised = Exceptions::read(envelope)?;
                applied.moved = self.counters.apply(id, &envelope.effects, writes)?;
                applied.raised = self.exceptions.apply(id.seq, raised, writes);
            }
            _ if envelope.mode == Mode::Training => {}
            _ => applied.moved = self.counters.apply(id, &envelope.effects, writes)?,
        }
        Ok(applied)
    }

    /// Keeps the reason why an event was not applied. The event itself is stored and passed on like any other.
    pub(super) fn quarantine(&mut self, id: EventId, reason: &str, writes: &mut Vec<Write>) {
        self.quarantined += 1;
        writes.push(Write::put(Space::Quarantine, id.to_key(), reason.as_bytes()));
    }
}
