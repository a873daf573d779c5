//! The files beside a store, and how one takes the place of another for good.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::ports::StoreError;

/// The file beside it whose name goes on with this.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Takes the place of what is there.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to)
        .map_err(|error| StoreError::new(format!("renaming {} to {}", from.display(), to.display()), error))
}

/// A rename lasts through a power cut once the folder is flushed. Windows knows no such flush.
pub(super) fn flush_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) {
        let flushed = File::open(folder).and_then(|folder| folder.sync_all());
        flushed.map_err(|error| StoreError::new(format!("flushing {}", folder.display()), error))?;
    }
    Ok(())
}
