//! What came back may come back once: refused where it is known, an exception where it was not.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, Persist};
use edgepos::core::{Now, Space, Write};
use edgepos::model::{BasketId, CounterRow, DocType, ExceptionType, Line, Tax, Transaction};
use edgepos::{Notice, Refusal, Store};
use support::{Shop, Till, WALL, back, draft, line};

const NOW: Now = Now::new(0, WALL);

#[test]
fn a_till_that_knows_the_receipt_takes_back_what_is_left() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 3, 300)]);
    till.sell(NOW, 2, vec![back(1, 1, "milk", 2)]);
    assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(-1));
    let too_much = till.begin(NOW, draft(3, vec![back(1, 1, "milk", 2)]));
    assert_eq!(too_much, Err(Refusal::NotReturnable { line: 1, remaining: 1 }));
    assert_eq!(till.begin(NOW, draft(4, vec![back(1, 1, "milk", 1)])), Ok(3));
    let while_open = till.begin(NOW, draft(5, vec![back(1, 1, "milk", 1)]));
    assert_eq!(while_open, Err(Refusal::NotReturnable { line: 1, remaining: 0 }), "an open basket counts");
    assert!(
        till.begin(NOW, draft(6, vec![back(99, 1, "milk", 1)])).is_ok(),
        "a receipt of elsewhere is taken"
    );
}

/// What an open basket takes back is spoken for, also once its terminal has started again.
#[test]
fn an_open_basket_takes_back_what_it_did_before_a_restart() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 3, 300)]);
    till.begin(NOW, draft(2, vec![back(1, 1, "milk", 2)])).unwrap();
    for _ in 0..2 {
        till = till.crash(NOW);
        let too_much = till.begin(NOW, draft(3, vec![back(1, 1, "milk", 2)]));
        assert_eq!(too_much, Err(Refusal::NotReturnable { line: 1, remaining: 1 }));
    }
    till.begin(NOW, draft(4, vec![back(1, 1, "milk", 1)])).unwrap();
    let nothing_left = till.begin(NOW, draft(5, vec![back(1, 1, "milk", 1)]));
    assert_eq!(nothing_left, Err(Refusal::NotReturnable { line: 1, remaining: 0 }));
}

#[test]
fn two_cut_off_tills_that_take_the_same_goods_back_raise_one_exception() {
    let mut shop = Shop::new(5);
    shop.elect();
    let now = shop.now;
    // Enough on the shelf, so that only the return is in question.
    shop.tills[0].terminal.flush(now);
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 1, 100)]);
    shop.pass(2_000);
    let returnable = CounterRow::returnable(edgepos::model::BasketId([1; 16]), 1);
    let now = shop.now;
    assert!(shop.tills.iter_mut().all(|till| till.counter(now, &returnable) == Some(1)));
    shop.cut(3);
    shop.cut(4);
    let now = shop.now;
    shop.tills[3].sell(now, 2, vec![back(1, 1, "milk", 1)]);
    shop.tills[4].sell(now, 3, vec![back(1, 1, "milk", 1)]);
    shop.pass(2_000);
    let raised = |shop: &Shop, kind| -> Vec<usize> {
        let count =
            |till: &Till| till.terminal.status().exceptions.iter().filter(|e| e.exception == kind).count();
        shop.tills.iter().map(count).collect()
    };
    assert_eq!(raised(&shop, ExceptionType::RETURNED_TWICE), [0; 5]);
    shop.heal();
    shop.pass(10_000);
    assert!(shop.tills.iter().all(|till| till.terminal.counter(&returnable) == Some(-1)));
    assert_eq!(raised(&shop, ExceptionType::RETURNED_TWICE), [1; 5]);
    let vectors: Vec<_> = shop.tills.iter().map(|till| till.terminal.status().durable).collect();
    assert!(vectors.windows(2).all(|pair| pair[0] == pair[1]), "{vectors:?}");
    // A new leader sees the same rows and raises nothing again, also after a restart.
    for till in 0..5 {
        shop.crash(till);
        shop.heal();
        shop.pass(3_000);
    }
    assert_eq!(raised(&shop, ExceptionType::RETURNED_TWICE), [1; 5]);
}

