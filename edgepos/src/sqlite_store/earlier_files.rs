//! Files of earlier formats are read, written on, and marked.

use std::path::Path;

use edgepos_core::{Chain, EventId, Lane, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos_sync::{EventRecord, Hash};
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::tables::{APPLICATION_ID, FORMAT, ROWS};
use crate::ports::Store;

/// The columns that both formats had, behind the key.
const COLUMNS: &str = "terminal INTEGER NOT NULL, incarnation TEXT NOT NULL, lane INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER,
    kind_name TEXT, utc_ms INTEGER, business_day INTEGER, workstation INTEGER, series TEXT, number INTEGER, total INTEGER,
    currency TEXT, hash BLOB NOT NULL, payload BLOB NOT NULL";

/// An empty file as the first version made it, or one of format 2.
fn earlier(path: &Path, format: i32) -> Connection {
    let tables = match format {
        1 => format!("CREATE TABLE events (key BLOB PRIMARY KEY, {COLUMNS}) WITHOUT ROWID;"),
        _ => format!(
            "CREATE TABLE chains (no INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);
             CREATE TABLE events (id INTEGER PRIMARY KEY, key BLOB NOT NULL, {COLUMNS});"
        ),
    };
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {format};
             {tables} {ROWS}"
        ))
        .unwrap();
    connection
}

fn event(seq: u64, payload: &[u8]) -> EventRecord {
    let chain = Chain::new(ReplicaId::new(7, 5), Lane::Stock);
    EventRecord { id: EventId::new(chain, Seq(seq)), payload: payload.to_vec() }
}

/// What the earlier version wrote for this event, as the first of its chain.
fn write_as(format: i32, connection: &Connection, record: &EventRecord, hash: Hash) {
    let EventId { chain, seq } = record.id;
    if format == 2 {
        connection.execute("INSERT OR IGNORE INTO chains VALUES (1, ?1)", params![chain.to_key()]).unwrap();
        let sql = "INSERT INTO events (id, key, terminal, incarnation, lane, seq, hash, payload) VALUES (?1, ?2, 7, '7-5', 1, ?3, ?4, ?5)";
        let id = (1i64 << 40) + seq.0 as i64;
        connection
            .execute(sql, params![id, record.id.to_key(), seq.0 as i64, hash.0, record.payload])
            .unwrap();
    } else {
        let sql = "INSERT INTO events (key, terminal, incarnation, lane, seq, hash, payload) VALUES (?1, 7, '7-5', 1, ?2, ?3, ?4)";
        connection.execute(sql, params![record.id.to_key(), seq.0 as i64, hash.0, record.payload]).unwrap();
    }
}

#[test]
fn earlier_files_conform() {
    for format in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let mut number = 0;
        crate::conformance::store(&mut || {
            number += 1;
            let path = dir.path().join(format!("{number}.db"));
            drop(earlier(&path, format));
            Box::new(SqliteStore::open(&path).unwrap())
        });
    }
}

/// Payloads that were written as they are, whatever they begin with, stay what they are beside those that are packed.
#[test]
fn earlier_events_are_read_as_they_were_written_beside_new_ones() {
    let long = b"two coffees and a croissant; ".repeat(20);
    let payloads: [&[u8]; 4] = [&[0], &[1, 2, 3], &[0x28, 0xB5, 0x2F, 0xFD, 9], &long];
    for format in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let connection = earlier(&path, format);
        let records: Vec<_> = (1..).zip(payloads).map(|(seq, payload)| event(seq, payload)).collect();
        let hash = Hash([9; 32]);
        records.iter().for_each(|record| write_as(format, &connection, record, hash));
        drop(connection);
        drop(SqliteStore::open(&path).unwrap());
        let mut store = SqliteStore::open(&path).unwrap();
        let fresh = event(5, &long);
        let put = Write::put(Space::Event, fresh.id.to_key(), fresh.to_row(hash));
        store.commit(&[Persist { id: PersistId(1), writes: vec![put] }]).unwrap();
        let read = store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap();
        let expected: Vec<_> = records
            .iter()
            .chain([&fresh])
            .map(|record| (record.id.to_key().to_vec(), record.to_row(hash)))
            .collect();
        assert_eq!(read, expected, "format {format}");
        let marked: i32 = store.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(marked, FORMAT, "an earlier version would take packed payloads for damage");
        let sql = "SELECT seq, dictionary, length(payload) FROM events ORDER BY seq";
        let mut statement = store.connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let rows: Vec<(i64, Option<i64>, u32)> = rows.map(Result::unwrap).collect();
        assert!(rows[..4].iter().all(|(_, dictionary, _)| dictionary.is_none()), "{rows:?}");
        assert_eq!((rows[3].2 as usize, rows[4].1), (long.len(), Some(1)), "{rows:?}");
        assert!((rows[4].2 as usize) < long.len() / 4, "{rows:?}");
    }
}

/// What the disk has turned into something else is handed on as it is: its hash is another one, and whoever reads it sees that.
#[test]
fn a_packed_payload_that_is_damaged_is_no_error_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let record = event(1, &b"two coffees; ".repeat(30));
    let row = record.to_row(Hash::ZERO.link(record.id, &record.payload));
    let put = Write::put(Space::Event, record.id.to_key(), row.clone());
    store.commit(&[Persist { id: PersistId(1), writes: vec![put] }]).unwrap();
    let read =
        |store: &SqliteStore| store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap().remove(0).1;
    assert_eq!(read(&store), row);
    for damage in [
        "payload = substr(payload, 1, 20)",
        "payload = zeroblob(40)",
        "dictionary = 77",
        "dictionary = -1",
        "dictionary = NULL",
    ] {
        let kept = store.connection.execute_batch(&format!("BEGIN; UPDATE events SET {damage}"));
        kept.unwrap();
        let (damaged, hash) = EventRecord::from_row(&record.id.to_key(), &read(&store)).unwrap();
        assert_ne!(Hash::ZERO.link(damaged.id, &damaged.payload), hash, "{damage}");
        store.connection.execute_batch("ROLLBACK").unwrap();
    }
    assert_eq!(read(&store), row);
}
