//! The rows on disk: their keys and their bytes. Formats only grow.
//!
//! | space | key | value (CBOR map) |
//! |---|---|---|
//! | `Election` | `hard` | 0 term, 1 vote, 2 commit |
//! | `Election` | `applied` | 0 index |
//! | `Election` | `lease` | 0 what a leader was promised, in ms; absent for the configured lease |
//! | `Election` | `generation` | 0 store generation; absent for 0 |
//! | `Election` | `recovered` | 0 generation, 1 last index, 2 last decided index, of the latest forced recovery |
//! | `Election` | `lost` | 0 the last index known to have been held; present when the log is known to lack it |
//! | `Election` | `behind` | 0 the term that was left when the disk was known to have gone back; absent once all that was decided before is held again |
//! | `Election` | `decided/` + replica, 8 bytes big endian | 0 highest number applied |
//! | `Election` | `version/` + kind, 2 bytes big endian | 0 index of the last decision of the kind |
//! | `Election` | `level` | 0 feature level of the store, 1 position up to which subjects count as decided; absent for level 0 |
//! | `Election` | `subject/` + kind, 2 bytes big endian + subject | 0 index of the last decision about it |
//! | `Election` | `proposal/` + number, 8 bytes big endian | an own proposal that waits for its decision, as in the log |
//! | `ElectionLog` | index, 8 bytes big endian | 0 index, 1 term, 2 class, 3 payload |
//! | `ElectionSnapshot` | `base` | 0 index, 1 term of the last entry dropped |
//! | `ElectionSnapshot` | `members` | 0 voters, 1 learners, 2 retired; absent for none |

use edgepos_core::{ReplicaId, Space, StoreGeneration, Write};
use edgepos_wire::{DecodeError, DecodeFault, Reader, put_u64, write};

use crate::entry::{Entry, Numbered};
use crate::error::RestoreError;
use crate::members::Members;

const HARD: &[u8] = b"hard";
const APPLIED: &[u8] = b"applied";
const LEASE: &[u8] = b"lease";
const GENERATION: &[u8] = b"generation";
const RECOVERED: &[u8] = b"recovered";
const LOST: &[u8] = b"lost";
const BEHIND: &[u8] = b"behind";
const DECIDED: &[u8] = b"decided/";
const VERSION: &[u8] = b"version/";
const LEVEL: &[u8] = b"level";
const SUBJECT: &[u8] = b"subject/";
const PROPOSAL: &[u8] = b"proposal/";
const BASE: &[u8] = b"base";
const MEMBERS: &[u8] = b"members";

/// What raft must never forget: the term, the vote given in it, and how far the log is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Hard {
    pub(crate) term: u64,
    pub(crate) vote: u64,
    pub(crate) commit: u64,
}

/// A position of the log that is not held as an entry: everything up to it was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Position {
    pub(crate) index: u64,
    pub(crate) term: u64,
}

/// One row, read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Row {
    Hard(Hard),
    Applied(u64),
    /// How long the promised lease is, in ms.
    Lease(u64),
    Generation(StoreGeneration),
    /// The generation, the last index and the last decided one.
    Recovered([u64; 3]),
    Lost,
    /// The term that was left.
    Behind(u64),
    Decided(ReplicaId, u64),
    Version(u16, u64),
    /// The level and the floor of the subjects.
    Level(u32, u64),
    Subject(u16, Vec<u8>, u64),
    Proposal(Numbered),
    Entry(Entry),
    Base(Position),
    Members(Members),
}

impl Row {
    /// Reads a row; `None` for a key that this version does not know, which a later one wrote.
    ///
    /// # Errors
    /// When the row is of another space, or does not decode.
    pub(crate) fn read(space: Space, key: &[u8], value: &[u8]) -> Result<Option<Self>, RestoreError> {
        let read = match space {
            Space::Election => Self::of_state(key, value),
            Space::ElectionLog => Self::of_log(key, value).map(Some),
            Space::ElectionSnapshot => Self::of_snapshot(key, value),
            _ => return Err(RestoreError::Space { space }),
        };
        read.map_err(|_| RestoreError::Malformed { space, key: key.to_vec() })
    }

    fn of_state(key: &[u8], value: &[u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match key {
            HARD => {
                let [term, vote, commit] = read_numbers(value)?;
                Self::Hard(Hard { term, vote, commit })
            }
            APPLIED => {
                let [index] = read_numbers(value)?;
                Self::Applied(index)
            }
            LEASE => {
                let [lease_ms] = read_numbers(value)?;
                Self::Lease(lease_ms)
            }
            GENERATION => {
                let [generation] = read_numbers(value)?;
                let generation = u32::try_from(generation).map_err(|_| impossible("generation"))?;
                Self::Generation(StoreGeneration(generation))
            }
            RECOVERED => Self::Recovered(read_numbers(value)?),
            LEVEL => {
                let [level, floor] = read_numbers(value)?;
                Self::Level(u32::try_from(level).map_err(|_| impossible("level"))?, floor)
            }
            LOST => {
                let [_] = read_numbers(value)?;
                Self::Lost
            }
            BEHIND => {
                let [term] = read_numbers(value)?;
                Self::Behind(term)
            }
            _ => {
                if let Some(replica) = key.strip_prefix(DECIDED) {
                    let [number] = read_numbers(value)?;
                    Self::Decided(ReplicaId(u64::from_be_bytes(fixed(replica)?)), number)
                } else if let Some(kind) = key.strip_prefix(VERSION) {
                    let [index] = read_numbers(value)?;
                    Self::Version(u16::from_be_bytes(fixed(kind)?), index)
                } else if let Some(key) = key.strip_prefix(SUBJECT) {
                    let (kind, subject) =
                        key.split_at_checked(2).ok_or_else(|| impossible("key of a subject"))?;
                    let [index] = read_numbers(value)?;
                    Self::Subject(u16::from_be_bytes(fixed(kind)?), subject.to_vec(), index)
                } else if let Some(number) = key.strip_prefix(PROPOSAL) {
                    let numbered = Numbered::decode(value)?;
                    if u64::from_be_bytes(fixed(number)?) != numbered.key.number {
                        return Err(impossible("number of a proposal"));
                    }
                    Self::Proposal(numbered)
                } else {
                    return Ok(None);
                }
            }
        }))
    }

    fn of_log(key: &[u8], value: &[u8]) -> Result<Self, DecodeError> {
        let entry = Reader::all("entry", value, u32::MAX, Entry::read)?;
        if key != entry_key(entry.index) {
            return Err(impossible("index of an entry"));
        }
        Ok(Self::Entry(entry))
    }

    fn of_snapshot(key: &[u8], value: &[u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match key {
            BASE => {
                let [index, term] = read_numbers(value)?;
                Self::Base(Position { index, term })
            }
            MEMBERS => Self::Members(Reader::all("members", value, u32::MAX, Members::read)?),
            _ => return Ok(None),
        }))
    }
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

