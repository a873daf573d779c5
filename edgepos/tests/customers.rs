//! Customers by pseudonym: what is known of one is read where its key is, at every terminal, until the customer is erased, for good.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;
mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgepos::core::{Persist, PersistId, ReplicaId, Space, WallMs, Write};
use edgepos::model::{CustomerKey, CustomerLink, CustomerSet};
use edgepos::sync::{CloudReply, CloudRequest, UplinkError};
use edgepos::{
    Customer, CustomerQuery, CustomerState, Driver, Node, Record, Refusal, SqliteStore, Store as _,
    SystemClock, Uplink, async_trait,
};
use support::cloud::Cloud;
use support::{Shop, WALL};

const FIELDS: &[u8] = b"Ada Lovelace, 12 St James's Square";
const SECRET: [u8; 32] = *b"0123456789abcdef0123456789ABCDEF";

fn key() -> CustomerKey {
    CustomerKey::new("c-1", SECRET)
}

fn card() -> CustomerLink {
    CustomerLink { customer: "c-1".into(), name: "card-7".into() }
}

/// A cloud that is there.
#[derive(Default)]
struct Near(Mutex<Cloud>);

#[async_trait]
impl Uplink for Near {
    async fn call(&self, request: CloudRequest) -> Result<CloudReply, UplinkError> {
        Ok(self.0.lock().unwrap().answer(WallMs(WALL), &request))
    }
}

/// A terminal that has heard from the cloud.
async fn start(path: &Path, cloud: &Arc<Near>) -> (Node, Driver) {
    let store = Box::new(SqliteStore::open(path).unwrap());
    let (me, cloud) = (ReplicaId::new(1, 5), Arc::clone(cloud));
    let (node, driver) = alone::start_below(me, store, Arc::new(SystemClock::new()), cloud);
    while !node.status().await.unwrap().erasures_known {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (node, driver)
}

async fn by_pseudonym(node: &Node, name: &str) -> Option<Customer> {
    node.customer(CustomerQuery::Customer(name.into())).await.unwrap()
}

async fn by_card(node: &Node) -> Option<String> {
    let found = node.customer(CustomerQuery::Name("card-7".into())).await.unwrap();
    found.map(|found| found.customer)
}

/// Whether the bytes stand anywhere in the folder's files.
fn is_written(folder: &Path, bytes: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
}

#[tokio::test]
async fn an_erased_customer_leaves_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let cloud = Arc::new(Near::default());
    let (node, driver) = start(&path, &cloud).await;
    assert_eq!(by_pseudonym(&node, "c-1").await, None);
    node.record(Record::customer(b"Ada", key())).await.unwrap();
    node.record(Record::customer(FIELDS, key())).await.unwrap();
    node.record(Record::customer_linked(&card())).await.unwrap();
    let found = by_pseudonym(&node, "c-1").await.unwrap();
    assert_eq!((found.state, found.text.as_deref()), (CustomerState::Open, str::from_utf8(FIELDS).ok()));
    assert_eq!((found.key, by_card(&node).await.as_deref()), (Some(key().id()), Some("c-1")));
    assert_eq!(by_pseudonym(&node, "c-").await, None, "a name that begins alike is another's");
    assert!(is_written(folder.path(), &SECRET), "the key is in the file, where the customer is not erased");
    node.record(Record::customer_erased("c-1")).await.unwrap();
    let erased = by_pseudonym(&node, "c-1").await.unwrap();
    assert_eq!((erased.state, erased.text, erased.key), (CustomerState::Erased, None, None));
    // Whoever still has the key brings nobody back.
    let again = [node.keep_key(key()).await, node.record(Record::customer(FIELDS, key())).await.map(drop)];
    for refused in again {
        assert!(matches!(refused, Err(Refusal::BadField { field: "customer", .. })), "{refused:?}");
    }
    node.shutdown().await;
    driver.join().await.unwrap();
    assert!(!is_written(folder.path(), &SECRET), "the key has left the file");
    assert!(!is_written(folder.path(), b"Lovelace"), "and what was said was never in it");
    let (node, driver) = start(&path, &cloud).await;
    assert_eq!(by_pseudonym(&node, "c-1").await.unwrap().state, CustomerState::Erased);
    node.shutdown().await;
    driver.join().await.unwrap();
}

