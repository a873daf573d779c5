//! A terminal that starts on a copy of its disk: it goes on at once under a name and a series that nobody else can use, and everything
//! that was acknowledged is counted once on each terminal.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;

use edgepos::core::{Now, Persist, PersistId, Space, Write};
use edgepos::model::CounterRow;
use edgepos::{ConditionKind, MemoryStore, Receipt, Store};
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
