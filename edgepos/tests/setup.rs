//! Two terminals that know each other by number alone find each other, and what one sells the other has.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use edgepos::core::IdempotencyKey;
use edgepos::model::{BasketId, CounterRow, Currency, Line, Tender};
use edgepos::{Commit, Draft, Setup};

fn file(terminal: u16, folder: &std::path::Path, more: &str) -> Setup {
    let database = folder.join(format!("till-{terminal}.db"));
    format!(
        "terminal = {terminal}\nstore = \"{:032x}\"\ndatabase = {database:?}\nlisten = \"127.0.0.1:0\"\n\
         cloud = \"http://127.0.0.1:9\"\nvoters = [1, 2]\nflush_ms = 50\n{more}",
        7
    )
    .parse()
    .unwrap()
}

#[tokio::test]
async fn terminals_meet_by_number_and_share_what_they_sell() {
    let folder = tempfile::tempdir().unwrap();
    let two = file(2, folder.path(), "").open().await.unwrap();
    let peers = format!("[peers]\n2 = \"{}\"\n", two.address);
    let one = file(1, folder.path(), &peers).open().await.unwrap();
    let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
    let basket = BasketId([1; 16]);
    let begun = one.node.begin(Draft::sale(basket, Currency::EUR, vec![milk])).await.unwrap();
    let commit = Commit { basket, key: IdempotencyKey([2; 16]), tenders: Tender::cash(begun.total).into() };
    let receipt = one.node.commit(commit).await.unwrap().receipt;
    let arrives = tokio::time::timeout(Duration::from_secs(60), async {
        // It counts as soon as it is accepted, and is there to be read once it is durable.
        while two.node.event(receipt.event).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    });
    arrives.await.expect("within a minute");
    assert_eq!(two.node.counter(CounterRow::stock("milk", 0)).await.unwrap(), Some(-2));
    let (first, second) = (one.node.status().await.unwrap(), two.node.status().await.unwrap());
    assert_eq!((first.me.terminal(), second.me.terminal()), (1, 2));
    assert_eq!(first.connected, [second.me]);
    one.close().await.unwrap();
    two.close().await.unwrap();
}

/// Whoever stops a terminal starts it again at once: its files and its address are free.
#[tokio::test]
async fn a_terminal_is_started_again_at_once_twenty_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = file(1, folder.path(), "");
    for sold in 0..20u8 {
        let terminal = setup.clone().open().await.unwrap();
        // The second start and those after it ask for the address that the first was given.
        setup.listen = terminal.address;
        let milk = Line { no: 1, product: "milk".into(), quantity: 1, amount: 129, ..Line::default() };
        let basket = BasketId([sold; 16]);
        let begun = terminal.node.begin(Draft::sale(basket, Currency::EUR, vec![milk])).await.unwrap();
        let commit =
            Commit { basket, key: IdempotencyKey([sold; 16]), tenders: Tender::cash(begun.total).into() };
        let committed = terminal.node.commit(commit).await.unwrap();
        assert_eq!(committed.receipt.number, u64::from(sold) + 1);
        terminal.close().await.unwrap();
    }
}
