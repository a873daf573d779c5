//! The store on SQLite: WAL, `synchronous = FULL` but for what a power cut may take, one flush for a whole sale.
//!
//! Events are in a table of their own with the envelope's columns, so that `sqlite3` reads a till:
//!
//! ```sql
//! SELECT terminal, seq, kind_name, series, number, total FROM events WHERE kind_name = 'transaction';
//! ```

mod columns;
mod copies;
mod damaged;
#[cfg(test)]
mod earlier_files;
mod events;
mod failure;
mod flushes;
mod numbering;
mod opening;
mod packed;
mod places;
mod reserve;
#[cfg(test)]
mod sealed_files;
mod segments;
mod sums;
mod tables;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgepos_core::{Persist, Space, Write};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, params};

pub use self::columns::EventColumns;
pub use self::copies::{Compacted, CopyProgress, StoreCopy};
use self::damaged::damage::{Damage, is_damage};
use self::events::{Events, Sealed};
use self::failure::told;
use self::flushes::Flushes;
use self::opening::{lock, open_sound};
use self::packed::sweep::Sweep;
use self::packed::{Cursor, LAST_KEY, Row};
use self::reserve::Reserve;
use self::tables::put_row;
use crate::ports::{Rows, Sealing, Store, StoreError, StoreFailure};

/// How long a write waits for one before it is answered that the store is busy: reads wait behind it.
const PATIENCE: Duration = Duration::from_millis(250);

/// Bytes of rows that are read over at once, and where that begins.
const READ_OVER: u32 = 64 << 10;
const FIRST: (Space, Vec<u8>) = (Space::Identity, Vec::new());

/// A [`Store`] in one SQLite file. One process at a time: a lock file beside it keeps a second one out, while readers such as
/// `sqlite3` may look on.
///
/// Beside the file are its lock, while it is open its write-ahead log, and a reserve that gives way when the disk is full. After
/// [`close`](Store::close) the one file is the whole store.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    events: Events,
    flushes: Flushes,
    reserve: Reserve,
    sweep: Sweep,
    /// Whether writes wait as briefly as they should; a start waits longer.
    started: bool,
    /// The row up to which rows were read over.
    read_over: (Space, Vec<u8>),
    /// Held until the store is dropped.
    _lock: File,
}

impl SqliteStore {
    /// What SQLite's header of a store says whose it is: `EPOS`. A file with another one is refused.
    pub const APPLICATION_ID: i32 = tables::APPLICATION_ID;

    /// The latest format that this version reads, as `PRAGMA user_version` says it. A file of a later one is refused.
    pub const LATEST_FORMAT: i32 = packed::FORMAT_WITH_BLOCKS;

