//! A disk is put back to an older state, lost, or put back twice: the till sells on, every sale that was acknowledged is counted once on
//! each terminal, and no receipt number is given twice but for named pairs.

mod support;

use std::collections::BTreeSet;

use edgepos::model::{BasketId, CounterRow, Envelope, ExceptionType, Kind};
use edgepos::sync::EventRecord;
use edgepos::{ConditionKind, MemoryStore, Receipt, Store};
use support::{Shop, Till, line};

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

fn numbers(receipts: &[Receipt]) -> BTreeSet<(String, u64)> {
    receipts.iter().map(|receipt| (receipt.series.clone(), receipt.number)).collect()
}

/// How many sales each terminal holds, and how many of them repeat another.
fn sales(till: &Till) -> (usize, usize) {
    let rows = till.disk.scan(edgepos::core::Space::Event, &[], &[255; 64], u32::MAX).expect("memory");
    let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
        let (record, _) = EventRecord::from_row(key, value)?;
        edgepos::model::Envelope::decode(&record.payload).ok()
    };
    let sales: Vec<_> =
        rows.iter().filter_map(read).filter(|envelope| envelope.kind == Kind::TRANSACTION).collect();
    (sales.len(), sales.iter().filter(|envelope| envelope.reissue_of().is_some()).count())
}

fn assert_agreed(shop: &Shop, stock: i64, sold: (usize, usize)) {
    for till in &shop.tills {
        let status = till.terminal.status();
        assert_eq!(milk(till), Some(stock), "stock at {}", status.me);
        assert_eq!(sales(till), sold, "sales at {}, and how many were written again", status.me);
        assert_eq!(status.quarantined, 0, "at {}", status.me);
        let raised: Vec<_> = status.exceptions.iter().map(|raised| raised.exception.name()).collect();
        assert!(!raised.contains(&"duplicate"), "a sale that is written again is no second one: {raised:?}");
    }
}

/// Each of these numbers of till 2 is said to be that of two receipts, and nothing else is.
fn assert_shared(shop: &Shop, numbers: std::ops::RangeInclusive<u64>) {
    for till in &shop.tills {
        let status = till.terminal.status();
        let shared = status.exceptions.iter().filter_map(|raised| {
            let number = raised.receipt_number()?;
            assert_eq!((raised.exception.name(), raised.value, raised.involved.len()), ("same_number", 2, 2));
            assert_eq!(
                (number.terminal, number.series.as_str()),
                (shop.tills[2].terminal.status().me.terminal(), "S")
            );
            Some(number.number)
        });
        let shared: Vec<u64> = shared.collect();
        assert_eq!(shared, numbers.clone().collect::<Vec<_>>(), "at {}", status.me);
    }
}

#[test]
fn what_was_sold_after_the_image_comes_back_and_selling_goes_on_in_a_series_of_its_own() {
    let mut shop = Shop::new(3);
    shop.elect();
    let mut receipts = vec![shop.sell_milk(2, 1)];
    shop.pass(500);
    let image = shop.tills[2].disk.clone();
    receipts.extend([shop.sell_milk(2, 2), shop.sell_milk(2, 3)]);
    shop.pass(500);
    shop.put_back(2, image, 7);
    shop.heal();
    shop.pass(2_000);
    let status = shop.tills[2].terminal.status();
    assert_ne!(status.author, status.me);
    assert!(status.conditions.iter().any(|condition| condition.kind == ConditionKind::Restored));
    receipts.extend([shop.sell_milk(2, 4), shop.sell_milk(2, 5)]);
    shop.pass(1_000);
    assert_agreed(&shop, -5, (5, 0));
    assert_eq!(numbers(&receipts).len(), 5, "{receipts:?}");
    assert!(receipts[4].series.starts_with("S.") && receipts[4].series.len() == 10, "{receipts:?}");
    shop.crash(2);
    shop.heal();
    shop.pass(2_000);
    assert_eq!(shop.sell_milk(2, 6).number, 3, "the series goes on after a restart");
    shop.pass(1_000);
    assert_agreed(&shop, -6, (6, 0));
}

