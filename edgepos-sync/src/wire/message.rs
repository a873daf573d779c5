//! What terminals of one store say to each other about events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_core::{Chain, EventId, LogState, ReplicaId, Seq, StoreId, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, DecodeFault, Reader, Sink, Written, write};

use super::claim::{Claim, Draft, Keys};
use super::shapes;
use crate::event::Hash;
use crate::gap::Lost;
use crate::limits::Limits;

/// The versions of this protocol that this build speaks, oldest and newest.
pub const VERSIONS: (u16, u16) = (1, 1);

/// One message between two terminals. It travels whole or not at all; it may be lost, repeated and overtaken.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Message {
    /// The first on a connection, from both ends: who I am, what I hold. Repeated until the other's arrives.
    Hello(Hello),
    /// Events that the receiver lacks. The body stays packed until it is known to be wanted.
    Batch {
        /// Counts the batches of a connection and direction, from 1.
        number: u64,
        /// What [`Batch::encode`](crate::Batch::encode) wrote.
        batch: Vec<u8>,
    },
    /// What I hold *durably*. Cumulative: a later one says all that an earlier one said.
    Ack(Ack),
    /// What the cloud holds, as far as the sender has proved it.
    CloudVector(Claim),
    /// The sender lacks events that the receiver asked for: they are pruned. A snapshot has them.
    Missing {
        /// For each chain the first position that the sender still has.
        floor: BTreeMap<Chain, Seq>,
    },
    /// Which hash does the receiver have at this event? Asked where two histories of one chain may differ.
    Probe {
        /// The event that is asked about.
        event: EventId,
    },
    /// The answer to a probe.
    Hash {
        /// The event that was asked about.
        event: EventId,
        /// The hash of its chain there; absent where the sender does not have the event.
        hash: Option<Hash>,
    },
    /// Asks for events of which the sender has lost the bytes. Asked of those alone whose greeting has the key `lost`.
    Want {
        /// The first event.
        first: EventId,
        /// The last position.
        last: Seq,
    },
    /// The answer to [`Want`](Self::Want), or what is sent unasked to one whose greeting says that it lacks it.
    Found {
        /// The first event.
        first: EventId,
        /// The last position.
        last: Seq,
        /// What [`Batch::encode`](crate::Batch::encode) wrote: one run of exactly these positions. Absent where the sender has not got
        /// them all.
        batch: Option<Vec<u8>>,
        /// The chain's hash before the first event: it proves a part of what is lost, from its end backwards. Absent where the sender
        /// has not got that, and from versions that do not say it.
        base: Option<Hash>,
    },
    /// The receiver's number is used by another terminal too, which is connected to the sender.
    Rival {
        /// That other one.
        replica: ReplicaId,
    },
    /// A kind of message that a later version sends. Ignored, and counted.
    Unknown {
        /// The number of the kind.
        kind: u64,
    },
}

/// The first message on a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Oldest and newest version that the sender speaks. The newest that both speak is used.
    pub versions: (u16, u16),
    /// The sender's store. Terminals of another store are not talked to.
    pub store: StoreId,
    /// Whether the receiver's own `Hello` has arrived and agrees with what the sender holds; if not, it is said again.
    pub heard: bool,
    /// What the sender holds durably. It replaces what was known of the sender: a disk may have been rolled back.
    pub vector: VersionVector,
    /// The hash of each of those chains at that position, so that a fork shows at once. May be left out.
    pub heads: BTreeMap<Chain, Hash>,
    /// Whether the sender sees no leader and asks the receiver to pass everything on to it.
    pub relay: bool,
    /// The dictionaries that the sender can decompress with, besides none.
    pub dictionaries: BTreeSet<u32>,
    /// The highest feature level of the store's decisions that the sender knows; 0 is left out.
    pub level: u32,
    /// The sender's time of day. Nothing but a condition and the refusal of a price depends on it. May be left out.
    pub wall: Option<WallMs>,
    /// What the sender lacks below what it holds. `None` from one that takes no gaps (0.1.0).
    pub lost: Option<Lost>,
    /// Counts the sender's greetings through this connection, from 1; 0, which is left out, from one that does not (0.1.0).
    pub number: u32,
    /// The newest format of a batch that the sender reads; 0, which is left out, and 1 are that which everybody reads (0.1.0).
    pub batch_format: u16,
    /// Where the sender stands in the store-wide log. `None` from one that does not say (0.1.0).
    pub log: Option<LogState>,
}

