//! Every form of one trade item's number is one product, a misread label is none, and a product is counted in one unit.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/labels.rs"]
mod labels;
mod support;

use edgepos::core::{Chain, Lane, Persist, PersistId, Space, Write};
use edgepos::model::{
    CountLine, CounterRow, Discount, DocType, Effect, Line, OriginalLine, PriceSet, Transaction,
};
use edgepos::{Draft, LabelCountry, Labels, MemoryStore, Record, Refusal, Store};
use labels::{
    NOW, abandoned, in_sek, item, labelled, number, only_line, price_in_sek, product, received, sek, sold,
    stock, unlabelled, updated,
};
use support::{Till, WALL, draft, line, price, replica};

const GTIN: &str = "00012345678905";
const FORMS: [&str; 4] = ["0012345678905", "012345678905", "00012345678905", " 0012345678905\r\n"];

#[test]
fn every_form_is_one_row_and_one_price() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, received(FORMS[0], 10, 0)).unwrap();
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
        assert!(bad(till.record(NOW, received(code, 1, 0))), "{code:?}");
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
    // Names that are long rows of digits and no card's stand on record as they were said, beside a text whose card number is masked.
    let name = "9876543210987654";
    let masked =
        Line { reason: Some(format!("paid with {card}")), lot: Some(name.into()), ..line(1, name, 1, 100) };
    let named = Draft { customer: Some(name.into()), operator: Some(name.into()), ..draft(1, vec![masked]) };
    assert_eq!(till.begin(NOW, named), Ok(1));
    till.commit(NOW, 1, 1).unwrap();
    let sale = support::envelopes(&till.disk).remove(0).1;
    assert_eq!(sale.operator.as_deref(), Some(name));
    let booked: Transaction = minicbor::decode(&sale.body).unwrap();
    let [sold] = &booked.lines[..] else { panic!("{booked:?}") };
    assert_eq!((sold.product.as_str(), sold.lot.as_deref()), (name, Some(name)));
    assert_eq!(booked.customer.as_deref(), Some(name));
    let reason = sold.reason.as_deref().unwrap();
    assert!(reason.starts_with("paid with ") && !reason.contains(card), "{reason}");
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
    till.record(NOW, received(GTIN, 10, 0)).unwrap();
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
    till.record(NOW, received("012345678905", 1, 0)).unwrap();
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
    till.record(NOW, Record::product(&product("ham"))).unwrap();
    refused(&mut till, 6, vec![line(1, "ham", 1, 100)]);
    till.sell(NOW, 7, vec![Line { scale: 3, ..line(1, "ham", 1, 100) }]);
}

#[test]
fn a_label_with_a_weight_says_the_quantity_and_the_price_list_what_it_costs() {
    let scanned = number("230012340345");
    for (scale, unit, amount, quantity, costs) in [
        (3, "kg", 1_990, 345, 687),
        (0, "g", 2, 345, 690),
        (1, "g", 2, 3_450, 690),
        // Half a minor unit is rounded up.
        (3, "kg", 10, 345, 3),
        (3, "kg", 100, 345, 35),
        (3, "kg", 0, 345, 0),
    ] {
        let mut till = labelled(scale, unit, amount);
        till.begin(NOW, in_sek(1, vec![line(1, &scanned, 0, 0)])).unwrap();
        let sold = only_line(&till, 1);
        assert_eq!(sold.product, item("230012340000"));
        assert_eq!((sold.quantity, sold.scale, sold.amount), (quantity, scale, costs), "{unit} {scale}");
        assert_eq!((sold.unit_price, sold.price_version.is_some()), (amount, true));
        // A repeat and a change are the same basket, also where the price has changed meanwhile.
        let dear = PriceSet { currency: sek(), ..price(&item("230012340000"), amount + 1) };
        till.record(NOW, Record::price(&dear)).unwrap();
        till.begin(NOW, in_sek(1, vec![line(1, &scanned, 0, 0)])).unwrap();
        let more = in_sek(1, vec![line(1, &scanned, 0, 0), line(2, "bag", 1, 5)]);
        let request = till.request();
        till.terminal.update(NOW, request, more).unwrap();
        till.run(NOW);
        assert!(till.replies.remove(&request).unwrap().is_ok());
        assert_eq!(only_line(&till, 1), sold);
    }
}

