//! An exception lives as long as its counter is below the floor, and the next fall raises the next one.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::Record;
use edgepos::model::{
    Counter, CounterRow, Effect, ExceptionRaised, ExceptionType, ProductSet, StockLine, StockMoved,
    StockReason, StockState,
};
use support::{Shop, Till, back, draft, line};

fn goods(product: &str, quantity: i64) -> Record {
    let lines = vec![StockLine { product: product.into(), quantity }];
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    Record::stock_moved(&moved, 0)
}

fn product(counted: Option<bool>, floor: Option<i64>) -> Record {
    let (product, name, base_unit) = ("milk".into(), "Milk".into(), "piece".into());
    Record::product(&ProductSet {
        product,
        name,
        base_unit,
        scale: 0,
        tax_code: None,
        counted,
        floor,
        valid_from: None,
        valid_to: None,
        version: None,
    })
}

/// A store of one till, which begins at the newest level.
fn alone() -> Shop {
    let mut shop = Shop::new(1);
    shop.elect();
    shop.pass(1_000);
    shop
}

fn sell(shop: &mut Shop, basket: u8, quantity: i64) {
    let now = shop.now;
    shop.tills[0].sell(now, basket, vec![line(1, "milk", quantity, 100)]);
    shop.pass(2_000);
}

fn record(shop: &mut Shop, record: Record) {
    let now = shop.now;
    shop.tills[0].record(now, record).unwrap();
    shop.pass(2_000);
}

/// Episode, value and floor of what is open.
fn open(till: &Till) -> Vec<(u32, i64, i64)> {
    let raised = till.terminal.status().exceptions;
    raised.iter().map(|raised| (raised.episode, raised.value, raised.floor)).collect()
}

#[test]
fn each_fall_raises_an_exception_that_ends_when_goods_come() {
    let mut shop = alone();
    record(&mut shop, goods("milk", 1));
    sell(&mut shop, 1, 2);
    assert_eq!(open(&shop.tills[0]), [(1, -1, 0)]);
    record(&mut shop, goods("milk", 10));
    assert_eq!(open(&shop.tills[0]), []);
    shop.crash(0);
    shop.elect();
    shop.pass(2_000);
    assert_eq!(open(&shop.tills[0]), [], "it has ended, also after a restart");
    sell(&mut shop, 2, 50);
    assert_eq!(open(&shop.tills[0]), [(2, -41, 0)]);
    shop.crash(0);
    assert_eq!(open(&shop.tills[0]), [(2, -41, 0)]);
    shop.elect();
    sell(&mut shop, 3, 1);
    assert_eq!(open(&shop.tills[0]), [(2, -41, 0)], "one for a fall, however deep");
    record(&mut shop, goods("milk", 42));
    sell(&mut shop, 4, 1);
    assert_eq!(open(&shop.tills[0]), [(3, -1, 0)]);
}

#[test]
fn a_dip_within_the_grace_raises_nothing() {
    let mut shop = alone();
    let now = shop.now;
    shop.tills[0].record(now, goods("milk", 1)).unwrap();
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 2, 100)]);
    shop.pass(400);
    let now = shop.now;
    shop.tills[0].record(now, goods("milk", 5)).unwrap();
    shop.pass(2_000);
    assert_eq!(open(&shop.tills[0]), []);
}

/// A sale that is not counted as stock must not be told to somebody who has no stock.
#[test]
fn stock_that_nobody_counts_raises_nothing() {
    let mut shop = alone();
    sell(&mut shop, 1, 2);
    record(&mut shop, product(None, None));
    assert_eq!(open(&shop.tills[0]), []);
    record(&mut shop, product(Some(true), None));
    assert_eq!(open(&shop.tills[0]), [(1, -2, 0)], "the product says that it is counted");
    record(&mut shop, product(Some(false), None));
    assert_eq!(open(&shop.tills[0]), [], "and that it is not");
    record(&mut shop, goods("milk", 1));
    assert_eq!(open(&shop.tills[0]), [], "whatever is received");
    record(&mut shop, product(None, None));
    assert_eq!(open(&shop.tills[0]), [(2, -1, 0)], "where nothing is said, goods that came are counted");
}

/// A shop that has never booked what came sells two of each of its products.
#[test]
fn of_5_000_products_that_nobody_counts_none_raises_anything() {
    let mut shop = Shop::new(2);
    shop.elect();
    let name = |number: u16| format!("product {number}");
    for basket in 0..50 {
        let lines = (1..=100).map(|no| line(no, &name(basket * 100 + no), 2, 100)).collect();
        let (now, till) = (shop.now, usize::from(basket % 2));
        shop.tills[till].sell(now, basket as u8 + 1, lines);
        shop.pass_by(100, 10);
    }
    for restarted in [false, true] {
        if restarted {
            (0..2).for_each(|till| shop.crash(till));
            shop.heal();
        }
        shop.pass_by(5_000, 10);
        for till in &shop.tills {
            let me = till.terminal.status().me;
            let counters =
                (1..=5_000).map(|number| till.terminal.counter(&CounterRow::stock(&name(number), 0)));
            assert_eq!(counters.filter(|counter| *counter == Some(-2)).count(), 5_000, "sold at {me}");
            assert_eq!((open(till), till.terminal.status().open_exceptions), (vec![], 0), "at {me}");
        }
    }
    let now = shop.now;
    shop.tills[0].record(now, goods(&name(1), 1)).unwrap();
    shop.pass_by(5_000, 10);
    for till in &shop.tills {
        assert_eq!(open(till), [(1, -1, 0)], "the one that somebody begins to count");
    }
}

