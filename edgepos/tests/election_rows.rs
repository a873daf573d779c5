//! The rows of an election survive on SQLite: every crash between a write and its report, and a write-ahead log torn in the middle.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use edgepos::core::{Persist, PersistId, Space, Write};
use edgepos::{Rows, SqliteStore, Store};
use edgepos_consensus::conformance::{RowStore, persisted_form};
use tempfile::TempDir;

const WAL: &str = "till.db-wal";

/// A store whose power can be cut: the files are copied as they are at that moment, and opened elsewhere.
struct Till {
    folder: TempDir,
    lives: u32,
    store: SqliteStore,
}

impl Till {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("0"));
        Self { folder, lives: 0, store }
    }

    fn home(&self, life: u32) -> PathBuf {
        self.folder.path().join(life.to_string())
    }

    fn wal(&self) -> u64 {
        fs::metadata(self.home(self.lives).join(WAL)).unwrap().len()
    }

    /// The power fails when the write-ahead log is this long on the disk.
    fn cut(&mut self, wal: u64) {
        let (old, new) = (self.home(self.lives), self.home(self.lives + 1));
        fs::create_dir(&new).unwrap();
        for file in ["till.db", WAL] {
            fs::copy(old.join(file), new.join(file)).unwrap();
        }
        fs::OpenOptions::new().write(true).open(new.join(WAL)).unwrap().set_len(wal).unwrap();
        self.lives += 1;
        self.store = open(&new);
    }
}

fn open(home: &Path) -> SqliteStore {
    fs::create_dir_all(home).unwrap();
    SqliteStore::open(&home.join("till.db")).unwrap()
}

impl RowStore for Till {
    fn commit(&mut self, writes: &[Write]) {
        self.store.commit(&[Persist { id: PersistId(1), writes: writes.to_vec() }]).unwrap();
    }

    fn commit_and_crash(&mut self, writes: &[Write], reached: usize) {
        let before = self.wal();
        self.commit(writes);
        let written = self.wal().checked_sub(before).expect("the log grows");
        self.cut(before + written * reached as u64 / writes.len() as u64);
    }

    fn crash(&mut self) {
        self.cut(self.wal());
    }

    fn rows(&self, space: Space) -> Rows {
        self.store.scan(space, &[], &[255; 64], u32::MAX).unwrap()
    }
}

#[test]
fn the_store_on_sqlite_keeps_an_election() {
    persisted_form(&mut || Box::new(Till::new()));
}

/// The cuts are real ones: a log cut to nothing has lost the batch, a whole one has it.
#[test]
fn a_cut_log_loses_what_was_cut() {
    let row = [Write::put(Space::Election, "a", "b")];
    for (reached, kept) in [(0, 0), (1, 1)] {
        let mut till = Till::new();
        till.commit_and_crash(&row, reached);
        assert_eq!(till.rows(Space::Election).len(), kept);
    }
}
