//! Copies of a store: a backup beside a till that sells, a backup that is put back, and a file without its holes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use edgepos_core::Space;
use rusqlite::{Connection, OpenFlags, params};

use super::failure::told;
use super::opening::{START_PATIENCE, connect, lock};
use super::places::{beside, flush_folder, rename};
use super::tables::check_ours;
use super::{SqliteStore, damaged, segments};
use crate::ports::StoreError;
use crate::terminal::restore::COPIED;

/// Instructions of SQLite between two looks at how far it is.
const LOOK_EVERY: i32 = 50_000;

/// How far a copy is, in bytes of the file that is written. The whole is what the source has, holes included, so that the end may come
/// before it is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyProgress {
    /// Bytes that are written.
    pub done: u64,
    /// At most so many there will be.
    pub of: u64,
}

/// A copy that is whole, on the disk, and was read once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreCopy {
    /// Bytes of the file.
    pub bytes: u64,
    /// Events in it, of all terminals.
    pub events: u64,
    /// Where the file lies that was in its place, with its write-ahead log where it has one; `None`: there was none.
    pub set_aside: Option<PathBuf>,
}

/// What a store takes on the disk before it was written anew, and after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compacted {
    /// Bytes of the file and its write-ahead log before.
    pub before: u64,
    /// Bytes of the file after; its log is empty then.
    pub after: u64,
}

impl SqliteStore {
    /// Copies a store to a file that is new, while a terminal may be selling on it: one moment of the store, everything that was
    /// acknowledged until then included. It holds up no sale; the write-ahead log beside the store grows until it is done.
    ///
    /// The copy is marked as one. The terminal that starts on it, however it was brought into its place, goes on at once as a new
    /// incarnation under a receipt series of its own, as its original may have written on.
    ///
    /// Blocks. Where it fails nothing is left behind; where the process is killed, a file whose name ends in `.part` and the number of
    /// the process.
    ///
    /// # Errors
    /// When there is a file already, when `from` is no store of this SDK or damaged, and when the disk says no.
    pub fn back_up(
        from: &Path,
        to: &Path,
        progress: impl FnMut(CopyProgress) + Send + 'static,
    ) -> Result<StoreCopy, StoreError> {
        refuse_existing(to)?;
        let part = Part::beside(to);
        let copy = part.write(from, progress)?;
        refuse_existing(to)?;
        part.rename(to)?;
        Ok(copy)
    }

    /// Puts a copy into the place of a store, whose terminal must not run. What is in that place is set aside under a name that says so,
    /// and is never deleted. `from` stays as it is; a plain copy of a store does as well as a backup.
    ///
    /// Blocks. Until the last step, a rename, the store is as it was; on a file system without hard links there is none for a moment
    /// before it, and what was there is set aside.
    ///
    /// # Errors
    /// When a terminal has the store open, when `from` is no store of this SDK or damaged, and when the disk says no.
    pub fn put_back(
        from: &Path,
        to: &Path,
        progress: impl FnMut(CopyProgress) + Send + 'static,
    ) -> Result<StoreCopy, StoreError> {
        let _lock = lock(to)?;
        let part = Part::beside(to);
        let mut copy = part.write(from, progress)?;
        copy.set_aside = set_aside(to)?;
        part.rename(to)?;
        damaged::forget(to)?;
        Ok(copy)
    }

    /// Writes a store anew without the holes that deleted rows have left. The terminal must not run. It needs room for a second copy
    /// meanwhile. Blocks; killed in between, the store is as it was.
    ///
    /// # Errors
    /// When a terminal has the store open, when there is none, and when the disk says no.
    pub fn compact(path: &Path) -> Result<Compacted, StoreError> {
        let before =
            length(path).map_err(|error| StoreError::new(format!("reading {}", path.display()), error))?;
        refuse_empty(path)?;
        let _lock = lock(path)?;
        let failed = |error| told(format!("compacting {}", path.display()), error);
        if let Some(damage) = damaged::is_known(path) {
            return Err(StoreError::new(
                format!("compacting {}: start the terminal once", path.display()),
                damage,
            ));
        }
        let db = connect(path, false)?;
        db.execute_batch("VACUUM").map_err(failed)?;
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)?;
        db.close().map_err(|(_, error)| failed(error))?;
        let after =
            length(path).map_err(|error| StoreError::new(format!("reading {}", path.display()), error))?;
        Ok(Compacted { before, after })
    }
}

/// Refuses a file in which there is no store: opening it would make one.
fn refuse_empty(path: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)
        .map_err(|error| told(format!("opening {}", path.display()), error))?;
    db.busy_timeout(START_PATIENCE).map_err(|error| told(format!("reading {}", path.display()), error))?;
    if check_ours(&db, path)?.tables == 0 {
        return Err(StoreError::plain(format!("{} is an empty file, and no till's", path.display())));
    }
    Ok(())
}

