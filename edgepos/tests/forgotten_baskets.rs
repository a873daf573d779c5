//! Baskets that nobody ends leave memory and not the disk: they stop no till, and each can still be paid.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now, Space};
use edgepos::model::{
    BasketId, CounterRow, Kind, PaymentId, PaymentIntent, PaymentOutcome, PaymentState, Tender, TenderType,
    Tenders,
};
use edgepos::{Commit, Config, Draft, MemoryStore, OpenBasket, Record, Refusal, Reply};
use support::{Till, WALL, back, config, draft, line};

const NOW: Now = Now::new(0, WALL);
/// Baskets that may be in memory at once.
const LIMIT: usize = 10;

fn id(no: u16) -> BasketId {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&no.to_be_bytes());
    BasketId(id)
}

fn sale(no: u16) -> Draft {
    Draft { basket: id(no), ..draft(0, vec![line(1, "milk", 1, 100)]) }
}

fn small() -> Config {
    Config { max_open_baskets: LIMIT, ..config(1, 1) }
}

fn open() -> Till {
    Till::open(small(), MemoryStore::new(), NOW)
}

/// A till where so many customers have left.
fn forgetful(count: u16) -> Till {
    let mut till = open();
    for no in 1..=count {
        assert_eq!(till.begin(NOW, sale(no)), Ok(no.into()), "a forgotten basket stops no till");
        assert!(in_memory(&till) <= LIMIT);
    }
    till
}

fn in_memory(till: &Till) -> usize {
    till.terminal.unresolved().len()
}

/// Every open basket, page by page.
fn unresolved(till: &mut Till) -> Vec<OpenBasket> {
    let (mut all, mut after): (Vec<OpenBasket>, _) = (Vec::new(), None);
    loop {
        let request = till.request();
        till.terminal.ask_baskets(NOW, request, after).unwrap();
        till.run(NOW);
        match till.replies.remove(&request).expect("read").unwrap() {
            Reply::Unresolved { baskets, next: Some(next) } => {
                all.extend(baskets);
                after = Some(next);
            }
            Reply::Unresolved { .. } => return all,
            other => panic!("{other:?}"),
        }
    }
}

fn answer(till: &mut Till, ask: impl FnOnce(&mut Till, edgepos::RequestId)) -> Result<Reply, Refusal> {
    let request = till.request();
    ask(till, request);
    till.run(NOW);
    till.replies.remove(&request).expect("answered")
}

fn pay(till: &mut Till, no: u16, tenders: impl Into<Tenders>) -> Result<u64, Refusal> {
    let commit = Commit { basket: id(no), key: IdempotencyKey(id(no).0), tenders: tenders.into() };
    match answer(till, |till, request| till.terminal.commit(NOW, request, commit).unwrap())? {
        Reply::Committed { receipt, .. } => Ok(receipt.number),
        other => panic!("{other:?}"),
    }
}

#[test]
fn thousands_stop_no_till_and_each_can_be_paid_also_after_a_restart() {
    const MANY: u16 = 5_000;
    let mut till = forgetful(MANY);
    assert_eq!(till.terminal.status().open_baskets, usize::from(MANY));
    let listed = unresolved(&mut till);
    let names: Vec<BasketId> = listed.iter().map(|open| open.basket).collect();
    assert_eq!(names, (1..=MANY).map(id).collect::<Vec<_>>(), "each once, by rising id");
    let said = |open: &OpenBasket| (open.number, open.total, open.begun_ms, open.terminal);
    assert!(listed.iter().zip(1..).all(|(open, no)| said(open) == (no, 100, WALL, 1)));
    assert_eq!(pay(&mut till, 7, Tender::cash(100)), Ok(7), "under the number that it was begun with");
    let mut till = till.crash(NOW);
    assert!(in_memory(&till) <= LIMIT, "a start remembers no more");
    assert_eq!(till.terminal.status().open_baskets, usize::from(MANY) - 1);
    assert_eq!(pay(&mut till, 8, Tender::cash(100)), Ok(8));
    assert_eq!(pay(&mut till, 7, Tender::cash(100)), Ok(7), "a repeat");
    assert_eq!(till.begin(NOW, sale(MANY + 1)), Ok(u64::from(MANY) + 1), "no number is given twice");
    assert_eq!(unresolved(&mut till).len(), usize::from(MANY) - 1);
    assert_eq!(till.rows(Space::Basket), usize::from(MANY) - 1);
    assert!(in_memory(&till) <= LIMIT);
    assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(-2), "two are sold, once each");
}

