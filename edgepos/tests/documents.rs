//! Documents (configuration, promotions, manifests of models) are in force from their time on, the same in whatever order they come.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/alone.rs"]
mod alone;
mod support;

use std::sync::{Arc, Mutex};

use alone::Shared;
use edgepos::core::{Persist, PersistId, ReplicaId, Space, Write};
use edgepos::model::{Attached, BasketId, DocumentSet};
use edgepos::{
    AttachmentQuery, DocumentQuery, DocumentsQuery, Driver, MAX_PAGE, Node, Record, Refusal, Store,
    SystemClock,
};
use support::Shop;

const ME: ReplicaId = ReplicaId::new(1, 5);

fn start(store: &Shared) -> (Node, Driver) {
    alone::start(ME, Box::new(store.clone()), Arc::new(SystemClock::new()))
}

fn set(namespace: &str, key: &str, effective_at: Option<u64>, content: &[u8]) -> DocumentSet {
    let (namespace, key, content) = (namespace.into(), key.into(), content.to_vec());
    DocumentSet { namespace, key, version: None, effective_at, content }
}

async fn text(node: &Node, namespace: &str, key: &str, at_ms: u64) -> Option<String> {
    let asked = DocumentQuery { namespace: namespace.into(), key: key.into(), at_ms };
    node.document(asked).await.unwrap().map(|found| found.text.unwrap())
}

#[tokio::test]
async fn each_version_is_in_force_from_its_time_on() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    for (effective_at, content) in [(None, "today"), (Some(2_000), "later"), (Some(1_000), "soon")] {
        let record = Record::document(&set("promotions", "may", effective_at, content.as_bytes()));
        node.record(record).await.unwrap();
    }
    // Names that begin alike are others.
    node.record(Record::document(&set("promotions", "ma", None, b"another"))).await.unwrap();
    node.record(Record::document(&set("promotion", "smay", None, b"another"))).await.unwrap();
    let in_force = async |node: &Node| {
        let mut found = Vec::new();
        for at_ms in [0, 999, 1_000, 1_999, 2_000, u64::MAX] {
            found.push(text(node, "promotions", "may", at_ms).await.unwrap());
        }
        found
    };
    assert_eq!(in_force(&node).await, ["today", "today", "soon", "soon", "later", "later"]);
    // What is set again for the same time replaces, and nothing else.
    node.record(Record::document(&set("promotions", "may", Some(1_000), b"corrected"))).await.unwrap();
    let corrected = ["today", "today", "corrected", "corrected", "later", "later"];
    assert_eq!(in_force(&node).await, corrected);
    node.shutdown().await;
    driver.join().await.unwrap();
    let (node, driver) = start(&store);
    assert_eq!(in_force(&node).await, corrected, "and after a start");
    assert_eq!(text(&node, "promotions", "june", 5).await, None);
    node.shutdown().await;
    driver.join().await.unwrap();
}

#[tokio::test]
async fn a_namespace_is_listed_in_pages_with_what_is_in_force() {
    let (node, driver) = start(&Shared::default());
    for at in 0..MAX_PAGE + 5 {
        node.record(Record::document(&set("models", &format!("{at:04}"), None, b"{}"))).await.unwrap();
    }
    node.record(Record::document(&set("models", "0003", Some(9), &[0xff, 0x00]))).await.unwrap();
    node.record(Record::document(&set("models", "9999", Some(9), b"not yet"))).await.unwrap();
    let page = async |after: Option<String>, at_ms| {
        let asked = DocumentsQuery { namespace: "models".into(), at_ms, after };
        node.documents(asked).await.unwrap()
    };
    let first = page(None, 8).await;
    let rest = page(first.last().map(|last| last.key.clone()), 8).await;
    assert_eq!((first.len(), rest.len()), (MAX_PAGE, 5));
    assert!(first.iter().chain(&rest).map(|name| &name.key).is_sorted());
    assert_eq!((first[3].effective_at, page(None, 9).await[3].effective_at), (0, 9));
    assert_eq!(page(first.last().map(|last| last.key.clone()), 9).await.len(), 6);
    let asked = DocumentQuery { namespace: "models".into(), key: "0003".into(), at_ms: 9 };
    let found = node.document(asked).await.unwrap().unwrap();
    assert_eq!((found.text, found.bytes), (None, vec![0xff, 0x00]), "what is no text is bytes");
    node.shutdown().await;
    driver.join().await.unwrap();
}

