//! Whether a file is what was written: SQLite's own look at its structure, its tables, and the checksum of each row.

use std::path::Path;

use edgepos_core::Space;
use rusqlite::Connection;

use super::damage::Damage;
use super::image::Image;
use super::shape::{Shape, State};
use super::tree::Page;
use crate::ports::StoreError;
use crate::sqlite_store::failure::told;
use crate::sqlite_store::packed::{self, Block};
use crate::sqlite_store::places::beside;
use crate::sqlite_store::sums;
use crate::sqlite_store::tables::APPLICATION_ID;

/// Pages that are looked at for a row of a till.
const LOOKED_AT: u32 = 1_024;

/// Tables with the columns that are read by their names, and where each is in the primary key.
const COLUMNS: [(&str, &[(&str, i64)]); 5] = [
    ("rows", &[("space", 1), ("key", 2), ("value", 0)]),
    ("chains", &[("no", 1), ("key", 0)]),
    (
        "segments",
        &[("id", 1), ("first", 0), ("last", 0), ("hash", 0), ("digest", 0), ("batch", 0), ("terminal", 0)],
    ),
    ("blocks", &[("id", 1), ("space", 0), ("first", 0), ("sum", 0), ("body", 0)]),
    (
        "events",
        &[
            ("terminal", 0),
            ("incarnation", 0),
            ("lane", 0),
            ("seq", 0),
            ("kind", 0),
            ("kind_name", 0),
            ("utc_ms", 0),
            ("business_day", 0),
            ("workstation", 0),
            ("series", 0),
            ("number", 0),
            ("total", 0),
            ("currency", 0),
            ("hash", 0),
            ("payload", 0),
        ],
    ),
];

/// Reads the whole file once.
///
/// # Errors
/// What is damaged first, or why it cannot be read.
pub(in crate::sqlite_store) fn check(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let damaged = |damage| StoreError::new(format!("checking {}", path.display()), damage);
    let failed = |error: rusqlite::Error| told(format!("checking {}", path.display()), error);
    // Before its tables: one that the file does not name is not looked at.
    let sound: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound != "ok" {
        return Err(damaged(Damage::Structure(sound)));
    }
    tables(db).map_err(failed)?.map_or(Ok(()), |said| Err(damaged(Damage::Tables(said))))?;
    for look in [wrong_row, wrong_block] {
        if let Some(space) = look(db).map_err(failed)? {
            return Err(damaged(Damage::Row { space }));
        }
    }
    match wrong_chain(db).map_err(failed)? {
        Some(said) => Err(damaged(Damage::Tables(said))),
        None => Ok(()),
    }
}

/// What is wrong with the tables.
fn tables(db: &Connection) -> rusqlite::Result<Option<String>> {
    let is_numbered = columns(db, "chains")?.iter().any(|(name, _)| name == "no");
    let has = |table: &str| columns(db, table).map(|columns| !columns.is_empty());
    let (has_segments, has_blocks) = (has("segments")?, has("blocks")?);
    for (table, wanted) in COLUMNS {
        let there = columns(db, table)?;
        let is_optional = match table {
            "chains" => !is_numbered,
            "segments" => !has_segments,
            "blocks" => !has_blocks,
            _ => false,
        };
        let lacks =
            |(name, at): &&(&str, i64)| !there.iter().any(|(column, key)| column == name && key == at);
        if let Some((name, _)) = wanted.iter().find(lacks).filter(|_| !is_optional) {
            return Ok(Some(format!("{table} has no {name}")));
        }
        if table == "events" {
            let first = if is_numbered { ("id".to_owned(), 1) } else { ("key".to_owned(), 1) };
            if !there.contains(&first) || !there.iter().any(|(name, _)| name == "key") {
                return Ok(Some("events are not numbered as chains are".into()));
            }
        }
    }
    let names = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('chains', 'segments')";
    let named: i64 = db.query_row(names, [], |row| row.get(0))?;
    let used = "SELECT count(*) FROM events WHERE id IS NULL";
    if named == 0 && !is_numbered {
        return Ok(None);
    }
    let lost: i64 = db.query_row(used, [], |row| row.get(0))?;
    Ok((lost > 0).then(|| "events have no numbers".into()))
}

