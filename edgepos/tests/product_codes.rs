//! Every form of one trade item's number is one product, a misread label is none, and a product is counted in one unit.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Chain, Lane, Now, Persist, PersistId, Space, Write};
use edgepos::model::{CounterRow, Effect, Line, ProductSet, StockLine, StockMoved, StockReason};
use edgepos::{Draft, Record, Refusal, Store};
use support::{Till, WALL, draft, line, price, replica};

const NOW: Now = Now::new(0, WALL);
const GTIN: &str = "00012345678905";
const FORMS: [&str; 4] = ["0012345678905", "012345678905", "00012345678905", " 0012345678905\r\n"];

fn received(product: &str, quantity: i64) -> Record {
    let lines = vec![StockLine { product: product.into(), quantity }];
    Record::stock_moved(&StockMoved { reason: StockReason::Receipt, from: None, to: None, lines }, 0)
}

/// The products of the stock rows, with what is left.
fn stock(till: &Till) -> Vec<(String, i64)> {
    let rows = till.terminal.counters().into_iter().filter(|value| value.row.counter.0 == 0);
    rows.map(|value| (String::from_utf8(value.row.key).unwrap(), value.value)).collect()
}

#[test]
fn every_form_is_one_row_and_one_price() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, received(FORMS[0], 10)).unwrap();
    for (at, form) in FORMS.into_iter().enumerate() {
        till.sell(NOW, at as u8 + 1, vec![line(1, form, 1, 100)]);
        assert_eq!(till.terminal.counter(&CounterRow::stock(form, 0)), Some(9 - at as i64));
    }
    // UPC-E and the UPC-A that it stands for.
    till.sell(NOW, 9, vec![line(1, "01234565", 1, 100), line(2, "012345000065", 1, 100)]);
    assert_eq!(stock(&till), [("00012345000065".to_owned(), -2), (GTIN.to_owned(), 6)]);
    till.record(NOW, Record::price(&price(FORMS[0], 129))).unwrap();
    till.record(NOW, Record::price(&price(FORMS[1], 139))).unwrap();
    for form in FORMS {
        assert_eq!(till.terminal.price(form, 0, WALL).map(|price| price.amount), Some(139), "{form:?}");
    }
}

#[test]
fn a_misread_label_is_refused_and_other_codes_stay() {
    let mut till = Till::new(1, 1, NOW);
    for code in ["0012345678906", "012345678906", "12345678", "00012345678906\r", "", "a\nb"] {
        let refused = till.begin(NOW, draft(1, vec![line(1, code, 1, 100)]));
        assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{code:?}");
        let bad = |recorded| matches!(recorded, Err(Refusal::BadField { field: "product", .. }));
        assert!(bad(till.record(NOW, received(code, 1))), "{code:?}");
        assert!(bad(till.record(NOW, Record::price(&price(code, 1)))), "{code:?}");
    }
    for (at, code) in ["milk", "4011", "5978656", "P-01", "123456789"].into_iter().enumerate() {
        till.sell(NOW, at as u8 + 1, vec![line(1, code, 1, 100)]);
        assert_eq!(till.terminal.counter(&CounterRow::stock(code, 0)), Some(-1));
    }
}

#[test]
fn names_that_are_card_numbers_are_refused_and_never_altered() {
    let mut till = Till::new(1, 1, NOW);
    let card = "4111111111111111";
    let milk = || vec![line(1, "milk", 1, 100)];
    let refused = till.begin(NOW, draft(1, vec![line(1, card, 1, 100)]));
    assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })));
    let customer = Draft { customer: Some(card.into()), ..draft(1, milk()) };
    assert!(matches!(till.begin(NOW, customer), Err(Refusal::BadField { field: "customer", .. })));
    let operator = Draft { operator: Some("4111 1111 1111 1111".into()), ..draft(1, milk()) };
    assert!(matches!(till.begin(NOW, operator), Err(Refusal::BadField { field: "operator", .. })));
    let customer = Draft { customer: Some("9876543210987654".into()), ..draft(1, milk()) };
    assert_eq!(till.begin(NOW, customer), Ok(1));
}

