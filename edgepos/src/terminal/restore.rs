//! What a terminal reads from its store when it starts: rows and heads, never events.

use edgepos_consensus as consensus;
use edgepos_core::{ReplicaId, Space, StoreId, Write};
use edgepos_crdt::Hlc;
use edgepos_sync as sync;
use thiserror::Error;

use super::config::{Config, ConfigError};
use super::duties::Duties;
use super::sale::Sales;
use super::state::State;
use crate::model::{from_cbor, to_cbor};
use crate::ports::{Store, StoreError};

const ME: &[u8] = b"me";
const STORE: &[u8] = b"store";
const CEILING: &[u8] = b"ceiling";
const DAY: &[u8] = b"day";

/// Rows of the store, gathered before a terminal starts.
#[derive(Debug, Default)]
pub struct Restored {
    pub(super) identity: Identity,
    pub(super) election: consensus::Restored,
    pub(super) outbox: sync::Restored,
    pub(super) state: State,
    pub(super) sales: Sales,
    pub(super) clock: Hlc,
    pub(super) day: Option<(u32, bool)>,
}

/// Whose disk this is.
#[derive(Debug, Default)]
pub(super) struct Identity {
    me: Option<ReplicaId>,
    store: Option<StoreId>,
}

/// A row of the store can not be read. The terminal must not start on it: what it forgot it would do again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The store can not be read.
    #[error("the store can not be read")]
    Store(#[from] StoreError),
    /// A row is damaged, or of a version that this one can not read.
    #[error("a row of {space:?} with key {key} can not be read: {reason}")]
    Row {
        /// In which space.
        space: Space,
        /// Its key, in hexadecimal.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

impl Restored {
    /// Nothing: the first start.
    pub fn new() -> Self {
        Self::default()
    }

    /// The spaces whose rows are needed.
    pub fn spaces() -> Vec<Space> {
        let own = [Space::Identity, Space::Basket, Space::Series, Space::Clock, Space::Day];
        let mut spaces = own.to_vec();
        spaces.extend(consensus::Restored::SPACES);
        spaces.extend(sync::Restored::SPACES);
        spaces.extend(State::SPACES);
        spaces
    }

    /// Everything that `store` holds of the spaces that are needed.
    ///
    /// # Errors
    /// When the store or one of its rows can not be read.
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
        Ok(restored)
    }

    /// One row, in any order.
    ///
    /// # Errors
    /// When it can not be read.
    pub fn insert(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), RestoreError> {
        let result = match space {
            Space::Identity => self.identity(key, value),
            Space::Clock => number(value).map(|ceiling| self.clock = Hlc(ceiling)),
            Space::Day => from_cbor(value).map(|day| self.day = Some(day)).map_err(|error| error.to_string()),
            Space::Basket | Space::Series => self.sales.restore(space, key, value),
            _ if consensus::Restored::SPACES.contains(&space) => {
                self.election.insert(space, key, value).map_err(|error| error.to_string())
            }
            _ if sync::Restored::SPACES.contains(&space) => {
                self.outbox.insert(space, key, value).map_err(|error| error.to_string())
            }
            _ => self.state.restore(space, key, value),
        };
        result.map_err(|reason| RestoreError::Row {
            space,
            key: key.iter().map(|byte| format!("{byte:02x}")).collect(),
            reason,
        })
    }

    fn identity(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        match key {
            ME => self.identity.me = Some(ReplicaId(number(value)?)),
            STORE => {
                let bytes = value.try_into().map_err(|_| "a store id has 16 bytes")?;
                self.identity.store = Some(StoreId(bytes));
            }
            // A later version's: kept by not touching it.
            _ => {}
        }
        Ok(())
    }
}

fn number(value: &[u8]) -> Result<u64, String> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| "expected 8 bytes".into())
}

/// Refuses the disk of another terminal or store; marks a fresh one.
pub(super) fn check_identity(
    config: &Config,
    found: Identity,
    duties: &mut Duties,
) -> Result<(), ConfigError> {
    match found.me {
        Some(me) if me != config.me => {
            return Err(ConfigError::OtherIdentity {
                found: format!("terminal {me}"),
                expected: format!("terminal {}", config.me),
            });
        }
        Some(_) => {}
        None => duties.write(Write::put(Space::Identity, ME, config.me.0.to_be_bytes())),
    }
    match found.store {
        Some(store) if store != config.genesis.store => Err(ConfigError::OtherIdentity {
            found: format!("store {store}"),
            expected: format!("store {}", config.genesis.store),
        }),
        Some(_) => Ok(()),
        None => {
            duties.write(Write::put(Space::Identity, STORE, config.genesis.store.0));
            Ok(())
        }
    }
}

pub(super) fn clock_row(ceiling: Hlc) -> Write {
    Write::put(Space::Clock, CEILING, ceiling.0.to_be_bytes())
}

pub(super) fn day_row(day: (u32, bool)) -> Write {
    Write::put(Space::Day, DAY, to_cbor(&day))
}
