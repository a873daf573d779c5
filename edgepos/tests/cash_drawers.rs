//! Each drawer has a counter for each currency, and a count makes it say what was counted.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{
    BasketId, Body, CashCount, CashMoved, CashReason, Counter, CounterRow, Currency, Effect, Mode, ShiftId,
    StockState, Tender, Tenders,
};
use edgepos::{Commit, CountedDrawer, DayFigures, Draft, MAX_SHIFTS, Record, Refusal, Reply};
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

const DAY: u32 = 20_261_128;

fn moved(reason: CashReason, amount: i64) -> CashMoved {
    CashMoved::new(reason, Currency::EUR, amount)
}

fn euros(amount: i64) -> Vec<CashCount> {
    vec![CashCount::new(Currency::EUR, amount)]
}

fn figures(till: &Till) -> DayFigures {
    DayFigures::from_store(&till.disk, DAY, None, till.terminal.durable()).unwrap()
}

fn by(till: &mut Till, operator: Option<&str>, basket: u8, amount: i64) {
    let operator = operator.map(Into::into);
    till.begin(NOW, Draft { operator, ..draft(basket, vec![line(1, "milk", 1, amount)]) }).unwrap();
    let request = till.request();
    let tenders = Tender::cash(amount).into();
    let commit = Commit { basket: BasketId([basket; 16]), key: IdempotencyKey([basket; 16]), tenders };
    till.terminal.commit(NOW, request, commit).unwrap();
    till.run(NOW);
    assert!(till.replies.remove(&request).unwrap().is_ok());
}

/// Money that moves without a sale goes from drawer to drawer, and stands in the figures of the day by its reason.
#[test]
fn cash_moves_between_drawers_with_a_reason() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened_with(DAY, 0, euros(10_000))).unwrap();
    let mut record = |moved: CashMoved| till.record(NOW, Record::cash_moved(moved, Some("Ada".into())));
    record(moved(CashReason::FLOAT, 2_000)).unwrap();
    record(moved(CashReason::PAY_OUT, 350)).unwrap();
    record(moved(CashReason::SKIM, 5_000).into_drawer("safe")).unwrap();
    record(moved(CashReason::TRANSFER, 100).into_drawer("front")).unwrap();
    record(moved(CashReason::TRANSFER, 40).from_drawer("front")).unwrap();
    record(CashMoved::new(CashReason::PAY_IN, Currency::USD, 7)).unwrap();
    for (bad, field) in [
        (moved(CashReason::FLOAT, 0), "amount"),
        (moved(CashReason::FLOAT, -1), "amount"),
        (moved(CashReason::FLOAT, 1_000_000_000_001), "amount"),
        (moved(CashReason(9), 1), "reason"),
        (moved(CashReason::TRANSFER, 1), "to"),
        (moved(CashReason::TRANSFER, 1).into_drawer("terminal-1"), "to"),
        (moved(CashReason::SKIM, 1).into_drawer(" safe"), "to"),
        (CashMoved { note: Some("x".repeat(257)), ..moved(CashReason::SKIM, 1) }, "note"),
    ] {
        let refused = record(bad.clone());
        assert!(matches!(refused, Err(Refusal::BadField { field: of, .. }) if of == field), "{bad:?}");
    }
    record(CashMoved { note: Some("4111 1111 1111 1111".into()), ..moved(CashReason::PAY_IN, 1) }).unwrap();
    let noted =
        support::envelopes(&till.disk).into_iter().filter_map(|(_, envelope)| match envelope.read_body() {
            Ok(Body::CashMoved(CashMoved { note: Some(note), from: None, to: Some(to), .. })) => {
                Some((note, to))
            }
            _ => None,
        });
    assert_eq!(
        noted.collect::<Vec<_>>(),
        [("**** **** **** 1111".into(), "terminal-1".into())],
        "what is free text is masked"
    );
    let mut trainee = Record::cash_moved(moved(CashReason::SKIM, 1), None);
    trainee.mode = Mode::Training;
    assert!(matches!(till.record(NOW, trainee), Err(Refusal::Day(_))));
    // 100.00 + 20.00 - 3.50 - 50.00 - 1.00 + 0.40 + 0.01
    let rows = [("front/EUR", 60), ("safe/EUR", 5_000), ("terminal-1/EUR", 6_591), ("terminal-1/USD", 7)];
    assert_eq!(cash(&till), named(&rows));
    let till = till.crash(NOW);
    assert_eq!(cash(&till), named(&rows));
    let day = figures(&till);
    let [euros, dollars] = &day.figures.currencies[..] else { panic!("{day:?}") };
    let movements: Vec<_> = euros.movements.iter().map(|of| (of.reason, of.movements, of.amount)).collect();
    let expected = [
        (CashReason::FLOAT, 1, 2_000),
        (CashReason::PAY_IN, 1, 1),
        (CashReason::PAY_OUT, 1, 350),
        (CashReason::SKIM, 1, 5_000),
        (CashReason::TRANSFER, 2, 140),
    ];
    assert_eq!(movements, expected);
    let drawers: Vec<_> =
        euros.drawers.iter().map(|of| (of.drawer.as_str(), of.cash, of.moved_in, of.moved_out)).collect();
    let expected = [("front", 0, 100, 40), ("safe", 0, 5_000, 0), ("terminal-1", 0, 2_041, 5_450)];
    assert_eq!(drawers, expected);
    assert_eq!((dollars.movements[0].amount, dollars.total, day.figures.transactions), (7, 0, 0));
}

