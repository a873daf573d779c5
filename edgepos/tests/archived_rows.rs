//! Rows of old events are put closer together: they read as before, are written to as before, and none is forgotten.
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::core::{Chain, EventId, Jitter, Lane, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos::sync::{EventRecord, Hash, RowBlock};
use edgepos::{MemoryStore, Rows, Sealing, SqliteStore, Store};
use rusqlite::Connection;
use tempfile::TempDir;

/// Formats of a file with segments, and of one with blocks.
const FORMAT_WITH_SEGMENTS: i32 = 4;
const FORMAT_WITH_BLOCKS: i32 = 5;
/// The spaces whose rows are put together.
const OF_OLD_EVENTS: [Space; 3] = [Space::IdempotencyKey, Space::BookedBasket, Space::DayFigures];

const CHAIN: Chain = Chain { replica: ReplicaId((1 << 48) | 5), lane: Lane::Transactions };
const LAST: [u8; 40] = [255; 40];

/// A file, and the same rows in memory.
struct Twins {
    dir: TempDir,
    store: SqliteStore,
    memory: MemoryStore,
    jitter: Jitter,
    events: u64,
    hash: Hash,
}

impl Twins {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("till.db")).unwrap();
        Self {
            dir,
            store,
            memory: MemoryStore::new(),
            jitter: Jitter::new(seed),
            events: 0,
            hash: Hash::ZERO,
        }
    }

    fn commit(&mut self, writes: Vec<Write>) {
        let group = [Persist { id: PersistId(1), writes }];
        self.store.commit(&group).unwrap();
        self.memory.commit(&group).unwrap();
    }

    /// Further events, each with its rows.
    fn record(&mut self, events: u64) {
        let mut writes = Vec::new();
        for seq in self.events + 1..=self.events + events {
            let payload = format!("two coffees and number {seq}, paid in cash").into_bytes();
            let record = EventRecord { id: EventId::new(CHAIN, Seq(seq)), payload };
            self.hash = self.hash.link(record.id, &record.payload);
            writes.push(Write::put(Space::Event, record.id.to_key(), record.to_row(self.hash)));
            let name = [self.jitter.range(0, u64::MAX), self.jitter.range(0, u64::MAX)]
                .map(u64::to_be_bytes)
                .concat();
            let key = [name.as_slice(), &record.id.to_key()].concat();
            let value = [&[0xA4, 0, 0x50][..], &name, &seq.to_be_bytes()].concat();
            writes.push(Write::put(Space::BookedBasket, key.clone(), value.clone()));
            writes.push(Write::put(Space::IdempotencyKey, key, value));
            let day = [&20_260_700u32.to_be_bytes()[..], &[2], &record.id.to_key()].concat();
            writes.push(Write::put(Space::DayFigures, day, format!("cash {seq}")));
        }
        self.events += events;
        self.commit(writes);
    }

    /// Seals whole rounds, and archives where a time is said. How many blocks there are then.
    fn seal(&mut self, up_to: u64, archive_before_utc_ms: Option<u64>) -> i64 {
        let floor = [(CHAIN, Seq(up_to))].into_iter().collect();
        let sealing = Sealing { floor, before_utc_ms: u64::MAX, archive_before_utc_ms };
        while self.store.seal(&sealing).unwrap() {}
        self.count("blocks")
    }

    /// The file beside its store.
    fn file(&self) -> Connection {
        Connection::open(self.dir.path().join("till.db")).unwrap()
    }

    fn ask(&self, sql: &str) -> i64 {
        self.file().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'");
        if self.ask(&sql) == 0 { 0 } else { self.ask(&format!("SELECT count(*) FROM {table}")) }
    }

    /// Rows that stand by themselves, of the spaces that are put together.
    fn alone(&self) -> i64 {
        self.ask("SELECT count(*) FROM rows WHERE space IN (7, 19, 32)")
    }

    fn format(&self) -> i32 {
        i32::try_from(self.ask("PRAGMA user_version")).unwrap()
    }

    fn reopen(self) -> Self {
        let Self { dir, store, memory, jitter, events, hash } = self;
        drop(store);
        let store = SqliteStore::open(&dir.path().join("till.db")).unwrap();
        Self { dir, store, memory, jitter, events, hash }
    }

    fn all(store: &dyn Store, space: Space) -> Rows {
        store.scan(space, &[], &LAST, u32::MAX).unwrap()
    }

    /// Events in ranges at random, whole and piece by piece, read alike.
    fn events_read_alike(&mut self) {
        for round in 0..40 {
            let mut key = || EventId::new(CHAIN, Seq(self.jitter.range(1, self.events + 1))).to_key();
            let (from, to) = if round == 0 { ([0; 17], [255; 17]) } else { (key(), key()) };
            let max_bytes = [u32::MAX, 100, 20_000, 300_000][round % 4];
            let [sealed, plain]: [Rows; 2] = [&self.store as &dyn Store, &self.memory]
                .map(|store| store.scan(Space::Event, &from, &to, max_bytes).unwrap());
            assert!(sealed == plain, "{from:?} to {to:?}, {max_bytes} bytes");
        }
    }

    /// Ranges at random, whole and piece by piece, read alike.
    fn read_alike(&mut self) {
        self.events_read_alike();
        for space in OF_OLD_EVENTS {
            let rows = Self::all(&self.memory, space);
            assert!(Self::all(&self.store, space) == rows, "all of {space:?}");
            for _ in 0..100 {
                let mut key = || match self.jitter.range(0, 4) {
                    0 => vec![self.jitter.range(0, 255) as u8],
                    _ => {
                        let mut key = rows[self.jitter.range(0, rows.len() as u64) as usize].0.clone();
                        key.truncate(self.jitter.range(15, 36) as usize);
                        key
                    }
                };
                let (from, mut to) = (key(), key());
                if self.jitter.range(0, 2) == 0 {
                    to = [from.as_slice(), &[255; 17]].concat();
                }
                let max_bytes = [0, 100, 5_000, u32::MAX][self.jitter.range(0, 4) as usize];
                let [packed, plain]: [Rows; 2] = [&self.store as &dyn Store, &self.memory]
                    .map(|store| store.scan(space, &from, &to, max_bytes).unwrap());
                assert!(packed == plain, "{space:?}, {from:?} to {to:?}, {max_bytes} bytes");
            }
        }
    }

    /// Some rows are written over, some deleted, and some deleted ones written again.
    fn disturb(&mut self, rows: usize) {
        // An event whose payload comes back, and one of a branch that lost.
        let at = self.jitter.range(1, self.events - 300);
        let key = EventId::new(CHAIN, Seq(at)).to_key();
        let put = self.memory.scan(Space::Event, &key, &key, 1).unwrap().pop();
        let writes = put.map(|(key, value)| Write::put(Space::Event, key, value));
        self.commit(writes.into_iter().collect());
        for space in OF_OLD_EVENTS {
            let all = Self::all(&self.memory, space);
            let mut writes = Vec::new();
            for _ in 0..rows {
                let (key, _) = &all[self.jitter.range(0, all.len() as u64) as usize];
                match self.jitter.range(0, 3) {
                    0 => writes.push(Write::put(space, key.clone(), "another")),
                    1 => writes.push(Write::delete(space, key.clone())),
                    _ => {
                        writes.push(Write::delete(space, key.clone()));
                        writes.push(Write::put(space, key.clone(), "again"));
                    }
                }
            }
            self.commit(writes);
        }
    }
}

