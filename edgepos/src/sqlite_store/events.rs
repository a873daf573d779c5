//! Events in their table, with columns for a reader's eyes.
//!
//! In a file of this version the rows of a chain lie side by side by rising position, each whole in its page: their number is the
//! chain's and the position. In one of the first version they are in an index by their key, where a row longer than a quarter of a
//! page spills into a page of its own; such a file is read and written as it is.
//!
//! Payloads are packed one by one, each with the dictionary whose number stands beside it; where none stands, the payload is as it is.
//! Old ones are moved together into [segments](super::segments).

mod sealing;

use std::cell::RefCell;
use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, Seq};
use edgepos_sync::{AtRest, EventRecord, Hash, Segment};
use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, Transaction, params};

pub(super) use self::sealing::Sealed;
use super::columns::{EventColumns, signed};
use super::failure::told;
use super::numbering::{MAX_SEQ, first_chain, positions, row_number};
use super::segments::{self, Segments};
use crate::model::Kind;
use crate::ports::{Rows, StoreError};

pub(super) const TABLES: &str = "
    CREATE TABLE chains (
        no INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE
    );
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL,
        terminal INTEGER NOT NULL,
        incarnation TEXT NOT NULL,
        lane INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        kind INTEGER,
        kind_name TEXT,
        utc_ms INTEGER,
        business_day INTEGER,
        workstation INTEGER,
        series TEXT,
        number INTEGER,
        total INTEGER,
        currency TEXT,
        hash BLOB NOT NULL,
        payload BLOB NOT NULL,
        dictionary INTEGER
    );
";

/// What files before format 3 lack: there each payload is as it is, which an absent number says.
pub(super) const SINCE_3: &str = "ALTER TABLE events ADD COLUMN dictionary INTEGER;";

/// The events of one file.
#[derive(Debug)]
pub(super) struct Events {
    table: Table,
    shelf: RefCell<AtRest>,
}

/// How they lie in it.
#[derive(Debug)]
enum Table {
    /// By their key, as the first version made its files.
    ByKey,
    /// By the number of their chain and their position.
    ByChain(Chains),
}

/// The chains' numbers by their keys.
#[derive(Debug, Default)]
struct Chains {
    numbers: BTreeMap<[u8; 9], i64>,
    /// Those that the transaction gives which is under way.
    fresh: Vec<[u8; 9]>,
    sealed: Segments,
    /// The chain that was looked at last for events to be sealed.
    looked_at: Option<[u8; 9]>,
}

impl Events {
    /// How they lie in this file, which has its tables.
    pub(super) fn of(db: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'chains'";
        let numbered: i64 = db.query_row(sql, [], |row| row.get(0))?;
        let shelf = RefCell::default();
        if numbered == 0 {
            return Ok(Self { table: Table::ByKey, shelf });
        }
        let mut statement = db.prepare("SELECT key, no FROM chains")?;
        let chains = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let numbers: BTreeMap<_, _> = chains.collect::<rusqlite::Result<_>>()?;
        let sealed = Segments::of(db, numbers.values().copied())?;
        Ok(Self { table: Table::ByChain(Chains { numbers, sealed, ..Chains::default() }), shelf })
    }

    /// Inserts or replaces a row.
    pub(super) fn put(
        &mut self,
        transaction: &Transaction<'_>,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StoreError> {
        let Some((record, hash)) = EventRecord::from_row(key, value) else {
            return Err(StoreError::plain("an event's row has neither id nor hash"));
        };
        self.take_apart(transaction, record.id)?;
        self.insert(transaction, record, hash)
    }

    /// The position is written to or removed: the segment that it is in becomes rows again.
    fn take_apart(&mut self, transaction: &Transaction<'_>, id: EventId) -> Result<(), StoreError> {
        let Table::ByChain(Chains { numbers, sealed, .. }) = &self.table else { return Ok(()) };
        let Some(&no) = numbers.get(&id.chain.to_key()) else { return Ok(()) };
        let events = sealed
            .take_apart(transaction, no, id)
            .map_err(|error| told(format!("taking apart the segment of event {id}"), error))?;
        events.into_iter().try_for_each(|(record, hash)| self.insert(transaction, record, hash))
    }