/// A cumulative acknowledgement.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ack {
    /// What the sender holds durably.
    pub vector: VersionVector,
    /// The hash at that position of the chains that moved since the last acknowledgement on this connection.
    pub heads: BTreeMap<Chain, Hash>,
    /// The batch that this answers; absent when it answers none.
    pub batch: Option<u64>,
    /// As in [`Hello::relay`].
    pub relay: bool,
    /// Chains that the sender will not take from the receiver, because the receiver's history is another one.
    pub refused: BTreeSet<Chain>,
    /// Whether the sender asks what the cloud holds: it has not heard for a while, and the message that told it may be lost.
    pub asks_cloud: bool,
    /// How long the receiver is asked to wait before its next batch, in whole ms; zero is not at all.
    pub pause: Duration,
    /// The [number](Hello::number) of the receiver's latest greeting that was heard before this was said; 0, which is left out, for none.
    pub greeting: u32,
}

const HELLO: u64 = 1;
const BATCH: u64 = 2;
const ACK: u64 = 3;
const CLOUD_VECTOR: u64 = 4;
const MISSING: u64 = 5;
const PROBE: u64 = 6;
const HASH: u64 = 7;
const WANT: u64 = 12;
const FOUND: u64 = 13;
const RIVAL: u64 = 14;

const CLOUD_KEYS: Keys = Keys { vector: 1, heads: 2, instance: 3, lost: 4, batch_format: 5 };

impl Message {
    /// A CBOR map; key 0 is the kind.
    pub fn encode(&self) -> Vec<u8> {
        write(|out| match self {
            Self::Hello(hello) => write_hello(out, hello),
            Self::Batch { number, batch } => {
                out.map(3)?.u64(0)?.u64(BATCH)?.u64(1)?.u64(*number)?.u64(2)?.bytes(batch)?.ok()
            }
            Self::Ack(ack) => write_ack(out, ack),
            Self::CloudVector(claim) => {
                out.map(1 + claim.fields())?.u64(0)?.u64(CLOUD_VECTOR)?;
                claim.write_to(out, CLOUD_KEYS)
            }
            Self::Missing { floor } => {
                out.map(2)?.u64(0)?.u64(MISSING)?.u64(1)?;
                shapes::write_vector(out, &floor.iter().map(|(chain, seq)| (*chain, *seq)).collect())
            }
            Self::Probe { event } => out.map(2)?.u64(0)?.u64(PROBE)?.u64(1)?.bytes(&event.to_key())?.ok(),
            Self::Hash { event, hash } => {
                out.map(2 + u64::from(hash.is_some()))?.u64(0)?.u64(HASH)?.u64(1)?.bytes(&event.to_key())?;
                hash.iter().try_for_each(|hash| out.u64(2)?.bytes(&hash.0)?.ok())
            }
            Self::Want { first, last } => {
                out.map(3)?.u64(0)?.u64(WANT)?.u64(1)?.bytes(&first.to_key())?.u64(2)?.u64(last.0)?.ok()
            }
            Self::Found { first, last, batch, base } => {
                out.map(3 + u64::from(batch.is_some()) + u64::from(base.is_some()))?.u64(0)?.u64(FOUND)?;
                out.u64(1)?.bytes(&first.to_key())?.u64(2)?.u64(last.0)?;
                batch.iter().try_for_each(|batch| out.u64(3)?.bytes(batch)?.ok())?;
                base.iter().try_for_each(|hash| out.u64(4)?.bytes(&hash.0)?.ok())
            }
            Self::Rival { replica } => out.map(2)?.u64(0)?.u64(RIVAL)?.u64(1)?.u64(replica.0)?.ok(),
            Self::Unknown { kind } => out.map(1)?.u64(0)?.u64(*kind)?.ok(),
        })
    }

    /// Reads what [`encode`](Self::encode) wrote, by this version or a later one. The batch inside stays packed.
    ///
    /// # Errors
    /// [`DecodeError`], for anything that no honest peer sends or that exceeds `limits`.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        Reader::all("message", bytes, limits.max_message_bytes, |reader| {
            let mut fields = Fields::default();
            reader.fields(|reader, key| fields.read(reader, key, limits))?;
            fields.into_message()
        })
    }
}