#[test]
fn what_was_sold_before_anybody_was_heard_is_written_again() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.sell_milk(2, 1);
    shop.pass(500);
    let image = shop.tills[2].disk.clone();
    for basket in 2..=4 {
        shop.sell_milk(2, basket);
    }
    shop.pass(500);
    shop.put_back(2, image, 7);
    // Cut off, it sells under the names that it had given before.
    for basket in 11..=15 {
        shop.sell_milk(2, basket);
    }
    shop.pass(1_000);
    assert_eq!(milk(&shop.tills[2]), Some(-6));
    shop.heal();
    shop.pass(3_000);
    assert_agreed(&shop, -9, (9, 5));
    let status = shop.tills[2].terminal.status();
    assert_ne!(status.author, status.me, "it goes on as another incarnation");
    let (again, repeated) = {
        let now = shop.now;
        shop.tills[2].commit(now, 12, 12).expect("known")
    };
    assert!(repeated && again.event.chain.replica == shop.tills[2].terminal.status().author, "{again:?}");
    // Baskets 2 to 4 had the numbers before, which two customers each hold now: said once for each, at every till.
    shop.pass(10_000);
    assert_shared(&shop, 2..=4);
    shop.crash(2);
    shop.heal();
    shop.pass(2_000);
    assert_agreed(&shop, -9, (9, 5));
    for till in [0, 1, 2] {
        shop.crash(till);
    }
    shop.heal();
    shop.pass(60_000);
    assert_shared(&shop, 2..=4);
}

#[test]
fn a_lost_disk_under_the_same_name_goes_on() {
    let mut shop = Shop::new(3);
    shop.elect();
    let mut receipts: Vec<Receipt> = (1..=3).map(|basket| shop.sell_milk(1, basket)).collect();
    shop.pass(500);
    shop.put_back(1, MemoryStore::new(), 3);
    shop.heal();
    shop.pass(1_000);
    receipts.extend((4..=6).map(|basket| shop.sell_milk(1, basket)));
    shop.pass(2_000);
    assert_agreed(&shop, -6, (6, 0));
    assert_eq!(numbers(&receipts).len(), 6);
}

#[test]
fn two_restores_of_one_image_give_no_number_twice() {
    let mut shop = Shop::new(2);
    shop.elect();
    let mut receipts = vec![shop.sell_milk(1, 1)];
    shop.pass(500);
    let image = shop.tills[1].disk.clone();
    receipts.push(shop.sell_milk(1, 2));
    shop.pass(500);
    for start in [10, 20, 30] {
        shop.put_back(1, image.clone(), start);
        shop.heal();
        shop.pass(2_000);
        receipts.extend([shop.sell_milk(1, start as u8), shop.sell_milk(1, start as u8 + 1)]);
        shop.pass(1_000);
    }
    assert_eq!(numbers(&receipts).len(), receipts.len(), "{receipts:?}");
    assert_agreed(&shop, -8, (8, 0));
}

/// A till of two sold five times from an older image of its disk before it heard anybody, and has made so many writes since.
fn rewriting(writes: usize) -> Shop {
    let mut shop = Shop::new(2);
    shop.elect();
    shop.sell_milk(1, 1);
    shop.pass(500);
    let image = shop.tills[1].disk.clone();
    shop.sell_milk(1, 2);
    shop.pass(500);
    shop.put_back(1, image, 7);
    for basket in 11..=15 {
        shop.sell_milk(1, basket);
    }
    shop.heal();
    shop.tills[1].writing = false;
    for _ in 0..writes {
        shop.pass(20);
        let now = shop.now;
        shop.tills[1].write_one(now);
    }
    shop
}

#[test]
fn a_crash_between_any_two_writes_loses_nothing_and_counts_nothing_twice() {
    for written in 0..24 {
        let mut shop = rewriting(written);
        // The power fails.
        shop.crash(1);
        shop.heal();
        shop.pass(4_000);
        assert_agreed(&shop, -7, (7, 5));
    }
}

#[test]
fn of_all_that_repeat_one_event_one_counts() {
    let mut shop = rewriting(14);
    // The image of a disk in the middle of writing again.
    let middle = shop.tills[1].disk.clone();
    shop.tills[1].writing = true;
    shop.pass(3_000);
    assert_agreed(&shop, -7, (7, 5));
    shop.put_back(1, middle, 8);
    shop.heal();
    shop.pass(4_000);
    for till in &shop.tills {
        assert_eq!(milk(till), Some(-7), "each sale counts once, however often it was written again");
    }
}

/// Till 1 of two has the basket open, and then paid: what it was paid with, and the disk of before.
fn paid_behind_an_image() -> (Shop, Receipt, MemoryStore) {
    let mut shop = Shop::new(2);
    shop.elect();
    let now = shop.now;
    shop.tills[1].begin(now, support::draft(1, vec![line(1, "milk", 1, 100)])).expect("begun");
    shop.pass(500);
    let image = shop.tills[1].disk.clone();
    let now = shop.now;
    let (receipt, _) = shop.tills[1].commit(now, 1, 1).expect("paid");
    shop.pass(500);
    (shop, receipt, image)
}

