//! What is read back at the start: the heads of the chains and the cloud's vector, never events.

use std::collections::BTreeMap;

use edgepos_core::{Chain, ReplicaId, Seq, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, Reader, write};

use super::damage::Damage;
use super::proved::Proved;
use super::tails::{self, Tails};
use crate::event::Hash;
use crate::limits::Limits;
use crate::wire::shapes;

/// How far a chain is held, and its hash there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Head {
    pub(crate) seq: Seq,
    pub(crate) hash: Hash,
    /// For a chain of the store itself: how far this terminal has derived it from the log, which a peer may have overtaken.
    pub(crate) decided: Option<(Seq, Hash)>,
}

impl Head {
    pub(crate) fn to_write(self, chain: Chain) -> Write {
        let value = write(|out| {
            out.map(if self.decided.is_some() { 4 } else { 2 })?;
            out.u64(0)?.u64(self.seq.0)?.u64(1)?.bytes(&self.hash.0)?;
            if let Some((seq, hash)) = self.decided {
                out.u64(2)?.u64(seq.0)?.u64(3)?.bytes(&hash.0)?;
            }
            Ok(())
        });
        Write::put(Space::Head, chain.to_key(), value)
    }

    fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (mut seq, mut hash, mut decided, mut derived) = (None, None, None, None);
        Reader::all("row", bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => seq = Some(Seq(reader.u64()?)),
                    1 => hash = Some(Hash(reader.fixed("hash")?)),
                    2 => decided = Some(Seq(reader.u64()?)),
                    3 => derived = Some(Hash(reader.fixed("hash")?)),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        Ok(Self {
            seq: shapes::required("row", seq, 0)?,
            hash: shapes::required("row", hash, 1)?,
            decided: decided.zip(derived),
        })
    }
}

/// The rows of an earlier run. Scan [`Restored::SPACES`], hand each row to [`insert`](Self::insert), give it to
/// [`Outbox::new`](crate::Outbox::new). A few rows for each incarnation of each terminal, however many events there are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restored {
    heads: BTreeMap<Chain, Head>,
    proved: Proved,
    author: Option<ReplicaId>,
    tails: Tails,
    damage: Damage,
}

/// What a log begins with.
pub(crate) struct RestoredParts {
    pub(crate) heads: BTreeMap<Chain, Head>,
    pub(crate) proved: Proved,
    pub(crate) author: Option<ReplicaId>,
    pub(crate) tails: Tails,
    pub(crate) damage: Damage,
}

impl Restored {
    /// The spaces that hold the rows.
    pub const SPACES: [Space; 4] = [Space::Head, Space::Cloud, Space::Author, Space::Lost];

    /// Nothing yet: the first start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one row. Rows of other spaces, and keys in `Space::Cloud` that are not sync's, are passed over.
    ///
    /// # Errors
    /// [`RestoreError`] when the row is damaged. Do not start without it: a lost head makes numbers be given twice.
    pub fn insert(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), RestoreError> {
        let damaged = |source| RestoreError::Damaged { space, source };
        match space {
            Space::Head => {
                let chain = Chain::from_key(key).ok_or(RestoreError::Key { space })?;
                let head = Head::decode(value, &Limits::DEFAULT).map_err(damaged)?;
                self.heads.insert(chain, head);
            }
            Space::Author if key == tails::NAME => {
                let name =
                    Reader::all("row", value, Limits::DEFAULT.max_message_bytes, |reader| reader.u64());
                self.author = Some(ReplicaId(name.map_err(damaged)?));
            }
            Space::Author => self.tails.insert(key, value).map_err(damaged)?,
            Space::Lost => self.damage.insert(key, value).map_err(damaged)?,
            Space::Cloud => self.proved.insert(key, value, &Limits::DEFAULT).map_err(damaged)?,
            _ => {}
        }
        Ok(())
    }

    /// The row that says how far a chain is held, for who makes a store's rows anew from its events. `is_derived`: of a chain of the
    /// store itself, all of it was derived from the store-wide log here.
    pub fn head_row(chain: Chain, seq: Seq, hash: Hash, is_derived: bool) -> Write {
        Head { seq, hash, decided: is_derived.then_some((seq, hash)) }.to_write(chain)
    }

    /// How far each chain is held.
    pub fn held(&self) -> VersionVector {
        self.heads.iter().map(|(chain, head)| (*chain, head.seq)).collect()
    }

    /// The hash of a chain where it is held to; `None` for one that is not held.
    pub fn hash(&self, chain: Chain) -> Option<Hash> {
        self.heads.get(&chain).map(|head| head.hash)
    }

    /// How many chains there are, here or in the cloud.
    pub(crate) fn chains(&self) -> usize {
        self.heads.len().max(self.proved.len())
    }

    /// Who writes this terminal's chains; `None` where it is the one that it was set up as.
    pub fn author(&self) -> Option<ReplicaId> {
        self.author
    }

    /// What a log begins with.
    pub(crate) fn into_parts(self) -> RestoredParts {
        let Self { heads, proved, author, tails, damage } = self;
        RestoredParts { heads, proved, author, tails, damage }
    }
}

/// Why a row cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The key names no chain.
    #[error("row of {space:?} has no valid key")]
    Key {
        /// The space that the row is in.
        space: Space,
    },
    /// The row's value does not decode.
    #[error("row of {space:?} is damaged")]
    Damaged {
        /// The space that the row is in.
        space: Space,
        /// What is wrong with it.
        source: DecodeError,
    },
}