/// Space for them does not add up: what is set aside is what those in memory may write, and one more.
#[test]
fn what_is_set_aside_is_bounded() {
    let mut till = open();
    for no in 1..=LIMIT as u16 + 1 {
        till.begin(NOW, sale(no)).unwrap();
    }
    let promised = till.terminal.promised();
    for no in 100..400 {
        till.begin(NOW, sale(no)).unwrap();
    }
    // Larger numbers have more bytes.
    let bound = promised..promised + 100 * LIMIT as u64;
    assert!(bound.contains(&till.terminal.promised()), "{} for {promised}", till.terminal.promised());
    assert!(bound.contains(&till.crash(NOW).terminal.promised()));
}

#[test]
fn whatever_is_asked_of_one_is_answered_as_if_it_had_never_left() {
    let mut till = forgetful(100);
    assert_eq!(till.begin(NOW, sale(1)), Ok(1), "a repeat has its number");
    let other = Draft { lines: vec![line(1, "wine", 1, 700)], ..sale(2) };
    assert_eq!(till.begin(NOW, other.clone()), Err(Refusal::BasketExists(id(2))));
    let changed = answer(&mut till, |till, request| till.terminal.update(NOW, request, other).unwrap());
    assert_eq!(changed, Err(Refusal::UnknownBasket(id(2))).or(Ok(Reply::Begun { number: 2, total: 700 })));
    let mut ended = |no, ask: fn(&mut Till, edgepos::RequestId, BasketId)| {
        answer(&mut till, |till, request| ask(till, request, id(no)))
    };
    let abandon = |till: &mut Till, request, basket| till.terminal.abandon(NOW, request, basket).unwrap();
    let park = |till: &mut Till, request, basket| till.terminal.park(NOW, request, basket).unwrap();
    let claim = |till: &mut Till, request, basket| till.terminal.claim(NOW, request, basket).unwrap();
    assert_eq!(ended(3, abandon), Ok(Reply::Abandoned));
    assert_eq!(ended(3, abandon), Err(Refusal::UnknownBasket(id(3))));
    assert_eq!(ended(4, park), Ok(Reply::Parked));
    assert!(matches!(ended(4, claim), Ok(Reply::Claimed { number: 101, total: 100, .. })));
    assert!(matches!(ended(5, claim), Ok(Reply::Claimed { number: 5, .. })), "it is open here");
    assert_eq!(pay(&mut till, 2, Tender::cash(700)), Ok(2));
    assert_eq!(pay(&mut till, 999, Tender::cash(100)), Err(Refusal::UnknownBasket(id(999))));
    assert_eq!(unresolved(&mut till).len(), 98);
}

/// Calls that come while it is being read wait together, and it is booked once.
#[test]
fn calls_for_one_wait_together() {
    let mut till = forgetful(100);
    let (commit, repeat, update) = (till.request(), till.request(), till.request());
    let paid = || Commit { basket: id(1), key: IdempotencyKey([9; 16]), tenders: Tender::cash(100).into() };
    till.terminal.commit(NOW, commit, paid()).unwrap();
    till.terminal.update(NOW, update, sale(1)).unwrap();
    till.terminal.commit(NOW, repeat, paid()).unwrap();
    till.run(NOW);
    let of = |till: &mut Till, request| till.replies.remove(&request).expect("answered");
    assert!(matches!(of(&mut till, commit), Ok(Reply::Committed { repeated: false, .. })));
    assert!(matches!(of(&mut till, repeat), Ok(Reply::Committed { repeated: true, .. })));
    assert!(of(&mut till, update).is_err(), "it is being committed");
    assert_eq!(till.rows(Space::BookedBasket), 1);
}

/// What is read of a basket that has ended is never taken for one that is open, however late the disk shows it.
#[test]
fn one_that_has_ended_does_not_come_back() {
    let mut till = forgetful(100);
    // In memory: its end is not on disk yet when it is asked for.
    till.writing = false;
    let request = {
        let request = till.request();
        let commit =
            Commit { basket: id(100), key: IdempotencyKey(id(100).0), tenders: Tender::cash(100).into() };
        till.terminal.commit(NOW, request, commit).unwrap();
        request
    };
    till.run(NOW);
    let again = till.request();
    till.terminal.begin(NOW, again, sale(100)).unwrap();
    till.run(NOW);
    assert!(!till.replies.contains_key(&again), "that it is booked is not said before it is durable");
    till.writing = true;
    till.run(NOW);
    assert!(matches!(till.replies.remove(&request), Some(Ok(Reply::Committed { .. }))));
    assert!(matches!(till.replies.remove(&again), Some(Err(Refusal::BasketBooked(_)))));
    assert_eq!(unresolved(&mut till).len(), 99);
}

