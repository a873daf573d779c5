//! A fiscal device signs between the number and the booking, outside any transaction; one that is away keeps no sale up, and signs later.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use edgepos::core::{Now, Space};
use edgepos::model::{BasketId, Body, FiscalSigned, Kind, Mode, Signature, SigningState, Transaction};
use edgepos::{
    Config, Draft, Input, MemoryStore, NumberAt, Refusal, Reply, RequestId, SignError, SignatureAsked,
    SignatureWanted, ToSign,
};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);

fn at(ms: u64) -> Now {
    Now::new(ms, WALL + ms)
}

fn config() -> Config {
    let mut config = support::config(1, 1);
    config.signed_series = vec!["S".into()];
    config.sign_within = Duration::from_secs(5);
    // A signed receipt has its number before the device is asked, whatever the others do.
    config.number_at = NumberAt::Commit;
    config
}

fn till() -> Till {
    Till::open(config(), MemoryStore::new(), NOW)
}

fn begin(till: &mut Till, now: Now, basket: u8) {
    till.begin(now, draft(basket, vec![line(1, "a", 1, 100)])).unwrap();
}

fn commit(till: &mut Till, now: Now, basket: u8) -> RequestId {
    let request = till.ask_commit(now, basket, basket).unwrap();
    till.run(now);
    request
}

/// What the device is asked while a commit waits.
fn asked(till: &mut Till, now: Now) -> (SignatureAsked, ToSign) {
    let asked = till.terminal.next_to_sign(now).expect("the device is asked");
    let SignatureWanted::Now(receipt) = asked.wanted.clone() else { panic!("{asked:?}") };
    (asked, *receipt)
}

fn later(till: &mut Till, now: Now) -> Option<SignatureAsked> {
    let asked = till.terminal.next_to_sign(now)?;
    assert!(matches!(asked.wanted, SignatureWanted::Later(_)), "{asked:?}");
    Some(asked)
}

fn answer(till: &mut Till, now: Now, asked: &SignatureAsked, answer: Result<Signature, SignError>) {
    till.terminal.signed(now, asked.id, answer);
    till.run(now);
}

fn signature(text: &str) -> Signature {
    for_receipt(text.parse().unwrap_or(1), text)
}

fn for_receipt(number: u64, text: &str) -> Signature {
    Signature::new("S", number, text.as_bytes().to_vec()).unwrap()
}

fn away() -> Result<Signature, SignError> {
    Err(SignError::Away("its cable is out".into()))
}

fn number(till: &mut Till, request: RequestId) -> Option<u64> {
    match till.replies.remove(&request)? {
        Ok(Reply::Committed { receipt, .. }) => Some(receipt.number),
        other => panic!("{other:?}"),
    }
}

/// What devices have said of receipts, in order.
fn on_record(till: &Till) -> Vec<FiscalSigned> {
    said(till).into_iter().filter(|said| said.state != SigningState::WAITING).collect()
}

/// Receipts of which it is on record that they were booked without a signature.
fn booked_without(till: &Till) -> Vec<u64> {
    let waiting = said(till).into_iter().filter(|said| said.state == SigningState::WAITING);
    waiting.map(|said| said.number).collect()
}

fn said(till: &Till) -> Vec<FiscalSigned> {
    let bodies =
        support::envelopes(&till.disk).into_iter().filter(|(_, event)| event.kind == Kind::FISCAL_SIGNED);
    let read = |(_, event): (_, edgepos::model::Envelope)| match event.read_body() {
        Ok(Body::FiscalSigned(said)) => said,
        other => panic!("{other:?}"),
    };
    bodies.map(read).collect()
}

fn unsigned(till: &Till) -> Vec<u64> {
    let status = till.terminal.status();
    assert_eq!(
        (status.unsigned.len(), till.rows(Space::Unsigned)),
        (status.unsigned_receipts, status.unsigned_receipts)
    );
    status.unsigned.iter().map(|receipt| receipt.number).collect()
}