#[tokio::test]
async fn what_has_no_name_or_is_too_large_is_refused_where_it_is_recorded() {
    let (node, driver) = start(&Shared::default());
    let largest = vec![b'x'; DocumentSet::MAX_CONTENT];
    node.record(Record::document(&set(&"n".repeat(64), &"k".repeat(64), None, &largest))).await.unwrap();
    let larger = vec![b'x'; DocumentSet::MAX_CONTENT + 1];
    for (bad, of) in [
        (set("", "k", None, b""), "namespace"),
        (set(&"n".repeat(65), "k", None, b""), "namespace"),
        (set("n", "", None, b""), "key"),
        (set("n", "k", None, &larger), "content"),
    ] {
        let refused = node.record(Record::document(&bad)).await.unwrap_err();
        assert!(matches!(refused, Refusal::BadField { field, .. } if field == of), "{refused:?}");
    }
    node.shutdown().await;
    driver.join().await.unwrap();
}

/// Bytes that differ from part to part.
fn picture(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 251 + at) as u8).collect()
}

#[tokio::test]
async fn what_is_attached_comes_back_whole_or_says_what_it_lacks() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    let (basket, other) = (BasketId([7; 16]), BasketId([8; 16]));
    let bytes = picture(Attached::PART * 2 + 1_000);
    let parts = |bytes: &[u8]| Record::attachment(basket, ("front.jpg", "image/jpeg"), bytes).unwrap();
    let all = parts(&bytes);
    assert_eq!(all.len(), 3);
    for part in all.iter().take(2).rev() {
        node.record(part.clone()).await.unwrap();
    }
    let [listed] = &node.attachments(basket).await.unwrap()[..] else { panic!("one thing is attached") };
    assert_eq!((listed.name.as_str(), listed.size, listed.parts, listed.held), ("front.jpg", 99_304, 3, 2));
    let asked = AttachmentQuery { basket, hash: listed.hash };
    let lacking = node.attachment(asked).await.unwrap().unwrap();
    assert_eq!((lacking.of.held, lacking.bytes.len()), (2, 0), "no half of a picture");
    node.shutdown().await;
    driver.join().await.unwrap();
    // After a crash all of it is recorded again: what was there is there once.
    let (node, driver) = start(&store);
    let first = node.record(all[0].clone()).await.unwrap();
    assert_eq!(node.record(all[0].clone()).await.unwrap(), first, "a repeat records nothing");
    for part in all {
        node.record(part).await.unwrap();
    }
    let whole = node.attachment(asked).await.unwrap().unwrap();
    assert_eq!((whole.of.held, whole.of.media_type.as_str()), (3, "image/jpeg"));
    assert!(whole.bytes == bytes, "the same bytes");
    // Another thing of the same basket, and nothing of another one.
    for part in parts(b"%PDF") {
        node.record(part).await.unwrap();
    }
    let sizes: Vec<_> = node.attachments(basket).await.unwrap().into_iter().map(|of| of.size).collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<u32>()), (2, 99_308));
    assert_eq!(node.attachments(other).await.unwrap(), []);
    assert_eq!(node.attachment(AttachmentQuery { basket: other, ..asked }).await.unwrap(), None);
    // Bytes that are not those of the hash are told, and not given: a part alone is refused, one of several until it is put right.
    let part = |part: u16, content: &[u8]| Attached {
        basket: other,
        hash: asked.hash,
        size: if content.len() < 5 { 4 } else { 99_304 },
        part,
        name: "front.jpg".into(),
        media_type: "image/jpeg".into(),
        content: content.to_vec(),
    };
    let refused = node.record(Record::attached(&part(0, b"fake"))).await.unwrap_err();
    assert!(refused.to_string().contains("hash"), "{refused}");
    let mut turned = bytes[..Attached::PART].to_vec();
    turned[1_000] ^= 1;
    let wrong = [&turned[..], &bytes[Attached::PART..2 * Attached::PART], &bytes[2 * Attached::PART..]];
    let mut recorded = Vec::new();
    for (no, content) in (0..).zip(wrong) {
        recorded.push(node.record(Record::attached(&part(no, content))).await.unwrap());
    }
    let asked = AttachmentQuery { basket: other, ..asked };
    let altered = node.attachment(asked).await.unwrap_err();
    assert_eq!(altered.to_string(), "an attachment cannot be read");
    node.record(Record::attached(&part(0, &bytes[..Attached::PART]))).await.unwrap();
    let whole = node.attachment(asked).await.unwrap().unwrap();
    assert!(whole.bytes == bytes && whole.of.held == 3, "the part was put right");
    // One that cannot be read hides no other.
    let writes = vec![Write::delete(Space::Event, recorded[0].to_key())];
    store.0.lock().unwrap().commit(&[Persist { id: PersistId(1), writes }]).unwrap();
    assert!(node.attachment(asked).await.unwrap().unwrap().bytes == bytes);
    node.shutdown().await;
    driver.join().await.unwrap();
}

