//! A payment terminal says that it took money, and this disk does not know that it was asked: it was put back, or is another box's. The
//! money is on record all the same, in a sale or on the list of what must be settled, and never twice.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, IdempotencyKey, Now, Space};
use edgepos::model::{
    BasketId, ExceptionType, Kind, PaymentId, PaymentIntent, PaymentOutcome, PaymentState, Tender,
    TenderType, Tenders, TendersError,
};
use edgepos::{Commit, Notice, Receipt, Record, Refusal, Reply};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);
const CARD: PaymentId = PaymentId([9; 16]);
const BASKET: BasketId = BasketId([1; 16]);

fn outcome(state: PaymentState, amount: i64) -> Record {
    Record::payment_outcome(PaymentOutcome::new(CARD, BASKET, state, amount, Some("auth 7")))
}

fn approved() -> Record {
    outcome(PaymentState::APPROVED, 1_000)
}

fn intent() -> Record {
    Record::payment_intent(PaymentIntent {
        payment: CARD,
        basket: BASKET,
        tender: TenderType::CARD,
        amount: 1_000,
    })
}

fn begin(till: &mut Till, now: Now) {
    till.begin(now, draft(1, vec![line(1, "milk", 1, 1_000)])).unwrap();
}

fn pay(till: &mut Till, now: Now, tender: Tender) -> Result<Receipt, Refusal> {
    let request = till.request();
    let tenders = Tenders::new(vec![tender]).unwrap();
    till.terminal.commit(now, request, Commit { basket: BASKET, key: IdempotencyKey([1; 16]), tenders })?;
    till.run(now);
    match till.replies.remove(&request).unwrap()? {
        Reply::Committed { receipt, .. } => Ok(receipt),
        other => panic!("{other:?}"),
    }
}

fn by_card(amount: i64) -> Tender {
    Tender::new(TenderType::CARD, amount, Some("auth 7")).of_payment(CARD)
}

fn open(till: &Till) -> Vec<(Option<PaymentState>, i64)> {
    till.terminal.unresolved_payments().into_iter().map(|open| (open.state, open.taken)).collect()
}

fn surpluses(till: &Till) -> usize {
    let is_surplus = |notice: &&Notice| {
        let Notice::Recorded { envelope, .. } = notice else { return false };
        let outcome = |body: &[u8]| edgepos_wire::from_cbor::<PaymentOutcome>("outcome", body).unwrap();
        envelope.kind == Kind::PAYMENT_OUTCOME && outcome(&envelope.body).state == PaymentState::SURPLUS
    };
    till.notices.iter().filter(is_surplus).count()
}

/// The disk goes back to before the basket; the payment terminal answers; the cashier scans once more and pays with what was taken.
#[test]
fn money_that_was_taken_pays_for_the_basket_once_it_is_begun_again() {
    for begun_first in [true, false] {
        let mut till = Till::new(1, 1, NOW);
        if begun_first {
            begin(&mut till, NOW);
        }
        till.record(NOW, approved()).unwrap();
        let listed = till.terminal.unresolved_payments().remove(0);
        assert_eq!((listed.payment, listed.basket), (CARD, BASKET));
        assert_eq!((listed.tender, listed.amount, listed.taken), (TenderType::OTHER, 1_000, 1_000));
        let mut till = till.crash(NOW);
        assert_eq!(open(&till), [(Some(PaymentState::APPROVED), 1_000)], "it survives a crash");
        if !begun_first {
            begin(&mut till, NOW);
        }
        let left_out = pay(&mut till, NOW, Tender::cash(1_000)).unwrap_err();
        assert_eq!(left_out, Refusal::Tenders(TendersError::LeftOut { payment: CARD, approved: 1_000 }));
        let other = pay(&mut till, NOW, by_card(999)).unwrap_err();
        assert!(matches!(other, Refusal::Tenders(TendersError::OtherAmount { .. })), "{other:?}");
        pay(&mut till, NOW, by_card(1_000)).unwrap();
        assert_eq!((open(&till), till.rows(Space::Payment), surpluses(&till)), (vec![], 0, 0));
    }
}

