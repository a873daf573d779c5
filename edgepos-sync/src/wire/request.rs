//! What an uploader asks of the cloud.

use edgepos_core::{EventId, ReplicaId, Seq, StoreGeneration, StoreId, Term, UploadEpoch};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, DecodeFault, Reader, write};

use super::claim::CloudInstance;
use super::message::last_of;
use super::shapes;
use crate::limits::Limits;

/// One request. It may be lost, repeated and overtaken: each is harmless then, because the epoch and the vector guard it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CloudRequest {
    /// Asks for the right to upload for the store. Granted anew, it fences every earlier holder, the asker's own past included.
    Lease {
        /// The store whose events these are.
        store: StoreId,
        /// The terminal that asks.
        replica: ReplicaId,
        /// The store's generation as the asker knows it. An older one than the cloud has seen is refused for ever.
        generation: StoreGeneration,
        /// The term that the asker knows.
        term: Term,
        /// Whether the asker leads the store with a quorum behind it. Only then does it pre-empt a lease that has not run out.
        leader: bool,
        /// The instance of the cloud that has held more, as the asker has proved, than it says that it holds: it was restored from a
        /// backup, and is to draw another one.
        restored: Option<CloudInstance>,
    },
    /// Asks what the cloud holds. Changes nothing.
    Head {
        /// The store whose events these are.
        store: StoreId,
    },
    /// Asks for the hash that the cloud has at an event. Changes nothing.
    Probe {
        /// The store whose event it is.
        store: StoreId,
        /// The event that is asked about.
        event: EventId,
    },
    /// Asks for events that the cloud holds and whose bytes are lost here. Changes nothing. Asked of a cloud alone whose claims have
    /// [`lost`](crate::Claim::lost).
    Fetch {
        /// The store whose events they are.
        store: StoreId,
        /// The first event.
        first: EventId,
        /// The last position.
        last: Seq,
    },
    /// Hands over events.
    Append {
        /// The store whose events these are.
        store: StoreId,
        /// The terminal that sends.
        replica: ReplicaId,
        /// The epoch that the lease gave.
        epoch: UploadEpoch,
        /// What the cloud is expected to hold, of the chains in the batch.
        old: VersionVector,
        /// What it holds afterwards, of the same chains.
        new: VersionVector,
        /// What [`Batch::encode`](crate::Batch::encode) wrote.
        batch: Vec<u8>,
    },
}

const LEASE: u64 = 1;
const HEAD: u64 = 2;
const APPEND: u64 = 3;
const PROBE: u64 = 10;
const FETCH: u64 = 12;

impl CloudRequest {
    /// Whose events it is about.
    pub fn store(&self) -> StoreId {
        match self {
            Self::Lease { store, .. }
            | Self::Head { store }
            | Self::Probe { store, .. }
            | Self::Fetch { store, .. }
            | Self::Append { store, .. } => *store,
        }
    }

    /// A CBOR map; key 0 is the kind.
    pub fn encode(&self) -> Vec<u8> {
        write(|out| match self {
            Self::Lease { store, replica, generation, term, leader, restored } => {
                out.map(6 + u64::from(restored.is_some()))?.u64(0)?.u64(LEASE)?;
                out.u64(1)?.bytes(&store.0)?;
                out.u64(2)?.u64(replica.0)?;
                out.u64(3)?.u32(generation.0)?;
                out.u64(4)?.u64(term.0)?;
                out.u64(5)?.bool(*leader)?;
                if let Some(instance) = restored {
                    out.u64(10)?.bytes(&instance.0)?;
                }
                Ok(())
            }
            Self::Head { store } => out.map(2)?.u64(0)?.u64(HEAD)?.u64(1)?.bytes(&store.0)?.ok(),
            Self::Probe { store, event } => {
                out.map(3)?.u64(0)?.u64(PROBE)?.u64(1)?.bytes(&store.0)?.u64(11)?.bytes(&event.to_key())?.ok()
            }
            Self::Fetch { store, first, last } => {
                out.map(4)?.u64(0)?.u64(FETCH)?.u64(1)?.bytes(&store.0)?;
                out.u64(11)?.bytes(&first.to_key())?.u64(12)?.u64(last.0)?.ok()
            }
            Self::Append { store, replica, epoch, old, new, batch } => {
                out.map(7)?.u64(0)?.u64(APPEND)?;
                out.u64(1)?.bytes(&store.0)?;
                out.u64(2)?.u64(replica.0)?;
                out.u64(6)?.u64(epoch.0)?;
                out.u64(7)?;
                shapes::write_vector(out, old)?;
                out.u64(8)?;
                shapes::write_vector(out, new)?;
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
        let (mut restored, mut event, mut last) = (None, None, None);
        Reader::all("cloud request", bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => kind = Some(reader.u64()?),
                    1 => store = Some(StoreId(reader.fixed("store")?)),
                    2 => replica = Some(ReplicaId(reader.u64()?)),
                    3 => generation = Some(StoreGeneration(reader.small("generation")?)),
                    4 => term = Some(Term(reader.u64()?)),
                    5 => leader = reader.bool()?,
                    6 => epoch = Some(UploadEpoch(reader.u64()?)),
                    7 => old = Some(shapes::vector(reader, limits)?),
                    8 => new = Some(shapes::vector(reader, limits)?),
                    9 => batch = Some(reader.bytes("batch", limits.max_message_bytes)?),
                    10 => restored = Some(CloudInstance(reader.fixed("instance")?)),
                    11 => event = Some(shapes::event(reader)?),
                    12 => last = Some(reader.u64()?),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        let store = shapes::required("cloud request", store, 1)?;
        Ok(match shapes::required("cloud request", kind, 0)? {
            LEASE => Self::Lease {
                store,
                replica: shapes::required("cloud request", replica, 2)?,
                generation: shapes::required("cloud request", generation, 3)?,
                term: shapes::required("cloud request", term, 4)?,
                leader,
                restored,
            },
            HEAD => Self::Head { store },
            PROBE => Self::Probe { store, event: shapes::required("cloud request", event, 11)? },
            FETCH => {
                let first = shapes::required("cloud request", event, 11)?;
                Self::Fetch { store, first, last: last_of(first, last)? }
            }
            APPEND => Self::Append {
                store,
                replica: shapes::required("cloud request", replica, 2)?,
                epoch: shapes::required("cloud request", epoch, 6)?,
                old: shapes::required("cloud request", old, 7)?,
                new: shapes::required("cloud request", new, 8)?,
                batch: shapes::required("cloud request", batch, 9)?.to_vec(),
            },
            _ => return Err(DecodeError::new("kind of request", 0, DecodeFault::Impossible)),
        })
    }
}
