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

/// A basket that grows, and a card that is asked in two steps.
#[test]
fn a_basket_changes_and_is_paid_in_two_steps() {
    let till = Terminal::start("", &[]);
    let ask = |method: &str, path: &str, body: &Value| {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = support::ask(&till.address, method, path, &text);
        (status, serde_json::from_str::<Value>(&answer).unwrap())
    };
    let basket = |lines: &[(u16, i64)]| {
        let lines: Vec<Value> = lines
            .iter()
            .map(|(no, amount)| json!({ "no": no, "product": "milk", "quantity": 1, "amount": amount }))
            .collect();
        json!({
            "basket": name(1), "doc_type": "sale", "currency": "EUR", "operator": "ann", "lines": lines,
        })
    };
    assert_eq!(ask("POST", "/update", &basket(&[(1, 100)])).0, 409, "it is not begun");
    assert_eq!(ask("POST", "/begin", &basket(&[(1, 100)])).1["total"], 100);
    let changed = ask("POST", "/update", &basket(&[(1, 100), (2, 158)])).1;
    assert_eq!(changed, json!({ "number": 1, "total": 258 }));
    let open = ask("GET", "/unresolved", &Value::Null).1;
    assert_eq!((&open[0]["operator"], open[0]["lines"].as_array().unwrap().len()), (&json!("ann"), 2));
    assert_eq!(open[0]["terminal"], 1);
    let step = |kind: &str, more: Value| {
        let mut step = json!({ "type": kind, "payment": name(7), "basket": name(1), "amount": 258 });
        step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        step
    };
    let misspelt = ask("POST", "/record", &step("payment_intent", json!({ "kind": "card", "amout": 1 })));
    assert_eq!(misspelt.0, 400, "{misspelt:?}");
    assert_eq!(ask("POST", "/record", &step("payment_intent", json!({ "kind": "card" }))).0, 200);
    let waiting = ask("GET", "/payments", &Value::Null).1;
    assert_eq!((&waiting[0]["payment"], &waiting[0]["state"]), (&json!(name(7)), &Value::Null));
    let approved = step("payment_outcome", json!({ "state": "approved", "external_ref": "auth 7" }));
    assert_eq!(ask("POST", "/record", &approved).0, 200);
    assert_eq!(ask("GET", "/payments", &Value::Null).1[0]["state"], "approved");
    let pay = |tender: Value| json!({ "basket": name(1), "key": name(2), "tenders": [tender] });
    let (status, left_out) = ask("POST", "/commit", &pay(json!({ "kind": "cash", "amount": 258 })));
    assert_eq!((status, &left_out["code"]), (409, &json!("tenders")), "{left_out}");
    let (status, given_up) = ask("POST", "/abandon", &json!({ "basket": name(1) }));
    assert_eq!((status, &given_up["code"]), (409, &json!("payment")), "{given_up}");
    let card = json!({ "kind": "card", "amount": 258, "payment": name(7) });
    assert_eq!(ask("POST", "/commit", &pay(card)).0, 200);
    assert_eq!(ask("GET", "/payments", &Value::Null).1, json!([]));
}
