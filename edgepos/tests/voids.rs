//! A receipt is taken back as a whole: goods, money, taxes, points, gift cards and coupons, once.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, IdempotencyKey, Now};
use edgepos::model::{
    BasketId, Counter, CounterRow, Currency, DocType, Effect, ExceptionType, Line, Mode, OriginalLine,
    StockState, Tax, Tender, TenderType, Tenders, TendersError, Transaction,
};
use edgepos::{Commit, Draft, Notice, Receipt, Refusal, Reply};
use support::{Shop, Till, WALL, back, draft, line};

const NOW: Now = Now::new(0, WALL);

fn row(counter: Counter) -> CounterRow {
    CounterRow { counter, location: 0, state: StockState::OnHand, key: b"c9".to_vec() }
}

fn tax(base: i64, amount: i64) -> Tax {
    Tax { code: 1, rate_ppm: 190_000, base, amount, included: false }
}

/// Goods, a service and a coupon, with a tax on top, a rounding, points, a gift card that is loaded, a coupon that is used up and a counter
/// of the vendor's.
fn everything(basket: u8) -> Draft {
    let goods = [line(1, "milk", 2, 200), line(2, "repair", 0, 500), line(3, "coupon", 0, -50)];
    let effects = [
        (Counter::POINTS, 7),
        (Counter::STORED_VALUE, 1_000),
        (Counter::COUPON_USE, -1),
        (Counter(0x8001), 3),
    ];
    Draft {
        taxes: vec![tax(650, 124)],
        rounding: 1,
        customer: Some("c9".into()),
        effects: effects.map(|(counter, delta)| Effect::new(row(counter), delta, None)).to_vec(),
        ..draft(basket, goods.to_vec())
    }
}

fn void(basket: u8, receipt: u8) -> Draft {
    let voids = Some(BasketId([receipt; 16]));
    Draft { doc_type: DocType::Void, series: "R".into(), voids, ..draft(basket, Vec::new()) }
}

fn counted(till: &Till) -> Vec<(u16, i64)> {
    till.terminal.counters().into_iter().map(|value| (value.row.counter.0, value.value)).collect()
}

fn booked(till: &Till, of: EventId) -> Transaction {
    let of_it = |notice: &Notice| match notice {
        Notice::Recorded { id, envelope } if *id == of => minicbor::decode(&envelope.body).ok(),
        _ => None,
    };
    till.notices.iter().find_map(of_it).unwrap()
}

#[test]
fn a_void_is_what_its_receipt_says_the_other_way_round() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, everything(1)).unwrap();
    till.commit(NOW, 1, 1).unwrap();
    let mut till = till.crash(NOW);
    till.begin(NOW, void(2, 1)).unwrap();
    assert_eq!(till.begin(NOW, void(2, 1)), Ok(1), "a repeat is the first");
    let (receipt, _) = till.commit(NOW, 2, 2).unwrap();
    assert_eq!(receipt.total, -775);
    let voided = booked(&till, receipt.event);
    let said: Vec<_> = voided.lines.iter().map(|line| (line.no, line.quantity, line.amount)).collect();
    assert_eq!(said, [(1, -2, -200), (2, 0, -500), (3, 0, 50)]);
    assert_eq!((voided.taxes, voided.rounding), (vec![tax(-650, -124)], -1));
    assert_eq!(voided.customer.as_deref(), Some("c9"));
    let left = counted(&till).into_iter().filter(|(counter, value)| *counter != 7 && *value != 0);
    assert_eq!(left.collect::<Vec<_>>(), [], "neither goods nor money, points or cards are left");
    let again = till.begin(NOW, void(3, 1));
    assert_eq!(
        again,
        Err(Refusal::Overdrawn { counter: Counter::STORED_VALUE, left: 0 }),
        "the card is empty"
    );
    let part = till.begin(NOW, draft(4, vec![back(1, 1, "milk", 1)]));
    assert_eq!(part, Err(Refusal::NotReturnable { line: 1, remaining: 0 }));
}