/// Its intent turns up later, from who had the till's events: then it is a payment like any other.
#[test]
fn a_disk_that_was_put_back_takes_the_outcome_before_it_hears_of_the_intent() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.pass(2_000);
    let image = shop.tills[0].disk.clone();
    let now = shop.now_of(0);
    begin(&mut shop.tills[0], now);
    shop.tills[0].record(now, intent()).unwrap();
    shop.pass(2_000);
    shop.put_back(0, image, 5);
    let now = shop.now_of(0);
    shop.tills[0].record(now, approved()).unwrap();
    assert_eq!(open(&shop.tills[0]), [(Some(PaymentState::APPROVED), 1_000)]);
    shop.heal();
    shop.elect();
    shop.pass(20_000);
    let listed = shop.tills[0].terminal.unresolved_payments().remove(0);
    assert_eq!((listed.tender, listed.state), (TenderType::CARD, Some(PaymentState::APPROVED)));
    let now = shop.now_of(0);
    begin(&mut shop.tills[0], now);
    pay(&mut shop.tills[0], now, by_card(1_000)).unwrap();
    assert_eq!((open(&shop.tills[0]), surpluses(&shop.tills[0])), (vec![], 0));
}

/// The basket was paid in cash at the next till meanwhile: that is told, once, and the money is on the list until it went back.
#[test]
fn what_another_till_had_booked_was_paid_twice() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.pass(2_000);
    let now = shop.now_of(1);
    begin(&mut shop.tills[1], now);
    let sale = pay(&mut shop.tills[1], now, Tender::cash(1_000)).unwrap();
    shop.pass(2_000);
    let now = shop.now_of(0);
    shop.tills[0].record(now, approved()).unwrap();
    shop.pass(10_000);
    assert_eq!(open(&shop.tills[0]), [(Some(PaymentState::SURPLUS), 1_000)]);
    for till in &shop.tills {
        let all = till.terminal.open_exceptions(None);
        let [double] = &all[..] else { panic!("{all:?}") };
        assert_eq!(double.raised.exception, ExceptionType::DUPLICATE);
        assert_eq!((double.raised.involved.len(), double.raised.payments.len()), (2, 1));
        assert!(double.raised.involved.contains(&sale.event));
    }
    let now = shop.now_of(0);
    shop.tills[0].record(now, outcome(PaymentState::REVERSED, 1_000)).unwrap();
    assert_eq!(open(&shop.tills[0]), []);
}

/// A till that says once more what it said, without a key: in the same run, and after a start that remembers nothing.
#[test]
fn money_that_a_sale_has_is_not_taken_for_more() {
    let mut till = Till::new(1, 1, NOW);
    begin(&mut till, NOW);
    till.record(NOW, intent()).unwrap();
    till.record(NOW, approved()).unwrap();
    pay(&mut till, NOW, by_card(1_000)).unwrap();
    assert_eq!(till.record(NOW, approved()), Err(Refusal::UnknownPayment(CARD)), "a sale has it");
    let mut till = till.crash(NOW);
    till.record(NOW, approved()).unwrap();
    assert_eq!((open(&till), till.rows(Space::Payment)), (vec![], 0), "the sale was read, and names it");
    assert_eq!(surpluses(&till), 0);
    // Everything once more, at once: the question is refused, and the commit finds the sale before the money does.
    let mut till = till.crash(NOW);
    assert!(till.record(NOW, intent()).is_err(), "its basket is not open");
    let (outcome, commit) = (till.request(), till.request());
    till.terminal.record(NOW, outcome, approved()).unwrap();
    let tenders = Tenders::new(vec![by_card(1_000)]).unwrap();
    let again = Commit { basket: BASKET, key: IdempotencyKey([1; 16]), tenders };
    till.terminal.commit(NOW, commit, again).unwrap();
    till.run(NOW);
    assert!(matches!(till.replies.remove(&commit), Some(Ok(Reply::Committed { repeated: true, .. }))));
    assert_eq!((open(&till), till.rows(Space::Payment), surpluses(&till)), (vec![], 0, 0));
    let till = till.crash(NOW);
    assert_eq!((open(&till), till.rows(Space::Payment), surpluses(&till)), (vec![], 0, 0));
}

