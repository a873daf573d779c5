//! How often a receipt was printed is shown with it: the first print and each copy, once each, also after a restart.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;

use std::sync::{Arc, Mutex};

use edgepos::core::{IdempotencyKey, Persist, ReplicaId, Space};
use edgepos::model::{BasketId, BookedName, Currency, Line, ReceiptPrinted, Tender};
use edgepos::{
    Commit, Draft, MemoryStore, Node, Receipt, Record, Refusal, Rows, Store, StoreError, SystemClock,
};

const ME: ReplicaId = ReplicaId::new(1, 5);
const BASKET: BasketId = BasketId([1; 16]);

/// A disk that outlives its terminal.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<MemoryStore>>);

impl Store for Kept {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.0.lock().unwrap().commit(group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.0.lock().unwrap().scan(space, from, to, max_bytes)
    }
}

async fn sell(node: &Node) -> Receipt {
    let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
    let begun = node.begin(Draft::sale(BASKET, Currency::EUR, vec![milk])).await.unwrap();
    let (key, tenders) = (IdempotencyKey([1; 16]), Tender::cash(begun.total).into());
    node.commit(Commit { basket: BASKET, key, tenders }).await.unwrap().receipt
}

fn printed(receipt: &Receipt, copy: u32, key: u8) -> Record {
    let Receipt { basket, series, number, .. } = receipt.clone();
    Record::receipt_printed(&ReceiptPrinted { basket, series, number, copy })
        .with_key(IdempotencyKey([key; 16]))
}

async fn times(node: &Node) -> u64 {
    let states = node.receipt_states(BookedName::Basket(BASKET)).await.unwrap();
    assert_eq!(states.len(), 1);
    states[0].printed
}

#[tokio::test]
async fn prints_are_counted_once_each_and_for_ever() {
    let disk = Kept::default();
    let start = || alone::start(ME, Box::new(disk.clone()), Arc::new(SystemClock::new()));
    let (node, driver) = start();
    let receipt = sell(&node).await;
    assert_eq!(times(&node).await, 0);
    let first = node.record(printed(&receipt, 0, 10)).await.unwrap();
    assert_eq!(node.record(printed(&receipt, 0, 10)).await.unwrap(), first, "a retry is no copy");
    assert_eq!(times(&node).await, 1);
    for copy in 1..=40 {
        node.record(printed(&receipt, copy, 10 + u8::try_from(copy).unwrap())).await.unwrap();
    }
    let other = Receipt { number: receipt.number + 1, ..receipt.clone() };
    node.record(printed(&other, 0, 90)).await.unwrap();
    assert_eq!(times(&node).await, 41, "those of another receipt are not among them");
    node.shutdown().await;
    driver.join().await.unwrap();
    let (node, _driver) = start();
    assert_eq!(times(&node).await, 41);
    assert_eq!(node.record(printed(&receipt, 0, 10)).await.unwrap(), first);
    let long = Receipt { series: "S".repeat(17), ..receipt };
    let refused = node.record(printed(&long, 0, 91)).await.unwrap_err();
    assert!(matches!(refused, Refusal::BadField { field: "series", .. }), "{refused:?}");
    node.shutdown().await;
}
