//! How a till's file is opened: who may, what is checked before it is trusted, and how SQLite is set up.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::damaged;
use super::events::Events;
use super::failure::told;
use super::reserve::{LOG_BYTES, Reserve};
use super::tables::{PAGE_BYTES, bring_up_to_date, check_ours, make_tables};
use crate::ports::{StoreError, StoreFailure};

/// Length of the log from which on it is copied into the file.
const CHECKPOINT_BYTES: u32 = LOG_BYTES / 3 * 2;
/// How long a start waits for another program that holds the file.
pub(super) const START_PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a file that a start reads once over before it trusts it: some tenths of a second. A larger one is read while it is used.
const CHECKED_AT_START: u64 = 32 << 20;

/// Opens the file, or makes it, and takes from the reserve where the disk is full.
///
/// # Errors
/// Also where it is damaged, as far as that is seen at a start.
pub(super) fn open_sound(path: &Path, reserve: &mut Reserve) -> Result<(Connection, Events), StoreError> {
    let is_checked = path.metadata().is_ok_and(|file| (1..=CHECKED_AT_START).contains(&file.len()));
    let connection = loop {
        match connect(path, is_checked) {
            Err(error) if error.failure == StoreFailure::Full && reserve.give() => {}
            opened => break opened?,
        }
    };
    let events =
        Events::of(&connection).map_err(|error| told(format!("reading {}", path.display()), error))?;
    Ok((connection, events))
}

/// Opens the file, or makes it, and checks that it is one of ours, and where that is asked for that it is what was written.
pub(super) fn connect(path: &Path, is_checked: bool) -> Result<Connection, StoreError> {
    let place = path.display();
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db =
        Connection::open_with_flags(path, flags).map_err(|error| told(format!("opening {place}"), error))?;
    let failed = |error| told(format!("preparing {place}"), error);
    db.busy_timeout(START_PATIENCE).map_err(failed)?;
    // What is asked for with other values is planned once: SQLite as it is built here looks at the values, and plans each read anew.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
    // The log of a damaged file is not copied into it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    let made = check_ours(&db, path)?;
    if made.tables > 0 && is_checked {
        damaged::check(&db, path)?;
    }
    if made.tables == 0 {
        db.pragma_update(None, "page_size", PAGE_BYTES).map_err(failed)?;
    }
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::plain(format!("{place}: this file system allows no write-ahead log")));
    }
    db.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    let page: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(failed)?;
    db.query_row(&format!("PRAGMA wal_autocheckpoint = {}", CHECKPOINT_BYTES / page), [], |_| Ok(()))
        .map_err(failed)?;
    // What is erased is to leave the pages that are written anyway, and not only their index.
    db.pragma_update(None, "secure_delete", "FAST").map_err(failed)?;
    // A log that grew behind somebody's open query is cut when it begins anew.
    db.pragma_update(None, "journal_size_limit", LOG_BYTES).map_err(failed)?;
    if made.tables == 0 {
        make_tables(&db).map_err(failed)?;
    } else {
        bring_up_to_date(&db, made.format).map_err(failed)?;
    }
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    begin_log_anew(&db).map_err(failed)?;
    Ok(db)
}

/// A log that a crash has left is copied into the file, so that what a power cut left of its end is never taken for a part of what is
/// written next. Somebody who reads the file meanwhile is not waited for.
fn begin_log_anew(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(Duration::ZERO)?;
    // On a full disk the log stays as it is.
    drop(db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    db.busy_timeout(START_PATIENCE)
}

/// Takes the lock file beside `path`.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let doing = format!("locking {}", name.display());
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(|error| StoreError::new(doing.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::plain(format!("{} is in use by another process", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(StoreError::new(doing, error)),
    }
}
