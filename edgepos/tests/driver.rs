//! The driver on a real store: what was acknowledged is there after a restart, and a failed write stops the terminal.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alone::{Alone, Cloudless};
use edgepos::consensus::Timing;
use edgepos::core::{ConnectionId, IdempotencyKey, Persist, ReplicaId, Space, StoreGeneration, StoreId};
use edgepos::model::{BasketId, CounterRow, Currency, Line, Tender};
use edgepos::{
    Commit, ConditionKind, Config, Delivery, Draft, Driver, Genesis, Inference, LogOnly, MemoryStore, Node,
    Notice, Ports, Record, Refusal, Rows, SqliteStore, Store, StoreError, SystemClock, Transport,
};
use tokio::sync::{broadcast, mpsc};

fn start(store: Box<dyn Store>) -> (Node, Driver) {
    let me = ReplicaId::new(1, 5);
    let genesis =
        Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
    Driver::start(Config::new(me, genesis, 9), alone(store)).unwrap()
}

/// Nobody is there.
fn alone(store: Box<dyn Store>) -> Ports {
    let (_, transport_events) = mpsc::channel(1);
    let (uplink, clock, alerts) = (Arc::new(Cloudless), Arc::new(SystemClock::new()), Arc::new(LogOnly));
    Ports { store, transport: Box::new(Alone), transport_events, uplink, clock, alerts }
}

/// A terminal alone on a network of datagrams.
struct Datagrams;

impl Transport for Datagrams {
    fn delivery(&self) -> Delivery {
        Delivery::Lossy
    }

    fn send(&mut self, _: ReplicaId, _: ConnectionId, _: Vec<u8>) {}
}

/// Profile Fast is for transports that lose frames: what the transport says decides, not what the configuration hopes.
#[tokio::test]
async fn the_transport_says_whether_fast_elections_are_safe() {
    let me = ReplicaId::new(1, 5);
    let genesis =
        Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
    let start = |transport: Box<dyn Transport>| {
        let mut terminal = Config::new(me, genesis.clone(), 9);
        (terminal.timing, terminal.delivery) = (Timing::fast(), Delivery::Lossy);
        Driver::start(terminal, Ports { transport, ..alone(Box::new(MemoryStore::new())) })
    };
    let (node, driver) = start(Box::new(Datagrams)).unwrap();
    node.shutdown().await;
    driver.join().await.unwrap();
    let Err(refused) = start(Box::new(Alone)) else { panic!("a stream is not for profile Fast") };
    let said = format!("{refused}: {:?}", std::error::Error::source(&refused).map(ToString::to_string));
    assert!(said.contains("ranked"), "{said}");
}

fn open(path: &Path) -> Box<dyn Store> {
    Box::new(SqliteStore::open(path).unwrap())
}

fn basket(number: u8) -> Draft {
    let milk = Line { no: 1, product: "milk".into(), quantity: 1, amount: 129, ..Line::default() };
    Draft::sale(BasketId([number; 16]), Currency::EUR, vec![milk])
}

fn commit(number: u8) -> Commit {
    let key = IdempotencyKey([number; 16]);
    Commit { basket: BasketId([number; 16]), key, tenders: Tender::cash(129).into() }
}

#[tokio::test]
async fn sales_outlive_the_process_and_concurrent_ones_are_all_booked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let (node, driver) = start(open(&path));
    let mut tills = tokio::task::JoinSet::new();
    for number in 1..=40 {
        let node = node.clone();
        tills.spawn(async move {
            node.begin(basket(number)).await.unwrap();
            node.commit(commit(number)).await.unwrap().receipt
        });
    }
    let mut numbers: Vec<u64> = tills.join_all().await.into_iter().map(|receipt| receipt.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>(), "gapless");
    node.shutdown().await;
    driver.join().await.unwrap();
    assert!(matches!(node.begin(basket(50)).await, Err(Refusal::Stopped(_))));

    let (node, driver) = start(open(&path));
    assert_eq!(node.counter(CounterRow::stock("milk", 0)).await.unwrap(), Some(-40));
    let repeated = node.commit(commit(7)).await.unwrap();
    assert!(repeated.repeated);
    node.shutdown().await;
    driver.join().await.unwrap();

    // What a person sees with sqlite3, in a copy of the one file.
    let copy = dir.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    let reader = rusqlite::Connection::open(&copy).unwrap();
    let sql =
        "SELECT count(*), sum(total), min(series), max(number) FROM events WHERE kind_name = 'transaction'";
    let seen: (i64, i64, String, i64) =
        reader.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    assert_eq!(seen, (40, 40 * 129, "S".into(), 40));
}

