//! What is paid comes to what is owed: anything else is refused by the first commit, and the right payments book.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{BasketId, Envelope, Tender, TenderType, Tenders, TendersError, Transaction};
use edgepos::{Commit, Notice, Refusal, Reply};
use support::{Till, WALL, back, draft, line};

const NOW: Now = Now::new(0, WALL);

fn pay(till: &mut Till, basket: u8, tenders: Tenders) -> Result<u64, Refusal> {
    let request = till.request();
    let commit = Commit { basket: BasketId([basket; 16]), key: IdempotencyKey([basket; 16]), tenders };
    till.terminal.commit(NOW, request, commit)?;
    till.run(NOW);
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
