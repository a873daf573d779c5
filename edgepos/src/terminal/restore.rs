//! What a terminal reads from its store when it starts: rows, heads, and the events that the counter rows lack.

use edgepos_consensus as consensus;
use edgepos_core::{Chain, EventId, ReplicaId, Seq, Space, StoreId, Write};
use edgepos_crdt::Hlc;
use edgepos_sync::{self as sync, EventRecord};
use thiserror::Error;

use super::config::{Config, ConfigError};
use super::derivation;
use super::level::Levels;
use super::replacing::Replacing;
use super::unit_of_work::UnitOfWork;
use crate::ports::{Store, StoreError};
use crate::retail::rebuilt;
use crate::retail::shop::Shop;
use crate::retail::tail::{Tail, Told};
use crate::retail::unreadable::{Unreadable, number};

/// Who this terminal was set up as.
pub(crate) const ME: &[u8] = b"me";
const STORE: &[u8] = b"store";
/// The highest feature level that was known to the version that made this disk, for one of the store's first terminals.
const BORN: &[u8] = b"born-at-level";
const CEILING: &[u8] = b"ceiling";
/// In a copy of a store: its original went on to write, and to promise, what the copy does not know.
pub(crate) const COPIED: &[u8] = b"copied";

/// Rows of the store, gathered before a terminal starts.
#[derive(Debug, Default)]
pub struct Restored {
    parts: Parts,
}

/// What each part of a terminal starts from.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) identity: Identity,
    pub(super) election: consensus::Restored,
    pub(super) outbox: sync::Restored,
    pub(super) clock: Hlc,
    pub(super) derivation: derivation::Restored,
    pub(super) levels: Levels,
    pub(super) replacing: Replacing,
    pub(super) shop: Shop,
}

/// Whose disk this is.
#[derive(Debug, Default)]
pub(super) struct Identity {
    me: Option<ReplicaId>,
    store: Option<StoreId>,
    born: u64,
    is_copied: bool,
}

/// A row of the store cannot be read. The terminal must not start on it: what it forgot it would do again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// A row is damaged, or of a version that this one cannot read.
    #[error("a row of {space:?} with key {key} cannot be read: {reason}")]
    Row {
        /// In which space.
        space: Space,
        /// Its key, in hexadecimal.
        key: String,
        /// What is wrong.
        #[source]
        reason: RowError,
    },
}