/// Goods come back as what they were sold as, for what was paid, over all returns of a line and also after a crash.
/// Two tills that cannot hear each other book one basket of two pieces: two may come back, and not four, whoever takes them; once one of the
/// sales is voided still two.
#[test]
fn a_basket_that_was_booked_twice_comes_back_once() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.cut(1);
    let now = shop.now;
    for till in [0, 1] {
        shop.tills[till].sell(now, 1, vec![line(1, "milk", 2, 200)]);
    }
    shop.heal();
    shop.elect();
    shop.pass(6_000);
    let now = shop.now;
    let three = shop.tills[2].begin(now, draft(2, vec![back(1, 1, "milk", 3)]));
    assert_eq!(
        three,
        Err(Refusal::NotReturnable { line: 1, remaining: 2 }),
        "the sale is read, there is no row"
    );
    shop.tills[2].sell(now, 3, vec![back(1, 1, "milk", 1)]);
    shop.pass(1_000);
    shop.cut(1);
    let now = shop.now;
    for till in [0, 1] {
        let two = shop.tills[till].begin(now, draft(4, vec![back(1, 1, "milk", 2)]));
        assert_eq!(two, Err(Refusal::NotReturnable { line: 1, remaining: 1 }));
        shop.tills[till].sell(now, 5 + till as u8, vec![back(1, 1, "milk", 1)]);
    }
    shop.heal();
    shop.elect();
    shop.pass(6_000);
    for till in &shop.tills {
        let raised = till.terminal.status().exceptions;
        let raised: Vec<_> =
            raised.iter().map(|raised| (raised.exception, raised.value, raised.floor)).collect();
        // The value is what both sales say; of them one counts.
        let twice = (ExceptionType::RETURNED_TWICE, 1, 2);
        assert_eq!(
            raised,
            [twice, (ExceptionType::REFUNDED_TWICE, -300, -200), (ExceptionType::DUPLICATE, 2, 1)]
        );
    }
    let now = shop.now;
    let none = shop.tills[0].begin(now, draft(7, vec![back(1, 1, "milk", 1)]));
    assert_eq!(none, Err(Refusal::NotReturnable { line: 1, remaining: 0 }));
}

/// Of a service nothing is counted but money, and one piece of two may be paid back with all that the line cost: two tills that cannot hear
/// each other pay twice. Each says what the line came to, so that whoever hears of both knows.
#[test]
fn two_cut_off_tills_that_pay_one_line_back_raise_one_exception() {
    let repair = |amount| Line { quantity: 0, amount, ..back(1, 1, "repair", 0) };
    let piece = |amount| Line { amount, ..back(1, 1, "wine", 1) };
    for (sold, back, twice) in [
        (line(1, "repair", 0, 500), repair(-500), Some(-1_000)),
        (line(1, "repair", 0, 500), repair(-250), None),
        (line(1, "wine", 2, 500), piece(-500), Some(-1_000)),
        (line(1, "wine", 2, 500), piece(-250), None),
    ] {
        let mut shop = Shop::new(3);
        shop.elect();
        let now = shop.now;
        shop.tills[0].sell(now, 1, vec![sold]);
        shop.pass(2_000);
        shop.cut(1);
        let now = shop.now;
        for till in [1, 2] {
            shop.tills[till].sell(now, till as u8 + 1, vec![back.clone()]);
        }
        shop.heal();
        shop.elect();
        shop.pass(10_000);
        let expected: Vec<_> =
            twice.map(|value| (ExceptionType::REFUNDED_TWICE, value)).into_iter().collect();
        for till in &shop.tills {
            let raised = till.terminal.status().exceptions;
            let raised: Vec<_> = raised.iter().map(|raised| (raised.exception, raised.value)).collect();
            assert_eq!(raised, expected, "{back:?}");
        }
    }
}

