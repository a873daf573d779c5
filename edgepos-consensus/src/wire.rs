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
use edgepos_wire::{
    DecodeError, DecodeFault, Reader, Sink, Written, put_bool, put_bytes, put_encoded, put_u64, write,
};

use crate::entry::{Entry, Numbered};
use crate::message::{Body, Hint, Message};
use crate::snapshot::Snapshot;

/// Longest message, in bytes. An [`Election`](crate::Election) makes none that is longer.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Entries, or proposals, in one message.
pub(crate) const MAX_ITEMS: usize = 1024;

/// What is read here, in errors.
const PLACE: &str = "election message";

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
        self.numbers[usize::from(field)].ok_or(missing(field))
    }

    fn flag(&self, flag: u64) -> bool {
        self.numbers[11].unwrap_or_default() & flag != 0
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Self::default();
        reader.fields_in_any_order(|reader, key| {
            match key {
                0 => fields.store = Some(StoreId(reader.fixed("store")?)),
                1 => fields.generation = Some(reader.small("generation")?),
                2..=12 => fields.numbers[key as usize] = Some(reader.u64()?),
                13 => fields.entries = Some(reader.items("entries", MAX_ITEMS as u32, Entry::read)?),
                14 => fields.snapshot = Some(Snapshot::read(reader)?),
                15 => fields.proposals = Some(reader.items("proposals", MAX_ITEMS as u32, Numbered::read)?),
                16 => fields.lease_ms = reader.u64()?,
                17 => fields.passive = reader.bool()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
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
        let mut fields = Reader::all(PLACE, bytes, MAX_MESSAGE_BYTES as u32, Fields::read)?;
        Ok(Self {
            store: fields.store.ok_or(missing(0))?,
            generation: StoreGeneration(fields.generation.ok_or(missing(1))?),
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
        write(|out| {
            out.map(7 + fields + u64::from(self.lease_ms > 0) + u64::from(self.passive))?;
            put_bytes(out, 0, &self.store.0)?;
            put_u64(out, 1, u64::from(self.generation.0))?;
            put_u64(out, 2, self.from.0)?;
            put_u64(out, 3, self.to.0)?;
            put_u64(out, 4, self.term)?;
            put_u64(out, 5, self.stamp)?;
            put_u64(out, 6, kind)?;
            write_body(&self.body, out)?;
            if self.lease_ms > 0 {
                put_u64(out, 16, self.lease_ms)?;
            }
            if self.passive {
                put_bool(out, 17, true)?;
            }
            Ok(())
        })
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

fn write_body(body: &Body, out: &mut Sink<'_>) -> Written {
    match body {
        Body::Append { index, log_term, commit, entries } => {
            put_u64(out, 7, *index)?;
            put_u64(out, 8, *log_term)?;
            put_u64(out, 9, *commit)?;
            put_encoded(out, 13, entries.iter().map(Entry::encode))?;
        }
        Body::AppendReply { index, commit, reject } => {
            put_u64(out, 7, *index)?;
            put_u64(out, 9, *commit)?;
            if let Some(hint) = reject {
                put_u64(out, 8, hint.log_term)?;
                put_u64(out, 11, REFUSED)?;
                put_u64(out, 12, hint.index)?;
            }
        }
        Body::Vote { pre, transfer, index, log_term, commit, commit_term } => {
            put_u64(out, 7, *index)?;
            put_u64(out, 8, *log_term)?;
            put_u64(out, 9, *commit)?;
            put_u64(out, 10, *commit_term)?;
            put_u64(out, 11, u64::from(*pre) * PRE + u64::from(*transfer) * TRANSFER)?;
        }
        Body::VoteReply { pre, reject, commit, commit_term } => {
            put_u64(out, 9, *commit)?;
            put_u64(out, 10, *commit_term)?;
            put_u64(out, 11, u64::from(*pre) * PRE + u64::from(*reject) * REFUSED)?;
        }
        Body::Heartbeat { commit } | Body::HeartbeatReply { commit } => put_u64(out, 9, *commit)?,
        Body::Snapshot(snapshot) => {
            out.u8(14)?.writer_mut().extend(snapshot.encode());
        }
        Body::TimeoutNow => {}
        Body::Propose(proposals) => put_encoded(out, 15, proposals.iter().map(Numbered::encode))?,
    }
    Ok(())
}

/// A message without a key that it must have.
fn missing(key: u8) -> DecodeError {
    DecodeError::missing(PLACE, key.into())
}

fn decode_body(fields: &mut Fields) -> Result<Body, DecodeError> {
    let (pre, reject) = (fields.flag(PRE), fields.flag(REFUSED));
    Ok(match fields.number(6)? {
        kind::APPEND => Body::Append {
            index: fields.number(7)?,
            log_term: fields.number(8)?,
            commit: fields.number(9)?,
            entries: fields.entries.take().ok_or(missing(13))?,
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
        kind::SNAPSHOT => Body::Snapshot(Box::new(fields.snapshot.take().ok_or(missing(14))?)),
        kind::TIMEOUT_NOW => Body::TimeoutNow,
        kind::PROPOSE => Body::Propose(fields.proposals.take().ok_or(missing(15))?),
        code => return Err(DecodeError::new("kind of election message", 0, DecodeFault::Unknown { code })),
    })
}