fn write_hello(out: &mut Sink<'_>, hello: &Hello) -> Written {
    let optional = [
        hello.level > 0,
        hello.number > 0,
        hello.wall.is_some(),
        hello.lost.is_some(),
        hello.batch_format > 0,
        hello.log.is_some(),
    ];
    out.map(9 + optional.map(u64::from).iter().sum::<u64>())?.u64(0)?.u64(HELLO)?;
    out.u64(1)?.u16(hello.versions.0)?.u64(2)?.u16(hello.versions.1)?;
    out.u64(3)?.bytes(&hello.store.0)?;
    out.u64(4)?.bool(hello.heard)?;
    out.u64(5)?;
    shapes::write_vector(out, &hello.vector)?;
    out.u64(6)?;
    shapes::write_heads(out, &hello.heads)?;
    out.u64(7)?.bool(hello.relay)?;
    out.u64(8)?.array(hello.dictionaries.len() as u64)?;
    hello.dictionaries.iter().try_for_each(|id| out.u32(*id)?.ok())?;
    if hello.level > 0 {
        out.u64(9)?.u32(hello.level)?;
    }
    if hello.number > 0 {
        out.u64(10)?.u32(hello.number)?;
    }
    if let Some(wall) = hello.wall {
        out.u64(11)?.u64(wall.0)?;
    }
    if let Some(lost) = &hello.lost {
        out.u64(12)?;
        lost.write_to(out)?;
    }
    if hello.batch_format > 0 {
        out.u64(13)?.u16(hello.batch_format)?;
    }
    if let Some(log) = &hello.log {
        out.u64(14)?;
        shapes::write_log_state(out, log)?;
    }
    Ok(())
}

fn write_ack(out: &mut Sink<'_>, ack: &Ack) -> Written {
    let pause = u32::try_from(ack.pause.as_millis()).unwrap_or(u32::MAX);
    let optional = [
        ack.batch.is_some(),
        !ack.refused.is_empty(),
        pause > 0,
        ack.asks_cloud,
        !ack.heads.is_empty(),
        ack.greeting > 0,
    ];
    out.map(3 + optional.map(u64::from).iter().sum::<u64>())?.u64(0)?.u64(ACK)?.u64(1)?;
    shapes::write_vector(out, &ack.vector)?;
    if let Some(batch) = ack.batch {
        out.u64(2)?.u64(batch)?;
    }
    out.u64(3)?.bool(ack.relay)?;
    if !ack.refused.is_empty() {
        out.u64(4)?;
        shapes::write_chains(out, &ack.refused)?;
    }
    if pause > 0 {
        out.u64(5)?.u32(pause)?;
    }
    if ack.asks_cloud {
        out.u64(6)?.bool(true)?;
    }
    if !ack.heads.is_empty() {
        out.u64(7)?;
        shapes::write_heads(out, &ack.heads)?;
    }
    if ack.greeting > 0 {
        out.u64(8)?.u32(ack.greeting)?;
    }
    Ok(())
}

/// Every key of every kind. The kind is key 0 and so is read first; what a key means depends on it.
#[derive(Default)]
struct Fields {
    kind: Option<u64>,
    versions: (Option<u16>, Option<u16>),
    store: Option<StoreId>,
    heard: bool,
    vector: Option<VersionVector>,
    heads: BTreeMap<Chain, Hash>,
    relay: bool,
    dictionaries: BTreeSet<u32>,
    level: u32,
    greeting: u32,
    wall: Option<WallMs>,
    lost: Option<Lost>,
    batch_format: u16,
    log: Option<LogState>,
    number: Option<u64>,
    batch: Option<Vec<u8>>,
    refused: BTreeSet<Chain>,
    pause: Duration,
    asks_cloud: bool,
    cloud: Draft,
    event: Option<EventId>,
    hash: Option<Hash>,
}

/// More than any build ships; a peer that knows more of them names its newest.
const MAX_DICTIONARIES: u32 = 256;