#[test]
fn a_commit_waits_for_its_signature_and_both_are_one_write() {
    let mut till = till();
    begin(&mut till, NOW, 1);
    assert_eq!(till.terminal.unresolved()[0].number, 1, "the number is there before the device is asked");
    let request = commit(&mut till, NOW, 1);
    assert!(till.replies.is_empty());
    let (question, receipt) = asked(&mut till, NOW);
    assert_eq!((receipt.series.as_str(), receipt.number, receipt.total, receipt.event), ("S", 1, 100, None));
    let said: Transaction = minicbor::decode(&receipt.body).unwrap();
    assert_eq!((said.number, said.tenders.len()), (1, 1), "it signs what is booked, payments and all");
    assert_eq!(till.terminal.next_to_sign(NOW), None, "once");
    till.writing = false;
    answer(&mut till, at(10), &question, Ok(signature("ok")));
    let writes = till.unwritten.len();
    while till.write_one(at(10)) {
        till.run(at(10));
    }
    assert_eq!(writes, 1, "the sale and its signature are one write");
    assert_eq!(number(&mut till, request), Some(1));
    let said = on_record(&till);
    assert_eq!((said.len(), said[0].number, said[0].signature()), (1, 1, Some(b"ok".as_slice())));
    assert!(unsigned(&till).is_empty());
}

#[test]
fn a_device_that_does_not_answer_keeps_no_sale_up() {
    let mut till = till();
    begin(&mut till, NOW, 1);
    begin(&mut till, NOW, 2);
    let request = commit(&mut till, NOW, 1);
    let (first, _) = asked(&mut till, NOW);
    assert_eq!(till.terminal.poll_timeout().map(|due| due <= at(5_000).mono), Some(true));
    till.terminal.handle(at(4_999), Input::Timeout);
    till.run(at(4_999));
    assert!(till.replies.is_empty(), "it has its time");
    till.terminal.handle(at(5_000), Input::Timeout);
    till.run(at(5_000));
    assert_eq!(number(&mut till, request), Some(1), "the customer does not wait any longer");
    assert_eq!(unsigned(&till), [1]);
    assert_eq!(said(&till)[0].reason.as_deref(), Some("it did not answer in time"));
    // Nobody waits for a device that was away a moment ago.
    let request = commit(&mut till, at(5_001), 2);
    assert_eq!(number(&mut till, request), Some(2));
    assert_eq!(unsigned(&till), [1, 2]);
    // What comes too late is not taken for what was asked since.
    answer(&mut till, at(5_002), &first, Ok(signature("late")));
    assert_eq!(unsigned(&till), [1, 2]);
    assert_eq!(later(&mut till, at(5_002)), None, "it is left alone for a while");
    assert_eq!((booked_without(&till), on_record(&till).len()), (vec![1, 2], 0));
}

#[test]
fn what_waits_is_signed_once_the_device_is_back_also_after_a_crash() {
    let mut till = till();
    for basket in 1..=3 {
        begin(&mut till, NOW, basket);
    }
    commit(&mut till, NOW, 1);
    let (question, _) = asked(&mut till, NOW);
    answer(&mut till, NOW, &question, away());
    for basket in 2..=3 {
        let request = commit(&mut till, NOW, basket);
        assert!(till.replies.contains_key(&request), "nobody waits for a device that is away");
    }
    assert_eq!(unsigned(&till), [1, 2, 3]);
    let mut till = till.crash(at(1_000));
    assert_eq!(unsigned(&till), [1, 2, 3], "the list is on disk");
    let question = later(&mut till, at(1_000)).expect("the oldest first");
    let SignatureWanted::Later(receipt) = &question.wanted else { panic!() };
    assert_eq!((receipt.number, receipt.basket), (1, BasketId([1; 16])));
    assert_eq!(later(&mut till, at(1_000)), None, "one at a time");
    answer(&mut till, at(1_000), &question, Ok(signature("1")));
    assert_eq!(unsigned(&till), [2, 3]);
    let question = later(&mut till, at(1_001)).unwrap();
    answer(&mut till, at(1_001), &question, away());
    assert_eq!(later(&mut till, at(1_002)), None);
    let question = later(&mut till, at(3_000)).expect("it is asked again after a while");
    let SignatureWanted::Later(receipt) = &question.wanted else { panic!() };
    assert_eq!(receipt.number, 3, "one that the device does not answer keeps no other up");
    answer(&mut till, at(3_000), &question, Ok(signature("3")));
    let question = later(&mut till, at(3_001)).unwrap();
    answer(&mut till, at(3_001), &question, Ok(signature("2")));
    assert!(unsigned(&till).is_empty());
    let said: Vec<_> =
        on_record(&till).iter().map(|said| (said.number, said.signature().unwrap().to_vec())).collect();
    assert_eq!(said, [(1, b"1".to_vec()), (3, b"3".to_vec()), (2, b"2".to_vec())]);
    assert_eq!(booked_without(&till), [1, 2, 3], "once each");
    // The device is here again: the next commit waits for it.
    begin(&mut till, at(4_000), 4);
    commit(&mut till, at(4_000), 4);
    let (question, _) = asked(&mut till, at(4_000));
    answer(&mut till, at(4_000), &question, Ok(signature("4")));
    assert_eq!(on_record(&till).len(), 4);
}

