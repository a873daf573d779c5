//! A payment is on record before the payment terminal is asked, and its outcome after: what was taken is accounted for, whatever happens
//! in between.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{
    ActionCode, BasketId, Envelope, ExceptionRaised, ExceptionType, Kind, Mode, PaymentId, PaymentIntent,
    PaymentOutcome, PaymentState, RefRole, Tender, TenderType, Tenders, TendersError,
};
use edgepos::{Commit, Disk, Draft, Input, Notice, OpenPayment, Receipt, Record, Refusal, Reply};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);

const fn payment(number: u8) -> PaymentId {
    PaymentId([number; 16])
}

fn milk(basket: u8) -> Draft {
    Draft { operator: Some("ann".into()), ..draft(basket, vec![line(1, "milk", 1, 1_000)]) }
}

fn intent(number: u8, basket: u8, amount: i64) -> Record {
    let (payment, basket) = (payment(number), BasketId([basket; 16]));
    Record::payment_intent(PaymentIntent { payment, basket, tender: TenderType::CARD, amount })
}

fn outcome(number: u8, basket: u8, state: PaymentState, amount: i64) -> Record {
    let basket = BasketId([basket; 16]);
    Record::payment_outcome(PaymentOutcome::new(payment(number), basket, state, amount, Some("auth 7")))
}

fn card(number: u8, amount: i64) -> Tender {
    Tender::new(TenderType::CARD, amount, Some("auth 7")).of_payment(payment(number))
}

fn pay(
    till: &mut Till,
    now: Now,
    (basket, key): (u8, u8),
    tenders: Vec<Tender>,
) -> Result<(Receipt, bool), Refusal> {
    let request = till.request();
    let (basket, key) = (BasketId([basket; 16]), IdempotencyKey([key; 16]));
    till.terminal.commit(now, request, Commit { basket, key, tenders: Tenders::new(tenders).unwrap() })?;
    till.run(now);
    match till.replies.remove(&request).unwrap()? {
        Reply::Committed { receipt, repeated } => Ok((receipt, repeated)),
        other => panic!("{other:?}"),
    }
}

fn abandon(till: &mut Till, now: Now, basket: u8) -> Result<(), Refusal> {
    let request = till.request();
    till.terminal.abandon(now, request, BasketId([basket; 16]))?;
    till.run(now);
    till.replies.remove(&request).unwrap().map(drop)
}

/// The payments that are not settled: name, state, what was taken.
fn open(till: &Till) -> Vec<(PaymentId, Option<PaymentState>, i64)> {
    let open = till.terminal.unresolved_payments().into_iter();
    open.map(|open| (open.payment, open.state, open.taken)).collect()
}

fn recorded(till: &Till, kind: Kind) -> Vec<Envelope> {
    let of_kind = |notice: &Notice| match notice {
        Notice::Recorded { envelope, .. } if envelope.kind == kind => Some(envelope.as_ref().clone()),
        _ => None,
    };
    till.notices.iter().filter_map(of_kind).collect()
}

#[test]
fn an_approved_payment_is_booked_and_named() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.record(NOW, intent(1, 1, 1_000)).unwrap();
    assert_eq!(open(&till), [(payment(1), None, 0)]);
    till.record(NOW, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
    assert_eq!(open(&till), [(payment(1), Some(PaymentState::APPROVED), 1_000)]);
    pay(&mut till, NOW, (1, 1), vec![card(1, 1_000)]).unwrap();
    assert_eq!(open(&till), []);
    let sale = recorded(&till, Kind::TRANSACTION).pop().unwrap();
    let named = sale.refs.iter().find(|link| link.role == RefRole::PAYMENT).unwrap();
    assert_eq!(named.id, payment(1).0);
    let steps = [Kind::PAYMENT_INTENT, Kind::PAYMENT_OUTCOME].map(|kind| recorded(&till, kind));
    for step in steps.iter().flatten() {
        assert_eq!(step.operator.as_deref(), Some("ann"), "who sells is on record");
        assert_eq!(step.refs.len(), 2, "basket and payment");
    }
    assert_eq!(open(&till.crash(NOW)), [], "nothing of it is left on disk");
}

