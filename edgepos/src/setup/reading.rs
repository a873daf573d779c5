//! Files of bounded size.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The text of a file; one that is larger than 1 MiB is an error.
pub(super) fn limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}
