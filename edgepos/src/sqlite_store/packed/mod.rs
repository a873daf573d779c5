//! Rows of old events, many of them in one row: a block, which has the place of its first key.
//!
//! A row that stands by itself counts before one of a block with the same key, so that a row is replaced by writing it. Only what is
//! removed is taken out of its block.

pub(super) mod sweep;

use std::iter::Peekable;
use std::vec;

use edgepos_core::Space;
use edgepos_sync::{BlockRows, RowBlock};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::damaged::damage::Damage;
use super::failure::told;
use super::sums;
use crate::ports::StoreError;
use crate::retail::rebuilt;

/// Version of a file that has blocks: its `rows` are not all of its rows. It is marked when the first is written.
pub(super) const FORMAT_WITH_BLOCKS: i32 = 5;
/// A key and its value.
pub(super) type Row = (Vec<u8>, Vec<u8>);
/// Behind every key.
pub(super) const LAST_KEY: [u8; 1_025] = [0xFF; 1_025];

/// A block as it is stored: its number, its first key, its rows packed, and its sum.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) id: i64,
    pub(super) first: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) sum: Option<i64>,
}

impl Block {
    /// What is read where a block is meant, by its columns.
    const COLUMNS: &'static str = "id, first, body, sum";

    /// One whose columns begin with these.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, first: row.get(1)?, body: row.get(2)?, sum: row.get(3)? })
    }

    /// Its rows; `None` where it is not what was written.
    pub(super) fn rows(&self, space: u8) -> Option<BlockRows> {
        let is_whole = self.sum.is_some() && sums::fits(space, &self.first, &self.body, self.sum);
        let rows = is_whole.then(|| RowBlock::unpack(&self.body).ok()).flatten()?;
        (rows.first().map(|(key, _)| key) == Some(&self.first)).then_some(rows)
    }
}

/// Whether the file has blocks.
pub(super) fn has_table(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'blocks'";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|tables| tables > 0)
}

/// Makes the table, which readers of format 4 do not know: the file is marked as of format 5 when its first block is written.
fn make_table(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS blocks (
             id INTEGER PRIMARY KEY,
             space INTEGER NOT NULL,
             first BLOB NOT NULL,
             rows INTEGER NOT NULL,
             sum INTEGER NOT NULL,
             body BLOB NOT NULL
         );
         CREATE UNIQUE INDEX IF NOT EXISTS blocks_by_key ON blocks (space, first);
         PRAGMA user_version = {FORMAT_WITH_BLOCKS};"
    ))
}

/// The block that a key of this space lies in, if in any: the last one whose first key is no higher.
fn covering(db: &Connection, space: u8, key: &[u8]) -> rusqlite::Result<Option<Block>> {
    let sql = format!(
        "SELECT {} FROM blocks WHERE space = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
        Block::COLUMNS
    );
    db.prepare_cached(&sql)?.query_row(params![space, key], Block::read).optional()
}

/// The first block behind that key.
fn behind(db: &Connection, space: u8, key: &[u8]) -> rusqlite::Result<Option<Block>> {
    let sql = format!(
        "SELECT {} FROM blocks WHERE space = ?1 AND first > ?2 ORDER BY first LIMIT 1",
        Block::COLUMNS
    );
    db.prepare_cached(&sql)?.query_row(params![space, key], Block::read).optional()
}

/// Writes rows as one block.
pub(super) fn write(transaction: &Transaction<'_>, space: u8, rows: &BlockRows) -> rusqlite::Result<bool> {
    let (Some((first, _)), Some(body)) = (rows.first(), RowBlock::pack(rows)) else { return Ok(false) };
    make_table(transaction)?;
    let sql = "INSERT INTO blocks (space, first, rows, sum, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let sum = sums::of_row(space, first, &body);
    transaction.prepare_cached(sql)?.execute(params![space, first, count, sum, body])?;
    Ok(true)
}

/// Takes a row out of the block that it lies in.
pub(super) fn remove(transaction: &Transaction<'_>, space: Space, key: &[u8]) -> Result<(), StoreError> {
    if !rebuilt::OF_OLD_EVENTS.contains(&space) {
        return Ok(());
    }
    let failed = |error| told("removing a row from its block".into(), error);
    if !has_table(transaction).map_err(failed)? {
        return Ok(());
    }
    let code = space.code();
    let Some(block) = covering(transaction, code, key).map_err(failed)? else { return Ok(()) };
    let mut rows = block.rows(code).ok_or_else(|| damaged(space))?;
    let Ok(at) = rows.binary_search_by(|(other, _)| other.as_slice().cmp(key)) else { return Ok(()) };
    rows.remove(at);
    delete(transaction, block.id).map_err(failed)?;
    write(transaction, code, &rows).map(|_| ()).map_err(failed)
}

fn delete(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id]).map(|_| ())
}

fn damaged(space: Space) -> StoreError {
    StoreError::new("reading rows of old events", Damage::Row { space: Some(space) })
}

/// Rows of blocks by rising key, a block at a time.
#[derive(Debug)]
pub(super) struct Cursor<'d> {
    db: &'d Connection,
    space: Space,
    from: &'d [u8],
    to: &'d [u8],
    rows: Peekable<vec::IntoIter<(Vec<u8>, Vec<u8>)>>,
    /// First key of the block that was read last; `None`: there is no further one.
    last: Option<Vec<u8>>,
}

impl<'d> Cursor<'d> {
    /// Those with `from <= key <= to`.
    pub(super) fn over(
        db: &'d Connection,
        space: Space,
        from: &'d [u8],
        to: &'d [u8],
    ) -> Result<Self, StoreError> {
        let mut cursor = Self { db, space, from, to, rows: Vec::new().into_iter().peekable(), last: None };
        let failed = |error| told("reading rows of old events".into(), error);
        if from > to || !rebuilt::OF_OLD_EVENTS.contains(&space) || !has_table(db).map_err(failed)? {
            return Ok(cursor);
        }
        match covering(db, space.code(), from).map_err(failed)? {
            Some(block) => cursor.take(&block)?,
            None => cursor.last = Some(Vec::new()),
        }
        Ok(cursor)
    }

    fn take(&mut self, block: &Block) -> Result<(), StoreError> {
        let rows = block.rows(self.space.code()).ok_or_else(|| damaged(self.space))?;
        let skipped = rows.partition_point(|(key, _)| key.as_slice() < self.from);
        self.rows = rows.into_iter().skip(skipped).collect::<Vec<_>>().into_iter().peekable();
        self.last = Some(block.first.clone());
        Ok(())
    }

    /// The key of the next row.
    pub(super) fn key(&mut self) -> Result<Option<&[u8]>, StoreError> {
        while self.rows.peek().is_none() {
            let Some(last) = self.last.take() else { return Ok(None) };
            let next = behind(self.db, self.space.code(), &last)
                .map_err(|error| told("reading rows of old events".into(), error))?;
            match next.filter(|block| block.first.as_slice() <= self.to) {
                Some(block) => self.take(&block)?,
                None => return Ok(None),
            }
        }
        let to = self.to;
        Ok(self.rows.peek().map(|(key, _)| key.as_slice()).filter(|key| *key <= to))
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Row>, StoreError> {
        let there = self.key()?.is_some();
        Ok(if there { self.rows.next() } else { None })
    }
}