/// The process ends while the device signs: the till asks again, and the device is asked for the same receipt.
#[test]
fn a_crash_while_the_device_signs_asks_for_the_same_receipt() {
    let mut till = till();
    begin(&mut till, NOW, 1);
    commit(&mut till, NOW, 1);
    let (_, before) = asked(&mut till, NOW);
    let mut till = till.crash(at(1_000));
    assert!(unsigned(&till).is_empty());
    let request = commit(&mut till, at(2_000), 1);
    let (question, after) = asked(&mut till, at(2_000));
    assert_eq!(after, before);
    answer(&mut till, at(2_000), &question, Ok(signature("ok")));
    assert_eq!(number(&mut till, request), Some(1));
}

/// The process ends between the device's answer and the write: of what the device said nothing is known, and it is asked once more.
#[test]
fn an_answer_that_is_not_written_is_asked_for_again() {
    for booked in [false, true] {
        let mut till = till();
        begin(&mut till, NOW, 1);
        commit(&mut till, NOW, 1);
        let (mut question, _) = asked(&mut till, NOW);
        if booked {
            answer(&mut till, NOW, &question, away());
            question = later(&mut till, at(2_000)).unwrap();
        }
        till.writing = false;
        answer(&mut till, at(2_000), &question, Ok(signature("ok")));
        assert!(!till.unwritten.is_empty(), "it was about to be written");
        let mut till = till.crash(at(3_000));
        assert_eq!((unsigned(&till).len(), on_record(&till).len()), (usize::from(booked), 0));
        let question = if booked {
            later(&mut till, at(3_000)).unwrap()
        } else {
            commit(&mut till, at(3_000), 1);
            asked(&mut till, at(3_000)).0
        };
        answer(&mut till, at(3_000), &question, Ok(signature("ok")));
        assert_eq!((unsigned(&till), on_record(&till).len()), (vec![], 1));
        assert_eq!(later(&mut till, at(90_000)), None, "once");
        let mut till = till.crash(at(91_000));
        assert_eq!((later(&mut till, at(91_000)), on_record(&till).len()), (None, 1), "and for ever");
    }
}

/// A device that answers a question late, with what it has signed before, does not sign another receipt by that.
#[test]
fn a_signature_of_another_receipt_is_no_answer() {
    let mut till = till();
    begin(&mut till, NOW, 1);
    begin(&mut till, NOW, 2);
    commit(&mut till, NOW, 1);
    let (first, _) = asked(&mut till, NOW);
    answer(&mut till, NOW, &first, Ok(for_receipt(1, "one")));
    let request = commit(&mut till, NOW, 2);
    let (second, _) = asked(&mut till, NOW);
    answer(&mut till, NOW, &second, Ok(for_receipt(1, "one")));
    assert_eq!(number(&mut till, request), Some(2), "the sale stands");
    assert_eq!((unsigned(&till), booked_without(&till)), (vec![2], vec![2]));
    assert_eq!(said(&till)[1].reason.as_deref(), Some("it has signed S 1 and not S 2"));
    let question = later(&mut till, at(2_000)).unwrap();
    answer(&mut till, at(2_000), &question, Ok(for_receipt(1, "one")));
    assert_eq!(unsigned(&till), [2], "nor is it later");
    let question = later(&mut till, at(9_000)).unwrap();
    answer(&mut till, at(9_000), &question, Ok(for_receipt(2, "two")));
    let said: Vec<_> = on_record(&till).iter().map(|said| said.signature().unwrap().to_vec()).collect();
    assert_eq!((unsigned(&till), said), (vec![], vec![b"one".to_vec(), b"two".to_vec()]));
}

