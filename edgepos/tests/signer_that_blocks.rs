//! A library of a device that blocks its caller holds up nothing but itself: the till sells, and what waits is signed once it returns.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use edgepos::core::{IdempotencyKey, ReplicaId, StoreGeneration, StoreId};
use edgepos::model::{BasketId, BookedName, Currency, Line, Signature, SigningState, Tender};
use edgepos::{
    Commit, Committed, Config, Draft, Genesis, MemoryStore, Node, SignError, Signatory, Signer, SystemClock,
    ToSign, async_trait,
};

const ME: ReplicaId = ReplicaId::new(1, 5);

/// Blocks its thread until the test lets it go, once; then it signs what it is asked.
struct Blocking {
    let_go: Mutex<Option<mpsc::Receiver<()>>>,
    calls: Arc<AtomicU64>,
}

#[async_trait]
impl Signer for Blocking {
    async fn sign(&self, receipt: &ToSign) -> Result<Signature, SignError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(let_go) = self.let_go.lock().unwrap().take() {
            let_go.recv().unwrap();
        }
        Ok(Signature::new(&receipt.series, receipt.number, b"signed".to_vec()).unwrap())
    }
}

async fn sell(node: &Node, number: u8, series: &str) -> Committed {
    let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
    let basket = BasketId([number; 16]);
    let draft = Draft { series: series.into(), ..Draft::sale(basket, Currency::EUR, vec![milk]) };
    let begun = node.begin(draft).await.unwrap();
    let (key, tenders) = (IdempotencyKey([number; 16]), Tender::cash(begun.total).into());
    node.commit(Commit { basket, key, tenders }).await.unwrap()
}

fn state(sold: &Committed) -> Option<SigningState> {
    sold.fiscal.as_ref().map(|fiscal| fiscal.state)
}

#[tokio::test]
async fn the_till_sells_while_a_device_blocks() {
    let genesis =
        Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![ME], recovery: None };
    let mut config = Config::new(ME, genesis, 9);
    config.signed_series = vec!["S".into()];
    config.sign_within = Duration::from_millis(200);
    let (node, _driver) = alone::start_as(config, Box::new(MemoryStore::new()), Arc::new(SystemClock::new()));
    let (let_go, blocked) = mpsc::channel();
    let calls = Arc::new(AtomicU64::new(0));
    let device = Blocking { let_go: Mutex::new(Some(blocked)), calls: Arc::clone(&calls) };
    let (signatory, served) = (Signatory::new(Arc::new(device)), node.clone());
    let asking = tokio::spawn(async move { signatory.run(&served).await });

    let (first, other) = tokio::join!(sell(&node, 1, "S"), sell(&node, 2, "T"));
    assert_eq!(state(&first), Some(SigningState::WAITING), "{first:?}");
    assert_eq!(state(&other), None, "a series that nobody signs waits for nobody");
    let second = sell(&node, 3, "S").await;
    assert_eq!(state(&second), Some(SigningState::WAITING));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "no call begins before the first has returned");
    assert_eq!(node.status().await.unwrap().unsigned_receipts, 2);

    let_go.send(()).unwrap();
    for number in [1, 3] {
        loop {
            let found = node.receipt_states(BookedName::Basket(BasketId([number; 16]))).await.unwrap();
            let fiscal = found[0].fiscal.clone().unwrap();
            if fiscal.state == SigningState::SIGNED {
                assert_eq!((fiscal.signature, fiscal.reason), (b"signed".to_vec(), None));
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let third = sell(&node, 4, "S").await;
    assert_eq!(state(&third), Some(SigningState::SIGNED), "{third:?}");
    let basket = BasketId([4; 16]);
    let again = Commit { basket, key: IdempotencyKey([4; 16]), tenders: Tender::cash(258).into() };
    let again = node.commit(again).await.unwrap();
    assert_eq!((again.repeated, again.fiscal), (true, third.fiscal), "who lost the answer prints it as well");
    node.shutdown().await;
    assert!(asking.await.unwrap().is_err(), "it ends with the terminal");
}
