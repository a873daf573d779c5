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

fn post(till: &Terminal, path: &str, body: &Value) -> (u16, String) {
    support::ask(&till.address, "POST", path, &body.to_string())
}

/// What names somebody or something is never altered, so a card number in it is refused; what somebody writes is masked.
#[test]
fn a_card_number_gets_into_no_name() {
    let till = Terminal::start("", &[]);
    const CARD: &str = "4111 1111 1111 1111";
    for (place, value, says) in [
        ("/series", json!("4111111111111111"), "series: it is a card number"),
        ("/series", json!(""), "series: a series has 1 to 16 characters"),
        ("/series", json!("S\u{7}"), "series: a series has no control characters"),
        ("/customer", json!(CARD), "customer: it is a card number"),
        ("/customer", json!(format!("Ada {CARD}")), "customer: it is a card number"),
        ("/operator", json!(format!("{CARD} 12/27")), "operator: it is a card number"),
        ("/lines/0/product", json!(CARD), "the product code is a card number"),
    ] {
        let (status, answer) = post(&till, "/begin", &with(basket(vec![line(1)]), place, value));
        assert_eq!(status, 400, "{place}: {answer}");
        assert!(answer.contains(says), "{place}: {answer}");
    }
    let product = |more: Value| {
        let mut product =
            json!({ "type": "product_set", "product": "milk", "name": "Milk", "base_unit": "piece" });
        product.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post(&till, "/record", &product)
    };
    for (more, says) in [
        (json!({ "base_unit": CARD }), "base_unit: it is a card number"),
        (json!({ "base_unit": "g\n" }), "base_unit: a unit has no control characters"),
        (json!({ "product": CARD }), "the product code is a card number"),
    ] {
        let (status, answer) = product(more);
        assert!(status == 400 && answer.contains(says), "{status}: {answer}");
    }
    let (status, answer) = product(json!({ "name": format!("Milk {CARD}") }));
    assert_eq!(status, 200, "{answer}");
    assert!(support::get(&till.address, "/product?product=milk").contains("Milk **** **** **** 1111"));
    let (status, answer) = product(json!({ "base_unit": "g" }));
    assert!(
        status == 400 && answer.contains("base_unit: the product is counted in another unit"),
        "{answer}"
    );
}

/// A list of values is no object: whatever stands in it would be taken for something else.
#[test]
fn a_list_is_no_object() {
    let till = Terminal::start("", &[]);
    let (b, k) = (name(1), name(2));
    for (path, body) in [
        ("/stop", json!([])),
        ("/flush", json!([1])),
        ("/abandon", json!([b])),
        ("/commit", json!([b, k, [], 0])),
        ("/commit", json!({ "basket": b, "key": k, "tenders": [["cash", 5]] })),
        (
            "/begin",
            json!({ "basket": b, "doc_type": "sale", "currency": "EUR", "lines": [[1, "milk", 1, 0, 0, 5]] }),
        ),
        ("/record", json!(["day_opened", 20_300_101])),
        ("/record", json!({ "type": "stock_counted", "lines": [["milk", 4]] })),
        ("/record", json!({ "type": "day_opened", "day": 20_300_101, "cash": [["EUR", 5]] })),
        ("/record", json!({ "type": "custom", "body": "x", "effects": [[40_000, "x", 1]] })),
        ("/admit", json!(["3-0123456789ab"])),
        (
            "/resolve",
            json!({ "exception": "00", "episode": 1, "resolution": ["accept"], "actor": "x", "key": k }),
        ),
    ] {
        let (status, answer) = post(&till, path, &body);
        assert_eq!(status, 400, "{path} {body}: {answer}");
        assert!(answer.contains("sequence") && answer.contains("an object"), "{path} {body}: {answer}");
    }
    support::get(&till.address, "/status");
}

/// What is no call, no date and no terminal is refused in the same form as everything else.
#[test]
fn what_is_no_call_is_answered_as_any_other_refusal() {
    let till = Terminal::start("", &[]);
    for (method, path, status, code, says) in [
        ("GET", "/nothing", 404, "not_found", "there is no call GET /nothing"),
        ("GET", "/begin", 405, "method_not_allowed", "GET /begin is no call: the header Allow"),
        ("DELETE", "/status", 405, "method_not_allowed", "DELETE /status is no call"),
        ("GET", "/day?day=20260230", 400, "bad_request", "day: it is no date of the calendar"),
        (
            "GET",
            "/day?day=20260228&terminal=65535",
            400,
            "bad_request",
            "terminal: no terminal has this number",
        ),
        ("GET", "/transactions?business_day=1", 400, "bad_request", "business_day: it is no date"),
    ] {
        let (got, body) = support::ask(&till.address, method, path, "");
        assert_eq!(got, status, "{method} {path}: {body}");
        let problem: Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{method} {path}: {body}"));
        assert_eq!(problem["code"], code, "{body}");
        assert!(problem["error"].as_str().unwrap().contains(says), "{body}");
    }
    let mut connection = std::net::TcpStream::connect(&till.address).unwrap();
    let call = format!("GET /begin HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", till.address);
    std::io::Write::write_all(&mut connection, call.as_bytes()).unwrap();
    let answer = std::io::read_to_string(connection).unwrap().to_ascii_lowercase();
    assert!(answer.contains("\r\nallow: post\r\n"), "{answer}");
    for (path, body) in [
        ("/admit", json!({ "replica": "65535-0123456789ab" })),
        ("/replace", json!({ "terminal": 65_535 })),
        ("/write_off", json!({ "terminal": 0 })),
    ] {
        let (status, answer) = post(&till, path, &body);
        assert!(status == 400 && answer.contains("from 1 to 65534"), "{path}: {status} {answer}");
    }
}
