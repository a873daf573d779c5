//! What every place where a cloud keeps things must do.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn run() {
//! use std::sync::Arc;
//!
//! use edgepos_cloud::{IngestStore, SqliteIngest, conformance};
//!
//! let folder = tempfile::tempdir().expect("a folder");
//! let path = folder.path().join("cloud.db");
//! let open = || -> Arc<dyn IngestStore> { Arc::new(SqliteIngest::open(&path).expect("SQLite opens it")) };
//! conformance::ingest_store(async || open()).await;
//! # }
//! ```

mod shop;

use std::sync::Arc;

use edgepos_core::{EventId, Seq};
use edgepos_sync::{Batch, CloudReply, IngestState, Limits};

use self::shop::Shop;
use crate::ingest::{Ingest, IngestStore};
use crate::publishing::Published;

/// Runs every check against what `open` returns. It is called several times and opens the *same* place each time, which holds nothing of
/// the stores `e0…00` to `e0…ff` at first; two that are open at once stand for two gateways.
///
/// # Panics
/// With the name of what is wrong, when a check fails.
pub async fn ingest_store(open: impl AsyncFn() -> Arc<dyn IngestStore>) {
    let first = open().await;
    a_store_is_new(&first).await;
    what_is_taken_reads_back(&first).await;
    a_batch_that_comes_again_is_not_stored_again(&first).await;
    stores_are_apart(&first).await;
    every_event_has_its_hash(&first).await;
    ranges_are_whole_or_refused(&first).await;
    a_batch_is_kept_without_what_was_refused(&first).await;
    a_step_of_an_older_row_writes_nothing(&first).await;
    a_row_that_is_gone_is_not_made_again(&first).await;
    what_is_published_is_given_and_kept_apart(&first).await;
    let second = open().await;
    one_of_many_steps_wins(&first, &second).await;
    what_was_acknowledged_is_there_after_a_restart(&first, &open).await;
    second.close().await.expect("what is open closes");
}

async fn a_store_is_new(store: &Arc<dyn IngestStore>) {
    let shop = Shop::new(0x00);
    assert_eq!(store.load(shop.store()).await.expect("it loads"), IngestState::new(), "a_store_is_new");
    let asked = store.hash(shop.store(), shop.event(1)).await.expect("it looks");
    assert_eq!(asked, None, "a_store_is_new: no event has a hash");
    let asked = store.events(shop.store(), shop.event(1), Seq(1)).await.expect("it looks");
    assert_eq!(asked, None, "a_store_is_new: no event is there");
}

async fn what_is_taken_reads_back(store: &Arc<dyn IngestStore>) {
    let (mut shop, ingest) = (Shop::new(0x01), Ingest::new(Arc::clone(store)));
    shop.lease(&ingest).await;
    for size in [1, 3, 40] {
        shop.upload(&ingest, size).await;
    }
    let state = store.load(shop.store()).await.expect("it loads");
    assert_eq!(state.vector().get(shop.chain()), Seq(44), "what_is_taken_reads_back: its position");
    assert_eq!(state.heads().get(&shop.chain()), Some(&shop.hash(44)), "what_is_taken_reads_back: its hash");
    assert_eq!(state.batches(), 3, "what_is_taken_reads_back: its batches");
}

async fn a_batch_that_comes_again_is_not_stored_again(store: &Arc<dyn IngestStore>) {
    let (shop, ingest) = (Shop::new(0x02), Ingest::new(Arc::clone(store)));
    shop.lease(&ingest).await;
    let request = shop.next(5);
    for again in [false, true, true] {
        let reply = ingest.handle(&request).await.expect("it answers");
        let expected = if again {
            matches!(reply, CloudReply::Conflict { .. })
        } else {
            matches!(reply, CloudReply::Ack { .. })
        };
        assert!(expected, "a_batch_that_comes_again_is_not_stored_again: {reply:?}");
    }
    let state = store.load(shop.store()).await.expect("it loads");
    let held = (state.vector().get(shop.chain()), state.batches());
    assert_eq!(held, (Seq(5), 1), "a_batch_that_comes_again_is_not_stored_again");
}

