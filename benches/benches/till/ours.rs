//! A till of the SDK: through its driver with callers at once, and grown to many sales.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use edgepos::core::{ConnectionId, IdempotencyKey, Now, Persist, ReplicaId, Space, StoreGeneration, StoreId};
use edgepos::model::{BasketId, Currency, Line, Tender};
use edgepos::sync::{CloudReply, CloudRequest, UplinkError};
use edgepos::{
    Commit, Config, Delivery, Draft, Driver, Genesis, Input, LogOnly, Output, Ports, RequestId, Restored,
    Rows, SqliteStore, Store, StoreError, SystemClock, Terminal, Transport, Uplink, async_trait,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::measure::{Figures, quantiles, resident, written};
use crate::sale::{LINES, PRICE, Sale, Sales, code};
use crate::wire;

/// Writes that share a flush while a till is grown, where nobody waits for one.
const GROUP: usize = 256;
/// Sales whose events are packed as they would travel, and what their rows have at most.
const WIRE_SALES: usize = 990;
const WIRE_BYTES: u32 = 2 << 20;

/// Nobody is connected.
struct Alone;

impl Transport for Alone {
    fn delivery(&self) -> Delivery {
        Delivery::Stream
    }

    fn send(&mut self, _: ReplicaId, _: ConnectionId, _: Vec<u8>) {}
}

/// The cloud is away.
struct Cloudless;

#[async_trait]
impl Uplink for Cloudless {
    async fn call(&self, _: CloudRequest) -> Result<CloudReply, UplinkError> {
        Err(UplinkError::Unreachable)
    }
}

/// Groups that were made durable, and those that were only written.
#[derive(Default)]
struct Groups {
    commits: AtomicU64,
    writes: AtomicU64,
}

impl Groups {
    fn counted(&self) -> (u64, u64) {
        (self.commits.load(Ordering::Relaxed), self.writes.load(Ordering::Relaxed))
    }
}

/// A store that counts its groups.
struct Counting {
    store: SqliteStore,
    groups: Arc<Groups>,
}

impl Store for Counting {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.groups.commits.fetch_add(1, Ordering::Relaxed);
        self.store.commit(group)
    }

    fn write(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.groups.writes.fetch_add(1, Ordering::Relaxed);
        self.store.write(group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.store.scan(space, from, to, max_bytes)
    }

    fn set_aside(&mut self, promised: u64) -> u64 {
        self.store.set_aside(promised)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Box::new(self.store).close()
    }
}

/// Sells with so many callers at once, through the driver.
pub(crate) fn sell(callers: usize, sales: usize) -> Figures {
    let dir = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let groups = Arc::new(Groups::default());
        let store = SqliteStore::open(&dir.path().join("till.db")).expect("a file");
        let store = Counting { store, groups: Arc::clone(&groups) };
        let (_events, transport_events) = mpsc::channel(1);
        let ports = Ports {
            store: Box::new(store),
            transport: Box::new(Alone),
            transport_events,
            uplink: Arc::new(Cloudless),
            clock: Arc::new(SystemClock::new()),
            alerts: Arc::new(LogOnly),
        };
        let (node, driver) = Driver::start(config(), ports).expect("a till");
        // The reserve is made and the election is over.
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        let (before, counted, began) = (written(), groups.counted(), Instant::now());
        let mut tills = tokio::task::JoinSet::new();
        for caller in 0..callers {
            let node = node.clone();
            tills.spawn(async move {
                let mut stream = Sales::new(caller as u64);
                let mut took = Vec::with_capacity(sales / callers);
                for _ in 0..sales / callers {
                    let (draft, commit) = calls(&stream.next());
                    let asked = Instant::now();
                    node.begin(draft).await.expect("begun");
                    node.commit(commit).await.expect("booked");
                    took.push(asked.elapsed());
                }
                took
            });
        }
        let took = tills.join_all().await.concat();
        let time = began.elapsed();
        let (commits, writes) = groups.counted();
        let (commits, writes) = (commits - counted.0, writes - counted.1);
        // What is behind is a part of what a sale costs.
        node.shutdown().await;
        driver.join().await.expect("a clean stop");
        let sales = sales / callers * callers;
        let (bytes, latency) = (Some(written() - before), quantiles(took));
        Figures { sales, time, bytes, commits: Some(commits), writes: Some(writes), latency }
    })
}

