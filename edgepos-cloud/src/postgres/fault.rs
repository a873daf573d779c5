//! What a failure of PostgreSQL means to whoever asked.

use std::error::Error;

use tokio_postgres::error::{Severity, SqlState};

use crate::ingest::IngestError;

/// The server is not there, or not for writing.
pub(super) fn away(error: tokio_postgres::Error) -> IngestError {
    IngestError::Away(Box::new(error))
}

/// Whether asking again may help: the connection is gone, the server stops, starts, is full, or was demoted, or a transaction was taken
/// back.
pub(super) fn sql_error(error: tokio_postgres::Error) -> IngestError {
    let Some(db) = error.as_db_error() else {
        let is_connection =
            error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>());
        return if is_connection { away(error) } else { IngestError::Database(Box::new(error)) };
    };
    let code = db.code();
    let passes = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::QUERY_CANCELED,
    ];
    let fatal = matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    if fatal || passes.contains(code) || code.code().starts_with("08") {
        away(error)
    } else {
        IngestError::Database(Box::new(error))
    }
}
