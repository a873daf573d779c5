//! Two terminals that know each other by number alone find each other, and what one sells the other has.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use edgepos::core::IdempotencyKey;
use edgepos::model::{BasketId, CounterRow, Currency, Line, Tender};
use edgepos::{Commit, ConditionKind, Draft, Setup};

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

/// The README's file for one of three.
fn readme_file() -> String {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// As the guide has it: the settings of the old box, another incarnation, `joins`, and nothing else.
#[test]
fn a_box_takes_a_place_by_its_settings_and_another_name() {
    let old: Setup = readme_file().parse().unwrap();
    let guide = include_str!("../../docs/guide-elections.md");
    assert!(
        guide.contains(
            "(`terminal = \"3-…\"`, 12 hexadecimal digits that none of them had, and `joins = true`)"
        )
    );
    let name = "terminal = \"1-0b0b0b0b0b0b\"";
    for more in ["\njoins = true", ""] {
        let text = readme_file().replace("terminal = 1", &format!("{name}{more}"));
        let new = text.parse::<Setup>().unwrap().config().unwrap();
        assert_eq!(new.genesis, old.config().unwrap().genesis, "they belong to one store");
        assert_eq!(new.me.to_string(), "1-0b0b0b0b0b0b");
        assert!(!new.genesis.voters.contains(&new.me), "it joins");
    }
}

#[test]
fn a_peer_is_named_once() {
    let refusal = |peer: &str| {
        let text = readme_file() + peer;
        text.parse::<Setup>().unwrap().config().unwrap_err().to_string()
    };
    let twice = refusal("\"2-0123456789ab\" = \"192.168.0.9:7201\"\n");
    assert!(twice.contains("field peers: 2 and 2-0123456789ab are one terminal"), "{twice}");
    let itself = refusal("\"1-0123456789ab\" = \"192.168.0.9:7201\"\n");
    assert!(itself.contains("1-0123456789ab is this terminal"), "{itself}");
}

/// Two boxes run under one number and name, each with a disk of its own: both are told, through the terminal that both call.
#[tokio::test]
async fn two_boxes_of_one_name_are_both_told() {
    let folder = tempfile::tempdir().unwrap();
    let one = file(1, folder.path(), "").open().await.unwrap();
    let peers = format!("[peers]\n1 = \"{}\"\n", one.address);
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let mut boxes = Vec::new();
    for place in [&first, &second] {
        std::fs::create_dir(place).unwrap();
        boxes.push(file(2, place, &peers).open().await.unwrap());
    }
    let told = tokio::time::timeout(Duration::from_secs(120), async {
        for terminal in &boxes {
            loop {
                let conditions = terminal.node.status().await.unwrap().conditions;
                if conditions.iter().any(|held| held.kind == ConditionKind::SecondHolder) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    told.await.expect("both within two minutes");
    let conditions = one.node.status().await.unwrap().conditions;
    assert!(
        conditions.iter().all(|held| held.kind != ConditionKind::SecondHolder),
        "it is not of their number"
    );
    for terminal in boxes.into_iter().chain([one]) {
        terminal.close().await.unwrap();
    }
}
