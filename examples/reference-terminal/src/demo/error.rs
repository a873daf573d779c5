//! Why a demo could not be done.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use edgepos_authority::AuthorityError;
use thiserror::Error;

use super::process::GaveUp;
use super::verify::VerifyError;
use crate::replay::CsvError;

/// A demo could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The baskets do not read.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The report cannot be written there.
    #[error("{}: the report cannot be written: {source}", path.display())]
    Report {
        /// Where it should have gone.
        path: PathBuf,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// Files cannot be kept there.
    #[error("{}: files cannot be kept there: {reason}", path.display())]
    Dir {
        /// Where it should have gone.
        path: PathBuf,
        /// What stood in the way, in words.
        reason: String,
    },
    /// A port is in use.
    #[error("cannot listen on {address}: {source}")]
    Port {
        /// The address whose port is in use.
        address: SocketAddr,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// The ports would be beyond the last one.
    #[error("{terminals} terminals do not fit above port {base}: ports end at 65535")]
    NoSuchPorts {
        /// The cloud's port, the lowest of all.
        base: u16,
        /// How many terminals.
        terminals: usize,
    },
    /// A process does not start.
    #[error("{}", .0)]
    Start(StartFailure),
    /// This machine does not give what it takes.
    #[error("{what}: {source}")]
    Io {
        /// What could not be done.
        what: String,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// Its terminals cannot be given certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The files cannot be compared.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The store cannot go on.
    #[error("{0}")]
    Broken(String),
}

/// A process that was given up.
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct StartFailure {
    reason: String,
    usage: bool,
}

impl DemoError {
    pub(super) fn io(what: impl Display, source: io::Error) -> Self {
        Self::Io { what: what.to_string(), source }
    }

    /// Whether what was asked for is at fault: nothing was done then.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Csv(_)
            | Self::Report { .. }
            | Self::Dir { .. }
            | Self::Port { .. }
            | Self::NoSuchPorts { .. } => true,
            Self::Start(failure) => failure.usage,
            Self::Verify(VerifyError::NoDemo { .. }) => true,
            _ => false,
        }
    }
}

impl From<GaveUp> for DemoError {
    fn from(gave_up: GaveUp) -> Self {
        Self::Start(StartFailure { reason: gave_up.to_string(), usage: gave_up.usage })
    }
}