    fn insert(
        &mut self,
        transaction: &Transaction<'_>,
        record: EventRecord,
        hash: Hash,
    ) -> Result<(), StoreError> {
        let key = record.id.to_key();
        let columns = EventColumns::of(&record);
        let EventId { chain, seq } = record.id;
        let failed = |error| told(format!("writing event {}", record.id), error);
        let kind_name = columns.kind.map(|kind| Kind(kind).name());
        let packed = self.shelf.get_mut().pack(&record.payload);
        let (dictionary, payload) = packed.map_or((None, record.payload), |(no, frame)| (Some(no), frame));
        let values = params![
            key.as_slice(),
            chain.replica.terminal(),
            chain.replica.to_string(),
            chain.lane.code(),
            signed(seq.0),
            columns.kind,
            kind_name,
            columns.utc_ms.map(signed),
            columns.business_day,
            columns.workstation,
            columns.series,
            columns.number.map(signed),
            columns.total,
            columns.currency,
            hash.0.as_slice(),
            payload,
            dictionary,
        ];
        let Table::ByChain(chains) = &mut self.table else {
            let sql = "INSERT OR REPLACE INTO events (key, terminal, incarnation, lane, seq, kind, kind_name, utc_ms,
                 business_day, workstation, series, number, total, currency, hash, payload, dictionary)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
            let inserted = transaction.prepare_cached(sql).and_then(|mut insert| insert.execute(values));
            return inserted.map(|_| ()).map_err(failed);
        };
        let no = chains.number(transaction, chain).map_err(failed)?;
        let Some(id) = row_number(no, seq) else {
            return Err(StoreError::plain(format!("event {} is beyond what a file numbers", record.id)));
        };
        let sql =
            "INSERT OR REPLACE INTO events (key, terminal, incarnation, lane, seq, kind, kind_name, utc_ms,
                 business_day, workstation, series, number, total, currency, hash, payload, dictionary, id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
        let values: Vec<&dyn ToSql> = values.iter().copied().chain([&id as &dyn ToSql]).collect();
        let inserted =
            transaction.prepare_cached(sql).and_then(|mut insert| insert.execute(values.as_slice()));
        inserted.map(|_| ()).map_err(failed)
    }

    /// Takes a segment over as it is, into a new file.
    pub(super) fn adopt(
        &mut self,
        transaction: &Transaction<'_>,
        segment: &Segment,
        times: Option<(i64, i64)>,
    ) -> Result<(), StoreError> {
        let Table::ByChain(chains) = &mut self.table else { return Ok(()) };
        let failed = |error| told(format!("writing the segment of event {}", segment.first), error);
        let no = chains.number(transaction, segment.first.chain).map_err(failed)?;
        let written = segments::write(transaction, no, segment, times).map_err(failed)?;
        written.into_iter().for_each(|span| chains.sealed.written(no, span));
        Ok(())
    }

    /// The number of a chain in this file.
    pub(super) fn chain_number(&self, chain: Chain) -> Option<i64> {
        match &self.table {
            Table::ByKey => None,
            Table::ByChain(chains) => chains.numbers.get(&chain.to_key()).copied(),
        }
    }

    /// A transaction has ended. The numbers that one gave which was rolled back are not given.
    pub(super) fn settle(&mut self, committed: bool) {
        if let Table::ByChain(chains) = &mut self.table {
            for key in std::mem::take(&mut chains.fresh) {
                if !committed {
                    chains.numbers.remove(&key);
                }
            }
        }
    }

    /// Removes a row; nothing happens when there is none.
    pub(super) fn delete(&mut self, transaction: &Transaction<'_>, key: &[u8]) -> Result<(), StoreError> {
        let Some(id) = EventId::from_key(key) else { return Ok(()) };
        self.take_apart(transaction, id)?;
        let row = match &self.table {
            Table::ByKey => None,
            Table::ByChain(chains) => {
                let no = chains.numbers.get(&id.chain.to_key());
                Some(no.and_then(|no| row_number(*no, id.seq)))
            }
        };
        let removed = match row {
            None => transaction
                .prepare_cached("DELETE FROM events WHERE key = ?1")
                .and_then(|mut delete| delete.execute([key])),
            Some(row) => transaction
                .prepare_cached("DELETE FROM events WHERE id = ?1")
                .and_then(|mut delete| delete.execute([row])),
        };
        removed.map(|_| ()).map_err(|error| told(format!("removing event {id}"), error))
    }

    /// Rows with `from <= key <= to`, up to and including the one that reaches `max_bytes`.
    pub(super) fn scan(
        &self,
        db: &Connection,
        from: &[u8],
        to: &[u8],
        max_bytes: u32,
    ) -> rusqlite::Result<Rows> {
        let mut rows = Rows::new();
        let mut left = max_bytes as usize;
        let chains = match &self.table {
            Table::ByKey => {
                let sql = "SELECT key, hash, payload, dictionary FROM events WHERE key BETWEEN ?1 AND ?2 ORDER BY key";
                self.read(db, sql, (from, to), &mut left, &mut rows)?;
                return Ok(rows);
            }
            Table::ByChain(chains) => chains,
        };
        for (chain, &no) in chains.numbers.range(first_chain(from)..) {
            if chain.as_slice() > to || (left == 0 && !rows.is_empty()) {
                break;
            }
            let Some((first, last)) = positions(chain, from, to) else { continue };
            let bounds = row_number(no, Seq(first)).zip(row_number(no, Seq(last.min(MAX_SEQ))));
            let (Some(bounds), Some(chain)) = (bounds, Chain::from_key(chain)) else { continue };
            self.scan_chain(db, chains, (chain, no), bounds, &mut left, &mut rows)?;
        }
        Ok(rows)
    }

    /// Rows of one chain by rising position, from segments and from rows of their own.
    fn scan_chain(
        &self,
        db: &Connection,
        Chains { sealed, .. }: &Chains,
        (chain, no): (Chain, i64),
        (mut at, to): (i64, i64),
        left: &mut usize,
        rows: &mut Rows,
    ) -> rusqlite::Result<()> {
        let sql = "SELECT key, hash, payload, dictionary FROM events WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
        while at <= to && (*left > 0 || rows.is_empty()) {
            let next = sealed.next(db, no, at, to)?;
            let Some(span) = next else { return self.read(db, sql, (at, to), left, rows) };
            if at < span.first {
                self.read(db, sql, (at, span.first - 1), left, rows)?;
                at = span.first;
                continue;
            }
            let seen_to = sealed.read(db, chain, span, (at, to), left, rows)?;
            if seen_to < at {
                // The segment says that it has more than it can have.
                self.read(db, sql, (at, at), left, rows)?;
            }
            at = seen_to.max(at) + 1;
        }
        Ok(())
    }

    fn read(
        &self,
        db: &Connection,
        sql: &str,
        bounds: impl rusqlite::Params,
        left: &mut usize,
        rows: &mut Rows,
    ) -> rusqlite::Result<()> {
        let mut shelf = self.shelf.borrow_mut();
        let mut statement = db.prepare_cached(sql)?;
        let mut cursor = statement.query(bounds)?;
        while *left > 0 || rows.is_empty() {
            let Some(row) = cursor.next()? else { break };
            // A column that is no bytes is damaged like any: a row without its name is gone, and one without its hash has another.
            let key = row.get_ref(0)?.as_blob().unwrap_or_default().to_vec();
            let hash = row.get_ref(1)?.as_blob().ok().and_then(|hash| hash.try_into().ok());
            let mut value = hash.unwrap_or([0; 32]).to_vec();
            if key.is_empty() {
                continue;
            }
            value.extend(payload(&mut shelf, row.get_ref(2)?, row.get_ref(3)?)?);
            *left = left.saturating_sub(key.len() + value.len());
            rows.push((key, value));
        }
        Ok(())
    }
}

