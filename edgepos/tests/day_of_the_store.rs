//! One business day for all tills of a store: whoever opens or closes it does so for all that hear of it, and who was cut off belongs to
//! the day on which it began to sell.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::EventId;
use edgepos::model::{CashCount, CounterRow, Currency, Kind};
use edgepos::{BusinessDayOf, Draft, Record, Refusal};
use support::{Shop, line};

const MONDAY: u32 = 20_261_130;
const TUESDAY: u32 = 20_261_201;

fn shop() -> Shop {
    let mut shop = Shop::with(3, |config| config.business_day_of = BusinessDayOf::Store);
    shop.elect();
    shop
}

fn record(shop: &mut Shop, till: usize, record: Record) -> Result<EventId, Refusal> {
    let now = shop.now;
    let recorded = shop.tills[till].record(now, record);
    shop.pass(1_000);
    recorded
}

fn milk(basket: u8) -> Draft {
    support::draft(basket, vec![line(1, "milk", 1, 100)])
}

fn days(shop: &Shop) -> Vec<Option<u32>> {
    shop.tills.iter().map(|till| till.terminal.status().business_day).collect()
}

/// The day of each sale, as the first till holds them, by basket.
fn sold_on(shop: &Shop, till: usize) -> Vec<Option<u32>> {
    let events = support::envelopes(&shop.tills[till].disk);
    let sales = events.iter().filter(|(_, envelope)| envelope.kind == Kind::TRANSACTION);
    sales.map(|(_, envelope)| envelope.business_day).collect()
}

#[test]
fn whoever_opens_or_closes_does_so_for_all() {
    let mut shop = shop();
    record(&mut shop, 0, Record::day_opened(MONDAY, 0)).unwrap();
    assert_eq!(days(&shop), [Some(MONDAY); 3]);
    let now = shop.now;
    shop.tills[2].sell(now, 1, vec![line(1, "milk", 1, 100)]);
    record(&mut shop, 1, Record::day_closed(0)).unwrap();
    assert_eq!(days(&shop), [None; 3]);
    for till in 0..3 {
        assert_eq!(shop.tills[till].begin(shop.now, milk(9)), Err(Refusal::DayClosed(MONDAY)));
        shop.crash(till);
        shop.heal();
        shop.pass(1_000);
        assert_eq!(
            shop.tills[till].begin(shop.now, milk(9)),
            Err(Refusal::DayClosed(MONDAY)),
            "after a start"
        );
        assert!(matches!(record(&mut shop, till, Record::day_opened(MONDAY, 0)), Err(Refusal::Day(_))));
    }
    record(&mut shop, 2, Record::day_opened(TUESDAY, 0)).unwrap();
    assert_eq!(days(&shop), [Some(TUESDAY); 3]);
    let now = shop.now;
    shop.tills[0].sell(now, 9, vec![line(1, "milk", 1, 100)]);
    shop.pass(1_000);
    assert_eq!(sold_on(&shop, 1), [Some(TUESDAY), Some(MONDAY)], "by till");
}

#[test]
fn a_till_that_was_cut_off_sells_on_and_its_sales_belong_to_the_day_that_they_began_on() {
    let mut shop = shop();
    record(&mut shop, 0, Record::day_opened(MONDAY, 0)).unwrap();
    let now = shop.now;
    shop.tills[2].begin(now, milk(1)).unwrap();
    shop.cut(2);
    record(&mut shop, 0, Record::day_closed(0)).unwrap();
    record(&mut shop, 0, Record::day_opened(TUESDAY, 0)).unwrap();
    // It has not heard of the close, and begins another; both are paid once it has.
    let now = shop.now;
    shop.tills[2].begin(now, milk(2)).unwrap();
    shop.heal();
    shop.pass(2_000);
    assert_eq!(days(&shop), [Some(TUESDAY); 3]);
    let now = shop.now;
    shop.tills[2].commit(now, 1, 1).unwrap();
    shop.tills[2].commit(now, 2, 2).unwrap();
    shop.tills[2].sell(now, 3, vec![line(1, "milk", 1, 100)]);
    shop.pass(1_000);
    for till in 0..3 {
        assert_eq!(sold_on(&shop, till), [Some(MONDAY), Some(MONDAY), Some(TUESDAY)]);
    }
}