#[test]
fn payments_of_one_are_recorded_and_booked() {
    let mut till = forgetful(100);
    let (payment, basket) = (PaymentId([5; 16]), id(1));
    let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 100 };
    let keyed = Record::payment_intent(intent).with_key(IdempotencyKey([5; 16]));
    till.record(NOW, keyed).unwrap();
    // The payment terminal takes its time, and others are served meanwhile.
    for no in 200..250 {
        till.begin(NOW, sale(no)).unwrap();
    }
    let mut till = till.crash(NOW);
    let outcome = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, 100, None);
    till.record(NOW, Record::payment_outcome(outcome)).unwrap();
    let request = till.request();
    let left = till.terminal.abandon(NOW, request, basket);
    assert_eq!(left, Err(Refusal::MoneyTaken { basket, payment }));
    assert!(matches!(pay(&mut till, 1, Tender::cash(100)), Err(Refusal::Tenders(_))));
    assert_eq!(pay(&mut till, 1, Tender::new(TenderType::CARD, 100, None).of_payment(payment)), Ok(1));
    assert_eq!(till.terminal.unresolved_payments(), []);
}

#[test]
fn a_day_is_not_closed_over_them_and_parks_them_where_it_shall() {
    let mut till = open();
    till.record(NOW, Record::day_opened(20_231_114, 0)).unwrap();
    for no in 1..=500 {
        till.begin(NOW, sale(no)).unwrap();
    }
    let mut till = till.crash(NOW);
    assert!(matches!(till.record(NOW, Record::day_closed(0)), Err(Refusal::Day(_))));
    assert_eq!(till.terminal.status().open_baskets, 500);
    till.record(NOW, Record::day_closed(0).parking()).unwrap();
    assert_eq!((till.terminal.status().open_baskets, till.rows(Space::Basket)), (0, 0));
    let parked = support::envelopes(&till.disk).into_iter();
    assert_eq!(parked.filter(|(_, envelope)| envelope.kind == Kind::BASKET_PARKED).count(), 500);
    assert_eq!(till.begin(NOW, sale(900)), Err(Refusal::DayClosed(20_231_114)));
}

/// A till that repeats yesterday's close, since it never heard its answer, gets that, and today's baskets stay open.
#[test]
fn a_repeated_close_parks_nothing_of_the_next_day() {
    let mut till = open();
    let close = || Record::day_closed(0).parking().with_key(IdempotencyKey([0xC1; 16]));
    till.record(NOW, Record::day_opened(20_231_114, 0)).unwrap();
    for no in 1..=50 {
        till.begin(NOW, sale(no)).unwrap();
    }
    let closed = till.record(NOW, close()).unwrap();
    let parked = |till: &Till| {
        let events = support::envelopes(&till.disk).into_iter();
        events.filter(|(_, envelope)| envelope.kind == Kind::BASKET_PARKED).count()
    };
    assert_eq!((parked(&till), till.terminal.status().open_baskets), (50, 0), "under a key as without one");
    till.record(NOW, Record::day_opened(20_231_115, 0)).unwrap();
    for no in 101..=150 {
        till.begin(NOW, sale(no)).unwrap();
    }
    assert_eq!(till.record(NOW, close()).unwrap(), closed);
    assert_eq!((parked(&till), till.terminal.status().open_baskets), (50, 50));
    let other = Record::day_closed(5).parking().with_key(IdempotencyKey([0xC1; 16]));
    assert_eq!(till.record(NOW, other), Err(Refusal::KeyInUse { event: closed }));
    assert_eq!(till.terminal.status().open_baskets, 50);
    let mut till = till.crash(NOW);
    assert_eq!(till.record(NOW, close()).unwrap(), closed);
    assert_eq!((parked(&till), till.terminal.status().business_day), (50, Some(20_231_115)));
}

/// One with money taken for it keeps the day open, wherever it is.
#[test]
fn a_day_with_money_in_one_stays_open() {
    let mut till = open();
    till.record(NOW, Record::day_opened(20_231_114, 0)).unwrap();
    till.begin(NOW, sale(1)).unwrap();
    let (payment, basket) = (PaymentId([5; 16]), id(1));
    let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 100 };
    till.record(NOW, Record::payment_intent(intent)).unwrap();
    let outcome = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, 100, None);
    till.record(NOW, Record::payment_outcome(outcome)).unwrap();
    for no in 2..=50 {
        till.begin(NOW, sale(no)).unwrap();
    }
    let close = till.record(NOW, Record::day_closed(0).parking());
    assert_eq!(close, Err(Refusal::MoneyTaken { basket, payment }));
    assert_eq!(pay(&mut till, 1, Tender::new(TenderType::CARD, 100, None).of_payment(payment)), Ok(1));
    till.record(NOW, Record::day_closed(0).parking()).unwrap();
}