/// The intent is durable before the payment terminal is asked: whenever the process ends, somebody can settle it.
#[test]
fn a_crash_leaves_a_list_of_what_must_be_settled() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.writing = false;
    let request = till.request();
    till.terminal.record(NOW, request, intent(1, 1, 1_000)).unwrap();
    till.run(NOW);
    assert!(!till.replies.contains_key(&request), "nobody is told before it is durable");
    till.writing = true;
    till.run(NOW);
    assert!(till.replies.remove(&request).unwrap().is_ok());
    let mut till = till.crash(Now::new(9, WALL + 9));
    let expected = OpenPayment {
        payment: payment(1),
        basket: BasketId([1; 16]),
        tender: TenderType::CARD,
        amount: 1_000,
        state: None,
        taken: 0,
        since_ms: WALL,
        operator: Some("ann".into()),
        terminal: 1,
    };
    assert_eq!(till.terminal.unresolved_payments(), [expected]);
    let baskets = till.terminal.unresolved();
    assert_eq!((baskets[0].lines.len(), baskets[0].operator.as_deref()), (1, Some("ann")));
    // The customer's slip says that it was taken.
    till.record(NOW, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
    let mut till = till.crash(NOW);
    assert_eq!(open(&till), [(payment(1), Some(PaymentState::APPROVED), 1_000)]);
    pay(&mut till, NOW, (1, 1), vec![card(1, 1_000)]).unwrap();
    assert_eq!(open(&till), []);
}

#[test]
fn what_is_asked_for_twice_or_for_nothing_is_refused() {
    let mut till = Till::new(1, 1, NOW);
    let unknown = Err(Refusal::UnknownBasket(BasketId([1; 16])));
    assert_eq!(till.record(NOW, intent(1, 1, 1_000)), unknown);
    till.begin(NOW, milk(1)).unwrap();
    let key = IdempotencyKey([7; 16]);
    let first = till.record(NOW, intent(1, 1, 1_000).with_key(key)).unwrap();
    assert_eq!(till.record(NOW, intent(1, 1, 1_000).with_key(key)), Ok(first), "a repeat is the first");
    assert_eq!(till.record(NOW, intent(1, 1, 1_000)), Err(Refusal::PaymentExists(payment(1))));
    let approved = |number, basket| outcome(number, basket, PaymentState::APPROVED, 1_000);
    let declined = till.record(NOW, outcome(2, 1, PaymentState::DECLINED, 0));
    assert_eq!(declined, Err(Refusal::UnknownPayment(payment(2))), "nothing was taken, and nobody asked");
    assert_eq!(
        till.record(NOW, approved(1, 2)),
        Err(Refusal::UnknownPayment(payment(1))),
        "of another basket"
    );
    let surplus = till.record(NOW, outcome(1, 1, PaymentState::SURPLUS, 1_000));
    assert!(matches!(surplus, Err(Refusal::BadField { field: "state", .. })));
    till.begin(NOW, Draft { mode: Mode::Training, ..milk(3) }).unwrap();
    assert!(matches!(till.record(NOW, intent(3, 3, 1)), Err(Refusal::BadField { field: "basket", .. })));
}

/// Declined, then paid with another card: the first attempt is settled, and nothing is left.
#[test]
fn a_declined_payment_is_no_money() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.record(NOW, intent(1, 1, 1_000)).unwrap();
    till.record(NOW, outcome(1, 1, PaymentState::DECLINED, 0)).unwrap();
    assert_eq!(open(&till), []);
    let mut till = till.crash(NOW);
    let refused = pay(&mut till, NOW, (1, 1), vec![card(1, 1_000)]);
    assert_eq!(refused, Err(Refusal::Tenders(TendersError::NotApproved { payment: payment(1) })));
    till.record(NOW, intent(2, 1, 1_000)).unwrap();
    till.record(NOW, outcome(2, 1, PaymentState::APPROVED, 1_000)).unwrap();
    pay(&mut till, NOW, (1, 1), vec![card(2, 1_000)]).unwrap();
    assert_eq!((open(&till), till.rows(edgepos::core::Space::Payment)), (vec![], 0));
}

