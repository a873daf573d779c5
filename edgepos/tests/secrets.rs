//! Nothing of a customer, an operator or a sale's contents reaches a log line, a metric, an error or a status.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;

use std::io;
use std::sync::{Arc, Mutex};

use alone::{Alone, Cloudless};
use edgepos::core::{ConnectionId, IdempotencyKey, ReplicaId, StoreGeneration, StoreId};
use edgepos::model::{BasketId, Currency, Discount, Line, Tender, TenderType};
use edgepos::{
    AlertError, Alerts, Bulletin, Commit, ConditionKind, Config, Draft, Driver, Finding, Genesis,
    MemoryStore, Node, Ports, Record, Refusal, SystemClock, TransportEvent, async_trait,
};
use tokio::sync::mpsc;

/// What must not be seen anywhere. The number is a card's test number.
const SECRETS: [&str; 9] = [
    "SecretCustomer",
    "SecretOperator",
    "4111111111111111",
    "SecretReason",
    "SecretLot",
    "SecretReference",
    "SecretCode",
    "SecretBody",
    "SecretProduct",
];

/// Every log line of the process, at every level.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What whoever is told of alerts has heard.
#[derive(Clone, Default)]
struct Manager(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Alerts for Manager {
    async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError> {
        self.0.lock().unwrap().push(format!("{bulletin:?}"));
        Ok(())
    }
}

/// What was shown to somebody, with the place where.
#[derive(Default)]
struct Shown(Vec<(String, String)>);

impl Shown {
    fn keep(&mut self, place: &str, text: impl ToString) {
        self.0.push((place.into(), text.to_string()));
    }

    /// The refusal as a till shows it, with its causes. What was not refused proves nothing.
    fn refused<T>(&mut self, place: &str, answer: Result<T, Refusal>) {
        let Err(refusal) = answer else { panic!("{place} was not refused") };
        let mut text = format!("{refusal} {refusal:?}");
        let mut cause = std::error::Error::source(&refusal);
        while let Some(error) = cause {
            text += &format!(" {error}");
            cause = error.source();
        }
        self.keep(place, text);
    }
}

fn line(no: u16) -> Line {
    Line {
        no,
        product: "SecretProduct".into(),
        quantity: 1,
        amount: 100,
        discounts: vec![Discount { code: "SecretCode".into(), amount: 5 }],
        reason: Some("SecretReason 4111111111111111".into()),
        lot: Some("SecretLot".into()),
        ..Line::default()
    }
}

fn draft(basket: u8) -> Draft {
    Draft {
        customer: Some("SecretCustomer".into()),
        operator: Some("SecretOperator".into()),
        ..Draft::sale(BasketId([basket; 16]), Currency::EUR, vec![line(1)])
    }
}

fn commit(basket: u8, key: u8, amount: i64) -> Commit {
    let tender = Tender::new(TenderType::CARD, amount, Some("SecretReference 4111111111111111"));
    Commit { basket: BasketId([basket; 16]), key: IdempotencyKey([key; 16]), tenders: tender.into() }
}

/// Calls that are refused for what they say, each with marked texts in it.
async fn refusals(node: &Node, shown: &mut Shown) {
    let long = "SecretCustomer".repeat(20);
    shown.refused("a long customer", node.begin(Draft { customer: Some(long.clone()), ..draft(2) }).await);
    shown.refused("a long operator", node.begin(Draft { operator: Some(long.clone()), ..draft(2) }).await);
    shown.refused("a long series", node.begin(Draft { series: long.clone(), ..draft(2) }).await);
    let broken = [
        Line { product: "SecretProduct".repeat(20), ..line(1) },
        Line { reason: Some("SecretReason".repeat(20)), ..line(1) },
        Line { lot: Some("SecretLot".repeat(20)), ..line(1) },
        Line { amount: i64::MAX, ..line(1) },
        Line { no: 0, ..line(1) },
    ];
    for (index, line) in broken.into_iter().enumerate() {
        let draft = Draft { lines: vec![line], ..draft(2) };
        shown.refused(&format!("line {index}"), node.begin(draft).await);
    }
    shown.refused("too little", node.commit(commit(1, 1, 1)).await);
    shown.refused("an unknown basket", node.commit(commit(7, 7, 100)).await);
    shown.refused("too large", node.record(Record::custom(b"SecretBody".repeat(100_000), Vec::new())).await);
}

#[tokio::test]
async fn nothing_of_a_customer_or_a_sale_is_shown() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let me = ReplicaId::new(1, 5);
    let genesis =
        Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
    let (peer, transport_events) = mpsc::channel(8);
    let manager = Manager::default();
    let ports = Ports {
        store: Box::new(MemoryStore::new()),
        transport: Box::new(Alone),
        transport_events,
        uplink: Arc::new(Cloudless),
        clock: Arc::new(SystemClock::new()),
        alerts: Arc::new(manager.clone()),
    };
    let (node, driver) = Driver::start(Config::new(me, genesis, 9), ports).unwrap();
    let mut shown = Shown::default();

    node.begin(draft(1)).await.unwrap();
    refusals(&node, &mut shown).await;
    node.commit(commit(1, 1, 100)).await.unwrap();
    shown.refused("booked already", node.begin(draft(1)).await);
    node.begin(draft(3)).await.unwrap();
    node.abandon(BasketId([3; 16])).await.unwrap();
    node.record(Record::custom(b"SecretBody".to_vec(), Vec::new())).await.unwrap();
    // A stranger's bytes, an election's and the log's, with a text that is marked too.
    let stranger = ReplicaId::new(2, 7);
    peer.send(TransportEvent::PeerUp(stranger, ConnectionId(1))).await.unwrap();
    for first in [1, 2, 9] {
        let frame = [&[first], b"SecretBody SecretCustomer".as_slice()].concat();
        peer.send(TransportEvent::Frame(stranger, ConnectionId(1), frame)).await.unwrap();
    }
    node.flush().await;
    let told = |lines: &Lines| String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    while told(&lines).matches("a frame was refused").count() < 3 {
        tokio::task::yield_now().await;
    }

    shown.keep("status", format!("{:?}", node.status().await.unwrap()));
    shown.keep("metrics", node.metrics().await.unwrap());
    shown.keep("diagnosis", format!("{:?}", node.diagnosis().await.unwrap()));
    let missing = Finding { count: 1, about: "product: the file is not there".into() };
    node.report_condition(ConditionKind::ModelMissing, Some(missing)).await.unwrap();
    let is_told = || manager.0.lock().unwrap().iter().any(|bulletin| bulletin.contains("model_missing"));
    while !is_told() {
        tokio::task::yield_now().await;
    }
    shown.keep("bulletins", manager.0.lock().unwrap().join("\n"));
    node.shutdown().await;
    driver.join().await.unwrap();
    shown.refused("after the end", node.begin(draft(4)).await);
    shown.keep("log", told(&lines));
    assert!(told(&lines).contains("an event is on disk"), "the log is heard at every level");
    for (place, text) in &shown.0 {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is seen in {place}: {text}");
        }
    }
}
