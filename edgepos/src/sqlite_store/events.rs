//! Events in their table, with columns for a reader's eyes.
//!
//! In a file of this version the rows of a chain lie side by side by rising position, each whole in its page: their number is the
//! chain's and the position. In one of the first version they are in an index by their key, where a row longer than a quarter of a
//! page spills into a page of its own; such a file is read and written as it is.
//!
//! Payloads are packed one by one, each with the dictionary whose number stands beside it; where none stands, the payload is as it is.

use std::cell::RefCell;
use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, Seq};
use edgepos_sync::{AtRest, EventRecord};
use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, Transaction, params};

use super::columns::{Columns, signed};
use super::failure::told;
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

/// Bits of a row's number that the position takes: a million millions of one chain.
const SEQ_BITS: u32 = 40;
const MAX_SEQ: u64 = (1 << SEQ_BITS) - 1;

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
        let numbers = chains.collect::<rusqlite::Result<_>>()?;
        Ok(Self { table: Table::ByChain(Chains { numbers, fresh: Vec::new() }), shelf })
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
        let columns = Columns::of(&record);
        let EventId { chain, seq } = record.id;
        let failed = |error| told(format!("writing event {}", record.id), error);
        let kind_name = columns.kind.map(|kind| Kind(kind).name());
        let packed = self.shelf.get_mut().pack(&record.payload);
        let (dictionary, payload) = packed.map_or((None, record.payload), |(no, frame)| (Some(no), frame));
        let values = params![
            key,
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
    pub(super) fn delete(&self, transaction: &Transaction<'_>, key: &[u8]) -> rusqlite::Result<()> {
        match &self.table {
            Table::ByKey => {
                transaction.prepare_cached("DELETE FROM events WHERE key = ?1")?.execute(params![key])?;
            }
            Table::ByChain(chains) => {
                let id = EventId::from_key(key)
                    .and_then(|id| row_number(*chains.numbers.get(&id.chain.to_key())?, id.seq));
                transaction.prepare_cached("DELETE FROM events WHERE id = ?1")?.execute(params![id])?;
            }
        }
        Ok(())
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
            let Some((first, last)) = bounds else { continue };
            let sql =
                "SELECT key, hash, payload, dictionary FROM events WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
            self.read(db, sql, (first, last), &mut left, &mut rows)?;
        }
        Ok(rows)
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
            let key: Vec<u8> = row.get(0)?;
            let mut value: Vec<u8> = row.get(1)?;
            let stored = row.get_ref(2)?.as_blob()?;
            let dictionary = match row.get_ref(3)? {
                ValueRef::Integer(no) => Some(u32::try_from(no).unwrap_or(u32::MAX)),
                _ => None,
            };
            match dictionary.map(|no| shelf.unpack(no, stored)) {
                Some(Ok(payload)) => value.extend(payload),
                // What does not unpack is damaged like any bytes whose hash is another one, and whoever reads them sees that.
                None | Some(Err(_)) => value.extend_from_slice(stored),
            }
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

fn row_number(no: i64, seq: Seq) -> Option<i64> {
    let seq = i64::try_from(seq.0).ok().filter(|_| seq.0 <= MAX_SEQ)?;
    no.checked_mul(1 << SEQ_BITS)?.checked_add(seq)
}

/// The lowest chain whose keys may reach `from`.
fn first_chain(from: &[u8]) -> [u8; 9] {
    let mut chain = [0; 9];
    let length = from.len().min(chain.len());
    chain[..length].copy_from_slice(&from[..length]);
    chain
}

/// The first and the last position of the chain whose keys are from `from` to `to`, compared as bytes; `None` where there is none.
fn positions(chain: &[u8; 9], from: &[u8], to: &[u8]) -> Option<(u64, u64)> {
    let padded = |rest: &[u8]| {
        let mut bytes = [0; 8];
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        u64::from_be_bytes(bytes)
    };
    let first = match from.strip_prefix(chain) {
        // A longer key comes behind the whole one.
        Some(rest) if rest.len() > 8 => padded(rest).checked_add(1)?,
        Some(rest) => padded(rest),
        None if chain.as_slice() < from => return None,
        None => 0,
    };
    let last = match to.strip_prefix(chain) {
        Some(rest) if rest.len() >= 8 => padded(rest),
        // A key that `to` is the beginning of comes behind it.
        Some(rest) => padded(rest).checked_sub(1)?,
        None if chain.as_slice() > to => return None,
        None => u64::MAX,
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_positions_of_a_range_are_those_whose_keys_are_in_it() {
        let chain = [5; 9];
        let key = |seq: u64| [chain.as_slice(), &seq.to_be_bytes()].concat();
        let behind = |seq| [key(seq), vec![0]].concat();
        assert_eq!(positions(&chain, &key(3), &key(9)), Some((3, 9)));
        assert_eq!(positions(&chain, &behind(3), &[255; 17]), Some((4, u64::MAX)), "what follows a key");
        assert_eq!(positions(&chain, &[], &behind(3)), Some((0, 3)));
        assert_eq!(positions(&chain, &chain, &chain), None, "a beginning comes before each whole key");
        assert_eq!(positions(&chain, &[4; 17], &[6]), Some((0, u64::MAX)));
        assert_eq!(positions(&chain, &[6], &[7; 17]), None);
        assert_eq!(positions(&chain, &[0], &[4; 17]), None);
        assert_eq!(positions(&chain, &key(9), &key(3)), None);
        assert_eq!(positions(&chain, &behind(u64::MAX), &[255; 17]), None);
    }
}
