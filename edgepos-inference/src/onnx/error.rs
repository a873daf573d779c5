//! Why the runtime did not do what it was asked.

use thiserror::Error;

use crate::library::ImageError;

/// An error of the binding keeps what was lent to the failed call, so only its text goes further.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(super) enum OnnxError {
    /// The file is not a library that may be loaded.
    #[error(transparent)]
    Library(#[from] ImageError),
    /// The runtime, or its binding, refused.
    #[error("{doing}: {said}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        said: String,
    },
    /// The binding panicked; the panic was contained.
    #[error("{doing}: the binding panicked")]
    Panicked {
        /// What was being done.
        doing: &'static str,
    },
}

impl OnnxError {
    /// For `map_err`: what the runtime said while doing this.
    pub(super) fn refused<E: ToString>(doing: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Refused { doing, said: error.to_string() }
    }
}