/// An event of a version before names stock by the code as it was scanned: it moves the row of the GTIN.
#[test]
fn an_effect_of_before_moves_the_row_of_the_gtin() {
    let mut till = Till::new(1, 1, NOW);
    let scanned = |code: &str| CounterRow { key: code.as_bytes().to_vec(), ..CounterRow::stock("", 0) };
    let effects = vec![
        Effect::new(scanned("012345678905"), 5, Some(0)),
        Effect::new(scanned("0012345678905"), 7, Some(0)),
        Effect::new(scanned("0012345678906"), 1, Some(0)),
    ];
    till.record(NOW, Record::custom(Vec::new(), effects)).unwrap();
    assert_eq!(stock(&till), [(GTIN.to_owned(), 12), ("0012345678906".to_owned(), 1)]);
}

/// A disk that a version before wrote has a row for each form, written with each event: they become one, once.
#[test]
fn rows_of_before_become_one() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, received(GTIN, 10)).unwrap();
    till.sell(NOW, 1, vec![line(1, GTIN, 1, 100)]);
    let row = |code: &str, chain: Chain| {
        let row = CounterRow { key: code.as_bytes().to_vec(), ..CounterRow::stock("", 0) };
        [row.to_key().as_slice(), &chain.to_key()].concat()
    };
    let counted = |code: &str, chain: Chain, stamp: u64, plus: u64, minus: u64| {
        let value = minicbor::to_vec((stamp, plus, minus, Some(0i64))).unwrap();
        Write::put(Space::Counter, row(code, chain), value)
    };
    let own = |lane| Chain::new(replica(1), lane);
    let peer = Chain::new(replica(2), Lane::Transactions);
    let mut writes = vec![
        // What this terminal received and sold stands under the form that it was scanned in.
        counted("0012345678905", own(Lane::Stock), 1, 10, 0),
        counted("012345678905", own(Lane::Transactions), 1, 0, 1),
        // What a peer sold stands under all three.
        counted("0012345678905", peer, 4, 0, 2),
        counted("012345678905", peer, 9, 0, 3),
        counted(GTIN, peer, 2, 0, 1),
    ];
    // A version before wrote no row that says which events are counted.
    let all = |till: &Till, space| till.disk.scan(space, &[], &[255; 64], u32::MAX).unwrap();
    for space in [Space::Applied, Space::Counter] {
        writes.splice(0..0, all(&till, space).into_iter().map(|(key, _)| Write::delete(space, key)));
    }
    till.disk.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
    for _ in 0..3 {
        till = till.crash(NOW);
        assert_eq!(stock(&till), [(GTIN.to_owned(), 10 - 1 - 6)]);
        let keys: Vec<_> =
            all(&till, Space::Counter).into_iter().filter(|(key, _)| key[..2] == [0, 0]).collect();
        assert_eq!(keys.len(), 3, "a row for each chain");
        assert!(keys.iter().all(|(key, _)| key[7..21] == *GTIN.as_bytes()), "no other form is left");
    }
    till.record(NOW, received("012345678905", 1)).unwrap();
    assert_eq!(stock(&till.crash(NOW)), [(GTIN.to_owned(), 4)]);
}

#[test]
fn a_piece_and_250_grams_have_no_sum() {
    let mut till = Till::new(1, 1, NOW);
    let weighed = |no: u16, grams: i64| Line { scale: 3, ..line(no, "cheese", grams, 100) };
    let refused = |till: &mut Till, basket, lines| {
        let answer = till.begin(NOW, draft(basket, lines));
        assert!(matches!(answer, Err(Refusal::BadLine { .. })), "{answer:?}");
    };
    refused(&mut till, 1, vec![line(1, "cheese", 1, 100), weighed(2, 250)]);
    till.sell(NOW, 2, vec![weighed(1, 250), line(2, "bread", 1, 100)]);
    refused(&mut till, 3, vec![line(1, "cheese", 1, 100)]);
    refused(&mut till, 4, vec![Line { scale: 3, ..line(1, "bread", 250, 100) }]);
    let mut till = till.crash(NOW);
    refused(&mut till, 3, vec![line(1, "cheese", 1, 100)]);
    // A coupon on the product counts nothing.
    till.sell(NOW, 5, vec![weighed(1, 100), line(2, "cheese", 0, -10)]);
    let product = |product: &str, scale| {
        let (product, name, base_unit) = (product.into(), "of a counter".into(), "kg".into());
        Record::product(&ProductSet {
            product,
            name,
            base_unit,
            scale,
            tax_code: None,
            counted: None,
            floor: None,
            valid_from: None,
            valid_to: None,
            version: None,
        })
    };
    till.record(NOW, product("ham", 3)).unwrap();
    refused(&mut till, 6, vec![line(1, "ham", 1, 100)]);
    till.sell(NOW, 7, vec![Line { scale: 3, ..line(1, "ham", 1, 100) }]);
}