/// A copy that is not in its place yet. It goes where that fails.
struct Part {
    path: PathBuf,
}

impl Part {
    fn beside(to: &Path) -> Self {
        Self { path: beside(to, &format!(".part{}", std::process::id())) }
    }

    /// Writes a copy of `from`, marks it, reads it once, and flushes it.
    fn write(
        &self,
        from: &Path,
        mut progress: impl FnMut(CopyProgress) + Send + 'static,
    ) -> Result<StoreCopy, StoreError> {
        let mut source = Connection::open_with_flags(
            from,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|error| told(format!("opening {}", from.display()), error))?;
        let failed = |error| told(format!("copying {} to {}", from.display(), self.path.display()), error);
        source.busy_timeout(START_PATIENCE).map_err(failed)?;
        if check_ours(&source, from)?.tables == 0 {
            return Err(StoreError::plain(format!("{} is an empty file, and no till's", from.display())));
        }
        let of: u64 = ["page_count", "page_size"]
            .map(|name| source.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, u32>(0)))
            .into_iter()
            .try_fold(1, |product, factor| factor.map(|factor| product * u64::from(factor)))
            .map_err(failed)?;
        let part = self.path.clone();
        let look = move || {
            progress(CopyProgress { done: part.metadata().map_or(0, |file| file.len()).min(of), of });
            false
        };
        source.progress_handler(LOOK_EVERY, Some(look)).map_err(failed)?;
        source.execute("VACUUM INTO ?1", [path_text(&self.path)?]).map_err(failed)?;
        self.mark(from)
    }

    fn mark(&self, from: &Path) -> Result<StoreCopy, StoreError> {
        let failed = |error| told(format!("checking {}", self.path.display()), error);
        let copy = Connection::open(&self.path).map_err(failed)?;
        copy.execute(
            "INSERT OR REPLACE INTO rows (space, key, value) VALUES (?1, ?2, ?3)",
            params![Space::Identity.code(), COPIED, [0u8; 0]],
        )
        .map_err(failed)?;
        let sound: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if sound != "ok" {
            return Err(StoreError::plain(format!("{} is damaged: {sound}", from.display())));
        }
        let one_by_one: i64 =
            copy.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).map_err(failed)?;
        let sealed = segments::events(&copy).map_err(failed)?;
        copy.close().map_err(|(_, error)| failed(error))?;
        let flushed = File::open(&self.path).and_then(|file| {
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        let bytes =
            flushed.map_err(|error| StoreError::new(format!("flushing {}", self.path.display()), error))?;
        Ok(StoreCopy { bytes, events: one_by_one.unsigned_abs() + sealed, set_aside: None })
    }

    fn rename(&self, to: &Path) -> Result<(), StoreError> {
        rename(&self.path, to)?;
        flush_folder(to)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        for path in [self.path.clone(), beside(&self.path, "-journal")] {
            drop(fs::remove_file(path));
        }
    }
}

/// Takes the store at `path` out of the way, and says where it is. A log without its file goes too: on another file it would be taken
/// for that file's own.
fn set_aside(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let is_there = path.exists();
    if is_there
        && damaged::is_known(path).is_none()
        && let Ok(db) = connect(path, false)
    {
        // What is in the log is copied into the file, so that there is one to move. A damaged store keeps its log.
        drop(db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        drop(db.close());
    }
    let aside = (1..)
        .map(|number: u64| beside(path, &format!(".before-{number}")))
        .find(|aside| !aside.exists() && !beside(aside, "-wal").exists());
    let aside = aside.expect("a folder has fewer files than there are numbers");
    for ending in ["-wal", "-shm"] {
        let from = beside(path, ending);
        if from.exists() {
            rename(&from, &beside(&aside, ending))?;
        }
    }
    // With a second name for it the store is never absent: the copy takes the first one over.
    if is_there && fs::hard_link(path, &aside).is_err() {
        rename(path, &aside)?;
    }
    flush_folder(path)?;
    Ok(is_there.then_some(aside))
}

fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Err(StoreError::plain(format!("{} is there already", path.display())));
    }
    Ok(())
}

fn path_text(path: &Path) -> Result<&str, StoreError> {
    path.to_str().ok_or_else(|| StoreError::plain(format!("{} is no name in UTF-8", path.display())))
}

fn length(path: &Path) -> std::io::Result<u64> {
    let log = beside(path, "-wal").metadata().map_or(0, |file| file.len());
    Ok(path.metadata()?.len() + log)
}
