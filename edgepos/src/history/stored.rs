//! One event as it lies in the store, and how it is asked for.

use edgepos_core::{Chain, EventId, Load, LoadId, ReplicaId, Seq, Space};
use edgepos_sync::{EventRecord, Hash};
use thiserror::Error;

use crate::retail::day::body::is_date;
use crate::retail::envelope::Envelope;
use crate::retail::unreadable::Unreadable;
use crate::terminal::refusal::Refusal;

/// An event as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredEvent {
    /// The chain and the position in it.
    pub id: EventId,
    /// The hash of its chain up to it.
    pub hash: Hash,
    /// What it says. `None` for bytes that are no envelope: they are quarantined.
    pub envelope: Option<Envelope>,
    /// Its bytes, as they were recorded.
    pub payload: Vec<u8>,
}

/// Why reading back ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The terminal has stopped.
    #[error(transparent)]
    Stopped(#[from] Refusal),
    /// What is asked for says what it may not.
    #[error("{field}: {reason}")]
    BadField {
        /// The name of the field.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// An event that was durable is not there: it is pruned, or its row is damaged. Reading goes on from a cursor behind it.
    #[error("event {id} is not there to be read")]
    Missing {
        /// The first one that is missing.
        id: EventId,
    },
    /// A row is damaged, or a later version wrote it.
    #[error("{what} cannot be read")]
    Unreadable {
        /// What was read.
        what: &'static str,
        /// Why it cannot be.
        #[source]
        reason: Unreadable,
    },
}

/// Refuses what is no business day, and what is no number of a terminal.
pub(super) fn check(
    field: &'static str,
    day: Option<u32>,
    terminal: Option<u16>,
) -> Result<(), HistoryError> {
    if day.is_some_and(|day| !is_date(day)) {
        return Err(HistoryError::BadField { field, reason: "it is no date of the calendar, as yyyymmdd" });
    }
    if terminal.is_some_and(|terminal| !ReplicaId::is_terminal_number(terminal)) {
        let reason = "no terminal has this number: they go from 1 to 65534";
        return Err(HistoryError::BadField { field: "terminal", reason });
    }
    Ok(())
}

impl StoredEvent {
    pub(super) fn from_row(key: &[u8], value: &[u8]) -> Option<Self> {
        let (EventRecord { id, payload }, hash) = EventRecord::from_row(key, value)?;
        Some(Self { id, hash, envelope: Envelope::decode(&payload).ok(), payload })
    }
}

/// The rows of a chain between two positions.
pub(super) fn load(chain: Chain, from: u64, to: u64, max_bytes: u32) -> Load {
    let key = |seq| EventId::new(chain, Seq(seq)).to_key().to_vec();
    Load { id: LoadId(0), space: Space::Event, from: key(from), to: key(to), max_bytes }
}
