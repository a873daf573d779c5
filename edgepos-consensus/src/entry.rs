//! The store-wide log's entries, and what decides whether one is applied.

use edgepos_core::ReplicaId;
use minicbor::Decoder;
use minicbor::decode::Error;

use crate::cbor;
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
        let mut encoder = cbor::map(4 + optional.into_iter().map(u64::from).sum::<u64>());
        cbor::put_u64(&mut encoder, 0, self.key.replica.0);
        cbor::put_u64(&mut encoder, 1, self.key.number);
        cbor::put_u64(&mut encoder, 2, u64::from(*kind));
        cbor::put_bytes(&mut encoder, 3, bytes);
        if let Some(base) = base {
            cbor::put_u64(&mut encoder, 4, *base);
        }
        if !subject.is_empty() {
            cbor::put_bytes(&mut encoder, 5, subject);
        }
        if self.level > 0 {
            cbor::put_u64(&mut encoder, 6, u64::from(self.level));
        }
        encoder.into_writer()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        let proposal = Self::decode_from(&mut decoder)?;
        cbor::end(&decoder)?;
        Ok(proposal)
    }

    pub(crate) fn decode_from(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let (mut replica, mut number, mut kind, mut bytes, mut base) = (None, None, None, None, None);
        let (mut subject, mut level) = (Vec::new(), 0);
        cbor::visit_map(decoder, |key, decoder| {
            match key {
                0 => replica = Some(decoder.u64()?),
                1 => number = Some(decoder.u64()?),
                2 => kind = Some(decoder.u16()?),
                3 => bytes = Some(cbor::bytes(decoder, MAX_ENTRY_BYTES as usize)?),
                4 => base = Some(decoder.u64()?),
                5 => subject = cbor::bytes(decoder, MAX_SUBJECT_BYTES)?,
                6 => level = decoder.u32()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = || Error::message("proposal lacks a field");
        Ok(Self {
            key: ProposalKey {
                replica: ReplicaId(replica.ok_or_else(missing)?),
                number: number.ok_or_else(missing)?,
            },
            proposal: Proposal {
                kind: kind.ok_or_else(missing)?,
                subject,
                base,
                bytes: bytes.ok_or_else(missing)?,
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
        let mut encoder = cbor::map(4);
        cbor::put_u64(&mut encoder, 0, self.index);
        cbor::put_u64(&mut encoder, 1, self.term);
        cbor::put_u64(&mut encoder, 2, self.class as u64);
        cbor::put_bytes(&mut encoder, 3, &self.payload);
        encoder.into_writer()
    }

    pub(crate) fn decode_from(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let (mut index, mut term, mut class, mut payload) = (None, None, None, None);
        cbor::visit_map(decoder, |key, decoder| {
            match key {
                0 => index = Some(decoder.u64()?),
                1 => term = Some(decoder.u64()?),
                2 => {
                    class = Some(match decoder.u8()? {
                        0 => Class::Normal,
                        1 => Class::Members,
                        _ => return Err(Error::message("unknown class of entry")),
                    });
                }
                3 => payload = Some(cbor::bytes(decoder, MAX_PAYLOAD_BYTES)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = || Error::message("entry lacks a field");
        Ok(Self {
            index: index.ok_or_else(missing)?,
            term: term.ok_or_else(missing)?,
            class: class.ok_or_else(missing)?,
            payload: payload.ok_or_else(missing)?,
        })
    }
}
