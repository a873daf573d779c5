//! Bytes that are what the manifest says they are, checked before an engine sees them.
//!
//! Flipped weight bytes load without an error in every engine and answer wrongly, so the digest is not optional:
//! [`VerifiedBytes`] has no other way in.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256 as Hasher};
use thiserror::Error;

/// A SHA-256 digest (FIPS 180-4), written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Hasher::digest(bytes).into())
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

/// Not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a sha-256 digest is 64 hexadecimal digits")]
pub struct NotADigest;

impl TryFrom<String> for Sha256 {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(NotADigest);
        }
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, NotADigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(NotADigest),
    }
}

/// The content of a file whose size and SHA-256 were found to match. Engines accept nothing else.
#[derive(Clone)]
pub struct VerifiedBytes {
    bytes: Vec<u8>,
    sha256: Sha256,
    origin: PathBuf,
}

impl VerifiedBytes {
    /// Reads `path` and checks it. At most `size` + 1 bytes are read, whatever the file turns out to be.
    ///
    /// # Errors
    /// [`IntegrityError`], which always names the file.
    pub fn read(path: &Path, size: u64, sha256: Sha256) -> Result<Self, IntegrityError> {
        let name = || path.to_path_buf();
        let file = open_regular(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => IntegrityError::Missing { path: name() },
            _ => IntegrityError::Read { path: name(), source },
        })?;
        let mut bytes = Vec::new();
        file.take(size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|source| IntegrityError::Read { path: name(), source })?;
        Self::check(path, bytes, size, sha256)
    }

    /// Checks bytes that are in memory already (a download); `origin` is for messages.
    ///
    /// # Errors
    /// [`IntegrityError::Size`] or [`IntegrityError::Digest`].
    pub fn check(origin: &Path, bytes: Vec<u8>, size: u64, sha256: Sha256) -> Result<Self, IntegrityError> {
        let found = bytes.len() as u64;
        if found != size {
            return Err(IntegrityError::Size { path: origin.to_path_buf(), expected: size, found });
        }
        let digest = Sha256::of(&bytes);
        if digest != sha256 {
            return Err(IntegrityError::Digest {
                path: origin.to_path_buf(),
                expected: sha256,
                found: digest,
            });
        }
        Ok(Self { bytes, sha256, origin: origin.to_path_buf() })
    }

    /// The content of the file, as it was checked.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the content.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Where it came from, for messages.
    #[must_use]
    pub fn origin(&self) -> &Path {
        &self.origin
    }
}

impl fmt::Debug for VerifiedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBytes")
            .field("origin", &self.origin)
            .field("len", &self.bytes.len())
            .field("sha256", &self.sha256)
            .finish()
    }
}

/// Opens what is a regular file or leads to one. A pipe would wait for its writer for ever, and a device may never end.
pub(crate) fn open_regular(path: &Path) -> io::Result<std::fs::File> {
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() {
        // A directory gives the system's own error when it is read.
        return std::fs::File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

/// Why a file is not what the manifest says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// There is no such file.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file that was read.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file that was read.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The size differs: truncated when `found` is smaller. `found` stops counting at `expected` + 1.
    #[error("{} has {found} bytes where the manifest says {expected}: truncated or replaced", path.display())]
    Size {
        /// The file that was read.
        path: PathBuf,
        /// Bytes in the manifest.
        expected: u64,
        /// How many bytes the file has.
        found: u64,
    },
    /// The content differs.
    #[error("{} is damaged or was replaced: sha-256 is {found}, the manifest says {expected}", path.display())]
    Digest {
        /// The file that was read.
        path: PathBuf,
        /// The manifest's digest.
        expected: Sha256,
        /// The file's digest.
        found: Sha256,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_standards() {
        // FIPS 180-4, the one-block example "abc".
        let digest = Sha256::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(Sha256::try_from(text.to_uppercase()), Ok(digest));
        assert_eq!(Sha256::try_from("zz".repeat(32)), Err(NotADigest));
        assert_eq!(Sha256::try_from("ba".to_owned()), Err(NotADigest));
    }
}