#[tokio::test]
async fn fields_are_open_where_their_key_is_and_a_name_is_given_up_by_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let (node, driver) = start(&path, &Arc::default()).await;
    node.record(Record::customer(&[0xff, 0x00], key())).await.unwrap();
    let other = CustomerKey::new("c-1", [9; 32]);
    node.keep_key(other).await.unwrap();
    let found = by_pseudonym(&node, "c-1").await.unwrap();
    assert_eq!((found.state, found.key), (CustomerState::NoKey, Some(key().id())), "its key is another");
    node.keep_key(key()).await.unwrap();
    let found = by_pseudonym(&node, "c-1").await.unwrap();
    assert_eq!((found.state, found.text, found.bytes), (CustomerState::Open, None, vec![0xff, 0x00]));
    node.record(Record::customer_linked(&card())).await.unwrap();
    node.record(Record::customer_unlinked(&CustomerLink { customer: "c-2".into(), ..card() })).await.unwrap();
    assert_eq!(by_card(&node).await.as_deref(), Some("c-1"), "c-2 gives up what is not its own");
    node.record(Record::customer_unlinked(&card())).await.unwrap();
    assert_eq!(by_card(&node).await, None);
    for bad in [
        Record::customer(b"", CustomerKey::new("", SECRET)),
        Record::customer(b"", CustomerKey::new("4111111111111111", SECRET)),
        Record::customer(&vec![0; CustomerSet::MAX_FIELDS + 1], key()),
        Record::customer_linked(&CustomerLink { name: "n".repeat(65), ..card() }),
        Record::customer_erased(""),
    ] {
        let refused = node.record(bad).await;
        assert!(matches!(refused, Err(Refusal::BadField { .. })), "{refused:?}");
    }
    node.shutdown().await;
    driver.join().await.unwrap();
    // Without anybody who could tell of an erasure nothing is opened.
    let store = Box::new(SqliteStore::open(&path).unwrap());
    let (node, driver) = alone::start(ReplicaId::new(1, 5), store, Arc::new(SystemClock::new()));
    let found = by_pseudonym(&node, "c-1").await.unwrap();
    assert_eq!((found.state, found.bytes), (CustomerState::Unconfirmed, vec![]));
    node.shutdown().await;
    driver.join().await.unwrap();
}

/// A till whose disk is put back to before a customer was erased opens nothing until another has told it, and then never.
#[test]
fn a_disk_that_was_put_back_brings_nobody_back() {
    let mut shop = Shop::new(3);
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, Record::customer(FIELDS, key())).unwrap();
    shop.pass(500);
    for till in &mut shop.tills[1..] {
        let request = till.request();
        till.terminal.keep_key(now, request, &key()).unwrap();
    }
    shop.pass(500);
    let keys = |shop: &Shop| [0, 1, 2].map(|till: usize| shop.tills[till].rows(Space::CustomerKey));
    assert_eq!(keys(&shop), [1, 1, 1]);
    assert!(shop.tills.iter().all(|till| till.terminal.status().erasures_known));
    let image = shop.tills[2].disk.clone();
    let now = shop.now;
    shop.tills[1].record(now, Record::customer_erased("c-1")).unwrap();
    shop.pass(500);
    assert_eq!(keys(&shop), [0, 0, 0], "each forgets the key when it hears");
    shop.put_back(2, image, 7);
    shop.pass(500);
    assert_eq!(keys(&shop), [0, 0, 1]);
    assert!(!shop.tills[2].terminal.status().erasures_known, "nobody has told it");
    shop.heal();
    shop.pass(2_000);
    assert_eq!(keys(&shop), [0, 0, 0]);
    let (now, till) = (shop.now, &mut shop.tills[2]);
    assert!(till.terminal.status().erasures_known);
    let request = till.request();
    assert!(till.terminal.keep_key(now, request, &key()).is_err());
}

/// A backup that is put back goes on under another name, which nobody can contradict: it has heard of nobody all the same.
#[test]
fn a_backup_that_is_put_back_opens_nobody_before_it_has_heard() {
    let mut shop = Shop::new(3);
    shop.elect();
    let now = shop.now;
    shop.tills[2].record(now, Record::customer(FIELDS, key())).unwrap();
    shop.pass(500);
    let mut copy = shop.tills[2].disk.clone();
    let mark = Write::put(Space::Identity, "copied", []);
    copy.commit(&[Persist { id: PersistId(1), writes: vec![mark] }]).unwrap();
    let now = shop.now;
    shop.tills[1].record(now, Record::customer_erased("c-1")).unwrap();
    shop.pass(500);
    shop.put_back(2, copy, 7);
    shop.pass(500);
    assert_eq!(shop.tills[2].rows(Space::CustomerKey), 1);
    assert!(!shop.tills[2].terminal.status().erasures_known, "nobody has told it");
    shop.heal();
    shop.pass(2_000);
    assert_eq!(shop.tills[2].rows(Space::CustomerKey), 0);
    assert!(shop.tills[2].terminal.status().erasures_known);
}
