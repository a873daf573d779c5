//! The store port, and a store in memory.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Bound;

use edgepos_core::{Persist, Space, Write};
use thiserror::Error;

/// Rows by rising key.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// What is done with each row of a scan.
pub type EachRow<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// The store could not do what it was asked. After a failed commit the terminal stops: recovery is a restart.
#[derive(Debug, Error)]
#[error("{doing}")]
pub struct StoreError {
    /// What was being done, and where.
    pub doing: String,
    /// Why it failed.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// With a cause.
    pub fn new(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing: doing.into(), source: Some(source.into()) }
    }

    /// Without a cause.
    pub fn plain(doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), source: None }
    }
}

/// A durable ordered map for each [`Space`].
pub trait Store: Send {
    /// Makes all writes of all of `group` durable, in order, all or nothing. Several callers' writes share one flush this way.
    ///
    /// # Errors
    /// Nothing of the group may be visible after an error, here and after a restart.
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError>;

    /// Rows with `from <= key <= to`, by rising key, up to and including the row that makes the keys and values read reach
    /// `max_bytes`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError>;

    /// Every row of a space, a piece at a time, for the start of a terminal.
    ///
    /// # Errors
    /// When the store cannot be read, or when `each` fails.
    fn scan_all(&self, space: Space, each: &mut EachRow<'_>) -> Result<(), StoreError> {
        const PIECE: u32 = 1 << 20;
        const LAST: [u8; 1025] = [0xFF; 1025];
        let mut from = Vec::new();
        loop {
            let rows = self.scan(space, &from, &LAST, PIECE)?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            // The successor of a key: the same with a zero byte behind it.
            from.clone_from(last);
            from.push(0);
            for (key, value) in &rows {
                each(key, value)?;
            }
        }
    }
}

/// A store in memory: durable as long as the value lives. For tests and simulations.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    spaces: BTreeMap<Space, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        for write in group.iter().flat_map(|persist| &persist.writes) {
            match write {
                Write::Put { space, key, value } => {
                    self.spaces.entry(*space).or_default().insert(key.clone(), value.clone());
                }
                Write::Delete { space, key } => {
                    self.spaces.entry(*space).or_default().remove(key);
                }
            }
        }
        Ok(())
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        let Some(rows) = self.spaces.get(&space).filter(|_| from <= to) else { return Ok(Rows::new()) };
        let mut read = 0;
        let mut found = Rows::new();
        for (key, value) in rows.range::<[u8], _>((Bound::Included(from), Bound::Included(to))) {
            found.push((key.clone(), value.clone()));
            read += key.len() + value.len();
            if read >= max_bytes as usize {
                break;
            }
        }
        Ok(found)
    }
}