#[test]
fn what_a_line_says_otherwise_than_its_label_is_refused() {
    let scanned = number("230012340345");
    let mut till = labelled(3, "kg", 1_990);
    let refused = |till: &mut Till, line: Line| match till.begin(NOW, in_sek(1, vec![line])) {
        Err(Refusal::BadLine { line: 1, reason }) => reason,
        other => panic!("{other:?}"),
    };
    let weighed = |quantity, scale, amount| Line { scale, ..line(1, &scanned, quantity, amount) };
    for wrong in [weighed(346, 3, 687), weighed(345, 2, 687), weighed(1, 0, 687), weighed(0, 2, 0)] {
        assert!(refused(&mut till, wrong).starts_with("its quantity is not that of its label"));
    }
    // What the till says and the label does not stands: a price of its own, and what is taken off.
    till.begin(NOW, in_sek(2, vec![weighed(345, 3, 500)])).unwrap();
    assert_eq!(only_line(&till, 2).amount, 500);
    let off = Discount { code: "loyalty".into(), amount: 87 };
    let less = Line { discounts: vec![off.clone()], ..weighed(0, 0, 0) };
    till.begin(NOW, in_sek(3, vec![less])).unwrap();
    assert_eq!(only_line(&till, 3).amount, 600);
    let own = Line { unit_price: 1_000, ..weighed(0, 0, 0) };
    till.begin(NOW, in_sek(4, vec![own])).unwrap();
    assert_eq!((only_line(&till, 4).amount, only_line(&till, 4).price_version), (345, None));
    // Finer than the product is counted, and nothing that says what it costs.
    let mut coarse = labelled(1, "kg", 1_990);
    assert!(refused(&mut coarse, weighed(0, 0, 0)).contains("more digits"));
    let unknown = line(1, &number("240099990345"), 0, 0);
    assert!(refused(&mut till, unknown).contains("price list"));
    let mut pieces = labelled(0, "piece", 5);
    assert!(refused(&mut pieces, weighed(0, 0, 0)).contains("kg or g"));
    // A price: in the amount, in its currency alone, and with a quantity where that is no piece.
    let priced = |twelve: &str, amount| line(1, &number(twelve), 0, amount);
    let euro = till.begin(NOW, draft(5, vec![priced("200012341234", 0)]));
    assert!(matches!(euro, Err(Refusal::BadLine { line: 1, .. })), "{euro:?}");
    assert!(refused(&mut till, priced("200012341234", 1_233)).contains("price of its label"));
    for (basket, twelve, amount) in [(6, "200012341234", 1_234), (7, "210012341234", 12_340)] {
        till.begin(NOW, in_sek(basket, vec![priced(twelve, 0)])).unwrap();
        let sold = only_line(&till, basket);
        assert_eq!((sold.quantity, sold.amount, sold.unit_price), (1, amount, amount));
        till.begin(NOW, in_sek(basket, vec![priced(twelve, amount)])).unwrap();
    }
    let less = Line { discounts: vec![off], ..priced("200012341234", 0) };
    till.begin(NOW, in_sek(8, vec![less])).unwrap();
    assert_eq!(only_line(&till, 8).amount, 1_147);
    let by_weight = product(&item("200056780000"));
    till.record(NOW, Record::product(&by_weight)).unwrap();
    assert!(refused(&mut till, priced("200056781234", 0)).contains("say its quantity"));
    let said = Line { scale: 3, ..line(1, &number("200056781234"), 345, 0) };
    till.begin(NOW, in_sek(9, vec![said])).unwrap();
    assert_eq!((only_line(&till, 9).quantity, only_line(&till, 9).amount), (345, 1_234));
}