/// Grows a till to so many sales: the memory that it takes, and how it starts again.
pub(crate) fn grow(sales: usize) -> Value {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("till.db");
    let before = resident();
    let mut till = Till::open(&path);
    let mut stream = Sales::new(1);
    let mut first = Vec::new();
    for _ in 0..sales {
        let sale = stream.next();
        till.sell(&sale);
        if first.len() < WIRE_SALES {
            first.push(sale);
        }
    }
    till.flush();
    let after = resident();
    till.terminal.write_rows();
    till.run();
    till.flush();
    let batches = till.store.scan(Space::Event, &[0], &[255; 18], WIRE_BYTES).expect("rows");
    Box::new(till.store).close().expect("a clean stop");
    drop(till.terminal);
    let began = Instant::now();
    let till = Till::open(&path);
    let start = began.elapsed().as_secs_f64();
    let restarted = resident();
    drop(till);
    let disk = path.metadata().map_or(0, |file| file.len());
    json!({
        "sales": sales,
        "resident_mb": megabytes(after),
        "resident_bytes_a_sale": after.saturating_sub(before) / sales as u64,
        "start_s": (start * 1_000.0).round() / 1_000.0,
        "resident_after_start_mb": megabytes(restarted),
        "disk_bytes_a_sale": disk / sales as u64,
        "wire": wire::sizes(&first, &batches),
    })
}

fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / 1e5).round() / 10.0
}

fn config() -> Config {
    let me = ReplicaId::new(1, 5);
    let genesis =
        Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
    Config::new(me, genesis, 9)
}

pub(crate) fn calls(sale: &Sale) -> (Draft, Commit) {
    let lines = sale.products.iter().zip(1..).map(|(product, no)| Line {
        no,
        product: code(*product),
        quantity: 1,
        unit_price: PRICE,
        amount: PRICE,
        ..Line::default()
    });
    let basket = BasketId(sale.basket);
    let draft = Draft::sale(basket, Currency::EUR, lines.collect());
    let tenders = Tender::cash(PRICE * LINES as i64).into();
    (draft, Commit { basket, key: IdempotencyKey(sale.key), tenders })
}

/// A terminal without a driver, whose writes reach the disk in large groups.
struct Till {
    terminal: Terminal,
    store: SqliteStore,
    waiting: Vec<Persist>,
    requests: u64,
}

const NOW: Now = Now::new(0, 1_700_000_000_000);

impl Till {
    fn open(path: &Path) -> Self {
        let store = SqliteStore::open(path).expect("a file");
        let restored = Restored::from_store(&store).expect("rows");
        let terminal = Terminal::new(NOW, config(), restored).expect("a till");
        let mut till = Self { terminal, store, waiting: Vec::new(), requests: 0 };
        till.run();
        till.flush();
        till
    }

    fn run(&mut self) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) | Output::Write(persist) => self.waiting.push(persist),
                Output::Load(load) => {
                    let rows =
                        self.store.scan(load.space, &load.from, &load.to, load.max_bytes).expect("rows");
                    self.terminal.handle(NOW, Input::Loaded(load.id, rows));
                }
                Output::Reply(_, reply) => drop(reply.expect("done")),
                Output::Transmit { .. } | Output::Uplink(..) | Output::Notice(_) => {}
            }
        }
    }

    fn flush(&mut self) {
        while !self.waiting.is_empty() {
            let group = std::mem::take(&mut self.waiting);
            self.store.commit(&group).expect("durable");
            for persist in group {
                self.terminal.handle(NOW, Input::Persisted(persist.id));
            }
            self.run();
        }
    }

    fn sell(&mut self, sale: &Sale) {
        let (draft, commit) = calls(sale);
        self.requests += 2;
        self.terminal.begin(NOW, RequestId(self.requests), draft).expect("begun");
        self.run();
        self.terminal.commit(NOW, RequestId(self.requests + 1), commit).expect("booked");
        self.run();
        if self.waiting.len() >= GROUP {
            self.flush();
        }
    }
}
