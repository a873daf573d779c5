//! A sale is known by its key and its basket on every terminal that holds its event.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use edgepos::core::{IdempotencyKey, Space};
use edgepos::model::{
    BasketId, BookedName, CounterRow, ExceptionRaised, ExceptionType, StockLine, StockMoved, StockReason,
};
use edgepos::{Draft, Receipt, Record, Refusal, Store, Terminal};
use support::{Shop, Till, draft, line};

fn milk(basket: u8) -> Draft {
    draft(basket, vec![line(1, "milk", 2, 100)])
}

fn stock(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

/// The first till sells basket 1 under key 9, and the second hears of it.
fn sold() -> (Shop, Receipt) {
    let mut shop = Shop::new(2);
    shop.elect();
    let now = shop.now;
    shop.tills[0].begin(now, milk(1)).unwrap();
    let (receipt, _) = shop.tills[0].commit(now, 1, 9).unwrap();
    shop.pass(500);
    assert_eq!(stock(&shop.tills[1]), Some(-2));
    (shop, receipt)
}

fn duplicates(till: &Till) -> Vec<ExceptionRaised> {
    let raised = till.terminal.status().exceptions;
    raised.into_iter().filter(|raised| raised.exception == ExceptionType::DUPLICATE).collect()
}

#[test]
fn the_same_basket_and_key_at_another_till_answer_the_first_receipt() {
    let (mut shop, receipt) = sold();
    let now = shop.now;
    let two = &mut shop.tills[1];
    assert_eq!(two.commit(now, 1, 9), Ok((receipt.clone(), true)));
    assert_eq!(two.begin(now, milk(1)), Err(Refusal::BasketBooked(receipt.clone())));
    assert_eq!(two.commit(now, 1, 9), Ok((receipt.clone(), true)), "the till goes on without its basket");
    shop.crash(1);
    assert_eq!(shop.tills[1].commit(now, 1, 9), Ok((receipt, true)));
    assert_eq!(stock(&shop.tills[1]), Some(-2));
}

/// Who led when it was booked leads no more, is off, or has come back: every till that holds the sale answers its receipt.
#[test]
fn a_sale_is_known_whoever_leads() {
    let mut shop = Shop::new(3);
    let leader = shop.elect();
    let seller = (leader + 1) % 3;
    let now = shop.now;
    shop.tills[seller].begin(now, milk(1)).unwrap();
    let (receipt, _) = shop.tills[seller].commit(now, 1, 9).unwrap();
    let goods = shop.tills[seller].record(now, under(goods(24), 5)).unwrap();
    shop.pass(1_000);
    shop.crash(leader);
    shop.pass(10_000);
    let next = shop.tills.iter().position(|till| till.terminal.status().entitled).unwrap();
    assert_ne!(next, leader, "another leads");
    for healed in [false, true] {
        if healed {
            shop.heal();
            shop.elect();
            shop.pass(2_000);
        }
        for place in 0..3 {
            let now = shop.now;
            let till = &mut shop.tills[place];
            assert_eq!(till.commit(now, 1, 9), Ok((receipt.clone(), true)), "at {place}, healed: {healed}");
            assert_eq!(till.begin(now, milk(1)), Err(Refusal::BasketBooked(receipt.clone())));
            assert_eq!(till.record(now, under(self::goods(24), 5)), Ok(goods));
            assert_eq!((stock(till), duplicates(till)), (Some(22), vec![]));
        }
    }
}

/// The basket was open at the second till before the sale of the first came there.
#[test]
fn a_basket_that_was_open_here_gives_its_number_back() {
    let mut shop = Shop::new(2);
    shop.elect();
    shop.cut(1);
    let now = shop.now;
    for till in &mut shop.tills {
        till.begin(now, milk(1)).unwrap();
    }
    let (receipt, _) = shop.tills[0].commit(now, 1, 9).unwrap();
    shop.heal();
    shop.pass(500);
    let now = shop.now;
    assert_eq!(shop.tills[1].commit(now, 1, 8), Err(Refusal::BasketBooked(receipt.clone())));
    assert_eq!(shop.tills[1].terminal.unresolved().len(), 1, "what was refused stays open");
    assert_eq!(shop.tills[1].commit(now, 1, 9), Ok((receipt, true)));
    assert!(shop.tills[1].terminal.unresolved().is_empty());
    assert_eq!(stock(&shop.tills[1]), Some(-2));
}

/// The answer of another till's receipt ends what was begun here: a power cut behind it does not open it again.
#[test]
fn an_answer_waits_until_what_it_ends_has_ended_on_the_disk() {
    let mut shop = Shop::new(2);
    shop.elect();
    shop.cut(1);
    let now = shop.now;
    for till in &mut shop.tills {
        till.begin(now, milk(1)).unwrap();
    }
    let (receipt, _) = shop.tills[0].commit(now, 1, 9).unwrap();
    shop.heal();
    shop.pass(500);
    let now = shop.now;
    let two = &mut shop.tills[1];
    two.writing = false;
    let request = two.ask_commit(now, 1, 9).unwrap();
    two.run(now);
    assert_eq!(two.replies.get(&request), None, "the number is not voided on the disk yet");
    shop.crash(1);
    let two = &mut shop.tills[1];
    assert_eq!(two.terminal.unresolved().len(), 1, "nobody was told that it has ended");
    assert_eq!(two.commit(now, 1, 9), Ok((receipt, true)));
    shop.crash(1);
    assert!(shop.tills[1].terminal.unresolved().is_empty());
}

#[test]
fn a_booked_basket_is_refused_under_another_key() {
    let (mut shop, receipt) = sold();
    let now = shop.now;
    let refused = Refusal::BasketBooked(receipt);
    for place in 0..2 {
        assert_eq!(shop.tills[place].commit(now, 1, 8).unwrap_err(), refused);
        assert_eq!(shop.tills[place].begin(now, milk(1)).unwrap_err(), refused);
        shop.crash(place);
        assert_eq!(shop.tills[place].begin(now, milk(1)).unwrap_err(), refused);
        assert_eq!(shop.tills[place].commit(now, 1, 8).unwrap_err(), refused);
    }
}

#[test]
fn a_key_of_another_basket_is_refused_at_another_till() {
    let (mut shop, _) = sold();
    let now = shop.now;
    let two = &mut shop.tills[1];
    let (asked, basket) = (BasketId([2; 16]), BasketId([1; 16]));
    let refused = Refusal::KeyOfAnotherBasket { asked, basket };
    let with_key = Draft { key: Some(IdempotencyKey([9; 16])), ..milk(2) };
    assert_eq!(two.begin(now, with_key).unwrap_err(), refused, "where the till says its key at once");
    assert_eq!(two.begin(now, milk(2)), Ok(1), "no number was burned");
    assert_eq!(two.commit(now, 2, 9).unwrap_err(), refused);
    assert_eq!(two.terminal.unresolved().len(), 1);
    assert!(!two.commit(now, 2, 8).unwrap().1, "the corrected call books");
}

fn goods(quantity: i64) -> Record {
    let lines = vec![StockLine { product: "milk".into(), quantity }];
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    Record::stock_moved(&moved, 0)
}

fn under(record: Record, key: u8) -> Record {
    record.with_key(IdempotencyKey([key; 16]))
}

#[test]
fn a_record_under_a_key_is_recorded_once() {
    let mut shop = Shop::new(2);
    shop.elect();
    let now = shop.now;
    let first = shop.tills[0].record(now, under(goods(24), 5)).unwrap();
    assert_eq!(shop.tills[0].record(now, under(goods(24), 5)), Ok(first));
    shop.pass(500);
    let in_use = Err(Refusal::KeyInUse { event: first });
    for place in 0..2 {
        let till = &mut shop.tills[place];
        assert_eq!(till.record(now, under(goods(24), 5)), Ok(first));
        assert_eq!(till.record(now, under(goods(48), 5)), in_use, "of another record");
        till.begin(now, milk(place as u8 + 1)).unwrap();
        assert_eq!(till.commit(now, place as u8 + 1, 5).unwrap_err(), in_use.clone().unwrap_err());
        shop.crash(place);
        assert_eq!(shop.tills[place].record(now, under(goods(24), 5)), Ok(first));
        assert_eq!(stock(&shop.tills[place]), Some(24));
    }
    // And the key of a sale is none of a record.
    let (receipt, _) = shop.tills[0].commit(now, 1, 7).unwrap();
    let in_use = Err(Refusal::KeyInUse { event: receipt.event });
    assert_eq!(shop.tills[0].record(now, under(goods(24), 7)), in_use);
}

#[test]
fn calls_at_once_with_one_key_record_once() {
    let mut shop = Shop::new(1);
    let now = shop.now;
    let till = &mut shop.tills[0];
    let (first, second, other) = (till.request(), till.request(), till.request());
    till.terminal.record(now, first, under(goods(24), 5)).unwrap();
    till.terminal.record(now, second, under(goods(24), 5)).unwrap();
    assert_eq!(till.terminal.record(now, other, under(goods(25), 5)), Err(Refusal::KeyBusy));
    till.run(now);
    assert!(till.replies[&first].is_ok());
    assert_eq!(till.replies[&first], till.replies[&second]);
    assert_eq!(stock(till), Some(24));
}

#[test]
fn a_day_is_closed_once_under_a_key() {
    let mut shop = Shop::new(1);
    let now = shop.now;
    let till = &mut shop.tills[0];
    let opened = till.record(now, under(Record::day_opened(20_231_114, 0), 11)).unwrap();
    assert_eq!(till.record(now, under(Record::day_opened(20_231_114, 0), 11)), Ok(opened));
    let closed = till.record(now, under(Record::day_closed(500), 12)).unwrap();
    // More is known since, so the close would say something else.
    till.record(now, Record::custom(vec![1], Vec::new())).unwrap();
    assert_eq!(till.record(now, under(Record::day_closed(500), 12)), Ok(closed));
    assert_eq!(
        till.record(now, under(Record::day_closed(501), 12)),
        Err(Refusal::KeyInUse { event: closed })
    );
    assert_eq!(till.terminal.status().business_day, None);
}

/// Both tills sell basket 1 under the keys that are given, while they cannot hear each other.
fn sold_twice(keys: [u8; 2]) -> (Shop, [Receipt; 2]) {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.cut(1);
    let now = shop.now;
    let sell = |till: &mut Till, key| {
        till.begin(now, milk(1)).unwrap();
        till.commit(now, 1, key).unwrap().0
    };
    let receipts = [sell(&mut shop.tills[0], keys[0]), sell(&mut shop.tills[1], keys[1])];
    (shop, receipts)
}

#[test]
fn a_key_that_two_tills_booked_answers_the_lowest_event_and_raises_one_exception() {
    let (mut shop, [first, second]) = sold_twice([9, 9]);
    assert!(first.event < second.event);
    shop.heal();
    shop.pass(100);
    let leader = shop.elect();
    // Whoever leads goes, before and after it could raise the exception.
    shop.crash(leader);
    shop.heal();
    shop.elect();
    shop.pass(40_000);
    let now = shop.now;
    for place in 0..3 {
        let till = &mut shop.tills[place];
        let raised = duplicates(till);
        assert_eq!(raised.len(), 1, "{raised:?}");
        assert_eq!(raised[0].booked_twice(), Some(BookedName::Basket(first.basket)));
        assert_eq!(raised[0].involved, [first.event, second.event]);
        assert_eq!((raised[0].row(), raised[0].value, raised[0].floor), (None, 2, 1));
        assert_eq!(stock(till), Some(-4), "both events stay");
        assert_eq!(till.commit(now, 1, 9), Ok((first.clone(), true)));
        let rows = till.disk.scan(Space::BookedTwice, &[], &[255; 64], u32::MAX).unwrap();
        assert!(rows.iter().all(|(key, _)| key == b"known"), "nothing is left to raise");
    }
}

#[test]
fn a_basket_that_two_tills_booked_under_two_keys_raises_one_exception() {
    let (mut shop, [first, second]) = sold_twice([8, 9]);
    shop.heal();
    shop.elect();
    shop.pass(5_000);
    let now = shop.now;
    for till in &mut shop.tills {
        assert_eq!(duplicates(till).len(), 1);
        assert_eq!(till.commit(now, 1, 8), Ok((first.clone(), true)));
        assert_eq!(till.commit(now, 1, 9), Ok((second.clone(), true)), "each key has its receipt");
    }
}

#[test]
fn a_key_of_two_baskets_raises_one_exception_and_answers_each() {
    let (mut shop, [first, _]) = sold_twice([9, 8]);
    let now = shop.now;
    shop.tills[1].begin(now, milk(2)).unwrap();
    let (other, _) = shop.tills[1].commit(now, 2, 9).unwrap();
    shop.heal();
    shop.elect();
    shop.pass(5_000);
    for till in &mut shop.tills {
        let names: Vec<_> = duplicates(till).iter().filter_map(ExceptionRaised::booked_twice).collect();
        assert_eq!(names, [BookedName::Basket(first.basket), BookedName::Key(IdempotencyKey([9; 16]))]);
        assert_eq!(till.commit(now, 1, 9), Ok((first.clone(), true)));
        assert_eq!(till.commit(now, 2, 9), Ok((other.clone(), true)));
    }
}

/// The power fails for all before anybody could raise it: what was found out is found again.
#[test]
fn a_duplicate_outlives_a_blackout() {
    let (mut shop, _) = sold_twice([9, 9]);
    shop.heal();
    for _ in 0..300 {
        shop.pass(1);
        if stock(&shop.tills[0]) == Some(-4) {
            break;
        }
    }
    assert!(duplicates(&shop.tills[0]).is_empty(), "it is too early");
    (0..3).for_each(|place| shop.crash(place));
    shop.heal();
    shop.elect();
    shop.pass(5_000);
    for till in &shop.tills {
        assert_eq!(duplicates(till).len(), 1);
    }
}

/// Version 0.1.0 kept the keys of its own sales alone.
#[test]
fn what_an_earlier_version_stored_is_caught_up_with() {
    let (mut shop, receipt) = sold();
    let now = shop.now;
    shop.cut(1);
    let till = shop.tills.remove(1);
    let mut disk = till.disk;
    for space in [Space::IdempotencyKey, Space::BookedBasket, Space::BookedTwice] {
        let rows = disk.scan(space, &[], &[255; 64], u32::MAX).unwrap();
        let writes = rows.into_iter().map(|(key, _)| edgepos::core::Write::delete(space, key)).collect();
        disk.commit(&[edgepos::core::Persist { id: edgepos::core::PersistId(1), writes }]).unwrap();
    }
    let mut till = Till::open(till.config, disk, now);
    assert_eq!(till.commit(now, 1, 9), Ok((receipt, true)));
    assert_eq!(till.rows(Space::BookedTwice), 1, "it knows up to where");
    let before = till.rows(Space::BookedBasket);
    assert_eq!(before, 1);
}

/// A terminal that dies with events that nobody told it the names of.
#[test]
fn names_are_read_again_after_a_crash() {
    let (mut shop, receipt) = sold();
    let now = shop.now;
    for place in 0..2 {
        shop.crash(place);
        let till = &mut shop.tills[place];
        assert!(Terminal::unresolved(&till.terminal).is_empty());
        assert_eq!(till.commit(now, 1, 9), Ok((receipt.clone(), true)));
    }
}

/// A store that sends every five seconds, as it does where nobody says otherwise.
fn slow() -> Shop {
    let mut shop = Shop::with(3, |config| config.flush_interval = Duration::from_secs(5));
    shop.elect();
    shop
}

/// The till asks its neighbour again, while the first till still gathers what it sends: the neighbour has been told.
#[test]
fn what_is_asked_again_before_it_was_sent_is_not_sold_again() {
    let mut shop = slow();
    let now = shop.now;
    shop.tills[2].begin(now, milk(1)).unwrap();
    shop.tills[0].begin(now, milk(1)).unwrap();
    let (receipt, _) = shop.tills[0].commit(now, 1, 9).unwrap();
    shop.pass(100);
    let now = shop.now;
    assert_eq!(stock(&shop.tills[1]), None, "the sale is not here");
    let elsewhere = Refusal::BookedElsewhere(receipt.clone());
    assert_eq!(shop.tills[1].begin(now, milk(1)), Err(elsewhere.clone()));
    assert_eq!(shop.tills[2].begin(now, milk(1)), Ok(1), "it is open there since before");
    for till in [1, 2] {
        assert_eq!(shop.tills[till].commit(now, 1, 9), Err(elsewhere.clone()));
        assert_eq!(shop.tills[till].commit(now, 1, 8), Err(elsewhere.clone()), "under another key");
    }
    let keyed = Draft { key: Some(IdempotencyKey([9; 16])), ..milk(2) };
    let (asked, basket) = (BasketId([2; 16]), BasketId([1; 16]));
    assert_eq!(shop.tills[1].begin(now, keyed), Err(Refusal::KeyOfAnotherBasket { asked, basket }));
    shop.pass(12_000);
    let now = shop.now;
    for till in [1, 2] {
        assert_eq!(shop.tills[till].commit(now, 1, 9), Ok((receipt.clone(), true)));
        assert_eq!(stock(&shop.tills[till]), Some(-2));
    }
    shop.pass(10_000);
    assert!(shop.tills.iter().all(|till| duplicates(till).is_empty()));
}

#[test]
fn a_record_that_was_told_is_not_recorded_again() {
    let mut shop = slow();
    let goods = |quantity| {
        let lines = vec![StockLine { product: "milk".into(), quantity }];
        let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
        Record::stock_moved(&moved, 0).with_key(IdempotencyKey([7; 16]))
    };
    let now = shop.now;
    let event = shop.tills[0].record(now, goods(24)).unwrap();
    shop.pass(100);
    let now = shop.now;
    assert_eq!(shop.tills[1].record(now, goods(24)), Err(Refusal::RecordedElsewhere { event }));
    assert_eq!(shop.tills[1].record(now, goods(25)), Err(Refusal::KeyInUse { event }));
    shop.pass(12_000);
    let now = shop.now;
    assert_eq!(shop.tills[1].record(now, goods(24)), Ok(event));
    assert_eq!(stock(&shop.tills[1]), Some(24));
}

/// The first till burns before it has sent anything: whoever knows better sells, and so does everybody once it was silent for ten minutes.
#[test]
fn somebody_may_know_better_than_a_till_that_is_gone() {
    let mut shop = slow();
    let now = shop.now;
    for basket in [1, 2] {
        shop.tills[0].begin(now, milk(basket)).unwrap();
        shop.tills[0].commit(now, basket, basket).unwrap();
    }
    shop.pass(100);
    shop.cut(0);
    let now = shop.now;
    let anyway = Draft { anyway: true, ..milk(1) };
    assert!(matches!(shop.tills[1].begin(now, milk(1)), Err(Refusal::BookedElsewhere(_))));
    shop.tills[1].begin(now, anyway).unwrap();
    let (second, _) = shop.tills[1].commit(now, 1, 1).unwrap();
    shop.pass_by(595_000, 500);
    let now = shop.now;
    assert!(matches!(shop.tills[1].begin(now, milk(2)), Err(Refusal::BookedElsewhere(_))));
    shop.pass_by(6_000, 500);
    let now = shop.now;
    shop.tills[1].begin(now, milk(2)).unwrap();
    shop.heal();
    shop.pass(20_000);
    for till in &shop.tills {
        let [double] = &duplicates(till)[..] else { panic!("{:?}", duplicates(till)) };
        assert!(double.involved.contains(&second.event));
    }
}

/// Who says nothing of its sales leaves it as it was.
#[test]
fn nothing_is_said_where_it_is_switched_off() {
    let mut shop = Shop::with(2, |config| {
        (config.flush_interval, config.announce_sales) = (Duration::from_secs(5), false);
    });
    shop.elect();
    let now = shop.now;
    shop.tills[0].begin(now, milk(1)).unwrap();
    shop.tills[0].commit(now, 1, 9).unwrap();
    shop.pass(100);
    let now = shop.now;
    assert_eq!(shop.tills[1].begin(now, milk(1)), Ok(1));
}
