//! Reads the files of terminals and of the cloud, with nothing but SQLite and what unpacks a payload.

use std::collections::BTreeMap;
use std::path::Path;

use edgepos::core::{EventId, Space, StoreId};
use edgepos::sync::{AtRest, RowBlock};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::error::VerifyError;
use crate::event_rows::event;
use crate::sealed;

/// Events by their name.
pub(super) type Events = BTreeMap<EventId, Vec<u8>>;

/// A row of `rows`: key and value.
pub(super) type KeyValue = (Vec<u8>, Vec<u8>);

/// The events of a terminal.
pub(super) fn terminal_events(path: &Path) -> Result<Events, VerifyError> {
    read(path, |connection| {
        let mut shelf = AtRest::default();
        let mut statement = connection.prepare("SELECT key, payload, dictionary FROM events")?;
        let unpacked = |row: &Row<'_>| {
            let (id, stored) = event(row)?;
            // What does not unpack is compared as it is: it is another event.
            let payload = match row.get::<_, Option<u32>>(2)? {
                None => stored,
                Some(dictionary) => shelf.unpack(dictionary, &stored).unwrap_or(stored),
            };
            Ok((id, payload))
        };
        let mut events: Events = statement.query_map([], unpacked)?.collect::<rusqlite::Result<_>>()?;
        drop(statement);
        // A segment that does not unpack has none: its events are missing.
        sealed::each(connection, |stored| {
            let sealed = stored.ok().and_then(|stored| stored.events().ok()).unwrap_or_default();
            events.extend(sealed.into_iter().map(|(record, _)| (record.id, record.payload)));
        })?;
        Ok(events)
    })
}

/// The rows that a terminal has in a space.
pub(super) fn rows(path: &Path, space: Space) -> Result<Vec<KeyValue>, VerifyError> {
    read(path, |connection| {
        let mut statement = connection.prepare("SELECT key, value FROM rows WHERE space = ?1")?;
        let alone = statement.query_map([space.code()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // One that stands by itself was written later than the same one in a block.
        let mut rows = in_blocks(connection, space)?;
        rows.extend(alone.collect::<rusqlite::Result<Vec<KeyValue>>>()?);
        Ok(rows.into_iter().collect())
    })
}

/// Rows of old events that stand together. A block that does not unpack has none: they are missing.
fn in_blocks(connection: &Connection, space: Space) -> rusqlite::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'blocks'";
    if connection.query_row(sql, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare("SELECT body FROM blocks WHERE space = ?1")?;
    let bodies = statement.query_map([space.code()], |row| row.get::<_, Vec<u8>>(0))?;
    let blocks = bodies.map(|body| body.map(|body| RowBlock::unpack(&body).unwrap_or_default()));
    Ok(blocks.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Up to which event of each chain the counter rows of a terminal count; `None` on a disk of an earlier version, where all do.
pub(super) fn applied(path: &Path) -> Result<Option<Vec<u8>>, VerifyError> {
    read(path, |connection| {
        let sql = "SELECT value FROM rows WHERE space = ?1";
        connection.query_row(sql, [Space::Applied.code()], |row| row.get(0)).optional()
    })
}

/// The events that the cloud has of a store.
pub(super) fn cloud_events(path: &Path, store: StoreId) -> Result<Events, VerifyError> {
    read(path, |connection| {
        let mut statement = connection.prepare("SELECT key, payload FROM event WHERE store = ?1")?;
        statement.query_map([store.0], event)?.collect()
    })
}

/// Asks a file.
pub(super) fn read<T>(
    path: &Path,
    query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, VerifyError> {
    // Not read-only: where the writer was killed, its write-ahead log has to be replayed first. And never made where it is missing.
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| query(&connection))
        .map_err(|source| VerifyError::Database { path: path.to_owned(), source })
}