/// A store whose flush takes no time, which counts them: whoever shares one has come together before it.
struct Counting {
    store: MemoryStore,
    flushes: Arc<AtomicUsize>,
}

impl Store for Counting {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        self.store.commit(group)
    }

    fn write(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.store.commit(group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.store.scan(space, from, to, max_bytes)
    }
}

/// Callers, and how many flushes they may need for a hundred sales: twice that of callers in step, since some may begin while others pay.
#[tokio::test]
async fn callers_who_sell_at_once_share_flushes() {
    const SALES: usize = 64;
    for (callers, most) in [(1, 105), (8, 30), (32, 9)] {
        let flushes = Arc::new(AtomicUsize::new(0));
        let (node, driver) =
            start(Box::new(Counting { store: MemoryStore::new(), flushes: Arc::clone(&flushes) }));
        // The election of a terminal that is alone writes as well.
        while node.status().await.unwrap().leader.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let before = flushes.load(Ordering::SeqCst);
        let mut tills = tokio::task::JoinSet::new();
        for caller in 0..callers {
            let node = node.clone();
            tills.spawn(async move {
                for number in (caller..SALES).step_by(callers) {
                    let number = u8::try_from(number).unwrap();
                    node.begin(basket(number)).await.unwrap();
                    node.commit(commit(number)).await.unwrap();
                }
            });
        }
        tills.join_all().await;
        let of_100 = 100 * (flushes.load(Ordering::SeqCst) - before) / SALES;
        println!("{callers} callers: {of_100} flushes for 100 sales");
        assert!(of_100 <= most, "{callers} callers: {of_100} flushes for 100 sales");
        node.shutdown().await;
        driver.join().await.unwrap();
    }
}

/// Fails from the given commit on.
struct Failing {
    store: MemoryStore,
    good: usize,
}

impl Store for Failing {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.good = self.good.checked_sub(1).ok_or_else(|| StoreError::plain("the disk is full"))?;
        self.store.commit(group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.store.scan(space, from, to, max_bytes)
    }
}

#[tokio::test]
async fn a_failed_write_is_told_and_never_acknowledged() {
    let (node, driver) = start(Box::new(Failing { store: MemoryStore::new(), good: 3 }));
    let mut refused = None;
    for number in 1..=10 {
        let sold = async {
            node.begin(basket(number)).await?;
            node.commit(commit(number)).await
        };
        if let Err(refusal) = sold.await {
            refused = Some(refusal);
            break;
        }
    }
    assert!(
        matches!(refused, Some(Refusal::Stopped(reason)) if reason.contains("disk is full") || reason.contains("not running"))
    );
    let error = driver.join().await.unwrap_err();
    assert!(error.doing.contains("disk is full"), "{error}");
}

async fn until_told(notices: &mut broadcast::Receiver<Notice>, kind: ConditionKind, begins: bool) {
    loop {
        if let Notice::Condition { condition, holds } = notices.recv().await.unwrap()
            && condition.kind == kind
            && holds == begins
        {
            return;
        }
    }
}

