//! The bytes of a message: one CBOR map with integer keys. Unknown keys are skipped, limits are checked while decoding.
//!
//! | key | field | in |
//! |---|---|---|
//! | 0 | store, 16 bytes | all |
//! | 1 | store generation | all |
//! | 2, 3 | from, to | all |
//! | 4 | term | all |
//! | 5 | stamp | all, 0 when absent |
//! | 6 | kind | all |
//! | 7 | index | append, append reply, vote |
//! | 8 | log term | append, vote; append reply when refused |
//! | 9 | commit | append, heartbeat, vote, and their replies |
//! | 10 | commit term | vote, vote reply |
//! | 11 | flags: 1 refused, 2 pre-vote, 4 transfer | replies, votes |
//! | 12 | hint | append reply when refused |
//! | 13 | entries | append |
//! | 14 | snapshot | snapshot |
//! | 15 | proposals | propose |
//! | 16 | lease in ms | append, heartbeat, snapshot; absent for the configured one |
//! | 17 | true for a voter that never leads | replies to a leader; absent for false |

use edgepos_core::{ReplicaId, StoreGeneration, StoreId};
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use crate::cbor::{self, infallible, put_bytes, put_u64};
use crate::entry::{Entry, Numbered};
use crate::error::DecodeError;
use crate::message::{Body, Hint, Message};
use crate::snapshot::Snapshot;

/// Longest message, in bytes. An [`Election`](crate::Election) makes none that is longer.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Entries, or proposals, in one message.
pub(crate) const MAX_ITEMS: usize = 1024;

const REFUSED: u64 = 1;
const PRE: u64 = 2;
const TRANSFER: u64 = 4;

/// The numbers of the kinds, on the wire.
mod kind {
    pub(super) const APPEND: u64 = 1;
    pub(super) const APPEND_REPLY: u64 = 2;
    pub(super) const VOTE: u64 = 3;
    pub(super) const VOTE_REPLY: u64 = 4;
    pub(super) const HEARTBEAT: u64 = 5;
    pub(super) const HEARTBEAT_REPLY: u64 = 6;
    pub(super) const SNAPSHOT: u64 = 7;
    pub(super) const TIMEOUT_NOW: u64 = 8;
    pub(super) const PROPOSE: u64 = 9;
}

/// The fields that a message of any kind may have.
#[derive(Default)]
struct Fields {
    store: Option<StoreId>,
    generation: Option<u32>,
    /// Keys 2 to 12.
    numbers: [Option<u64>; 13],
    entries: Option<Vec<Entry>>,
    snapshot: Option<Snapshot>,
    proposals: Option<Vec<Numbered>>,
    lease_ms: u64,
    passive: bool,
}

impl Fields {
    fn number(&self, field: u8) -> Result<u64, DecodeError> {
        self.numbers[usize::from(field)].ok_or(DecodeError::Missing { field })
    }

    fn flag(&self, flag: u64) -> bool {
        self.numbers[11].unwrap_or_default() & flag != 0
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let mut fields = Self::default();
        cbor::visit_map(decoder, |key, decoder| {
            match key {
                0 => {
                    let bytes = decoder.bytes()?;
                    let store = bytes.try_into().map_err(|_| Error::message("store is not 16 bytes"))?;
                    fields.store = Some(StoreId(store));
                }
                1 => fields.generation = Some(decoder.u32()?),
                2..=12 => fields.numbers[key as usize] = Some(decoder.u64()?),
                13 => fields.entries = Some(cbor::array(decoder, MAX_ITEMS, Entry::decode_from)?),
                14 => fields.snapshot = Some(Snapshot::decode_from(decoder)?),
                15 => fields.proposals = Some(cbor::array(decoder, MAX_ITEMS, Numbered::decode_from)?),
                16 => fields.lease_ms = decoder.u64()?,
                17 => fields.passive = decoder.bool()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        cbor::end(decoder)?;
        Ok(fields)
    }
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// When the bytes are longer than [`MAX_MESSAGE_BYTES`], are not this format, exceed a limit, or are of an unknown kind. Whether the
    /// message makes sense is the receiving election's to judge.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(DecodeError::TooLarge { bytes: bytes.len(), limit: MAX_MESSAGE_BYTES });
        }
        let mut fields = Fields::read(&mut Decoder::new(bytes))
            .map_err(|error| DecodeError::Malformed { reason: error.to_string() })?;
        Ok(Self {
            store: fields.store.ok_or(DecodeError::Missing { field: 0 })?,
            generation: StoreGeneration(fields.generation.ok_or(DecodeError::Missing { field: 1 })?),
            from: ReplicaId(fields.number(2)?),
            to: ReplicaId(fields.number(3)?),
            term: fields.number(4)?,
            stamp: fields.numbers[5].unwrap_or_default(),
            lease_ms: fields.lease_ms,
            passive: fields.passive,
            body: decode_body(&mut fields)?,
        })
    }

    /// The bytes, at most [`MAX_MESSAGE_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        let (kind, fields) = (body_kind(&self.body), body_fields(&self.body));
        let mut encoder = cbor::map(7 + fields + u64::from(self.lease_ms > 0) + u64::from(self.passive));
        put_bytes(&mut encoder, 0, &self.store.0);
        put_u64(&mut encoder, 1, u64::from(self.generation.0));
        put_u64(&mut encoder, 2, self.from.0);
        put_u64(&mut encoder, 3, self.to.0);
        put_u64(&mut encoder, 4, self.term);
        put_u64(&mut encoder, 5, self.stamp);
        put_u64(&mut encoder, 6, kind);
        encode_body(&self.body, &mut encoder);
        if self.lease_ms > 0 {
            put_u64(&mut encoder, 16, self.lease_ms);
        }
        if self.passive {
            infallible(encoder.u8(17).and_then(|encoder| encoder.bool(true)));
        }
        encoder.into_writer()
    }
}