impl Chains {
    /// The chain's number, which is given when its first event comes.
    fn number(&mut self, transaction: &Transaction<'_>, chain: Chain) -> rusqlite::Result<i64> {
        let key = chain.to_key();
        if let Some(&no) = self.numbers.get(&key) {
            return Ok(no);
        }
        let insert = "INSERT INTO chains (key) VALUES (?1) RETURNING no";
        let no = transaction.query_row(insert, params![key], |row| row.get(0))?;
        self.numbers.insert(key, no);
        self.fresh.push(key);
        Ok(no)
    }
}

/// An event's payload, as it is stored with the number of its dictionary.
fn payload(shelf: &mut AtRest, stored: ValueRef<'_>, dictionary: ValueRef<'_>) -> rusqlite::Result<Vec<u8>> {
    let stored = stored.as_blob().unwrap_or_default();
    let dictionary = match dictionary {
        ValueRef::Integer(no) => Some(u32::try_from(no).unwrap_or(u32::MAX)),
        _ => None,
    };
    Ok(match dictionary.map(|no| shelf.unpack(no, stored)) {
        Some(Ok(payload)) => payload,
        // What does not unpack is damaged like any bytes whose hash is another one, and whoever reads them sees that.
        None | Some(Err(_)) => stored.to_vec(),
    })
}
