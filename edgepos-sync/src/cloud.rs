//! What an uploader asks of the cloud, and what the cloud answers.

use edgepos_core::{Chain, ReplicaId, StoreGeneration, StoreId, Term, UploadEpoch};
use edgepos_crdt::VersionVector;

use crate::wire::{self, Reader, Sink, Written, required};
use crate::{DecodeError, Limits};

/// One request. It may be lost, repeated and overtaken: each is harmless then, because the epoch and the vector guard it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CloudRequest {
    /// Asks for the right to upload for the store. Granted anew, it fences every earlier holder, the asker's own past included.
    Lease {
        /// Whose events.
        store: StoreId,
        /// Who asks.
        replica: ReplicaId,
        /// The store's generation as the asker knows it. An older one than the cloud has seen is refused for ever.
        generation: StoreGeneration,
        /// The asker's term.
        term: Term,
        /// Whether the asker leads the store with a quorum behind it. Only then does it pre-empt a lease that has not run out.
        leader: bool,
    },
    /// Asks what the cloud holds. Changes nothing.
    Head {
        /// Whose events.
        store: StoreId,
    },
    /// Hands over events.
    Append {
        /// Whose events.
        store: StoreId,
        /// Who sends.
        replica: ReplicaId,
        /// From the lease.
        epoch: UploadEpoch,
        /// What the cloud is expected to hold, of the chains in the batch.
        old: VersionVector,
        /// What it holds afterwards, of the same chains.
        new: VersionVector,
        /// [`Batch::encode`](crate::Batch::encode).
        batch: Vec<u8>,
    },
}