/// Two stores whose terminals have the same ids: a vendor may make them so.
async fn stores_are_apart(store: &Arc<dyn IngestStore>) {
    let ingest = Ingest::new(Arc::clone(store));
    let (mut one, mut other) = (Shop::new(0x03), Shop::new(0x04).that_sells("tea"));
    for shop in [&mut one, &mut other] {
        shop.lease(&ingest).await;
        shop.upload(&ingest, 2).await;
    }
    one.upload(&ingest, 2).await;
    for (shop, last) in [(&one, 4), (&other, 2)] {
        let state = store.load(shop.store()).await.expect("it loads");
        assert_eq!(state.vector().get(shop.chain()), Seq(last), "stores_are_apart: positions");
        let batch = store.events(shop.store(), shop.event(1), Seq(last)).await.expect("it looks");
        assert_eq!(batch, Some(shop.batch(1, last)), "stores_are_apart: events");
    }
}

async fn every_event_has_its_hash(store: &Arc<dyn IngestStore>) {
    let (mut shop, ingest) = (Shop::new(0x05), Ingest::new(Arc::clone(store)));
    shop.lease(&ingest).await;
    for size in [2, 1, 4] {
        shop.upload(&ingest, size).await;
    }
    for seq in 0..=8 {
        let hash = store.hash(shop.store(), shop.event(seq)).await.expect("it looks");
        let expected = (1..=7).contains(&seq).then(|| shop.hash(seq));
        assert_eq!(hash, expected, "every_event_has_its_hash: {seq}");
    }
}

async fn ranges_are_whole_or_refused(store: &Arc<dyn IngestStore>) {
    let (mut shop, ingest) = (Shop::new(0x06), Ingest::new(Arc::clone(store)));
    shop.lease(&ingest).await;
    for size in [3, 1, 3] {
        shop.upload(&ingest, size).await;
    }
    for (first, last) in [(1, 1), (1, 7), (2, 2), (3, 4), (2, 6), (5, 7), (7, 7)] {
        let batch = store.events(shop.store(), shop.event(first), Seq(last)).await.expect("it looks");
        let expected = Some(shop.batch(first, last));
        assert!(batch == expected, "ranges_are_whole_or_refused: {first} to {last}");
    }
    for (first, last) in [(1, 8), (8, 8), (7, 9)] {
        let batch = store.events(shop.store(), shop.event(first), Seq(last)).await.expect("it looks");
        assert_eq!(batch, None, "ranges_are_whole_or_refused: {first} to {last} are not all there");
    }
}

/// One run is new, the other continues a history that the cloud does not have.
async fn a_batch_is_kept_without_what_was_refused(store: &Arc<dyn IngestStore>) {
    let (mut shop, ingest) = (Shop::new(0x07), Ingest::new(Arc::clone(store)));
    shop.lease(&ingest).await;
    shop.upload(&ingest, 1).await;
    let request = shop.with_a_forged_run(2);
    let reply = ingest.handle(&request).await.expect("it answers");
    let forged = Shop::forged_chain();
    let CloudReply::Ack { forks, .. } = &reply else {
        panic!("a_batch_is_kept_without_what_was_refused: {reply:?}")
    };
    assert!(forks.contains(&forged), "a_batch_is_kept_without_what_was_refused: it is told");
    let batch = store.events(shop.store(), shop.event(2), Seq(3)).await.expect("it looks");
    assert_eq!(
        batch,
        Some(shop.batch(2, 3)),
        "a_batch_is_kept_without_what_was_refused: what is new is there"
    );
    let id = EventId::new(forged, Seq(1));
    let hash = store.hash(shop.store(), id).await.expect("it looks");
    assert_eq!(hash, None, "a_batch_is_kept_without_what_was_refused: what is forged is not");
}

async fn what_is_published_is_given_and_kept_apart(store: &Arc<dyn IngestStore>) {
    const NAME: &str = "what_is_published_is_given_and_kept_apart";
    let (mut shop, ingest) = (Shop::new(0x0d), Ingest::new(Arc::clone(store)));
    let id = shop.store();
    let publish = async |after: u64, words: &[&str]| {
        let payloads: Vec<_> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        ingest.publish(id, Some(Seq(after)), |_, _| payloads.clone()).await.expect("it publishes")
    };
    let Published::Written { chain, first, last } = publish(0, &["milk", "bread"]).await else {
        panic!("{NAME}: nothing was published before")
    };
    assert!(chain.replica.is_cloud() && (first, last) == (Seq(1), Seq(2)), "{NAME}");
    assert_eq!(publish(0, &["again"]).await, Published::Moved { last: Seq(2) }, "{NAME}: a repeat");
    shop.lease(&ingest).await;
    shop.upload(&ingest, 3).await;
    let seen =
        ingest.publish(shop.store(), None, |_, last| vec![[last.unwrap_or(b"?"), b"!"].concat()]).await;
    assert!(matches!(seen, Ok(Published::Written { first: Seq(3), .. })), "{NAME}: behind an upload");
    shop.upload(&ingest, 2).await;
    let batch = store.events(shop.store(), EventId::new(chain, Seq(2)), Seq(3)).await.expect("it looks");
    let read = Batch::decode(&batch.expect("they are there"), &Limits::DEFAULT).expect("it was encoded");
    assert_eq!(read.runs[0].payloads, [b"bread".to_vec(), b"bread!".to_vec()], "{NAME}");
    let head = store.hash(shop.store(), EventId::new(chain, Seq(3))).await.expect("it looks");
    let state = store.load(shop.store()).await.expect("it loads");
    assert_eq!((head, state.feed()), (state.heads().get(&chain).copied(), Some((chain, Seq(3)))), "{NAME}");
}