/// What the till says of a void itself is what the receipt says, or nothing is taken back.
#[test]
fn a_void_that_says_something_else_is_refused() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, everything(1)).unwrap();
    till.commit(NOW, 1, 1).unwrap();
    let original = |no| Some(OriginalLine { basket: BasketId([1; 16]), line: no });
    let whole = vec![
        Line { original: original(1), reason: Some("wrong customer".into()), ..line(1, "milk", -2, -200) },
        Line { original: original(2), ..line(2, "repair", 0, -500) },
        Line { original: original(3), ..line(3, "coupon", 0, 50) },
    ];
    let with = |lines: &[Line]| Draft { lines: lines.to_vec(), ..void(2, 1) };
    let dearer = [whole[..2].to_vec(), vec![Line { amount: 0, ..whole[2].clone() }]].concat();
    let other = [whole.clone(), vec![Line { no: 4, ..back(9, 1, "milk", 1) }]].concat();
    let kept = Effect::new(row(Counter::POINTS), 0, None);
    for (what, bad) in [
        ("a part", with(&whole[..1])),
        ("for more money", with(&dearer)),
        ("with another receipt", with(&other)),
        ("other taxes", Draft { taxes: vec![tax(-650, -125)], ..void(2, 1) }),
        ("another rounding", Draft { rounding: 1, ..void(2, 1) }),
        ("the points stay", Draft { effects: vec![kept], ..void(2, 1) }),
        ("no receipt", Draft { voids: None, ..void(2, 1) }),
        ("one that is not here", void(2, 8)),
        ("a void in name alone", Draft { voids: None, lines: vec![line(1, "milk", -1, -100)], ..void(2, 1) }),
        ("a sale that voids", Draft { doc_type: DocType::Sale, ..void(2, 1) }),
    ] {
        let refused = till.begin(NOW, bad);
        assert!(matches!(refused, Err(Refusal::BadField { .. })), "{what}: {refused:?}");
    }
    till.begin(NOW, Draft { voids: None, ..with(&whole) }).unwrap();
    let (receipt, _) = till.commit(NOW, 2, 2).unwrap();
    assert_eq!(booked(&till, receipt.event).lines[0].reason.as_deref(), Some("wrong customer"));
    let of_void = till.begin(NOW, void(3, 2));
    assert!(matches!(of_void, Err(Refusal::BadField { field: "voids", .. })), "{of_void:?}");
}

#[test]
fn what_cannot_be_taken_back_any_more_refuses_the_void() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, everything(1)).unwrap();
    till.commit(NOW, 1, 1).unwrap();
    let spends = Effect::new(row(Counter::STORED_VALUE), -400, Some(0));
    till.begin(NOW, Draft { effects: vec![spends], ..draft(2, vec![line(1, "milk", 1, 100)]) }).unwrap();
    till.commit(NOW, 2, 2).unwrap();
    let spent = till.begin(NOW, void(3, 1));
    assert_eq!(spent, Err(Refusal::Overdrawn { counter: Counter::STORED_VALUE, left: 600 }));
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 3, 300)]);
    till.sell(NOW, 2, vec![back(1, 1, "milk", 1)]);
    assert_eq!(till.begin(NOW, void(3, 1)), Err(Refusal::NotReturnable { line: 1, remaining: 2 }));
    till.sell(NOW, 6, vec![line(1, "milk", 3, 300)]);
    till.begin(NOW, void(7, 6)).unwrap();
    assert_eq!(
        till.begin(NOW, void(8, 6)),
        Err(Refusal::NotReturnable { line: 1, remaining: 0 }),
        "an open void"
    );
    till.commit(NOW, 7, 7).unwrap();
    assert_eq!(till.begin(NOW, void(8, 6)), Err(Refusal::NotReturnable { line: 1, remaining: 0 }));
    let trained = Draft { mode: Mode::Training, ..draft(4, vec![line(1, "milk", 1, 100)]) };
    till.begin(NOW, trained).unwrap();
    till.commit(NOW, 4, 4).unwrap();
    assert!(matches!(till.begin(NOW, void(5, 4)), Err(Refusal::BadLine { .. })), "a trainee's receipt");
}