#[test]
fn a_basket_that_was_open_in_the_image_is_answered_with_its_receipt_once_that_has_come_back() {
    let (mut shop, first, image) = paid_behind_an_image();
    shop.put_back(1, image, 7);
    assert_eq!(shop.tills[1].terminal.status().open_baskets, 1);
    shop.heal();
    shop.pass(2_000);
    let now = shop.now;
    let again = shop.tills[1].begin(now, support::draft(2, vec![line(1, "milk", 1, 100)]));
    assert_eq!(again, Ok(1), "of a series of its own");
    let now = shop.now;
    assert_eq!(shop.tills[1].commit(now, 1, 1), Ok((first, true)), "the first sale has come back by then");
    assert_eq!(shop.tills[1].terminal.status().open_baskets, 1, "the second alone");
    shop.pass(1_000);
    assert_agreed(&shop, -1, (1, 0));
    for till in &shop.tills {
        assert_eq!(till.terminal.status().exceptions, [], "at {}", till.terminal.status().me);
        let voided = |(_, envelope): &(_, Envelope)| envelope.kind == Kind::NUMBER_VOIDED;
        let voided: Vec<_> = support::envelopes(&till.disk).into_iter().filter(voided).collect();
        assert!(voided.is_empty(), "the number was given to a sale: {voided:?}");
    }
}

/// Once its sale has come back it is not open: neither giving it up nor putting it aside voids its number.
#[test]
fn a_basket_that_was_open_in_the_image_is_closed_by_its_sale() {
    for parks in [false, true] {
        let (mut shop, first, image) = paid_behind_an_image();
        shop.put_back(1, image, 7);
        shop.heal();
        shop.pass(2_000);
        let status = shop.tills[1].terminal.status();
        assert_eq!((status.open_baskets, shop.tills[1].rows(edgepos::core::Space::Basket)), (0, 0));
        let (now, basket) = (shop.now, BasketId([1; 16]));
        let till = &mut shop.tills[1];
        let request = till.request();
        let asked = match parks {
            false => till.terminal.abandon(now, request, basket),
            true => till.terminal.park(now, request, basket),
        };
        asked.expect("taken");
        till.run(now);
        assert_eq!(till.replies.remove(&request), Some(Err(edgepos::Refusal::UnknownBasket(basket))));
        assert_eq!(shop.tills[1].commit(now, 1, 1), Ok((first, true)));
        shop.pass(1_000);
        assert_agreed(&shop, -1, (1, 0));
        for till in &shop.tills {
            let all = support::envelopes(&till.disk);
            let told = [Kind::NUMBER_VOIDED, Kind::BASKET_PARKED];
            assert!(
                all.iter().all(|(_, envelope)| !told.contains(&envelope.kind)),
                "parks: {parks}, {all:?}"
            );
        }
    }
}

#[test]
fn a_basket_that_was_open_in_the_image_is_named_when_it_is_paid() {
    // Whoever pays it again does so under the first key or under another.
    for key in [1, 2] {
        let (mut shop, first, image) = paid_behind_an_image();
        shop.put_back(1, image, 7);
        shop.tills[1].knows_total(BasketId([1; 16]), 100);
        let now = shop.now;
        let (second, repeated) = shop.tills[1].commit(now, 1, key).expect("it is open in the image");
        assert!(!repeated && second.number == first.number, "as nobody knows better: {second:?}");
        shop.heal();
        shop.pass(5_000);
        let renamed = shop.tills[1].terminal.status().author;
        let names: BTreeSet<_> = [first.event.chain.replica, renamed].into();
        for restarted in [false, true] {
            if restarted {
                (0..2).for_each(|till| shop.crash(till));
                shop.heal();
                shop.pass(5_000);
            }
            for till in &shop.tills {
                let status = till.terminal.status();
                let [raised] = &status.exceptions[..] else { panic!("{:?}", status.exceptions) };
                assert_eq!(
                    (raised.exception, raised.value),
                    (ExceptionType::DUPLICATE, 2),
                    "at {}",
                    status.me
                );
                let involved = raised.involved.iter().map(|event| event.chain.replica).collect();
                assert_eq!(names, involved, "both are named at {}", status.me);
                assert_eq!((sales(till), status.open_baskets), ((2, 1), 0), "at {}", status.me);
                assert_eq!(milk(till), milk(&shop.tills[0]), "at {}", status.me);
            }
        }
    }
}