    /// Opens the file, or makes it. The folder must exist.
    ///
    /// # Errors
    /// When another process has it open, when it is no store of this SDK, or of a later format, or when the disk says no.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let mut reserve = Reserve::beside(path);
        let doing = || format!("opening {}", path.display());
        let is_begun = damaged::is_begun(path)?;
        let known = damaged::is_known(path).map_or(Ok(()), |damage| Err(StoreError::new(doing(), damage)));
        let (connection, events) = match known.and_then(|()| open_sound(path, &mut reserve)) {
            Err(error) if is_damage(&error) && (is_begun || damaged::is_ours(path)) => {
                damaged::mend(path, &error)?;
                open_sound(path, &mut reserve)?
            }
            opened => opened?,
        };
        let (path, flushes) = (path.to_owned(), Flushes::of(path));
        let sweep = Sweep::default();
        Ok(Self {
            connection,
            path,
            events,
            flushes,
            reserve,
            sweep,
            started: false,
            read_over: FIRST,
            _lock: lock,
        })
    }

    /// Reads a piece of the rows over, round and round: one that nobody asks for may be damaged for years.
    fn read_over(&mut self) {
        let (space, from) = std::mem::replace(&mut self.read_over, FIRST);
        // What is wrong is remembered by the scan.
        let Ok(rows) = self.scan(space, &from, &LAST_KEY, READ_OVER) else { return };
        self.read_over = match rows.last() {
            Some((key, _)) => (space, [key.as_slice(), &[0]].concat()),
            None => {
                let next = Space::ALL.iter().find(|other| **other > space && **other != Space::Event);
                (next.copied().unwrap_or(FIRST.0), Vec::new())
            }
        };
    }

    /// Bytes of pages inside the file that nothing uses.
    fn free_inside(&self) -> u64 {
        let ask = |pragma: &str| self.connection.query_row(pragma, [], |row| row.get::<_, u32>(0)).ok();
        let pages = ask("PRAGMA freelist_count").zip(ask("PRAGMA page_size"));
        pages.map_or(0, |(pages, bytes)| u64::from(pages) * u64::from(bytes))
    }

    /// The next row that stands by itself.
    fn next_row(&self, cursor: &mut rusqlite::Rows<'_>, space: Space) -> Result<Option<Row>, StoreError> {
        let doing = || format!("reading {}", self.path.display());
        let failed = |error| self.look_at(told(doing(), error));
        let Some(row) = cursor.next().map_err(failed)? else { return Ok(None) };
        let key: Vec<u8> = row.get(0).map_err(failed)?;
        let value: Vec<u8> = row.get(1).map_err(failed)?;
        if !sums::fits(space.code(), &key, &value, row.get(2).map_err(failed)?) {
            return Err(self.look_at(StoreError::new(doing(), Damage::Row { space: Some(space) })));
        }
        Ok(Some((key, value)))
    }

    /// An error that says that the file is damaged is remembered, so that the next start mends it.
    fn look_at(&self, error: StoreError) -> StoreError {
        if is_damage(&error) {
            damaged::remember(&self.path);
        }
        error
    }

    /// Commits the group, with a flush or without, and takes from the reserve where the disk is full.
    fn carry_out(&mut self, group: &[Persist], flush: bool) -> Result<(), StoreError> {
        loop {
            let committed = self.try_commit(group, flush);
            self.events.settle(committed.is_ok());
            let Err(error) = committed else { return Ok(()) };
            match error.failure {
                StoreFailure::Full if self.reserve.give() => {}
                StoreFailure::Full | StoreFailure::Busy => return Err(error),
                StoreFailure::Fatal => {
                    // Closing must not copy pages whose flush is in doubt into the file: the next start does, as after a crash.
                    drop(self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true));
                    return Err(self.look_at(error));
                }
            }
        }
    }

    /// Moves some old events into a segment. Whether the round goes on.
    fn seal_events(&mut self, sealing: &Sealing) -> Result<bool, StoreError> {
        let failed = |error| told("sealing old events".into(), error);
        self.end_start().map_err(failed)?;
        let Self { connection, events, flushes, .. } = self;
        // A power cut takes it back whole: nobody waits for it to be durable.
        flushes.set(connection, false).map_err(failed)?;
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
        let Sealed { segment, goes_on } = events.seal(&transaction, sealing)?;
        if let Some(segment) = segment {
            transaction.commit().map_err(failed)?;
            events.sealed(segment);
            flushes.ended(&[])?;
        }
        Ok(goes_on)
    }

    /// Moves some rows of old events into blocks. Whether the round goes on.
    fn pack_rows(&mut self, sealing: &Sealing) -> Result<bool, StoreError> {
        let Some(before_utc_ms) = sealing.archive_before_utc_ms else { return Ok(false) };
        let failed = |error| told("putting rows of old events together".into(), error);
        let Self { connection, events, flushes, sweep, .. } = self;
        flushes.set(connection, false).map_err(failed)?;
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
        if !sweep
            .begin(before_utc_ms, || events.sealed_before(&transaction, before_utc_ms).map_err(failed))?
        {
            return Ok(false);
        }
        let swept = sweep.step(&transaction)?;
        let goes_on = swept.goes_on();
        if swept.wrote {
            transaction.commit().map_err(failed)?;
            flushes.ended(&[])?;
        }
        sweep.settle(swept);
        Ok(goes_on)
    }

    /// From the first write on writes wait as briefly as they should.
    fn end_start(&mut self) -> rusqlite::Result<()> {
        if !self.started {
            self.connection.busy_timeout(PATIENCE)?;
            self.started = true;
        }
        Ok(())
    }

    fn try_commit(&mut self, group: &[Persist], flush: bool) -> Result<(), StoreError> {
        let place = self.path.display().to_string();
        let failed = |error| told(format!("writing to {place}"), error);
        self.end_start().map_err(failed)?;
        let Self { connection, events, flushes, .. } = self;
        flushes.set(connection, flush).map_err(failed)?;
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
        for write in group.iter().flat_map(|persist| &persist.writes) {
            match write {
                Write::Put { space: Space::Event, key, value } => events.put(&transaction, key, value)?,
                Write::Put { space, key, value } => {
                    put_row(&transaction, *space, key, value).map_err(failed)?
                }
                Write::Delete { space: Space::Event, key } => events.delete(&transaction, key)?,
                Write::Delete { space, key } => {
                    delete_row(&transaction, *space, key).map_err(failed)?;
                    packed::remove(&transaction, *space, key)?;
                }
            }
        }
        transaction.commit().map_err(failed)?;
        flushes.ended(group)
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.carry_out(group, true)
    }

    fn write(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.carry_out(group, false)
    }

    fn seal(&mut self, sealing: &Sealing) -> Result<bool, StoreError> {
        let done = if self.sweep.has_its_turn() {
            self.pack_rows(sealing)
        } else {
            self.seal_events(sealing)
                .and_then(|goes_on| if goes_on { Ok(true) } else { self.pack_rows(sealing) })
        };
        // What cannot be read here is nothing to stop selling for: nothing was done, and whoever needs it reads it again.
        done.map_err(|error| {
            let error = self.look_at(error);
            let is_full = error.failure == StoreFailure::Full;
            if is_full { error } else { error.of_kind(StoreFailure::Busy) }
        })
    }

    fn set_aside(&mut self, promised: u64) -> u64 {
        let room = self.reserve.set_aside(promised);
        room.max(self.reserve.room_inside(self.free_inside()))
    }

    fn free_bytes(&self) -> Option<u64> {
        Some(self.reserve.free_bytes()?.saturating_add(self.free_inside()))
    }

    fn damage(&mut self) -> Option<String> {
        self.read_over();
        damaged::about(&self.path)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        let Self { connection, path, .. } = *self;
        let place = path.display();
        // What is read of it: whether somebody else's query stood in the way.
        let blocked: i64 = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(|error| told(format!("closing {place}"), error))?;
        connection.close().map_err(|(_, error)| told(format!("closing {place}"), error))?;
        if blocked != 0 {
            return Err(StoreError::plain(format!(
                "{place}-wal has the latest writes: another program reads"
            )));
        }
        Ok(())
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        let failed = |error| self.look_at(told(format!("reading {}", self.path.display()), error));
        if space == Space::Event {
            return self.events.scan(&self.connection, from, to, max_bytes).map_err(failed);
        }
        let sql = "SELECT key, value, sum FROM rows WHERE space = ?1 AND key BETWEEN ?2 AND ?3 ORDER BY key";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut cursor = statement.query(params![space.code(), from, to]).map_err(failed)?;
        let mut packed =
            Cursor::over(&self.connection, space, from, to).map_err(|error| self.look_at(error))?;
        let mut plain = self.next_row(&mut cursor, space)?;
        let mut rows = Rows::new();
        let mut read = 0;
        while read < max_bytes as usize || rows.is_empty() {
            let key = packed.key().map_err(|error| self.look_at(error))?;
            let (first, is_twice) = match (&plain, key) {
                (None, None) => break,
                (Some((plain, _)), Some(packed)) => (plain.as_slice() <= packed, plain == packed),
                (plain, _) => (plain.is_some(), false),
            };
            let in_block = !first || is_twice;
            let packed = if in_block { packed.next().map_err(|error| self.look_at(error))? } else { None };
            // A row that stands by itself was written later than the same one in a block.
            let row = if first {
                std::mem::replace(&mut plain, self.next_row(&mut cursor, space)?)
            } else {
                packed
            };
            let Some((key, value)) = row else { break };
            read += key.len() + value.len();
            rows.push((key, value));
        }
        Ok(rows)
    }
}

