//! Tills in all languages are one store: a till in Rust and those in C, C++, Python, C# and Java sell and take back, agree on every counter,
//! and the cloud has every sale once, byte by byte as it was booked. `EDGEPOS_REQUIRE_LANGUAGES=c,c++,python,c#,java` fails where one cannot be
//! built here; without it the others are tested alone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../edgepos/tests/support/cloud.rs"]
#[allow(unreachable_pub, reason = "shared with the tests of edgepos")]
mod cloud;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use edgepos::core::WallMs;
use edgepos::crdt::VersionVector;
use edgepos::model::{BasketId, Counter, CounterRow};
use edgepos::sync::{CloudRequest, Limits};
use edgepos::{Clock as _, Node, Setup, SystemClock, forms};
use serde_json::{Value, json};
use support::tills::{self, Till};

type Shared = Arc<Mutex<cloud::Cloud>>;

/// What each of them sells and takes back.
const SALES: usize = 3;
/// What they sell, and for how much.
const PRODUCT: &str = "4006381333931";
const PRICE: i64 = 129;
/// Pieces that each of them leaves in stock: ten come, four go, one comes back.
const LEFT: i64 = 7;

async fn answer(State(cloud): State<Shared>, body: Bytes) -> Vec<u8> {
    let request = CloudRequest::decode(&body, &Limits::DEFAULT).unwrap();
    let WallMs(wall) = SystemClock::new().now().wall;
    cloud.lock().unwrap().answer(WallMs(wall), &request).encode()
}

async fn serve(cloud: Shared) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/v1/stores/{store}/uplink", post(answer));
    let app = app.layer(DefaultBodyLimit::disable()).with_state(cloud);
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

fn languages(folder: &Path) -> Vec<Till> {
    let made = [
        ("c", tills::in_c(folder)),
        ("c++", tills::in_cpp(folder, "c++17")),
        ("python", tills::in_python(folder)),
        ("c#", tills::in_csharp(folder)),
        ("java", tills::in_java(folder)),
    ];
    let required = std::env::var("EDGEPOS_REQUIRE_LANGUAGES").unwrap_or_default();
    for name in required.split(',').filter(|name| !name.is_empty()) {
        let (_, till) =
            made.iter().find(|(language, _)| *language == name).expect("a language that has a till");
        assert!(
            till.is_some(),
            "this machine cannot build the till in {name}, which EDGEPOS_REQUIRE_LANGUAGES asks for"
        );
    }
    made.into_iter().filter_map(|(_, till)| till).collect()
}

/// The numbers of the baskets of a till.
fn numbers(till: usize) -> [usize; 2] {
    [till * 10 + 1, till * 10 + 2]
}

/// A name as the tills draw them, all alike.
fn name(kind: char, no: usize) -> String {
    format!("{kind}{no:031x}")
}

/// The baskets that a till sells and takes back.
fn baskets(till: usize) -> [BasketId; SALES] {
    let [one, two] = numbers(till);
    [name('b', one), name('b', two), name('d', one)].map(|basket| basket.parse().unwrap())
}

/// What `examples/c/till.c` does, by the crate itself.
async fn sells_in_rust(node: &Node, till: usize) {
    let ask = |value: Value| serde_json::to_vec(&value).unwrap();
    let goods = json!({ "type": "stock_received", "from": "dairy", "lines": [{ "product": PRODUCT, "quantity": 10 }] });
    let record = forms::read::<forms::KeyedRecord>(&ask(goods)).unwrap().into_record(0).unwrap();
    node.record(record).await.unwrap();
    let [one, two] = numbers(till);
    for (kind, key, no, quantity) in [('b', 'a', one, 2), ('b', 'a', two, 2), ('d', 'c', one, -1)] {
        let (basket, amount) = (name(kind, no), quantity * PRICE);
        let mut line = json!({ "no": 1, "product": PRODUCT, "quantity": quantity, "unit_price": PRICE, "amount": amount });
        if quantity < 0 {
            line["original"] = json!({ "basket": name('b', no), "line": 1 });
        }
        let doc_type = if quantity < 0 { "return" } else { "sale" };
        let draft = json!({ "basket": basket, "doc_type": doc_type, "currency": "EUR", "lines": [line] });
        let draft = forms::read::<forms::Begin>(&ask(draft)).unwrap().into_draft().unwrap();
        assert_eq!(node.begin(draft).await.unwrap().total, amount);
        let paid = json!({ "basket": basket, "key": name(key, no), "tenders": [{ "kind": "cash", "amount": amount }] });
        let paid = forms::read::<forms::Pay>(&ask(paid)).unwrap().into_commit().unwrap();
        assert!(!node.commit(paid).await.unwrap().repeated);
    }
}

