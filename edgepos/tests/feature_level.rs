//! The store's feature level: announced by every member, raised by an operator's word or after a week, and what becomes of a terminal
//! that goes back behind it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::Record;
use edgepos::core::{Now, Persist, PersistId, Space, Write};
use edgepos::model::{CounterRow, StockLine, StockMoved, StockReason};
use edgepos::{Condition, ConditionKind, LevelError, Store};
use support::{Shop, Till, config, line, replica};

/// A store of three that version 0.1.0 began.
fn old_store() -> Shop {
    let mut shop = Shop::new(3);
    for till in 0..3 {
        let row = Write::delete(Space::Identity, b"born-at-level");
        shop.tills[till].disk.commit(&[Persist { id: PersistId(1), writes: vec![row] }]).unwrap();
        reopen(&mut shop, till, 1);
    }
    shop.heal();
    shop
}

/// The same, in which terminal 3 knows no level, as version 0.1.0.
fn with_one_behind() -> Shop {
    let mut shop = old_store();
    reopen(&mut shop, 2, 0);
    shop.heal();
    shop
}

/// Starts a terminal again from its disk, as a version that knows this level.
fn reopen(shop: &mut Shop, till: usize, level: u32) {
    let now = shop.now;
    shop.cut(till);
    let disk = std::mem::take(&mut shop.tills[till].disk);
    let mut config = config(till as u16 + 1, 3);
    config.level = level;
    shop.tills[till] = Till::open(config, disk, now);
}

fn raise(shop: &mut Shop, till: usize) -> Result<u32, LevelError> {
    let now = shop.now;
    let raised = shop.tills[till].terminal.raise_level(now);
    shop.tills[till].run(now);
    shop.pass(1_000);
    raised
}

fn levels(shop: &Shop) -> Vec<u32> {
    shop.tills.iter().map(|till| till.terminal.status().level).collect()
}

#[test]
fn an_operator_raises_it_once_every_member_has_announced_it() {
    let mut shop = with_one_behind();
    let leader = shop.elect();
    let follower = (0..3).find(|till| *till != leader).unwrap();
    assert_eq!(raise(&mut shop, follower), Err(LevelError::NotEntitled));
    assert_eq!(raise(&mut shop, leader), Err(LevelError::NotAnnounced { missing: vec![replica(3)] }));
    assert_eq!(levels(&shop), [0, 0, 0]);
    reopen(&mut shop, 2, 1);
    shop.heal();
    shop.pass(3_000);
    let leader = shop.elect();
    assert_eq!(raise(&mut shop, leader), Ok(1));
    assert_eq!(levels(&shop), [1, 1, 1]);
    assert_eq!(raise(&mut shop, leader), Err(LevelError::Reached { level: 1 }));
}

/// Nobody can go back behind a level that the store began with.
#[test]
fn a_store_that_begins_with_this_version_has_its_level_at_once() {
    for terminals in [1, 3] {
        let mut shop = Shop::new(terminals);
        shop.elect();
        shop.pass(2_000);
        assert_eq!(levels(&shop), vec![1; usize::from(terminals)]);
    }
    // A terminal that has not announced it holds it up.
    let mut shop = Shop::new(3);
    reopen(&mut shop, 2, 0);
    shop.heal();
    shop.elect();
    shop.pass(2_000);
    assert_eq!(levels(&shop), [0, 0, 0]);
}

fn skip_days(shop: &mut Shop, days: u64) {
    shop.now = Now::new(shop.now.mono.0, shop.now.wall.0 + days * 24 * 3_600_000);
}

/// Whether it knows which decisions have a place in the store's chain.
fn knows_places(till: &Till) -> bool {
    let mut knows = true;
    till.disk
        .scan_all(Space::Identity, &mut |key, _| {
            knows &= !key.starts_with(b"places-unknown");
            Ok(())
        })
        .unwrap();
    knows
}

/// The week counts from the last announcement, and through restarts of whoever counts it.
#[test]
fn a_week_after_all_have_announced_it_it_is_raised() {
    let mut shop = old_store();
    shop.elect();
    shop.pass(2_000);
    skip_days(&mut shop, 6);
    for till in 0..3 {
        shop.crash(till);
    }
    shop.heal();
    shop.elect();
    shop.pass(2_000);
    assert_eq!(levels(&shop), [0, 0, 0], "six days");
    skip_days(&mut shop, 1);
    shop.pass(2_000);
    assert_eq!(levels(&shop), [1, 1, 1], "seven days");
}