/// Another program holds the file between the payment and the receipt.
#[tokio::test]
async fn a_lock_of_another_program_is_waited_for_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let (node, driver) = start(open(&path));
    node.begin(basket(1)).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let paid = tokio::spawn({
        let node = node.clone();
        async move { node.commit(commit(1)).await }
    });
    let mut notices = node.notices();
    until_told(&mut notices, ConditionKind::DiskBusy, true).await;
    assert_eq!(node.status().await.unwrap().conditions[0].kind, ConditionKind::DiskBusy);
    assert_eq!(
        (node.unresolved().await.unwrap().len(), node.counters().await.unwrap().is_empty()),
        (0, false)
    );
    other.execute_batch("ROLLBACK").unwrap();
    until_told(&mut notices, ConditionKind::DiskBusy, false).await;
    assert!(!paid.await.unwrap().unwrap().repeated);
    assert_eq!(node.status().await.unwrap().conditions, []);
    node.shutdown().await;
    driver.join().await.unwrap();
}

/// A store whose disk is full while the flag stands, but for what is promised.
struct SmallDisk {
    store: MemoryStore,
    full: Arc<AtomicBool>,
}

impl Store for SmallDisk {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.store.commit(group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.store.scan(space, from, to, max_bytes)
    }

    fn set_aside(&mut self, promised: u64) -> u64 {
        if self.full.load(Ordering::SeqCst) { 0 } else { promised + 1_000_000 }
    }
}

/// What was begun is booked, nothing further is promised, and with room again it goes on by itself.
#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_books_what_was_begun() {
    let full = Arc::new(AtomicBool::new(false));
    let (node, driver) = start(Box::new(SmallDisk { store: MemoryStore::new(), full: Arc::clone(&full) }));
    node.begin(basket(1)).await.unwrap();
    let mut notices = node.notices();
    full.store(true, Ordering::SeqCst);
    until_told(&mut notices, ConditionKind::DiskFull, true).await;
    assert_eq!(node.begin(basket(2)).await, Err(Refusal::DiskFull));
    let received = Record::custom(vec![1], Vec::new());
    assert_eq!(node.record(received.clone()).await, Err(Refusal::DiskFull));
    assert_eq!(node.begin(basket(1)).await.unwrap().number, 1, "a repeat is no further promise");
    assert_eq!(node.commit(commit(1)).await.unwrap().receipt.number, 1);
    assert_eq!(node.status().await.unwrap().conditions[0].kind, ConditionKind::DiskFull);
    full.store(false, Ordering::SeqCst);
    until_told(&mut notices, ConditionKind::DiskFull, false).await;
    assert_eq!(node.begin(basket(2)).await.unwrap().number, 2, "no number was burnt");
    node.record(received).await.unwrap();
    node.shutdown().await;
    driver.join().await.unwrap();
}

/// A vendor's application, a model of which answered too late: the figures are there to be read, also through HTTP by whoever serves them.
#[tokio::test]
async fn figures_are_read_as_text() {
    let (node, driver) = start(Box::new(MemoryStore::new()));
    let took = Duration::from_millis(400);
    node.report_inference(Inference::Fallback { took }).await.unwrap();
    // Gauges are read once a second; the waiting ends with what is waited for.
    let text = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let text = node.metrics().await.unwrap();
            if text.contains("edgepos_inference_p99_seconds 0.5\n") {
                return text;
            }
            tokio::task::yield_now().await;
        }
    });
    let text = text.await.unwrap();
    assert!(text.contains("edgepos_alert{alert=\"inference_p99\"} 1\n"), "{text}");
    assert!(text.contains("edgepos_queued_events 0\n"), "{text}");
    let status = node.status().await.unwrap();
    let late = status.alerts.iter().find(|alert| alert.name == "inference_p99").unwrap();
    assert!(late.firing && late.value > late.threshold && !late.remedy.is_empty(), "{late:?}");
    assert!(!text.contains("edgepos_inference_accuracy_ratio"), "nobody looked at an answer: {text}");
    node.shutdown().await;
    driver.join().await.unwrap();
    assert!(node.metrics().await.is_err());
}
