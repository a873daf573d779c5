//! Prices and products keep their versions with the time that they are valid, and a line says which version it was sold at.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::Now;
use edgepos::model::{Body, Kind, Line, PriceSet, ProductSet};
use edgepos::{Record, Refusal};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);
const DAY_MS: u64 = 86_400_000;

fn price(amount: i64, from: Option<u64>, to: Option<u64>, version: Option<u64>) -> PriceSet {
    PriceSet { valid_from: from, valid_to: to, version, ..support::price("milk", amount) }
}

fn product(name: &str, from: Option<u64>, to: Option<u64>) -> ProductSet {
    ProductSet {
        product: "milk".into(),
        name: name.into(),
        base_unit: "piece".into(),
        scale: 0,
        tax_code: Some(1),
        counted: None,
        floor: None,
        valid_from: from,
        valid_to: to,
        version: None,
    }
}

fn amounts(till: &Till, moments: [u64; 5]) -> [Option<i64>; 5] {
    moments.map(|at| till.terminal.price("milk", 0, at).map(|price| price.amount))
}

/// Today's price, tomorrow's, a campaign that begins at midnight and ends at the next: a till that was cut off says the same.
#[test]
fn a_plan_leaves_the_price_of_today_and_its_end_leaves_one() {
    let midnight = WALL + 6_400_000;
    let moments = [WALL, midnight - 1, midnight, midnight + DAY_MS - 1, midnight + DAY_MS];
    let expected = [Some(129), Some(129), Some(99), Some(99), Some(139)];
    let mut shop = Shop::new(2);
    shop.elect();
    shop.cut(1);
    let now = shop.now;
    for said in [
        price(129, None, None, None),
        price(139, Some(midnight), None, None),
        price(99, Some(midnight), Some(midnight + DAY_MS), Some(7)),
    ] {
        shop.tills[0].record(now, Record::price(&said)).unwrap();
        shop.pass(5);
    }
    assert_eq!(amounts(&shop.tills[0], moments), expected);
    assert_eq!(amounts(&shop.tills[1], moments), [None; 5], "it has heard nothing");
    shop.heal();
    shop.pass(1_000);
    assert_eq!(amounts(&shop.tills[1], moments), expected);
    shop.crash(1);
    assert_eq!(amounts(&shop.tills[1], moments), expected, "after a start");
}

#[test]
fn products_keep_their_versions() {
    let mut till = Till::new(1, 1, NOW);
    let (tomorrow, later) = (WALL + DAY_MS, WALL + 2 * DAY_MS);
    till.record(NOW, Record::product(&product("Milk", None, None))).unwrap();
    let planned = ProductSet { counted: Some(false), ..product("Milk, new recipe", Some(tomorrow), None) };
    till.record(Now::new(1, WALL + 1), Record::product(&planned)).unwrap();
    let advent = product("Milk with cinnamon", Some(tomorrow), Some(later));
    till.record(Now::new(2, WALL + 2), Record::product(&advent)).unwrap();
    let names = |till: &Till| {
        [WALL, tomorrow - 1, tomorrow, later]
            .map(|at| till.terminal.product_at("milk", at).unwrap().name.clone())
    };
    let expected = ["Milk", "Milk", "Milk with cinnamon", "Milk, new recipe"];
    assert_eq!(names(&till), expected);
    let till = till.crash(Now::new(3, WALL + 3));
    assert_eq!(names(&till), expected, "after a start");
    assert_eq!(till.terminal.product("milk").unwrap().name, "Milk with cinnamon", "what was said last");
    assert_eq!(till.terminal.product_at("cheese", WALL), None);
}

#[test]
fn what_ends_before_it_begins_is_refused_with_its_field() {
    let mut till = Till::new(1, 1, NOW);
    let bad = Err(Refusal::BadField { field: "valid_to", reason: "it is not after valid_from" });
    assert_eq!(till.record(NOW, Record::product(&product("Milk", Some(5), Some(5)))), bad);
    assert_eq!(till.record(NOW, Record::price(&price(1, Some(6), Some(5), None))), bad);
    assert_eq!(till.rows(edgepos::core::Space::Event), 0);
}

