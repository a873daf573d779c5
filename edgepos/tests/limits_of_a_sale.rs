//! What begins can be paid: the largest basket leaves room for the most payments, whatever they say.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{
    BasketId, Counter, CounterRow, DocType, Effect, Line, OriginalLine, PaymentId, PaymentIntent,
    PaymentOutcome, PaymentState, StockState, Tender, TenderType, Tenders,
};
use edgepos::{Commit, Config, Draft, MemoryStore, Record, Refusal, Reply, Restored, Terminal};
use support::{Till, WALL, config, draft};

const NOW: Now = Now::new(0, WALL);

/// As large as an amount may be: nine bytes.
const MOST: i64 = 1_000_000_000_000;

/// A product's GTIN, with its check digit.
fn gtin(no: u16) -> String {
    let digits = format!("59012{no:07}");
    let weighed = digits
        .bytes()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight);
    format!("{digits}{}", (10 - weighed.sum::<u32>() % 10) % 10)
}

fn ordinary(no: u16) -> Line {
    let product = gtin(no);
    Line {
        no,
        product,
        quantity: 1,
        unit_price: 65_535,
        amount: 65_535,
        tax_code: Some(1),
        ..Line::default()
    }
}

/// Somebody with a long name serves somebody with a long name.
fn named(lines: Vec<Line>) -> Draft {
    Draft {
        operator: Some("o".repeat(64)),
        customer: Some("c".repeat(64)),
        series: "S".repeat(16),
        ..draft(1, lines)
    }
}

/// As many lines of this kind as may begin.
fn most(line: impl Fn(u16) -> Line, of: impl Fn(Vec<Line>) -> Draft) -> (Till, usize) {
    most_where(64 << 10, line, of)
}

/// The same at a till whose events are no larger than this.
fn most_where(
    max_event_bytes: u32,
    line: impl Fn(u16) -> Line,
    of: impl Fn(Vec<Line>) -> Draft,
) -> (Till, usize) {
    let begins = |count: u16| {
        let config = Config { max_event_bytes, ..config(1, 1) };
        let mut till = Till::open(config, MemoryStore::new(), NOW);
        till.begin(NOW, of((1..=count).map(&line).collect())).is_ok().then_some(till)
    };
    let (mut fits, mut over) = (1, Draft::MAX_LINES as u16 + 1);
    while over - fits > 1 {
        let middle = fits.midpoint(over);
        if begins(middle).is_some() { fits = middle } else { over = middle }
    }
    (begins(fits).unwrap(), fits.into())
}

/// The most payments, each of a payment terminal and with the longest reference.
fn pay(till: &mut Till, total: i64) {
    let basket = BasketId([1; 16]);
    let mut tenders = Vec::new();
    for no in 0..Tenders::MAX as u8 {
        let payment = PaymentId([no + 1; 16]);
        // Money comes and goes: as many bytes as an amount can have, and the sum is right.
        let amount = match no {
            0 => total,
            no if no % 2 == 1 && no < 63 => MOST,
            63 => 0,
            _ => -MOST,
        };
        let tender = TenderType::CARD;
        till.record(NOW, Record::payment_intent(PaymentIntent { payment, basket, tender, amount })).unwrap();
        let outcome = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, amount, None);
        till.record(NOW, Record::payment_outcome(outcome)).unwrap();
        tenders.push(Tender::new(tender, amount, Some(&"€".repeat(64))).of_payment(payment));
    }
    let sum: i64 = tenders.iter().map(|tender| tender.amount).sum();
    assert_eq!(sum, total);
    let key = |no: u8| vec![no; 128];
    let row = |no| CounterRow {
        counter: Counter(0xFFFF),
        location: u32::MAX,
        state: StockState::Damaged,
        key: key(no),
    };
    let effects: Vec<Effect> = (0..4).map(|no| Effect::new(row(no), MOST, Some(-MOST))).collect();
    let left = (1 << 10) - minicbor::to_vec(&effects).unwrap().len() - "vendor".len() - 8;
    let tenders = Tenders::new(tenders).unwrap().in_drawer(Some("d".repeat(64))).with_effects(effects);
    let tenders =
        tenders.taken_by(Some("b".repeat(64))).with_ext([("vendor".into(), vec![0xFF; left])].into());
    let request = till.request();
    till.terminal.commit(NOW, request, Commit { basket, key: IdempotencyKey([1; 16]), tenders }).unwrap();
    till.run(NOW);
    let reply = till.replies.remove(&request).expect("answered");
    assert!(matches!(reply, Ok(Reply::Committed { .. })), "a basket that was begun is not paid: {reply:?}");
}

#[test]
fn as_many_ordinary_lines_as_are_promised_begin_and_are_paid() {
    let (mut till, count) = most(ordinary, named);
    assert_eq!(count, Draft::MAX_LINES);
    let over = named((1..=Draft::MAX_LINES as u16 + 1).map(ordinary).collect());
    let refused = Till::new(1, 1, NOW).begin(NOW, over);
    assert_eq!(refused, Err(Refusal::TooLarge { field: "lines", limit: Draft::MAX_LINES }));
    pay(&mut till, count as i64 * 65_535);
}

#[test]
fn lines_that_say_all_they_can_end_before_the_payments_have_no_room() {
    let wordy = |no: u16| Line {
        lot: Some("l".repeat(64)),
        reason: Some("r".repeat(64)),
        quantity: MOST / 1_000,
        unit_price: MOST,
        // As many bytes as amounts can have, and a total that a shop takes.
        amount: if no % 2 == 1 { 5_000_000_000 } else { -5_000_000_000 },
        price_version: Some(u64::MAX),
        ..ordinary(no)
    };
    let (mut till, count) = most(wordy, named);
    assert!((100..Draft::MAX_LINES).contains(&count), "{count}");
    pay(&mut till, count as i64 % 2 * 5_000_000_000);
}

/// Each receipt that goods come back from is named beside the transaction as well.
#[test]
fn goods_of_as_many_receipts_as_may_come_back_are_paid() {
    let back = |no: u16| {
        let mut sold = [7; 16];
        // No return names more than 64 receipts.
        sold[0] = (no % 64) as u8;
        let original = Some(OriginalLine { basket: BasketId(sold), line: no });
        Line { quantity: -1, amount: -65_535, original, sold: Some(1), ..ordinary(no) }
    };
    let (mut till, count) = most(back, |lines| Draft { doc_type: DocType::Return, ..named(lines) });
    assert!((300..Draft::MAX_LINES).contains(&count), "{count}");
    pay(&mut till, count as i64 * -65_535);
}

/// Events that may be no larger leave baskets no larger: whatever limit a till is given, what it begins can be paid.
#[test]
fn where_events_are_smaller_baskets_are_and_can_be_paid() {
    let mut before = 0;
    for max_event_bytes in [10 << 10, 16 << 10, 40 << 10] {
        let (mut till, count) = most_where(max_event_bytes, ordinary, named);
        assert!((before + 1..Draft::MAX_LINES).contains(&count), "{count} in {max_event_bytes} bytes");
        pay(&mut till, count as i64 * 65_535);
        before = count;
    }
    let smaller = Config { max_event_bytes: (10 << 10) - 1, ..config(1, 1) };
    assert!(Terminal::new(NOW, smaller, Restored::new()).is_err(), "no basket would fit");
}