#[test]
fn a_till_that_holds_the_receipt_pays_back_what_was_paid_for_that_product() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 3, 300)]);
    let begin = |till: &mut Till, basket, quantity, amount, product: &str| {
        let line = edgepos::model::Line { amount, quantity, ..back(1, 1, product, 1) };
        till.begin(NOW, edgepos::Draft { doc_type: DocType::Return, ..draft(basket, vec![line]) })
    };
    assert!(matches!(begin(&mut till, 2, -1, -100, "television"), Err(Refusal::BadLine { line: 1, .. })));
    assert!(matches!(begin(&mut till, 3, 0, -500, "milk"), Err(Refusal::BadLine { line: 1, .. })));
    assert_eq!(begin(&mut till, 4, -1, -99_900, "milk"), Err(Refusal::NotRefundable { line: 1, left: 300 }));
    assert_eq!(begin(&mut till, 5, -4, -300, "milk"), Err(Refusal::NotReturnable { line: 1, remaining: 3 }));
    // Two of the three pieces for 1.50, one of which is only begun.
    begin(&mut till, 6, -1, -100, "milk").unwrap();
    till.commit(NOW, 6, 6).unwrap();
    begin(&mut till, 7, -1, -50, "milk").unwrap();
    assert_eq!(begin(&mut till, 8, -1, -151, "milk"), Err(Refusal::NotRefundable { line: 1, left: 150 }));
    let mut till = till.crash(NOW);
    assert_eq!(begin(&mut till, 8, -1, -151, "milk"), Err(Refusal::NotRefundable { line: 1, left: 150 }));
    begin(&mut till, 8, -1, -150, "milk").unwrap();
    till.commit(NOW, 8, 8).unwrap();
    till.commit(NOW, 7, 7).unwrap();
}

/// A peer that holds the receipt judges as the till that sold it; what came back at one counts at the other.
#[test]
fn every_till_that_holds_the_receipt_judges_alike() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.tills[0].sell(shop.now, 1, vec![line(1, "milk", 3, 300)]);
    shop.pass(2_000);
    let now = shop.now;
    let refund = |basket, amount| {
        let line = edgepos::model::Line { amount, ..back(1, 1, "milk", 1) };
        draft(basket, vec![line])
    };
    assert_eq!(shop.tills[1].begin(now, refund(2, -301)), Err(Refusal::NotRefundable { line: 1, left: 300 }));
    shop.tills[1].begin(now, refund(3, -200)).unwrap();
    shop.tills[1].commit(now, 3, 3).unwrap();
    shop.pass(2_000);
    let now = shop.now;
    assert_eq!(shop.tills[2].begin(now, refund(4, -101)), Err(Refusal::NotRefundable { line: 1, left: 100 }));
    assert!(shop.tills[0].begin(now, refund(5, -100)).is_ok());
}

/// The sale of a till that is cut off is not known here: one piece after the other comes back.
#[test]
fn the_second_piece_of_a_cut_off_tills_receipt_comes_back_as_well() {
    let mut till = Till::new(1, 1, NOW);
    for basket in 1..=3 {
        till.sell(NOW, basket, vec![back(99, 1, "milk", 1)]);
    }
    let milk = edgepos::model::Line { quantity: 0, ..back(99, 1, "milk", 1) };
    assert!(
        matches!(till.begin(NOW, draft(4, vec![milk])), Err(Refusal::BadLine { .. })),
        "no money without goods"
    );
}

#[test]
fn goods_without_a_receipt_are_a_matter_of_policy() {
    let silent = || draft(1, vec![line(1, "milk", -1, -100)]);
    let unreferenced = || edgepos::Draft { unreferenced: true, ..silent() };
    let mut till = Till::new(1, 1, NOW);
    assert!(matches!(till.begin(NOW, silent()), Err(Refusal::BadLine { line: 1, .. })), "nobody says so");
    assert_eq!(till.begin(NOW, unreferenced()), Ok(1));
    till.commit(NOW, 1, 1).unwrap();
    let booked = till.notices.iter().find_map(|notice| match notice {
        Notice::Recorded { envelope, .. } => minicbor::decode::<Transaction>(&envelope.body).ok(),
        _ => None,
    });
    assert_eq!(booked.unwrap().unreferenced, Some(true), "it is on record");
    let mut config = support::config(1, 1);
    config.unreferenced_returns = false;
    let mut strict = Till::open(config.clone(), edgepos::MemoryStore::new(), NOW);
    assert!(matches!(strict.begin(NOW, unreferenced()), Err(Refusal::BadLine { line: 1, .. })));
    // A receipt that nobody holds is another matter: it may be that of a till which is cut off.
    let invented = |basket| draft(basket, vec![back(99, 1, "milk", 1)]);
    let both = || Line { no: 2, ..line(2, "milk", -1, -100) };
    assert!(
        strict.begin(NOW, draft(2, vec![back(99, 1, "milk", 1), both()])).is_err(),
        "one line of two has none"
    );
    assert_eq!(strict.begin(NOW, invented(3)), Ok(1));
    config.unknown_receipts = false;
    let mut strictest = Till::open(config, strict.disk, NOW);
    assert!(matches!(strictest.begin(NOW, invented(4)), Err(Refusal::BadLine { line: 1, .. })));
    let named = edgepos::Draft { unreferenced: true, ..invented(4) };
    assert!(strictest.begin(NOW, named).is_err(), "nor with the word that there is none");
    // What was sold here comes back, and what was begun under the other setting can be paid.
    strictest.sell(NOW, 5, vec![line(1, "milk", 1, 100)]);
    strictest.sell(NOW, 6, vec![back(5, 1, "milk", 1)]);
    strictest.knows_total(BasketId([3; 16]), -100);
    strictest.commit(NOW, 3, 3).unwrap();
}

