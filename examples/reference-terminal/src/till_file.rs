//! Whether a file is one of a till, before anything of it is read: what else it is, and what was expected.

use edgepos::SqliteStore;
use rusqlite::{Connection, ErrorCode};
use thiserror::Error;

/// A file is none of a till that this version reads.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotATill {
    /// There is nothing in it.
    #[error(
        "is an empty file, and no till's; expected the SQLite file that a configuration names as `database`"
    )]
    Empty,
    /// SQLite does not know it.
    #[error("is no SQLite file; expected the one that a till's configuration names as `database`")]
    NotSqlite,
    /// It is the chain's.
    #[error("is the file of a cloud; expected that of a till, which its configuration names as `database`")]
    Cloud,
    /// Somebody else's.
    #[error(
        "is the database of another program; expected the one that a till's configuration names as `database`"
    )]
    Foreign,
    /// It says that it is a till's, and has none of its tables.
    #[error("is a till's file without its table of events: start the terminal, which mends it")]
    NoEvents,
    /// A later version has written it.
    #[error("has format {found}, of a later version; this one reads up to {latest}", latest = SqliteStore::LATEST_FORMAT)]
    Later {
        /// The format that it has.
        found: i32,
    },
    /// It cannot be read.
    #[error("{0}")]
    Read(#[from] rusqlite::Error),
}

/// Refuses a file that is none of a till, or of a later version.
pub(crate) fn check(db: &Connection) -> Result<(), NotATill> {
    let tables = count(db, "1").map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => NotATill::NotSqlite,
        _ => NotATill::Read(error),
    })?;
    let owner: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found: i32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match (tables, owner == SqliteStore::APPLICATION_ID) {
        (0, false) => Err(NotATill::Empty),
        (_, false) if count(db, "name IN ('store', 'batch', 'event')")? == 3 => Err(NotATill::Cloud),
        (_, false) => Err(NotATill::Foreign),
        (_, true) if found > SqliteStore::LATEST_FORMAT => Err(NotATill::Later { found }),
        (_, true) if count(db, "name = 'events'")? == 0 => Err(NotATill::NoEvents),
        (_, true) => Ok(()),
    }
}

/// How many tables are such.
fn count(db: &Connection, are: &str) -> rusqlite::Result<i64> {
    let sql = format!("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND {are}");
    db.query_row(&sql, [], |row| row.get(0))
}
