//! Why a command did not do what it was asked.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use thiserror::Error;

/// What went wrong, with the file or program that it is about.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The command line is not one of ours; says how it is used.
    #[error("{0}")]
    Usage(String),
    /// A file or directory cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Where it lies.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What would be made is there already.
    #[error("{} exists; {why}", path.display())]
    Exists {
        /// Where it lies.
        path: PathBuf,
        /// Why it is left alone.
        why: &'static str,
    },
    /// A file that is made from others, and is not as they make it.
    #[error("{path} is not what the source makes: run `{remedy}`")]
    Stale {
        /// The file, from the root of the checkout.
        path: &'static str,
        /// The command that makes it.
        remedy: &'static str,
    },
    /// The C header cannot be made.
    #[error("the C header")]
    Header(#[source] Box<dyn Error + Send + Sync>),
    /// The models, their manifest or its signature are not as they should be.
    #[error("the models")]
    Models(#[source] Box<dyn Error + Send + Sync>),
    /// A key cannot be used.
    #[error("the key {}", path.display())]
    Key {
        /// Where it lies.
        path: PathBuf,
        /// What the reader of keys said.
        source: minisign::PError,
    },
    /// Nothing could be signed.
    #[error("signing")]
    Signing(#[from] minisign::PError),
    /// A program is not there or did not do what it was asked.
    #[error("{call}: {status}")]
    Program {
        /// The program with its arguments.
        call: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A patch does not say which promise it breaks, who finds it, and within what.
    #[error("{} lacks `breaks:`, `finder:` or `within:` before the patch", path.display())]
    Mutant {
        /// Where it lies.
        path: PathBuf,
    },
    /// Faults were planted and nobody found them.
    #[error("nobody finds {mutants}")]
    Unfound {
        /// The names of their patches.
        mutants: String,
    },
    /// Python cannot be started.
    #[error("cannot start Python")]
    NoPython(#[source] std::io::Error),
    /// A package is not what was expected.
    #[error("{package} has no {what}")]
    Package {
        /// The package with its version.
        package: &'static str,
        /// What is missing in it.
        what: &'static str,
    },
}

impl Failure {
    /// For `map_err`: what the system said of a file.
    pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_path_buf(), source }
    }

    /// For `map_err`: what the checks of a till said.
    pub(crate) fn models(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Models(Box::new(error))
    }
}