/// What is wrong with a row.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RowError {
    /// It is one of the terminal's own.
    #[error(transparent)]
    Terminal(#[from] Unreadable),
    /// It is the election's.
    #[error(transparent)]
    Election(#[from] consensus::RestoreError),
    /// It is the event log's.
    #[error(transparent)]
    Sync(#[from] sync::RestoreError),
}

impl Restored {
    /// Nothing: the first start.
    pub fn new() -> Self {
        Self::default()
    }

    /// The spaces whose rows are needed.
    pub fn spaces() -> Vec<Space> {
        let mut spaces = vec![Space::Identity, Space::Clock, Space::Replacement];
        spaces.extend(rebuilt::RESTORED);
        spaces.extend(consensus::Restored::SPACES);
        spaces.extend(sync::Restored::SPACES);
        spaces
    }

    /// Everything that `store` holds of the spaces that are needed.
    ///
    /// # Errors
    /// When the store or one of its rows cannot be read.
    pub fn from_store(store: &dyn Store) -> Result<Self, RestoreError> {
        let mut restored = Self::new();
        for space in Self::spaces() {
            let mut bad = None;
            let scanned = store.scan_all(space, &mut |key, value| {
                restored.insert(space, key, value).map_err(|error| {
                    bad = Some(error);
                    StoreError::plain("restoring")
                })
            });
            match (bad, scanned) {
                (Some(error), _) => return Err(error),
                (None, Err(error)) => return Err(error.into()),
                (None, Ok(())) => {}
            }
        }
        restored.replay(store)?;
        Ok(restored)
    }

    /// Counts the events that the counter rows lack: those above what the rows say that they count.
    fn replay(&mut self, store: &dyn Store) -> Result<(), RestoreError> {
        let Some(applied) = self.parts.shop.applied().cloned() else { return Ok(()) };
        for (chain, held) in self.parts.outbox.held().iter() {
            self.replay_chain(store, chain, applied.get(chain), held)?;
        }
        self.parts.shop.read_sales(store)?;
        Ok(())
    }

    fn replay_chain(
        &mut self,
        store: &dyn Store,
        chain: Chain,
        applied: Seq,
        held: Seq,
    ) -> Result<(), RestoreError> {
        const PIECE: u32 = 1 << 18;
        let key = |seq| EventId::new(chain, seq).to_key();
        // The row before tells the hash on which the first one must follow.
        let before = store.scan(Space::Event, &key(applied), &key(applied), 1)?;
        let before = before.first().and_then(|(key, value)| EventRecord::from_row(key, value));
        let before = before.filter(|(record, _)| record.id.seq == applied).map(|(_, hash)| hash);
        let mut tail = Tail::behind(chain, applied, before);
        let (shop, head) = (&mut self.parts.shop, self.parts.outbox.hash(chain));
        let mut tell = |told| match told {
            Told::Counts(record) => shop.replay(record.id, &record.payload),
            Told::Lacks(id) => shop.lacks(id),
        };
        let mut reached = applied;
        while reached < held {
            let rows = store.scan(Space::Event, &key(reached.next()), &key(held), PIECE)?;
            let Some((last, _)) = rows.last() else { break };
            reached = EventId::from_key(last).map_or(held, |id| id.seq.max(reached.next()));
            for (record, hash) in rows.iter().filter_map(|(key, value)| EventRecord::from_row(key, value)) {
                tail.read(record, hash, &mut tell);
            }
        }
        tail.end(held, head, &mut tell);
        Ok(())
    }

    /// One row, in any order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn insert(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), RestoreError> {
        let parts = &mut self.parts;
        let result = match space {
            Space::Identity if parts.derivation.insert(key, value) => Ok(()),
            Space::Identity => match parts.levels.restore(key, value) {
                Ok(true) => Ok(()),
                Ok(false) => parts.identity.restore(key, value).map_err(RowError::from),
                Err(error) => Err(error.into()),
            },
            Space::Clock => number(value).map(|ceiling| parts.clock = Hlc(ceiling)).map_err(RowError::from),
            Space::Election | Space::ElectionLog | Space::ElectionSnapshot => {
                parts.election.insert(space, key, value).map_err(RowError::from)
            }
            Space::Lost if EventId::from_key(key).is_none() => {
                parts.shop.restore(space, key, value).map_err(RowError::from)
            }
            Space::Head | Space::Cloud | Space::Author | Space::Lost => {
                parts.outbox.insert(space, key, value).map_err(RowError::from)
            }
            Space::Replacement => parts.replacing.restore(key, value).map_err(RowError::from),
            space => parts.shop.restore(space, key, value).map_err(RowError::from),
        };
        result.map_err(|reason| RestoreError::Row {
            space,
            key: key.iter().map(|byte| format!("{byte:02x}")).collect(),
            reason,
        })
    }

    /// What was gathered.
    pub(super) fn into_parts(self) -> Parts {
        self.parts
    }
}

impl Identity {
    fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        match key {
            ME => self.me = Some(ReplicaId(number(value)?)),
            STORE => {
                let found = value.len();
                let bytes = value.try_into().map_err(|_| Unreadable::Length { expected: 16, found })?;
                self.store = Some(StoreId(bytes));
            }
            BORN => self.born = number(value)?,
            COPIED => self.is_copied = true,
            // A later version's: kept by not touching it.
            _ => {}
        }
        Ok(())
    }

    /// Up to which feature level no earlier version can have had a part in the store: the one that began with this disk knew it.
    pub(super) fn born(&self) -> u32 {
        u32::try_from(self.born).unwrap_or(u32::MAX)
    }

    /// Whether this is a copy on which no terminal has started yet.
    pub(super) fn is_copied(&self) -> bool {
        self.is_copied
    }

    /// Refuses the disk of another terminal or store; marks a fresh one.
    pub(super) fn check(&mut self, config: &Config, out: &mut UnitOfWork) -> Result<(), ConfigError> {
        match self.me {
            Some(me) if me != config.me => {
                return Err(ConfigError::OtherIdentity {
                    found: format!("terminal {me}"),
                    expected: format!("terminal {}", config.me),
                });
            }
            Some(_) => {}
            None => {
                out.write(Write::put(Space::Identity, ME, config.me.0.to_be_bytes()));
                if config.genesis.voters.contains(&config.me) {
                    self.born = config.level.into();
                    out.write(Write::put(Space::Identity, BORN, self.born.to_be_bytes()));
                }
            }
        }
        match self.store {
            Some(store) if store != config.genesis.store => {
                return Err(ConfigError::OtherIdentity {
                    found: format!("store {store}"),
                    expected: format!("store {}", config.genesis.store),
                });
            }
            Some(_) => {}
            None => out.write(Write::put(Space::Identity, STORE, config.genesis.store.0)),
        }
        Ok(())
    }
}

/// The row that keeps the clock's ceiling.
pub(super) fn clock_row(ceiling: Hlc) -> Write {
    Write::put(Space::Clock, CEILING, ceiling.0.to_be_bytes())
}