/// What an outcome approved is never refused, and never left out in silence.
#[test]
fn a_commit_books_all_that_was_approved() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.record(NOW, intent(1, 1, 1_000)).unwrap();
    // A tip on top, as the payment terminal says.
    till.record(NOW, outcome(1, 1, PaymentState::APPROVED, 1_100)).unwrap();
    let refused = |error| Err(Refusal::Tenders(error));
    let payment = payment(1);
    for (tenders, error) in [
        (vec![Tender::cash(1_000)], TendersError::LeftOut { payment, approved: 1_100 }),
        (vec![card(1, 1_000)], TendersError::OtherAmount { payment, approved: 1_100, given: 1_000 }),
        (vec![card(1, 1_100), card(1, 1_100)], TendersError::NotApproved { payment }),
        (vec![card(1, 1_100), Tender::cash(1_001)], TendersError::Sum { paid: 2_101, total: 1_000 }),
    ] {
        assert_eq!(pay(&mut till, NOW, (1, 1), tenders), refused(error));
        assert_eq!((till.terminal.unresolved().len(), open(&till).len()), (1, 1), "nothing is burnt");
    }
    let (receipt, _) = pay(&mut till, NOW, (1, 1), vec![card(1, 1_100)]).unwrap();
    assert_eq!((receipt.number, receipt.total, open(&till).len()), (1, 1_000, 0));
    let sale = recorded(&till, Kind::TRANSACTION).pop().unwrap();
    let difference = sale.effects.iter().find(|effect| effect.counter.0 == 6).unwrap();
    assert_eq!((difference.delta, difference.floor), (-100, Some(0)), "the tip is an exception");
    // A part is approved, and the rest comes in cash.
    till.begin(NOW, milk(2)).unwrap();
    till.record(NOW, intent(2, 2, 1_000)).unwrap();
    till.record(NOW, outcome(2, 2, PaymentState::APPROVED, 400)).unwrap();
    let short = pay(&mut till, NOW, (2, 2), vec![card(2, 400)]);
    assert_eq!(short, refused(TendersError::Sum { paid: 400, total: 1_000 }));
    pay(&mut till, NOW, (2, 2), vec![card(2, 400), Tender::cash(600)]).unwrap();
}

/// The outcome of what was asked for is taken on a full disk, and the sale after it.
#[test]
fn a_full_disk_refuses_intents_and_no_outcomes() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    let before = till.terminal.promised();
    till.record(NOW, intent(1, 1, 1_000)).unwrap();
    assert!(till.terminal.promised() > before, "the outcome has its room");
    till.terminal.handle(NOW, Input::Disk(Disk { room: 0, ..Disk::default() }));
    assert_eq!(till.record(NOW, intent(2, 1, 1_000)), Err(Refusal::DiskFull));
    till.record(NOW, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
    pay(&mut till, NOW, (1, 1), vec![card(1, 1_000)]).unwrap();
}

#[test]
fn a_basket_that_money_was_taken_for_is_not_given_up() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.record(NOW, intent(1, 1, 1_000)).unwrap();
    till.record(NOW, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
    let basket = BasketId([1; 16]);
    let taken = Err(Refusal::MoneyTaken { basket, payment: payment(1) });
    assert_eq!(abandon(&mut till, NOW, 1), taken);
    let request = till.request();
    assert_eq!(till.terminal.park(NOW, request, basket), taken);
    till.record(NOW, outcome(1, 1, PaymentState::REVERSED, 1_000)).unwrap();
    abandon(&mut till, NOW, 1).unwrap();
    assert_eq!((open(&till), till.rows(edgepos::core::Space::Payment)), (vec![], 0));
}

/// Nobody knows whether the payment terminal took it, and the customer pays in cash: the sale is booked, and the payment stays on the
/// list until somebody says what became of it.
#[test]
fn a_payment_without_an_outcome_outlives_its_basket() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.record(NOW, intent(1, 1, 1_000)).unwrap();
    pay(&mut till, NOW, (1, 1), vec![Tender::cash(1_000)]).unwrap();
    let mut till = till.crash(NOW);
    assert_eq!(open(&till), [(payment(1), None, 0)]);
    till.record(NOW, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
    assert_eq!(open(&till), [(payment(1), Some(PaymentState::SURPLUS), 1_000)], "it was taken as well");
    till.record(NOW, outcome(1, 1, PaymentState::REVERSED, 1_000)).unwrap();
    assert_eq!((open(&till), till.rows(edgepos::core::Space::Payment)), (vec![], 0));
    assert_eq!(
        till.record(NOW, outcome(1, 1, PaymentState::REVERSED, 1_000)),
        Err(Refusal::UnknownPayment(payment(1)))
    );
}