/// Those that take goods back leave last: what they take is kept back from others as long as they are in memory.
#[test]
fn returns_leave_last() {
    let mut till = open();
    let sold = till.sell(NOW, 9, vec![line(1, "milk", 3, 300)]);
    assert_eq!(sold.number, 1);
    till.begin(NOW, draft(1, vec![back(9, 1, "milk", 2)])).unwrap();
    for no in 100..200 {
        till.begin(NOW, sale(no)).unwrap();
    }
    let second = till.begin(NOW, draft(2, vec![back(9, 1, "milk", 2)]));
    assert!(matches!(second, Err(Refusal::NotReturnable { remaining: 1, .. })), "{second:?}");
}

/// A row that cannot be read is told to whoever asks for it, and nothing is begun in its place.
#[test]
fn damage_is_told() {
    let mut till = forgetful(100);
    let (payment, basket) = (PaymentId([5; 16]), id(1));
    let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 100 };
    till.record(NOW, Record::payment_intent(intent)).unwrap();
    for no in 101..=200 {
        till.begin(NOW, sale(no)).unwrap();
    }
    let mut disk = till.disk.clone();
    let write = edgepos::core::Write::put(Space::Basket, id(1).0, [0xFF]);
    let spoilt = edgepos::core::Persist { id: edgepos::core::PersistId(0), writes: vec![write] };
    edgepos::Store::commit(&mut disk, &[spoilt]).unwrap();
    till.disk = disk;
    assert!(matches!(till.begin(NOW, sale(1)), Err(Refusal::Damaged { .. })));
    assert!(matches!(pay(&mut till, 1, Tender::cash(100)), Err(Refusal::Damaged { .. })));
    let outcome = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, 100, None);
    till.record(NOW, Record::payment_outcome(outcome)).unwrap();
    assert_eq!(pay(&mut till, 2, Tender::cash(100)), Ok(2));
}

/// What waits for one basket goes on in order, each behind what the call before it has recorded.
#[test]
fn a_payment_asked_for_while_its_basket_is_read_is_booked() {
    let mut till = forgetful(100);
    let (payment, basket) = (PaymentId([5; 16]), id(1));
    let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 100 };
    let outcome = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, 100, None);
    let card = Tender::new(TenderType::CARD, 100, None).of_payment(payment);
    let paid = Commit { basket, key: IdempotencyKey([9; 16]), tenders: card.into() };
    let (begun, approved, committed) = (till.request(), till.request(), till.request());
    till.terminal.record(NOW, begun, Record::payment_intent(intent)).unwrap();
    till.terminal.record(NOW, approved, Record::payment_outcome(outcome)).unwrap();
    till.terminal.commit(NOW, committed, paid).unwrap();
    till.run(NOW);
    let of = |till: &mut Till, request| till.replies.remove(&request).expect("answered");
    assert!(matches!(of(&mut till, begun), Ok(Reply::Recorded(_))));
    assert!(matches!(of(&mut till, approved), Ok(Reply::Recorded(_))), "its intent came before it");
    assert!(matches!(of(&mut till, committed), Ok(Reply::Committed { .. })));
    assert_eq!(till.terminal.unresolved_payments(), []);
}

/// One that ends while others wait for it has ended for them too: the row that was read is of before.
#[test]
fn a_basket_that_is_given_up_while_it_is_read_is_not_booked() {
    let mut till = forgetful(100);
    let (given_up, committed) = (till.request(), till.request());
    let paid = Commit { basket: id(1), key: IdempotencyKey([9; 16]), tenders: Tender::cash(100).into() };
    till.terminal.abandon(NOW, given_up, id(1)).unwrap();
    till.terminal.commit(NOW, committed, paid).unwrap();
    till.run(NOW);
    assert!(matches!(till.replies.remove(&given_up), Some(Ok(Reply::Abandoned))));
    assert!(matches!(till.replies.remove(&committed), Some(Err(Refusal::UnknownBasket(_)))));
    assert_eq!((till.rows(Space::BookedBasket), unresolved(&mut till).len()), (0, 99));
}
