//! What was sold, begun or counted before a store's labels or its prices changed goes on afterwards.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/labels.rs"]
mod labels;
mod support;

use edgepos::model::{CountLine, Discount, DocType, Line, PriceSet, StockLine, StockMoved, StockReason};
use edgepos::{Config, Draft, LabelCountry, Labels, MemoryStore, Record, Refusal};
use labels::{
    NOW, abandoned, as_return, in_sek, item, labelled, number, only_line, price_in_sek, product, received,
    sold, stock, unlabelled, updated, with_labels,
};
use support::{Till, WALL, line};

/// A coupon is more than what is left of a line whose label says nothing any more.
fn with_coupon(basket: u8, scanned: &str) -> Draft {
    in_sek(basket, vec![line(1, scanned, 0, 0), line(2, "coupon", 0, -300)])
}

/// Whoever has lost the answer says the same again, whatever a label comes to by then: it is said what was booked, and what is open goes on.
#[test]
fn what_was_booked_and_what_is_open_is_known_before_it_is_judged() {
    let scanned = number("230012340345");
    let back = || {
        let unreferenced = Draft { unreferenced: true, ..in_sek(2, vec![line(1, &scanned, 0, -687)]) };
        Draft { doc_type: DocType::Return, ..unreferenced }
    };
    let dear = price_in_sek(&item("230012340000"), 1_990);
    let cheap = PriceSet { amount: 10, ..dear.clone() };
    let ended = PriceSet { currency: support::price("", 0).currency, ..dear.clone() };
    let se = Labels::of(LabelCountry::Se);
    for (price, setting) in
        [(&dear, Labels::default()), (&cheap, se.clone()), (&ended, se.clone()), (&ended, Labels::default())]
    {
        let mut till = labelled(3, "kg", 1_990);
        till.config.unreferenced_returns = true;
        let mut till = till.crash(NOW);
        sold(&mut till, with_coupon(1, &scanned));
        sold(&mut till, back());
        till.begin(NOW, with_coupon(3, &scanned)).unwrap();
        let begun = only_line(&till, 3);
        till.record(NOW, Record::price(price)).unwrap();
        let mut till = with_labels(till, setting);
        let again = till.begin(NOW, with_coupon(1, &scanned));
        assert!(matches!(again, Err(Refusal::BasketBooked(_))), "{again:?}");
        let again = till.begin(NOW, back());
        assert!(matches!(again, Err(Refusal::BasketBooked(_))), "{again:?}");
        // The same words are the same basket, also as a change.
        till.begin(NOW, with_coupon(3, &scanned)).unwrap();
        updated(&mut till, with_coupon(3, &scanned)).unwrap();
        assert_eq!(only_line(&till, 3), begun);
        let other = till.begin(NOW, with_coupon(3, &number("230012340346")));
        assert!(other.is_err(), "{other:?}");
        till.commit(NOW, 3, 3).unwrap();
    }
}

/// What is refused of a draft is still refused where nothing of it is known.
#[test]
fn what_is_new_is_judged_as_before() {
    let mut till = labelled(3, "kg", 1_990);
    let scanned = number("230012340345");
    let off = in_sek(1, vec![line(1, &scanned, 0, 0), line(2, "coupon", 0, -688)]);
    assert!(matches!(till.begin(NOW, off), Err(Refusal::BadField { field: "lines", .. })));
    let money = Draft { doc_type: DocType::Return, ..in_sek(1, vec![line(1, "milk", 0, -100)]) };
    assert!(matches!(till.begin(NOW, money), Err(Refusal::BadLine { line: 1, .. })));
    let pieces = in_sek(1, vec![line(1, &item("230012340000"), 1, 100)]);
    assert!(matches!(till.begin(NOW, pieces), Err(Refusal::BadLine { line: 1, .. })));
    assert!(till.terminal.unresolved().is_empty());
}