/// Both tills are cut off, and both are paid for one basket. Whoever hears of the other's sale answers with its receipt, and what was
/// taken here stays on the list until it is settled.
#[test]
fn what_was_taken_beside_a_sale_is_a_surplus_under_one_duplicate() {
    for same_key in [true, false] {
        let mut shop = Shop::new(3);
        shop.elect();
        let now = shop.now;
        shop.tills[1].begin(now, milk(1)).unwrap();
        shop.cut(1);
        let now = shop.now;
        shop.tills[0].begin(now, milk(1)).unwrap();
        let (first, _) = pay(&mut shop.tills[0], now, (1, 5), vec![Tender::cash(1_000)]).unwrap();
        shop.tills[1].record(now, intent(1, 1, 1_000)).unwrap();
        shop.tills[1].record(now, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
        shop.heal();
        shop.pass(3_000);
        let now = shop.now;
        let till = &mut shop.tills[1];
        let key = if same_key { 5 } else { 6 };
        for _ in 0..2 {
            assert_eq!(pay(till, now, (1, key), vec![card(1, 1_000)]), Ok((first.clone(), true)));
        }
        assert_eq!(recorded(till, Kind::PAYMENT_OUTCOME).len(), 2, "approved, and a surplus once");
        assert_eq!(open(till), [(payment(1), Some(PaymentState::SURPLUS), 1_000)]);
        assert_eq!(till.terminal.unresolved().len(), 1, "the basket waits until that is settled");
        assert!(matches!(abandon(till, now, 1), Err(Refusal::MoneyTaken { .. })));
        shop.crash(1);
        shop.heal();
        shop.pass(10_000);
        for till in &shop.tills {
            let exceptions = till.terminal.status().exceptions;
            let doubles = exceptions.iter().filter(|raised| raised.exception == ExceptionType::DUPLICATE);
            let involved: Vec<_> = doubles.map(|raised| raised.involved.clone()).collect();
            assert_eq!(involved.len(), 1, "one exception");
            assert_eq!(involved[0].len(), 2);
            assert!(involved[0].contains(&first.event));
        }
        let now = shop.now;
        let till = &mut shop.tills[1];
        till.record(now, outcome(1, 1, PaymentState::REVERSED, 1_000)).unwrap();
        abandon(till, now, 1).unwrap();
        assert_eq!((open(till), till.terminal.unresolved().len()), (vec![], 0));
        assert_eq!(till.rows(edgepos::core::Space::Payment), 0);
    }
}

/// The duplicates that a till knows of, with what is proposed.
fn doubles(till: &Till) -> Vec<(ExceptionRaised, Option<ActionCode>)> {
    let open = till.terminal.open_exceptions(None).into_iter();
    let doubles = open.filter(|open| open.raised.exception == ExceptionType::DUPLICATE);
    doubles.map(|open| (open.raised, open.proposed.map(|proposed| proposed.action))).collect()
}

fn park(till: &mut Till, now: Now, basket: u8) {
    let request = till.request();
    till.terminal.park(now, request, BasketId([basket; 16])).unwrap();
    till.run(now);
    assert_eq!(till.replies.remove(&request).unwrap(), Ok(Reply::Parked));
}

fn claim(till: &mut Till, now: Now, basket: u8) {
    let request = till.request();
    till.terminal.claim(now, request, BasketId([basket; 16])).unwrap();
    till.run(now);
    assert!(matches!(till.replies.remove(&request).unwrap(), Ok(Reply::Claimed { total: 1_000, .. })));
}

/// A store whose first till has asked a payment terminal for a basket, and parked that since.
fn parked_under_a_payment(terminals: u16) -> Shop {
    let mut shop = Shop::new(terminals);
    shop.elect();
    let now = shop.now;
    shop.tills[0].begin(now, milk(1)).unwrap();
    shop.tills[0].record(now, intent(1, 1, 1_000)).unwrap();
    park(&mut shop.tills[0], now, 1);
    shop.pass(3_000);
    shop
}

/// A payment terminal is asked, the basket is parked while it thinks, and paid in cash at the next till: whichever of the two is known
/// first, the store is told that it was paid twice, once, and nobody proposes to void the one sale that there is.
#[test]
fn a_basket_that_is_parked_under_a_payment_and_paid_elsewhere_is_told() {
    for (approved_first, crashes, hears) in [
        (true, false, true),
        (true, true, true),
        (false, false, true),
        (false, true, true),
        (false, false, false),
    ] {
        let what = format!("approved first: {approved_first}, crashes: {crashes}, hears: {hears}");
        let mut shop = parked_under_a_payment(3);
        let now = shop.now;
        claim(&mut shop.tills[1], now, 1);
        if approved_first {
            shop.tills[0].record(now, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
        }
        if !hears {
            shop.cut(0);
        }
        let now = shop.now;
        let (sale, _) = pay(&mut shop.tills[1], now, (1, 5), vec![Tender::cash(1_000)]).unwrap();
        if !approved_first {
            shop.pass(3_000);
            let now = shop.now;
            shop.tills[0].record(now, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
        }
        if crashes {
            shop.crash(0);
        }
        shop.heal();
        shop.pass(10_000);
        shop.elect();
        shop.pass(10_000);
        let surplus = [(payment(1), Some(PaymentState::SURPLUS), 1_000)];
        assert_eq!(open(&shop.tills[0]), surplus, "{what}");
        for till in &shop.tills {
            let [(raised, Some(ActionCode::ACCEPT))] = &doubles(till)[..] else {
                panic!("{what}: {:?}", doubles(till))
            };
            assert_eq!((raised.involved.len(), raised.payments.len()), (2, 1), "{what}");
            assert!(
                raised.involved.contains(&sale.event) && !raised.payments.contains(&sale.event),
                "{what}"
            );
        }
        shop.crash(0);
        shop.heal();
        shop.pass(10_000);
        let now = shop.now;
        assert_eq!(open(&shop.tills[0]), surplus, "{what}: it is said once");
        shop.tills[0].record(now, outcome(1, 1, PaymentState::REVERSED, 1_000)).unwrap();
        assert_eq!(open(&shop.tills[0]), [], "{what}");
    }
}

/// A basket that is parked while it is paid, and comes back to its till: the approved money books it, and nothing is left over.
#[test]
fn a_basket_that_comes_back_is_booked_with_the_payment_that_was_approved_meanwhile() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.record(NOW, intent(1, 1, 1_000)).unwrap();
    park(&mut till, NOW, 1);
    till.record(NOW, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
    let mut till = till.crash(NOW);
    assert_eq!(open(&till), [(payment(1), Some(PaymentState::APPROVED), 1_000)]);
    claim(&mut till, NOW, 1);
    pay(&mut till, NOW, (1, 1), vec![card(1, 1_000)]).unwrap();
    assert_eq!((open(&till), till.rows(edgepos::core::Space::Payment)), (vec![], 0));
    assert_eq!(recorded(&till, Kind::PAYMENT_OUTCOME).len(), 0, "no surplus since the crash");
}

/// Two tills book a basket, and one of them took a card for it besides: the sales are told from the payment.
#[test]
fn of_a_sale_booked_twice_and_paid_three_times_the_later_sale_is_proposed() {
    let mut shop = parked_under_a_payment(3);
    shop.cut(1);
    let now = shop.now;
    let sold = [1, 2].map(|till| {
        claim(&mut shop.tills[till], now, 1);
        pay(&mut shop.tills[till], now, (1, 4 + till as u8), vec![Tender::cash(1_000)]).unwrap().0.event
    });
    shop.tills[0].record(now, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
    shop.heal();
    shop.pass(20_000);
    for till in &shop.tills {
        let all = doubles(till);
        let [(raised, Some(ActionCode::VOID_TRANSACTION))] = &all[..] else { panic!("{all:?}") };
        assert!(sold.iter().all(|sale| raised.involved.contains(sale) && !raised.payments.contains(sale)));
        let proposed = till.terminal.open_exceptions(None)[0].proposed.clone().unwrap();
        assert_eq!(proposed.transaction, sold.iter().max().copied());
    }
}

/// A basket that was paid twice is told; then a till comes back that had sold it as well. The exception ends, and the next one says both.
#[test]
fn a_sale_that_is_heard_of_later_is_told_beside_what_was_paid_twice() {
    for restarts in [false, true] {
        let mut shop = parked_under_a_payment(4);
        shop.cut(3);
        let now = shop.now;
        let sold = [1, 3].map(|till| {
            claim(&mut shop.tills[till], now, 1);
            pay(&mut shop.tills[till], now, (1, 4 + till as u8), vec![Tender::cash(1_000)]).unwrap().0.event
        });
        shop.elect();
        shop.pass(2_000);
        let now = shop.now;
        shop.tills[0].record(now, outcome(1, 1, PaymentState::APPROVED, 1_000)).unwrap();
        shop.pass(10_000);
        let all = doubles(&shop.tills[0]);
        let [(first, Some(ActionCode::ACCEPT))] = &all[..] else { panic!("{all:?}") };
        assert_eq!((first.episode, first.involved.len(), first.payments.len()), (1, 2, 1));
        shop.heal();
        shop.elect();
        if restarts {
            (0..4).for_each(|till| shop.crash(till));
            shop.heal();
            shop.elect();
        }
        shop.pass(40_000);
        for till in &shop.tills {
            let all = doubles(till);
            let [(next, Some(ActionCode::VOID_TRANSACTION))] = &all[..] else { panic!("{all:?}") };
            assert_eq!((next.episode, next.involved.len(), &next.payments), (2, 3, &first.payments));
            assert!(sold.iter().all(|sale| next.involved.contains(sale)));
        }
        shop.pass(40_000);
        assert_eq!(doubles(&shop.tills[0])[0].0.episode, 2, "it stays");
    }
}
