//! Each drawer has a counter for each currency, and a count makes it say what was counted.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{
    BasketId, CashCount, Counter, CounterRow, Currency, Effect, StockState, Tender, Tenders,
};
use edgepos::{Commit, Draft, Record, Refusal, Reply};
use support::{Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);
const JPY: &str = "JPY";

fn pay(till: &mut Till, basket: u8, currency: Currency, tenders: Tenders) -> Result<(), Refusal> {
    let total = tenders.as_slice().iter().map(|tender| tender.amount).sum::<i64>() - tenders.change();
    till.begin(NOW, Draft { currency, ..draft(basket, vec![line(1, "milk", 1, total)]) })?;
    let request = till.request();
    let commit = Commit { basket: BasketId([basket; 16]), key: IdempotencyKey([basket; 16]), tenders };
    till.terminal.commit(NOW, request, commit)?;
    till.run(NOW);
    till.replies.remove(&request).unwrap().map(|reply| assert!(matches!(reply, Reply::Committed { .. })))
}

fn cash(till: &Till) -> Vec<(String, i64)> {
    let rows = till.terminal.counters().into_iter().filter(|value| value.row.counter == Counter::CASH);
    rows.map(|value| (String::from_utf8(value.row.key).unwrap(), value.value)).collect()
}

fn named(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
}

#[test]
fn no_counter_is_a_sum_of_two_currencies() {
    let mut till = Till::new(1, 1, NOW);
    let yen = JPY.parse().unwrap();
    pay(&mut till, 1, Currency::EUR, Tender::cash(1_995).into()).unwrap();
    pay(&mut till, 2, Currency::USD, Tender::cash(1_000).into()).unwrap();
    pay(&mut till, 3, yen, Tender::cash(1_000).into()).unwrap();
    let back = Tenders::from(Tender::cash(5_000)).with_change(4_000);
    pay(&mut till, 4, Currency::EUR, back.in_drawer(Some("front".into()))).unwrap();
    let rows = [
        ("front/EUR", 1_000),
        ("terminal-1/EUR", 1_995),
        ("terminal-1/JPY", 1_000),
        ("terminal-1/USD", 1_000),
    ];
    assert_eq!(cash(&till), named(&rows));
    for name in ["", " front", "a\nb", &"x".repeat(65)] {
        let tenders = Tenders::from(Tender::cash(1)).in_drawer(Some(name.into()));
        assert!(matches!(
            pay(&mut till, 5, Currency::EUR, tenders),
            Err(Refusal::BadField { field: "drawer", .. })
        ));
    }
    assert_eq!(cash(&till.crash(NOW)), named(&rows));
}

#[test]
fn float_and_counts_move_the_drawers() {
    let mut till = Till::new(1, 1, NOW);
    let float = vec![
        CashCount::new(Currency::EUR, 10_000),
        CashCount { drawer: Some("front".into()), ..CashCount::new(Currency::USD, 500) },
    ];
    till.record(NOW, Record::day_opened_with(20_261_128, 10_000, float)).unwrap();
    pay(&mut till, 1, Currency::EUR, Tender::cash(1_000).into()).unwrap();
    assert_eq!(cash(&till), named(&[("front/USD", 500), ("terminal-1/EUR", 11_000)]));
    // 1.00 is missing, and the counter says what is there.
    till.record(NOW, Record::day_closed_with(0, vec![CashCount::new(Currency::EUR, 10_900)])).unwrap();
    assert_eq!(cash(&till), named(&[("front/USD", 500), ("terminal-1/EUR", 10_900)]));
    till.record(NOW, Record::day_opened(20_261_129, 10_000)).unwrap();
    assert_eq!(cash(&till), named(&[("front/USD", 500), ("terminal-1/EUR", 10_900)]), "no currency is named");
}

/// A row that a version before wrote stays what it is: nobody adds to it, and nobody takes it for a currency.
#[test]
fn a_row_of_before_is_read_and_moved_no_more() {
    let mut till = Till::new(1, 1, NOW);
    let key = b"terminal-1".to_vec();
    let old = CounterRow { counter: Counter::CASH, location: 0, state: StockState::OnHand, key };
    till.record(NOW, Record::custom(Vec::new(), vec![Effect::new(old.clone(), 700, None)])).unwrap();
    let mut till = till.crash(NOW);
    pay(&mut till, 1, Currency::EUR, Tender::cash(1_000).into()).unwrap();
    assert_eq!(cash(&till), named(&[("terminal-1", 700), ("terminal-1/EUR", 1_000)]));
    assert_eq!(old.currency(), None);
}
