//! What a row of a damaged file is: told by its columns alone, since its table may not be known.

use edgepos_core::{EventId, Seq, Space};
use edgepos_sync::{EventRecord, Hash};

use super::tree::{Column, Row};
use crate::sqlite_store::packed::Block;
use crate::sqlite_store::sums;

/// What a row of the file is.
pub(super) enum Shape {
    /// Of the file's list of tables: the name of one, and its first page.
    Table { name: String, root: u32 },
    /// A chain's number, and its key.
    Chain { no: i64, key: Vec<u8> },
    /// An event as it is stored, with the number of its row where its table has numbers.
    Event { number: Option<i64>, record: EventRecord, hash: Hash, dictionary: Option<u32> },
    /// Events in one row.
    Segment(Box<Packed>),
    /// Rows of old events in one row.
    Block { space: Space, block: Block },
    /// Anything else.
    Row { space: Space, key: Vec<u8>, value: Vec<u8>, state: State },
}

/// A segment, whose chain its number tells.
pub(super) struct Packed {
    pub(super) number: i64,
    pub(super) last: Seq,
    pub(super) hash: Hash,
    pub(super) digest: [u8; 32],
    pub(super) batch: Vec<u8>,
    pub(super) times: Option<(i64, i64)>,
}

/// What its sum says of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// It is as it was written.
    Proved,
    /// An earlier version wrote it, without a sum.
    Believed,
    /// It is not.
    Wrong,
}

impl Shape {
    /// `None`: it is none of these.
    pub(super) fn of(row: &Row) -> Option<Self> {
        let columns = &row.columns[..];
        match columns {
            [Column::Text(_), name, _, root, _] => Some(Self::Table {
                name: name.text()?.to_owned(),
                root: u32::try_from(root.integer()?).ok()?,
            }),
            [Column::Null, Column::Bytes(key)] if key.len() == 9 => {
                Some(Self::Chain { no: row.number?, key: key.clone() })
            }
            [space, key, value, sum @ ..] if sum.len() <= 1 && row.number.is_none() => {
                let space = u8::try_from(space.integer()?).ok().and_then(Space::from_code)?;
                let (key, value) = (key.bytes()?.to_vec(), value.bytes()?.to_vec());
                let state = match sum.first() {
                    None | Some(Column::Null) => State::Believed,
                    Some(sum) if sums::fits(space.code(), &key, &value, Some(sum.integer()?)) => {
                        State::Proved
                    }
                    Some(_) => State::Wrong,
                };
                Some(Self::Row { space, key, value, state })
            }
            [Column::Null, _, _, _, _, last, from, to, hash, digest, batch] => {
                Some(Self::Segment(Box::new(Packed {
                    number: row.number?,
                    last: Seq(u64::try_from(last.integer()?).ok()?),
                    hash: Hash(hash.bytes()?.try_into().ok()?),
                    digest: digest.bytes()?.try_into().ok()?,
                    batch: batch.bytes()?.to_vec(),
                    times: from.integer().zip(to.integer()),
                })))
            }
            [Column::Null, space, first, _, sum, body] => {
                let space = u8::try_from(space.integer()?).ok().and_then(Space::from_code)?;
                let (first, body) = (first.bytes()?.to_vec(), body.bytes()?.to_vec());
                Some(Self::Block { space, block: Block { id: row.number?, first, body, sum: sum.integer() } })
            }
            [Column::Null, event @ ..] if (16..=17).contains(&event.len()) => Self::event(row.number, event),
            event if (16..=17).contains(&event.len()) => Self::event(None, event),
            _ => None,
        }
    }

    /// From its key on: the columns for a person's eyes are told from the payload again, and those of the key must be its own.
    fn event(number: Option<i64>, columns: &[Column]) -> Option<Self> {
        let id = EventId::from_key(columns.first()?.bytes()?)?;
        let is_its_own = columns.get(1)?.integer() == Some(id.chain.replica.terminal().into())
            && columns.get(3)?.integer() == Some(id.chain.lane.code().into())
            && columns.get(4)?.integer() == i64::try_from(id.seq.0).ok();
        let hash = Hash(columns.get(14)?.bytes()?.try_into().ok()?);
        let payload = columns.get(15)?.bytes()?.to_vec();
        let dictionary = match columns.get(16) {
            None | Some(Column::Null) => None,
            Some(number) => Some(u32::try_from(number.integer()?).ok()?),
        };
        let record = EventRecord { id, payload };
        is_its_own.then_some(Self::Event { number, record, hash, dictionary })
    }
}