#[test]
fn what_a_device_refuses_is_on_record_and_the_sale_stands() {
    let mut till = till();
    begin(&mut till, NOW, 1);
    let request = commit(&mut till, NOW, 1);
    let (question, _) = asked(&mut till, NOW);
    answer(&mut till, NOW, &question, Err(SignError::Refused("é".repeat(200))));
    assert_eq!(number(&mut till, request), Some(1));
    let said = on_record(&till);
    assert_eq!((said[0].state, said[0].signature()), (SigningState::REFUSED, None));
    assert_eq!(said[0].reason.as_ref().unwrap().len(), 256);
    assert!(unsigned(&till).is_empty());
}

#[test]
fn a_repeat_waits_with_the_first_and_a_refused_commit_asks_anew() {
    let mut till = till();
    begin(&mut till, NOW, 1);
    let short = till.request();
    let tenders = edgepos::model::Tender::cash(1).into();
    let key = edgepos::core::IdempotencyKey([1; 16]);
    till.terminal.commit(NOW, short, edgepos::Commit { basket: BasketId([1; 16]), key, tenders }).unwrap();
    till.run(NOW);
    assert!(matches!(till.replies.remove(&short), Some(Err(Refusal::Tenders(_)))));
    assert_eq!(till.terminal.next_to_sign(NOW), None, "what is refused is not signed");
    let first = commit(&mut till, NOW, 1);
    let second = commit(&mut till, NOW, 1);
    let (question, _) = asked(&mut till, NOW);
    assert_eq!(till.terminal.next_to_sign(NOW), None);
    answer(&mut till, NOW, &question, Ok(signature("ok")));
    assert_eq!((number(&mut till, first), number(&mut till, second)), (Some(1), Some(1)));
    assert_eq!(on_record(&till).len(), 1);
}

#[test]
fn series_that_are_not_signed_and_trainees_ask_nobody() {
    let mut till = till();
    let other = Draft { series: "T".into(), ..draft(1, vec![line(1, "a", 1, 100)]) };
    assert_eq!(till.begin(NOW, other), Ok(0), "its number comes at the commit");
    assert_eq!(till.commit(NOW, 1, 1).unwrap().0.number, 1);
    till.begin(NOW, Draft { mode: Mode::Training, ..draft(2, vec![line(1, "a", 1, 100)]) }).unwrap();
    till.commit(NOW, 2, 2).unwrap();
    assert_eq!(till.terminal.next_to_sign(NOW), None);
    assert_eq!(on_record(&till), []);
}

/// Two tills that do not hear each other sell one basket, and give it one number: what the device of one has said is of its own receipt,
/// and the other's waits until its own device answers.
#[test]
fn one_number_at_two_tills_is_two_receipts() {
    let mut shop = Shop::with(2, |config| {
        config.signed_series = vec!["S".into()];
        config.number_at = NumberAt::Commit;
    });
    shop.cut(1);
    for (till, is_away) in [(0, true), (1, false)] {
        let now = shop.now;
        let till = &mut shop.tills[till];
        begin(till, now, 1);
        let request = commit(till, now, 1);
        let (question, _) = asked(till, now);
        answer(till, now, &question, if is_away { away() } else { Ok(signature("1")) });
        assert_eq!(number(till, request), Some(1));
    }
    shop.heal();
    shop.pass(2_000);
    assert_eq!(on_record(&shop.tills[0]).len(), 1, "it has heard what the other's device said");
    assert_eq!((unsigned(&shop.tills[0]), unsigned(&shop.tills[1])), (vec![1], vec![]));
    let now = shop.now;
    let till = &mut shop.tills[0];
    let question = later(till, now).expect("its own device is asked");
    answer(till, now, &question, Ok(for_receipt(1, "its own")));
    assert_eq!(unsigned(till), [] as [u64; 0]);
    let said: Vec<_> = on_record(till).iter().map(|said| said.signature().unwrap().to_vec()).collect();
    assert_eq!(said.len(), 2, "each receipt has its own: {said:?}");
}
