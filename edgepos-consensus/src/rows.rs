//! The rows on disk: their keys, their bytes, and reading them back. Formats only grow.
//!
//! | space | key | value (CBOR map) |
//! |---|---|---|
//! | `Election` | `hard` | 0 term, 1 vote, 2 commit |
//! | `Election` | `applied` | 0 index |
//! | `Election` | `lease` | 0 what a leader was promised, in ms; absent for the configured lease |
//! | `Election` | `generation` | 0 store generation; absent for 0 |
//! | `Election` | `recovered` | 0 generation, 1 last index, 2 last decided index, of the latest forced recovery |
//! | `Election` | `lost` | 0 the last index known to have been held; present when the log is known to lack it |
//! | `Election` | `decided/` + replica, 8 bytes big endian | 0 highest number applied |
//! | `Election` | `version/` + kind, 2 bytes big endian | 0 index of the last decision of the kind |
//! | `ElectionLog` | index, 8 bytes big endian | 0 index, 1 term, 2 class, 3 payload |
//! | `ElectionSnapshot` | `base` | 0 index, 1 term of the last entry dropped |
//! | `ElectionSnapshot` | `members` | 0 voters, 1 learners, 2 retired; absent for none |

use std::collections::BTreeMap;

use edgepos_core::{ReplicaId, Space, StoreGeneration, Write};
use minicbor::Decoder;
use minicbor::decode::Error;

use crate::cbor;
use crate::entry::Entry;
use crate::error::RestoreError;
use crate::log::{Hard, Position};
use crate::members::Members;
use crate::recovery::Recovery;

const HARD: &[u8] = b"hard";
const APPLIED: &[u8] = b"applied";
const LEASE: &[u8] = b"lease";
const GENERATION: &[u8] = b"generation";
const RECOVERED: &[u8] = b"recovered";
const LOST: &[u8] = b"lost";
const DECIDED: &[u8] = b"decided/";
const VERSION: &[u8] = b"version/";
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

pub(crate) fn delete_lease() -> Write {
    Write::delete(Space::Election, LEASE)
}

pub(crate) fn put_generation(generation: StoreGeneration) -> Write {
    Write::put(Space::Election, GENERATION, numbers(&[u64::from(generation.0)]))
}

pub(crate) fn put_recovered(recovery: &Recovery) -> Write {
    let Recovery { generation, last, decided, .. } = recovery;
    Write::put(Space::Election, RECOVERED, numbers(&[u64::from(generation.0), *last, *decided]))
}

pub(crate) fn put_lost(known: u64) -> Write {
    Write::put(Space::Election, LOST, numbers(&[known]))
}

pub(crate) fn put_decided(replica: ReplicaId, number: u64) -> Write {
    Write::put(Space::Election, decided_key(replica), numbers(&[number]))
}

pub(crate) fn delete_decided(replica: ReplicaId) -> Write {
    Write::delete(Space::Election, decided_key(replica))
}

fn version_key(kind: u16) -> Vec<u8> {
    [VERSION, &kind.to_be_bytes()].concat()
}

pub(crate) fn put_version(kind: u16, index: u64) -> Write {
    Write::put(Space::Election, version_key(kind), numbers(&[index]))
}

pub(crate) fn delete_version(kind: u16) -> Write {
    Write::delete(Space::Election, version_key(kind))
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
    pub(crate) generation: Option<StoreGeneration>,
    /// Of the latest forced recovery: its generation, the last index and the last decided one.
    pub(crate) recovered: Option<[u64; 3]>,
    pub(crate) log_lost: bool,
    pub(crate) decided: BTreeMap<ReplicaId, u64>,
    pub(crate) versions: BTreeMap<u16, u64>,
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
        } else if key == GENERATION {
            let [generation] = read_numbers(value)?;
            let generation =
                u32::try_from(generation).map_err(|_| Error::message("impossible generation"))?;
            self.generation = Some(StoreGeneration(generation));
        } else if key == RECOVERED {
            self.recovered = Some(read_numbers(value)?);
        } else if key == LOST {
            let [_] = read_numbers(value)?;
            self.log_lost = true;
        } else if let Some(replica) = key.strip_prefix(DECIDED) {
            let replica = replica.try_into().map_err(|_| Error::message("key of another length"))?;
            let [number] = read_numbers(value)?;
            self.decided.insert(ReplicaId(u64::from_be_bytes(replica)), number);
        } else if let Some(kind) = key.strip_prefix(VERSION) {
            let kind = kind.try_into().map_err(|_| Error::message("key of another length"))?;
            let [index] = read_numbers(value)?;
            self.versions.insert(u16::from_be_bytes(kind), index);
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
