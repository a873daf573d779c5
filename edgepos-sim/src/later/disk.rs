//! What a later version reads of a disk when it starts, and the row that it shares with this one.

use edgepos::consensus;
use edgepos::crdt::Hlc;
use edgepos::{MemoryStore, Store, StoreError};
use edgepos_core::{Now, ReplicaId, Space, StoreId, Write};
use edgepos_sync::{self as sync, Outbox};
use thiserror::Error;

/// The row of the stamps that may have been used.
const CEILING: &[u8] = b"ceiling";

/// Why a later version does not start on a disk, or does not go on there.
#[derive(Debug, Error)]
pub(crate) enum LaterError {
    /// The disk fails, or holds a row that cannot be read.
    #[error("the disk: {0}")]
    Disk(#[from] StoreError),
    /// What the election said of its rows.
    #[error("the election: {0}")]
    Election(#[from] consensus::StartError),
    /// What the outbox said of its rows.
    #[error("the outbox: {0}")]
    Outbox(#[from] sync::StartError),
    /// An event was not recorded.
    #[error("an event: {0}")]
    Record(#[from] sync::RecordError),
}

/// The election's rows of a disk.
pub(super) fn election_rows(disk: &MemoryStore) -> Result<consensus::Restored, StoreError> {
    let mut rows = consensus::Restored::new();
    for space in consensus::Restored::SPACES {
        disk.scan_all(space, &mut |key, value| {
            rows.insert(space, key, value).map_err(|error| unreadable(space, key, error))
        })?;
    }
    Ok(rows)
}

/// An outbox on a disk.
pub(super) fn outbox(
    now: Now,
    store: StoreId,
    me: ReplicaId,
    seed: u64,
    disk: &MemoryStore,
) -> Result<Outbox, LaterError> {
    let mut rows = sync::Restored::new();
    for space in sync::Restored::SPACES {
        disk.scan_all(space, &mut |key, value| {
            rows.insert(space, key, value).map_err(|error| unreadable(space, key, error))
        })?;
    }
    Ok(Outbox::new(now, sync::Config::standard(store, me, seed), rows)?)
}

fn unreadable(space: Space, key: &[u8], error: impl std::error::Error) -> StoreError {
    StoreError::plain(format!("the row {key:02x?} of {space:?}: {error}"))
}

/// The stamps that a disk says may have been used.
pub(super) fn ceiling(disk: &MemoryStore) -> Result<Hlc, StoreError> {
    let rows = disk.scan(Space::Clock, CEILING, CEILING, u32::MAX)?;
    let ceiling = rows.first().and_then(|(_, value)| value.as_slice().try_into().ok());
    Ok(Hlc(ceiling.map_or(0, u64::from_be_bytes)))
}

/// The row that says so.
pub(super) fn ceiling_row(ceiling: Hlc) -> Write {
    Write::put(Space::Clock, CEILING, ceiling.0.to_be_bytes())
}