/// Who counted the day on which the others are no more does not close the one that they are on, nor parks what it sells there.
#[test]
fn a_close_that_names_its_day_closes_no_other() {
    let mut shop = shop();
    record(&mut shop, 0, Record::day_opened(MONDAY, 0)).unwrap();
    shop.cut(2);
    let monday = record(&mut shop, 0, Record::day_closed(0).of_day(MONDAY)).unwrap();
    record(&mut shop, 0, Record::day_opened(TUESDAY, 0)).unwrap();
    shop.heal();
    shop.pass(2_000);
    shop.tills[2].begin(shop.now, milk(1)).unwrap();
    for close in [Record::day_closed(7).of_day(MONDAY), Record::day_closed(7).of_day(MONDAY).parking()] {
        assert!(matches!(record(&mut shop, 2, close), Err(Refusal::Day(_))));
    }
    assert_eq!(days(&shop), [Some(TUESDAY); 3]);
    assert_eq!(shop.tills[2].terminal.unresolved().len(), 1, "nothing is parked");
    assert_eq!(
        record(&mut shop, 0, Record::day_closed(0).of_day(MONDAY)),
        Ok(monday),
        "a repeat of the close"
    );
    assert_eq!(days(&shop), [Some(TUESDAY); 3]);
    let now = shop.now;
    shop.tills[2].commit(now, 1, 1).unwrap();
    let closed = record(&mut shop, 2, Record::day_closed(7).of_day(TUESDAY)).unwrap();
    assert_eq!(record(&mut shop, 2, Record::day_closed(7).of_day(TUESDAY)), Ok(closed), "a repeat");
    assert!(matches!(record(&mut shop, 2, Record::day_closed(7).of_day(MONDAY)), Err(Refusal::Day(_))));
    assert_eq!(days(&shop), [None; 3]);
}

/// Two tills that do not hear each other close the same day, or open different ones: the latest counts, in whatever order they hear.
#[test]
fn two_halves_of_a_store_come_to_the_same_day() {
    let mut shop = shop();
    record(&mut shop, 0, Record::day_opened(MONDAY, 0)).unwrap();
    shop.cut(2);
    record(&mut shop, 0, Record::day_closed(0)).unwrap();
    record(&mut shop, 2, Record::day_closed(7)).unwrap();
    record(&mut shop, 0, Record::day_opened(TUESDAY, 0)).unwrap();
    record(&mut shop, 2, Record::day_opened(20_261_202, 0)).unwrap();
    shop.heal();
    shop.pass(2_000);
    assert_eq!(days(&shop), [Some(20_261_202); 3]);
}

/// Each till counts its drawers at the opening and at the close of the one day, once.
#[test]
fn each_till_counts_its_own_drawers() {
    let mut shop = shop();
    let cash = |amount| vec![CashCount::new(Currency::EUR, amount)];
    record(&mut shop, 0, Record::day_opened_with(MONDAY, 0, cash(100))).unwrap();
    record(&mut shop, 1, Record::day_opened_with(MONDAY, 0, cash(200))).unwrap();
    assert!(matches!(record(&mut shop, 1, Record::day_opened(MONDAY, 0)), Err(Refusal::Day(_))), "it has");
    let closed = record(&mut shop, 0, Record::day_closed_with(0, cash(90))).unwrap();
    assert_eq!(record(&mut shop, 0, Record::day_closed_with(0, cash(90))), Ok(closed), "a repeat");
    record(&mut shop, 1, Record::day_closed_with(0, cash(210))).unwrap();
    assert!(matches!(record(&mut shop, 1, Record::day_closed_with(0, cash(1))), Err(Refusal::Day(_))));
    let drawer = |till: &str| shop.tills[2].terminal.counter(&CounterRow::cash(till, Currency::EUR));
    assert_eq!([drawer("terminal-1"), drawer("terminal-2")], [Some(90), Some(210)]);
}

/// Where each terminal has a day of its own, nobody's close concerns another.
#[test]
fn a_day_of_the_terminal_is_its_own() {
    let mut shop = Shop::new(2);
    shop.elect();
    record(&mut shop, 0, Record::day_opened(MONDAY, 0)).unwrap();
    assert_eq!(days(&shop), [Some(MONDAY), None]);
    record(&mut shop, 1, Record::day_opened(TUESDAY, 0)).unwrap();
    record(&mut shop, 0, Record::day_closed(0)).unwrap();
    assert_eq!(days(&shop), [None, Some(TUESDAY)]);
}
