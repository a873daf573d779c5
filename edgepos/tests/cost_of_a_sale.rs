//! What a sale costs a disk and the memory, in counts that do not depend on the machine.
//!
//! One test: the counts are those of the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::path::Path;

use edgepos::core::{EventId, IdempotencyKey, Now, ReplicaId, Space, StoreGeneration, StoreId};
use edgepos::model::{BasketId, Currency, Line, Tender};
use edgepos::{
    Commit, Config, Draft, Genesis, Input, Output, RequestId, Restored, Sealing, SqliteStore, Store, Terminal,
};

/// Sales before the count begins, so that the file and its pages are no longer new.
const BEFORE: u64 = 1_000;
/// Sales that are counted: counter rows are written twice among them.
const COUNTED: u64 = 4_000;
const LINES: u16 = 7;
const PRODUCTS: u64 = 1_000;

/// A till that makes each write durable on its own: one caller.
struct Till {
    terminal: Terminal,
    store: SqliteStore,
    now: Now,
    requests: u64,
    commits: u64,
    rows: u64,
    random: u64,
}

impl Till {
    fn open(path: &Path) -> Self {
        let me = ReplicaId::new(1, 5);
        let genesis = Genesis {
            store: StoreId([1; 16]),
            generation: StoreGeneration(0),
            voters: vec![me],
            recovery: None,
        };
        let store = SqliteStore::open(path).unwrap();
        let now = Now::new(0, 1_700_000_000_000);
        let restored = Restored::from_store(&store).unwrap();
        let terminal = Terminal::new(now, Config::new(me, genesis, 9), restored).unwrap();
        let mut till = Self { terminal, store, now, requests: 0, commits: 0, rows: 0, random: 1 };
        till.run();
        till
    }

    fn run(&mut self) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) => {
                    self.commits += 1;
                    self.rows += persist.writes.len() as u64;
                    self.store.commit(std::slice::from_ref(&persist)).unwrap();
                    self.terminal.handle(self.now, Input::Persisted(persist.id));
                }
                Output::Write(persist) => {
                    self.rows += persist.writes.len() as u64;
                    self.store.write(std::slice::from_ref(&persist)).unwrap();
                    self.terminal.handle(self.now, Input::Persisted(persist.id));
                }
                Output::Load(load) => {
                    let rows = self.store.scan(load.space, &load.from, &load.to, load.max_bytes).unwrap();
                    self.terminal.handle(self.now, Input::Loaded(load.id, rows));
                }
                Output::Reply(_, reply) => drop(reply.unwrap()),
                Output::Transmit { .. } | Output::Uplink(..) | Output::Notice(_) => {}
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 11
    }

    /// A name as tills give them: it does not say when.
    fn name(&mut self) -> [u8; 16] {
        let (a, b) = (self.next(), self.next());
        u128::from(a)
            .wrapping_mul(u128::from(b) | 1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
            .to_be_bytes()
    }

    fn sell(&mut self) {
        let lines = (1..=LINES).map(|no| {
            let product = format!("product-{:05}", self.next() % PRODUCTS);
            Line { no, product, quantity: 1, unit_price: 129, amount: 129, ..Line::default() }
        });
        let lines: Vec<_> = lines.collect();
        let basket = BasketId(self.name());
        self.requests += 2;
        self.terminal
            .begin(self.now, RequestId(self.requests), Draft::sale(basket, Currency::EUR, lines))
            .unwrap();
        self.run();
        let key = IdempotencyKey(self.name());
        let tenders = Tender::cash(129 * i64::from(LINES)).into();
        self.terminal
            .commit(self.now, RequestId(self.requests + 1), Commit { basket, key, tenders })
            .unwrap();
        self.run();
    }
}

/// What a sale comes to once its events are in segments, in bytes.
#[derive(Debug)]
struct Sealed {
    segments: u64,
    /// With the rows that it has besides, in a file without holes.
    size: u64,
    written: u64,
}

impl Sealed {
    fn of(path: &Path) -> Self {
        const SALES: u64 = BEFORE + COUNTED;
        let mut store = SqliteStore::open(path).unwrap();
        let rows = store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap();
        let ids = rows.iter().map(|(key, _)| EventId::from_key(key).unwrap());
        let floor: BTreeMap<_, _> = ids.map(|id| (id.chain, id.seq)).collect();
        let sealing = Sealing {
            floor: floor.into_iter().collect(),
            before_utc_ms: u64::MAX,
            archive_before_utc_ms: Some(u64::MAX),
        };
        let before = written();
        while store.seal(&sealing).unwrap() {}
        let written = (written() - before) / SALES;
        assert!(store.scan(Space::Event, &[0], &[255; 17], u32::MAX).unwrap() == rows);
        Box::new(store).close().unwrap();
        let db = rusqlite::Connection::open(path).unwrap();
        let segments: i64 =
            db.query_row("SELECT sum(length(batch)) FROM segments", [], |row| row.get(0)).unwrap();
        drop(db);
        let size = SqliteStore::compact(path).unwrap().after / SALES;
        Self { segments: segments.unsigned_abs() / SALES, size, written }
    }
}

/// Bytes that this process has handed to the system to write, wherever to.
fn written() -> u64 {
    figure("/proc/self/io", "wchar:")
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    figure("/proc/self/status", "VmRSS:") * 1_024
}

fn figure(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_sale_costs_no_more_than_it_may() {
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::open(&path);
    (0..BEFORE).for_each(|_| till.sell());
    let (bytes, commits, rows, memory) = (written(), till.commits, till.rows, resident());
    let size = path.metadata().unwrap().len();
    (0..COUNTED).for_each(|_| till.sell());
    let per_sale = |after: u64, before: u64| after.saturating_sub(before) / COUNTED;
    let bytes = per_sale(written(), bytes);
    let commits_per_100 = 100 * (till.commits - commits) / COUNTED;
    let rows_per_100 = 100 * (till.rows - rows) / COUNTED;
    let memory = per_sale(resident(), memory);
    Box::new(till.store).close().unwrap();
    let size = per_sale(path.metadata().unwrap().len(), size);
    assert!(bytes <= 15_500, "{bytes} bytes written a sale");
    assert!(commits_per_100 <= 110, "{commits_per_100} flushes for 100 sales");
    assert!(rows_per_100 <= 760, "{rows_per_100} rows for 100 sales");
    assert!(memory <= 500, "{memory} bytes of memory a sale");
    assert!(size <= 760, "{size} bytes on disk a sale");
    let sealed = Sealed::of(&path);
    assert!(sealed.segments <= 150, "{} bytes in segments a sale", sealed.segments);
    assert!(sealed.size <= 500, "{} bytes on disk a sale when sealed", sealed.size);
    assert!(sealed.written <= 3_000, "{} bytes written a sale to seal it", sealed.written);
    println!("a sale that is sealed: {sealed:?}");
    println!(
        "a sale: {bytes} bytes written, {commits_per_100}/100 flushes, {rows_per_100}/100 rows, {memory} bytes of memory, {size} bytes on disk"
    );
}
