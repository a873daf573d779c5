//! Business days are dates that move forward. A closed day sells nothing more, and closes once.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, Now};
use edgepos::model::{
    BasketId, CashCount, Currency, Kind, Mode, PaymentId, PaymentIntent, PaymentOutcome, PaymentState,
    ShiftId, TenderType,
};
use edgepos::{Notice, Record, Refusal, Reply};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);

fn open(till: &mut Till, day: u32) -> Result<EventId, Refusal> {
    till.record(NOW, Record::day_opened(day, 0))
}

fn close(till: &mut Till, counted: i64) -> Result<EventId, Refusal> {
    till.record(NOW, Record::day_closed(counted))
}

fn milk(basket: u8) -> edgepos::Draft {
    draft(basket, vec![line(1, "milk", 1, 100)])
}

/// The business days of the events of a kind, in order.
fn days(till: &Till, kind: Kind) -> Vec<Option<u32>> {
    let envelopes = till.notices.iter().filter_map(|notice| match notice {
        Notice::Recorded { envelope, .. } => Some(envelope),
        _ => None,
    });
    envelopes.filter(|envelope| envelope.kind == kind).map(|envelope| envelope.business_day).collect()
}

#[test]
fn a_store_that_never_opened_a_day_sells() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 1, 100)]);
    assert_eq!(days(&till, Kind::TRANSACTION), [None]);
    assert!(matches!(close(&mut till, 0), Err(Refusal::Day(_))));
}

#[test]
fn only_later_dates_of_the_calendar_open() {
    let mut till = Till::new(1, 1, NOW);
    for day in [0, 20_261_332, 20_260_230, 20_250_229, 99_999_999, 2_026_112] {
        assert_eq!(open(&mut till, day), Err(Refusal::NoDate { field: "day", given: day }));
    }
    let named = Refusal::NoDate { field: "day", given: 20_260_230 }.to_string();
    assert_eq!(named, "day: 20260230 is no date of the calendar, as yyyymmdd");
    open(&mut till, 20_261_128).unwrap();
    assert!(matches!(open(&mut till, 20_261_129), Err(Refusal::Day(_))), "one is open");
    close(&mut till, 0).unwrap();
    let mut till = till.crash(NOW);
    for day in [20_261_128, 20_251_128, 19_700_101] {
        assert!(matches!(open(&mut till, day), Err(Refusal::Day(_))), "{day}");
    }
    open(&mut till, 20_261_129).unwrap();
}

#[test]
fn a_closed_day_sells_nothing_and_nothing_after_it_says_it() {
    let mut till = Till::new(1, 1, NOW);
    open(&mut till, 20_261_128).unwrap();
    till.sell(NOW, 1, vec![line(1, "milk", 1, 100)]);
    close(&mut till, 100).unwrap();
    let refused = Err(Refusal::DayClosed(20_261_128));
    assert_eq!(till.begin(NOW, milk(2)), refused);
    assert_eq!(till.begin(NOW, edgepos::Draft { mode: Mode::Training, ..milk(3) }), refused);
    till.record(NOW, Record::custom(vec![1], Vec::new())).unwrap();
    assert_eq!(days(&till, Kind::CUSTOM), [None]);
    let mut till = till.crash(NOW);
    assert_eq!(till.begin(NOW, milk(2)), refused);
    open(&mut till, 20_261_129).unwrap();
    assert_eq!(till.begin(NOW, milk(2)), Ok(2), "the refused ones took no number");
    till.commit(NOW, 2, 2).unwrap();
    assert_eq!(days(&till, Kind::TRANSACTION), [Some(20_261_129)]);
}