fn columns(db: &Connection, table: &str) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = db.prepare_cached("SELECT name, pk FROM pragma_table_info(?1)")?;
    statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The space of the first row whose sum is another.
fn wrong_row(db: &Connection) -> rusqlite::Result<Option<Option<Space>>> {
    let has_sums = columns(db, "rows")?.iter().any(|(name, _)| name == "sum");
    let sum = if has_sums { "sum" } else { "NULL" };
    let mut statement = db.prepare(&format!("SELECT space, key, value, {sum} FROM rows"))?;
    let mut rows = statement.query([])?;
    // By their keys, as the table lies: one that stands in another place is not found by its key, which SQLite's look does not see.
    let mut before = None;
    while let Some(row) = rows.next()? {
        let [space, sum] = [0, 3].map(|at| row.get::<_, Option<i64>>(at).ok());
        let [key, value] = [1, 2].map(|at| row.get_ref(at).ok().and_then(|column| column.as_blob().ok()));
        let code = space.flatten().and_then(|space| u8::try_from(space).ok());
        let (Some(code), Some(key), Some(value), Some(sum)) = (code, key, value, sum) else {
            return Ok(Some(None));
        };
        let this = Some((code, key.to_vec()));
        if before >= this || !sums::fits(code, key, value, sum) {
            return Ok(Some(Space::from_code(code)));
        }
        before = this;
    }
    Ok(None)
}

/// The space of the first block whose sum is another, or which reaches behind the beginning of the next.
fn wrong_block(db: &Connection) -> rusqlite::Result<Option<Option<Space>>> {
    if !packed::has_table(db)? {
        return Ok(None);
    }
    let mut statement = db.prepare("SELECT id, first, body, sum, space FROM blocks ORDER BY space, first")?;
    let mut blocks = statement.query([])?;
    let mut before: Option<(u8, Vec<u8>)> = None;
    while let Some(row) = blocks.next()? {
        let code = row.get::<_, Option<i64>>(4).ok().flatten().and_then(|space| u8::try_from(space).ok());
        let block = Block::read(row).ok();
        let (Some(code), Some(block)) = (code, block) else { return Ok(Some(None)) };
        let space = Space::from_code(code);
        let Some(rows) = block.rows(code) else { return Ok(Some(space)) };
        let this = rows.into_iter().next_back().map(|(last, _)| (code, last));
        if before.is_some_and(|before| before >= (code, block.first)) {
            return Ok(Some(space));
        }
        before = this;
    }
    Ok(None)
}

/// What is wrong with the numbers of chains: the first event of each says whose it is.
fn wrong_chain(db: &Connection) -> rusqlite::Result<Option<String>> {
    if columns(db, "chains")?.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT no FROM chains WHERE length(key) <> 9 OR typeof(key) <> 'blob' OR key <> coalesce(
         (SELECT substr(key, 1, 9) FROM events WHERE id BETWEEN no << 40 AND ((no + 1) << 40) - 1 LIMIT 1), key)
         OR key NOT IN (SELECT key FROM chains INDEXED BY sqlite_autoindex_chains_1) LIMIT 1";
    let mut statement = db.prepare(sql)?;
    let mut found = statement.query([])?;
    Ok(found
        .next()?
        .map(|row| row.get::<_, i64>(0))
        .transpose()?
        .map(|no| format!("chain {no} is another's")))
}

/// Whether a file that SQLite does not take for ours is all the same: its header says so, or it has a row of a till.
pub(in crate::sqlite_store) fn is_ours(path: &Path) -> bool {
    let Ok(image) = Image::open(path, &beside(path, "-wal")) else { return false };
    let says = |page: &Vec<u8>| page.get(68..72) == Some(APPLICATION_ID.to_be_bytes().as_slice());
    let has_row = |no| {
        let page = Page::read(&image, no);
        let mut rows = page.into_iter().flat_map(Page::into_rows);
        rows.any(|row| matches!(Shape::of(&row), Some(Shape::Row { state: State::Proved, .. })))
    };
    image.page(1).as_ref().is_some_and(says) || (1..=image.pages().min(LOOKED_AT)).any(has_row)
}
