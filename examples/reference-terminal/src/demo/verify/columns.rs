//! What stands beside the payloads of a terminal's file is what the payloads say, and the file is of the terminal that it is named after.

use std::collections::BTreeMap;
use std::path::Path;

use edgepos::EventColumns;
use edgepos::core::{Chain, EventId, ReplicaId, Seq, Space, StoreId};
use edgepos::model::Kind;
use edgepos::sync::{AtRest, EventRecord, Hash};
use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::error::VerifyError;
use super::files;
use super::judge::Judge;

/// The columns that are compared.
const COLUMNS: [&str; 13] = [
    "terminal",
    "incarnation",
    "lane",
    "seq",
    "kind",
    "kind_name",
    "utc_ms",
    "business_day",
    "workstation",
    "series",
    "number",
    "total",
    "currency",
];

/// An event as its row has it.
struct Stored {
    record: EventRecord,
    hash: Option<Vec<u8>>,
    columns: Vec<(&'static str, Value)>,
}

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
    compare(name, files::read(path, stored)?, judge);
    Ok(())
}

/// Compares the columns of each event of the cloud's file with its name and its payload.
pub(super) fn check_cloud(path: &Path, store: StoreId, judge: &mut Judge) -> Result<(), VerifyError> {
    let rows = files::read(path, |connection| {
        let sql = "SELECT key, payload, hash, terminal, lane, seq FROM event WHERE store = ?1 ORDER BY key";
        let read = |row: &Row<'_>| {
            let (id, payload) = files::event(row)?;
            let columns = ["terminal", "lane", "seq"].map(|column| Ok((column, row.get(column)?)));
            let columns = columns.into_iter().collect::<rusqlite::Result<_>>()?;
            Ok(Stored { record: EventRecord { id, payload }, hash: row.get(2)?, columns })
        };
        connection.prepare(sql)?.query_map([store.0], read)?.collect()
    })?;
    compare("the cloud", rows, judge);
    Ok(())
}

fn compare(name: &str, rows: Vec<Stored>, judge: &mut Judge) {
    let mut before: Option<(Chain, Seq, Hash)> = None;
    for Stored { record, hash, columns } in rows {
        let EventId { chain, seq } = record.id;
        let expected = expected(&record);
        for (column, found) in columns {
            let says =
                expected.iter().find(|(name, _)| *name == column).map_or(&Value::Null, |(_, says)| says);
            if found != *says {
                let (id, found, says) = (record.id, shown(&found), shown(says));
                judge.differs(format!(
                    "{name}: event {id}: column {column} is {found}, its payload says {says}"
                ));
            }
        }
        // The cloud's events of before hashes were kept have none.
        let hash = hash.map(|hash| <[u8; 32]>::try_from(hash).map_or(Hash::ZERO, Hash));
        let first = (seq == Seq(1)).then_some(Hash::ZERO);
        let follows = before.filter(|(of, at, _)| *of == chain && at.next() == seq);
        let link = follows.map(|(_, _, hash)| hash).or(first);
        if link.zip(hash).is_some_and(|(link, hash)| link.link(record.id, &record.payload) != hash) {
            judge.differs(format!("{name}: event {} does not match its hash", record.id));
        }
        before = hash.map(|hash| (chain, seq, hash));
    }
}

fn stored(connection: &Connection) -> rusqlite::Result<Vec<Stored>> {
    let mut shelf = AtRest::default();
    let columns = COLUMNS.join(", ");
    let sql = format!("SELECT key, payload, dictionary, hash, {columns} FROM events ORDER BY key");
    let mut statement = connection.prepare(&sql)?;
    let read = |row: &Row<'_>| {
        let (id, stored) = files::event(row)?;
        // What does not unpack is compared as it is: nothing can be read of it.
        let payload = match row.get::<_, Option<u32>>(2)? {
            None => stored,
            Some(dictionary) => shelf.unpack(dictionary, &stored).unwrap_or(stored),
        };
        let columns = COLUMNS.map(|column| Ok((column, row.get(column)?)));
        let columns = columns.into_iter().collect::<rusqlite::Result<_>>()?;
        Ok(Stored { record: EventRecord { id, payload }, hash: row.get(3)?, columns })
    };
    statement.query_map([], read)?.collect()
}

/// What the columns have to say of an event.
fn expected(record: &EventRecord) -> [(&'static str, Value); COLUMNS.len()] {
    let EventId { chain, seq } = record.id;
    let EventColumns { kind, utc_ms, business_day, workstation, series, number, total, currency, .. } =
        EventColumns::of(record);
    // SQLite has signed integers only.
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let integer = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
    let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
    [
        ("terminal", Value::Integer(chain.replica.terminal().into())),
        ("incarnation", Value::Text(chain.replica.to_string())),
        ("lane", Value::Integer(chain.lane.code().into())),
        ("seq", Value::Integer(signed(seq.0))),
        ("kind", integer(kind.map(i64::from))),
        ("kind_name", text(kind.map(|kind| Kind(kind).name().to_owned()))),
        ("utc_ms", integer(utc_ms.map(signed))),
        ("business_day", integer(business_day.map(i64::from))),
        ("workstation", integer(workstation.map(i64::from))),
        ("series", text(series)),
        ("number", integer(number.map(signed))),
        ("total", integer(total)),
        ("currency", text(currency)),
    ]
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Real(number) => number.to_string(),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
