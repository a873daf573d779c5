//! The store-wide log's entries, and what decides whether one is applied.

use edgepos_core::ReplicaId;
use edgepos_wire::{DecodeError, DecodeFault, Reader, put_bytes, put_u64, write};

use crate::config::MAX_ENTRY_BYTES;
use crate::members::MembersChange;

/// Longest [`Proposal::subject`], in bytes.
pub const MAX_SUBJECT_BYTES: usize = 128;
/// The kind of the proposals that raise the level. Earlier versions take it for a decision that they do not know.
pub(crate) const LEVEL_KIND: u16 = u16::MAX;
/// The envelope of a proposal around its bytes and its subject, generously.
const ENVELOPE_BYTES: usize = 128;
/// Largest payload of an entry as it is stored and sent.
pub(crate) const MAX_PAYLOAD_BYTES: usize = MAX_ENTRY_BYTES as usize + ENVELOPE_BYTES;

/// No term reaches this: at one election a millisecond it takes 8,900 years. A message with a larger one would, once stored, leave
/// no terms to elect anyone in.
pub(crate) const MAX_TERM: u64 = 1 << 48;
/// No log reaches this.
pub(crate) const MAX_INDEX: u64 = 1 << 48;
/// The name of a proposal, by which each terminal knows that it is decided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProposalKey {
    /// The terminal that proposes.
    pub replica: ReplicaId,
    /// 1, 2, 3 … without gaps for each replica, given by [`Election::propose`](crate::Election::propose). No number is given twice, whatever
    /// crashes in between.
    pub number: u64,
}

/// A decision that a terminal asks the store to take. The bytes are opaque here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// What kind of decision; the caller's numbers, below `u16::MAX`.
    pub kind: u16,
    /// What it decides about, such as a product whose price it sets: opaque bytes, at most [`MAX_SUBJECT_BYTES`], compared byte for
    /// byte. Empty where all decisions of the kind are about one thing.
    pub subject: Vec<u8>,
    /// What the proposer had seen: [`Election::version_of`](crate::Election::version_of) the kind and the subject. When another decision
    /// about the subject was taken since, this one is refused on every terminal alike, with
    /// [`Notice::ProposalRefused`](crate::Notice::ProposalRefused). `None` where an edit does not build on the one before. Below feature
    /// level 1 any decision of the kind counts.
    pub base: Option<u64>,
    /// With the subject at most [`Config::max_entry_bytes`](crate::Config::max_entry_bytes).
    pub bytes: Vec<u8>,
}

impl Proposal {
    /// The bytes that count against the limit. The subject is among them: what an earlier version reads has no further room.
    pub(crate) fn len(&self) -> usize {
        self.subject.len() + self.bytes.len()
    }
}

/// A proposal with its name, as it stands in the log, in messages and in the row that keeps it until it is decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Numbered {
    pub(crate) key: ProposalKey,
    pub(crate) proposal: Proposal,
    /// The feature level that it raises the store to; 0 for none.
    pub(crate) level: u32,
}

impl Numbered {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Proposal { kind, subject, base, bytes } = &self.proposal;
        let optional = [base.is_some(), !subject.is_empty(), self.level > 0];
        write(|out| {
            out.map(4 + optional.into_iter().map(u64::from).sum::<u64>())?;
            put_u64(out, 0, self.key.replica.0)?;
            put_u64(out, 1, self.key.number)?;
            put_u64(out, 2, u64::from(*kind))?;
            put_bytes(out, 3, bytes)?;
            if let Some(base) = base {
                put_u64(out, 4, *base)?;
            }
            if !subject.is_empty() {
                put_bytes(out, 5, subject)?;
            }
            if self.level > 0 {
                put_u64(out, 6, u64::from(self.level))?;
            }
            Ok(())
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Reader::all("proposal", bytes, u32::MAX, Self::read)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (mut replica, mut number, mut kind, mut bytes, mut base) = (None, None, None, None, None);
        let (mut subject, mut level) = (Vec::new(), 0);
        reader.fields_in_any_order(|reader, key| {
            match key {
                0 => replica = Some(reader.u64()?),
                1 => number = Some(reader.u64()?),
                2 => kind = Some(reader.small("kind of decision")?),
                3 => bytes = Some(reader.bytes("proposal", MAX_ENTRY_BYTES)?.to_vec()),
                4 => base = Some(reader.u64()?),
                5 => subject = reader.bytes("subject", MAX_SUBJECT_BYTES as u32)?.to_vec(),
                6 => level = reader.small("level")?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            key: ProposalKey {
                replica: ReplicaId(reader.required(replica, 0)?),
                number: reader.required(number, 1)?,
            },
            proposal: Proposal {
                kind: reader.required(kind, 2)?,
                subject,
                base,
                bytes: reader.required(bytes, 3)?,
            },
            level,
        })
    }
}

/// What an entry is for. The numbers are on disk and on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// Empty (a new leader's first entry) or a proposal.
    Normal = 0,
    /// A change of who belongs.
    Members = 1,
}

/// One position of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) class: Class,
    pub(crate) payload: Vec<u8>,
}

impl Entry {
    /// The proposal in it, if there is one that this version can read.
    pub(crate) fn proposal(&self) -> Option<Numbered> {
        if self.class != Class::Normal || self.payload.is_empty() {
            return None;
        }
        Numbered::decode(&self.payload).ok()
    }

    /// The change of members in it, if it is one.
    pub(crate) fn members_change(&self) -> Option<MembersChange> {
        if self.class == Class::Members { MembersChange::decode(&self.payload).ok() } else { None }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        write(|out| {
            out.map(4)?;
            put_u64(out, 0, self.index)?;
            put_u64(out, 1, self.term)?;
            put_u64(out, 2, self.class as u64)?;
            put_bytes(out, 3, &self.payload)
        })
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (mut index, mut term, mut class, mut payload) = (None, None, None, None);
        reader.fields_in_any_order(|reader, key| {
            match key {
                0 => index = Some(reader.u64()?),
                1 => term = Some(reader.u64()?),
                2 => {
                    class = Some(match reader.u64()? {
                        0 => Class::Normal,
                        1 => Class::Members,
                        code => return Err(reader.fault(DecodeFault::Unknown { code })),
                    });
                }
                3 => payload = Some(reader.bytes("entry", MAX_PAYLOAD_BYTES as u32)?.to_vec()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            index: reader.required(index, 0)?,
            term: reader.required(term, 1)?,
            class: reader.required(class, 2)?,
            payload: reader.required(payload, 3)?,
        })
    }
}
