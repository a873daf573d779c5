//! Files of an identity, of which a power cut leaves the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readers {
    /// Whoever may read the directory.
    All,
    /// Its owner alone, where the system knows such rights.
    Owner,
}

/// Writes a file, durable, in place of the one before. It is never there in part, nor with other rights.
///
/// # Errors
/// Those of the file system; the file before is untouched then.
pub fn write_durably(path: &Path, contents: &[u8], readers: Readers) -> io::Result<()> {
    let beside = path.with_extension("new");
    // One that a power cut has left may have other rights.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = open(&beside, readers)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The new name is durable with its directory; where a system cannot open one, a rename is as durable as it gets.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(directory) = File::open(directory.unwrap_or(Path::new("."))) {
        directory.sync_all()?;
    }
    Ok(())
}

fn open(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = readers;
    options.open(path)
}