fn pay(till: &mut Till, basket: u8, tenders: Tenders) -> Result<Receipt, Refusal> {
    let request = till.request();
    let (basket, key) = (BasketId([basket; 16]), IdempotencyKey([basket; 16]));
    till.terminal.commit(NOW, request, Commit { basket, key, tenders })?;
    till.run(NOW);
    match till.replies.remove(&request).unwrap()? {
        Reply::Committed { receipt, .. } => Ok(receipt),
        other => panic!("{other:?}"),
    }
}

/// What a gift card paid goes back on the card, and not into the customer's hand besides.
#[test]
fn what_a_card_paid_goes_back_on_the_card_alone() {
    let stored = |amount| Tender::new(TenderType::STORED_VALUE, amount, None);
    let load = Effect::new(row(Counter::STORED_VALUE), 500, Some(0));
    for at_begin in [true, false] {
        let mut till = Till::new(1, 1, NOW);
        till.begin(NOW, Draft { effects: vec![load.clone()], ..draft(9, vec![line(1, "card", 1, 500)]) })
            .unwrap();
        till.commit(NOW, 9, 9).unwrap();
        let taken = vec![Effect::new(row(Counter::STORED_VALUE), -200, Some(0))];
        let sale = draft(1, vec![line(1, "milk", 2, 300)]);
        let paid = Tenders::new(vec![stored(200), Tender::cash(100)]).unwrap();
        if at_begin {
            till.begin(NOW, Draft { effects: taken, ..sale }).unwrap();
            pay(&mut till, 1, paid).unwrap();
        } else {
            till.begin(NOW, sale).unwrap();
            pay(&mut till, 1, paid.with_effects(taken)).unwrap();
        }
        till.begin(NOW, void(2, 1)).unwrap();
        let again = vec![Effect::new(row(Counter::STORED_VALUE), 200, None)];
        let both = Tenders::new(vec![stored(-200), Tender::cash(-100)]).unwrap();
        for bad in [
            Tenders::from(Tender::cash(-300)),
            Tenders::from(stored(-300)),
            Tenders::new(vec![stored(-100), Tender::cash(-200)]).unwrap(),
            both.clone().with_effects(again),
        ] {
            let refused = pay(&mut till, 2, bad.clone());
            let refused = matches!(refused, Err(Refusal::Tenders(TendersError::OnCards { .. })));
            assert!(refused, "{bad:?}");
        }
        pay(&mut till, 2, both).unwrap();
        assert_eq!(till.terminal.counter(&row(Counter::STORED_VALUE)), Some(500));
        assert_eq!(till.terminal.counter(&CounterRow::cash("terminal-1", Currency::EUR)), Some(500));
    }
}

/// A sale that was booked with a difference is not paid back as if it had been paid.
#[test]
fn what_was_not_paid_as_it_was_booked_is_not_voided() {
    let mut till = Till::new(1, 1, NOW);
    till.config.book_differences = true;
    let mut till = till.crash(NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 2, 258)])).unwrap();
    pay(&mut till, 1, Tender::cash(200).into()).unwrap();
    let refused = till.begin(NOW, void(2, 1));
    assert!(matches!(refused, Err(Refusal::BadField { field: "voids", .. })), "{refused:?}");
}

/// Two tills that cannot hear each other void one receipt: the store is told, of goods and of a service alike.
#[test]
fn two_voids_of_one_receipt_raise_an_exception() {
    for (sold, raises) in [
        (line(1, "milk", 2, 200), ExceptionType::RETURNED_TWICE),
        (line(1, "repair", 0, 500), ExceptionType::REFUNDED_TWICE),
    ] {
        let mut shop = Shop::new(3);
        shop.elect();
        let now = shop.now;
        shop.tills[0].sell(now, 1, vec![sold]);
        shop.pass(2_000);
        shop.cut(1);
        let now = shop.now;
        for till in [1, 2] {
            shop.tills[till].begin(now, void(till as u8 + 1, 1)).unwrap();
            shop.tills[till].commit(now, till as u8 + 1, till as u8 + 1).unwrap();
        }
        shop.heal();
        shop.elect();
        shop.pass(10_000);
        for till in &shop.tills {
            let raised = till.terminal.status().exceptions;
            let raised: Vec<_> = raised.iter().map(|raised| raised.exception).collect();
            assert_eq!(raised, [raises]);
        }
    }
}