/// A return of a cut-off till's receipt says how many were sold, as its till read it on the paper: no more than that comes back, and what
/// nobody has checked is told until the sale is here.
#[test]
fn a_return_names_what_was_sold_where_nobody_holds_the_sale() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.cut(2);
    let now = shop.now;
    shop.tills[2].sell(now, 1, vec![line(1, "milk", 3, 300)]);
    let read = |basket, quantity| {
        let line = edgepos::model::Line { sold: Some(3), ..back(1, 1, "milk", quantity) };
        draft(basket, vec![line])
    };
    shop.tills[0].begin(now, read(2, 2)).unwrap();
    shop.tills[0].commit(now, 2, 2).unwrap();
    shop.tills[0].begin(now, read(3, 1)).unwrap();
    let more = Err(Refusal::NotReturnable { line: 1, remaining: 0 });
    assert_eq!(shop.tills[0].begin(now, read(4, 1)), more, "with what is open and what is booked");
    shop.tills[0].commit(now, 3, 3).unwrap();
    shop.pass(10_000);
    let told = |shop: &Shop, kinds: &[ExceptionType]| {
        let of = |till: &Till| till.terminal.status().exceptions.into_iter().map(|raised| raised.exception);
        shop.tills.iter().map(|till| of(till).filter(|kind| kinds.contains(kind)).count()).collect::<Vec<_>>()
    };
    let both = [ExceptionType::UNREFERENCED, ExceptionType::RETURNED_TWICE];
    assert_eq!(told(&shop, &both), [1, 1, 0], "nobody in reach holds the sale");
    shop.heal();
    shop.pass(10_000);
    let row = CounterRow::returnable(edgepos::model::BasketId([1; 16]), 1);
    assert!(shop.tills.iter().all(|till| till.terminal.counter(&row) == Some(0)));
    assert_eq!(told(&shop, &both), [0; 3]);
    for till in 0..3 {
        shop.crash(till);
        shop.heal();
        shop.pass(3_000);
    }
    assert_eq!(told(&shop, &both), [0; 3], "nor after a start");
}

/// One piece too many, taken back where nobody held the sale: told once it is known how many were sold, and before.
#[test]
fn more_than_was_sold_is_told_with_or_without_the_sale() {
    for sale_comes in [false, true] {
        let mut shop = Shop::new(3);
        shop.elect();
        shop.cut(2);
        let now = shop.now;
        shop.tills[2].sell(now, 1, vec![line(1, "milk", 1, 100)]);
        for (till, basket) in [(0, 2), (1, 3)] {
            // Both take the piece back before they hear of the other.
            let line = edgepos::model::Line { sold: Some(1), ..back(1, 1, "milk", 1) };
            shop.tills[till].begin(now, draft(basket, vec![line])).unwrap();
            shop.tills[till].commit(now, basket, basket).unwrap();
        }
        if sale_comes {
            shop.heal();
        }
        shop.pass(10_000);
        let exceptions = shop.tills[0].terminal.status().exceptions;
        let kind = if sale_comes { ExceptionType::RETURNED_TWICE } else { ExceptionType::UNREFERENCED };
        let returned = exceptions.iter().filter(|raised| raised.exception == kind);
        assert_eq!(returned.count(), 1, "with the sale: {sale_comes}");
    }
}

