//! What a terminal recorded can be read back, from any point on and without loss.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;

use std::sync::Arc;
use std::time::Duration;

use alone::Shared;
use edgepos::core::{Chain, EventId, Lane, Persist, ReplicaId, Seq, Space, Write};
use edgepos::crdt::VersionVector;
use edgepos::model::{Body, Counter, StockLine, StockMoved, StockReason};
use edgepos::{Driver, Durability, Events, HistoryError, MAX_PAGE, Node, Record, Store, SystemClock};

const ME: ReplicaId = ReplicaId::new(1, 5);

fn start(store: &Shared) -> (Node, Driver) {
    alone::start(ME, Box::new(store.clone()), Arc::new(SystemClock::new()))
}

fn goods(quantity: i64) -> Record {
    let lines = vec![StockLine { product: "milk".into(), quantity }];
    Record::stock_moved(&StockMoved { reason: StockReason::Receipt, from: None, to: None, lines }, 0)
}

/// As many events as there are, by their ids.
async fn take(events: &mut Events, count: usize) -> Vec<EventId> {
    let mut ids = Vec::new();
    while ids.len() < count {
        ids.push(events.next().await.unwrap().unwrap().id);
    }
    ids
}

fn chain(lane: Lane) -> Chain {
    Chain::new(ME, lane)
}

#[tokio::test]
async fn a_slow_reader_misses_nothing_and_follows() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    let mut recorded = Vec::new();
    let mut events = node.events_since(VersionVector::new());
    for number in 0..1_500u16 {
        let record = if number % 3 == 0 {
            goods(1)
        } else {
            Record::custom(number.to_be_bytes().to_vec(), Vec::new())
        };
        recorded.push(node.record(record).await.unwrap());
    }
    // Nothing was read while 1,500 were recorded.
    assert_eq!(take(&mut events, 1_500).await, recorded, "in the order of their clocks");
    let waiting = tokio::spawn(async move { take(&mut events, 1).await });
    let next = node.record(goods(2)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), [next]);
    node.shutdown().await;
    driver.join().await.unwrap();
}

#[tokio::test]
async fn a_cursor_goes_on_after_a_restart() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    for quantity in 1..=5 {
        node.record(goods(quantity)).await.unwrap();
    }
    node.record(Record::custom(vec![9], Vec::new())).await.unwrap();
    node.shutdown().await;
    driver.join().await.unwrap();

    let (node, driver) = start(&store);
    let cursor: VersionVector = [(chain(Lane::Stock), Seq(3))].into_iter().collect();
    let mut events = node.stored_events(cursor);
    let mut read = Vec::new();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        read.push((event.id.chain.lane, event.id.seq.0, event.envelope.unwrap().read_body().unwrap()));
    }
    let moved = |body: &Body| match body {
        Body::StockMoved(moved) => moved.lines[0].quantity,
        other => panic!("{other:?}"),
    };
    assert_eq!(read.len(), 3);
    assert_eq!((read[0].0, read[0].1, moved(&read[0].2)), (Lane::Stock, 4, 4));
    assert_eq!((read[1].0, read[1].1, moved(&read[1].2)), (Lane::Stock, 5, 5));
    assert_eq!(read[2], (Lane::Telemetry, 1, Body::Custom(vec![9])));

    let first = EventId::new(chain(Lane::Stock), Seq(1));
    assert_eq!(node.event(first).await.unwrap().unwrap().id, first);
    while node.status().await.unwrap().leader.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        node.durability(first).await.unwrap(),
        Some(Durability::AtLeader),
        "a store of one leads itself"
    );
    let none = EventId::new(chain(Lane::Stock), Seq(6));
    assert_eq!(node.event(none).await.unwrap(), None);
    assert_eq!(node.durability(none).await.unwrap(), None);
    node.shutdown().await;
    driver.join().await.unwrap();
}

#[tokio::test]
async fn what_is_gone_from_the_disk_is_named() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    for quantity in 1..=5 {
        node.record(goods(quantity)).await.unwrap();
    }
    let gone = EventId::new(chain(Lane::Stock), Seq(3));
    let writes = vec![Write::delete(Space::Event, gone.to_key())];
    store.0.lock().unwrap().commit(&[Persist { id: edgepos::core::PersistId(1), writes }]).unwrap();
    let mut events = node.stored_events(VersionVector::new());
    assert_eq!(take(&mut events, 2).await.len(), 2);
    match events.next().await.unwrap() {
        Err(HistoryError::Missing { id }) => assert_eq!(id, gone),
        other => panic!("{other:?}"),
    }
    assert!(events.next().await.is_none());
    let mut behind = node.stored_events([(gone.chain, gone.seq)].into_iter().collect());
    assert_eq!(take(&mut behind, 2).await.len(), 2, "it goes on behind it");
    node.shutdown().await;
    driver.join().await.unwrap();
    assert!(matches!(behind.next().await, None | Some(Err(HistoryError::Stopped(_)))));
}

/// Where the runtime of a reading ends before it does, what is missing does not count as read.
#[tokio::test]
async fn a_reading_that_is_cut_off_is_not_at_its_end() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    for quantity in 1..=600 {
        node.record(goods(quantity)).await.unwrap();
    }
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let mut events = {
        let _inside = elsewhere.enter();
        node.stored_events(VersionVector::new())
    };
    assert_eq!(take(&mut events, 1).await.len(), 1);
    // It reads ahead so far as it may, and is over before anything more is taken from it.
    std::thread::spawn(move || elsewhere.shutdown_timeout(Duration::from_secs(60))).join().unwrap();
    let mut read = 1;
    let ended = loop {
        match events.next().await {
            Some(Ok(_)) => read += 1,
            ended => break ended,
        }
    };
    assert!(read < 600 && matches!(ended, Some(Err(HistoryError::Stopped(_)))), "{read}: {ended:?}");
    assert!(events.next().await.is_none(), "nothing follows");

    let mut whole = node.stored_events(VersionVector::new());
    assert_eq!(take(&mut whole, 600).await.len(), 600);
    assert!(whole.next().await.is_none() && whole.next().await.is_none(), "everything was read");
    node.shutdown().await;
    driver.join().await.unwrap();
}

#[tokio::test]
async fn counters_come_in_pages_and_each_once() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    for piece in 0..5u16 {
        let lines = (0..300)
            .map(|number| StockLine { product: format!("product {:05}", piece * 300 + number), quantity: 1 })
            .collect();
        let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
        node.record(Record::stock_moved(&moved, 0)).await.unwrap();
    }
    let first = node.counters_after(None, None).await.unwrap();
    assert_eq!(first.len(), MAX_PAGE);
    let last = first.last().map(|value| value.row.clone());
    let second = node.counters_after(Some(Counter::STOCK), last).await.unwrap();
    assert_eq!(second.len(), 500);
    let all = node.counters().await.unwrap();
    assert_eq!(all, [first, second].concat());
    assert!(all.windows(2).all(|pair| pair[0].row.to_key() < pair[1].row.to_key()), "by rising key");
    assert_eq!(node.counters_after(Some(Counter::CASH), None).await.unwrap(), []);
    let behind = all.last().map(|value| value.row.clone());
    assert_eq!(node.counters_after(Some(Counter::POINTS), behind).await.unwrap(), []);
    node.shutdown().await;
    driver.join().await.unwrap();
}
