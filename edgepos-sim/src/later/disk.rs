//! What a later version reads of a disk when it starts, and the row that it shares with this one.

use edgepos::consensus;
use edgepos::crdt::Hlc;
use edgepos::{MemoryStore, Store, StoreError};
use edgepos_core::{Now, ReplicaId, Space, StoreId, Write};
use edgepos_sync::{self as sync, Outbox};

/// The row of the stamps that may have been used.
const CEILING: &[u8] = b"ceiling";

/// The election's rows of a disk.
pub(super) fn election_rows(disk: &MemoryStore) -> Result<consensus::Restored, String> {
    let mut rows = consensus::Restored::new();
    for space in consensus::Restored::SPACES {
        disk.scan_all(space, &mut |key, value| {
            rows.insert(space, key, value).map_err(|error| StoreError::plain(error.to_string()))
        })
        .map_err(|error| error.to_string())?;
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
) -> Result<Outbox, String> {
    let mut rows = sync::Restored::new();
    for space in sync::Restored::SPACES {
        disk.scan_all(space, &mut |key, value| {
            rows.insert(space, key, value).map_err(|error| StoreError::plain(error.to_string()))
        })
        .map_err(|error| error.to_string())?;
    }
    Outbox::new(now, sync::Config::standard(store, me, seed), rows).map_err(|error| error.to_string())
}

/// The stamps that a disk says may have been used.
pub(super) fn ceiling(disk: &MemoryStore) -> Result<Hlc, String> {
    let rows = disk.scan(Space::Clock, CEILING, CEILING, u32::MAX).map_err(|error| error.to_string())?;
    let ceiling = rows.first().and_then(|(_, value)| value.as_slice().try_into().ok());
    Ok(Hlc(ceiling.map_or(0, u64::from_be_bytes)))
}

/// The row that says so.
pub(super) fn ceiling_row(ceiling: Hlc) -> Write {
    Write::put(Space::Clock, CEILING, ceiling.0.to_be_bytes())
}