fn delete_row(transaction: &Transaction<'_>, space: Space, key: &[u8]) -> rusqlite::Result<()> {
    let sql = "DELETE FROM rows WHERE space = ?1 AND key = ?2";
    transaction.prepare_cached(sql)?.execute(params![space.code(), key])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, EventId, Lane, PersistId, ReplicaId, Seq};
    use edgepos_sync::{EventRecord, Hash};
    use rusqlite::OpenFlags;

    use super::reserve::LOG_BYTES;
    use super::*;

    #[test]
    fn a_second_process_is_kept_out_and_a_reader_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut store = SqliteStore::open(&path).unwrap();
        let refused = SqliteStore::open(&path).unwrap_err();
        assert!(refused.doing.contains("in use"), "{refused}");
        let put = Write::put(Space::Series, "S", 1u64.to_be_bytes());
        store.commit(&[Persist { id: PersistId(1), writes: vec![put] }]).unwrap();
        let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let rows: i64 = reader.query_row("SELECT count(*) FROM rows", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
        let full: i64 = store.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!(full, 2);
    }

    #[test]
    fn foreign_and_later_files_are_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let foreign = dir.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(SqliteStore::open(&foreign).unwrap_err().doing.contains("another program"));
        let later = dir.path().join("later.db");
        drop(SqliteStore::open(&later).unwrap());
        Connection::open(&later).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(SqliteStore::open(&later).unwrap_err().doing.contains("format 99"));
        let text = dir.path().join("text.db");
        std::fs::write(&text, "this is no database, however long it is, and it must stay as it is").unwrap();
        SqliteStore::open(&text).unwrap_err();
        assert!(std::fs::read_to_string(&text).unwrap().starts_with("this is no database"));
    }

    fn put(id: u64, bytes: usize) -> Persist {
        let write = Write::put(Space::Register, id.to_be_bytes(), vec![7; bytes]);
        Persist { id: PersistId(id), writes: vec![write] }
    }

    fn length(path: &Path, ending: &str) -> u64 {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name).metadata().map_or(0, |file| file.len())
    }

    #[test]
    fn a_write_that_finds_no_room_takes_from_the_reserve_and_may_be_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut store = SqliteStore::open(&path).unwrap();
        store.commit(&[put(1, 10)]).unwrap();
        let room = store.set_aside(0);
        assert!(room > 0 && length(&path, "-reserve") > room);
        let pages: u32 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        store.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
        let group = [put(2, 100_000), put(3, 10)];
        assert_eq!(store.commit(&group).unwrap_err().failure, StoreFailure::Full);
        assert_eq!(length(&path, "-reserve"), 0, "all of it was given for the write");
        assert_eq!(store.scan(Space::Register, &[0; 8], &[255; 8], u32::MAX).unwrap().len(), 1);
        store.connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
        store.commit(&group).unwrap();
        assert_eq!(store.scan(Space::Register, &[0; 8], &[255; 8], u32::MAX).unwrap().len(), 3);
        assert_eq!(store.set_aside(0), room, "with room it is filled again");
        assert!(store.set_aside(50_000_000) >= 50_000_000, "what is promised is set aside");
    }

    /// The file does not shrink, but what becomes free in it is told, and may be promised once the log is whole.
    #[test]
    fn room_inside_the_file_counts_as_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(&dir.path().join("till.db")).unwrap();
        store.commit(&[put(1, 9_000_000)]).unwrap();
        assert_eq!(store.free_inside(), 0);
        store
            .commit(&[Persist {
                id: PersistId(2),
                writes: vec![Write::delete(Space::Register, 1u64.to_be_bytes())],
            }])
            .unwrap();
        let inside = store.free_inside();
        assert!((8_500_000..9_500_000).contains(&inside), "{inside} bytes");
        assert_eq!(store.reserve.room_inside(5 << 20), 1 << 20, "the log is whole");
        let short = SqliteStore::open(&dir.path().join("new.db")).unwrap();
        assert_eq!(short.reserve.room_inside(5 << 20), 0, "the log may have to grow");
    }

    #[test]
    fn a_lock_that_another_program_holds_is_no_failure_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut store = SqliteStore::open(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(store.commit(&[put(1, 10)]).unwrap_err().failure, StoreFailure::Busy);
        assert_eq!(store.scan(Space::Register, &[], &[255], 1).unwrap(), [], "it is read meanwhile");
        other.execute_batch("ROLLBACK").unwrap();
        store.commit(&[put(1, 10)]).unwrap();
    }

    #[test]
    fn the_log_is_cut_back_once_a_forgotten_reader_has_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut store = SqliteStore::open(&path).unwrap();
        store.commit(&[put(1, 10)]).unwrap();
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM rows").unwrap();
        (2..12).for_each(|id| store.commit(&[put(id, 1_000_000)]).unwrap());
        assert!(length(&path, "-wal") > 9_000_000);
        reader.execute_batch("COMMIT").unwrap();
        (12..15).for_each(|id| store.commit(&[put(id, 1_000)]).unwrap());
        assert_eq!(length(&path, "-wal"), u64::from(LOG_BYTES));
        drop(reader);
        Box::new(store).close().unwrap();
        assert_eq!((length(&path, "-wal"), length(&path, "-shm")), (0, 0), "the one file is the store");
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.scan(Space::Register, &[0; 8], &[255; 8], u32::MAX).unwrap().len(), 14);
    }

    #[test]
    fn a_chain_that_was_numbered_in_vain_is_numbered_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut store = SqliteStore::open(&path).unwrap();
        // Bytes that do not pack.
        let noise = |length: u32| (0..length).map(|at| (at.wrapping_mul(0x9E37_79B9) >> 23) as u8).collect();
        let event = |terminal: u16, seq| {
            let chain = Chain::new(ReplicaId::new(terminal, 5), Lane::Stock);
            let record = EventRecord { id: EventId::new(chain, Seq(seq)), payload: noise(3_000) };
            Write::put(Space::Event, record.id.to_key(), record.to_row(Hash([9; 32])))
        };
        let persist = |writes| Persist { id: PersistId(1), writes };
        let none = Write::put(Space::Event, [1], [1]);
        store.commit(&[persist(vec![event(1, 1), none])]).unwrap_err();
        store.commit(&[persist(vec![event(2, 1), event(1, 1), event(1, 2)])]).unwrap();
        let rows = store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap();
        assert_eq!(rows.len(), 3);
        drop(store);
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap(), rows, "by rising key");
        drop(store);
        let bytes = path.metadata().unwrap().len();
        assert!(bytes <= 9 * 4_096, "each event of 3,000 bytes takes little more than that: {bytes}");
    }
    /// A file that may grow by so much; a cut is a copy of it and its write-ahead log while it is open.
    struct Device {
        dir: tempfile::TempDir,
        number: u32,
    }

    impl Device {
        fn file(&self, suffix: &str) -> PathBuf {
            self.dir.path().join(format!("{}.db{suffix}", self.number))
        }
    }

    impl crate::conformance::StoreDevice for Device {
        fn wipe(&mut self) {
            self.number += 1;
        }

        fn open(&mut self, room: Option<u64>) -> Box<dyn Store> {
            let store = SqliteStore::open(&self.file("")).unwrap();
            let ask =
                |pragma: &str| store.connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap();
            if let Some(room) = room {
                let pages = ask("PRAGMA page_count") + room as i64 / ask("PRAGMA page_size");
                ask(&format!("PRAGMA max_page_count = {pages}"));
            }
            Box::new(store)
        }

        fn cut(&mut self, store: Box<dyn Store>) {
            let files = ["", "-wal"].map(|suffix| (suffix, std::fs::read(self.file(suffix)).ok()));
            drop(store);
            self.number += 1;
            for (suffix, bytes) in files {
                bytes.into_iter().for_each(|bytes| std::fs::write(self.file(suffix), bytes).unwrap());
            }
        }
    }

    #[test]
    fn groups_are_whole_or_absent_through_a_full_disk_and_a_cut() {
        let dir = tempfile::tempdir().unwrap();
        crate::conformance::store_device(&mut Device { dir, number: 0 });
    }
}