#[test]
fn the_floor_is_that_of_the_register_else_the_lowest_that_was_named() {
    let mut shop = alone();
    let row =
        CounterRow { counter: Counter::VENDOR, location: 0, state: StockState::OnHand, key: b"x".into() };
    let move_by = |delta, floor| Record::custom(Vec::new(), vec![Effect::new(row.clone(), delta, floor)]);
    record(&mut shop, move_by(-3, Some(-10)));
    record(&mut shop, move_by(0, Some(0)));
    assert_eq!(open(&shop.tills[0]), [], "the one that came last is not the lowest");
    shop.crash(0);
    shop.elect();
    shop.pass(2_000);
    assert_eq!(open(&shop.tills[0]), [], "a restart takes no other");
    record(&mut shop, move_by(-8, None));
    assert_eq!(open(&shop.tills[0]), [(1, -11, -10)]);

    record(&mut shop, goods("milk", 5));
    record(&mut shop, product(None, Some(6)));
    let milk = CounterRow::stock("milk", 0);
    let of_milk = |till: &Till| {
        let raised = till.terminal.status().exceptions;
        raised.into_iter().find(|raised| raised.row().as_ref() == Some(&milk)).map(|raised| raised.floor)
    };
    assert_eq!(of_milk(&shop.tills[0]), Some(6));
    record(&mut shop, product(None, Some(-2)));
    assert_eq!(of_milk(&shop.tills[0]), None);
    sell(&mut shop, 1, 6);
    assert_eq!(of_milk(&shop.tills[0]), None, "above the floor of the register, below those of the effects");
    sell(&mut shop, 2, 2);
    assert_eq!(of_milk(&shop.tills[0]), Some(-2));
}

/// Whether a row is below its floor does not depend on the order in which the events came.
#[test]
fn two_tills_that_hear_the_same_in_another_order_agree() {
    let row =
        CounterRow { counter: Counter::VENDOR, location: 0, state: StockState::OnHand, key: b"x".into() };
    let mut shop = Shop::new(2);
    shop.cut(1);
    let now = shop.now;
    for (till, floor) in shop.tills.iter_mut().zip([Some(-10), Some(0)]) {
        till.record(now, Record::custom(Vec::new(), vec![Effect::new(row.clone(), -2, floor)])).unwrap();
    }
    shop.heal();
    shop.elect();
    shop.pass(5_000);
    for till in &shop.tills {
        assert_eq!(till.terminal.counter(&row), Some(-4));
        assert_eq!(open(till), []);
    }
}

#[test]
fn a_return_of_a_receipt_that_never_was_raises_one() {
    let mut shop = alone();
    let now = shop.now;
    shop.tills[0].begin(now, draft(2, vec![back(9, 1, "milk", 1)])).unwrap();
    shop.tills[0].commit(now, 2, 2).unwrap();
    shop.pass(3_000);
    let raised = shop.tills[0].terminal.status().exceptions;
    let unreferenced = |raised: &&ExceptionRaised| raised.exception == ExceptionType::UNREFERENCED;
    let found: Vec<_> = raised.iter().filter(unreferenced).collect();
    assert_eq!((found.len(), raised.len()), (1, 1), "{raised:?}");
    assert_eq!((found[0].value, found[0].exception.name()), (-1, "unreferenced_return"));
}

/// What a product says holds at every place, and of no other product.
#[test]
fn a_product_that_is_counted_is_counted_everywhere() {
    let mut shop = alone();
    let row =
        |product: &str, location, state| CounterRow { location, state, ..CounterRow::stock(product, 0) };
    let places = [
        (0, StockState::OnHand),
        (0, StockState::Damaged),
        (3, StockState::OnHand),
        (7, StockState::Reserved),
    ];
    for (place, (location, state)) in places.into_iter().enumerate() {
        let effects =
            ["milk", "milk2", "mil"].map(|code| Effect::new(row(code, location, state), -1, Some(0)));
        record(&mut shop, Record::custom(vec![place as u8], effects.to_vec()));
    }
    assert_eq!(open(&shop.tills[0]), []);
    record(&mut shop, product(Some(true), None));
    let mut raised: Vec<_> =
        shop.tills[0].terminal.status().exceptions.iter().filter_map(ExceptionRaised::row).collect();
    raised.sort_unstable();
    let mut expected = places.map(|(location, state)| row("milk", location, state));
    expected.sort_unstable();
    assert_eq!(raised, expected);
}
