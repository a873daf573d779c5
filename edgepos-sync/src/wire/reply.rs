//! What the cloud answers.

use std::collections::BTreeSet;

use edgepos_core::{Chain, EventId, Seq, UploadEpoch};
use edgepos_wire::{DecodeError, DecodeFault, Reader, Sink, Written, write};

use super::claim::{Claim, Draft, Keys};
use super::message::last_of;
use super::shapes;
use crate::event::Hash;
use crate::limits::Limits;

/// The answer to one request.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CloudReply {
    /// The lease is yours.
    Lease {
        /// Carried by every append; higher than any before.
        epoch: UploadEpoch,
        /// All that the cloud holds.
        held: Claim,
    },
    /// Somebody else holds the lease.
    Busy {
        /// When it may have run out, in ms from the reply.
        retry_after_ms: u64,
    },
    /// The state, as asked.
    Head {
        /// The epoch in force; 0 before the first lease.
        epoch: UploadEpoch,
        /// All that the cloud holds.
        held: Claim,
    },
    /// The batch is durable, but for the runs that [`held`](Self::Ack::held) does not cover.
    Ack {
        /// All that the cloud holds.
        held: Claim,
        /// Chains of the batch that have another history in the cloud: nothing of those was stored.
        forks: BTreeSet<Chain>,
    },
    /// The epoch is not in force any more.
    Fenced {
        /// The epoch that is in force.
        epoch: UploadEpoch,
    },
    /// The cloud holds something else than `old`, for example because this batch arrived before. Nothing was stored.
    Conflict {
        /// All that the cloud holds.
        held: Claim,
    },
    /// No run of the batch could be stored, and one continues another history of this chain than the cloud's.
    Fork {
        /// The chain that has two histories.
        chain: Chain,
    },
    /// The answer to a probe.
    Hash {
        /// The event that was asked about.
        event: EventId,
        /// The hash of its chain there; absent where the cloud does not have the event.
        hash: Option<Hash>,
    },
    /// The answer to [`Fetch`](crate::CloudRequest::Fetch).
    Events {
        /// The first event that was asked for.
        first: EventId,
        /// The last position that was asked for.
        last: Seq,
        /// One run of exactly these positions; absent where the cloud has not got them all as they were.
        batch: Option<Vec<u8>>,
        /// The chain's hash before the first event; absent where the cloud has not got it, and from versions that do not say it.
        base: Option<Hash>,
    },
    /// The request can never succeed as it is. Nothing was stored.
    Refused {
        /// The reason that the cloud gives.
        reason: RefusedReason,
    },
}

/// Why the cloud will not take a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusedReason {
    /// The cloud does not know the store.
    #[error("store is unknown")]
    UnknownStore,
    /// The store was recovered by force, and the asker does not know.
    #[error("store generation is an old one")]
    OldGeneration,
    /// The batch does not decode, or does not say what the vectors say.
    #[error("batch is malformed")]
    Malformed,
    /// The request is larger than this cloud takes.
    #[error("request is too large")]
    TooLarge,
    /// The store has more chains than this cloud keeps.
    #[error("store has too many chains")]
    TooManyChains,
    /// Compressed with what this cloud does not have.
    #[error("codec or dictionary is unknown")]
    UnknownCodec,
    /// A reason that a later version gives.
    #[error("refused for reason {0}")]
    Other(u16),
}

impl RefusedReason {
    fn code(self) -> u16 {
        match self {
            Self::UnknownStore => 1,
            Self::OldGeneration => 2,
            Self::Malformed => 3,
            Self::TooLarge => 4,
            Self::TooManyChains => 5,
            Self::UnknownCodec => 6,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u16) -> Self {
        match code {
            1 => Self::UnknownStore,
            2 => Self::OldGeneration,
            3 => Self::Malformed,
            4 => Self::TooLarge,
            5 => Self::TooManyChains,
            6 => Self::UnknownCodec,
            code => Self::Other(code),
        }
    }
}

const GRANTED: u64 = 1;
const BUSY: u64 = 2;
const STATE: u64 = 3;
const ACK: u64 = 4;
const FENCED: u64 = 5;
const CONFLICT: u64 = 6;
const FORK: u64 = 7;
const REFUSED: u64 = 8;
const HASH: u64 = 10;
const EVENTS: u64 = 12;

const KEYS: Keys = Keys { vector: 2, heads: 10, instance: 11, lost: 16, batch_format: 19 };

impl CloudReply {
    /// All that the cloud holds, where the reply says it.
    pub(crate) fn held(&self) -> Option<&Claim> {
        match self {
            Self::Lease { held, .. }
            | Self::Head { held, .. }
            | Self::Ack { held, .. }
            | Self::Conflict { held } => Some(held),
            Self::Busy { .. }
            | Self::Fenced { .. }
            | Self::Fork { .. }
            | Self::Hash { .. }
            | Self::Events { .. }
            | Self::Refused { .. } => None,
        }
    }

