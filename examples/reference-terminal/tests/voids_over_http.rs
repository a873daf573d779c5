//! What is no plain sale, over HTTP: a trainee's sale, an exchange, a void. Each moves what it says and nothing else.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::{Value, json};
use support::Terminal;

fn get(till: &Terminal, path: &str) -> Value {
    serde_json::from_str(&support::get(&till.address, path)).unwrap()
}

fn call(till: &Terminal, path: &str, body: &Value) -> (u16, Value) {
    let (status, answer) = support::ask(&till.address, "POST", path, &body.to_string());
    (status, serde_json::from_str(&answer).unwrap())
}

fn post(till: &Terminal, path: &str, body: &Value) -> Value {
    let (status, answer) = call(till, path, body);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn name(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

/// A basket of this kind, with `more` fields.
fn basket(number: u8, doc_type: &str, lines: Value, more: Value) -> Value {
    let mut body = json!({ "basket": name(number), "doc_type": doc_type, "currency": "EUR", "lines": lines });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn pay(till: &Terminal, number: u8, amount: i64) -> Value {
    let tenders = json!([{ "kind": "cash", "amount": amount }]);
    post(till, "/commit", &json!({ "basket": name(number), "key": name(number), "tenders": tenders }))
}

/// Each counter that is not zero, by its number and key.
fn counted(till: &Terminal) -> Vec<(u64, String, i64)> {
    let counters = get(till, "/counters");
    let of = |counter: &Value| {
        let key = counter["key"].as_str().unwrap().to_owned();
        (counter["counter"].as_u64().unwrap(), key, counter["value"].as_i64().unwrap())
    };
    counters.as_array().unwrap().iter().map(of).filter(|(.., value)| *value != 0).collect()
}

fn milk(no: u16, quantity: i64, amount: i64) -> Value {
    json!({ "no": no, "product": "milk", "quantity": quantity, "amount": amount })
}

#[test]
fn a_trainee_moves_no_stock_and_no_drawer_and_is_in_no_figure() {
    let till = Terminal::start("", &[]);
    post(&till, "/record", &json!({ "type": "day_opened", "day": 20_280_229, "float": 0 }));
    post(&till, "/begin", &basket(1, "sale", json!([milk(1, 1, 129)]), json!({})));
    pay(&till, 1, 129);
    let before = (counted(&till), get(&till, "/day?day=20280229")["figures"].clone());
    assert_eq!(before.1["transactions"], 1, "{before:?}");
    for (number, doc_type, lines, amount) in
        [(2, "sale", json!([milk(1, 5, 645)]), 645), (3, "return", json!([milk(1, -1, -129)]), -129)]
    {
        let more = json!({ "mode": "training", "unreferenced": true });
        let begun = post(&till, "/begin", &basket(number, doc_type, lines, more));
        assert_eq!(begun["number"], 0, "a trainee uses no number: {begun}");
        let booked = pay(&till, number, amount);
        assert_eq!(booked["number"], 0, "{booked}");
        let event = booked["event"].as_str().unwrap();
        assert_eq!(get(&till, &format!("/transaction?event={event}"))["mode"], "training");
    }
    let after = (counted(&till), get(&till, "/day?day=20280229")["figures"].clone());
    assert_eq!(before, after);
    // What a trainee sold comes back to nobody, and the next number is that behind the sale.
    let original = json!({ "basket": name(2), "line": 1 });
    let mut back = milk(1, -1, -129);
    back["original"] = original;
    let (status, refused) = call(&till, "/begin", &basket(4, "return", json!([back]), json!({})));
    assert_eq!(status, 400, "the receipt is a trainee's: {refused}");
    assert_eq!(post(&till, "/begin", &basket(5, "sale", json!([milk(1, 1, 129)]), json!({})))["number"], 2);
}

#[test]
fn an_exchange_takes_goods_back_and_sells_others() {
    let till = Terminal::start("", &[]);
    post(&till, "/begin", &basket(1, "sale", json!([milk(1, 2, 258)]), json!({})));
    pay(&till, 1, 258);
    let mut back = milk(1, -1, -129);
    back["original"] = json!({ "basket": name(1), "line": 1 });
    let wine = json!({ "no": 2, "product": "wine", "quantity": 1, "amount": 899 });
    let too_much = basket(
        2,
        "exchange",
        json!([{ "no": 1, "product": "milk", "quantity": -3, "amount": -129,
        "original": { "basket": name(1), "line": 1 } }, wine]),
        json!({}),
    );
    let (status, refused) = call(&till, "/begin", &too_much);
    assert_eq!((status, &refused["code"]), (409, &json!("not_returnable")), "{refused}");
    let begun = post(&till, "/begin", &basket(2, "exchange", json!([back, wine]), json!({})));
    assert_eq!(begun, json!({ "number": 2, "total": 770 }), "in the series of sales");
    let booked = pay(&till, 2, 770);
    let event = booked["event"].as_str().unwrap();
    let shown = get(&till, &format!("/transaction?event={event}"))["transaction"].clone();
    assert_eq!((&shown["doc_type"], &shown["lines"][0]["quantity"]), (&json!("exchange"), &json!(-1)));
    let stock: Vec<_> = counted(&till).into_iter().filter(|(counter, ..)| *counter == 0).collect();
    assert_eq!(stock, [(0, "milk".to_owned(), -1), (0, "wine".to_owned(), -1)]);
    let mut again = milk(1, -2, -258);
    again["original"] = json!({ "basket": name(1), "line": 1 });
    let (status, refused) = call(&till, "/begin", &basket(3, "return", json!([again]), json!({})));
    assert_eq!((status, &refused["code"]), (409, &json!("not_returnable")), "one of two is back: {refused}");
}

/// A code of an old receipt is read where something comes back, and its receipt decides; it sells nothing.
#[test]
fn a_currency_that_is_no_longer_in_use_needs_its_receipt() {
    let till = Terminal::start("", &[]);
    let lev = json!({ "currency": "BGN" });
    let mut back = milk(1, -1, -129);
    back["original"] = json!({ "basket": name(9), "line": 1 });
    for (doc_type, line, says) in [
        ("sale", milk(1, 1, 129), "\"BGN\" is no ISO 4217 code that is in use"),
        ("exchange", back.clone(), "\"BGN\" is no ISO 4217 code that is in use"),
        ("return", back.clone(), "on a receipt that is held here"),
        ("void", back, "the receipt is not held here"),
    ] {
        let (status, refused) = call(&till, "/begin", &basket(1, doc_type, json!([line]), lev.clone()));
        assert_eq!((status, &refused["code"]), (400, &json!("bad_request")), "{doc_type}: {refused}");
        assert!(refused["error"].as_str().unwrap().contains(says), "{doc_type}: {refused}");
    }
}

#[test]
fn a_void_takes_back_what_its_receipt_says() {
    let till = Terminal::start("", &[]);
    let points = json!([{ "counter": 1, "key": "c9", "delta": 7 }]);
    let taxes = json!([{ "code": 1, "rate_ppm": 190_000, "base": 217, "amount": 41, "included": true }]);
    let more = json!({ "customer": "c9", "effects": points, "taxes": taxes });
    post(&till, "/begin", &basket(1, "sale", json!([milk(1, 2, 258)]), more));
    pay(&till, 1, 258);
    assert!(counted(&till).contains(&(1, "c9".to_owned(), 7)));
    let void = |number: u8, more: Value| basket(number, "void", json!([]), more);
    let (status, refused) = call(&till, "/begin", &void(2, json!({})));
    assert_eq!(status, 400, "it names no receipt: {refused}");
    let (status, refused) = call(&till, "/begin", &void(2, json!({ "voids": name(9) })));
    assert_eq!(status, 400, "nobody holds that receipt: {refused}");
    let (status, refused) =
        call(&till, "/begin", &basket(2, "sale", json!([milk(1, 1, 129)]), json!({ "voids": name(1) })));
    assert_eq!(status, 400, "a sale voids nothing: {refused}");
    let begun = post(&till, "/begin", &void(2, json!({ "voids": name(1) })));
    assert_eq!(begun, json!({ "number": 1, "total": -258 }), "in the series of returns");
    let booked = pay(&till, 2, -258);
    let event = booked["event"].as_str().unwrap();
    let shown = get(&till, &format!("/transaction?event={event}"))["transaction"].clone();
    assert_eq!((&shown["doc_type"], &shown["customer"]), (&json!("void"), &json!("c9")));
    assert_eq!((&shown["lines"][0]["quantity"], &shown["taxes"][0]["amount"]), (&json!(-2), &json!(-41)));
    assert_eq!(counted(&till), [], "neither goods, money nor points are left");
    let (status, refused) = call(&till, "/begin", &void(3, json!({ "voids": name(1) })));
    assert_eq!(status, 409, "once: {refused}");
}
