//! `events`: what is in a till's file, and what comes into it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use edgepos::EventColumns;
use edgepos::core::EventId;
use edgepos::model::{Envelope, Kind};
use edgepos::sync::{AtRest, EventRecord};
use rusqlite::{Connection, OpenFlags, params};
use serde_json::{Value, json};
use thiserror::Error;

use crate::demo::vendor_json;
use crate::event_rows::has_dictionaries;
use crate::names::hex;
use crate::sealed::{self, SEQ_BITS};
use crate::till_file::{self, NotATill};

/// Rows that are read at once.
const SLICE: i64 = 1_000;
/// Between two looks at a file that is followed.
const LOOK: Duration = Duration::from_millis(250);
/// How long a writer may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// Which file, and how it is shown.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// The SQLite file of a till, running or not
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Show nothing of before, and go on with what comes until interrupted
    #[arg(long)]
    follow: bool,
    /// Print each event as a line of JSON
    #[arg(long)]
    json: bool,
}

/// A file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EventsError {
    /// It is no file of a till, or one of a later version.
    #[error("{} {source}", path.display())]
    NotATill {
        /// The file that was named.
        path: PathBuf,
        /// What it is.
        source: NotATill,
    },
    /// It cannot be opened.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file that was named.
        path: PathBuf,
        /// What the call beneath it says.
        source: rusqlite::Error,
    },
    /// Its rows lie as the first version made them.
    #[error("{}: its events lie as version 0.1.0 made them; read them with sqlite3", path.display())]
    Old {
        /// The file that was named.
        path: PathBuf,
    },
    /// The output takes no more.
    #[error("the output cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// An event with the columns that its file has of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: EventId,
    pub(super) utc_ms: Option<i64>,
    pub(super) business_day: Option<i64>,
    pub(super) kind: String,
    pub(super) series: Option<String>,
    pub(super) number: Option<i64>,
    pub(super) total: Option<i64>,
    pub(super) currency: Option<String>,
    payload: Vec<u8>,
}

impl Row {
    /// Of an event that is in a segment, without columns of its own.
    fn of(record: EventRecord) -> Self {
        let columns = EventColumns::of(&record);
        let signed = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
        Self {
            id: record.id,
            utc_ms: signed(columns.utc_ms),
            business_day: columns.business_day.map(i64::from),
            kind: columns.kind.map_or_else(|| "unreadable".into(), |kind| Kind(kind).name().into()),
            series: columns.series,
            number: signed(columns.number),
            total: columns.total,
            currency: columns.currency,
            payload: record.payload,
        }
    }

    /// The whole event as a vendor would post it; its bytes where this version cannot read it.
    pub(super) fn json(&self) -> Value {
        match Envelope::decode(&self.payload) {
            Ok(envelope) => vendor_json(self.id, &envelope),
            Err(error) => {
                json!({ "id": self.id.to_string(), "unreadable": error.to_string(), "bytes": hex(&self.payload) })
            }
        }
    }

    fn line(&self) -> String {
        let number = self.number.map_or_else(String::new, |number| {
            format!("  {} {number}", self.series.as_deref().unwrap_or_default())
        });
        let total = self.total.map_or_else(String::new, |total| {
            format!("  {total} {}", self.currency.as_deref().unwrap_or_default())
        });
        format!("{}  {}  {}{number}{total}", self.utc_ms.unwrap_or_default(), self.id, self.kind)
    }
}