#[test]
fn goods_are_known_by_their_item_and_not_by_a_label() {
    let scanned = number("230012340345");
    let mut till = labelled(3, "kg", 1_990);
    let product_set = Record::product(&product(&scanned));
    let records = [
        product_set,
        Record::price(&price(&scanned, 1)),
        received(&scanned, 5, 0),
        Record::stock_counted(vec![CountLine::new(&scanned, 5)], 0),
    ];
    for record in records {
        let refused = till.record(NOW, record);
        let named = Refusal::LabelNamesItem { item: item("230012340000") };
        assert_eq!(refused.unwrap_err(), named);
        assert!(named.to_string().contains(&item("230012340000")));
    }
    till.record(NOW, received(&item("230012340000"), 5_000, 0)).unwrap();
    till.begin(NOW, in_sek(1, vec![line(1, &scanned, 0, 0)])).unwrap();
    assert_eq!(till.commit(NOW, 1, 1).unwrap().0.total, 687);
    assert_eq!(stock(&till), [(item("230012340000"), 5_000 - 345)]);
    // What is asked by a label is told of its item.
    assert_eq!(till.terminal.price(&scanned, 0, WALL).map(|price| price.amount), Some(1_990));
    assert_eq!(
        till.terminal.product(&scanned).map(|product| product.product.clone()),
        Some(item("230012340000"))
    );
    assert_eq!(till.terminal.product_at(&scanned, WALL).map(|product| product.scale), Some(3));
    assert_eq!(till.counter(NOW, &CounterRow::stock(&scanned, 0)), Some(5_000 - 345));
    assert_eq!(till.terminal.counter(&CounterRow::stock(&scanned, 0)), Some(5_000 - 345));
    // They come back by the label that is on them, for what was paid.
    let original = Some(OriginalLine { basket: draft(1, Vec::new()).basket, line: 1 });
    let back = |amount| Line { original, ..line(1, &scanned, 0, amount) };
    let as_return =
        |basket, line| Draft { doc_type: DocType::Return, series: "R".into(), ..in_sek(basket, vec![line]) };
    assert!(matches!(till.begin(NOW, as_return(2, back(0))), Err(Refusal::BadLine { .. })));
    till.begin(NOW, as_return(2, back(-687))).unwrap();
    assert_eq!((only_line(&till, 2).quantity, only_line(&till, 2).scale), (-345, 3));
    // Who has said no country sells each number as it is.
    let mut plain = Till::new(1, 1, NOW);
    plain.record(NOW, received(&scanned, 5, 0)).unwrap();
    plain.begin(NOW, draft(1, vec![line(1, &scanned, 1, 687)])).unwrap();
    assert_eq!(only_line(&plain, 1).product, item(&scanned[..12]));
}

/// A till that reads no labels, or others, never sells one for nothing.
#[test]
fn what_may_be_a_label_and_is_read_by_nobody_is_not_sold_for_nothing() {
    let mut plain = Till::new(1, 1, NOW);
    let mut swedish = labelled(3, "kg", 1_990);
    for code in ["020012340345", "230012340345", "290012340345", "021234503459"].map(number) {
        let refused = plain.begin(NOW, draft(1, vec![line(1, &code, 0, 0)]));
        assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{code}: {refused:?}");
        let said = Line { unit_price: 0, ..line(1, &code, 1, 100) };
        plain.begin(NOW, draft(1, vec![said])).unwrap();
        abandoned(&mut plain, 1);
    }
    // Of another country, and of the item itself, which has no weight.
    for code in [number("290012340345"), item("230012340000")] {
        let refused = swedish.begin(NOW, in_sek(2, vec![line(1, &code, 0, 0)]));
        assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{code}: {refused:?}");
    }
    // A coupon or a service that has a number of its own may be nothing.
    swedish.begin(NOW, in_sek(3, vec![line(1, "4006381333931", 0, 0)])).unwrap();
}

