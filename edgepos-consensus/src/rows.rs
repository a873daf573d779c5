//! The rows on disk: their keys, their bytes, and reading them back. Formats only grow.
//!
//! | space | key | value (CBOR map) |
//! |---|---|---|
//! | `Election` | `hard` | 0 term, 1 vote, 2 commit |
//! | `Election` | `applied` | 0 index |
//! | `Election` | `lease` | 0 what a leader was promised, in ms; absent for the configured lease |
//! | `Election` | `decided/` + replica, 8 bytes big endian | 0 highest number applied |
//! | `ElectionLog` | index, 8 bytes big endian | 0 index, 1 term, 2 class, 3 payload |
//! | `ElectionSnapshot` | `base` | 0 index, 1 term of the last entry dropped |
//! | `ElectionSnapshot` | `members` | 0 voters, 1 learners |

use std::collections::BTreeMap;

use edgepos_core::{ReplicaId, Space, Write};
use minicbor::Decoder;
use minicbor::decode::Error;

use crate::cbor;
use crate::entry::Entry;
use crate::error::RestoreError;
use crate::log::{Hard, Position};
use crate::members::Members;

const HARD: &[u8] = b"hard";
const APPLIED: &[u8] = b"applied";
const LEASE: &[u8] = b"lease";
const DECIDED: &[u8] = b"decided/";
const BASE: &[u8] = b"base";
const MEMBERS: &[u8] = b"members";

pub(crate) fn entry_key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn decided_key(replica: ReplicaId) -> Vec<u8> {
    [DECIDED, &replica.0.to_be_bytes()].concat()
}

fn numbers(values: &[u64]) -> Vec<u8> {
    let mut encoder = cbor::map(values.len() as u64);
    for (key, value) in (0..).zip(values) {
        cbor::put_u64(&mut encoder, key, *value);
    }
    encoder.into_writer()
}

pub(crate) fn put_hard(hard: &Hard) -> Write {
    Write::put(Space::Election, HARD, numbers(&[hard.term, hard.vote, hard.commit]))
}

pub(crate) fn put_applied(index: u64) -> Write {
    Write::put(Space::Election, APPLIED, numbers(&[index]))
}

pub(crate) fn put_lease(lease_ms: u64) -> Write {
    Write::put(Space::Election, LEASE, numbers(&[lease_ms]))
}

pub(crate) fn put_decided(replica: ReplicaId, number: u64) -> Write {
    Write::put(Space::Election, decided_key(replica), numbers(&[number]))
}

pub(crate) fn delete_decided(replica: ReplicaId) -> Write {
    Write::delete(Space::Election, decided_key(replica))
}

pub(crate) fn put_entry(entry: &Entry) -> Write {
    Write::put(Space::ElectionLog, entry_key(entry.index), entry.encode())
}

pub(crate) fn put_base(base: &Position) -> Write {
    Write::put(Space::ElectionSnapshot, BASE, numbers(&[base.index, base.term]))
}

pub(crate) fn put_members(members: &Members) -> Write {
    Write::put(Space::ElectionSnapshot, MEMBERS, members.encode())
}

/// The rows of the last run. Scan [`Restored::SPACES`] and [`insert`](Self::insert) each row, in any order; none on the first start.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    pub(crate) hard: Option<Hard>,
    pub(crate) applied: Option<u64>,
    pub(crate) lease_ms: Option<u64>,
    pub(crate) decided: BTreeMap<ReplicaId, u64>,
    pub(crate) entries: BTreeMap<u64, Entry>,
    pub(crate) base: Option<Position>,
    pub(crate) members: Option<Members>,
}

impl Restored {
    /// Where the rows are. They stay small: [`Config::max_log_entries`](crate::Config::max_log_entries) and a few more.
    pub const SPACES: [Space; 3] = [Space::Election, Space::ElectionLog, Space::ElectionSnapshot];

    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one row. A key that this version does not know is skipped: a later version wrote it.
    ///
    /// # Errors
    /// When the row is of another space, or does not decode.
    pub fn insert(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), RestoreError> {
        let read = match space {
            Space::Election => self.insert_state(key, value),
            Space::ElectionLog => self.insert_entry(key, value),
            Space::ElectionSnapshot => self.insert_snapshot(key, value),
            _ => return Err(RestoreError::Space { space }),
        };
        read.map_err(|_| RestoreError::Malformed { space, key: key.to_vec() })
    }

    fn insert_state(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if key == HARD {
            let [term, vote, commit] = read_numbers(value)?;
            self.hard = Some(Hard { term, vote, commit });
        } else if key == APPLIED {
            let [index] = read_numbers(value)?;
            self.applied = Some(index);
        } else if key == LEASE {
            let [lease_ms] = read_numbers(value)?;
            self.lease_ms = Some(lease_ms);
        } else if let Some(replica) = key.strip_prefix(DECIDED) {
            let replica = replica.try_into().map_err(|_| Error::message("key of another length"))?;
            let [number] = read_numbers(value)?;
            self.decided.insert(ReplicaId(u64::from_be_bytes(replica)), number);
        }
        Ok(())
    }

    fn insert_entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let mut decoder = Decoder::new(value);
        let entry = Entry::decode_from(&mut decoder)?;
        cbor::end(&decoder)?;
        if key != entry_key(entry.index) {
            return Err(Error::message("entry under another index"));
        }
        self.entries.insert(entry.index, entry);
        Ok(())
    }

    fn insert_snapshot(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if key == BASE {
            let [index, term] = read_numbers(value)?;
            self.base = Some(Position { index, term });
        } else if key == MEMBERS {
            let mut decoder = Decoder::new(value);
            self.members = Some(Members::decode_from(&mut decoder)?);
            cbor::end(&decoder)?;
        }
        Ok(())
    }
}

/// A map from the integers 0 to N - 1 to numbers.
fn read_numbers<const N: usize>(value: &[u8]) -> Result<[u64; N], Error> {
    let mut found = [None; N];
    let mut decoder = Decoder::new(value);
    cbor::visit_map(&mut decoder, |key, decoder| {
        match usize::try_from(key).ok().and_then(|key| found.get_mut(key)) {
            Some(slot) => *slot = Some(decoder.u64()?),
            None => return Ok(false),
        }
        Ok(true)
    })?;
    cbor::end(&decoder)?;
    let mut numbers = [0; N];
    for (number, found) in numbers.iter_mut().zip(found) {
        *number = found.ok_or_else(|| Error::message("a number is missing"))?;
    }
    Ok(numbers)
}
