//! Where new models come from: the port for downloads that a vendor fills with its own transport.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

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

/// Checks that a source behaves as [`ModelSource`] says, on a `file` that has `content` (at least 2 bytes).
///
/// # Errors
/// What it does otherwise, in words.
pub fn check_source(source: &dyn ModelSource, file: &str, content: &[u8]) -> Result<(), String> {
    let read = |offset: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        source.open(file, offset)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    if read(0).map_err(|error| format!("{file} cannot be read: {error}"))? != content {
        return Err(format!("{file} does not have the content that it should have"));
    }
    for offset in [1, content.len() / 2, content.len() - 1, content.len()] {
        match read(offset as u64) {
            Ok(bytes) if bytes == content[offset..] => {}
            Ok(bytes) => {
                return Err(format!("from byte {offset} on {} bytes came that are others", bytes.len()));
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(error) => return Err(format!("byte {offset} cannot be reached: {error}")),
        }
    }
    match source.open("no-such-file", 0).map(|_| ()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("a file that is missing is another error: {error}")),
        Ok(()) => Err("a file that is missing is delivered".to_owned()),
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
        assert_eq!(check_source(&source, "m.onnx", b"weights"), Ok(()));
        assert!(check_source(&source, "m.onnx", b"others").is_err());
        for outside in ["../m.onnx", "/etc/passwd"] {
            assert!(source.open(outside, 0).is_err(), "{outside}");
        }
    }

    #[test]
    fn a_source_that_ignores_the_offset_is_found_out() {
        struct FromTheStart;
        impl ModelSource for FromTheStart {
            fn open(&self, file: &str, _: u64) -> io::Result<Box<dyn Read + '_>> {
                if file == "m" { Ok(Box::new(&b"weights"[..])) } else { Err(io::ErrorKind::NotFound.into()) }
            }
        }
        assert!(check_source(&FromTheStart, "m", b"weights").unwrap_err().contains("from byte 1 on"));
    }
}
