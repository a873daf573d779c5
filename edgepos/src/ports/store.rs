//! The store port, and a store in memory.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Bound;

use edgepos_core::{Persist, Space, Write};
use edgepos_crdt::VersionVector;
use thiserror::Error;

/// Rows by rising key.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// What is done with each row of a scan.
pub type EachRow<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// What may be done about a store that could not do what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum StoreFailure {
    /// Nothing more: what the disk holds is in doubt. The terminal stops, and a restart is the recovery. A flush that failed is of
    /// this kind, since a second one that succeeds proves nothing.
    Fatal,
    /// Nothing was done: another program holds the store. The same may be asked again.
    Busy,
    /// Nothing was done: the disk is full. The same may be asked again.
    Full,
}

/// The store could not do what it was asked. [`failure`](Self::failure) says whether it may be asked again.
#[derive(Debug, Error)]
#[error("{doing}")]
pub struct StoreError {
    /// What was being done, and where.
    pub doing: String,
    /// What may be done about it.
    pub failure: StoreFailure,
    /// Why it failed.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// A fatal one, with a cause.
    pub fn new(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing: doing.into(), failure: StoreFailure::Fatal, source: Some(source.into()) }
    }

    /// A fatal one, without a cause.
    pub fn plain(doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), failure: StoreFailure::Fatal, source: None }
    }

    /// The same, of another kind.
    #[must_use]
    pub fn of_kind(self, failure: StoreFailure) -> Self {
        Self { failure, ..self }
    }
}

/// Which events a store may put closer together, see [`Store::seal`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealing {
    /// Up to which position of each chain the cloud has what is stored here, by its hash: what is damaged among them comes back from there.
    pub floor: VersionVector,
    /// The time before which an event is old, in ms since 1970, UTC, by the event's own clock.
    pub before_utc_ms: u64,
    /// The same for events whose rows besides, such as the names that they were booked under, may be put closer together as well; `None`:
    /// these stay as they are.
    pub archive_before_utc_ms: Option<u64>,
}

/// A durable ordered map for each [`Space`].
pub trait Store: Send {
    /// Makes all writes of all of `group` durable, in order, all or nothing. Several callers' writes share one flush this way.
    ///
    /// # Errors
    /// Nothing of the group may be visible after an error. One that is not [`Fatal`](StoreFailure::Fatal) promises that the same
    /// group may be committed again: the driver does so, in the same order, before it commits anything else.
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError>;

    /// Writes all of `group`, in order, all or nothing, so that no end of this process loses it and every scan sees it. A power cut may
    /// lose it until the next [`commit`](Self::commit), which makes it durable whatever that commits itself, and also where that is
    /// nothing. What is not overridden commits.
    ///
    /// # Errors
    /// As those of `commit`.
    fn write(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.commit(group)
    }

    /// Rows with `from <= key <= to`, by rising key, up to and including the row that makes the keys and values read reach
    /// `max_bytes`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError>;

    /// Sets space aside for writes of `promised` bytes and for some more, so that they go through whatever other programs write to
    /// the disk. How many bytes may be promised in all: 0 while the disk is full, [`u64::MAX`] where the store cannot tell. Asked
    /// about once a second, and often from a thread that writes: it must be cheap.
    fn set_aside(&mut self, promised: u64) -> u64 {
        let _ = promised;
        u64::MAX
    }

    /// Bytes that are free on the disk that it lies on, with what is free inside its own files; `None` where it cannot tell, so that nobody claims anything. Asked about once a
    /// second.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// What is wrong with the store itself, in a sentence, so that somebody must look at its disk; `None`: nothing is as far as it knows.
    /// Asked about once a second, so that a store may look at a small part of itself each time.
    fn damage(&mut self) -> Option<String> {
        None
    }

    /// Puts some old events closer together, or rows of theirs, so that they take less room. Every scan returns what it returned before, and writes to their
    /// positions do what they did. Whether the round goes on: the terminal asks again in a while when it has nothing else to write, and
    /// begins another round later when not. A call must be short: sales wait for it. What is not overridden does nothing.
    ///
    /// # Errors
    /// As those of `commit`. One that is not [`Fatal`](StoreFailure::Fatal) ends the round.
    fn seal(&mut self, sealing: &Sealing) -> Result<bool, StoreError> {
        let _ = sealing;
        Ok(false)
    }

    /// Lets go of the store on a clean stop, so that another process may open it when this returns.
    ///
    /// # Errors
    /// When something could not be tidied up. What was committed is durable all the same.
    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }

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
