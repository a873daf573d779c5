//! Why files cannot be compared at all.

use std::path::PathBuf;

use thiserror::Error;

use crate::demo::ledger::LedgerError;

/// The files cannot be compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file or directory that it concerns.
        path: PathBuf,
        /// What the call beneath it says.
        source: rusqlite::Error,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The directory is none of a demo.
    #[error("{}: {reason}", path.display())]
    NoDemo {
        /// The file or directory that it concerns.
        path: PathBuf,
        /// What stood in the way, in words.
        reason: String,
    },
}
