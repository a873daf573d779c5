//! Where a native library may lie, and whether it is whole. A truncated one does not fail to load: the process dies
//! when it touches the missing page. So the file's own tables are checked against its length first.

mod image;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::integrity::{Sha256, open_regular};

/// Where to look for ONNX Runtime, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibrarySearch {
    candidates: Vec<Candidate>,
}

/// A file that may be the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    path: PathBuf,
    sha256: Option<Sha256>,
}

/// What the library is called on this system.
#[cfg(target_os = "windows")]
const NAME: &str = "onnxruntime.dll";
#[cfg(any(target_os = "macos", target_os = "ios"))]
const NAME: &str = "libonnxruntime.dylib";
#[cfg(not(any(target_os = "windows", target_os = "macos", target_os = "ios")))]
const NAME: &str = "libonnxruntime.so";

/// Most files of one directory that are considered: 8.
const MAX_PER_DIRECTORY: usize = 8;

impl LibrarySearch {
    /// Nowhere; add places.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// What most installations want: the file named by the environment variable `ORT_DYLIB_PATH`, then beside the
    /// executable, in its `lib`, and, except on Windows, where the system keeps its libraries (`/usr/local/lib`,
    /// `/usr/lib64`, `/usr/lib/<architecture>-linux-gnu`, `/usr/lib`). Never by bare name: the system's search order may
    /// put an old library first.
    #[must_use]
    pub fn standard() -> Self {
        Self::nowhere().then_standard()
    }

    /// Adds the places of [`LibrarySearch::standard`] behind those that are there: an explicit path first, then these.
    #[must_use]
    pub fn then_standard(self) -> Self {
        let mut search = self;
        if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
            search = search.file(PathBuf::from(path));
        }
        let executable = std::env::current_exe().ok();
        if let Some(directory) = executable.as_deref().and_then(Path::parent) {
            search = search.directory(directory).directory(&directory.join("lib"));
        }
        if cfg!(not(target_os = "windows")) {
            let own = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
            for directory in ["/usr/local/lib", "/usr/lib64", &own, "/usr/lib"] {
                search = search.directory(Path::new(directory));
            }
        }
        search
    }

    /// Adds one file.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.candidates.push(Candidate { path: path.into(), sha256: None });
        self
    }

    /// Adds one file that must have this digest.
    #[must_use]
    pub fn pinned(mut self, path: impl Into<PathBuf>, sha256: Sha256) -> Self {
        self.candidates.push(Candidate { path: path.into(), sha256: Some(sha256) });
        self
    }

    /// Adds what `directory` holds under the library's name, with or without a version behind it; the highest name
    /// first. A directory that does not exist adds nothing.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        let Ok(entries) = std::fs::read_dir(directory) else { return self };
        let mut found: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name == NAME || name.strip_prefix(NAME).is_some_and(|rest| rest.starts_with('.'))
            })
            .map(|entry| entry.path())
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(MAX_PER_DIRECTORY);
        self.candidates.extend(found.into_iter().map(|path| Candidate { path, sha256: None }));
        self
    }

    /// The files that would be tried, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> + '_ {
        self.candidates.iter().map(Candidate::path)
    }

    #[cfg_attr(not(feature = "onnxruntime"), allow(dead_code, reason = "the engine that loads is a feature"))]
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}

/// Why a file is not a library that may be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It cannot be read.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// What the system said.
        reason: String,
    },
    /// The path is not absolute: the system would search for it.
    #[error("the path is not absolute")]
    Relative,
    /// It is no shared library, or not of this system.
    #[error("not a shared library of this system")]
    NotALibrary,
    /// Its tables reach beyond its end.
    #[error("truncated: {found} bytes where its tables need {needed}")]
    Truncated {
        /// Bytes in the file.
        found: u64,
        /// Bytes that its tables point to.
        needed: u64,
    },
    /// Its digest is not the pinned one.
    #[error("sha-256 is {found}, pinned is {pinned}")]
    Digest {
        /// The digest asked for.
        pinned: Sha256,
        /// The digest of the file that is there.
        found: Sha256,
    },
}

/// Checks that a shared library is whole: an ELF, PE or Mach-O file whose segments and tables lie within it.
///
/// # Errors
/// [`ImageError`].
pub fn check_library(path: &Path) -> Result<(), ImageError> {
    Candidate { path: path.to_path_buf(), sha256: None }.check()
}

impl Candidate {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn check(&self) -> Result<(), ImageError> {
        let unreadable = |error: std::io::Error| ImageError::Unreadable { reason: error.to_string() };
        if !self.path.is_absolute() {
            return Err(ImageError::Relative);
        }
        let mut file = open_regular(&self.path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let needed = image::needed(&mut file).map_err(unreadable)?.ok_or(ImageError::NotALibrary)?;
        if needed > length {
            return Err(ImageError::Truncated { found: length, needed });
        }
        let Some(pinned) = self.sha256 else { return Ok(()) };
        let mut bytes = Vec::new();
        open_regular(&self.path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(unreadable)?;
        let found = Sha256::of(&bytes);
        if found == pinned { Ok(()) } else { Err(ImageError::Digest { pinned, found }) }
    }
}

/// No library could be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no ONNX Runtime library: {}", list(tried))]
#[non_exhaustive]
pub struct LibraryError {
    /// Every file that was looked at.
    pub tried: Vec<Tried>,
}

/// A file that did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tried {
    /// The library that was tried.
    pub path: PathBuf,
    /// Why it was not taken, in English.
    pub reason: String,
}

#[cfg_attr(not(feature = "onnxruntime"), allow(dead_code, reason = "the engine that loads is a feature"))]
impl Tried {
    pub(crate) fn new(path: &Path, error: &dyn std::error::Error) -> Self {
        Self { path: path.to_path_buf(), reason: error.to_string() }
    }
}

#[cfg_attr(not(feature = "onnxruntime"), allow(dead_code, reason = "the engine that loads is a feature"))]
impl LibraryError {
    pub(crate) fn new(tried: Vec<Tried>) -> Self {
        Self { tried }
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

fn list(tried: &[Tried]) -> String {
    if tried.is_empty() {
        return "none found where it was looked for".to_owned();
    }
    tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_not_searched_for() {
        assert_eq!(check_library(Path::new("libonnxruntime.so")), Err(ImageError::Relative));
    }

    #[test]
    fn a_directory_is_searched_highest_version_first() {
        let directory = tempfile::tempdir().unwrap();
        let touch = |name: String| std::fs::write(directory.path().join(name), b"").unwrap();
        for name in [NAME.to_owned(), format!("{NAME}.1"), format!("{NAME}.1.32.0"), format!("other{NAME}")] {
            touch(name);
        }
        let search = LibrarySearch::nowhere().directory(directory.path());
        let names: Vec<_> = search.paths().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, [format!("{NAME}.1.32.0"), format!("{NAME}.1"), NAME.to_owned()]);
        let none = LibrarySearch::nowhere().directory(&directory.path().join("missing"));
        assert_eq!(none.paths().count(), 0);
    }
}
