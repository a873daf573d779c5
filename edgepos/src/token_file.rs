//! Tokens in files: what a till shows its cloud, and what callers show a till.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use thiserror::Error;

/// Fewest characters: as many as 128 bits have in hexadecimal.
const SHORTEST: usize = 32;
/// Largest file that is read, in bytes.
const LONGEST: u64 = 256;

/// A file holds no token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It says too little or too much.
    #[error("expected {SHORTEST} to {LONGEST} characters without spaces, drawn at random")]
    Unfit,
    /// Whoever reads it has what it opens.
    #[error("others may read it: take their rights away (chmod 600)")]
    Exposed,
}

/// The token in a file: 32 to 256 printable ASCII characters, and blanks around them. Nobody but the file's owner may read it, where the
/// system knows such rights.
///
/// # Errors
/// [`TokenFileError`].
pub fn read_token(path: &Path) -> Result<String, TokenFileError> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    owner_only(&file)?;
    file.take(LONGEST + 1).read_to_string(&mut text)?;
    let token = text.trim();
    let fits = text.len() as u64 <= LONGEST
        && token.len() >= SHORTEST
        && token.bytes().all(|c| c.is_ascii_graphic());
    if fits { Ok(token.to_owned()) } else { Err(TokenFileError::Unfit) }
}

#[cfg(unix)]
fn owner_only(file: &fs::File) -> Result<(), TokenFileError> {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata()?.permissions().mode() & 0o077 == 0 { Ok(()) } else { Err(TokenFileError::Exposed) }
}

/// Who may read a file is the system's affair elsewhere.
#[cfg(not(unix))]
fn owner_only(_: &fs::File) -> Result<(), TokenFileError> {
    Ok(())
}