async fn a_step_of_an_older_row_writes_nothing(store: &Arc<dyn IngestStore>) {
    let (mut shop, ingest) = (Shop::new(0x08), Ingest::new(Arc::clone(store)));
    shop.lease(&ingest).await;
    let before = store.load(shop.store()).await.expect("it loads");
    let late = shop.step(before, 3);
    shop.upload(&ingest, 1).await;
    let moved = store.commit(&late).await.expect("it answers");
    assert!(!moved, "a_step_of_an_older_row_writes_nothing: it says so");
    let state = store.load(shop.store()).await.expect("it loads");
    assert_eq!(state.vector().get(shop.chain()), Seq(1), "a_step_of_an_older_row_writes_nothing: the row");
    let hash = store.hash(shop.store(), shop.event(2)).await.expect("it looks");
    assert_eq!(hash, None, "a_step_of_an_older_row_writes_nothing: the events");
}

/// The database was lost and made anew between a decision and its step.
async fn a_row_that_is_gone_is_not_made_again(store: &Arc<dyn IngestStore>) {
    let (shop, ingest) = (Shop::new(0x09), Ingest::new(Arc::clone(store)));
    shop.lease(&ingest).await;
    let mut step = shop.step(store.load(shop.store()).await.expect("it loads"), 1);
    step.store = Shop::new(0x0a).store();
    let moved = store.commit(&step).await.expect("it answers");
    assert!(!moved, "a_row_that_is_gone_is_not_made_again: it says so");
    let state = store.load(step.store).await.expect("it loads");
    assert_eq!(state, IngestState::new(), "a_row_that_is_gone_is_not_made_again");
}

async fn one_of_many_steps_wins(first: &Arc<dyn IngestStore>, second: &Arc<dyn IngestStore>) {
    let (mut shop, ingest) = (Shop::new(0x0b), Ingest::new(Arc::clone(first)));
    shop.lease(&ingest).await;
    for round in 0..8 {
        let before = second.load(shop.store()).await.expect("it loads");
        let step = shop.step(before, 2);
        let tasks: Vec<_> = (0..8)
            .map(|at| {
                let store = Arc::clone(if at % 2 == 0 { first } else { second });
                let step = step.clone();
                tokio::spawn(async move { store.commit(&step).await.expect("it answers") })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.expect("a commit does not panic"));
        }
        assert_eq!(won, 1, "one_of_many_steps_wins: round {round}");
        shop.advance(2);
    }
    let state = first.load(shop.store()).await.expect("it loads");
    assert_eq!((state.vector().get(shop.chain()), state.batches()), (Seq(16), 8), "one_of_many_steps_wins");
}

async fn what_was_acknowledged_is_there_after_a_restart(
    store: &Arc<dyn IngestStore>,
    open: impl AsyncFn() -> Arc<dyn IngestStore>,
) {
    let mut shop = Shop::new(0x0c);
    let ingest = Ingest::new(Arc::clone(store));
    shop.lease(&ingest).await;
    shop.upload(&ingest, 6).await;
    store.close().await.expect("what is open closes");
    let closed = store.load(shop.store()).await;
    assert!(closed.is_err(), "what_was_acknowledged_is_there_after_a_restart: a closed one says so");
    let again = open().await;
    let state = again.load(shop.store()).await.expect("it loads");
    assert_eq!(state.vector().get(shop.chain()), Seq(6), "what_was_acknowledged_is_there_after_a_restart");
    let batch = again.events(shop.store(), shop.event(1), Seq(6)).await.expect("it looks");
    assert_eq!(batch, Some(shop.batch(1, 6)), "what_was_acknowledged_is_there_after_a_restart: events");
    shop.upload(&Ingest::new(again), 1).await;
}