/// Parts that two tills have recorded come to a third, also to one that was cut off or starts in between, and are whole there.
#[tokio::test]
async fn what_is_attached_at_one_till_is_whole_at_another() {
    let mut shop = Shop::new(3);
    shop.elect();
    let receipt = shop.sell_milk(0, 7);
    let bytes = picture(Attached::PART * 3 + 1_000);
    let parts = Record::attachment(receipt.basket, ("front.jpg", "image/jpeg"), &bytes).unwrap();
    let at = async |shop: &Shop, till: usize| {
        let (disk, config) = (shop.tills[till].disk.clone(), shop.tills[till].config.clone());
        let store = Box::new(Shared(Arc::new(Mutex::new(disk))));
        let (node, driver) = alone::start_as(config, store, Arc::new(SystemClock::new()));
        let listed = node.attachments(receipt.basket).await.unwrap().remove(0);
        let asked = AttachmentQuery { basket: receipt.basket, hash: listed.hash };
        let found = node.attachment(asked).await.unwrap().unwrap();
        node.shutdown().await;
        driver.join().await.unwrap();
        (found.of.held, found.bytes)
    };
    shop.cut(2);
    let now = shop.now;
    for part in &parts[..2] {
        shop.tills[0].record(now, part.clone()).unwrap();
    }
    shop.pass(2_000);
    let now = shop.now;
    shop.tills[1].record(now, parts[2].clone()).unwrap();
    shop.heal();
    shop.pass(3_000);
    assert_eq!(at(&shop, 2).await, (3, Vec::new()), "no half of a picture");
    shop.crash(2);
    shop.heal();
    // What was recorded already is recorded again, at another till.
    let now = shop.now;
    for part in &parts {
        shop.tills[1].record(now, part.clone()).unwrap();
    }
    shop.pass(3_000);
    for till in 0..3 {
        assert!(at(&shop, till).await == (4, bytes.clone()), "at till {till}");
    }
}

#[tokio::test]
async fn what_is_too_large_or_no_part_is_refused() {
    let store = Shared::default();
    let (node, driver) = start(&store);
    let basket = BasketId([7; 16]);
    let attach = |name, media_type, bytes: &[u8]| Record::attachment(basket, (name, media_type), bytes);
    assert_eq!(attach("a", "image/png", &picture(Attached::MAX_SIZE)).unwrap().len(), 86);
    let larger = attach("a", "image/png", &picture(Attached::MAX_SIZE + 1)).unwrap_err();
    assert_eq!(larger, Refusal::TooLarge { field: "attachment", limit: 4 << 20 });
    for (name, media_type, bytes, wrong) in [
        ("a", "image/png", &b""[..], "size"),
        ("", "image/png", b"x", "name"),
        ("4111111111111111", "image/png", b"x", "name"),
        ("a", "png", b"x", "media_type"),
        ("a", "image/p ng", b"x", "media_type"),
    ] {
        let refused = attach(name, media_type, bytes).unwrap_err();
        assert!(matches!(refused, Refusal::BadField { field, .. } if field == wrong), "{refused:?}");
    }
    let part = |size, part, length| Attached {
        basket,
        hash: [1; 32],
        size,
        part,
        name: "a".into(),
        media_type: "image/png".into(),
        content: vec![0; length],
    };
    for (bad, wrong) in
        [(part(9, 1, 9), "part"), (part(9, 0, 8), "content"), (part(90_000, 1, 49_152), "content")]
    {
        let refused = node.record(Record::attached(&bad)).await.unwrap_err();
        assert!(matches!(refused, Refusal::BadField { field, .. } if field == wrong), "{refused:?}");
    }
    node.shutdown().await;
    driver.join().await.unwrap();
}
