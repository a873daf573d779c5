//! Files with segments: they read as before, are written to as before, and are marked.

use edgepos_core::{Chain, EventId, Jitter, Lane, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::{EventRecord, Hash, Segment};
use tempfile::TempDir;

use super::SqliteStore;
use super::tables::{FORMAT, FORMAT_WITH_SEGMENTS};
use crate::ports::{MemoryStore, Rows, Sealing, Store, StoreFailure};

/// Events of a segment, as a position.
const FULL: u64 = Segment::MAX_EVENTS as u64;

fn chain(terminal: u16) -> Chain {
    Chain::new(ReplicaId::new(terminal, 5), Lane::Transactions)
}

/// A file, and the same rows in memory.
struct Twins {
    dir: TempDir,
    store: SqliteStore,
    memory: MemoryStore,
}

impl Twins {
    /// With so many events of each terminal.
    fn with(chains: &[(u16, u64)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("till.db")).unwrap();
        let mut twins = Self { dir, store, memory: MemoryStore::new() };
        for &(terminal, events) in chains {
            let mut hash = Hash::ZERO;
            let write = |seq| {
                let payload = format!("two coffees and number {seq}, paid in cash").into_bytes();
                let record = EventRecord { id: EventId::new(chain(terminal), Seq(seq)), payload };
                hash = hash.link(record.id, &record.payload);
                Write::put(Space::Event, record.id.to_key(), record.to_row(hash))
            };
            twins.commit((1..=events).map(write).collect());
        }
        twins
    }

    fn commit(&mut self, writes: Vec<Write>) {
        let group = [Persist { id: PersistId(1), writes }];
        self.store.commit(&group).unwrap();
        self.memory.commit(&group).unwrap();
    }

    /// Seals whole rounds until one brings nothing. How many segments there are then.
    fn seal(&mut self, floor: &[(u16, u64)], before_utc_ms: u64) -> i64 {
        let floor: VersionVector =
            floor.iter().map(|(terminal, seq)| (chain(*terminal), Seq(*seq))).collect();
        let sealing = Sealing { floor, before_utc_ms, archive_before_utc_ms: None };
        while self.store.seal(&sealing).unwrap() {}
        self.count("segments")
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.store.connection.query_row(&sql, [], |row| row.get(0)).unwrap_or_default()
    }

    fn reopen(self) -> Self {
        let Self { dir, store, memory } = self;
        drop(store);
        let store = SqliteStore::open(&dir.path().join("till.db")).unwrap();
        Self { dir, store, memory }
    }

    fn all(store: &dyn Store) -> Rows {
        store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap()
    }

    /// Ranges at random, whole and piece by piece, read alike.
    fn read_alike(&self, seed: u64) {
        assert!(Self::all(&self.store) == Self::all(&self.memory), "all of it");
        let mut jitter = Jitter::new(seed);
        for _ in 0..200 {
            let mut key = || {
                let mut key = EventId::new(chain(jitter.range(1, 5) as u16), Seq(jitter.range(0, 3 * FULL)));
                key.seq = Seq(key.seq.0 / jitter.range(1, 3));
                let mut key = key.to_key().to_vec();
                match jitter.range(0, 6) {
                    0 => key.push(0),
                    1 => key.truncate(jitter.range(1, 17) as usize),
                    _ => {}
                }
                key
            };
            let (from, to) = (key(), key());
            let max_bytes = [0, 100, 5_000, u32::MAX][jitter.range(0, 4) as usize];
            let [sealed, plain]: [Rows; 2] = [&self.store as &dyn Store, &self.memory]
                .map(|store| store.scan(Space::Event, &from, &to, max_bytes).unwrap());
            assert!(sealed == plain, "{from:?} to {to:?}, {max_bytes} bytes");
        }
    }
}

#[test]
fn what_is_sealed_reads_as_before_and_takes_a_fraction_of_the_room() {
    let events = [(1, 3 * FULL), (2, FULL + 1), (3, FULL), (4, 1)];
    let mut twins = Twins::with(&events);
    let bytes = |twins: &Twins| -> i64 {
        let sql = "SELECT sum(length(payload) + length(hash) + length(key)) FROM events";
        twins.store.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let before = bytes(&twins);
    assert_eq!(twins.seal(&events, 1), 3, "a chain's last event stays a row");
    twins.read_alike(1);
    let sql = "SELECT sum(length(batch)) FROM segments";
    let sealed: i64 = twins.store.connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(sealed + bytes(&twins) < before / 2, "{before} became {sealed} and {}", bytes(&twins));
    let mut twins = twins.reopen();
    twins.read_alike(2);
    assert_eq!(twins.seal(&events, 1), 3, "there is no more to be sealed");
}

#[test]
fn a_write_among_sealed_events_does_what_it_did() {
    let events = [(1, 3 * FULL), (2, 2 * FULL)];
    let mut twins = Twins::with(&events);
    twins.seal(&events, 1);
    let put = |terminal, seq, payload: &[u8]| {
        let record = EventRecord { id: EventId::new(chain(terminal), Seq(seq)), payload: payload.to_vec() };
        Write::put(Space::Event, record.id.to_key(), record.to_row(Hash([9; 32])))
    };
    let delete =
        |terminal, seq| Write::delete(Space::Event, EventId::new(chain(terminal), Seq(seq)).to_key());
    for (seed, writes) in [
        (1, vec![put(1, 5, b"tea")]),
        (2, vec![delete(1, FULL + 3), put(1, FULL + 4, b"tea"), delete(2, 1)]),
        (3, vec![put(1, FULL + 3, b"tea"), delete(3, 1), put(1, 3 * FULL + 1, b"tea")]),
        (4, (2..=FULL).map(|seq| delete(2, seq)).collect()),
    ] {
        twins.commit(writes);
        twins.read_alike(seed);
        twins = twins.reopen();
        twins.read_alike(seed);
        // What does not link is sealed in pieces, and reads as it was.
        twins.seal(&events, 1);
        twins.read_alike(seed);
    }
}

#[test]
fn what_is_young_or_not_in_the_cloud_stays_as_it_is() {
    let mut twins = Twins::with(&[(1, 2 * FULL + 9)]);
    let told: i32 = twins.store.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    twins.store.connection.execute("UPDATE events SET utc_ms = seq * 1000", []).unwrap();
    assert_eq!(twins.seal(&[(1, 2 * FULL)], 1_000), 0, "the first is of that moment");
    assert_eq!(twins.seal(&[(1, FULL - 1), (2, 9_999)], u64::MAX), 0, "less than a segment is in the cloud");
    assert_eq!((told, twins.count("events")), (FORMAT, 2 * FULL as i64 + 9), "nothing was marked");
    assert_eq!(twins.seal(&[(1, FULL)], 1_001), 1);
    let times = twins.store.connection.query_row(
        "SELECT from_utc_ms, to_utc_ms, first, last, terminal FROM segments",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    );
    assert_eq!(times.unwrap(), (1_000, FULL as i64 * 1_000, 1, FULL as i64, 1));
    let told: i32 = twins.store.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(told, FORMAT_WITH_SEGMENTS);
    twins.read_alike(1);
}

/// A clock that was years ahead for a while holds its chain up no longer than some segments.
#[test]
fn a_clock_that_was_ahead_is_seen_through() {
    let mut twins = Twins::with(&[(1, 4 * FULL)]);
    let far = "UPDATE events SET utc_ms = iif(seq <= 200, 9000000000000, seq * 1000)";
    twins.store.connection.execute(far, []).unwrap();
    assert_eq!(twins.seal(&[(1, 4 * FULL)], 3 * FULL * 1_000), 3);
    twins.read_alike(1);
}

#[test]
fn a_segment_that_is_damaged_shows_it_until_it_is_written_again() {
    let events = [(1, 3 * FULL), (2, 2 * FULL)];
    let damage = [
        "batch = substr(batch, 1, length(batch) - 1) || x'00'",
        "batch = zeroblob(40)",
        "batch = 'no blob'",
        "digest = zeroblob(32)",
        "hash = zeroblob(31)",
        "hash = NULL, last = last",
        "last = 1 << 41",
        "last = -7",
        "last = NULL",
    ];
    for damage in damage {
        let mut twins = Twins::with(&events);
        twins.seal(&events, 1);
        let good = Twins::all(&twins.store);
        let second = EventId::new(chain(1), Seq(FULL + 1)).to_key();
        let sql =
            format!("UPDATE OR IGNORE segments SET {damage} WHERE terminal = 1 AND first = {}", FULL + 1);
        let done = twins.store.connection.execute(&sql, []);
        let mut twins = twins.reopen();
        // Columns that may not be empty are not emptied.
        if done.is_err() || done == Ok(0) {
            twins.read_alike(1);
            continue;
        }
        let mut told = good.clone();
        told[FULL as usize..2 * FULL as usize].iter_mut().for_each(|(_, value)| *value = vec![0; 32]);
        assert!(Twins::all(&twins.store) == told, "{damage}: everything else is as it was");
        let read = twins.store.scan(Space::Event, &second, &second, u32::MAX).unwrap();
        assert_eq!(read, [(second.to_vec(), vec![0; 32])], "{damage}");
        // A peer or the cloud has it, and it comes piece by piece.
        for piece in good[FULL as usize..2 * FULL as usize].chunks(100) {
            let write =
                |(key, value): &(Vec<u8>, Vec<u8>)| Write::put(Space::Event, key.clone(), value.clone());
            twins.commit(piece.iter().map(write).collect());
        }
        twins.read_alike(2);
        twins.seal(&events, 1);
        twins.read_alike(3);
        assert_eq!(twins.count("segments"), 3, "{damage}: it is sealed again");
    }
}

#[test]
fn a_seal_or_a_write_that_fails_leaves_everything_as_it_was() {
    let events = [(1, 3 * FULL)];
    let mut twins = Twins::with(&events);
    let other = rusqlite::Connection::open(twins.dir.path().join("till.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let floor = [(chain(1), Seq(3 * FULL))].into_iter().collect();
    let sealing = Sealing { floor, before_utc_ms: 1, archive_before_utc_ms: None };
    assert_eq!(twins.store.seal(&sealing).unwrap_err().failure, StoreFailure::Busy);
    other.execute_batch("ROLLBACK").unwrap();
    twins.read_alike(1);
    assert_eq!(twins.seal(&events, 1), 2);
    let bad = vec![
        Write::delete(Space::Event, EventId::new(chain(1), Seq(7)).to_key()),
        Write::put(Space::Event, [1], [1]),
    ];
    twins.store.commit(&[Persist { id: PersistId(2), writes: bad }]).unwrap_err();
    assert_eq!(twins.count("segments"), 2);
    twins.read_alike(2);
}

/// Tidying up must not end a till that could sell on.
#[test]
fn what_cannot_be_read_ends_a_round_and_nothing_else() {
    let events = [(1, 3 * FULL)];
    let mut twins = Twins::with(&events);
    let floor = [(chain(1), Seq(3 * FULL))].into_iter().collect();
    let sealing = Sealing { floor, before_utc_ms: 1, archive_before_utc_ms: None };
    twins.store.connection.execute_batch("ALTER TABLE events RENAME COLUMN utc_ms TO gone").unwrap();
    assert_eq!(twins.store.seal(&sealing).unwrap_err().failure, StoreFailure::Busy);
    twins.store.connection.execute_batch("ALTER TABLE events RENAME COLUMN gone TO utc_ms").unwrap();
    twins.read_alike(1);
    assert_eq!(twins.seal(&events, 1), 2);
}

#[test]
fn copies_of_a_file_with_segments_have_them() {
    let events = [(1, 3 * FULL)];
    let mut twins = Twins::with(&events);
    twins.seal(&events, 1);
    let copy = twins.dir.path().join("copy.db");
    let told = SqliteStore::back_up(&twins.dir.path().join("till.db"), &copy, |_| {}).unwrap();
    assert_eq!(told.events, 3 * FULL, "segments counted");
    let copied = SqliteStore::open(&copy).unwrap();
    assert!(Twins::all(&copied) == Twins::all(&twins.memory));
}
