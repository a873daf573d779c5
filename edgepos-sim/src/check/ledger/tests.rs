//! The ledger of promises by itself: what it takes, and what it finds.

use edgepos::model::{Currency, Line, Tender};
use edgepos_core::{Chain, Lane, ReplicaId, Seq};

use super::*;

pub(in super::super) const ID: BasketId = BasketId([5; 16]);
pub(in super::super) const KEY: IdempotencyKey = IdempotencyKey([6; 16]);

pub(in super::super) fn receipt(seq: u64, number: u64) -> Receipt {
    let event = EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq));
    Receipt { event, basket: ID, series: "S".into(), number, total: 250 }
}

/// A ledger that was promised receipt 1 for one sale of 250.
pub(in super::super) fn promised() -> Ledger {
    let mut ledger = Ledger::new();
    let line = Line { no: 1, product: "milk".into(), quantity: 2, amount: 250, ..Line::default() };
    ledger.asks_begin(0, &Draft::sale(ID, Currency::EUR, vec![line]));
    ledger.replied(0, ID, None, &Ok(Reply::Begun { number: 1, total: 250 })).unwrap();
    ledger
}

/// The basket of that sale, as a terminal lists it.
pub(in super::super) fn open_basket(total: i64) -> OpenBasket {
    let (basket, series, number, begun_ms, currency) = (ID, "S".into(), 1, 0, Currency::EUR);
    let (lines, operator, terminal) = (Vec::new(), None, 1);
    OpenBasket { basket, series, number, total, begun_ms, currency, lines, operator, terminal }
}

fn asked() -> Ledger {
    let mut ledger = promised();
    ledger.asks_commit(&Commit { basket: ID, key: KEY, tenders: Tender::cash(250).into() });
    ledger
}

/// The same, paid.
pub(in super::super) fn paid() -> Ledger {
    let mut ledger = asked();
    commit(&mut ledger, receipt(1, 1), false).unwrap();
    ledger
}

fn commit(ledger: &mut Ledger, receipt: Receipt, repeated: bool) -> Result<(), Violation> {
    ledger.replied(0, ID, Some(KEY), &Ok(Reply::Committed { receipt, repeated }))
}

#[test]
fn a_repeat_must_give_the_first_receipt_and_say_that_it_is_one() {
    let mut ledger = paid();
    commit(&mut ledger, receipt(1, 1), true).unwrap();
    assert_eq!(commit(&mut ledger, receipt(2, 1), true).unwrap_err().rule, Rule::Receipts);
    assert_eq!(commit(&mut ledger, receipt(1, 1), false).unwrap_err().rule, Rule::Receipts);
}

/// The same sale as booked by another terminal.
fn elsewhere() -> Receipt {
    let mut receipt = receipt(1, 1);
    receipt.event.chain.replica = ReplicaId::new(2, 1);
    receipt
}

#[test]
fn two_tills_may_book_what_neither_heard_of_and_nothing_else() {
    assert_eq!(commit(&mut paid(), elsewhere(), false).unwrap_err().rule, Rule::Receipts);
    let mut ledger = paid();
    ledger.goes_elsewhere(ID);
    ledger.holds(ID, &VersionVector::default());
    commit(&mut ledger, elsewhere(), false).unwrap();
    commit(&mut ledger, elsewhere(), true).unwrap();
    commit(&mut ledger, receipt(1, 1), true).unwrap();

    let mut known = paid();
    known.goes_elsewhere(ID);
    known.holds(ID, &holds_the_first());
    assert_eq!(commit(&mut known, elsewhere(), false).unwrap_err().rule, Rule::Receipts);
    assert_eq!(commit(&mut known, elsewhere(), true).unwrap_err().rule, Rule::Receipts);
}

#[test]
fn what_was_booked_before_the_first_was_heard_of_is_repeated_and_not_booked_then() {
    let mut asked_before = paid();
    asked_before.goes_elsewhere(ID);
    asked_before.holds(ID, &VersionVector::default());
    // A crash took the answer, and the first sale came in before the till asked again.
    asked_before.holds(ID, &holds_the_first());
    let booked_now = commit(&mut asked_before.clone(), elsewhere(), false);
    assert_eq!(booked_now.unwrap_err().rule, Rule::Receipts);
    commit(&mut asked_before, elsewhere(), true).unwrap();
}

fn holds_the_first() -> VersionVector {
    let event = receipt(1, 1).event;
    [(event.chain, event.seq)].into_iter().collect()
}

#[test]
fn another_number_or_total_than_promised_is_noticed() {
    assert_eq!(commit(&mut asked(), receipt(1, 2), false).unwrap_err().rule, Rule::Receipts);
    let dearer = Receipt { total: 251, ..receipt(1, 1) };
    assert_eq!(commit(&mut asked(), dearer, false).unwrap_err().rule, Rule::Receipts);
    let again = Ok(Reply::Begun { number: 2, total: 250 });
    assert_eq!(promised().replied(0, ID, None, &again).unwrap_err().rule, Rule::Receipts);
}