/// The answer to one request.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CloudReply {
    /// The lease is yours.
    Lease {
        /// Carried by every append; higher than any before.
        epoch: UploadEpoch,
        /// All that the cloud holds.
        vector: VersionVector,
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
        vector: VersionVector,
    },
    /// The batch is durable.
    Ack {
        /// All that the cloud holds.
        vector: VersionVector,
    },
    /// The epoch is not in force any more.
    Fenced {
        /// The one that is.
        epoch: UploadEpoch,
    },
    /// The cloud holds something else than `old`, for example because this batch arrived before. Nothing was stored.
    Conflict {
        /// All that the cloud holds.
        vector: VersionVector,
    },
    /// The batch continues another history of this chain than the cloud's. Nothing was stored.
    Fork {
        /// Which chain.
        chain: Chain,
    },
    /// The request can never succeed as it is. Nothing was stored.
    Refused {
        /// Why.
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

const LEASE: u64 = 1;
const HEAD: u64 = 2;
const APPEND: u64 = 3;

impl CloudRequest {
    /// Whose events it is about.
    pub fn store(&self) -> StoreId {
        match self {
            Self::Lease { store, .. } | Self::Head { store } | Self::Append { store, .. } => *store,
        }
    }

    /// A CBOR map; key 0 is the kind.
    pub fn encode(&self) -> Vec<u8> {
        wire::write(|out| match self {
            Self::Lease { store, replica, generation, term, leader } => {
                out.map(6)?.u64(0)?.u64(LEASE)?;
                out.u64(1)?.bytes(&store.0)?;
                out.u64(2)?.u64(replica.0)?;
                out.u64(3)?.u32(generation.0)?;
                out.u64(4)?.u64(term.0)?;
                out.u64(5)?.bool(*leader)?.ok()
            }
            Self::Head { store } => out.map(2)?.u64(0)?.u64(HEAD)?.u64(1)?.bytes(&store.0)?.ok(),
            Self::Append { store, replica, epoch, old, new, batch } => {
                out.map(7)?.u64(0)?.u64(APPEND)?;
                out.u64(1)?.bytes(&store.0)?;
                out.u64(2)?.u64(replica.0)?;
                out.u64(6)?.u64(epoch.0)?;
                out.u64(7)?;
                wire::write_vector(out, old)?;
                out.u64(8)?;
                wire::write_vector(out, new)?;
                out.u64(9)?.bytes(batch)?.ok()
            }
        })
    }

    /// Reads what [`encode`](Self::encode) wrote, by this version or a later one. The batch inside stays packed.
    ///
    /// # Errors
    /// [`DecodeError`], for anything that no honest uploader sends or that exceeds `limits`, an unknown kind included.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (mut kind, mut store, mut replica, mut generation, mut term) = (None, None, None, None, None);
        let (mut leader, mut epoch, mut old, mut new, mut batch) = (false, None, None, None, None);
        Reader::all(bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => kind = Some(reader.u64()?),
                    1 => store = Some(StoreId(reader.fixed("store")?)),
                    2 => replica = Some(ReplicaId(reader.u64()?)),
                    3 => generation = Some(StoreGeneration(reader.small("generation")?)),
                    4 => term = Some(Term(reader.u64()?)),
                    5 => leader = reader.bool()?,
                    6 => epoch = Some(UploadEpoch(reader.u64()?)),
                    7 => old = Some(reader.vector(limits)?),
                    8 => new = Some(reader.vector(limits)?),
                    9 => batch = Some(reader.bytes("batch", limits.max_message_bytes)?),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        let store = required(store, 1)?;
        Ok(match required(kind, 0)? {
            LEASE => Self::Lease {
                store,
                replica: required(replica, 2)?,
                generation: required(generation, 3)?,
                term: required(term, 4)?,
                leader,
            },
            HEAD => Self::Head { store },
            APPEND => Self::Append {
                store,
                replica: required(replica, 2)?,
                epoch: required(epoch, 6)?,
                old: required(old, 7)?,
                new: required(new, 8)?,
                batch: required(batch, 9)?.to_vec(),
            },
            _ => return Err(DecodeError::Impossible { what: "kind of request" }),
        })
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

impl CloudReply {
    /// A CBOR map; key 0 is the kind.
    pub fn encode(&self) -> Vec<u8> {
        wire::write(|out| match self {
            Self::Lease { epoch, vector } => write_state(out, GRANTED, Some(*epoch), Some(vector)),
            Self::Head { epoch, vector } => write_state(out, STATE, Some(*epoch), Some(vector)),
            Self::Ack { vector } => write_state(out, ACK, None, Some(vector)),
            Self::Fenced { epoch } => write_state(out, FENCED, Some(*epoch), None),
            Self::Conflict { vector } => write_state(out, CONFLICT, None, Some(vector)),
            Self::Busy { retry_after_ms } => {
                out.map(2)?.u64(0)?.u64(BUSY)?.u64(3)?.u64(*retry_after_ms)?.ok()
            }
            Self::Fork { chain } => out.map(2)?.u64(0)?.u64(FORK)?.u64(4)?.bytes(&chain.to_key())?.ok(),
            Self::Refused { reason } => out.map(2)?.u64(0)?.u64(REFUSED)?.u64(5)?.u16(reason.code())?.ok(),
        })
    }

    /// Reads what [`encode`](Self::encode) wrote, by this version or a later one.
    ///
    /// # Errors
    /// [`DecodeError`], for anything that no honest cloud sends or that exceeds `limits`, an unknown kind included.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (mut kind, mut epoch, mut vector, mut wait, mut chain, mut reason) =
            (None, None, None, None, None, None);
        Reader::all(bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => kind = Some(reader.u64()?),
                    1 => epoch = Some(UploadEpoch(reader.u64()?)),
                    2 => vector = Some(reader.vector(limits)?),
                    3 => wait = Some(reader.u64()?),
                    4 => {
                        let key: [u8; 9] = reader.fixed("chain")?;
                        chain = Some(Chain::from_key(&key).ok_or(DecodeError::Impossible { what: "chain" })?);
                    }
                    5 => reason = Some(RefusedReason::from_code(reader.small("reason")?)),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        Ok(match required(kind, 0)? {
            GRANTED => Self::Lease { epoch: required(epoch, 1)?, vector: required(vector, 2)? },
            BUSY => Self::Busy { retry_after_ms: required(wait, 3)? },
            STATE => Self::Head { epoch: required(epoch, 1)?, vector: required(vector, 2)? },
            ACK => Self::Ack { vector: required(vector, 2)? },
            FENCED => Self::Fenced { epoch: required(epoch, 1)? },
            CONFLICT => Self::Conflict { vector: required(vector, 2)? },
            FORK => Self::Fork { chain: required(chain, 4)? },
            REFUSED => Self::Refused { reason: required(reason, 5)? },
            _ => return Err(DecodeError::Impossible { what: "kind of reply" }),
        })
    }
}

fn write_state(
    out: &mut Sink<'_>,
    kind: u64,
    epoch: Option<UploadEpoch>,
    vector: Option<&VersionVector>,
) -> Written {
    out.map(1 + u64::from(epoch.is_some()) + u64::from(vector.is_some()))?.u64(0)?.u64(kind)?;
    if let Some(epoch) = epoch {
        out.u64(1)?.u64(epoch.0)?;
    }
    if let Some(vector) = vector {
        out.u64(2)?;
        wire::write_vector(out, vector)?;
    }
    Ok(())
}