#[test]
fn rows_of_old_events_read_as_before_and_take_a_fraction_of_the_room() {
    let mut twins = Twins::new(1);
    twins.record(1_300);
    assert_eq!((twins.seal(1_300, None), twins.format()), (0, FORMAT_WITH_SEGMENTS), "as the policy says");
    assert_eq!(twins.alone(), 3 * 1_300);
    let before = twins.ask("SELECT sum(length(key) + length(value) + 7) FROM rows WHERE space IN (7, 19)");
    assert!(twins.seal(1_300, Some(u64::MAX)) >= 3 * 1_280 / RowBlock::MAX_ROWS as i64);
    assert_eq!(twins.format(), FORMAT_WITH_BLOCKS);
    assert!(twins.alone() <= 3 * 31 + 20, "{} of the last segment and of the last windows", twins.alone());
    let after = twins.ask("SELECT sum(length(body) + length(first) + 7) FROM blocks WHERE space IN (7, 19)");
    assert!(2 * after < before, "{before} became {after}");
    twins.read_alike();
    let mut twins = twins.reopen();
    twins.read_alike();
}

#[test]
fn only_rows_of_events_that_are_sealed_and_old_are_archived() {
    let mut twins = Twins::new(2);
    twins.record(600);
    assert_eq!(twins.seal(0, Some(1)), 0, "the cloud has nothing");
    twins.seal(512, Some(u64::MAX));
    assert!((88 * 3..=88 * 3 + 3 * 31).contains(&twins.alone()), "{}", twins.alone());
    twins.read_alike();
}