/// Goods that were sold under the label itself come back to the row that they were taken from, counted as their receipt counts them.
#[test]
fn a_receipt_of_before_takes_its_label_back() {
    let (cheese, priced) = (number("230012340345"), number("200012341234"));
    let mut till = unlabelled();
    till.record(NOW, Record::product(&product(&item("230012340000")))).unwrap();
    till.record(NOW, received(&item("200012340000"), 10, 0)).unwrap();
    sold(&mut till, in_sek(1, vec![line(1, &cheese, 1, 687)]));
    sold(&mut till, in_sek(2, vec![line(1, &priced, 1, 1_234)]));
    sold(&mut till, in_sek(3, vec![Line { scale: 3, ..line(1, &number("240012340345"), 345, 687) }]));
    sold(&mut till, in_sek(4, vec![line(1, &number("200099991234"), 3, 3_702)]));
    let mut till = with_labels(till, Labels::of(LabelCountry::Se));
    let weighed = |scale, line| Line { scale, ..line };
    // By the label or by its item, with the quantity or without.
    for (of, code, quantity, scale, amount) in [
        (1, cheese.clone(), -1, 0, -687),
        (1, cheese.clone(), 0, 0, -687),
        (1, item("230012340000"), -1, 0, -687),
        (2, priced.clone(), -1, 0, -1_234),
        (2, priced.clone(), 0, 0, -600),
        (2, item("200012340000"), -1, 0, -1_234),
        (3, number("240012340345"), 0, 0, -687),
        (3, number("240012340345"), -100, 3, -200),
        (4, number("200099991234"), -2, 0, -2_468),
    ] {
        let back = as_return(5, of, weighed(scale, line(1, &code, quantity, amount)));
        till.begin(NOW, back).unwrap();
        let came = only_line(&till, 5);
        let (quantity, scale) = match (of, quantity) {
            (3, 0) => (-345, 3),
            (_, 0) => (-1, 0),
            said => (said.1, scale),
        };
        assert_eq!((came.quantity, came.scale, came.amount), (quantity, scale, amount), "{code}");
        assert!(came.product != item("230012340000") && came.product != item("200012340000"));
        abandoned(&mut till, 5);
    }
    let refused = |till: &mut Till, of, line| match till.begin(NOW, as_return(5, of, line)) {
        Err(Refusal::BadLine { line: 1, reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refused(&mut till, 1, weighed(3, line(1, &cheese, -1, -687))).contains("decimal digits"));
    assert!(refused(&mut till, 1, line(1, &cheese, -1, 0)).contains("say it"));
    assert!(refused(&mut till, 4, line(1, &number("200099991234"), 0, -1)).contains("what comes back"));
    assert!(refused(&mut till, 2, line(1, &number("200012341235"), 0, -1)).contains("another product"));
    let twice = till.begin(NOW, as_return(5, 1, line(1, &cheese, -2, -687)));
    assert!(matches!(twice, Err(Refusal::NotReturnable { .. })), "{twice:?}");
    sold(&mut till, as_return(6, 1, line(1, &cheese, 0, -687)));
    sold(&mut till, as_return(7, 2, line(1, &item("200012340000"), -1, -1_234)));
    let left: Vec<_> =
        stock(&till).into_iter().filter(|(_, left)| *left != 0).map(|(_, left)| left).collect();
    assert_eq!(left, [10, -3, -345]);
}

/// What cost nothing comes back by its label as by its item.
#[test]
fn goods_that_cost_nothing_come_back_for_nothing() {
    let mut till = labelled(3, "kg", 0);
    let (cheese, priced) = (number("230012340345"), number("200012341234"));
    let off = vec![Discount { code: "present".into(), amount: 1_234 }];
    sold(&mut till, in_sek(1, vec![Line { discounts: off, ..line(1, &priced, 0, 0) }]));
    sold(&mut till, in_sek(2, vec![line(1, &cheese, 0, 0)]));
    till.begin(NOW, as_return(3, 1, line(1, &priced, 0, 0))).unwrap();
    assert_eq!((only_line(&till, 3).quantity, only_line(&till, 3).amount), (-1, 0));
    till.begin(NOW, as_return(4, 2, line(1, &cheese, 0, 0))).unwrap();
    assert_eq!((only_line(&till, 4).quantity, only_line(&till, 4).amount), (-345, 0));
}

/// A label that is a product of before can be counted and moved, wherever it lies.
#[test]
fn labels_of_before_are_counted_and_moved_wherever_they_lie() {
    let priced = number("200012341234");
    let config = Config { location: 7, ..support::config(1, 1) };
    let mut till = Till::open(config, MemoryStore::new(), NOW);
    sold(&mut till, in_sek(1, vec![line(1, &priced, 1, 1_234)]));
    let mut till = with_labels(till, Labels::of(LabelCountry::Se));
    let moved = |product: &str, reason, quantity| {
        let lines = vec![StockLine { product: product.into(), quantity }];
        StockMoved { reason, from: None, to: None, lines }
    };
    till.record(NOW, Record::stock_counted(vec![CountLine::new(&priced, 2)], 7)).unwrap();
    till.record(NOW, Record::stock_moved(&moved(&priced, StockReason::TransferOut, -2), 7)).unwrap();
    // To a place where none was.
    till.record(NOW, Record::stock_moved(&moved(&priced, StockReason::TransferIn, 2), 3)).unwrap();
    let other = Record::stock_moved(&moved(&number("200012341235"), StockReason::Adjust, 1), 7);
    assert!(matches!(till.record(NOW, other), Err(Refusal::LabelNamesItem { .. })));
}

/// A price of a label's own would be in force nowhere: it can be ended, and not set.
#[test]
fn the_price_of_a_label_of_before_can_only_end() {
    let cheese = number("230012340345");
    let mut till = unlabelled();
    till.record(NOW, Record::product(&product(&cheese))).unwrap();
    till.record(NOW, Record::price(&price_in_sek(&cheese, 7_777))).unwrap();
    let mut till = with_labels(till, Labels::of(LabelCountry::Se));
    let set = price_in_sek(&cheese, 8_888);
    for price in [set.clone(), PriceSet { valid_to: Some(WALL + 1), ..set.clone() }] {
        let refused = till.record(NOW, Record::price(&price));
        assert_eq!(refused, Err(Refusal::LabelNamesItem { item: item("230012340000") }));
    }
    till.record(NOW, Record::price(&PriceSet { valid_to: Some(WALL), ..set })).unwrap();
    till.record(NOW, Record::product(&product(&cheese))).unwrap();
}
