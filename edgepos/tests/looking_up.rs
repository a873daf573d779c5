//! What was sold is found again through the node: by number, by period, by customer, by its names, a page at a time.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use edgepos::core::{Chain, IdempotencyKey, Lane, Now, Persist, ReplicaId, Seq, Space};
use edgepos::crdt::VersionVector;
use edgepos::model::{
    BasketId, BookedName, Currency, Line, Mode, StockLine, StockMoved, StockReason, Tender,
};
use edgepos::{
    BasketState, Clock, Commit, Draft, Driver, MAX_LOOKED_AT, MAX_TRANSACTIONS, MemoryStore, Node, Receipt,
    Record, Rows, Store, StoreError, TransactionQuery,
};

const ME: ReplicaId = ReplicaId::new(1, 5);
const BEGAN: u64 = 1_700_000_000_000;

/// A store that the test keeps, and that counts what one read brings at most.
#[derive(Clone, Default)]
struct Counting {
    rows: Arc<Mutex<MemoryStore>>,
    most: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
}

impl Store for Counting {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.rows.lock().unwrap().commit(group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        let rows = self.rows.lock().unwrap().scan(space, from, to, max_bytes)?;
        self.most.fetch_max(rows.len(), Ordering::Relaxed);
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(rows)
    }
}

/// A clock that the test sets.
#[derive(Default)]
struct Set(AtomicU64);

impl Clock for Set {
    fn now(&self) -> Now {
        let ms = self.0.load(Ordering::Relaxed);
        Now::new(ms, BEGAN + ms)
    }
}

struct Till {
    node: Node,
    driver: Driver,
    store: Counting,
    clock: Arc<Set>,
}

impl Till {
    fn start() -> Self {
        let (store, clock) = (Counting::default(), Arc::new(Set::default()));
        let (node, driver) = open(&store, &clock);
        Self { node, driver, store, clock }
    }

    async fn restart(self) -> Self {
        let Self { node, driver, store, clock } = self;
        node.shutdown().await;
        driver.join().await.unwrap();
        let (node, driver) = open(&store, &clock);
        Self { node, driver, store, clock }
    }

    async fn sell(&self, number: u64, customer: Option<&str>) -> Receipt {
        let basket = name(number);
        let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
        let draft =
            Draft { customer: customer.map(Into::into), ..Draft::sale(basket, Currency::EUR, vec![milk]) };
        let begun = self.node.begin(draft).await.unwrap();
        let tenders = Tender::cash(begun.total).into();
        let commit = Commit { basket, key: key(number), tenders };
        self.node.commit(commit).await.unwrap().receipt
    }

    async fn found(&self, query: TransactionQuery) -> Vec<u64> {
        let page = self.node.transactions(&query, None, MAX_TRANSACTIONS).await.unwrap();
        assert_eq!(page.next, None, "everything was looked at");
        page.transactions.iter().map(|booked| booked.transaction.number).collect()
    }
}

fn open(store: &Counting, clock: &Arc<Set>) -> (Node, Driver) {
    alone::start(ME, Box::new(store.clone()), clock.clone())
}

fn name(number: u64) -> BasketId {
    BasketId(u128::from(number).to_be_bytes())
}

fn key(number: u64) -> IdempotencyKey {
    IdempotencyKey((u128::from(number) << 64).to_be_bytes())
}

#[tokio::test]
async fn transactions_are_found_by_number_period_and_customer() {
    let till = Till::start();
    for number in 1..=20 {
        till.clock.0.store(number * 1_000, Ordering::Relaxed);
        till.sell(number, (number % 5 == 0).then_some("customer-7")).await;
    }
    let all = TransactionQuery::default;
    assert_eq!(till.found(all()).await, (1..=20).rev().collect::<Vec<_>>(), "the newest first");
    assert_eq!(till.found(TransactionQuery { number: Some(7), ..all() }).await, [7]);
    let other = TransactionQuery { number: Some(7), series: Some("R".into()), ..all() };
    assert_eq!(till.found(other).await, [0_u64; 0]);
    let of = TransactionQuery { customer: Some("customer-7".into()), ..all() };
    assert_eq!(till.found(of).await, [20, 15, 10, 5]);
    let (from_ms, before_ms) = (Some(BEGAN + 5_000), Some(BEGAN + 8_000));
    assert_eq!(till.found(TransactionQuery { from_ms, before_ms, ..all() }).await, [7, 6, 5]);
    assert_eq!(till.found(TransactionQuery { terminal: Some(2), ..all() }).await, [0_u64; 0]);
    assert_eq!(till.found(TransactionQuery { business_day: Some(20_260_101), ..all() }).await, [0_u64; 0]);
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended_whatever_comes_meanwhile() {
    let till = Till::start();
    for number in 1..=10 {
        till.sell(number, None).await;
    }
    let till = till.restart().await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = till.node.transactions(&TransactionQuery::default(), after, 3).await.unwrap();
        assert!(page.transactions.len() <= 3);
        seen.extend(page.transactions.iter().map(|booked| booked.transaction.number));
        till.sell(100 + seen.len() as u64, None).await;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());

    // From a place that this store has not reached the first page comes, and what would be between is not looked through.
    let chain = Chain::new(till.node.status().await.unwrap().me, Lane::Transactions);
    let beyond: VersionVector = [(chain, Seq(u64::MAX))].into_iter().collect();
    till.store.reads.store(0, Ordering::Relaxed);
    let page = till.node.transactions(&TransactionQuery::default(), Some(beyond), 1).await.unwrap();
    assert_eq!(page.transactions.len(), 1);
    let reads = till.store.reads.load(Ordering::Relaxed);
    assert!(reads < 5, "{reads}");
}

