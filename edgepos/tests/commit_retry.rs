//! A repeat with the same key returns the first receipt and books nothing.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Now, Space};
use edgepos::model::BasketId;
use edgepos::{Refusal, Reply};
use support::{Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);

#[test]
fn a_repeat_returns_the_first_receipt() {
    let mut till = Till::new(1, 1, NOW);
    assert_eq!(till.begin(NOW, draft(1, vec![line(1, "milk", 2, 100)])), Ok(1));
    let (first, repeated) = till.commit(NOW, 1, 9).unwrap();
    assert!(!repeated && first.number == 1 && first.total == 100);
    let events = till.rows(Space::Event);
    assert_eq!(till.commit(NOW, 1, 9), Ok((first, true)));
    assert_eq!(till.rows(Space::Event), events, "nothing was booked");
}

#[test]
fn a_repeat_after_a_crash_between_commit_and_reply_returns_the_first_receipt() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 2, 100)])).unwrap();
    till.writing = false;
    let request = till.ask_commit(NOW, 1, 9).unwrap();
    till.run(NOW);
    assert!(!till.replies.contains_key(&request), "no reply before the write");
    // The write arrives, the reply does not.
    while till.write_one(NOW) {}
    let mut till = till.crash(NOW);
    assert!(till.terminal.unresolved().is_empty());
    let (receipt, repeated) = till.commit(NOW, 1, 9).unwrap();
    assert!(repeated && receipt.number == 1);
}

#[test]
fn a_crash_before_the_write_leaves_the_basket_open_and_the_retry_books_it_once() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 2, 100)])).unwrap();
    till.writing = false;
    till.ask_commit(NOW, 1, 9).unwrap();
    till.run(NOW);
    assert!(till.replies.is_empty());
    let mut till = till.crash(NOW);
    let open = till.terminal.unresolved();
    assert_eq!(open.iter().map(|open| (open.number, open.total)).collect::<Vec<_>>(), [(1, 100)]);
    let (receipt, repeated) = till.commit(NOW, 1, 9).unwrap();
    assert!(!repeated && receipt.number == 1);
    assert_eq!(till.commit(NOW, 1, 9), Ok((receipt, true)));
}

#[test]
fn two_calls_at_once_with_one_key_book_once() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 2, 100)])).unwrap();
    let first = till.ask_commit(NOW, 1, 9).unwrap();
    let second = till.ask_commit(NOW, 1, 9).unwrap();
    till.run(NOW);
    let answers: Vec<_> =
        [first, second].iter().map(|request| till.replies.remove(request).unwrap()).collect();
    let receipts: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer.unwrap() {
            edgepos::Reply::Committed { receipt, repeated } => (receipt.event, repeated),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(receipts[0].0, receipts[1].0);
    assert_eq!((receipts[0].1, receipts[1].1), (false, true));
}

#[test]
fn a_basket_is_sold_once_whatever_the_keys() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 2, 100)])).unwrap();
    till.ask_commit(NOW, 1, 9).unwrap();
    assert_eq!(till.ask_commit(NOW, 1, 8), Err(Refusal::BasketBusy(BasketId([1; 16]))));
    till.run(NOW);
    let (receipt, _) = till.commit(NOW, 1, 9).unwrap();
    assert_eq!(till.commit(NOW, 1, 8), Err(Refusal::BasketBooked(receipt)));
}

#[test]
fn a_booked_basket_is_not_begun_again() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 2, 100)])).unwrap();
    let (first, _) = till.commit(NOW, 1, 9).unwrap();
    // The till lost both replies and starts over, also after a crash.
    let refused = Err(Refusal::BasketBooked(first.clone()));
    assert_eq!(till.begin(NOW, draft(1, vec![line(1, "milk", 2, 100)])), refused);
    let mut till = till.crash(NOW);
    assert_eq!(till.begin(NOW, draft(1, vec![line(1, "bread", 1, 50)])), refused);
    assert_eq!(till.commit(NOW, 1, 9), Ok((first, true)));
    assert!(till.terminal.unresolved().is_empty());
    assert_eq!(till.begin(NOW, draft(2, vec![line(1, "milk", 1, 50)])), Ok(2), "no number is burned");
}

#[test]
fn two_begins_at_once_open_one_basket() {
    let mut till = Till::new(1, 1, NOW);
    let (first, second, other) = (till.request(), till.request(), till.request());
    let milk = || draft(1, vec![line(1, "milk", 2, 100)]);
    till.terminal.begin(NOW, first, milk()).unwrap();
    till.terminal.begin(NOW, second, milk()).unwrap();
    let bread = draft(1, vec![line(1, "bread", 2, 100)]);
    assert_eq!(till.terminal.begin(NOW, other, bread), Err(Refusal::BasketExists(BasketId([1; 16]))));
    till.run(NOW);
    let begun = Ok(edgepos::Reply::Begun { number: 1, total: 100 });
    assert_eq!((&till.replies[&first], &till.replies[&second]), (&begun, &begun));
    assert_eq!(till.terminal.unresolved().len(), 1);
}

/// A till that draws a key twice is told so: it gets no other basket's receipt, and what its customer has paid stays open until it is
/// booked.
#[test]
fn a_key_of_another_basket_books_nothing_and_hides_nothing() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "milk", 1, 100)])).unwrap();
    till.begin(NOW, draft(2, vec![line(1, "television", 1, 99_900)])).unwrap();
    let (asked, basket) = (BasketId([2; 16]), BasketId([1; 16]));
    let refused = Refusal::KeyOfAnotherBasket { asked, basket };

    // While the first commit is under way, and once it is done, also after a crash.
    let first = till.ask_commit(NOW, 1, 9).unwrap();
    assert_eq!(till.ask_commit(NOW, 2, 9), Err(refused.clone()));
    till.run(NOW);
    assert!(till.replies.remove(&first).unwrap().is_ok());
    assert_eq!(till.commit(NOW, 2, 9), Err(refused.clone()));
    let mut till = till.crash(NOW);
    assert_eq!(till.commit(NOW, 2, 9), Err(refused));

    let open: Vec<_> = till.terminal.unresolved().into_iter().map(|open| open.basket).collect();
    assert_eq!(open, [asked]);
    let (receipt, repeated) = till.commit(NOW, 2, 8).unwrap();
    assert_eq!((receipt.basket, receipt.total, repeated), (asked, 99_900, false), "the corrected call books");
}

/// A number that was answered is one that a crash does not give to the next customer: whoever asks again waits for the same write.
#[test]
fn a_repeated_begin_is_answered_once_the_first_is_written() {
    let mut till = Till::new(1, 1, NOW);
    till.writing = false;
    let requests: Vec<_> = (0..2).map(|_| till.request()).collect();
    for request in &requests {
        till.terminal.begin(NOW, *request, draft(1, vec![line(1, "milk", 1, 100)])).unwrap();
        till.run(NOW);
        assert!(till.replies.is_empty(), "nothing is written yet: {:?}", till.replies);
    }
    till.writing = true;
    till.run(NOW);
    for request in requests {
        assert!(matches!(till.replies.remove(&request), Some(Ok(Reply::Begun { number: 1, .. }))));
    }
}
