//! What of the write-ahead log is flushed to the device: every commit, and with it what was only written before.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use edgepos_core::{Persist, Write};
use rusqlite::Connection;

use crate::ports::StoreError;

/// How the connection ends transactions, and whether any of the log waits for a flush.
#[derive(Debug)]
pub(super) struct Flushes {
    log: PathBuf,
    /// Whether each transaction ends with a flush, as the connection is set.
    each: bool,
    /// Whether something was written and not flushed.
    behind: bool,
}

impl Flushes {
    /// Of the store at this path, whose connection flushes each transaction.
    pub(super) fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self { log: log.into(), each: true, behind: false }
    }

    /// From here on each transaction ends with a flush, or none does.
    pub(super) fn set(&mut self, connection: &Connection, each: bool) -> rusqlite::Result<()> {
        if self.each != each {
            connection.pragma_update(None, "synchronous", if each { "FULL" } else { "NORMAL" })?;
            self.each = each;
        }
        Ok(())
    }

    /// The transaction of this group has ended.
    ///
    /// # Errors
    /// When the log cannot be flushed: what of it is on the device is in doubt.
    pub(super) fn ended(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        if !self.each {
            self.behind = true;
            return Ok(());
        }
        // A transaction that changes nothing writes nothing to the log, and flushes nothing.
        let puts = |write: &Write| matches!(write, Write::Put { .. });
        let flushed = group.iter().flat_map(|persist| &persist.writes).any(puts);
        if self.behind && !flushed {
            // The flush is the file's, through whichever handle, and SQLite holds no lock on this one that closing it would end.
            let file = OpenOptions::new().write(true).open(&self.log);
            file.and_then(|file| file.sync_data())
                .map_err(|error| StoreError::new(format!("flushing {}", self.log.display()), error))?;
        }
        self.behind = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{PersistId, Space};

    use crate::ports::{Store, StoreFailure};
    use crate::sqlite_store::SqliteStore;

    use super::*;

    fn persist(writes: Vec<Write>) -> [Persist; 1] {
        [Persist { id: PersistId(1), writes }]
    }

    fn put() -> Write {
        Write::put(Space::Series, "S", [1])
    }

    /// Where the log cannot be opened its flush fails: so it is seen when there is one.
    #[test]
    fn what_was_only_written_is_flushed_by_the_next_commit_whatever_that_writes() {
        let no_change = Write::delete(Space::Series, "nobody's");
        for (written, commit, fails) in [
            (true, vec![], true),
            (true, vec![no_change.clone()], true),
            (true, vec![put()], false),
            (false, vec![], false),
            (false, vec![no_change], false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("till.db");
            let mut store = SqliteStore::open(&path).unwrap();
            store.commit(&persist(vec![put()])).unwrap();
            if written {
                store.write(&persist(vec![put()])).unwrap();
            }
            std::fs::rename(dir.path().join("till.db-wal"), dir.path().join("away")).unwrap();
            let committed = store.commit(&persist(commit.clone())).map_err(|error| error.failure);
            assert_eq!(committed, if fails { Err(StoreFailure::Fatal) } else { Ok(()) }, "{commit:?}");
        }
    }

    #[test]
    fn only_what_is_committed_is_set_to_be_flushed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut store = SqliteStore::open(&path).unwrap();
        let flushes = |store: &SqliteStore| {
            store.connection.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        store.write(&persist(vec![put()])).unwrap();
        assert_eq!(flushes(&store), 1, "NORMAL");
        store.commit(&persist(vec![])).unwrap();
        assert_eq!(flushes(&store), 2, "FULL");
        store.write(&persist(vec![put()])).unwrap();
        drop(store);
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.scan(Space::Series, b"S", b"S", 99).unwrap().len(), 1);
    }
}
