//! Two clones of one disk run at once: both say so, both sell, and every sale of either is everywhere once.

mod support;

use edgepos::model::{BasketId, CounterRow, ExceptionType};
use edgepos::{ConditionKind, MemoryStore};
use support::cloud::Cloud;
use support::numbers::{raised, shared};
use support::{Shop, Till, config, draft, line};

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
        assert_eq!(raised(&till.terminal.status().exceptions), shared(till));
    }
    assert_eq!(shop.cloud.as_ref().expect("it is there").sales().len(), 16);
    // One is taken off.
    shop.cut(2);
    shop.heal_but(&[2]);
    shop.pass_by(601_000, 50);
    assert!(!says(&shop.tills[1], ConditionKind::SecondHolder), "it is over");
}

/// The longest that anybody may take to say so.
const AT_ONCE: u64 = 5_000;
/// How often the cloud is asked at least what it holds (60 s), and what the asking takes.
const HEAD_INTERVAL: u64 = 61_000;

/// Lets time pass until it is so.
fn within(shop: &mut Shop, ms: u64, what: &str, so: impl Fn(&Shop) -> bool) {
    for _ in 0..ms / 10 {
        shop.pass_by(10, 10);
        if so(shop) {
            return;
        }
    }
    let conditions = shop.tills.iter().map(|till| till.terminal.status().conditions);
    panic!("not within {ms} ms: {what}; {:?}", conditions.collect::<Vec<_>>());
}

/// The one of the two is heard alone.
fn hear_alone(shop: &mut Shop, heard: usize) {
    shop.cut(1);
    shop.cut(2);
    shop.heal_but(&[3 - heard]);
}

#[test]
fn each_says_so_within_5_s_of_hearing_the_other() {
    for has_cloud in [false, true] {
        let mut shop = shop_with_clone();
        shop.cloud = shop.cloud.filter(|_| has_cloud);
        // The first is heard. The second, which has sold as well, hears by that that its chain has another history.
        shop.sell_milk(1, 2);
        shop.pass_by(500, 10);
        shop.sell_milk(2, 3);
        hear_alone(&mut shop, 2);
        within(&mut shop, AT_ONCE, "the second", |shop| says(&shop.tills[2], ConditionKind::Restored));
        // What the second has sold since comes to the first, and the other way round.
        for (hears, sold, basket) in [(1, 2, 4), (2, 1, 5)] {
            shop.sell_milk(sold, basket);
            shop.pass_by(500, 10);
            assert!(!says(&shop.tills[hears], ConditionKind::SecondHolder), "it has heard nothing yet");
            hear_alone(&mut shop, hears);
            within(&mut shop, AT_ONCE, "a sale of the other", |shop| {
                says(&shop.tills[hears], ConditionKind::SecondHolder)
            });
        }
        hear_alone(&mut shop, 1);
        shop.pass_by(3_000, 10);
        for till in &shop.tills[..2] {
            assert_eq!(milk(till), Some(-5), "every sale of either, once");
        }
    }
}

#[test]
fn two_that_hear_each_other_through_the_cloud_alone_say_so() {
    // Wherever in the interval they sell.
    for offset in (0..60_000).step_by(20_000) {
        let mut shop = shop_with_clone();
        shop.cut(0);
        shop.cut(1);
        shop.pass_by(20_000 + offset, 20);
        shop.sell_milk(1, 40);
        shop.sell_milk(2, 50);
        let says_something =
            |till: &Till| says(till, ConditionKind::SecondHolder) || says(till, ConditionKind::Restored);
        // The cloud has one history: who wrote the other goes on under another name.
        within(&mut shop, HEAD_INTERVAL, "one", |shop| shop.tills[1..].iter().any(says_something));
        // What that one writes again is news to the other.
        within(&mut shop, HEAD_INTERVAL, "both", |shop| shop.tills[1..].iter().all(says_something));
        for (sells, hears, basket) in [(1, 2, 41), (2, 1, 51)] {
            shop.sell_milk(sells, basket);
            within(&mut shop, HEAD_INTERVAL, "a sale of the other", |shop| {
                says(&shop.tills[hears], ConditionKind::SecondHolder)
            });
        }
        shop.pass_by(HEAD_INTERVAL, 20);
        let sales = shop.cloud.as_ref().expect("it is there").sales();
        assert_eq!(sales, [1, 40, 41, 50, 51].map(|basket| BasketId([basket; 16])));
        for till in &shop.tills[1..] {
            assert_eq!(till.terminal.status().queued, 0);
        }
    }
}

/// Both boxes have the basket open and book it, the second in the place that the first gave it. `disturb` goes after each turn, with its
/// number, and what is left afterwards is one exception at each till.
fn book_one_basket_twice(disturb: impl Fn(&mut Shop, usize)) {
    let mut shop = Shop::new(3);
    shop.cloud = Some(Cloud::default());
    shop.elect();
    let now = shop.now;
    shop.tills[2].begin(now, draft(7, vec![line(1, "milk", 1, 100)])).expect("it is new");
    shop.pass(3_000);
    let mut config = config(3, 3);
    config.nonce = 77;
    let mut clone = Till::open(config, shop.tills[2].disk.clone(), shop.now);
    clone.knows_total(BasketId([7; 16]), 100);
    shop.tills.push(clone);
    shop.cut(2);
    let now = shop.now;
    for till in [2, 3] {
        let (_, repeated) = shop.tills[till].commit(now, 7, 9).expect("it is open in the image");
        assert!(!repeated);
    }
    for turn in 0..12 {
        shop.cut(2);
        shop.cut(3);
        shop.heal_but(&[2 + turn % 2]);
        disturb(&mut shop, turn);
        shop.pass_by(3_000, 5);
    }
    for till in &shop.tills {
        let status = till.terminal.status();
        let raised: Vec<_> = status.exceptions.iter().map(|raised| raised.exception).collect();
        assert_eq!(raised, [ExceptionType::DUPLICATE], "at {}: {:?}", status.me, status.exceptions);
    }
}

#[test]
fn a_basket_that_both_book_is_one_duplicate() {
    book_one_basket_twice(|_, _| {});
}

#[test]
fn a_crash_between_any_two_writes_leaves_it_one_duplicate() {
    for (turn, written) in (1..3).flat_map(|turn| (0..8).map(move |written| (turn, written))) {
        book_one_basket_twice(|shop, now| {
            if now != turn {
                return;
            }
            shop.tills.iter_mut().for_each(|till| till.writing = false);
            for _ in 0..written {
                shop.pass(40);
                let now = shop.now;
                for till in &mut shop.tills {
                    till.write_one(now);
                }
            }
            (0..shop.tills.len()).for_each(|till| shop.crash(till));
            shop.heal_but(&[2 + turn % 2]);
        });
    }
}