#[test]
fn what_is_written_and_deleted_over_blocks_reads_as_it_should() {
    let mut twins = Twins::new(3);
    twins.record(1_000);
    twins.seal(1_000, Some(1));
    for round in 1..=8u64 {
        twins.disturb(60);
        twins.read_alike();
        twins.record(257);
        // Half a day later rows are looked at again.
        let before = 1 + round * 13 * 3_600_000;
        let events = twins.events;
        let blocks = twins.seal(events, Some(before));
        assert!(blocks > 0);
        twins.read_alike();
        if round % 3 == 0 {
            twins = twins.reopen();
        }
    }
    let per_block = twins.ask("SELECT sum(rows) / count(*) FROM blocks");
    assert!(per_block > 60, "{per_block} rows a block");
}

/// A process that ends in the middle, and a power cut: each call is one transaction.
#[test]
fn a_cut_between_any_two_calls_leaves_every_row() {
    let mut twins = Twins::new(4);
    twins.record(700);
    let floor = [(CHAIN, Seq(700))].into_iter().collect();
    let sealing = Sealing { floor, before_utc_ms: u64::MAX, archive_before_utc_ms: Some(u64::MAX) };
    let mut calls = 0;
    loop {
        let goes_on = twins.store.seal(&sealing).unwrap();
        let copy = tempfile::tempdir().unwrap();
        for ending in ["till.db", "till.db-wal"] {
            std::fs::copy(twins.dir.path().join(ending), copy.path().join(ending)).unwrap();
        }
        let cut = SqliteStore::open(&copy.path().join("till.db")).unwrap();
        for space in OF_OLD_EVENTS {
            assert!(
                Twins::all(&cut, space) == Twins::all(&twins.memory, space),
                "{space:?} after {calls} calls"
            );
        }
        calls += 1;
        if !goes_on {
            break;
        }
    }
    assert!(calls > 5, "{calls}");
}

#[test]
fn a_block_that_is_damaged_is_seen_and_remembered() {
    for change in [
        "body = CAST(substr(body, 1, 90) || x'0001' || substr(body, 93) AS BLOB)",
        "sum = sum + 1",
        "first = CAST(first || x'00' AS BLOB)",
    ] {
        let mut twins = Twins::new(5);
        twins.record(600);
        twins.seal(600, Some(u64::MAX));
        assert!(twins.store.damage().is_none());
        let which = "id = (SELECT min(id) FROM blocks WHERE space = 19)";
        twins.file().execute_batch(&format!("UPDATE blocks SET {change} WHERE {which}")).unwrap();
        twins.store.scan(Space::BookedBasket, &[], &LAST, u32::MAX).unwrap_err();
        assert!(twins.store.damage().is_some(), "the next start mends it: {change}");
        // Names of events that are there are told from them again; of these, which are no sales, none is.
        let twins = twins.reopen();
        let left = Twins::all(&twins.store, Space::BookedBasket);
        assert!((400..600).contains(&left.len()), "{} rows: {change}", left.len());
        let marked = Twins::all(&twins.store, Space::Identity);
        assert!(!marked.iter().any(|(key, _)| key == b"copied"), "it stays who it is");
    }
}

/// A name that lacks its table is not taken for a till without old rows.
#[test]
fn blocks_that_are_gone_are_missed() {
    let mut twins = Twins::new(6);
    twins.record(600);
    twins.seal(600, Some(u64::MAX));
    let Twins { dir, store, .. } = twins;
    Box::new(store).close().unwrap();
    let path = dir.path().join("till.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("ALTER TABLE blocks RENAME TO other").unwrap();
    drop(db);
    let store = SqliteStore::open(&path).unwrap();
    assert!(path.with_file_name("till.db.damaged-1").exists());
    assert_eq!(Twins::all(&store, Space::BookedBasket).len(), 600, "its rows are told by their columns");
}