/// Another card was charged for a basket that this till booked in cash: the sale is read, does not name it, and is what it is beside.
#[test]
fn money_that_no_sale_has_is_a_surplus_beside_the_sale_of_this_till() {
    let mut till = Till::new(1, 1, NOW);
    begin(&mut till, NOW);
    pay(&mut till, NOW, Tender::cash(1_000)).unwrap();
    let mut till = till.crash(NOW);
    till.record(NOW, approved()).unwrap();
    assert_eq!((open(&till), surpluses(&till)), (vec![(Some(PaymentState::SURPLUS), 1_000)], 1));
    let till = till.crash(NOW);
    assert_eq!((open(&till), surpluses(&till)), (vec![(Some(PaymentState::SURPLUS), 1_000)], 0));
}

#[test]
fn what_is_no_money_is_refused_without_an_intent() {
    let mut till = Till::new(1, 1, NOW);
    begin(&mut till, NOW);
    for state in
        [PaymentState::DECLINED, PaymentState::REVERSED, PaymentState::SURPLUS, PaymentState::SETTLED]
    {
        let refused: Result<EventId, Refusal> = till.record(NOW, outcome(state, 1_000));
        assert_eq!(refused, Err(Refusal::UnknownPayment(CARD)), "{}", state.name());
    }
    let nothing = till.record(NOW, outcome(PaymentState::APPROVED, 0));
    assert_eq!(nothing, Err(Refusal::UnknownPayment(CARD)), "approved, and nothing was taken");
    assert_eq!(till.rows(Space::Payment), 0);
    // Settled by a word, given back: whoever says afterwards that it was taken says nothing new.
    for settled in [PaymentState::SETTLED, PaymentState::REVERSED] {
        let mut till = Till::new(1, 1, NOW);
        till.record(NOW, approved()).unwrap();
        till.record(NOW, outcome(settled, 0)).unwrap();
        assert_eq!(open(&till), []);
        assert_eq!(till.record(NOW, approved()), Err(Refusal::UnknownPayment(CARD)), "{}", settled.name());
    }
}

/// The basket is open here and was booked at the next till, before or after the money is reported: that is told without another word, and
/// the basket ends once the money went back.
#[test]
fn what_another_till_books_while_the_basket_is_open_here_was_paid_twice() {
    for booked_first in [true, false] {
        let mut shop = Shop::new(3);
        shop.elect();
        shop.pass(2_000);
        let now = shop.now_of(0);
        begin(&mut shop.tills[0], now);
        let steps = if booked_first { [1, 0] } else { [0, 1] };
        for till in steps {
            let now = shop.now_of(till);
            if till == 0 {
                shop.tills[0].record(now, approved()).unwrap();
            } else {
                begin(&mut shop.tills[1], now);
                pay(&mut shop.tills[1], now, Tender::cash(1_000)).unwrap();
            }
            shop.pass(3_000);
        }
        shop.pass(10_000);
        assert_eq!(
            open(&shop.tills[0]),
            [(Some(PaymentState::SURPLUS), 1_000)],
            "booked first: {booked_first}"
        );
        for till in &shop.tills {
            assert_eq!(till.terminal.open_exceptions(None).len(), 1, "booked first: {booked_first}");
        }
        let now = shop.now_of(0);
        shop.tills[0].record(now, outcome(PaymentState::REVERSED, 1_000)).unwrap();
        pay(&mut shop.tills[0], now, Tender::cash(1_000)).unwrap();
        assert_eq!((open(&shop.tills[0]), shop.tills[0].terminal.status().open_baskets), (vec![], 0));
    }
}

/// Given back while the basket was open, which is paid in cash then: the approval, said once more, is no more money.
#[test]
fn money_that_went_back_is_not_taken_for_more() {
    let mut till = Till::new(1, 1, NOW);
    begin(&mut till, NOW);
    till.record(NOW, intent()).unwrap();
    till.record(NOW, approved()).unwrap();
    till.record(NOW, outcome(PaymentState::REVERSED, 1_000)).unwrap();
    pay(&mut till, NOW, Tender::cash(1_000)).unwrap();
    assert_eq!(till.record(NOW, approved()), Err(Refusal::UnknownPayment(CARD)));
    assert_eq!((open(&till), surpluses(&till)), (vec![], 0));
}