/// The driver's loop hands a read on and does nothing more for it; the store's thread reads a slice between two groups of writes.
#[tokio::test]
async fn no_read_brings_more_than_a_slice_and_a_page_ends() {
    let till = Till::start();
    for number in 1..=700 {
        till.sell(number, None).await;
    }
    till.store.most.store(0, Ordering::Relaxed);
    till.store.reads.store(0, Ordering::Relaxed);
    let nobody = TransactionQuery { customer: Some("nobody".into()), ..Default::default() };
    assert_eq!(till.found(nobody.clone()).await, [0_u64; 0]);
    assert_eq!(till.store.most.load(Ordering::Relaxed), 64, "rows of one read");
    let reads = till.store.reads.load(Ordering::Relaxed);
    assert!(
        (11..=20).contains(&reads),
        "700 events in slices of 64, and what the terminal itself reads: {reads}"
    );
    // What is before the period is not read.
    till.store.reads.store(0, Ordering::Relaxed);
    till.clock.0.store(3_600_000, Ordering::Relaxed);
    till.sell(701, None).await;
    till.store.reads.store(0, Ordering::Relaxed);
    let late = TransactionQuery { from_ms: Some(BEGAN + 3_600_000), ..nobody };
    assert_eq!(till.found(late).await, [0_u64; 0]);
    assert_eq!(till.store.reads.load(Ordering::Relaxed), 1, "the last slice alone");
    const { assert!(MAX_LOOKED_AT >= 700) };
}

#[tokio::test]
async fn receipts_and_baskets_are_read_by_their_names() {
    let till = Till::start();
    let receipt = till.sell(1, Some("customer-7")).await;
    till.sell(2, None).await;
    for name in [BookedName::Basket(name(1)), BookedName::Key(key(1))] {
        assert_eq!(till.node.receipts(name).await.unwrap(), std::slice::from_ref(&receipt));
    }
    assert_eq!(till.node.receipts(BookedName::Basket(name(9))).await.unwrap(), []);
    let lines = vec![StockLine { product: "milk".into(), quantity: 9 }];
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    let goods = till.node.record(Record::stock_moved(&moved, 0).with_key(key(3))).await.unwrap();
    assert_eq!(till.node.receipts(BookedName::Key(key(3))).await.unwrap(), [], "that of no receipt");
    assert_eq!(till.node.transaction(goods).await.unwrap(), None);
    let booked = till.node.transaction(receipt.event).await.unwrap().unwrap();
    assert_eq!((booked.transaction.lines.len(), booked.transaction.tenders.len()), (1, 1));

    let sold = till.node.basket(name(1)).await.unwrap().unwrap();
    assert_eq!((sold.state, sold.transaction), (BasketState::Booked(vec![receipt]), booked.transaction));
    let bread = Line { no: 1, product: "bread".into(), quantity: 1, amount: 300, ..Line::default() };
    let draft = Draft::sale(name(4), Currency::EUR, vec![bread.clone()]);
    till.node.begin(draft).await.unwrap();
    let open = till.node.basket(name(4)).await.unwrap().unwrap();
    assert_eq!((open.state, open.mode, open.transaction.lines), (BasketState::Open, Mode::Live, vec![bread]));
    till.node.park(name(4)).await.unwrap();
    let parked = till.node.basket(name(4)).await.unwrap().unwrap();
    assert_eq!((parked.state, parked.transaction.number), (BasketState::Parked, 0));
    till.node.abandon(name(4)).await.unwrap();
    assert_eq!(till.node.basket(name(4)).await.unwrap(), None);
}

#[tokio::test]
async fn open_exceptions_come_in_pages() {
    let till = Till::start();
    // A product's stock is counted once goods came, and below nothing it is oversold.
    let lines = |quantity| {
        let line = |number| StockLine { product: format!("product {number:05}"), quantity };
        (0..1_100).map(line).collect::<Vec<_>>()
    };
    let moved =
        |from: Vec<StockLine>| StockMoved { reason: StockReason::Receipt, from: None, to: None, lines: from };
    for part in lines(1).chunks(200) {
        till.node.record(Record::stock_moved(&moved(part.to_vec()), 0)).await.unwrap();
    }
    for part in lines(-2).chunks(200) {
        till.node.record(Record::stock_moved(&moved(part.to_vec()), 0)).await.unwrap();
    }
    // The store decides them one by one, after the grace.
    let mut ms = 0;
    while till.node.status().await.unwrap().open_exceptions < 1_100 {
        ms += 500;
        till.clock.0.store(ms, Ordering::Relaxed);
        till.node.flush().await;
        tokio::task::yield_now().await;
    }
    let shown = till.node.status().await.unwrap().exceptions;
    let first = till.node.exceptions_after(None).await.unwrap();
    assert_eq!((first.len(), &shown), (1_000, &first), "a status shows the first page");
    let last = first.last().map(|raised| raised.subject().to_vec());
    let second = till.node.exceptions_after(last).await.unwrap();
    assert_eq!(second.len(), 100);
    let all: BTreeSet<_> = first.iter().chain(&second).map(|raised| raised.subject().to_vec()).collect();
    assert_eq!(all.len(), 1_100, "each once");
}