#[test]
fn open_baskets_keep_a_day_open() {
    let mut till = Till::new(1, 1, NOW);
    open(&mut till, 20_261_128).unwrap();
    till.begin(NOW, milk(1)).unwrap();
    let request = till.ask_commit(NOW, 1, 1).unwrap();
    let closing = till.record(NOW, Record::day_closed(0));
    assert!(matches!(closing, Err(Refusal::Day(_))), "while it is being paid");
    till.run(NOW);
    assert!(till.replies.remove(&request).unwrap().is_ok());
    close(&mut till, 0).unwrap();
    assert_eq!(days(&till, Kind::TRANSACTION), [Some(20_261_128)]);
}

#[test]
fn a_repeated_close_gets_the_first_answer() {
    let mut till = Till::new(1, 1, NOW);
    open(&mut till, 20_261_128).unwrap();
    let first = close(&mut till, 500).unwrap();
    assert_eq!(close(&mut till, 500), Ok(first));
    assert!(matches!(close(&mut till, 501), Err(Refusal::Day(_))), "another count is another close");
    let mut till = till.crash(NOW);
    assert_eq!(close(&mut till, 500), Ok(first));
    open(&mut till, 20_261_129).unwrap();
    let second = close(&mut till, 500).unwrap();
    assert_ne!(second, first);
    assert_eq!(close(&mut till, 500), Ok(second));
}

#[test]
fn a_trainee_opens_no_day() {
    let mut till = Till::new(1, 1, NOW);
    let training = |record: Record| {
        let mut record = record;
        record.mode = Mode::Training;
        record
    };
    assert!(matches!(till.record(NOW, training(Record::day_opened(20_261_128, 0))), Err(Refusal::Day(_))));
    open(&mut till, 20_261_128).unwrap();
    assert!(matches!(till.record(NOW, training(Record::day_closed(0))), Err(Refusal::Day(_))));
    let twice = vec![CashCount::new(Currency::EUR, 1), CashCount::new(Currency::EUR, 2)];
    let refused = till.record(NOW, Record::day_closed_with(0, twice));
    assert!(matches!(refused, Err(Refusal::BadField { field: "cash", .. })));
    assert!(matches!(close(&mut till, -1), Err(Refusal::BadField { .. })));
}

/// A leap day is a day like any other, and is in leap years alone.
#[test]
fn a_leap_day_is_opened_and_closed() {
    let mut till = Till::new(1, 1, NOW);
    for day in [20_280_228, 20_280_229, 20_280_301] {
        open(&mut till, day).unwrap();
        close(&mut till, 0).unwrap();
    }
    assert_eq!(open(&mut till, 20_290_229), Err(Refusal::NoDate { field: "day", given: 20_290_229 }));
}

/// Nobody could open a day before it any more, at any till of a store whose day it is.
#[test]
fn a_year_that_was_mistyped_is_refused() {
    let mut till = Till::new(1, 1, NOW);
    open(&mut till, 20_261_128).unwrap();
    close(&mut till, 0).unwrap();
    for day in [20_291_129, 20_361_129, 20_621_129, 99_991_231] {
        assert!(matches!(open(&mut till, day), Err(Refusal::Day(_))), "{day}");
    }
    open(&mut till, 20_281_231).unwrap();
}

fn claim(till: &mut Till, basket: u8) -> Result<Reply, Refusal> {
    let request = till.request();
    till.terminal.claim(NOW, request, BasketId([basket; 16]))?;
    till.run(NOW);
    till.replies.remove(&request).unwrap()
}

