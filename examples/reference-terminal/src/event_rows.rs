//! Events as the rows of a file have them: what stands beside a payload is what the payload says, and each payload matches the hash of its
//! chain.

use std::collections::BTreeMap;

use edgepos::EventColumns;
use edgepos::core::{Chain, EventId, Seq};
use edgepos::model::Kind;
use edgepos::sync::{AtRest, EventRecord, Hash};
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Row};

use crate::sealed;

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
pub(crate) struct EventRow {
    pub(crate) record: EventRecord,
    /// The chain's hash at it, where the row has one.
    pub(crate) hash: Option<Vec<u8>>,
    pub(crate) columns: Vec<(&'static str, Value)>,
}

/// The event before, by which the next one is judged.
#[derive(Default)]
pub(crate) struct Comparison {
    before: Option<(Chain, Seq, Hash)>,
}

impl Comparison {
    /// Compares a row with itself and with the one before it, by rising key. `hash_of` knows the hash of an event that has no row.
    pub(crate) fn look(
        &mut self,
        EventRow { record, hash, columns }: EventRow,
        hash_of: impl FnOnce(EventId) -> Option<Hash>,
        differs: &mut impl FnMut(String),
    ) {
        let (id, EventId { chain, seq }) = (record.id, record.id);
        let expected = expected(&record);
        for (column, found) in columns {
            let says =
                expected.iter().find(|(name, _)| *name == column).map_or(&Value::Null, |(_, says)| says);
            if found != *says {
                let (found, says) = (shown(&found), shown(says));
                differs(format!("event {id}: column {column} is {found}, its payload says {says}"));
            }
        }
        // The cloud's events of before hashes were kept have none.
        let hash = hash.map(|hash| <[u8; 32]>::try_from(hash).map_or(Hash::ZERO, Hash));
        let first = (seq == Seq(1)).then_some(Hash::ZERO);
        let follows = self.before.filter(|(of, at, _)| *of == chain && at.next() == seq);
        let before = || hash_of(EventId::new(chain, Seq(seq.0.saturating_sub(1))));
        let link = follows.map(|(_, _, hash)| hash).or(first).or_else(before);
        if link.zip(hash).is_some_and(|(link, hash)| link.link(id, &record.payload) != hash) {
            differs(format!("event {id} does not match its hash"));
        }
        self.before = hash.map(|hash| (chain, seq, hash));
    }
}

/// Which positions of each chain a file has events at, in runs.
#[derive(Default)]
pub(crate) struct Held(BTreeMap<Chain, Vec<(u64, u64)>>);

impl Held {
    fn add(&mut self, first: EventId, last: Seq) {
        let runs = self.0.entry(first.chain).or_default();
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == first.seq.0 => *end = last.0,
            _ => runs.push((first.seq.0, last.0)),
        }
    }

    /// What is missing below the last event of each chain: the first event of each gap, and its last position.
    pub(crate) fn gaps(self) -> Vec<(EventId, Seq)> {
        let mut gaps = Vec::new();
        for (chain, mut runs) in self.0 {
            runs.sort_unstable();
            let mut end = 0;
            for (first, last) in runs {
                if first > end + 1 {
                    gaps.push((EventId::new(chain, Seq(end + 1)), Seq(first - 1)));
                }
                end = end.max(last);
            }
        }
        gaps
    }
}

/// Compares each event of a till's file, in its rows and in its segments. Which positions it has.
pub(crate) fn compare(db: &Connection, differs: &mut impl FnMut(String)) -> rusqlite::Result<Held> {
    let segments = sealed::has_segments(db)?;
    let (mut shelf, mut comparison, mut held) = (AtRest::default(), Comparison::default(), Held::default());
    let packs = has_dictionaries(db)?;
    let (columns, dictionary) = (COLUMNS.join(", "), if packs { "dictionary" } else { "NULL" });
    let sql = format!("SELECT key, payload, {dictionary}, hash, {columns} FROM events ORDER BY key");
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut read = |row: &Row<'_>| -> rusqlite::Result<EventRow> {
        let (id, stored) = event(row)?;
        // What does not unpack is compared as it is: nothing can be read of it.
        let payload = match row.get::<_, Option<u32>>(2)? {
            None => stored,
            Some(dictionary) => shelf.unpack(dictionary, &stored).unwrap_or(stored),
        };
        let columns = COLUMNS.map(|column| Ok((column, row.get(column)?)));
        let columns = columns.into_iter().collect::<rusqlite::Result<_>>()?;
        Ok(EventRow { record: EventRecord { id, payload }, hash: row.get(3)?, columns })
    };
    while let Some(row) = rows.next()? {
        let sealed_before = |id| if segments { sealed::hash(db, id).ok().flatten() } else { None };
        match read(row) {
            Ok(row) => {
                held.add(row.record.id, row.record.id.seq);
                comparison.look(row, sealed_before, differs);
            }
            Err(error) => differs(format!("a row of events cannot be read: {error}")),
        }
    }
    sealed::each(db, |segment| {
        let segment = match segment {
            Ok(segment) => segment,
            Err(error) => return differs(format!("a segment cannot be read: {error}")),
        };
        let (first, last) = segment.reach();
        held.add(first, last);
        match segment.events() {
            Err(error) => differs(format!("the segment from event {first}: {error}")),
            Ok(events) => {
                // The others follow from it, by what a segment says of itself.
                let link = events.first().zip(hash_before(db, first));
                if link.is_some_and(|((record, hash), before)| before.link(first, &record.payload) != *hash) {
                    differs(format!("event {first} does not match its hash"));
                }
            }
        }
    })?;
    Ok(held)
}

/// The hash of its chain before an event; `None` where the file does not say.
fn hash_before(db: &Connection, id: EventId) -> Option<Hash> {
    let before = EventId::new(id.chain, Seq(id.seq.0.checked_sub(1)?));
    if before.seq == Seq(0) {
        return Some(Hash::ZERO);
    }
    let sql = "SELECT hash FROM events WHERE key = ?1";
    let row: Option<Vec<u8>> = db.query_row(sql, [before.to_key()], |row| row.get(0)).ok();
    let row = row.and_then(|hash| Some(Hash(hash.try_into().ok()?)));
    row.or_else(|| sealed::hash(db, before).ok().flatten())
}

/// Whether payloads may be packed; the files of earlier versions have no column for that.
pub(crate) fn has_dictionaries(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM pragma_table_info('events') WHERE name = 'dictionary'";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|columns| columns > 0)
}

/// Which event a row has, by its first two columns.
pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<(EventId, Vec<u8>)> {
    let key: Vec<u8> = row.get(0)?;
    let id = EventId::from_key(&key).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, "the key names no event".into())
    })?;
    Ok((id, row.get(1)?))
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