impl Fields {
    fn read(&mut self, reader: &mut Reader<'_>, key: u64, limits: &Limits) -> Result<bool, DecodeError> {
        match (self.kind, key) {
            (None, 0) => self.kind = Some(reader.u64()?),
            (None, _) => return Err(DecodeError::missing("message", 0)),
            (Some(HELLO), 1) => self.versions.0 = Some(reader.small("version")?),
            (Some(HELLO), 2) => self.versions.1 = Some(reader.small("version")?),
            (Some(HELLO), 3) => self.store = Some(StoreId(reader.fixed("store")?)),
            (Some(HELLO), 4) => self.heard = reader.bool()?,
            (Some(HELLO), 5) => self.vector = Some(shapes::vector(reader, limits)?),
            (Some(HELLO), 6) => self.heads = shapes::heads(reader, limits)?,
            (Some(HELLO), 7) => self.relay = reader.bool()?,
            (Some(HELLO), 8) => {
                for _ in 0..reader.array("dictionaries", MAX_DICTIONARIES)? {
                    self.dictionaries.insert(reader.small("dictionary")?);
                }
            }
            (Some(HELLO), 9) => self.level = reader.small("level")?,
            (Some(HELLO), 10) | (Some(ACK), 8) => self.greeting = reader.small("greeting")?,
            (Some(HELLO), 11) => self.wall = Some(WallMs(reader.u64()?)),
            (Some(HELLO), 12) => self.lost = Some(Lost::read(reader)?),
            (Some(HELLO), 13) => self.batch_format = reader.small("batch format")?,
            (Some(HELLO), 14) => self.log = Some(shapes::log_state(reader)?),
            (Some(BATCH), 1) => self.number = Some(reader.u64()?),
            (Some(BATCH), 2) => self.batch = Some(reader.bytes("batch", limits.max_message_bytes)?.to_vec()),
            (Some(ACK), 1) => self.vector = Some(shapes::vector(reader, limits)?),
            (Some(ACK), 2) => self.number = Some(reader.u64()?),
            (Some(ACK), 3) => self.relay = reader.bool()?,
            (Some(ACK), 4) => self.refused = shapes::chains(reader, "refused chains", limits)?,
            (Some(ACK), 5) => self.pause = Duration::from_millis(reader.small::<u32>("pause")?.into()),
            (Some(ACK), 6) => self.asks_cloud = reader.bool()?,
            (Some(ACK), 7) => self.heads = shapes::heads(reader, limits)?,
            (Some(CLOUD_VECTOR), key) => return self.cloud.read(reader, key, CLOUD_KEYS, limits),
            (Some(WANT | FOUND), 2) => self.number = Some(reader.u64()?),
            (Some(FOUND), 3) => self.batch = Some(reader.bytes("batch", limits.max_message_bytes)?.to_vec()),
            (Some(FOUND), 4) => self.hash = Some(Hash(reader.fixed("hash")?)),
            (Some(RIVAL), 1) => self.number = Some(reader.u64()?),
            (Some(PROBE | HASH | WANT | FOUND), 1) => self.event = Some(shapes::event(reader)?),
            (Some(HASH), 2) => self.hash = Some(Hash(reader.fixed("hash")?)),
            (Some(MISSING), 1) => self.vector = Some(shapes::vector(reader, limits)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn into_message(self) -> Result<Message, DecodeError> {
        Ok(match shapes::required("message", self.kind, 0)? {
            HELLO => Message::Hello(Hello {
                versions: (
                    shapes::required("message", self.versions.0, 1)?,
                    shapes::required("message", self.versions.1, 2)?,
                ),
                store: shapes::required("message", self.store, 3)?,
                heard: self.heard,
                vector: shapes::required("message", self.vector, 5)?,
                heads: self.heads,
                relay: self.relay,
                dictionaries: self.dictionaries,
                level: self.level,
                wall: self.wall,
                lost: self.lost,
                number: self.greeting,
                batch_format: self.batch_format,
                log: self.log,
            }),
            BATCH => Message::Batch {
                number: shapes::required("message", self.number, 1)?,
                batch: shapes::required("message", self.batch, 2)?,
            },
            ACK => Message::Ack(Ack {
                vector: shapes::required("message", self.vector, 1)?,
                heads: self.heads,
                batch: self.number,
                relay: self.relay,
                refused: self.refused,
                pause: self.pause,
                asks_cloud: self.asks_cloud,
                greeting: self.greeting,
            }),
            CLOUD_VECTOR => Message::CloudVector(self.cloud.finish("message", CLOUD_KEYS)?),
            MISSING => {
                Message::Missing { floor: shapes::required("message", self.vector, 1)?.iter().collect() }
            }
            PROBE => Message::Probe { event: shapes::required("message", self.event, 1)? },
            HASH => Message::Hash { event: shapes::required("message", self.event, 1)?, hash: self.hash },
            WANT => {
                let first = shapes::required("message", self.event, 1)?;
                Message::Want { first, last: last_of(first, self.number)? }
            }
            FOUND => {
                let first = shapes::required("message", self.event, 1)?;
                let last = last_of(first, self.number)?;
                Message::Found { first, last, batch: self.batch, base: self.hash }
            }
            RIVAL => Message::Rival { replica: ReplicaId(shapes::required("message", self.number, 1)?) },
            kind => Message::Unknown { kind },
        })
    }
}

/// The last position of events from `first` on.
pub(super) fn last_of(first: EventId, last: Option<u64>) -> Result<Seq, DecodeError> {
    let last = Seq(shapes::required("lost events", last, 2)?);
    if first.seq == Seq::ZERO || last < first.seq {
        return Err(DecodeError::new("lost events", 0, DecodeFault::Impossible));
    }
    Ok(last)
}