/// What is open goes on at the next day, under a number of that day; a trainee's is gone, and the numbers are voided.
#[test]
fn a_close_parks_what_is_open_where_it_is_asked_to() {
    let mut till = Till::new(1, 1, NOW);
    open(&mut till, 20_261_128).unwrap();
    till.begin(NOW, milk(1)).unwrap();
    till.begin(NOW, milk(2)).unwrap();
    till.begin(NOW, edgepos::Draft { mode: Mode::Training, ..milk(3) }).unwrap();
    assert!(matches!(close(&mut till, 0), Err(Refusal::Day(_))), "it is not asked to");
    assert_eq!(till.terminal.unresolved().len(), 3);
    let closed = till.record(NOW, Record::day_closed(0).parking()).unwrap();
    assert!(till.terminal.unresolved().is_empty());
    assert_eq!(days(&till, Kind::BASKET_PARKED), [Some(20_261_128); 2]);
    assert_eq!(days(&till, Kind::NUMBER_VOIDED), [Some(20_261_128); 2]);
    // Killed between the close and its answer: the same question has the same answer.
    let mut till = till.crash(NOW);
    assert_eq!(till.record(NOW, Record::day_closed(0).parking()), Ok(closed));
    assert_eq!(claim(&mut till, 1), Err(Refusal::DayClosed(20_261_128)));
    open(&mut till, 20_261_129).unwrap();
    assert!(matches!(claim(&mut till, 1), Ok(Reply::Claimed { number: 3, total: 100, .. })));
    till.knows_total(BasketId([1; 16]), 100);
    till.commit(NOW, 1, 1).unwrap();
    assert_eq!(days(&till, Kind::TRANSACTION), [Some(20_261_129)]);
}

/// Money that was taken is never put aside: the close says which basket it is, and parks none.
#[test]
fn a_basket_with_money_is_not_parked_by_a_close() {
    let mut till = Till::new(1, 1, NOW);
    open(&mut till, 20_261_128).unwrap();
    till.begin(NOW, milk(1)).unwrap();
    till.begin(NOW, milk(2)).unwrap();
    let (payment, basket) = (PaymentId([9; 16]), BasketId([2; 16]));
    let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 100 };
    till.record(NOW, Record::payment_intent(intent)).unwrap();
    let outcome = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, 100, None);
    till.record(NOW, Record::payment_outcome(outcome)).unwrap();
    let refused = till.record(NOW, Record::day_closed(0).parking());
    assert_eq!(refused, Err(Refusal::MoneyTaken { basket, payment }));
    assert_eq!(till.terminal.unresolved().len(), 2, "and none is parked");
    assert_eq!(till.terminal.status().business_day, Some(20_261_128));
}

/// A disk is put back to the noon of a day that was closed at night. What the others hold of that day tells the till that it is closed, and
/// so is the shift: its close stays the one that there was.
#[test]
fn a_disk_that_is_put_back_hears_that_its_day_is_closed() {
    let mut shop = Shop::new(3);
    shop.elect();
    let (now, shift) = (shop.now, ShiftId([7; 16]));
    let cash = |amount| vec![CashCount::new(Currency::EUR, amount)];
    shop.tills[0].record(now, Record::day_opened(20_261_202, 0)).unwrap();
    shop.tills[0].record(now, Record::shift_opened(shift, None, cash(5_000))).unwrap();
    shop.sell_milk(0, 1);
    shop.pass(2_000);
    let image = shop.tills[0].disk.clone();
    let now = shop.now;
    shop.tills[0].record(now, Record::shift_closed(shift, cash(5_050))).unwrap();
    shop.tills[0].record(now, Record::day_closed(5_050)).unwrap();
    shop.pass(2_000);
    shop.put_back(0, image, 7);
    let now = shop.now;
    shop.tills[0].begin(now, milk(2)).expect("nobody has told it yet");
    shop.tills[0].commit(now, 2, 2).unwrap();
    shop.heal();
    shop.pass(20_000);
    for _ in 0..2 {
        let now = shop.now;
        assert_eq!(shop.tills[0].begin(now, milk(3)), Err(Refusal::DayClosed(20_261_202)));
        let again = shop.tills[0].record(now, Record::shift_closed(shift, cash(9)));
        assert!(matches!(again, Err(Refusal::Day(_))), "{again:?}");
        shop.crash(0);
        shop.heal();
        shop.pass(5_000);
    }
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(20_261_203, 0)).unwrap();
    shop.tills[0].begin(now, milk(3)).unwrap();
}
