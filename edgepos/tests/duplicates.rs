//! What was booked more than once is one exception, and is resolved by taking one of them back.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, IdempotencyKey};
use edgepos::model::{ActionCode, CashMoved, CashReason, Currency, ExceptionRaised, ExceptionType, Kind};
use edgepos::{Action, Record, Refusal, Resolve, ResolveError};
use support::resolving::{call, goods, of_kind, open, record, resolve, stock};
use support::{Shop, back, draft, line};

/// A basket that two tills booked, which could not hear each other.
fn booked_twice() -> (Shop, [EventId; 2], ExceptionRaised) {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.pass(1_000);
    record(&mut shop, goods(10));
    shop.cut(1);
    let now = shop.now;
    let sold = [0, 1].map(|till| shop.tills[till].sell(now, 7, vec![line(1, "milk", 2, 200)]).event);
    shop.heal();
    shop.elect();
    shop.pass(4_000);
    let raised = shop.tills[2].terminal.status().exceptions;
    assert_eq!((raised.len(), raised[0].exception), (1, ExceptionType::DUPLICATE), "{raised:?}");
    assert_eq!(stock(&shop.tills[2]).0, 6);
    (shop, sold, raised[0].clone())
}

#[test]
fn a_duplicate_is_resolved_by_voiding_one_of_its_sales() {
    let (mut shop, sold, raised) = booked_twice();
    let proposed = shop.tills[0].terminal.open_exceptions(None)[0].proposed.clone().unwrap();
    assert_eq!(
        (proposed.action, proposed.transaction),
        (ActionCode::VOID_TRANSACTION, sold.iter().max().copied())
    );
    let void = |key, transaction| Resolve {
        exception: raised.subject().to_vec(),
        ..call(key, 1, Action::VoidTransaction { transaction, refund: true, approved_by: "Bo".into() })
    };
    let of = resolve(&mut shop, 2, &void(1, sold[1])).unwrap();
    for till in &shop.tills {
        assert_eq!((stock(till).0, open(till)), (8, vec![]));
        assert_eq!(
            of_kind(till, Kind::TRANSACTION).len(),
            2,
            "both sales, with their tenders, stay to be seen"
        );
    }
    shop.crash(0);
    shop.heal();
    shop.elect();
    shop.pass(5_000);
    assert_eq!(open(&shop.tills[0]), [], "it is not raised again");
    let now = shop.now;
    let three = shop.tills[0].begin(now, draft(8, vec![back(7, 1, "milk", 3)]));
    assert_eq!(three, Err(Refusal::NotReturnable { line: 1, remaining: 2 }), "of the sale that stands");
    assert!(shop.tills[0].begin(now, draft(9, vec![back(7, 1, "milk", 2)])).is_ok());
    let undo = Resolve { exception: raised.subject().to_vec(), ..call(2, 1, Action::Undo { of }) };
    resolve(&mut shop, 0, &undo).unwrap();
    for till in &shop.tills {
        assert_eq!((stock(till).0, open(till)), (6, vec![(2, 2)]), "booked twice again, and told again");
    }
}

/// Two tills that cannot hear each other record one thing under one key; the store's exception, and what each till proposes.
fn recorded_twice(thing: &Record) -> (Shop, ExceptionRaised, Vec<ActionCode>) {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.pass(1_000);
    shop.cut(1);
    let now = shop.now;
    for till in 0..2 {
        shop.tills[till].record(now, thing.clone().with_key(IdempotencyKey([9; 16]))).unwrap();
    }
    shop.heal();
    shop.elect();
    shop.pass(6_000);
    let raised = shop.tills[2].terminal.status().exceptions;
    assert_eq!((raised.len(), raised[0].exception), (1, ExceptionType::DUPLICATE), "{raised:?}");
    let proposed =
        shop.tills.iter().map(|till| till.terminal.open_exceptions(None)[0].proposed.clone().unwrap());
    let proposed = proposed.map(|advice| advice.action).collect();
    (shop, raised[0].clone(), proposed)
}

/// Goods that came once and were booked at two tills: one of the bookings is taken back, and its undoing brings it back.
#[test]
fn goods_that_were_booked_twice_are_voided_as_a_sale_is() {
    let (mut shop, raised, proposed) = recorded_twice(&goods(10));
    assert_eq!(proposed, [ActionCode::ACCEPT; 3], "each may have happened");
    assert_eq!(stock(&shop.tills[2]).0, 20);
    let transaction = raised.involved[1];
    let void = Action::VoidTransaction { transaction, refund: false, approved_by: "Bo".into() };
    let void = Resolve { exception: raised.subject().to_vec(), ..call(1, 1, void) };
    let of = resolve(&mut shop, 2, &void).unwrap();
    for till in &shop.tills {
        assert_eq!((stock(till).0, open(till)), (10, vec![]));
    }
    let undo = Resolve { exception: raised.subject().to_vec(), ..call(2, 1, Action::Undo { of }) };
    resolve(&mut shop, 0, &undo).unwrap();
    for till in &shop.tills {
        assert_eq!((stock(till).0, open(till)), (20, vec![(2, 2)]));
    }
}

/// What else is recorded under a key is in more than counters: nobody proposes what would be refused.
#[test]
fn what_cannot_be_voided_is_not_proposed_to_be() {
    let cash = CashMoved::new(CashReason::PAY_OUT, Currency::EUR, 500).from_drawer("front");
    let (mut shop, raised, proposed) = recorded_twice(&Record::cash_moved(cash, None));
    assert_eq!(proposed, [ActionCode::ACCEPT; 3]);
    let transaction = raised.involved[1];
    let void = Action::VoidTransaction { transaction, refund: true, approved_by: "Bo".into() };
    let void = Resolve { exception: raised.subject().to_vec(), ..call(1, 1, void) };
    let refused = resolve(&mut shop, 2, &void);
    assert!(matches!(refused, Err(Refusal::Resolve(ResolveError::BadTransaction { .. }))), "{refused:?}");
}