/// Where the setting is missing, or a label's value is zero, a quantity alone says nothing of what goods cost either.
#[test]
fn a_quantity_alone_sells_nothing_of_a_shops_own_numbers() {
    let taken_off = |amount| vec![Discount { code: "present".into(), amount }];
    let mut plain = unlabelled();
    let mut swedish = labelled(3, "kg", 1_990);
    let scanned = number("200012341234");
    let weighed = Line { scale: 3, ..line(1, &number("230012340345"), 345, 0) };
    for said in [
        line(1, &scanned, 1, 0),
        line(1, &scanned, -1, 0),
        line(1, &format!("]E0{scanned}"), 1, 0),
        line(1, &format!("]E3{scanned}12"), 0, 0),
        weighed.clone(),
        // Less than a piece costs is taken off, or nobody says what it costs.
        Line { discounts: taken_off(100), ..line(1, &scanned, 1, 0) },
        Line { discounts: taken_off(100), unit_price: 1_234, ..line(1, &scanned, 1, 0) },
    ] {
        let refused = plain.begin(NOW, in_sek(1, vec![said.clone()]));
        assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{said:?}: {refused:?}");
    }
    for code in ["200012340000", "290012341234"].map(number) {
        let refused = swedish.begin(NOW, in_sek(1, vec![line(1, &code, 1, 0)]));
        assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{code}: {refused:?}");
    }
    // What is given away is said so, and other numbers may cost nothing.
    for said in [
        Line { discounts: taken_off(1_234), unit_price: 1_234, ..line(1, &scanned, 1, 0) },
        Line { discounts: taken_off(687), unit_price: 1_990, ..weighed },
        line(1, "4006381333931", 1, 0),
        line(1, "bag", 1, 0),
        line(1, &scanned, 1, 100),
    ] {
        plain.begin(NOW, in_sek(1, vec![said])).unwrap();
        abandoned(&mut plain, 1);
    }
    // So is what the price list has for nothing, under this very number.
    let bag = number("290000000012");
    plain.begin(NOW, in_sek(1, vec![line(1, &bag, 2, 0)])).unwrap_err();
    plain.record(NOW, Record::price(&price_in_sek(&bag, 0))).unwrap();
    plain.begin(NOW, in_sek(1, vec![line(1, &bag, 0, 0)])).unwrap_err();
    plain.begin(NOW, in_sek(1, vec![line(1, &bag, 2, 0)])).unwrap();
    // A scanner that says which bar code it read says the same number.
    swedish.begin(NOW, in_sek(2, vec![line(1, &format!("]E0{scanned}"), 0, 0)])).unwrap();
    assert_eq!(
        (only_line(&swedish, 2).product, only_line(&swedish, 2).amount),
        (item("200012340000"), 1_234)
    );
}

/// Goods that came in whole pieces, of a product that nobody has described, are not sold in hundredths of them.
#[test]
fn a_weight_is_not_taken_from_pieces() {
    let mut till = labelled(3, "kg", 1_990);
    let scanned = number("240012340035");
    till.record(NOW, received(&item("240012340000"), 5, 3)).unwrap();
    let priced = || Line { unit_price: 10_000, ..line(1, &scanned, 0, 0) };
    let refused = till.begin(NOW, in_sek(1, vec![priced()]));
    assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{refused:?}");
    // Until somebody says how they are counted: on the line, or of the product.
    till.begin(NOW, in_sek(1, vec![Line { quantity: 35, scale: 2, ..priced() }])).unwrap();
    abandoned(&mut till, 1);
    till.record(NOW, Record::product(&product(&item("240012340000")))).unwrap();
    till.begin(NOW, in_sek(1, vec![priced()])).unwrap();
    assert_eq!((only_line(&till, 1).quantity, only_line(&till, 1).scale), (350, 3));
}

/// A line that had an amount and no price of one unit keeps what it comes to, less the discounts that it gets.
#[test]
fn a_line_goes_on_costing_what_it_was_begun_with() {
    let mut till = labelled(3, "kg", 1_990);
    let scanned = number("230012340345");
    till.begin(NOW, in_sek(1, vec![Line { scale: 3, ..line(1, &scanned, 345, 500) }])).unwrap();
    updated(&mut till, in_sek(1, vec![line(1, &scanned, 0, 0), line(2, "bag", 1, 5)])).unwrap();
    assert_eq!((only_line(&till, 1).amount, only_line(&till, 1).unit_price), (500, 0));
}

/// A label with a price is of one piece; goods that are weighed have any quantity.
#[test]
fn a_label_with_a_price_is_of_one_piece() {
    let mut till = labelled(3, "kg", 1_990);
    let scanned = number("200012341234");
    for (quantity, amount) in [(2, 0), (2, 2_468), (-2, 0)] {
        let refused = till.begin(NOW, in_sek(1, vec![line(1, &scanned, quantity, amount)]));
        assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{quantity}: {refused:?}");
    }
    till.begin(NOW, in_sek(1, vec![line(1, &scanned, 1, 0)])).unwrap();
    let sold = only_line(&till, 1);
    assert_eq!((sold.quantity, sold.amount, sold.unit_price), (1, 1_234, 1_234));
}

