//! What a business day comes to, to the cent: the X figures while it is open, the Z figures once it is closed, and what came late.
//!
//! Each event that says something of a day has a row of its own under that day, written with the event. So the figures are a function of
//! the events that are held: every terminal that holds the same says the same.

mod catching_up;
pub(crate) mod report;
pub(crate) mod row;
pub(crate) mod shifts;
pub(crate) mod sums;

use edgepos_core::{EventId, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::EventRecord;

use self::catching_up::CatchingUp;
use self::row::Row;
use super::envelope::{Envelope, Mode};
use crate::ports::Rows;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// The room of the figures: the rows are on disk alone, and this is up to where they are whole.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    catching_up: CatchingUp,
}

impl Figures {
    /// The row of [`Space::FiguresKnown`] as it is on disk. Those of days are read when one is asked for, and at no start.
    pub(crate) fn restore(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        self.catching_up.restore(value)
    }

    /// Every row is restored: begins to read the events whose rows an earlier or a later version has not written.
    pub(crate) fn start(&mut self, held: &VersionVector, out: &mut UnitOfWork) {
        self.catching_up.start(held, out);
    }

    /// An event has its place.
    pub(crate) fn came(&mut self, id: EventId, out: &mut UnitOfWork) {
        self.catching_up.came(id, out);
    }

    /// A piece of older events was read, of which those that count get their rows.
    pub(crate) fn older_read(
        &mut self,
        rows: &Rows,
        counts: impl Fn(EventId, &Envelope) -> bool,
        out: &mut UnitOfWork,
    ) {
        let mut reached = None;
        for (key, value) in rows {
            reached = EventId::from_key(key).or(reached);
            let Some((record, _)) = EventRecord::from_row(key, value) else { continue };
            let Ok(envelope) = Envelope::decode(&record.payload) else { continue };
            if envelope.mode == Mode::Live
                && counts(record.id, &envelope)
                && let Some((key, row)) = Row::of(record.id, &envelope)
            {
                out.write_soon(Write::put(Space::DayFigures, key, row));
            }
        }
        self.catching_up.read(reached, out);
    }

    /// Whether every event that is held has its row.
    pub(crate) fn is_whole(&self) -> bool {
        self.catching_up.is_done()
    }
}

/// An event counts from here on: its row, where it says something of a day.
pub(crate) fn note(id: EventId, envelope: &Envelope, out: &mut UnitOfWork) {
    if let Some((key, row)) = Row::of(id, envelope) {
        out.write(Write::put(Space::DayFigures, key, row));
    }
}

/// An event counts no longer.
pub(crate) fn take_back(id: EventId, envelope: &Envelope, out: &mut UnitOfWork) {
    if let Some((key, _)) = Row::of(id, envelope) {
        out.write(Write::delete(Space::DayFigures, key));
    }
}
