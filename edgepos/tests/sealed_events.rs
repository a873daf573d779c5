//! A till whose old events were put closer together answers what it answered before.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;
#[path = "support/cloud.rs"]
#[allow(dead_code, reason = "a module of tests, of which each uses its own part")]
mod cloud;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alone::Alone;
use cloud::Cloud;
use edgepos::core::{IdempotencyKey, Now, ReplicaId, StoreGeneration, StoreId};
use edgepos::crdt::VersionVector;
use edgepos::model::{BasketId, Currency, Line, OriginalLine, Tender};
use edgepos::sync::{CloudReply, CloudRequest, UplinkError};
use edgepos::{
    Clock, Commit, Config, Draft, Driver, Genesis, LogOnly, Node, Ports, Refusal, SqliteStore, SystemClock,
    TransactionQuery, Uplink, async_trait,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const DAY_MS: u64 = 24 * 3_600_000;
const SALES: u64 = 600;
/// For a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(300);

/// The system's clocks, ahead by what the test says.
struct Ahead(SystemClock, AtomicU64);

impl Clock for Ahead {
    fn now(&self) -> Now {
        let (now, ahead) = (self.0.now(), self.1.load(Ordering::Relaxed));
        Now::new(now.mono.0 + ahead, now.wall.0 + ahead)
    }
}

struct InMemory(Arc<Mutex<Cloud>>, Arc<Ahead>);

#[async_trait]
impl Uplink for InMemory {
    async fn call(&self, request: CloudRequest) -> Result<CloudReply, UplinkError> {
        Ok(self.0.lock().unwrap().answer(self.1.now().wall, &request))
    }
}

struct Till {
    path: PathBuf,
    clock: Arc<Ahead>,
    cloud: Arc<Mutex<Cloud>>,
    node: Node,
    driver: Driver,
}

impl Till {
    fn start(path: &Path, clock: Arc<Ahead>, cloud: Arc<Mutex<Cloud>>) -> Self {
        let me = ReplicaId::new(1, 5);
        let voters = vec![me];
        let genesis =
            Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters, recovery: None };
        let (_, transport_events) = mpsc::channel(1);
        let uplink = Arc::new(InMemory(cloud.clone(), clock.clone()));
        let store = Box::new(SqliteStore::open(path).unwrap());
        let (transport, alerts) = (Box::new(Alone), Arc::new(LogOnly));
        let ports = Ports { store, transport, transport_events, uplink, clock: clock.clone(), alerts };
        let config = Config { flush_interval: Duration::from_millis(50), ..Config::new(me, genesis, 9) };
        let (node, driver) = Driver::start(config, ports).unwrap();
        Self { path: path.to_owned(), clock, cloud, node, driver }
    }

    async fn restart(self) -> Self {
        let Self { path, clock, cloud, node, driver } = self;
        node.shutdown().await;
        driver.join().await.unwrap();
        Self::start(&path, clock, cloud)
    }

    async fn book(&self, number: u64, line: Line) -> Result<u64, Refusal> {
        book(self.node.clone(), number, line).await
    }

    /// All of them at once, so that they share flushes.
    async fn book_all(&self) {
        let tills: JoinSet<_> = (1..=SALES).map(|number| book(self.node.clone(), number, milk(3))).collect();
        let numbers: BTreeSet<_> = tills.join_all().await.into_iter().map(Result::unwrap).collect();
        assert_eq!(numbers, (1..=SALES).collect());
    }

    fn sealed(&self) -> i64 {
        let db = rusqlite::Connection::open(&self.path).unwrap();
        let sql = "SELECT coalesce(sum(last - first + 1), 0) FROM segments";
        db.query_row(sql, [], |row| row.get(0)).unwrap_or_default()
    }

    fn in_blocks(&self) -> i64 {
        let db = rusqlite::Connection::open(&self.path).unwrap();
        db.query_row("SELECT coalesce(sum(rows), 0) FROM blocks", [], |row| row.get(0)).unwrap_or_default()
    }

    /// What can be asked of old sales.
    async fn answers(&self) -> BTreeSet<String> {
        let mut answers = BTreeSet::new();
        let mut events = self.node.stored_events(VersionVector::new());
        while let Some(event) = events.next().await {
            answers.insert(format!("{:?}", event.unwrap()));
        }
        for number in [1, 77, SALES] {
            let query = TransactionQuery { number: Some(number), ..TransactionQuery::default() };
            answers
                .insert(format!("{:?}", self.node.transactions(&query, None, 9).await.unwrap().transactions));
            answers.insert(format!("{:?}", self.node.basket(name(number)).await.unwrap()));
        }
        answers
    }
}

async fn book(node: Node, number: u64, line: Line) -> Result<u64, Refusal> {
    let basket = name(number);
    let total = node.begin(Draft::sale(basket, Currency::EUR, vec![line])).await?.total;
    let key = IdempotencyKey((u128::from(number) << 64).to_be_bytes());
    let commit = Commit { basket, key, tenders: Tender::cash(total).into() };
    Ok(node.commit(commit).await?.receipt.number)
}

fn name(number: u64) -> BasketId {
    BasketId(u128::from(number).to_be_bytes())
}

fn milk(quantity: i64) -> Line {
    Line { no: 1, product: "milk".into(), quantity, amount: 129 * quantity, ..Line::default() }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_week_and_a_month_later_everything_is_answered_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ahead(SystemClock::new(), AtomicU64::new(0)));
    let mut till = Till::start(&dir.path().join("till.db"), clock.clone(), Arc::default());
    till.book_all().await;
    until("the cloud has everything", async || till.node.status().await.unwrap().queued == 0).await;
    let before = till.answers().await;
    assert!(before.len() > SALES as usize);
    // What is done once a minute is due, and nothing is a week old.
    clock.1.store(DAY_MS, Ordering::Relaxed);
    till.book(SALES + 1, milk(1)).await.unwrap();
    until("the cloud has that too", async || till.node.status().await.unwrap().queued == 0).await;
    assert_eq!(till.sealed(), 0);
    clock.1.store(8 * DAY_MS, Ordering::Relaxed);
    until("two segments", async || till.sealed() >= 512).await;
    for (later, is_restarted) in [(8, false), (8, true), (40, false), (40, true)] {
        if later == 40 && !is_restarted {
            clock.1.store(later * DAY_MS, Ordering::Relaxed);
            until("rows in blocks", async || till.in_blocks() > 1_000).await;
        }
        let after = till.answers().await;
        assert!(after.is_superset(&before), "{:?}", before.difference(&after).next());
        // The same basket and key: the same receipt, and nothing is booked again.
        let again = till.book(7, milk(3)).await;
        assert!(
            matches!(&again, Err(Refusal::BasketBooked(receipt)) if receipt.number <= SALES),
            "{again:?}"
        );
        if !is_restarted {
            till = till.restart().await;
        }
    }
    let back = |quantity: i64, basket| Line {
        original: Some(OriginalLine { basket: name(basket), line: 1 }),
        ..milk(-quantity)
    };
    till.book(SALES + 2, back(2, 7)).await.unwrap();
    let too_much = till.book(SALES + 3, back(2, 7)).await;
    assert_eq!(too_much, Err(Refusal::NotReturnable { line: 1, remaining: 1 }));
    let of_another = till.book(SALES + 4, Line { product: "tea".into(), ..back(1, 8) }).await;
    assert!(of_another.is_err(), "the sold line says what it was: {of_another:?}");
    till.node.shutdown().await;
    till.driver.join().await.unwrap();
}
