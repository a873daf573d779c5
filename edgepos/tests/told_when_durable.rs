//! What a refusal says of an event is said once that is durable: a power cut may take it before, and nobody may have counted on it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{BasketId, Tender};
use edgepos::{Commit, Record, Refusal, Reply, RequestId};
use support::{Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);

fn milk(basket: u8) -> edgepos::Draft {
    draft(basket, vec![line(1, "milk", 1, 100)])
}

fn keyed(key: u8) -> Record {
    Record::custom(b"note".to_vec(), Vec::new()).with_key(IdempotencyKey([key; 16]))
}

/// What somebody asks of a till.
type Ask = fn(&mut Till, RequestId);

/// Something is booked, and before it is durable somebody asks for what it has taken. Neither is answered before the write, in which
/// both are told; with the power both are gone, and what was asked for is free.
fn asked_before_the_write(first: Ask, second: Ask, refused: fn(&Refusal) -> bool) {
    for power_fails in [false, true] {
        let mut till = Till::new(1, 1, NOW);
        till.begin(NOW, milk(1)).unwrap();
        till.begin(NOW, milk(2)).unwrap();
        till.writing = false;
        let (book, ask) = (till.request(), till.request());
        first(&mut till, book);
        till.run(NOW);
        second(&mut till, ask);
        till.run(NOW);
        assert!(till.replies.is_empty(), "nothing is said before the write: {:?}", till.replies);
        if power_fails {
            let mut till = till.crash(NOW);
            let ask = till.request();
            second(&mut till, ask);
            till.run(NOW);
            assert!(till.replies.remove(&ask).unwrap().is_ok(), "it was never taken");
        } else {
            till.writing = true;
            till.run(NOW);
            assert!(till.replies.remove(&book).unwrap().is_ok());
            let told = till.replies.remove(&ask).unwrap().unwrap_err();
            assert!(refused(&told), "{told:?}");
        }
    }
}

fn pay(till: &mut Till, request: RequestId, basket: u8, key: u8) {
    let (basket, key) = (BasketId([basket; 16]), IdempotencyKey([key; 16]));
    let commit = Commit { basket, key, tenders: Tender::cash(100).into() };
    till.terminal.commit(NOW, request, commit).unwrap();
}

#[test]
fn that_a_basket_is_booked() {
    asked_before_the_write(
        |till, request| pay(till, request, 1, 1),
        |till, request| till.terminal.begin(NOW, request, milk(1)).unwrap(),
        |refusal| matches!(refusal, Refusal::BasketBooked(receipt) if receipt.number == 1),
    );
}

#[test]
fn that_a_key_is_a_sales() {
    asked_before_the_write(
        |till, request| pay(till, request, 1, 1),
        |till, request| till.terminal.record(NOW, request, keyed(1)).unwrap(),
        |refusal| matches!(refusal, Refusal::KeyInUse { .. }),
    );
}

#[test]
fn that_a_key_is_a_records() {
    asked_before_the_write(
        |till, request| till.terminal.record(NOW, request, keyed(1)).unwrap(),
        |till, request| pay(till, request, 1, 1),
        |refusal| matches!(refusal, Refusal::KeyInUse { .. }),
    );
}

/// Whoever waits for that when the terminal stops is told that it has.
#[test]
fn a_stop_answers_whoever_waits() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, milk(1)).unwrap();
    till.writing = false;
    let (book, ask) = (till.request(), till.request());
    pay(&mut till, book, 1, 1);
    till.run(NOW);
    till.terminal.begin(NOW, ask, milk(1)).unwrap();
    till.run(NOW);
    till.terminal.stop("the store failed".into());
    till.run(NOW);
    for request in [book, ask] {
        let told: Result<Reply, Refusal> = till.replies.remove(&request).expect("answered");
        assert!(matches!(told, Err(Refusal::Stopped(_))), "{told:?}");
    }
}
