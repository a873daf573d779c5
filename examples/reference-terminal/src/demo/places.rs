//! Where the files of a demo lie in its directory.

use std::path::{Path, PathBuf};

/// Where one terminal's or the cloud's file is.
pub(super) fn db_path(dir: &Path, terminal: Option<usize>) -> PathBuf {
    match terminal {
        Some(index) => dir.join(format!("terminal-{}.db", index + 1)),
        None => dir.join("cloud.db"),
    }
}

/// The manifest, which is written at the end.
pub(super) fn manifest_path(dir: &Path) -> PathBuf {
    dir.join("store.json")
}

/// The ledger of what tills were told.
pub(super) fn ledger_path(dir: &Path) -> PathBuf {
    dir.join("ledger.jsonl")
}
