//! Where the files of a demo lie in its directory.

use std::path::{Path, PathBuf};

/// Where one terminal's or the cloud's file is.
pub(super) fn db_path(dir: &Path, terminal: Option<usize>) -> PathBuf {
    match terminal {
        Some(index) => dir.join(format!("terminal-{}.db", index + 1)),
        None => dir.join("cloud.db"),
    }
}

/// Where the store's authority is.
pub(super) fn authority_dir(dir: &Path) -> PathBuf {
    dir.join("authority")
}

/// Where one terminal's identity is.
pub(super) fn identity_dir(dir: &Path, terminal: usize) -> PathBuf {
    dir.join(format!("terminal-{}.identity", terminal + 1))
}

/// The manifest, which is written at the end.
pub(super) fn manifest_path(dir: &Path) -> PathBuf {
    dir.join("store.json")
}

/// The ledger of what tills were told.
pub(super) fn ledger_path(dir: &Path) -> PathBuf {
    dir.join("ledger.jsonl")
}
