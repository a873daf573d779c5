//! A terminal that starts on a copy of its disk: it goes on at once under a name and a series that nobody else can use, and everything
//! that was acknowledged is counted once on each terminal.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;

use edgepos::core::{Now, Persist, PersistId, Space, Write};
use edgepos::model::{CounterRow, StockLine, StockMoved, StockReason};
use edgepos::{ConditionKind, MemoryStore, Receipt, Record, Store};
use support::cloud::Cloud;
use support::{Shop, Till, WALL, line};

const NOW: Now = Now::new(0, WALL);

/// What a backup adds to the rows of the disk.
fn copy_of(disk: &MemoryStore) -> MemoryStore {
    let mut copy = disk.clone();
    let mark = Write::put(Space::Identity, "copied", []);
    copy.commit(&[Persist { id: PersistId(1), writes: vec![mark] }]).unwrap();
    copy
}

fn numbers(receipts: &[Receipt]) -> BTreeSet<(String, u64)> {
    receipts.iter().map(|receipt| (receipt.series.clone(), receipt.number)).collect()
}

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

#[test]
fn alone_it_gives_no_number_that_its_original_gives_too() {
    let mut original = Till::new(1, 1, NOW);
    let mut receipts = vec![original.sell(NOW, 1, vec![line(1, "milk", 1, 100)])];
    let copy = copy_of(&original.disk);
    receipts.push(original.sell(NOW, 2, vec![line(1, "milk", 1, 100)]));
    let mut till = Till::open(original.config.clone(), copy, NOW);
    let status = till.terminal.status();
    assert_ne!(status.author, status.me, "before anybody is heard");
    receipts.push(till.sell(NOW, 3, vec![line(1, "milk", 1, 100)]));
    receipts.push(till.sell(NOW, 4, vec![line(1, "milk", 1, 100)]));
    assert_eq!(numbers(&receipts).len(), 4, "{receipts:?}");
    assert_eq!((receipts[2].number, receipts[3].number), (1, 2), "in a series of its own");
    let author = status.author;
    let till = till.crash(NOW);
    assert_eq!(till.terminal.status().author, author, "once, and not at each start");
}

#[test]
fn a_crash_before_the_first_write_leaves_the_mark() {
    let mut original = Till::new(1, 1, NOW);
    original.sell(NOW, 1, vec![line(1, "milk", 1, 100)]);
    let mut till = Till::new(1, 1, NOW);
    till.disk = copy_of(&original.disk);
    till.terminal = edgepos::Terminal::new(
        NOW,
        original.config.clone(),
        edgepos::Restored::from_store(&till.disk).unwrap(),
    )
    .unwrap();
    assert_ne!(till.terminal.status().author, till.terminal.status().me);
    // Nothing of it was written.
    let till = Till::open(original.config.clone(), till.disk, Now::new(9, WALL + 9));
    assert_ne!(till.terminal.status().author, till.terminal.status().me);
}

#[test]
fn in_its_store_every_sale_is_counted_once() {
    let mut shop = Shop::new(3);
    shop.elect();
    let mut receipts = vec![shop.sell_milk(2, 1)];
    shop.pass(500);
    let copy = copy_of(&shop.tills[2].disk);
    receipts.extend([shop.sell_milk(2, 2), shop.sell_milk(2, 3)]);
    shop.pass(500);
    shop.put_back(2, copy.clone(), 7);
    // It sells before it hears anybody.
    receipts.push(shop.sell_milk(2, 4));
    shop.heal();
    shop.pass(2_000);
    let status = shop.tills[2].terminal.status();
    assert!(status.conditions.iter().any(|condition| condition.kind == ConditionKind::Restored));
    receipts.push(shop.sell_milk(2, 5));
    shop.pass(1_000);
    // The same copy once more, which knows nothing of the first time.
    shop.put_back(2, copy, 8);
    receipts.push(shop.sell_milk(2, 6));
    shop.heal();
    shop.pass(3_000);
    assert_eq!(numbers(&receipts).len(), 6, "{receipts:?}");
    for till in &shop.tills {
        assert_eq!(milk(till), Some(-6), "at {}", till.terminal.status().me);
    }
}

/// Each disk of a store goes back, as a copy that knows it and as a plain image, while the cloud and the others hold what it lacks: the
/// store decides again without a replacement, however small it is and whoever is put back.
#[test]
fn a_store_that_is_put_back_has_a_leader_again() {
    for (tills, put_back) in [(1, 1), (2, 1), (2, 2), (3, 1), (3, 3), (5, 5)] {
        for (is_marked, has_cloud) in [(true, true), (false, true), (true, false), (false, false)] {
            let about = format!("{put_back} of {tills}, marked: {is_marked}, cloud: {has_cloud}");
            let mut shop = Shop::new(tills);
            shop.cloud = has_cloud.then(Cloud::default);
            shop.elect();
            let received = vec![StockLine { product: "milk".into(), quantity: 20 }];
            let received = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines: received };
            let now = shop.now;
            shop.tills[0].record(now, Record::stock_moved(&received, 0)).unwrap();
            (0..tills).for_each(|till| drop(shop.sell_milk(till.into(), till as u8 + 1)));
            shop.pass_by(3_000, 5);
            let marked = |till: &Till| if is_marked { copy_of(&till.disk) } else { till.disk.clone() };
            let images: Vec<_> = shop.tills.iter().take(put_back).map(marked).collect();
            // What is sold behind the image is nowhere else where all go back and there is no cloud.
            (0..tills).for_each(|till| drop(shop.sell_milk(till.into(), till as u8 + 11)));
            shop.pass_by(3_000, 5);
            for (till, image) in images.into_iter().enumerate() {
                shop.put_back(till, image, 7 + till as u64);
            }
            shop.heal();
            shop.pass_by(30_000, 20);
            let now = shop.now;
            shop.tills[0].sell(now, 99, vec![line(1, "milk", 50, 5_000)]);
            shop.pass_by(30_000, 20);
            let status: Vec<_> = shop.tills.iter().map(|till| till.terminal.status()).collect();
            assert_eq!(status.iter().filter(|status| status.entitled).count(), 1, "{about}: {status:#?}");
            assert!(status.iter().all(|status| status.leader.is_some()), "{about}: {status:#?}");
            let all_are = put_back == usize::from(tills) && !has_cloud;
            let sold = i64::from(tills) * if all_are { 1 } else { 2 };
            let left = Some(20 - sold - 50);
            assert!(shop.tills.iter().all(|till| milk(till) == left), "{about}: every sale counts once");
            // It decides: the stock that is below zero is raised, and no voter is missing any more.
            assert!(status.iter().all(|status| status.open_exceptions == 1), "{about}: {status:#?}");
            for till in 0..shop.tills.len() {
                shop.crash(till);
            }
            shop.heal();
            shop.pass_by(30_000, 20);
            // Alone and without a cloud nobody can state how far its chains go.
            let expected = [ConditionKind::Exceptions, ConditionKind::WaitingForProof];
            let expected = &expected[..if tills == 1 && !has_cloud { 2 } else { 1 }];
            let told = shop.tills.iter().flat_map(|till| till.terminal.status().conditions);
            let conditions: Vec<_> = told.filter(|condition| !expected.contains(&condition.kind)).collect();
            assert!(conditions.is_empty(), "{about}: {conditions:?}");
        }
    }
}
