//! The limits of a basket are those of the guide: so much is taken through HTTP, and one more is refused and says the limit.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::Draft;
use edgepos::model::Tenders;
use serde_json::{Value, json};
use support::Terminal;

/// What the guide says: a row of its table for each limit.
fn said(what: &str) -> usize {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide-till.md");
    let page = std::fs::read_to_string(page).unwrap();
    let row = page.lines().find(|line| line.starts_with(&format!("| {what} | ")));
    let row = row.unwrap_or_else(|| panic!("the guide has no limit of {what:?}"));
    row.split('|').nth(2).unwrap().trim().replace(',', "").parse().unwrap()
}

fn name(number: usize) -> String {
    format!("{number:032x}")
}

/// A product's GTIN, with its check digit.
fn gtin(no: usize) -> String {
    let digits = format!("59012{no:07}");
    let weights = [1, 3].into_iter().cycle();
    let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn line(no: usize) -> Value {
    json!({ "no": no, "product": gtin(no), "quantity": 1, "unit_price": 19_999, "amount": 19_999, "tax_code": 1 })
}

fn basket(lines: Vec<Value>) -> Value {
    json!({ "basket": name(0), "doc_type": "sale", "currency": "EUR", "operator": "Ada", "lines": lines })
}

/// What stands at `place`, a pointer as in RFC 6901, is another.
fn with(mut call: Value, place: &str, value: Value) -> Value {
    let (parent, field) = place.rsplit_once('/').unwrap();
    call.pointer_mut(parent).unwrap()[field] = value;
    call
}

/// A row of the guide's table.
struct Limit {
    what: &'static str,
    constant: usize,
    /// A basket with so many of them.
    with: fn(usize) -> Value,
    /// What a refusal says, with the limit.
    refused: &'static str,
}

const LIMITS: &[Limit] = &[
    Limit {
        what: "lines of a basket",
        constant: Draft::MAX_LINES,
        with: |count| basket((1..=count).map(line).collect()),
        refused: "lines is over its limit of 562",
    },
    Limit {
        what: "taxes of a basket",
        constant: Draft::MAX_TAXES,
        with: |count| {
            let tax =
                |code| json!({ "code": code, "rate_ppm": 190_000, "base": 1, "amount": 0, "included": true });
            with(basket(vec![line(1)]), "/taxes", (1..=count).map(tax).collect())
        },
        refused: "taxes is over its limit of 64",
    },
    Limit {
        what: "discounts of a line",
        constant: Draft::MAX_DISCOUNTS,
        with: |count| {
            let discount = json!({ "code": "c", "amount": 1 });
            with(basket(vec![line(1)]), "/lines/0/discounts", json!(vec![discount; count]))
        },
        refused: "more than 32 discounts",
    },
    Limit {
        what: "characters of a series",
        constant: Draft::MAX_SERIES,
        with: |count| with(basket(vec![line(1)]), "/series", json!("é".repeat(count))),
        refused: "series is over its limit of 16",
    },
    Limit {
        what: "bytes of a customer or an operator",
        constant: Draft::MAX_TEXT,
        with: |count| with(basket(vec![line(1)]), "/customer", json!("c".repeat(count))),
        refused: "customer is over its limit of 64",
    },
    Limit {
        what: "bytes of a reason, a lot or a discount's code",
        constant: Draft::MAX_TEXT,
        with: |count| with(basket(vec![line(1)]), "/lines/0/lot", json!("l".repeat(count))),
        refused: "at most 64 bytes",
    },
];

#[test]
fn so_much_is_taken_and_one_more_is_refused() {
    let till = Terminal::start("", &[]);
    for (no, limit) in LIMITS.iter().enumerate() {
        assert_eq!(said(limit.what), limit.constant, "the guide's {:?}", limit.what);
        let call = |count, basket| with((limit.with)(count), "/basket", json!(name(basket)));
        let ask = |call: &Value| support::ask(&till.address, "POST", "/begin", &call.to_string());
        let (status, answer) = ask(&call(limit.constant + 1, 100 + no));
        assert_eq!(status, 400, "{}: {answer}", limit.what);
        assert!(answer.contains(limit.refused), "{}: {answer}", limit.what);
        let (status, answer) = ask(&call(limit.constant, 200 + no));
        assert_eq!(status, 200, "{}: {answer}", limit.what);
        let (status, answer) =
            support::ask(&till.address, "POST", "/abandon", &json!({ "basket": name(200 + no) }).to_string());
        assert_eq!(status, 200, "{answer}");
    }
}

#[test]
fn as_many_payments_as_are_said_are_taken() {
    let till = Terminal::start("", &[]);
    assert_eq!(said("payments of a sale"), Tenders::MAX);
    let count = Tenders::MAX;
    let begin = with(
        basket(vec![json!({ "no": 1, "product": "milk", "quantity": 1, "amount": count })]),
        "/basket",
        json!(name(1)),
    );
    assert_eq!(support::ask(&till.address, "POST", "/begin", &begin.to_string()).0, 200);
    let pay = |count: usize| {
        let tender = json!({ "kind": "cash", "amount": 1 });
        let pay = json!({ "basket": name(1), "key": name(2), "tenders": vec![tender; count] });
        support::ask(&till.address, "POST", "/commit", &pay.to_string())
    };
    let (status, answer) = pay(count + 1);
    assert_eq!(status, 400, "{answer}");
    assert_eq!(pay(count).0, 200, "what was refused left the basket open");
}