/// Compares what the cloud has of each event with what the till has.
async fn the_cloud_has_each_event(node: &Node, cloud: &Shared) {
    let mut events = node.stored_events(VersionVector::new());
    let mut compared = 0;
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        let cloud = cloud.lock().unwrap();
        let (payload, hash) = cloud.event(event.id).unwrap();
        assert_eq!((payload, hash), (&event.payload, &event.hash), "{}", event.id);
        compared += 1;
    }
    assert!(compared > SALES, "{compared} events");
}

fn config(folder: &Path, cloud: &str, terminal: usize, all: usize, first: Option<&str>) -> Value {
    let peers = first.map_or(json!({}), |address| json!({ "1": address }));
    json!({
        "terminal": terminal,
        "store": "07070707070707070707070707070707",
        "database": folder.join(format!("till-{terminal}.db")),
        "listen": "127.0.0.1:0",
        "cloud": cloud,
        "voters": (1..=all).collect::<Vec<_>>(),
        "campaigns": first.is_none(),
        "flush_ms": 20,
        "peers": peers,
    })
}

/// A till as a process: it has sold when it says so, and ends when its input does.
struct Running {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Running {
    fn start(till: &Till, config: &Path, number: usize) -> Self {
        let [one, two] = numbers(number).map(|no| no.to_string());
        let steps = ["receive", "10", "sell", &one, "sell", &two, "return", &one, "wait", "hold", "counters"];
        let mut child =
            till.command(config, &steps).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Self { child, says }
    }

    /// Reads on until a line begins with `head`.
    fn line(&mut self, head: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.says.read_line(&mut line).unwrap() > 0,
                "it ended before {head:?}: {:?}",
                self.child.wait()
            );
            if let Some(rest) = line.strip_prefix(head) {
                return rest.trim().to_owned();
            }
        }
    }

    /// The counters that it has at the end.
    fn end(mut self) -> Value {
        drop(self.child.stdin.take());
        let counters = serde_json::from_str(&self.line("counters ")).unwrap();
        assert!(self.child.wait().unwrap().success());
        counters
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tills_in_all_languages_are_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let languages = languages(folder.path());
    let all = languages.len() + 1;
    let shared = Shared::default();
    let cloud = serve(Arc::clone(&shared)).await;
    let setup: Setup = serde_json::from_value(config(folder.path(), &cloud, 1, all, None)).unwrap();
    let first = setup.open().await.unwrap();
    let address = first.address.to_string();

    let running = languages.iter().enumerate().map(|(at, till)| {
        let file = folder.path().join(format!("till-{at}.json"));
        fs::write(&file, config(folder.path(), &cloud, at + 2, all, Some(&address)).to_string()).unwrap();
        Running::start(till, &file, at)
    });
    let mut running: Vec<Running> = running.collect();
    for till in &mut running {
        assert_eq!(till.line("left "), "0", "the cloud has all of it");
    }
    sells_in_rust(&first.node, running.len()).await;
    assert_eq!(
        first.node.flush_until_uploaded(Duration::from_secs(30)).await.unwrap(),
        0,
        "so has it of Rust's"
    );
    // The last one may be here before the others have what it sold.
    let stock = i64::try_from(all).unwrap() * LEFT;
    let mut notices = first.node.notices();
    let milk = CounterRow::stock(PRODUCT, 0);
    loop {
        let peers = first.node.diagnosis().await.unwrap().peers;
        let known = peers.len() == running.len() && peers.iter().all(|peer| peer.lacks == Some(0));
        if known && first.node.counter(milk.clone()).await.unwrap() == Some(stock) {
            break;
        }
        // What comes next tells that something has changed; what is only acknowledged tells nothing.
        let _ = tokio::time::timeout(Duration::from_millis(50), notices.recv()).await;
    }
    let counters = first.node.counters_after(None, None).await.unwrap();
    assert!(counters.iter().any(|value| value.row.counter == Counter::CASH), "{counters:?}");
    let expected = json!({ "counters": counters, "next": null });
    let sold_here: BTreeSet<BasketId> = (0..all).flat_map(baskets).collect();
    for till in running {
        assert_eq!(till.end(), expected);
    }
    the_cloud_has_each_event(&first.node, &shared).await;
    let status = first.node.status().await.unwrap();
    let sales = {
        let cloud = shared.lock().unwrap();
        assert!(cloud.holds(&status.durable));
        cloud.sales()
    };
    assert_eq!(sales, sold_here.into_iter().collect::<Vec<_>>(), "each once");
    first.close().await.unwrap();
}
