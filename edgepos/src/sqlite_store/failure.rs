//! What SQLite's errors say about a store.

use rusqlite::ErrorCode;

use crate::ports::{StoreError, StoreFailure};

/// The error of a call to SQLite.
pub(super) fn told(doing: String, error: rusqlite::Error) -> StoreError {
    let failure = failure(&error);
    StoreError::new(doing, error).of_kind(failure)
}

/// What may be done about it. A write that finds the disk full is rolled back, and so is one that finds no room for the index of the
/// write-ahead log; one that was written and could not be flushed is in doubt.
fn failure(error: &rusqlite::Error) -> StoreFailure {
    let Some(error) = error.sqlite_error() else { return StoreFailure::Fatal };
    match error.code {
        ErrorCode::DatabaseBusy | ErrorCode::FileLockingProtocolFailed => StoreFailure::Busy,
        ErrorCode::DiskFull => StoreFailure::Full,
        _ if error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => StoreFailure::Full,
        _ => StoreFailure::Fatal,
    }
}
