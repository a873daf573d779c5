//! What stands beside the payloads of a terminal's file is what the payloads say, and the file is of the terminal that it is named after.

use std::collections::BTreeMap;
use std::path::Path;

use edgepos::core::{ReplicaId, Space, StoreId};
use edgepos::sync::EventRecord;
use rusqlite::Row;

use super::error::VerifyError;
use super::files;
use super::judge::Judge;
use crate::event_rows::{self, Comparison, EventRow};

/// Compares a terminal's file with its number and its store, and the columns of each event with its payload.
pub(super) fn check(
    (name, number): (&str, u16),
    path: &Path,
    store: StoreId,
    judge: &mut Judge,
) -> Result<(), VerifyError> {
    let identity: BTreeMap<_, _> = files::rows(path, Space::Identity)?.into_iter().collect();
    let me = identity.get(b"me".as_slice()).and_then(|value| value.as_slice().try_into().ok());
    match me.map(|bytes| ReplicaId(u64::from_be_bytes(bytes))) {
        Some(me) if me.terminal() == number => {}
        Some(me) => judge.differs(format!("{name}: the file is that of terminal {}, {me}", me.terminal())),
        None => judge.differs(format!("{name}: the file does not say whose it is")),
    }
    if identity.get(b"store".as_slice()).is_none_or(|value| value.as_slice() != store.0) {
        judge.differs(format!("{name}: the file is not of store {store}"));
    }
    // Whether all are there is judged by the events of all terminals.
    files::read(path, |db| event_rows::compare(db, &mut |what| judge.differs(format!("{name}: {what}"))))
        .map(drop)
}

/// Compares the columns of each event of the cloud's file with its name and its payload.
pub(super) fn check_cloud(path: &Path, store: StoreId, judge: &mut Judge) -> Result<(), VerifyError> {
    let rows: Vec<EventRow> = files::read(path, |connection| {
        let sql = "SELECT key, payload, hash, terminal, lane, seq FROM event WHERE store = ?1 ORDER BY key";
        let read = |row: &Row<'_>| {
            let (id, payload) = event_rows::event(row)?;
            let columns = ["terminal", "lane", "seq"].map(|column| Ok((column, row.get(column)?)));
            let columns = columns.into_iter().collect::<rusqlite::Result<_>>()?;
            Ok(EventRow { record: EventRecord { id, payload }, hash: row.get(2)?, columns })
        };
        connection.prepare(sql)?.query_map([store.0], read)?.collect()
    })?;
    let mut comparison = Comparison::default();
    for row in rows {
        comparison.look(row, |_| None, &mut |what| judge.differs(format!("the cloud: {what}")));
    }
    Ok(())
}