/// A repeat under one key moves nothing; something else under it is refused.
#[test]
fn a_repeated_move_moves_nothing() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened_with(DAY, 0, euros(10_000))).unwrap();
    let skim = |amount| {
        let moved = moved(CashReason::SKIM, amount).into_drawer("safe");
        Record::cash_moved(moved, None).with_key(IdempotencyKey([7; 16]))
    };
    let first = till.record(NOW, skim(500)).unwrap();
    let mut till = till.crash(NOW);
    assert_eq!(till.record(NOW, skim(500)).unwrap(), first);
    assert!(matches!(till.record(NOW, skim(501)), Err(Refusal::KeyInUse { .. })));
    assert_eq!(cash(&till), named(&[("safe/EUR", 500), ("terminal-1/EUR", 9_500)]));
    let shift = ShiftId([1; 16]);
    let open = || Record::shift_opened(shift, None, euros(9_400)).with_key(IdempotencyKey([8; 16]));
    let opened = till.record(NOW, open()).unwrap();
    assert_eq!(till.record(NOW, open()).unwrap(), opened, "the counter has moved since");
    let close = || Record::shift_closed(shift, euros(9_300)).with_key(IdempotencyKey([9; 16]));
    let closed = till.record(NOW, close()).unwrap();
    assert_eq!(till.record(NOW, close()).unwrap(), closed, "it is open no more");
}

