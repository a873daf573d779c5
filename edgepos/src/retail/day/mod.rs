//! The business day of this terminal: opened, closed, and written into each of its events.

pub(crate) mod body;

use edgepos_core::{EventId, IdempotencyKey, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};

use self::body::{DayChange, DayClosed, DayOpened};
use super::envelope::Mode;
use super::kind::KnownKind;
use super::record::{Record, What};
use crate::retail::unreadable::Unreadable;
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;

const KEY: &[u8] = b"day";

/// The last business day that this terminal opened.
#[derive(Debug, Default)]
pub(crate) struct Day {
    /// As yyyymmdd, and whether it is still open.
    last: Option<(u32, bool)>,
}

impl Day {
    /// The row as it is on disk.
    pub(crate) fn restore(&mut self, value: &[u8]) -> Result<(), Unreadable> {
        self.last = Some(from_cbor("day row", value)?);
        Ok(())
    }

    /// What events say: the last day that was opened, also after it was closed.
    pub(crate) fn stamp(&self) -> Option<u32> {
        self.last.map(|(day, _)| day)
    }

    /// The open day, as yyyymmdd.
    pub(crate) fn open(&self) -> Option<u32> {
        self.last.and_then(|(day, open)| open.then_some(day))
    }

    /// Records that the day begins or ends.
    ///
    /// # Errors
    /// When one is open, or none is; nothing was written then.
    pub(crate) fn record(
        &mut self,
        turn: &mut Turn<'_>,
        change: DayChange,
        mode: Mode,
        key: Option<IdempotencyKey>,
    ) -> Result<EventId, Refusal> {
        let (kind, body, last) = match change {
            DayChange::Opened(_) if self.open().is_some() => {
                return Err(Refusal::Day("a business day is open"));
            }
            DayChange::Opened(opened) => (KnownKind::DayOpened, to_cbor(&opened), (opened.day, true)),
            DayChange::Closed { counted } => {
                let day = self.open().ok_or(Refusal::Day("no business day is open"))?;
                let body = DayClosed::new(day, counted, turn.ledger.durable());
                (KnownKind::DayClosed, to_cbor(&body), (day, false))
            }
        };
        // The event that opens a day belongs to it.
        let entry = Entry { mode, key, ..Entry::new(Some(last.0), kind, body) };
        let id = turn.ledger.record(turn.now, turn.config, entry)?;
        self.last = Some(last);
        turn.out.write(Write::put(Space::Day, KEY, to_cbor(&last)));
        Ok(id)
    }
}

impl Record {
    /// The business day `day` (yyyymmdd) begins with `float` minor units in the drawer.
    pub fn day_opened(day: u32, float: i64) -> Self {
        Self::new(What::Day(DayChange::Opened(DayOpened { day, float })))
    }

    /// The open business day ends; `counted` minor units are in the drawer.
    pub fn day_closed(counted: i64) -> Self {
        Self::new(What::Day(DayChange::Closed { counted }))
    }
}