#[test]
fn a_promise_that_is_denied_is_noticed() {
    let unknown = Err(Refusal::UnknownBasket(ID));
    assert_eq!(asked().replied(0, ID, Some(KEY), &unknown).unwrap_err().rule, Rule::NothingLost);
    assert_eq!(paid().replied(0, ID, Some(KEY), &unknown).unwrap_err().rule, Rule::NothingLost);
    assert_eq!(promised().replied(0, ID, None, &unknown).unwrap_err().rule, Rule::NothingLost);
    paid().replied(0, ID, None, &unknown).unwrap();
    let refused = Err(Refusal::TooLarge { field: "event", limit: 1 });
    assert_eq!(asked().replied(0, ID, Some(KEY), &refused).unwrap_err().rule, Rule::NothingLost);
}

#[test]
fn booked_and_abandoned_exclude_each_other() {
    assert_eq!(paid().replied(0, ID, None, &Ok(Reply::Abandoned)).unwrap_err().rule, Rule::Receipts);
    let mut ledger = asked();
    ledger.asks_abandon(ID);
    ledger.replied(0, ID, None, &Ok(Reply::Abandoned)).unwrap();
    assert_eq!(commit(&mut ledger, receipt(1, 1), false).unwrap_err().rule, Rule::Receipts);
}

#[test]
fn a_restart_must_list_what_is_open_and_nothing_else() {
    let open = open_basket(250);
    promised().lists_open(0, std::slice::from_ref(&open)).unwrap();
    assert_eq!(promised().lists_open(0, &[]).unwrap_err().rule, Rule::NothingLost);
    assert_eq!(paid().lists_open(0, std::slice::from_ref(&open)).unwrap_err().rule, Rule::NothingLost);
    paid().lists_open(0, &[]).unwrap();
    asked().lists_open(0, &[]).unwrap();
}

#[test]
fn a_beginning_that_a_power_cut_took_may_be_unknown_and_is_promised_anew() {
    let unknown = Err(Refusal::UnknownBasket(ID));
    let mut ledger = asked();
    ledger.loses_begun(0, ID);
    ledger.lists_open(0, &[]).unwrap();
    ledger.replied(0, ID, Some(KEY), &unknown).unwrap();
    assert!(ledger.is_lost(0, ID));
    ledger.replied(0, ID, None, &Ok(Reply::Begun { number: 7, total: 250 })).unwrap();
    assert!(!ledger.is_lost(0, ID));
    assert_eq!(ledger.replied(0, ID, Some(KEY), &unknown).unwrap_err().rule, Rule::NothingLost);
    assert_eq!(commit(&mut ledger, receipt(1, 1), false).unwrap_err().rule, Rule::Receipts);
    commit(&mut ledger, receipt(1, 7), false).unwrap();
}

#[test]
fn a_beginning_that_is_lost_at_another_till_takes_no_receipt_with_it() {
    let mut ledger = paid();
    ledger.goes_elsewhere(ID);
    ledger.loses_begun(0, ID);
    commit(&mut ledger, receipt(1, 1), true).unwrap();
}

/// The till that lost its beginning has not heard of the sale that another has booked, which began it as well.
#[test]
fn what_one_till_lost_another_has_begun() {
    let unknown = Err(Refusal::UnknownBasket(ID));
    let mut ledger = asked();
    ledger.loses_begun(0, ID);
    ledger.goes_elsewhere(ID);
    ledger.replied(1, ID, None, &Ok(Reply::Begun { number: 1, total: 250 })).unwrap();
    ledger
        .replied(1, ID, Some(KEY), &Ok(Reply::Committed { receipt: elsewhere(), repeated: false }))
        .unwrap();
    ledger.holds(ID, &VersionVector::default());
    ledger.replied(0, ID, Some(KEY), &unknown).unwrap();
    let forgets = ledger.replied(1, ID, Some(KEY), &unknown);
    assert_eq!(forgets.unwrap_err().rule, Rule::NothingLost, "the till that booked it lost nothing");
}

#[test]
fn one_name_is_given_to_one_event() {
    let mut ledger = Ledger::new();
    ledger.records(0, receipt(1, 1).event).unwrap();
    assert_eq!(ledger.records(0, receipt(1, 1).event).unwrap_err().rule, Rule::Receipts);
}

/// What another till booked is open here until its receipt is told here.
#[test]
fn a_basket_that_another_till_booked_unheard_may_be_open() {
    let mut ledger = asked();
    ledger.goes_elsewhere(ID);
    let there = elsewhere();
    ledger
        .replied(1, ID, Some(KEY), &Ok(Reply::Committed { receipt: there.clone(), repeated: false }))
        .unwrap();
    ledger.lists_open(0, &[open_basket(250)]).unwrap();
    ledger.replied(0, ID, Some(KEY), &Ok(Reply::Committed { receipt: there, repeated: true })).unwrap();
    ledger.lists_open(0, &[]).unwrap();
    assert_eq!(ledger.lists_open(0, &[open_basket(250)]).unwrap_err().rule, Rule::NothingLost);
}

#[test]
fn a_basket_that_was_booked_here_is_open_nowhere_whoever_told_of_it() {
    let mut ledger = asked();
    ledger.goes_elsewhere(ID);
    ledger
        .replied(1, ID, Some(KEY), &Ok(Reply::Committed { receipt: receipt(1, 1), repeated: true }))
        .unwrap();
    assert_eq!(ledger.lists_open(0, &[open_basket(250)]).unwrap_err().rule, Rule::NothingLost);
}