/// Once a terminal holds the receipt its returns say what it sold, so that peers without it do not judge them.
#[test]
fn a_terminal_that_holds_the_receipt_says_what_it_sold() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 3, 300)]);
    till.begin(NOW, draft(2, vec![back(1, 1, "milk", 1)])).unwrap();
    assert_eq!(till.begin(NOW, draft(2, vec![back(1, 1, "milk", 1)])), Ok(2), "a repeat is one");
    till.commit(NOW, 2, 2).unwrap();
    let row = CounterRow::returnable(edgepos::model::BasketId([1; 16]), 1);
    let floor = till.notices.iter().rev().find_map(|notice| match notice {
        Notice::Recorded { envelope, .. } => {
            envelope.effects.iter().find(|effect| effect.row() == row && effect.delta < 0)?.floor
        }
        _ => None,
    });
    assert_eq!(floor, Some(-3));
}

/// Neither a rounding nor a tax pays out what the lines do not, nor does a document without lines.
#[test]
fn nothing_is_paid_out_beside_what_comes_back() {
    let tax = |base, amount| Tax { code: 1, rate_ppm: 190_000, base, amount, included: false };
    let mut till = Till::new(1, 1, NOW);
    let sale = edgepos::Draft { taxes: vec![tax(300, 57)], ..draft(1, vec![line(1, "milk", 3, 300)]) };
    till.begin(NOW, sale).unwrap();
    till.commit(NOW, 1, 1).unwrap();
    till.sell(NOW, 2, vec![line(1, "bread", 1, 300)]);
    let refund = |sold, product, quantity, taxes: Vec<Tax>, rounding| {
        let lines =
            vec![edgepos::model::Line { amount: -100 * quantity, ..back(sold, 1, product, quantity) }];
        edgepos::Draft { doc_type: DocType::Return, taxes, rounding, ..draft(9, lines) }
    };
    let empty = |doc_type, rounding| edgepos::Draft { doc_type, rounding, ..draft(9, Vec::new()) };
    let exchange =
        edgepos::Draft { doc_type: DocType::Exchange, ..refund(1, "milk", 3, vec![tax(0, -99_600)], 0) };
    for (field, bad) in [
        ("rounding", refund(1, "milk", 3, vec![], -99_600)),
        ("rounding", empty(DocType::Return, -50_000)),
        ("rounding", empty(DocType::Return, -50)),
        ("rounding", empty(DocType::NoSale, -50)),
        ("rounding", empty(DocType::Sale, -50)),
        ("taxes", refund(1, "milk", 3, vec![tax(0, -99_600)], 0)),
        ("taxes", exchange),
        // The receipt of the bread has no such tax, and that of the milk another rate.
        ("taxes", refund(2, "bread", 1, vec![tax(-100, -19)], 0)),
        ("taxes", refund(1, "milk", 1, vec![Tax { rate_ppm: 900_000, ..tax(-100, -90) }], 0)),
        ("lines", draft(9, vec![line(1, "milk", 1, 100), line(2, "coupon", 0, -101)])),
    ] {
        let refused = till.begin(NOW, bad.clone());
        assert!(
            matches!(&refused, Err(Refusal::BadField { field: of, .. }) if *of == field),
            "{bad:?}: {refused:?}"
        );
    }
    till.begin(NOW, refund(1, "milk", 3, vec![tax(-300, -57)], -2)).unwrap();
    assert_eq!(till.commit(NOW, 9, 9).unwrap().0.total, -359);
}

/// A receipt that is still open has sold nothing, and what a till says was sold counts for nothing once the sale is here.
#[test]
fn what_is_not_paid_does_not_come_back() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "tv", 1, 100)])).unwrap();
    let read = edgepos::model::Line { sold: Some(3), ..back(1, 1, "tv", 3) };
    let back = edgepos::Draft { doc_type: DocType::Return, ..draft(2, vec![read]) };
    assert_eq!(till.begin(NOW, back), Err(Refusal::UnpaidReceipt(BasketId([1; 16]))));
}

