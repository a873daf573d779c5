//! What a till's file has before anything is written to it, which formats of it there are, and how a row is written.

use std::path::Path;

use edgepos_core::Space;
use rusqlite::{Connection, Transaction, params};

use super::damaged::damage::Damage;
use super::events;
use super::failure::told;
use super::packed::{self, FORMAT_WITH_BLOCKS};
use super::sums;
use crate::ports::StoreError;

/// Marks the file as ours: `EPOS`.
pub(super) const APPLICATION_ID: i32 = 0x4550_4F53;
/// Version of the file. In version 1 each counter row was written with its event; from version 2 on rows may be behind, which a reader
/// of version 1 would take for wrong counts. From version 3 on payloads are packed, each with the number of its dictionary. A file of an
/// earlier version is marked when it is opened.
pub(super) const FORMAT: i32 = 3;
/// Version of a file that has segments: its `events` are not all of its events. It is marked when the first is written, so that until
/// then an earlier version of this SDK can be put back.
pub(super) const FORMAT_WITH_SEGMENTS: i32 = 4;
/// More formats than there will ever be: a number from here on is no version's.
pub(super) const FORMATS: i32 = 256;
/// Bytes of a page in new files. A sale touches a few rows in a few places, and each page that it touches is written whole, to the log
/// and again to the file: SQLite's 4,096 bytes are twice as many a sale. An event that is longer goes on in pages of its own.
pub(super) const PAGE_BYTES: u32 = 1_024;
/// The table beside those of the events.
pub(super) const ROWS: &str = "
    CREATE TABLE rows (
        space INTEGER NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (space, key)
    ) WITHOUT ROWID;
";
/// The sum of each row, which earlier versions neither write nor read: a row that has none is taken as it is.
pub(super) const SUMS: &str = "ALTER TABLE rows ADD COLUMN sum INTEGER;";
/// In one transaction: half a store must not be taken for a store.
pub(super) fn make_tables(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {FORMAT};
         {}
         {ROWS}
         {SUMS}
         COMMIT;",
        events::TABLES
    ))
}

/// Adds what earlier versions did not write. What there is tells what is lacking: a number in the header may be damaged.
pub(super) fn bring_up_to_date(db: &Connection, format: i32) -> rusqlite::Result<()> {
    let lacks = |table: &str, column: &str| {
        let sql = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";
        db.query_row(sql, [table, column], |row| row.get::<_, i64>(0)).map(|columns| columns == 0)
    };
    let mut steps = String::new();
    if lacks("events", "dictionary")? {
        steps += events::SINCE_3;
    }
    if lacks("rows", "sum")? {
        steps += SUMS;
    }
    if format < FORMAT {
        let format = match (lacks("blocks", "id")?, lacks("segments", "id")?) {
            (false, _) => FORMAT_WITH_BLOCKS,
            (true, false) => FORMAT_WITH_SEGMENTS,
            (true, true) => FORMAT,
        };
        steps += &format!("PRAGMA user_version = {format};");
    }
    if steps.is_empty() {
        return Ok(());
    }
    db.execute_batch(&format!("BEGIN IMMEDIATE; {steps} COMMIT;"))
}

/// What a file was made as.
pub(super) struct Made {
    pub(super) tables: i64,
    pub(super) format: i32,
}

/// Refuses a file of another program or of a later version; one without tables is nobody's yet.
pub(super) fn check_ours(db: &Connection, path: &Path) -> Result<Made, StoreError> {
    let place = path.display();
    let failed = |error| told(format!("reading {place}"), error);
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let owner: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(failed)?;
    let format: i32 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if tables > 0 && owner != APPLICATION_ID {
        return Err(StoreError::new(format!("{place} is a database of another program"), Damage::Foreign));
    }
    let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).map_err(failed)?;
    if tables == 0 && pages > 1 {
        return Err(StoreError::new(format!("reading {place}"), Damage::Tables("there are none".into())));
    }
    if !(0..FORMATS).contains(&format) {
        return Err(StoreError::new(format!("reading {place}"), Damage::Tables(format!("format {format}"))));
    }
    if format > FORMAT_WITH_BLOCKS {
        return Err(StoreError::plain(format!(
            "{place} has format {format}; this version reads up to {FORMAT_WITH_BLOCKS}"
        )));
    }
    if tables > 0 && format >= FORMAT_WITH_BLOCKS && !packed::has_table(db).map_err(failed)? {
        return Err(StoreError::new(format!("reading {place}"), Damage::Tables("blocks are gone".into())));
    }
    Ok(Made { tables, format })
}

pub(super) fn put_row(
    transaction: &Transaction<'_>,
    space: Space,
    key: &[u8],
    value: &[u8],
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO rows (space, key, value, sum) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![space.code(), key, value, sums::of_row(space.code(), key, value)])?;
    Ok(())
}
