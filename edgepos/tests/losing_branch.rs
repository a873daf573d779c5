//! Two histories of one chain were heard by different terminals: the branch that lost is set aside, its sales count under the names that
//! they were given instead, and all terminals and the cloud agree, whichever branch each heard first.

mod support;

use edgepos::core::Space;
use edgepos::model::CounterRow;
use edgepos::sync::EventRecord;
use edgepos::{ConditionKind, Store};
use support::cloud::Cloud;
use support::numbers::{raised, shared};
use support::{Shop, Till};

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

/// The names and hashes of all events that a till holds.
fn events(till: &Till) -> Vec<(Vec<u8>, Option<[u8; 32]>)> {
    let rows = till.disk.scan(Space::Event, &[], &[255; 64], u32::MAX).expect("memory");
    rows.into_iter()
        .map(|(key, value)| (key.clone(), EventRecord::from_row(&key, &value).map(|row| row.1.0)))
        .collect()
}

/// All hold the same events, count the same, and nobody says that a history is in dispute.
fn assert_agreed(shop: &Shop, stock: i64) {
    for till in &shop.tills {
        let status = till.terminal.status();
        assert_eq!(milk(till), Some(stock), "stock at {}", status.me);
        assert_eq!(events(till), events(&shop.tills[0]), "events at {}", status.me);
        // Numbers that both histories gave, each raised once; which, the sales tell.
        assert_eq!(raised(&status.exceptions), shared(till), "at {}", status.me);
        assert_eq!(status.quarantined, 0, "at {}", status.me);
        let forked = status.conditions.iter().find(|condition| condition.kind == ConditionKind::Forked);
        assert_eq!(forked, None, "at {}", status.me);
    }
}

/// Till 2 sells `first` bottles that till 0 alone hears, then is put back and sells `second` that till 1 alone hears.
fn two_histories(first: u8, second: u8) -> Shop {
    let mut shop = Shop::new(3);
    shop.two_histories([2, 0, 1], [2..2 + first, 102..102 + second], |_| {});
    assert_eq!(milk(&shop.tills[0]), Some(-1 - i64::from(first)));
    assert_eq!(milk(&shop.tills[1]), Some(-1 - i64::from(second)));
    shop
}

#[test]
fn whichever_history_a_terminal_heard_first_all_agree_in_the_end() {
    for (first, second) in [(3, 3), (1, 4), (4, 1), (90, 80)] {
        let mut shop = two_histories(first, second);
        shop.heal();
        shop.pass_by(10_000, 5);
        assert_agreed(&shop, -1 - i64::from(first) - i64::from(second));
        let aside: u64 = shop.tills.iter().map(|till| till.terminal.status().set_aside).sum();
        assert!(aside > 0, "what left its chain is kept");
        shop.crash(0);
        shop.crash(1);
        shop.heal();
        shop.pass_by(3_000, 5);
        assert_agreed(&shop, -1 - i64::from(first) - i64::from(second));
    }
}

#[test]
fn a_crash_between_any_two_writes_of_setting_aside_counts_nothing_twice() {
    for written in 0..16 {
        let mut shop = two_histories(3, 3);
        shop.heal();
        for till in [0, 1] {
            shop.tills[till].writing = false;
        }
        for _ in 0..written {
            shop.pass(40);
            let now = shop.now;
            shop.tills[0].write_one(now);
            shop.tills[1].write_one(now);
        }
        shop.crash(0);
        shop.crash(1);
        shop.heal();
        shop.pass_by(15_000, 5);
        assert_agreed(&shop, -7);
    }
}

/// The disk that wrote the second history is put back again before anybody but till 1 has heard of it: nobody who wrote it is left.
#[test]
fn a_branch_whose_owner_is_gone_is_written_again_by_who_holds_it() {
    let mut shop = Shop::new(3);
    let [image, _] = shop.two_histories([2, 0, 1], [2..5, 12..16], |_| {});
    shop.put_back(2, image, 8);
    shop.heal();
    shop.pass_by(90_000, 20);
    assert_agreed(&shop, -8);
}

/// A branch is uploaded, the cloud falls silent, the leader's branch is preferred meanwhile, and the cloud comes back.
#[test]
fn a_branch_that_the_cloud_holds_and_one_that_the_leader_holds_are_both_there_once() {
    let mut shop = Shop::new(3);
    shop.cloud = Some(Cloud::default());
    shop.elect();
    shop.sell_milk(2, 1);
    shop.pass_by(3_000, 5);
    let images: Vec<_> = shop.tills.iter().map(|till| till.disk.clone()).collect();
    (2..5).for_each(|basket| drop(shop.sell_milk(2, basket)));
    shop.pass_by(8_000, 10);
    let cloud = shop.cloud.take().expect("it was there");
    assert_eq!(cloud.sales().len(), 4);
    for (till, image) in images.into_iter().enumerate() {
        shop.put_back(till, image, 7 + till as u64);
    }
    shop.heal();
    shop.pass(5_000);
    (12..16).for_each(|basket| drop(shop.sell_milk(2, basket)));
    shop.pass_by(40_000, 20);
    assert_agreed(&shop, -5);
    shop.cloud = Some(cloud);
    shop.pass_by(150_000, 50);
    let sales = shop.cloud.as_ref().expect("it is there").sales();
    let mut once = sales.clone();
    once.dedup();
    assert_eq!(sales, once, "none twice");
    assert_eq!(sales.len(), 8);
}
