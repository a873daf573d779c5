//! What the last run left on the disk.

use std::collections::BTreeMap;

use edgepos_core::{Space, StoreGeneration};

use crate::decisions::Decisions;
use crate::entry::{Entry, Numbered};
use crate::error::RestoreError;
use crate::members::Members;
use crate::rows::{Hard, Position, Row};

/// The rows of the last run. Scan [`Restored::SPACES`] and [`insert`](Self::insert) each row, in any order; none on the first start.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    found: Found,
}

/// What the rows say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) hard: Option<Hard>,
    pub(crate) applied: Option<u64>,
    pub(crate) lease_ms: Option<u64>,
    pub(crate) generation: Option<StoreGeneration>,
    /// Of the latest forced recovery: its generation, the last index and the last decided one.
    pub(crate) recovered: Option<[u64; 3]>,
    pub(crate) log_lost: bool,
    pub(crate) behind: Option<u64>,
    pub(crate) decisions: Decisions,
    /// Own proposals, by number.
    pub(crate) proposals: BTreeMap<u64, Numbered>,
    pub(crate) entries: BTreeMap<u64, Entry>,
    pub(crate) base: Option<Position>,
    pub(crate) members: Option<Members>,
}

impl Restored {
    /// Where the rows are. They stay small: [`Config::max_log_entries`](crate::Config::max_log_entries) and a few more.
    pub const SPACES: [Space; 3] = [Space::Election, Space::ElectionLog, Space::ElectionSnapshot];

    /// No rows at all, as on the first start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one row. A key that this version does not know is skipped: a later version wrote it.
    ///
    /// # Errors
    /// When the row is of another space, or does not decode.
    pub fn insert(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), RestoreError> {
        let found = &mut self.found;
        match Row::read(space, key, value)? {
            None => {}
            Some(Row::Hard(hard)) => found.hard = Some(hard),
            Some(Row::Applied(index)) => found.applied = Some(index),
            Some(Row::Lease(lease_ms)) => found.lease_ms = Some(lease_ms),
            Some(Row::Generation(generation)) => found.generation = Some(generation),
            Some(Row::Recovered(recovered)) => found.recovered = Some(recovered),
            Some(Row::Lost) => found.log_lost = true,
            Some(Row::Behind(term)) => found.behind = Some(term),
            Some(Row::Decided(replica, number)) => found.decisions.restore_number(replica, number),
            Some(Row::Version(kind, index)) => found.decisions.restore_version(kind, index),
            Some(Row::Level(level, floor)) => found.decisions.restore_level(level, floor),
            Some(Row::Subject(kind, subject, index)) => found.decisions.restore_subject(kind, subject, index),
            Some(Row::Proposal(numbered)) => {
                found.proposals.insert(numbered.key.number, numbered);
            }
            Some(Row::Entry(entry)) => {
                found.entries.insert(entry.index, entry);
            }
            Some(Row::Base(base)) => found.base = Some(base),
            Some(Row::Members(members)) => found.members = Some(members),
        }
        Ok(())
    }
    /// All that was found.
    pub(crate) fn into_found(self) -> Found {
        self.found
    }
}
