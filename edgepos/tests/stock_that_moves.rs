//! Stock moves in the direction that its reason says, and to what was counted.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{CountLine, CounterRow, Kind, StockLine, StockMoved, StockReason};
use edgepos::{MAX_COUNT_LINES, Record, Refusal};
use support::{Shop, Till, WALL, line};

const NOW: Now = Now::new(0, WALL);

fn moved(reason: StockReason, quantity: i64) -> Record {
    let lines = vec![StockLine { product: "milk".into(), quantity }];
    Record::stock_moved(&StockMoved { reason, from: None, to: None, lines }, 0)
}

#[test]
fn what_leaves_does_not_raise_the_stock_and_what_comes_does_not_lower_it() {
    let mut till = Till::new(1, 1, NOW);
    let mut stock = 0;
    for (reason, quantity) in [
        (StockReason::Receipt, 20),
        (StockReason::TransferOut, -5),
        (StockReason::TransferIn, 3),
        (StockReason::Damage, -1),
        (StockReason::Adjust, -2),
        (StockReason::Adjust, 4),
        (StockReason::Receipt, -6),
        (StockReason::Damage, 0),
    ] {
        till.record(NOW, moved(reason, quantity)).unwrap();
        stock += quantity;
        assert_eq!(
            till.terminal.counter(&CounterRow::stock("milk", 0)),
            Some(stock),
            "{reason:?} {quantity}"
        );
    }
    for (reason, quantity) in
        [(StockReason::TransferOut, 5), (StockReason::TransferIn, -3), (StockReason::Damage, 1)]
    {
        let refused = till.record(NOW, moved(reason, quantity));
        assert!(
            matches!(refused, Err(Refusal::BadField { field: "quantity", .. })),
            "{reason:?} {quantity}: {refused:?}"
        );
    }
    assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(stock), "nothing was booked");
}

fn counted(amount: i64) -> Record {
    Record::stock_counted(vec![CountLine::new("milk", amount)], 0)
}

fn stock(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

/// Fifty on record at each of three tills.
fn fifty() -> Shop {
    let mut shop = Shop::new(3);
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, moved(StockReason::Receipt, 50)).unwrap();
    shop.pass(2_000);
    assert_eq!(stock(&shop.tills[2]), Some(50));
    shop
}

#[test]
fn a_count_is_relative_to_what_its_till_had_seen() {
    let mut shop = fifty();
    // There are 45 on the shelf. A till that has not heard of the count sells two of them.
    shop.cut(2);
    let now = shop.now;
    shop.tills[1].record(now, counted(45)).unwrap();
    shop.tills[2].sell(now, 1, vec![line(1, "milk", 2, 200)]);
    shop.pass(1_000);
    shop.tills[0].sell(now, 2, vec![line(1, "milk", 1, 100)]);
    shop.heal();
    shop.pass(3_000);
    // What was sold elsewhere counts beside the count, on every till alike.
    assert_eq!(shop.tills.iter().map(stock).collect::<Vec<_>>(), [Some(42); 3]);
    let events = support::envelopes(&shop.tills[0].disk).into_iter();
    assert!(
        events.into_iter().all(|(_, envelope)| envelope.kind != Kind::COUNT_SETTLED),
        "there was one count"
    );
    shop.crash(1);
    assert_eq!(stock(&shop.tills[1]), Some(42));
}

/// Two people count one shelf, and neither till has heard of the other: there are 48, and not 46.
#[test]
fn two_counts_at_one_time_do_not_add_up() {
    for (first, second, stands) in [(48, 48, 48), (48, 47, 47), (50, 48, 48), (48, 50, 50)] {
        let mut shop = fifty();
        shop.cut(1);
        shop.cut(2);
        let now = shop.now;
        shop.tills[1].record(now, counted(first)).unwrap();
        shop.pass(1_000);
        let now = shop.now;
        shop.tills[2].record(now, counted(second)).unwrap();
        shop.crash(1);
        shop.heal();
        shop.pass(4_000);
        let all: Vec<_> = shop.tills.iter().map(stock).collect();
        assert_eq!(all, [Some(stands); 3], "{first} and {second} were counted");
        // One after the other is another matter: the second count has seen the first.
        let now = shop.now;
        shop.tills[0].record(now, counted(40)).unwrap();
        shop.pass(1_000);
        let now = shop.now;
        shop.tills[1].record(now, counted(39)).unwrap();
        shop.pass(2_000);
        shop.crash(0);
        shop.crash(2);
        shop.pass(2_000);
        assert_eq!(shop.tills.iter().map(stock).collect::<Vec<_>>(), [Some(39); 3]);
        let settled = support::envelopes(&shop.tills[0].disk).into_iter();
        let settled = settled.filter(|(_, envelope)| envelope.kind == Kind::COUNT_SETTLED).count();
        assert_eq!(settled, usize::from(first != 50), "a difference is taken back once");
    }
}

