//! The steps of `docs/embed.md`: the page shows what is run, and it is run here against a cloud.

#![allow(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, unreachable_pub, reason = "the program's main is not called")]
#[path = "../../../edgepos/examples/embed.rs"]
mod embed;

use std::sync::Arc;
use std::time::Duration;

use edgepos::Setup;
use edgepos::core::IdempotencyKey;
use edgepos::model::BasketId;
use edgepos_cloud::gateway::{Options, router};
use edgepos_cloud::{Ingest, SqliteIngest};

const PAGE: &str = include_str!("../../../docs/embed.md");
const EXAMPLE: &str = include_str!("../../../edgepos/examples/embed.rs");

/// The blocks of a language on the page.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_page_shows_the_program() {
    let shown = blocks("rust");
    assert_eq!(shown.len(), 1 + EXAMPLE.matches("/// Step ").count(), "one block a step, and what they use");
    for block in shown {
        assert!(EXAMPLE.contains(block), "docs/embed.md and edgepos/examples/embed.rs differ:\n{block}");
    }
}

#[test]
fn the_files_of_the_page_are_read() {
    let files: Vec<Setup> = blocks("toml").iter().map(|file| file.parse().unwrap()).collect();
    let read: Vec<_> = files.iter().map(|setup| (setup.terminal.number(), setup.peers.len())).collect();
    assert_eq!(read, [(1, 0), (2, 2)]);
    assert_eq!(embed::TILL.trim(), blocks("toml")[0].trim());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_reaches_the_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let db = Arc::new(SqliteIngest::open(&folder.path().join("cloud.db")).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cloud = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router(Ingest::new(db), Options::default())).await });
    std::fs::write(folder.path().join("till.toml"), embed::TILL.replace("http://127.0.0.1:9", &cloud))
        .unwrap();

    let (today, now_ms) = (20_300_101, 1_893_495_600_000);
    let till = embed::open(folder.path()).await.unwrap();
    embed::after_a_crash(&till.node).await.unwrap();
    embed::morning(&till.node, today).await.unwrap();
    let (basket, key) = (BasketId([1; 16]), IdempotencyKey([0xa1; 16]));
    let sold = embed::sell(&till.node, basket, key, 3, now_ms).await.unwrap();
    assert_eq!((sold.receipt.number, sold.receipt.total, sold.repeated), (1, 387, false));
    let (on_hand, read) = embed::read_back(&till.node, today).await.unwrap();
    assert_eq!(on_hand, -1);
    // The day, a product, its price, a delivery and a sale.
    assert!(read >= 5, "{read} events are read back");
    // The store is one terminal, which leads once it has elected itself, and then says what fell below its floor.
    let resolved = async {
        loop {
            match embed::resolve(&till.node).await.unwrap() {
                0 => tokio::time::sleep(Duration::from_millis(20)).await,
                some => return some,
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(120), resolved).await.unwrap(), 1);
    let back =
        embed::take_back(&till.node, &sold, BasketId([2; 16]), IdempotencyKey([0xa2; 16])).await.unwrap();
    assert_eq!((back.receipt.number, back.receipt.total), (2, -129));
    assert_eq!(embed::read_back(&till.node, today).await.unwrap().0, 1);
    assert_eq!(
        embed::evening(till, Duration::from_secs(120)).await.unwrap(),
        0,
        "everything is in the cloud"
    );
}