/// Paper that nobody holds the receipt of is told, whatever the till has read on it, also where the sale then says less.
#[test]
fn what_a_till_has_read_on_paper_is_told() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.cut(2);
    let now = shop.now;
    shop.tills[2].sell(now, 1, vec![line(1, "tv", 1, 100)]);
    let read = edgepos::model::Line { sold: Some(3), ..back(1, 1, "tv", 3) };
    shop.tills[0].begin(now, draft(2, vec![read])).unwrap();
    shop.tills[0].commit(now, 2, 2).unwrap();
    shop.pass(10_000);
    let told = |shop: &Shop| {
        shop.tills[0].terminal.status().exceptions.iter().map(|e| e.exception).collect::<Vec<_>>()
    };
    assert!(told(&shop).contains(&ExceptionType::UNREFERENCED), "{:?}", told(&shop));
    shop.heal();
    shop.pass(10_000);
    let row = CounterRow::returnable(BasketId([1; 16]), 1);
    assert_eq!(shop.tills[1].terminal.counter(&row), Some(-2));
    let stays =
        |kind: &ExceptionType| [ExceptionType::UNREFERENCED, ExceptionType::RETURNED_TWICE].contains(kind);
    assert!(told(&shop).iter().any(stays), "more came back than was sold");
}

/// Turns a bit of the event on the till's disk: of its amounts, its quantities, or its hash. Whether it is the hash's.
fn damage(till: &mut Till, id: EventId, bit: usize) -> bool {
    let key = id.to_key();
    let (key, mut row) = till.disk.scan(Space::Event, &key, &key, u32::MAX).unwrap().remove(0);
    let bit = bit % (row.len() * 8);
    row[bit / 8] ^= 1 << (bit % 8);
    let persist = Persist { id: Default::default(), writes: vec![Write::put(Space::Event, key, row)] };
    till.disk.commit(&[persist]).unwrap();
    bit / 8 < 32
}

/// What was paid and what was sold is read from the event, at whichever bit of it a disk has turned: nothing is paid out by it, no counter
/// moves by it, and once the other till has given it again all is as it was.
#[test]
fn a_damaged_receipt_pays_nothing_back_until_it_is_mended() {
    let line_of = CounterRow::returnable(BasketId([1; 16]), 1);
    for bit in (0..4_000).step_by(97) {
        let mut shop = Shop::new(2);
        shop.elect();
        let now = shop.now;
        let sold = shop.tills[0].sell(now, 1, vec![line(1, "milk", 3, 300)]);
        shop.pass(2_000);
        let now = shop.now;
        let till = &mut shop.tills[1];
        let of_hash = damage(till, sold.event, bit);
        let request = till.request();
        till.terminal.ask_counter(now, request, line_of.clone()).unwrap();
        till.run(now);
        let left = till.replies.remove(&request).unwrap();
        assert!(matches!(left, Err(Refusal::Damaged { .. })), "bit {bit}: {left:?}");
        // A hash follows from the bytes, and is written anew at once; bytes are asked for.
        if !of_hash {
            let refused = till.begin(now, draft(2, vec![back(1, 1, "milk", 2)]));
            assert!(matches!(refused, Err(Refusal::Damaged { .. })), "bit {bit}: {refused:?}");
            assert_eq!(till.terminal.diagnosis(now).damaged, 1, "it is looked into at once");
        }
        shop.pass(5_000);
        let now = shop.now;
        let till = &mut shop.tills[1];
        assert_eq!(
            (till.terminal.diagnosis(now).damaged, till.counter(now, &line_of)),
            (0, Some(3)),
            "bit {bit}"
        );
        till.begin(now, draft(2, vec![back(1, 1, "milk", 2)])).unwrap();
        till.commit(now, 2, 2).unwrap();
        assert_eq!(till.counter(now, &line_of), Some(1), "bit {bit}");
    }
}

/// The hash of the event before the sale is damaged where a return is heard of that somebody else has booked: the line counts once the hash
/// is there again, and nobody has to ask.
#[test]
fn what_was_sold_counts_once_what_stands_before_it_is_mended() {
    let mut shop = Shop::new(2);
    shop.elect();
    let before = shop.sell_milk(0, 1);
    let now = shop.now;
    shop.tills[0].sell(now, 2, vec![line(1, "milk", 3, 300)]);
    shop.pass(2_000);
    damage(&mut shop.tills[1], before.event, 0);
    let now = shop.now;
    shop.tills[0].sell(now, 3, vec![back(2, 1, "milk", 2)]);
    shop.pass(5_000);
    let line_of = CounterRow::returnable(BasketId([2; 16]), 1);
    assert_eq!(shop.tills[1].terminal.counter(&line_of), Some(1));
    assert_eq!(shop.tills[1].terminal.status().exceptions, []);
}