/// A till's file, read from where it was read to.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    db: Connection,
    /// Whether payloads may be packed; those of an earlier version are as they are.
    packs: bool,
    /// Dictionaries of packed payloads.
    shelf: AtRest,
    /// By the number of each chain, the row that was read last.
    read: BTreeMap<i64, i64>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, EventsError> {
        let failed = |source| EventsError::Database { path: path.to_owned(), source };
        let db = open(path)?;
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'chains'";
        if db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed)? == 0 {
            return Err(EventsError::Old { path: path.to_owned() });
        }
        let packs = has_dictionaries(&db).map_err(failed)?;
        Ok(Self { path: path.to_owned(), db, packs, shelf: AtRest::default(), read: BTreeMap::new() })
    }

    /// Passes what is there by.
    pub(super) fn skip(&mut self) -> Result<(), EventsError> {
        // A chain's last event is never in a segment.
        let sql = "SELECT no, (SELECT max(id) FROM events WHERE id BETWEEN no * ?1 AND (no + 1) * ?1 - 1) FROM chains";
        let ends = || -> rusqlite::Result<Vec<(i64, Option<i64>)>> {
            let mut statement = self.db.prepare(sql)?;
            statement.query_map([SEQ_BITS], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let ends = ends().map_err(|source| self.failed(source))?;
        self.read.extend(ends.into_iter().filter_map(|(no, id)| Some((no, id?))));
        Ok(())
    }

    /// Hands on what was not read yet: chain by chain, by rising position, a slice at a time.
    pub(super) fn next(
        &mut self,
        mut each: impl FnMut(&Row) -> Result<(), EventsError>,
    ) -> Result<(), EventsError> {
        let chains = || -> rusqlite::Result<Vec<i64>> {
            self.db.prepare("SELECT no FROM chains ORDER BY key")?.query_map([], |row| row.get(0))?.collect()
        };
        for chain in chains().map_err(|source| self.failed(source))? {
            loop {
                let from = self.read.get(&chain).copied().unwrap_or(chain * SEQ_BITS);
                let rows = self.slice(chain, from).map_err(|source| self.failed(source))?;
                let Some((last, _)) = rows.last() else { break };
                let last = *last;
                rows.iter().try_for_each(|(_, row)| each(row))?;
                self.read.insert(chain, last);
            }
        }
        Ok(())
    }

    /// What comes next of a chain: the rest of a segment, or rows up to the next one.
    fn slice(&mut self, chain: i64, after: i64) -> rusqlite::Result<Vec<(i64, Row)>> {
        let end = (chain + 1) * SEQ_BITS;
        let has_segments = sealed::has_segments(&self.db)?;
        let mut after = after;
        loop {
            let next = if has_segments { sealed::next(&self.db, chain, after)? } else { None };
            let rows = self.rows(after, next.as_ref().map_or(end, |segment| segment.id))?;
            let Some(segment) = next.filter(|_| rows.is_empty()) else { return Ok(rows) };
            // Of one that is damaged nothing is shown.
            let numbered = (segment.id..).zip(segment.events().unwrap_or_default());
            let rest = numbered.filter(|(id, _)| *id > after);
            let rest: Vec<_> = rest.map(|(id, (record, _))| (id, Row::of(record))).collect();
            if !rest.is_empty() {
                return Ok(rest);
            }
            after = segment.last_id();
        }
    }

    fn rows(&mut self, after: i64, before: i64) -> rusqlite::Result<Vec<(i64, Row)>> {
        let dictionary = if self.packs { "dictionary" } else { "NULL" };
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT id, key, utc_ms, business_day, kind_name, series, number, total, currency, payload, {dictionary} FROM events
             WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        ))?;
        let shelf = &mut self.shelf;
        let rows = statement.query_map(params![after, before, SLICE], |row| {
            let key: Vec<u8> = row.get(1)?;
            let id =
                EventId::from_key(&key).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, row.get(0)?))?;
            let kind = row.get::<_, Option<String>>(4)?.unwrap_or_else(|| "unreadable".into());
            let stored: Vec<u8> = row.get(9)?;
            // What does not unpack is damaged, and is shown as what it is.
            let payload = match row.get::<_, Option<u32>>(10)? {
                None => stored,
                Some(dictionary) => shelf.unpack(dictionary, &stored).unwrap_or(stored),
            };
            let read = Row {
                id,
                utc_ms: row.get(2)?,
                business_day: row.get(3)?,
                kind,
                series: row.get(5)?,
                number: row.get(6)?,
                total: row.get(7)?,
                currency: row.get(8)?,
                payload,
            };
            Ok((row.get(0)?, read))
        })?;
        rows.collect()
    }

    fn failed(&self, source: rusqlite::Error) -> EventsError {
        EventsError::Database { path: self.path.clone(), source }
    }
}

/// Opens a till's file to be read.
pub(super) fn open(path: &Path) -> Result<Connection, EventsError> {
    let failed = |source| EventsError::Database { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(failed)?;
    db.busy_timeout(BUSY).map_err(failed)?;
    till_file::check(&db).map_err(|source| match source {
        NotATill::Read(source) => failed(source),
        source => EventsError::NotATill { path: path.to_owned(), source },
    })?;
    Ok(db)
}

/// Prints what is there, or what comes. A reader that has had enough (a pipe that was closed) is no error. Blocks.
///
/// # Errors
/// [`EventsError`].
pub fn follow(args: &EventsArgs) -> Result<(), EventsError> {
    let mut reader = Reader::open(&args.db)?;
    if args.follow {
        reader.skip()?;
    }
    let mut out = io::stdout().lock();
    loop {
        let printed = reader.next(|row| {
            let line = if args.json { row.json().to_string() } else { row.line() };
            Ok(writeln!(out, "{line}")?)
        });
        match printed.and_then(|()| Ok(out.flush()?)) {
            Err(EventsError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error),
            Ok(()) if args.follow => std::thread::sleep(LOOK),
            Ok(()) => return Ok(()),
        }
    }
}
