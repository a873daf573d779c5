//! The rows of a sale in embedded stores: SQLite with the tables and settings of `edgepos`, redb, fjall, and a file that is only appended to.
//!
//! `cargo run --release --manifest-path benches/stores/Cargo.toml` prints a table; `-- --sales N` measures more than 6,400. Each engine makes
//! each group of sales durable and holds the rows that a sale writes: the event, the key, the basket.
//! `docs/decisions/0117-sqlite-stays.md` has a run of it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use redb::{ReadableDatabase as _, TableDefinition};

/// Sales of one group: one caller, and callers at once.
const GROUPS: [usize; 3] = [1, 8, 32];
/// Bytes of the rows that a sale writes: of `docs/decisions/0115-payloads-are-packed-one-by-one.md`.
const PAYLOAD: usize = 245;
const KEY_ROW: usize = 49;
const BASKET_ROW: usize = 30;

/// The rows of one sale.
struct Rows {
    event: (Vec<u8>, Vec<u8>),
    key: (Vec<u8>, Vec<u8>),
    basket: (Vec<u8>, Vec<u8>),
}

/// An engine with the same rows in it as any other.
trait Engine {
    fn name(&self) -> &'static str;
    fn open(&mut self, path: &Path);
    /// Durable when it returns.
    fn commit(&mut self, group: &[Rows]);
    /// Reads the first event of the file.
    fn read_first(&mut self) -> usize;
    fn close(&mut self);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--sales");
    let sales = at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(6_400);
    println!(
        "| engine | sales in a group | sales/s | bytes written a sale | bytes on disk a sale | start, ms |\n|---|---|---|---|---|---|"
    );
    for group in GROUPS {
        let engines: [Box<dyn Engine>; 4] = [
            Box::new(Sqlite(None)),
            Box::new(Redb(None)),
            Box::new(Fjall(None)),
            Box::new(Appended::default()),
        ];
        for mut engine in engines {
            println!("{}", measure(engine.as_mut(), group, sales));
        }
    }
}

fn measure(engine: &mut dyn Engine, group: usize, sales: usize) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("store");
    engine.open(&path);
    let mut jitter = Jitter(5);
    let groups: Vec<Vec<Rows>> = (0..sales / group)
        .map(|at| (0..group).map(|place| rows(&mut jitter, (at * group + place) as u64 + 1)).collect())
        .collect();
    let (before, began) = (written(), Instant::now());
    groups.iter().for_each(|group| engine.commit(group));
    let time = began.elapsed();
    engine.close();
    let bytes = (written() - before) / sales as u64;
    let began = Instant::now();
    engine.open(&path);
    assert!(engine.read_first() >= PAYLOAD);
    let start = began.elapsed();
    engine.close();
    format!(
        "| {} | {group} | {:.0} | {bytes} | {} | {:.1} |",
        engine.name(),
        sales as f64 / time.as_secs_f64(),
        size(dir.path()) / sales as u64,
        millis(start)
    )
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// SplitMix64.
struct Jitter(u64);

impl Jitter {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// A sale's rows. The event is of words that repeat, as a receipt is, and of names that do not.
fn rows(jitter: &mut Jitter, seq: u64) -> Rows {
    let mut name = || -> Vec<u8> { (0..16).map(|_| jitter.next() as u8).collect() };
    let (key, basket) = (name(), name());
    let mut payload = vec![0; 32];
    payload.extend(&key);
    payload.extend(&basket);
    while payload.len() < PAYLOAD + 32 {
        let product = jitter.next() % 1_000;
        payload.extend(format!("product-{product:05} quantity 1 amount 129 stock -1 ").into_bytes());
    }
    payload.truncate(PAYLOAD + 32);
    let mut id = vec![0, 1, 0, 0, 0, 0, 0, 5, 0];
    id.extend(seq.to_be_bytes());
    let sold = [basket, id.clone()].concat();
    Rows { event: (id, payload), key: (key, vec![1; KEY_ROW]), basket: (sold, vec![2; BASKET_ROW]) }
}

struct Sqlite(Option<rusqlite::Connection>);

impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite, the tables and settings of edgepos"
    }

    fn open(&mut self, path: &Path) {
        let db = rusqlite::Connection::open(path).expect("a store");
        db.execute_batch(
            "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;
             CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, key BLOB NOT NULL, terminal INTEGER, incarnation TEXT, lane INTEGER,
                seq INTEGER, kind INTEGER, kind_name TEXT, utc_ms INTEGER, series TEXT, number INTEGER, total INTEGER, currency TEXT,
                hash BLOB NOT NULL, payload BLOB NOT NULL, dictionary INTEGER);
             CREATE TABLE IF NOT EXISTS rows (space INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)) WITHOUT ROWID;",
        )
        .expect("tables");
        self.0 = Some(db);
    }

    fn commit(&mut self, group: &[Rows]) {
        let transaction = self.0.as_mut().expect("open").transaction().expect("a transaction");
        for rows in group {
            let seq = i64::from_be_bytes(rows.event.0[9..17].try_into().expect("eight"));
            transaction
                .prepare_cached("INSERT INTO events VALUES (?1, ?2, 1, '1-000000000005', 0, ?1, 1, 'transaction', 1700000000000, 'S', ?1, 903, 'EUR', ?3, ?4, 1)")
                .and_then(|mut insert| insert.execute(rusqlite::params![seq, rows.event.0, &rows.event.1[..32], &rows.event.1[32..]]))
                .expect("an event");
            for (space, (key, value)) in [(7, &rows.key), (19, &rows.basket)] {
                transaction
                    .prepare_cached("INSERT INTO rows VALUES (?1, ?2, ?3)")
                    .and_then(|mut insert| insert.execute(rusqlite::params![space, key, value]))
                    .expect("a row");
            }
        }
        transaction.commit().expect("durable");
    }

    fn read_first(&mut self) -> usize {
        let db = self.0.as_ref().expect("open");
        db.query_row("SELECT length(payload) FROM events ORDER BY id LIMIT 1", [], |row| row.get::<_, i64>(0))
            .expect("a row") as usize
    }

    fn close(&mut self) {
        drop(self.0.take());
    }
}

const EVENTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("events");
const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");
const BASKETS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("baskets");

struct Redb(Option<redb::Database>);

impl Engine for Redb {
    fn name(&self) -> &'static str {
        "redb"
    }

    fn open(&mut self, path: &Path) {
        self.0 = Some(redb::Database::create(path).expect("a store"));
    }

    fn commit(&mut self, group: &[Rows]) {
        let transaction = self.0.as_ref().expect("open").begin_write().expect("a transaction");
        for rows in group {
            for (table, (key, value)) in [(EVENTS, &rows.event), (KEYS, &rows.key), (BASKETS, &rows.basket)] {
                let mut table = transaction.open_table(table).expect("a table");
                table.insert(key.as_slice(), value.as_slice()).expect("a row");
            }
        }
        transaction.commit().expect("durable");
    }

    fn read_first(&mut self) -> usize {
        let transaction = self.0.as_ref().expect("open").begin_read().expect("a transaction");
        let table = transaction.open_table(EVENTS).expect("a table");
        let first = redb::ReadableTable::first(&table).expect("read").expect("a row");
        first.1.value().len()
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

struct Fjall(Option<(Database, [Keyspace; 3])>);

impl Engine for Fjall {
    fn name(&self) -> &'static str {
        "fjall"
    }

    fn open(&mut self, path: &Path) {
        let db = Database::builder(path).open().expect("a store");
        let spaces = ["events", "keys", "baskets"]
            .map(|name| db.keyspace(name, KeyspaceCreateOptions::default).expect("a space"));
        self.0 = Some((db, spaces));
    }

    fn commit(&mut self, group: &[Rows]) {
        let (db, spaces) = self.0.as_ref().expect("open");
        let mut batch = db.batch();
        for rows in group {
            for (space, (key, value)) in spaces.iter().zip([&rows.event, &rows.key, &rows.basket]) {
                batch.insert(space, key.as_slice(), value.as_slice());
            }
        }
        batch.commit().expect("written");
        db.persist(PersistMode::SyncData).expect("durable");
    }

    fn read_first(&mut self) -> usize {
        let (_, [events, ..]) = self.0.as_ref().expect("open");
        let first = events.first_key_value().expect("a row");
        first.value().expect("read").len()
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

/// Rows one behind the other. A start reads them all, since nothing says where one is.
#[derive(Default)]
struct Appended(Option<File>);

impl Engine for Appended {
    fn name(&self) -> &'static str {
        "a file that is appended to, read whole at a start"
    }

    fn open(&mut self, path: &Path) {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path);
        self.0 = Some(file.expect("a file"));
    }

    fn commit(&mut self, group: &[Rows]) {
        let mut bytes = Vec::new();
        for rows in group {
            for (key, value) in [&rows.event, &rows.key, &rows.basket] {
                bytes.extend((key.len() as u32).to_be_bytes());
                bytes.extend((value.len() as u32).to_be_bytes());
                bytes.extend(key);
                bytes.extend(value);
            }
        }
        let file = self.0.as_mut().expect("open");
        file.write_all(&bytes).expect("written");
        file.sync_data().expect("durable");
    }

    fn read_first(&mut self) -> usize {
        let mut bytes = Vec::new();
        self.0.as_mut().expect("open").read_to_end(&mut bytes).expect("read");
        let mut rest = bytes.as_slice();
        let mut known = std::collections::BTreeMap::new();
        while let Some((head, behind)) = rest.split_first_chunk::<8>() {
            let length = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four")) as usize;
            let (key, behind) = behind.split_at(length(0));
            let (value, behind) = behind.split_at(length(4));
            known.insert(key, value);
            rest = behind;
        }
        known.values().map(|value| value.len()).max().unwrap_or(0)
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

/// Bytes that this process has handed to the system to write; 0 where the system does not say.
fn written() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("wchar:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let sizes = entries
        .map(|path| if path.is_dir() { size(&path) } else { path.metadata().map_or(0, |file| file.len()) });
    sizes.sum()
}