/// A terminal that goes back behind the level sells and exchanges events, shows it, and derives nothing; once it knows the level again it
/// counts the store's chain as the others do.
#[test]
fn a_terminal_below_the_level_sells_and_decides_nothing() {
    let mut shop = old_store();
    let leader = shop.elect();
    shop.pass(2_000);
    assert_eq!(raise(&mut shop, leader), Ok(1));
    let below = (0..3).find(|till| *till != shop.elect()).unwrap();
    reopen(&mut shop, below, 0);
    shop.heal();
    shop.pass(3_000);
    let status = shop.tills[below].terminal.status();
    assert!(status.below_level && status.level == 1, "{status:?}");
    assert!(status.conditions.iter().any(|condition| condition.kind == ConditionKind::LevelBehind));

    let now = shop.now;
    count(&mut shop, below, &["milk", "bread", "tea"]);
    shop.tills[below].sell(now, 1, vec![line(1, "milk", 3, 300)]);
    shop.pass(5_000);
    for till in &shop.tills {
        assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(-3), "the sale is everywhere");
        assert_eq!(
            till.terminal.status().exceptions.len(),
            1,
            "and so is the exception that the others decided"
        );
    }

    assert!(!knows_places(&shop.tills[below]), "it does not count what it may judge wrongly");
    reopen(&mut shop, below, 1);
    shop.heal();
    shop.pass(3_000);
    let status = shop.tills[below].terminal.status();
    let behind = |condition: &Condition| condition.kind == ConditionKind::LevelBehind;
    assert!(!status.below_level && !status.conditions.iter().any(behind), "{status:?}");
    // Its places are unknown until an event of the store's chain names one; whoever leads meanwhile, exceptions are raised.
    for product in ["bread", "tea"] {
        let now = shop.now;
        let other = (below + 1) % 3;
        let basket = if product == "bread" { 2 } else { 3 };
        shop.tills[other].sell(now, basket, vec![line(1, product, 1, 100)]);
        shop.pass(10_000);
    }
    for till in &shop.tills {
        assert_eq!(till.terminal.status().exceptions.len(), 3);
        assert!(!till.notices.iter().any(|notice| format!("{notice:?}").contains("Fork")));
    }
    assert!(knows_places(&shop.tills[below]), "it derives the store's chain again");
}

/// Two of three have been below the level and know no places. They do not hand the leadership to each other for ever: it comes to the third,
/// which raises what is due.
#[test]
fn the_leadership_comes_to_the_one_that_knows_the_places() {
    for knows in 0..3 {
        two_know_no_places(knows);
    }
}

fn two_know_no_places(knows: usize) {
    let lost: Vec<_> = (0..3).filter(|till| *till != knows).collect();
    let mut shop = old_store();
    let leader = shop.elect();
    shop.pass(2_000);
    assert_eq!(raise(&mut shop, leader), Ok(1));
    shop.cut(lost[0]);
    shop.pass(5_000);
    let (leader, now) = (shop.elect(), shop.now);
    if leader != knows {
        shop.tills[leader].terminal.step_down(now);
        shop.tills[leader].run(now);
        shop.pass(1_000);
    }
    for level in [0, 1] {
        for till in &lost {
            reopen(&mut shop, *till, level);
            shop.heal();
            shop.pass(3_000);
        }
        assert_eq!(shop.elect(), knows);
        if level == 0 {
            // Something is decided that they cannot judge.
            count(&mut shop, knows, &["milk"]);
            shop.tills[knows].sell(shop.now, 1, vec![line(1, "milk", 1, 100)]);
            shop.pass(10_000);
        }
    }
    assert!((0..3).all(|till| knows_places(&shop.tills[till]) == (till == knows)));

    shop.cut(knows);
    shop.pass(10_000);
    assert_ne!(shop.elect(), knows);
    shop.heal();
    count(&mut shop, knows, &["bread"]);
    shop.tills[knows].sell(shop.now, 2, vec![line(1, "bread", 1, 100)]);
    shop.pass(130_000);
    for till in &shop.tills {
        assert_eq!(till.terminal.status().exceptions.len(), 2);
        assert!(knows_places(till), "the event of the one names the place");
    }
}

/// Counts products, at zero.
fn count(shop: &mut Shop, till: usize, products: &[&str]) {
    for product in products {
        let lines = vec![StockLine { product: (*product).into(), quantity: 0 }];
        let counted = StockMoved { reason: StockReason::Adjust, from: None, to: None, lines };
        shop.tills[till].record(shop.now, Record::stock_moved(&counted, 0)).unwrap();
    }
}
