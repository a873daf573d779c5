//! The till's port is strict: a name that it does not know is refused with its place and the nearest one that it does, and nobody but a
//! program on this machine may call.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::{Value, json};
use support::Terminal;

fn name(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

/// A return that says all that a call can say.
fn begin() -> Value {
    json!({
        "basket": name(1), "doc_type": "return", "currency": "EUR", "mode": "training", "series": "R", "rounding": 0,
        "unreferenced": true,
        "customer": "c", "operator": "o", "key": name(2),
        "lines": [{
            "no": 1, "product": "milk", "quantity": -1, "scale": 0, "unit_price": 100, "amount": -100,
            "discounts": [{ "code": "c", "amount": 1 }], "tax_code": 1, "reason": "r", "lot": "l",
            "sold": 2, "original": { "basket": name(3), "line": 1 },
        }],
        "taxes": [{ "code": 1, "rate_ppm": 190_000, "base": -84, "amount": -16, "included": true }],
        "effects": [{ "counter": 1, "key": "c", "delta": -1, "floor": 0 }],
    })
}

fn pay() -> Value {
    let tender = json!({ "kind": "cash", "amount": -100, "external_ref": "x" });
    json!({ "basket": name(1), "key": name(2), "tenders": [tender], "change": 0, "drawer": "front" })
}

fn opened() -> Value {
    let cash = json!({ "currency": "USD", "amount": 5, "drawer": "front" });
    json!({ "type": "day_opened", "day": 20_260_130, "float": 0, "currency": "EUR", "cash": [cash] })
}

fn received() -> Value {
    let line = json!({ "product": "milk", "quantity": 5 });
    json!({ "type": "stock_received", "key": name(4), "from": "dairy", "lines": [line] })
}

/// The same call with one more field at `place`, a pointer as in RFC 6901.
fn with(call: &Value, place: &str, field: &str) -> Value {
    let mut call = call.clone();
    call.pointer_mut(place).unwrap()[field] = json!(1);
    call
}

#[test]
fn a_field_that_is_not_known_is_refused_wherever_it_stands() {
    let till = Terminal::start("", &[]);
    let refused = |path: &str, body: &Value, place: &str, meant: &str| {
        let (status, answer) = support::ask(&till.address, "POST", path, &body.to_string());
        let problem: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, &problem["code"]), (400, &json!("bad_request")), "{path}: {answer}");
        let error = problem["error"].as_str().unwrap();
        assert!(error.starts_with(&format!("{place}: unknown field")), "{path}: {error}");
        assert!(error.ends_with(&format!("did you mean `{meant}`?")), "{path}: {error}");
    };
    for (place, field, at, meant) in [
        ("", "curency", "curency", "currency"),
        ("/lines/0", "orignal", "lines[0].orignal", "original"),
        ("/lines/0/original", "lin", "lines[0].original.lin", "line"),
        ("/lines/0/discounts/0", "amont", "lines[0].discounts[0].amont", "amount"),
        ("/taxes/0", "rate_pm", "taxes[0].rate_pm", "rate_ppm"),
        ("/effects/0", "flor", "effects[0].flor", "floor"),
    ] {
        refused("/begin", &with(&begin(), place, field), at, meant);
    }
    refused("/commit", &with(&pay(), "", "chang"), "chang", "change");
    refused("/commit", &with(&pay(), "/tenders/0", "amout"), "tenders[0].amout", "amount");
    for call in ["/abandon", "/park", "/claim"] {
        refused(call, &json!({ "basket": name(1), "baskt": 1 }), "baskt", "basket");
    }
    refused("/record", &with(&opened(), "", "flaot"), "flaot", "float");
    refused("/record", &with(&opened(), "/cash/0", "drawr"), "cash[0].drawr", "drawer");
    refused("/record", &with(&received(), "/lines/0", "quantty"), "lines[0].quantty", "quantity");
    let (status, answer) = support::ask(&till.address, "POST", "/begin", &begin().to_string());
    assert_eq!(status, 200, "all that a call can say is taken: {answer}");
    let (status, _) = support::ask(&till.address, "GET", "/price?product=milk&lst=1", "");
    assert_eq!(status, 400, "behind the question mark as well");
}

#[test]
fn nobody_but_a_program_on_this_machine_may_call() {
    let till = Terminal::start("", &[]);
    let port = till.address.rsplit(':').next().unwrap();
    let (json, own, local) = ("application/json", till.address.as_str(), format!("localhost:{port}"));
    let body = received().to_string();
    let status = |path: &str, headers: &[(&str, &str)]| {
        support::ask_with(&till.address, "POST", path, headers, &body).0
    };
    let page = format!("http://{own}");
    for (headers, expected) in [
        (vec![("host", own), ("content-type", json)], 200),
        (vec![("host", &local), ("content-type", json)], 200),
        (vec![("host", own), ("content-type", json), ("origin", &page)], 200),
        (vec![("host", own), ("content-type", json), ("origin", "http://shop.example")], 403),
        (vec![("host", own), ("content-type", json), ("origin", "null")], 403),
        (vec![("host", "shop.example"), ("content-type", json)], 403),
        (vec![("host", "192.168.0.9:7101"), ("content-type", json)], 403),
        (vec![("host", own), ("content-type", "text/plain")], 415),
        (vec![("host", own), ("content-type", "application/x-www-form-urlencoded")], 415),
        (vec![("host", own)], 415),
    ] {
        assert_eq!(status("/record", &headers), expected, "{headers:?}");
    }
    // What changes nothing is not told to a page either.
    let asked =
        |headers: &[(&str, &str)]| support::ask_with(&till.address, "GET", "/unresolved", headers, "").0;
    assert_eq!(asked(&[("host", own)]), 200);
    assert_eq!(asked(&[("host", own), ("origin", "http://shop.example")]), 403);
    assert_eq!(asked(&[("host", "shop.example")]), 403);
    // Each refusal says what to do.
    let (_, answer) = support::ask_with(
        &till.address,
        "POST",
        "/record",
        &[("host", "shop.example"), ("content-type", json)],
        &body,
    );
    assert!(answer.contains("127.0.0.1 or localhost"), "{answer}");
}