/// Each cashier's shift has its own sales and moves, what it began with, and what was missing at its end.
#[test]
fn a_shift_has_the_sales_of_its_cashier_and_the_difference_at_its_end() {
    let mut till = Till::new(1, 1, NOW);
    let (ada, bob) = (ShiftId([1; 16]), ShiftId([2; 16]));
    let early = till.record(NOW, Record::shift_opened(ada, Some("Ada".into()), euros(10_000)));
    assert!(matches!(early, Err(Refusal::Day(_))), "no day is open");
    till.record(NOW, Record::day_opened(DAY, 0)).unwrap();
    by(&mut till, Some("Ada"), 1, 50);
    till.record(NOW, Record::shift_opened(ada, Some("Ada".into()), euros(10_000))).unwrap();
    till.record(NOW, Record::shift_opened(bob, Some("Bob".into()), Vec::new())).unwrap();
    for (shift, operator) in [(ada, Some("Eve")), (ShiftId([3; 16]), Some("Ada"))] {
        let again = Record::shift_opened(shift, operator.map(Into::into), Vec::new());
        assert!(
            matches!(till.record(NOW, again), Err(Refusal::Day(_))),
            "{shift} is open, or its cashier's is"
        );
    }
    let mut till = till.crash(NOW);
    let open: Vec<_> =
        till.terminal.status().open_shifts.into_iter().map(|of| (of.shift, of.operator)).collect();
    assert_eq!(open, [(ada, Some("Ada".to_owned())), (bob, Some("Bob".to_owned()))]);
    by(&mut till, Some("Ada"), 2, 258);
    by(&mut till, Some("Bob"), 3, 100);
    by(&mut till, None, 4, 9);
    let skim = moved(CashReason::SKIM, 5_000).into_drawer("safe");
    till.record(NOW, Record::cash_moved(skim, Some("Ada".into()))).unwrap();
    // 100.00 + 2.58 + 1.00 + 0.09 - 50.00, of which 0.17 are missing.
    till.record(NOW, Record::shift_closed(ada, euros(5_350))).unwrap();
    by(&mut till, Some("Ada"), 5, 1);
    let day = figures(&till);
    assert_eq!(day.figures.currencies[0].total, 418, "all sales");
    let [of_ada, of_bob] = &day.shifts[..] else { panic!("{:?}", day.shifts) };
    assert_eq!((of_ada.shift, of_ada.terminal, of_ada.operator.as_deref()), (ada, 1, Some("Ada")));
    let sums = &of_ada.figures.currencies[0];
    assert_eq!((of_ada.figures.transactions, sums.total, sums.movements[0].amount), (1, 258, 5_000));
    let counted = CountedDrawer {
        drawer: "terminal-1".into(),
        currency: Currency::EUR,
        opening: Some(10_000),
        expected: 5_367,
        counted: 5_350,
        difference: -17,
    };
    assert_eq!((&of_ada.drawers[..], of_ada.closed.is_some()), (&[counted][..], true));
    assert_eq!((of_bob.figures.currencies[0].total, of_bob.closed.is_none()), (100, true));
    assert_eq!(cash(&till), named(&[("safe/EUR", 5_000), ("terminal-1/EUR", 5_351)]));
    let gone = till.record(NOW, Record::shift_closed(ada, Vec::new()));
    assert!(matches!(gone, Err(Refusal::Day(_))), "it is closed");
    // A drawer is counted when the day is closed: the shift is of that day.
    till.record(NOW, Record::day_closed(0)).unwrap();
    till.record(NOW, Record::shift_closed(bob, Vec::new())).unwrap();
    assert!(figures(&till).shifts[1].closed.is_some());
    assert!(till.terminal.status().open_shifts.is_empty());
}

/// Whoever has no shift of their own sells in the one that is nobody's; and a terminal has only so many.
#[test]
fn a_terminal_has_one_shift_for_all_or_a_few() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened(DAY, 0)).unwrap();
    till.record(NOW, Record::shift_opened(ShiftId([0; 16]), None, Vec::new())).unwrap();
    by(&mut till, Some("Ada"), 1, 50);
    by(&mut till, None, 2, 60);
    assert_eq!(figures(&till).shifts[0].figures.currencies[0].total, 110);
    for number in 1..MAX_SHIFTS as u8 {
        let operator = Some(format!("operator {number}"));
        till.record(NOW, Record::shift_opened(ShiftId([number; 16]), operator, Vec::new())).unwrap();
    }
    let one_more = Record::shift_opened(ShiftId([99; 16]), Some("Zoe".into()), Vec::new());
    assert!(matches!(till.record(NOW, one_more), Err(Refusal::Full { what: "open shifts", .. })));
    for operator in ["", "4111111111111111"] {
        let named = Record::shift_opened(ShiftId([98; 16]), Some(operator.into()), Vec::new());
        assert!(matches!(till.record(NOW, named), Err(Refusal::BadField { field: "operator", .. })));
    }
}
