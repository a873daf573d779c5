//! A resolver is asked about each exception, and what it says is decided by the store; one that is late leaves it to the rules.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alone::{Alone, Cloudless};
use edgepos::core::{IdempotencyKey, ReplicaId, StoreGeneration, StoreId};
use edgepos::model::{
    ActionCode, Advice, BasketId, CounterRow, Currency, Fallback, Line, StockLine, StockMoved, StockReason,
    Tender,
};
use edgepos::{
    Adviser, AlertError, Alerts, Audited, Bulletin, Case, Commit, Config, Draft, Driver, Genesis,
    MemoryStore, Node, Ports, Record, Resolve, Resolver, Rules, SystemClock, async_trait,
};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);

/// Says that the sale looks odd; or never says anything.
struct Clerk {
    asked: AtomicUsize,
    answers: bool,
}

#[async_trait]
impl Resolver for Clerk {
    async fn advise(&self, case: &Case) -> Advice {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if !self.answers {
            std::future::pending::<()>().await;
        }
        let sale = case.sales.last().map(|(id, _)| *id);
        let by = "clerk".to_owned();
        Advice { action: ActionCode::BACKORDER, transaction: sale, by, ..Rules.advise(&case.raised) }
    }
}

/// Hands on what it is told.
struct Told(mpsc::UnboundedSender<Bulletin>);

#[async_trait]
impl Alerts for Told {
    async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError> {
        self.0.send(bulletin.clone()).map_err(|_| AlertError::new("nobody listens"))
    }
}

/// A store of one terminal that sold one bottle more than came.
async fn oversold(clerk: Arc<Clerk>, within_ms: u64) -> (Node, mpsc::UnboundedReceiver<Bulletin>) {
    let me = ReplicaId::new(1, 5);
    let genesis =
        Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
    let mut config = Config::new(me, genesis, 9);
    config.exception_grace = Duration::from_millis(10);
    config.policy.model_within_ms = Some(within_ms);
    let (_, transport_events) = mpsc::channel(1);
    let (told, bulletins) = mpsc::unbounded_channel();
    let ports = Ports {
        store: Box::new(MemoryStore::new()),
        transport: Box::new(Alone),
        transport_events,
        uplink: Arc::new(Cloudless),
        clock: Arc::new(SystemClock::new()),
        alerts: Arc::new(Told(told)),
    };
    let (node, _driver) = Driver::start(config, ports).unwrap();
    let lines = vec![StockLine { product: "milk".into(), quantity: 1 }];
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    node.record(Record::stock_moved(&moved, 0)).await.unwrap();
    let (basket, key) = (BasketId([1; 16]), IdempotencyKey([1; 16]));
    let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
    node.begin(Draft::sale(basket, Currency::EUR, vec![milk])).await.unwrap();
    node.commit(Commit { basket, key, tenders: Tender::cash(258).into() }).await.unwrap();
    let asking = node.clone();
    tokio::spawn(async move { Adviser::new(clerk).run(&asking).await });
    (node, bulletins)
}

async fn proposed(node: &Node) -> Advice {
    let look = async {
        loop {
            if let Some(entry) = node.resolutions(None).await.unwrap().into_iter().next() {
                let Audited::Proposed(proposed) = entry.what else { panic!("{entry:?}") };
                return proposed.advice;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, look).await.unwrap()
}

#[tokio::test]
async fn what_a_resolver_says_is_proposed_with_the_sale_that_it_saw() {
    let clerk = Arc::new(Clerk { asked: AtomicUsize::new(0), answers: true });
    let (node, _bulletins) = oversold(Arc::clone(&clerk), 3_600_000).await;
    let advice = proposed(&node).await;
    assert_eq!((advice.by.as_str(), advice.action), ("clerk", ActionCode::BACKORDER));
    assert!(advice.transaction.is_some() && advice.fallback.is_none());
    assert_eq!(clerk.asked.load(Ordering::Relaxed), 1);
    node.shutdown().await;
}

#[tokio::test]
async fn a_resolver_that_is_late_leaves_it_to_the_rules() {
    let clerk = Arc::new(Clerk { asked: AtomicUsize::new(0), answers: false });
    let (node, _bulletins) = oversold(clerk, 20).await;
    let advice = proposed(&node).await;
    assert_eq!((advice.by.as_str(), advice.action), ("rules", ActionCode::RECOUNT));
    assert_eq!(advice.fallback, Some(Fallback::LATE));
    node.shutdown().await;
}

/// The manager hears of the exception, of what is proposed, and that it is over.
#[tokio::test]
async fn a_manager_is_told_when_one_is_raised_proposed_and_resolved() {
    let clerk = Arc::new(Clerk { asked: AtomicUsize::new(0), answers: true });
    let (node, mut bulletins) = oversold(clerk, 3_600_000).await;
    proposed(&node).await;
    let heard = async |bulletins: &mut mpsc::UnboundedReceiver<Bulletin>, wanted: Option<&str>| {
        let look = async {
            loop {
                let bulletin = bulletins.recv().await.unwrap();
                let exceptions = bulletin.standing.iter().find(|incident| incident.name == "exceptions");
                let about = exceptions.map(|incident| incident.about.clone());
                let ended =
                    bulletin.changes.iter().any(|change| change.name == "exceptions" && !change.holds);
                if about.as_deref() == wanted && (wanted.is_some() || ended) {
                    return;
                }
            }
        };
        timeout(PATIENCE, look).await.unwrap();
    };
    heard(&mut bulletins, Some("1 oversold, backorder is proposed")).await;
    let call = Resolve {
        exception: CounterRow::stock("milk", 0).to_key(),
        episode: 1,
        action: edgepos::Action::Accept,
        actor: "Ada".into(),
        reason: String::new(),
        base: None,
        key: IdempotencyKey([2; 16]),
    };
    node.resolve(call).await.unwrap();
    heard(&mut bulletins, None).await;
    node.shutdown().await;
}
