//! Two clones of one disk run at once: both say so, both sell, and every sale of either is everywhere once.

mod support;

use edgepos::model::CounterRow;
use edgepos::{ConditionKind, MemoryStore};
use support::cloud::Cloud;
use support::{Shop, Till, config};

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

fn says(till: &Till, kind: ConditionKind) -> bool {
    till.terminal.status().conditions.iter().any(|condition| condition.kind == kind)
}

/// A shop of two whose second till is there twice, on `disk` and a copy of it.
fn cloned(shop: &mut Shop, disk: MemoryStore) {
    let mut config = config(2, 2);
    config.nonce = 77;
    let clone = Till::open(config, disk, shop.now);
    shop.tills.push(clone);
}

/// Nobody keeps two connections to one name: now the one is heard, now the other.
fn take_turns(shop: &mut Shop, times: usize, ms: u64) {
    for time in 0..times {
        shop.cut(1);
        shop.cut(2);
        shop.heal_but(&[1 + time % 2]);
        shop.pass_by(ms, 5);
    }
}

fn shop_with_clone() -> Shop {
    let mut shop = Shop::new(2);
    shop.cloud = Some(Cloud::default());
    shop.elect();
    shop.sell_milk(1, 1);
    shop.pass(3_000);
    let image = shop.tills[1].disk.clone();
    cloned(&mut shop, image);
    shop
}

#[test]
fn both_say_so_and_every_sale_of_either_is_there_once() {
    let mut shop = shop_with_clone();
    shop.cut(1);
    (2..6).for_each(|basket| drop(shop.sell_milk(1, basket)));
    (12..15).for_each(|basket| drop(shop.sell_milk(2, basket)));
    take_turns(&mut shop, 8, 1_500);
    // They hear each other's sales through the other till.
    shop.sell_milk(1, 20);
    take_turns(&mut shop, 2, 2_500);
    shop.sell_milk(2, 21);
    take_turns(&mut shop, 2, 2_500);
    for till in &shop.tills[1..] {
        let status = till.terminal.status();
        assert!(says(till, ConditionKind::SecondHolder), "{:?}", status.conditions);
    }
    let authors: Vec<_> = shop.tills[1..].iter().map(|till| till.terminal.status().author).collect();
    assert_ne!(authors[0], authors[1]);
    (30..36).for_each(|basket| drop(shop.sell_milk(1 + usize::from(basket % 2), basket)));
    take_turns(&mut shop, 12, 3_000);
    let now: Vec<_> = shop.tills[1..].iter().map(|till| till.terminal.status().author).collect();
    assert_eq!(authors, now, "no loop of incarnations");
    for till in &shop.tills {
        assert_eq!(milk(till), Some(-16), "at {}: {:?}", till.terminal.status().me, till.terminal.status());
        assert_eq!(till.terminal.status().exceptions, []);
    }
    assert_eq!(shop.cloud.as_ref().expect("it is there").sales().len(), 16);
    // One is taken off.
    shop.cut(2);
    shop.heal_but(&[2]);
    shop.pass_by(601_000, 50);
    assert!(!says(&shop.tills[1], ConditionKind::SecondHolder), "it is over");
}

#[test]
fn two_that_hear_each_other_through_the_cloud_alone_say_so() {
    let mut shop = shop_with_clone();
    shop.cut(0);
    shop.cut(1);
    for round in 0..4 {
        shop.sell_milk(1, 40 + round);
        shop.sell_milk(2, 50 + round);
        shop.pass_by(62_000, 20);
    }
    for till in &shop.tills[1..] {
        assert!(
            says(till, ConditionKind::SecondHolder) || says(till, ConditionKind::Restored),
            "{:?}",
            till.terminal.status().conditions
        );
    }
    shop.pass_by(240_000, 50);
    let sales = shop.cloud.as_ref().expect("it is there").sales();
    assert_eq!(sales.len(), 9, "{sales:?}");
    for till in &shop.tills[1..] {
        assert!(says(till, ConditionKind::SecondHolder), "{:?}", till.terminal.status().conditions);
    }
}