#[test]
fn a_line_says_the_version_that_it_was_sold_at() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::price(&price(129, None, None, None))).unwrap();
    till.record(NOW, Record::price(&price(99, Some(WALL + 10), None, Some(7)))).unwrap();
    let version = |at| till.terminal.price("milk", 0, at).unwrap().version;
    assert_eq!([version(WALL), version(WALL + 10)], [Some(WALL), Some(7)]);
    let sold = Line { price_version: version(WALL + 10), ..line(1, "milk", 1, 99) };
    till.begin(NOW, draft(1, vec![sold.clone()])).unwrap();
    let mut till = till.crash(NOW);
    till.commit(NOW, 1, 1).unwrap();
    let events = support::envelopes(&till.disk);
    let sale = events.iter().find(|(_, envelope)| envelope.kind == Kind::TRANSACTION).unwrap();
    let Body::Transaction(sale) = sale.1.read_body().unwrap() else { panic!("{sale:?}") };
    assert_eq!(sale.lines, [sold]);
}

/// Two people change one price from what both have seen: the second is told, also where the first did it in the head office's name.
#[test]
fn a_change_is_refused_that_was_made_from_another_version() {
    let mut shop = Shop::new(2);
    shop.elect();
    let now = shop.now;
    let first = Record::price(&price(129, None, None, Some(1))).based_on(0);
    shop.tills[0].record(now, first.clone()).unwrap();
    shop.pass(500);
    let refused = shop.tills[1].record(shop.now, first);
    assert!(matches!(refused, Err(Refusal::OtherVersion { base: 0, found: 1 })), "{refused:?}");
    let now = shop.now;
    shop.tills[1].record(now, Record::price(&price(139, None, None, Some(2))).based_on(1)).unwrap();
    shop.pass(500);
    let refused = shop.tills[0].record(shop.now, Record::price(&price(119, None, None, None)).based_on(1));
    assert!(matches!(refused, Err(Refusal::OtherVersion { base: 1, found: 2 })), "{refused:?}");
    // What is planned is made from what is in force then.
    let (now, from) = (shop.now, WALL + DAY_MS);
    shop.tills[0].record(now, Record::price(&price(99, Some(from), None, Some(3))).based_on(2)).unwrap();
    shop.pass(500);
    let refused =
        shop.tills[1].record(shop.now, Record::price(&price(98, Some(from), None, None)).based_on(2));
    assert!(matches!(refused, Err(Refusal::OtherVersion { base: 2, found: 3 })), "{refused:?}");
    let milk = product("Milk", None, None);
    let now = shop.now;
    shop.tills[0].record(now, Record::product(&milk).based_on(0)).unwrap();
    let refused = shop.tills[0].record(now, Record::product(&milk).based_on(0));
    assert!(matches!(refused, Err(Refusal::OtherVersion { base: 0, .. })), "{refused:?}");
    let refused = shop.tills[0].record(now, Record::customer_erased("c").based_on(0));
    assert!(matches!(refused, Err(Refusal::BadField { field: "base", .. })), "{refused:?}");
    assert_eq!(amounts(&shop.tills[1], [WALL, WALL, WALL, from, from])[2..4], [Some(139), Some(99)]);
}

/// What was said first of how a product is counted stays, whatever is planned, at each till alike.
#[test]
fn a_products_scale_never_changes() {
    let mut till = Till::new(1, 1, NOW);
    let of_scale = |scale, from| Record::product(&ProductSet { scale, ..product("Milk", from, None) });
    let refused = |till: &mut Till, record| {
        let answer = till.record(NOW, record);
        assert!(matches!(answer, Err(Refusal::BadField { field: "scale", .. })), "{answer:?}");
    };
    refused(&mut till, of_scale(10, None));
    till.record(NOW, of_scale(0, None)).unwrap();
    refused(&mut till, of_scale(3, None));
    refused(&mut till, of_scale(3, Some(WALL + DAY_MS)));
    till.sell(NOW, 1, vec![line(1, "milk", 1, 129)]);
    let weighed = draft(2, vec![Line { scale: 3, ..line(1, "milk", 250, 129) }]);
    assert!(matches!(till.begin(NOW, weighed), Err(Refusal::BadLine { .. })));
    let mut till = till.crash(NOW);
    refused(&mut till, of_scale(3, None));
    // One that was sold before anybody said anything of it.
    till.sell(NOW, 3, vec![Line { scale: 3, ..line(1, "ham", 250, 100) }]);
    let ham = ProductSet { product: "ham".into(), ..product("Ham", None, None) };
    refused(&mut till, Record::product(&ham));
    till.record(NOW, Record::product(&ProductSet { scale: 3, ..ham })).unwrap();
}