pub(crate) fn put_recovered(generation: StoreGeneration, last: u64, decided: u64) -> Write {
    Write::put(Space::Election, RECOVERED, numbers(&[u64::from(generation.0), last, decided]))
}

pub(crate) fn put_lost(known: u64) -> Write {
    Write::put(Space::Election, LOST, numbers(&[known]))
}

pub(crate) fn put_behind(term: u64) -> Write {
    Write::put(Space::Election, BEHIND, numbers(&[term]))
}

pub(crate) fn delete_behind() -> Write {
    Write::delete(Space::Election, BEHIND)
}

pub(crate) fn put_decided(replica: ReplicaId, number: u64) -> Write {
    Write::put(Space::Election, decided_key(replica), numbers(&[number]))
}

pub(crate) fn delete_decided(replica: ReplicaId) -> Write {
    Write::delete(Space::Election, decided_key(replica))
}

pub(crate) fn put_version(kind: u16, index: u64) -> Write {
    Write::put(Space::Election, version_key(kind), numbers(&[index]))
}

pub(crate) fn delete_version(kind: u16) -> Write {
    Write::delete(Space::Election, version_key(kind))
}

pub(crate) fn put_level(level: u32, floor: u64) -> Write {
    Write::put(Space::Election, LEVEL, numbers(&[u64::from(level), floor]))
}

pub(crate) fn put_subject(kind: u16, subject: &[u8], index: u64) -> Write {
    Write::put(Space::Election, subject_key(kind, subject), numbers(&[index]))
}

pub(crate) fn delete_subject(kind: u16, subject: &[u8]) -> Write {
    Write::delete(Space::Election, subject_key(kind, subject))
}

pub(crate) fn put_proposal(numbered: &Numbered) -> Write {
    Write::put(Space::Election, proposal_key(numbered.key.number), numbered.encode())
}

pub(crate) fn delete_proposal(number: u64) -> Write {
    Write::delete(Space::Election, proposal_key(number))
}

pub(crate) fn put_entry(entry: &Entry) -> Write {
    Write::put(Space::ElectionLog, entry_key(entry.index), entry.encode())
}

pub(crate) fn delete_entry(index: u64) -> Write {
    Write::delete(Space::ElectionLog, entry_key(index))
}

pub(crate) fn put_base(base: &Position) -> Write {
    Write::put(Space::ElectionSnapshot, BASE, numbers(&[base.index, base.term]))
}

pub(crate) fn put_members(members: &Members) -> Write {
    Write::put(Space::ElectionSnapshot, MEMBERS, members.encode())
}

fn entry_key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn decided_key(replica: ReplicaId) -> Vec<u8> {
    [DECIDED, &replica.0.to_be_bytes()].concat()
}

fn version_key(kind: u16) -> Vec<u8> {
    [VERSION, &kind.to_be_bytes()].concat()
}

fn subject_key(kind: u16, subject: &[u8]) -> Vec<u8> {
    [SUBJECT, &kind.to_be_bytes(), subject].concat()
}

fn proposal_key(number: u64) -> Vec<u8> {
    [PROPOSAL, &number.to_be_bytes()].concat()
}

/// A key, or a value, that no honest writer writes.
fn impossible(what: &'static str) -> DecodeError {
    DecodeError::new(what, 0, DecodeFault::Impossible)
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| impossible("key"))
}

/// A map from the integers 0 to N - 1 to the values.
fn numbers(values: &[u64]) -> Vec<u8> {
    write(|out| {
        out.map(values.len() as u64)?;
        (0..).zip(values).try_for_each(|(key, value)| put_u64(out, key, *value))
    })
}

/// Reads what [`numbers`] writes; further keys are skipped.
fn read_numbers<const N: usize>(value: &[u8]) -> Result<[u64; N], DecodeError> {
    Reader::all("row of numbers", value, u32::MAX, |reader| {
        let mut found = [None; N];
        reader.fields_in_any_order(|reader, key| {
            match usize::try_from(key).ok().and_then(|key| found.get_mut(key)) {
                Some(slot) => *slot = Some(reader.u64()?),
                None => return Ok(false),
            }
            Ok(true)
        })?;
        let mut numbers = [0; N];
        for (key, (number, found)) in (0..).zip(numbers.iter_mut().zip(found)) {
            *number = reader.required(found, key)?;
        }
        Ok(numbers)
    })
}
