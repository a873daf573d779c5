//! Where new models come from: the port for downloads that a vendor fills with its own transport.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

use crate::integrity::open_regular;

/// A published set of models: a directory of files, read from any place on.
///
/// An implementation over HTTP asks for `Range: bytes=offset-`. Whatever it delivers is checked against the manifest's
/// sizes and digests, and the manifest against the trusted keys, so that the transport need not be trusted.
/// [`check_source`] tells whether an implementation keeps to this.
pub trait ModelSource: Send + Sync {
    /// Opens `file` (a relative path with `/` between names) at byte `offset`, which may be the end.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such file; [`io::ErrorKind::Unsupported`] when the source cannot
    /// start in the middle, and the caller starts again from 0; any other kind is an interruption, tried again later.
    fn open(&self, file: &str, offset: u64) -> io::Result<Box<dyn Read + '_>>;
}

/// A set in a directory: a stick, a share, a mirror on the store's own network.
#[derive(Clone, Debug)]
pub struct DirectorySource {
    directory: PathBuf,
}

impl DirectorySource {
    /// The set in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }
}

impl ModelSource for DirectorySource {
    fn open(&self, file: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut file = open_regular(&self.directory.join(file))?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }
}

/// How a source breaks the port.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file cannot be read from its beginning.
    #[error("{file} cannot be read")]
    Unreadable {
        /// The name that was asked for.
        file: String,
        /// What the source said.
        source: io::Error,
    },
    /// Other bytes came than the file has.
    #[error("{file}, from byte {offset} on: {found} bytes came, and they are not those of the file")]
    OtherBytes {
        /// The name that was asked for.
        file: String,
        /// From where on it was read.
        offset: usize,
        /// How many bytes came.
        found: usize,
    },
    /// The file cannot be read from a place within it or at its end, and the source does not say that it cannot start there.
    #[error("{file} cannot be read from byte {offset} on")]
    Offset {
        /// The name that was asked for.
        file: String,
        /// From where on it was read.
        offset: usize,
        /// What the source said.
        source: io::Error,
    },
    /// A file that does not exist was opened.
    #[error("{file} does not exist and was opened")]
    NotMissing {
        /// The name that was asked for.
        file: String,
    },
    /// A file that does not exist is told by another error than [`io::ErrorKind::NotFound`].
    #[error("{file} does not exist, and another error says so")]
    Missing {
        /// The name that was asked for.
        file: String,
        /// What the source said.
        source: io::Error,
    },
}

/// A name that no set of models has.
const NO_SUCH_FILE: &str = "no-such-file";

/// Checks that a source behaves as [`ModelSource`] says, on a `file` that has `content` (at least 2 bytes).
///
/// # Errors
/// [`SourceError`]: what it does otherwise, with the file and the place.
pub fn check_source(source: &dyn ModelSource, file: &str, content: &[u8]) -> Result<(), SourceError> {
    let name = || file.to_owned();
    let read = |offset: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        source.open(file, offset)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    for offset in [0, 1, content.len() / 2, content.len() - 1, content.len()] {
        match read(offset as u64) {
            Ok(bytes) if bytes == content[offset..] => {}
            Ok(bytes) => return Err(SourceError::OtherBytes { file: name(), offset, found: bytes.len() }),
            Err(source) if offset == 0 => return Err(SourceError::Unreadable { file: name(), source }),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(source) => return Err(SourceError::Offset { file: name(), offset, source }),
        }
    }
    match source.open(NO_SUCH_FILE, 0).map(|_| ()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(SourceError::Missing { file: NO_SUCH_FILE.to_owned(), source }),
        Ok(()) => Err(SourceError::NotMissing { file: NO_SUCH_FILE.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_keeps_to_the_port_and_does_not_lead_out() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("m.onnx"), b"weights").unwrap();
        let source = DirectorySource::new(directory.path());
        check_source(&source, "m.onnx", b"weights").unwrap();
        let other = check_source(&source, "m.onnx", b"others").unwrap_err();
        assert!(matches!(other, SourceError::OtherBytes { offset: 0, found: 7, .. }), "{other}");
        let gone = check_source(&source, "n.onnx", b"weights").unwrap_err();
        assert!(matches!(gone, SourceError::Unreadable { .. }), "{gone}");
        for outside in ["../m.onnx", "/etc/passwd"] {
            assert!(source.open(outside, 0).is_err(), "{outside}");
        }
    }

    /// What is wrong with a source.
    enum Wrong {
        IgnoresTheOffset,
        FailsInTheMiddle,
        OpensWhatIsMissing,
        SaysOtherwise,
    }

    impl ModelSource for Wrong {
        fn open(&self, file: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
            let from = if matches!(self, Self::IgnoresTheOffset) { 0 } else { offset as usize };
            match self {
                Self::FailsInTheMiddle if offset > 1 => Err(io::ErrorKind::BrokenPipe.into()),
                Self::SaysOtherwise if file != "m" => Err(io::ErrorKind::PermissionDenied.into()),
                Self::OpensWhatIsMissing => Ok(Box::new(&b"weights"[from..])),
                _ if file != "m" => Err(io::ErrorKind::NotFound.into()),
                _ => Ok(Box::new(&b"weights"[from..])),
            }
        }
    }

    #[test]
    fn a_source_that_breaks_the_port_is_told_where() {
        let told = |wrong: Wrong| check_source(&wrong, "m", b"weights").unwrap_err();
        let ignored = told(Wrong::IgnoresTheOffset);
        assert!(matches!(ignored, SourceError::OtherBytes { offset: 1, found: 7, .. }), "{ignored}");
        let failed = told(Wrong::FailsInTheMiddle);
        assert!(matches!(failed, SourceError::Offset { offset: 3, .. }), "{failed}");
        assert!(matches!(told(Wrong::OpensWhatIsMissing), SourceError::NotMissing { .. }));
        assert!(matches!(told(Wrong::SaysOtherwise), SourceError::Missing { .. }));
    }
}