#[test]
fn two_cut_off_tills_that_say_two_scales_take_the_first() {
    let mut shop = Shop::new(2);
    shop.elect();
    shop.cut(1);
    let of_scale = |scale| Record::product(&ProductSet { scale, ..product("Milk", None, None) });
    let now = shop.now;
    shop.tills[0].record(now, of_scale(0)).unwrap();
    shop.pass(50);
    let now = shop.now;
    shop.tills[1].record(now, of_scale(3)).unwrap();
    shop.heal();
    shop.pass(2_000);
    shop.crash(1);
    shop.heal();
    let now = shop.now;
    for (till, basket) in [(0, 1), (1, 2)] {
        let weighed = draft(basket, vec![Line { scale: 3, ..line(1, "milk", 250, 129) }]);
        assert!(matches!(shop.tills[till].begin(now, weighed), Err(Refusal::BadLine { .. })), "till {till}");
        assert!(
            shop.tills[till].begin(now, draft(basket, vec![line(1, "milk", 1, 129)])).is_ok(),
            "till {till}"
        );
    }
}

/// What is planned for tomorrow says nothing of today's stock, and what is over nothing of tomorrow's.
#[test]
fn stock_is_judged_by_what_is_in_force() {
    let mut shop = Shop::new(1);
    shop.elect();
    let from = shop.now.wall.0 + 60_000;
    let now = shop.now;
    let counted = |counted, from| {
        Record::product(&ProductSet { counted: Some(counted), ..product("Milk", from, None) })
    };
    shop.tills[0].record(now, counted(true, None)).unwrap();
    shop.pass(5);
    let now = shop.now;
    shop.tills[0].record(now, counted(false, Some(from))).unwrap();
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 1, 129)]);
    shop.pass(10_000);
    let open = |shop: &Shop| shop.tills[0].terminal.status().exceptions.len();
    assert_eq!(open(&shop), 1, "it is counted today");
    shop.pass(70_000);
    assert_eq!(open(&shop), 0, "and no longer then");
}

#[test]
fn plans_do_not_take_away_the_price_in_force() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::price(&price(129, None, None, None))).unwrap();
    let plan = |at: u64| price(200, Some(WALL + DAY_MS + at), None, None);
    for at in 1..512 {
        till.record(NOW, Record::price(&plan(at))).unwrap();
    }
    let full = Err(Refusal::Full { what: "versions of one price or product", limit: 512 });
    assert_eq!(till.record(NOW, Record::price(&plan(0))), full);
    let today = |till: &Till| till.terminal.price("milk", 0, WALL).map(|price| price.amount);
    assert_eq!(today(&till), Some(129));
    till.record(NOW, Record::price(&price(131, None, None, None))).unwrap();
    assert_eq!(today(&till), Some(131));
    let mut till = till.crash(NOW);
    assert_eq!(today(&till), Some(131), "after a start");
    let later = Now::new(2 * DAY_MS, WALL + 2 * DAY_MS);
    till.record(later, Record::price(&price(99, Some(later.wall.0), None, None))).unwrap();
    assert_eq!(till.terminal.price("milk", 0, later.wall.0).unwrap().amount, 99);
    for amount in [-1, 1_000_000_000_001] {
        let refused = till.record(NOW, Record::price(&price(amount, None, None, None)));
        assert!(matches!(refused, Err(Refusal::BadField { field: "amount", .. })), "{refused:?}");
    }
}

/// Whoever says it, a till or the head office: the price with the latest beginning that has come is in force.
#[test]
fn a_beginning_that_was_wrong_counts_until_that_beginning_gets_another_price() {
    for (wrong, moment) in [(1, WALL), (WALL, WALL), (WALL + DAY_MS, WALL + DAY_MS), (u64::MAX - 1, WALL)] {
        let mut till = Till::new(1, 1, NOW);
        let is_ever = wrong <= moment;
        let at_moment = |till: &Till| till.terminal.price("milk", 0, moment).map(|price| price.amount);
        till.record(NOW, Record::price(&price(129, None, None, None))).unwrap();
        till.record(NOW, Record::price(&price(1, Some(wrong), None, None))).unwrap();
        assert_eq!(at_moment(&till), Some(if is_ever { 1 } else { 129 }), "{wrong}");
        // One without a beginning stays behind it.
        till.record(NOW, Record::price(&price(130, None, None, None))).unwrap();
        assert_eq!(at_moment(&till), Some(if is_ever { 1 } else { 130 }), "{wrong}");
        till.record(NOW, Record::price(&price(131, Some(wrong), None, None))).unwrap();
        assert_eq!(at_moment(&till), Some(if is_ever { 131 } else { 130 }), "{wrong}");
    }
    let mut till = Till::new(1, 1, NOW);
    let never = till.record(NOW, Record::price(&price(1, Some(u64::MAX), None, None)));
    assert!(matches!(never, Err(Refusal::BadField { field: "valid_to", .. })), "{never:?}");
}
