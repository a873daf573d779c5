//! What is paid comes to what is owed: anything else is refused by the first commit, and the right payments book.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{
    BasketId, CounterRow, Envelope, ExceptionType, Tender, TenderType, Tenders, TendersError, Transaction,
};
use edgepos::{Commit, Notice, Refusal, Reply};
use support::{Shop, Till, WALL, back, draft, line};

const NOW: Now = Now::new(0, WALL);

fn pay(till: &mut Till, basket: u8, tenders: Tenders) -> Result<u64, Refusal> {
    pay_at(till, NOW, basket, tenders)
}

fn pay_at(till: &mut Till, now: Now, basket: u8, tenders: Tenders) -> Result<u64, Refusal> {
    let request = till.request();
    let commit = Commit { basket: BasketId([basket; 16]), key: IdempotencyKey([basket; 16]), tenders };
    till.terminal.commit(now, request, commit)?;
    till.run(now);
    match till.replies.remove(&request).unwrap()? {
        Reply::Committed { receipt, .. } => Ok(receipt.number),
        other => panic!("{other:?}"),
    }
}

fn cash(amounts: &[i64], change: i64) -> Tenders {
    let tenders = amounts.iter().map(|amount| Tender::cash(*amount)).collect();
    Tenders::new(tenders).unwrap().with_change(change)
}

/// All money in all drawers.
fn drawer(till: &Till) -> i64 {
    let cash = till.terminal.counters().into_iter().filter(|value| value.row.counter.0 == 5);
    cash.map(|value| value.value).sum()
}

#[test]
fn what_does_not_come_to_the_total_books_nothing_and_the_right_payments_do() {
    let mut till = Till::new(1, 1, NOW);
    assert_eq!(till.begin(NOW, draft(1, vec![line(1, "milk", 1, 1_000)])), Ok(1));
    let sum = |paid| Err(Refusal::Tenders(TendersError::Sum { paid, total: 1_000 }));
    let limit = 1_000_000_000_000;
    for (tenders, refused) in [
        (cash(&[1], 0), sum(1)),
        (cash(&[], 0), sum(0)),
        (cash(&[999], 0), sum(999)),
        (cash(&[5_000], 0), sum(5_000)),
        (cash(&[5_000], 4_001), sum(999)),
        (cash(&[1_000], 1_000), sum(0)),
        (cash(&[-1_000], 0), sum(-1_000)),
        (cash(&[500], -500), Err(Refusal::Tenders(TendersError::NegativeChange(-500)))),
        (cash(&[1_000], i64::MIN), Err(Refusal::Tenders(TendersError::NegativeChange(i64::MIN)))),
        (cash(&[i64::MAX, 1_001 - i64::MAX], 0), Err(Refusal::Tenders(TendersError::TooLarge { limit }))),
        (cash(&[i64::MIN], 0), Err(Refusal::Tenders(TendersError::TooLarge { limit }))),
    ] {
        assert_eq!(pay(&mut till, 1, tenders), refused);
        assert_eq!((till.terminal.unresolved().len(), drawer(&till)), (1, 0), "the basket stays open");
    }
    assert_eq!(pay(&mut till, 1, cash(&[5_000], 4_000)), Ok(1), "key and number are still the basket's");
    assert_eq!((till.terminal.unresolved().len(), drawer(&till)), (0, 1_000));
    assert_eq!(pay(&mut till, 1, cash(&[1], 0)), Ok(1), "a repeat gets the receipt, whatever it pays");
}

/// A store that says so books what does not add up: the sale stands, and the difference is one exception, whichever way it is.
#[test]
fn a_difference_is_booked_by_policy_and_told() {
    let mut shop = Shop::with(3, |config| config.book_differences = true);
    shop.elect();
    let now = shop.now;
    let milk = || vec![line(1, "milk", 1, 1_000)];
    for (basket, tenders) in [(1, cash(&[999], 0)), (2, cash(&[5_000], 3_990)), (3, cash(&[1_000], 0))] {
        shop.tills[0].begin(now, draft(basket, milk())).unwrap();
        pay_at(&mut shop.tills[0], now, basket, tenders).unwrap();
    }
    assert_eq!(drawer(&shop.tills[0]), 999 + 1_010 + 1_000);
    let refused = pay_of_new_basket(&mut shop.tills[0], now, cash(&[i64::MAX], 0));
    assert!(matches!(refused, Err(Refusal::Tenders(TendersError::TooLarge { .. }))), "no shop takes that");
    shop.pass(10_000);
    for till in &shop.tills {
        let exceptions = till.terminal.status().exceptions;
        let differences: Vec<_> = exceptions
            .iter()
            .filter(|raised| raised.exception == ExceptionType::TENDER_DIFFERENCE)
            .map(|raised| (raised.row().unwrap(), raised.value, raised.floor, raised.involved.len()))
            .collect();
        let row = |basket| CounterRow::difference(BasketId([basket; 16]));
        assert_eq!(differences, [(row(1), -1, 0, 1), (row(2), -10, 0, 1)]);
    }
}

fn pay_of_new_basket(till: &mut Till, now: Now, tenders: Tenders) -> Result<u64, Refusal> {
    till.begin(now, draft(9, vec![line(1, "milk", 1, 1_000)])).unwrap();
    pay_at(till, now, 9, tenders)
}

#[test]
fn change_is_on_record_and_leaves_the_drawer() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 1, 1_000)])).unwrap();
    let card = Tender::new(TenderType::CARD, 600, None);
    let tenders = Tenders::new(vec![card, Tender::cash(500)]).unwrap().with_change(100);
    assert_eq!(pay(&mut till, 1, tenders), Ok(1));
    assert_eq!(drawer(&till), 400);
    let transaction = till.notices.iter().find_map(|notice| match notice {
        Notice::Recorded { envelope, .. } => transaction(envelope),
        _ => None,
    });
    assert_eq!(transaction.unwrap().change, Some(100));
}

fn transaction(envelope: &Envelope) -> Option<Transaction> {
    minicbor::decode(&envelope.body).ok()
}

#[test]
fn nothing_is_paid_for_nothing_and_returns_pay_out() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 2, 0)])).unwrap();
    assert_eq!(pay(&mut till, 1, Tenders::default()), Ok(1));
    till.begin(NOW, draft(2, vec![back(9, 1, "milk", 3)])).unwrap();
    assert!(pay(&mut till, 2, cash(&[300], 0)).is_err(), "money comes in for goods that come back");
    assert_eq!(pay(&mut till, 2, cash(&[-300], 0)), Ok(2));
    assert_eq!(drawer(&till), -300);
}