fn body_kind(body: &Body) -> u64 {
    match body {
        Body::Append { .. } => kind::APPEND,
        Body::AppendReply { .. } => kind::APPEND_REPLY,
        Body::Vote { .. } => kind::VOTE,
        Body::VoteReply { .. } => kind::VOTE_REPLY,
        Body::Heartbeat { .. } => kind::HEARTBEAT,
        Body::HeartbeatReply { .. } => kind::HEARTBEAT_REPLY,
        Body::Snapshot(_) => kind::SNAPSHOT,
        Body::TimeoutNow => kind::TIMEOUT_NOW,
        Body::Propose(_) => kind::PROPOSE,
    }
}

fn body_fields(body: &Body) -> u64 {
    match body {
        Body::Append { .. } => 4,
        Body::AppendReply { reject, .. } => {
            if reject.is_some() {
                5
            } else {
                2
            }
        }
        Body::Vote { .. } => 5,
        Body::VoteReply { .. } => 3,
        Body::Heartbeat { .. } | Body::HeartbeatReply { .. } | Body::Snapshot(_) | Body::Propose(_) => 1,
        Body::TimeoutNow => 0,
    }
}

fn encode_body(body: &Body, encoder: &mut Encoder<Vec<u8>>) {
    match body {
        Body::Append { index, log_term, commit, entries } => {
            put_u64(encoder, 7, *index);
            put_u64(encoder, 8, *log_term);
            put_u64(encoder, 9, *commit);
            put_items(encoder, 13, entries.iter().map(Entry::encode));
        }
        Body::AppendReply { index, commit, reject } => {
            put_u64(encoder, 7, *index);
            put_u64(encoder, 9, *commit);
            if let Some(hint) = reject {
                put_u64(encoder, 8, hint.log_term);
                put_u64(encoder, 11, REFUSED);
                put_u64(encoder, 12, hint.index);
            }
        }
        Body::Vote { pre, transfer, index, log_term, commit, commit_term } => {
            put_u64(encoder, 7, *index);
            put_u64(encoder, 8, *log_term);
            put_u64(encoder, 9, *commit);
            put_u64(encoder, 10, *commit_term);
            put_u64(encoder, 11, u64::from(*pre) * PRE + u64::from(*transfer) * TRANSFER);
        }
        Body::VoteReply { pre, reject, commit, commit_term } => {
            put_u64(encoder, 9, *commit);
            put_u64(encoder, 10, *commit_term);
            put_u64(encoder, 11, u64::from(*pre) * PRE + u64::from(*reject) * REFUSED);
        }
        Body::Heartbeat { commit } | Body::HeartbeatReply { commit } => put_u64(encoder, 9, *commit),
        Body::Snapshot(snapshot) => {
            infallible(encoder.u8(14));
            encoder.writer_mut().extend(snapshot.encode());
        }
        Body::TimeoutNow => {}
        Body::Propose(proposals) => put_items(encoder, 15, proposals.iter().map(Numbered::encode)),
    }
}

/// Writes an array of items that are encoded already.
fn put_items(encoder: &mut Encoder<Vec<u8>>, key: u8, items: impl ExactSizeIterator<Item = Vec<u8>>) {
    infallible(encoder.u8(key).and_then(|encoder| encoder.array(items.len() as u64)));
    for item in items {
        encoder.writer_mut().extend(item);
    }
}

fn decode_body(fields: &mut Fields) -> Result<Body, DecodeError> {
    let (pre, reject) = (fields.flag(PRE), fields.flag(REFUSED));
    Ok(match fields.number(6)? {
        kind::APPEND => Body::Append {
            index: fields.number(7)?,
            log_term: fields.number(8)?,
            commit: fields.number(9)?,
            entries: fields.entries.take().ok_or(DecodeError::Missing { field: 13 })?,
        },
        kind::APPEND_REPLY => Body::AppendReply {
            index: fields.number(7)?,
            commit: fields.number(9)?,
            reject: match reject {
                true => Some(Hint { index: fields.number(12)?, log_term: fields.number(8)? }),
                false => None,
            },
        },
        kind::VOTE => Body::Vote {
            pre,
            transfer: fields.flag(TRANSFER),
            index: fields.number(7)?,
            log_term: fields.number(8)?,
            commit: fields.number(9)?,
            commit_term: fields.number(10)?,
        },
        kind::VOTE_REPLY => {
            Body::VoteReply { pre, reject, commit: fields.number(9)?, commit_term: fields.number(10)? }
        }
        kind::HEARTBEAT => Body::Heartbeat { commit: fields.number(9)? },
        kind::HEARTBEAT_REPLY => Body::HeartbeatReply { commit: fields.number(9)? },
        kind::SNAPSHOT => {
            Body::Snapshot(Box::new(fields.snapshot.take().ok_or(DecodeError::Missing { field: 14 })?))
        }
        kind::TIMEOUT_NOW => Body::TimeoutNow,
        kind::PROPOSE => Body::Propose(fields.proposals.take().ok_or(DecodeError::Missing { field: 15 })?),
        kind => return Err(DecodeError::UnknownKind { kind }),
    })
}
