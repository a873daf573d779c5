//! What is wrong with a file, and which errors say so.

use edgepos_core::Space;
use rusqlite::ErrorCode;
use thiserror::Error;

use crate::ports::StoreError;

/// What is wrong with a file.
#[derive(Debug, Error)]
pub(in crate::sqlite_store) enum Damage {
    /// SQLite says so.
    #[error("its structure: {0}")]
    Structure(String),
    /// Its tables are not those of a till.
    #[error("its tables: {0}")]
    Tables(String),
    /// A row is not what was written.
    #[error("a row of space {space:?} is not what was written")]
    Row { space: Option<Space> },
    /// The write-ahead log is not what was written.
    #[error("its write-ahead log")]
    Log,
    /// No till has made it, as its header says.
    #[error("its header is no till's")]
    Foreign,
    /// It was found while a terminal ran on it.
    #[error("it was found while the terminal ran")]
    Found,
}

/// Whether an error says that the file is damaged, so that opening it again mends it.
pub(in crate::sqlite_store) fn is_damage(error: &StoreError) -> bool {
    let Some(source) = &error.source else { return false };
    let says = |error: &rusqlite::Error| match error.sqlite_error_code() {
        // What a file that is sound is asked has no error in it.
        Some(code) => {
            matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
        }
        // A column is not what was written into it.
        None => true,
    };
    source.is::<Damage>() || source.downcast_ref().is_some_and(says)
}