/// The third has heard of the first count alone: the first stands, since the third built on it, and the second does not.
#[test]
fn a_count_that_another_built_on_stands() {
    let mut shop = fifty();
    shop.cut(1);
    let now = shop.now;
    shop.tills[0].record(now, counted(48)).unwrap();
    shop.pass(1_000);
    let now = shop.now;
    shop.tills[1].record(now, counted(46)).unwrap();
    shop.pass(1_000);
    let now = shop.now;
    assert_eq!(stock(&shop.tills[2]), Some(48));
    shop.tills[2].record(now, counted(47)).unwrap();
    shop.heal();
    shop.pass(4_000);
    assert_eq!(shop.tills.iter().map(stock).collect::<Vec<_>>(), [Some(47); 3]);
}

/// Two counted at once, and the figures say 46 until they meet. Whoever counts again meanwhile has seen both: that count stands, and when
/// the two have met nothing is given back that it has found already.
#[test]
fn a_count_that_has_seen_two_stands_whatever_they_settle() {
    let mut shop = fifty();
    shop.cut(0);
    shop.cut(1);
    let now = shop.now;
    shop.tills[0].record(now, counted(48)).unwrap();
    shop.pass(1_000);
    let now = shop.now;
    shop.tills[1].record(now, counted(48)).unwrap();
    // The third hears of the first, and then of the second; the first has not heard of the second.
    for alone in [1, 0] {
        shop.heal_but(&[alone]);
        shop.pass(3_000);
        shop.cut(0);
        shop.cut(1);
    }
    assert_eq!((stock(&shop.tills[2]), stock(&shop.tills[0])), (Some(46), Some(48)));
    let now = shop.now;
    shop.tills[2].record(now, counted(48)).unwrap();
    assert_eq!(stock(&shop.tills[2]), Some(48));
    shop.heal();
    shop.pass(5_000);
    assert_eq!(shop.tills.iter().map(stock).collect::<Vec<_>>(), [Some(48); 3]);
    for till in 0..3 {
        shop.crash(till);
    }
    shop.pass(3_000);
    assert_eq!(shop.tills.iter().map(stock).collect::<Vec<_>>(), [Some(48); 3], "and stays so");
}

/// The clock of one till is ahead: whoever has seen its count can count again, and that one stands.
#[test]
fn a_wrong_clock_undoes_no_count_that_has_seen_its_own() {
    for ahead_ms in [600_000, 10 * 365 * 86_400_000] {
        let mut shop = fifty();
        shop.ahead.insert(0, ahead_ms);
        let now = shop.now_of(0);
        shop.tills[0].record(now, counted(48)).unwrap();
        shop.pass(2_000);
        assert_eq!(stock(&shop.tills[1]), Some(48));
        let now = shop.now;
        shop.tills[1].record(now, counted(40)).unwrap();
        shop.pass(5_000);
        assert_eq!(shop.tills.iter().map(stock).collect::<Vec<_>>(), [Some(40); 3], "{ahead_ms} ms ahead");
    }
}

#[test]
fn what_is_no_count_is_refused_and_a_repeat_counts_nothing() {
    let mut till = Till::new(1, 1, NOW);
    let line = |product: &str, counted| CountLine::new(product, counted);
    let many = (0..=MAX_COUNT_LINES).map(|number| line(&format!("P{number}"), 1)).collect();
    for (lines, field) in [
        (vec![], "lines"),
        (many, "lines"),
        (vec![line("milk", -1)], "counted"),
        (vec![line("milk", 1_000_000_000_001)], "counted"),
        (vec![line("4006381333931", 1), line("04006381333931", 2)], "product"),
        (vec![line("", 1)], "product"),
    ] {
        let refused = till.record(NOW, Record::stock_counted(lines, 0));
        assert!(matches!(refused, Err(Refusal::BadField { field: of, .. }) if of == field), "{refused:?}");
    }
    let many = (0..MAX_COUNT_LINES).map(|number| line(&format!("{number:064}"), 1)).collect();
    till.record(NOW, Record::stock_counted(many, 0)).unwrap();
    let keyed = |amount| counted(amount).with_key(IdempotencyKey([7; 16]));
    let first = till.record(NOW, keyed(10)).unwrap();
    till.sell(NOW, 1, vec![support::line(1, "milk", 3, 300)]);
    let mut till = till.crash(NOW);
    assert_eq!(till.record(NOW, keyed(10)).unwrap(), first);
    assert!(matches!(till.record(NOW, keyed(9)), Err(Refusal::KeyInUse { .. })));
    assert_eq!(stock(&till), Some(7));
}