/// A basket that was begun before its till read labels, or at a till that reads none, is repeated and changed as it is.
#[test]
fn a_basket_goes_on_across_a_change_of_the_setting() {
    let mut till = Till::open(support::config(1, 1), MemoryStore::new(), NOW);
    let scanned = number("230012340345");
    let begun = || vec![line(1, &scanned, 1, 687)];
    till.begin(NOW, in_sek(1, begun())).unwrap();
    sold(&mut till, in_sek(2, begun()));
    till.config.labels = Labels::of(LabelCountry::Se);
    let mut till = till.crash(NOW);
    till.begin(NOW, in_sek(1, begun())).unwrap();
    updated(&mut till, in_sek(1, [begun(), vec![line(2, "bag", 1, 5)]].concat())).unwrap();
    assert_eq!(only_line(&till, 1).product, format!("0{scanned}"));
    // Its receipt names the label, and takes it back; what is left of it in the stock can be counted away.
    let back = Line { original: support::back(2, 1, "", 1).original, ..line(1, &scanned, -1, -687) };
    till.begin(NOW, Draft { doc_type: DocType::Return, ..in_sek(3, vec![back]) }).unwrap();
    till.record(NOW, received(&scanned, 1, 0)).unwrap();
    let other = till.record(NOW, received(&number("230012340555"), 1, 0));
    assert!(matches!(other, Err(Refusal::LabelNamesItem { .. })), "{other:?}");
}

/// What comes back on its receipt has the money that was paid, whatever its label says.
#[test]
fn goods_with_a_price_come_back_for_what_was_paid() {
    let mut till = labelled(3, "kg", 1_990);
    let scanned = number("200012341234");
    sold(&mut till, in_sek(1, vec![line(1, &scanned, 1, 0)]));
    let original = support::back(1, 1, "", 1).original;
    let back = |amount| {
        let line = Line { original, ..line(1, &scanned, 0, amount) };
        Draft { doc_type: DocType::Return, ..in_sek(2, vec![line]) }
    };
    assert!(matches!(till.begin(NOW, back(0)), Err(Refusal::BadLine { line: 1, .. })));
    till.begin(NOW, back(-600)).unwrap();
    let came = only_line(&till, 2);
    assert_eq!((came.quantity, came.amount, came.product), (-1, -600, item("200012340000")));
}

/// A repeat of what was booked is answered, also where its label says nothing any more.
#[test]
fn what_was_booked_is_answered_without_its_price() {
    let mut till = labelled(3, "kg", 1_990);
    let scanned = number("230012340345");
    sold(&mut till, in_sek(1, vec![line(1, &scanned, 0, 0)]));
    // One more, beside goods that come back on their receipt.
    sold(&mut till, in_sek(3, vec![line(1, "milk", 1, 100)]));
    let exchanged = || {
        let lines = vec![line(1, &scanned, 0, 0), support::back(3, 1, "milk", 1)];
        let lines = lines.into_iter().zip(1..).map(|(line, no)| Line { no, ..line }).collect();
        Draft { doc_type: DocType::Exchange, ..in_sek(4, lines) }
    };
    sold(&mut till, exchanged());
    let ended = PriceSet { currency: "EUR".parse().unwrap(), ..price(&item("230012340000"), 1) };
    till.record(NOW, Record::price(&ended)).unwrap();
    let again = till.begin(NOW, in_sek(1, vec![line(1, &scanned, 0, 0)]));
    assert!(matches!(again, Err(Refusal::BasketBooked(_))), "{again:?}");
    let again = till.begin(NOW, exchanged());
    assert!(matches!(again, Err(Refusal::BasketBooked(_))), "{again:?}");
    let new = till.begin(NOW, in_sek(2, vec![line(1, &scanned, 0, 0)]));
    assert!(matches!(new, Err(Refusal::BadLine { line: 1, .. })), "{new:?}");
}