    /// A CBOR map; key 0 is the kind.
    pub fn encode(&self) -> Vec<u8> {
        write(|out| match self {
            Self::Lease { epoch, held } => write_state(out, GRANTED, *epoch, held),
            Self::Head { epoch, held } => write_state(out, STATE, *epoch, held),
            Self::Ack { held, forks } => {
                out.map(1 + held.fields() + u64::from(!forks.is_empty()))?.u64(0)?.u64(ACK)?;
                held.write_to(out, KEYS)?;
                if !forks.is_empty() {
                    out.u64(12)?;
                    shapes::write_chains(out, forks)?;
                }
                Ok(())
            }
            Self::Fenced { epoch } => out.map(2)?.u64(0)?.u64(FENCED)?.u64(1)?.u64(epoch.0)?.ok(),
            Self::Conflict { held } => {
                out.map(1 + held.fields())?.u64(0)?.u64(CONFLICT)?;
                held.write_to(out, KEYS)
            }
            Self::Busy { retry_after_ms } => {
                out.map(2)?.u64(0)?.u64(BUSY)?.u64(3)?.u64(*retry_after_ms)?.ok()
            }
            Self::Fork { chain } => out.map(2)?.u64(0)?.u64(FORK)?.u64(4)?.bytes(&chain.to_key())?.ok(),
            Self::Hash { event, hash } => {
                out.map(2 + u64::from(hash.is_some()))?.u64(0)?.u64(HASH)?.u64(13)?.bytes(&event.to_key())?;
                hash.iter().try_for_each(|hash| out.u64(14)?.bytes(&hash.0)?.ok())
            }
            Self::Events { first, last, batch, base } => {
                out.map(3 + u64::from(batch.is_some()) + u64::from(base.is_some()))?.u64(0)?.u64(EVENTS)?;
                out.u64(13)?.bytes(&first.to_key())?;
                base.iter().try_for_each(|hash| out.u64(14)?.bytes(&hash.0)?.ok())?;
                out.u64(17)?.u64(last.0)?;
                batch.iter().try_for_each(|batch| out.u64(18)?.bytes(batch)?.ok())
            }
            Self::Refused { reason } => out.map(2)?.u64(0)?.u64(REFUSED)?.u64(5)?.u16(reason.code())?.ok(),
        })
    }

    /// Reads what [`encode`](Self::encode) wrote, by this version or a later one.
    ///
    /// # Errors
    /// [`DecodeError`], for anything that no honest cloud sends or that exceeds `limits`, an unknown kind included.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (mut kind, mut epoch, mut wait, mut chain, mut reason) = (None, None, None, None, None);
        let (mut held, mut forks) = (Draft::default(), BTreeSet::new());
        let (mut event, mut hash, mut last, mut batch) = (None, None, None, None);
        Reader::all("cloud reply", bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => kind = Some(reader.u64()?),
                    1 => epoch = Some(UploadEpoch(reader.u64()?)),
                    3 => wait = Some(reader.u64()?),
                    4 => chain = Some(shapes::chain(reader)?),
                    5 => reason = Some(RefusedReason::from_code(reader.small("reason")?)),
                    12 => forks = shapes::chains(reader, "forks", limits)?,
                    13 => event = Some(shapes::event(reader)?),
                    14 => hash = Some(Hash(reader.fixed("hash")?)),
                    17 => last = Some(reader.u64()?),
                    18 => batch = Some(reader.bytes("batch", limits.max_message_bytes)?.to_vec()),
                    key => return held.read(reader, key, KEYS, limits),
                }
                Ok(true)
            })
        })?;
        Ok(match shapes::required("cloud reply", kind, 0)? {
            GRANTED => Self::Lease {
                epoch: shapes::required("cloud reply", epoch, 1)?,
                held: held.finish("cloud reply", KEYS)?,
            },
            BUSY => Self::Busy { retry_after_ms: shapes::required("cloud reply", wait, 3)? },
            STATE => Self::Head {
                epoch: shapes::required("cloud reply", epoch, 1)?,
                held: held.finish("cloud reply", KEYS)?,
            },
            ACK => Self::Ack { held: held.finish("cloud reply", KEYS)?, forks },
            FENCED => Self::Fenced { epoch: shapes::required("cloud reply", epoch, 1)? },
            CONFLICT => Self::Conflict { held: held.finish("cloud reply", KEYS)? },
            FORK => Self::Fork { chain: shapes::required("cloud reply", chain, 4)? },
            HASH => Self::Hash { event: shapes::required("cloud reply", event, 13)?, hash },
            EVENTS => {
                let first = shapes::required("cloud reply", event, 13)?;
                Self::Events { first, last: last_of(first, last)?, batch, base: hash }
            }
            REFUSED => Self::Refused { reason: shapes::required("cloud reply", reason, 5)? },
            _ => return Err(DecodeError::new("kind of reply", 0, DecodeFault::Impossible)),
        })
    }
}

fn write_state(out: &mut Sink<'_>, kind: u64, epoch: UploadEpoch, held: &Claim) -> Written {
    out.map(2 + held.fields())?.u64(0)?.u64(kind)?.u64(1)?.u64(epoch.0)?;
    held.write_to(out, KEYS)
}
