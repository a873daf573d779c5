//! Time over HTTP: the zone of a file, prices and products for a time, business days, their X and Z figures, and a SIGKILL between a close
//! and its answer.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::{Value, json};
use support::Terminal;

fn call(till: &Terminal, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let (status, answer) = support::ask(&till.address, method, path, &text);
    (status, serde_json::from_str(&answer).unwrap())
}

fn post(till: &Terminal, path: &str, body: &Value) -> Value {
    let (status, answer) = call(till, "POST", path, body);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn get(till: &Terminal, path: &str) -> Value {
    serde_json::from_str(&support::get(&till.address, path)).unwrap()
}

fn name(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

fn begin(till: &Terminal, basket: u8) -> (u16, Value) {
    let line = json!({ "no": 1, "product": "milk", "quantity": 1, "amount": 129, "price_version": 7 });
    let taxes = json!([{ "code": 1, "rate_ppm": 70_000, "base": 121, "amount": 8, "included": true }]);
    let body = json!({
        "basket": name(basket), "doc_type": "sale", "currency": "EUR", "operator": "Ada", "lines": [line], "taxes": taxes,
    });
    call(till, "POST", "/begin", &body)
}

fn sell(till: &Terminal, basket: u8) -> Value {
    assert_eq!(begin(till, basket).0, 200);
    let tenders = json!([{ "kind": "cash", "amount": 150 }]);
    let pay = json!({ "basket": name(basket), "key": name(basket), "tenders": tenders, "change": 21 });
    post(till, "/commit", &pay)
}

#[test]
fn a_day_is_opened_sold_on_and_closed() {
    let till = Terminal::start("zone = \"Asia/Kathmandu\"\n", &[]);
    let open = |day: u32| call(&till, "POST", "/record", &json!({ "type": "day_opened", "day": day }));
    let (status, refused) = open(20_260_230);
    assert_eq!((status, refused["code"].as_str()), (409, Some("day")));
    assert_eq!(refused["error"], "day: 20260230 is no date of the calendar, as yyyymmdd");
    assert_eq!(open(20_280_229).0, 200);
    let sold = sell(&till, 1);
    let booked = get(&till, &format!("/transaction?event={}", sold["event"].as_str().unwrap()));
    assert_eq!(booked["transaction"]["lines"][0]["price_version"], 7);

    let x = get(&till, "/day?day=20280229");
    assert_eq!((&x["closed"], &x["complete"]), (&json!(false), &json!(true)));
    let euros = &x["figures"]["currencies"][0];
    assert_eq!((&euros["total"], &euros["change"]), (&json!(129), &json!(21)));
    assert_eq!(euros["tenders"], json!([{ "kind": 0, "payments": 1, "amount": 150 }]));
    assert_eq!(
        euros["taxes"],
        json!([{ "code": 1, "rate_ppm": 70_000, "included": true, "base": 121, "amount": 8 }])
    );
    assert_eq!(euros["operators"], json!([{ "operator": "Ada", "transactions": 1, "total": 129 }]));
    assert_eq!(
        euros["drawers"],
        json!([{ "drawer": "terminal-1", "cash": 129, "moved_in": 0, "moved_out": 0 }])
    );

    assert_eq!(begin(&till, 2).0, 200);
    let close = json!({ "type": "day_closed" });
    let (status, refused) = call(&till, "POST", "/record", &close);
    assert_eq!((status, refused["code"].as_str()), (409, Some("day")), "a basket is open");
    let closed = post(&till, "/record", &json!({ "type": "day_closed", "park": true }));
    assert_eq!(post(&till, "/record", &close), closed, "a repeat has the first answer");
    let (status, refused) = begin(&till, 3);
    assert_eq!((status, refused["code"].as_str()), (409, Some("day_closed")));
    assert_eq!(refused["next_day"], 20_280_301, "the till offers to open it");
    let z = get(&till, "/day?day=20280229&terminal=1");
    assert_eq!((&z["closed"], &z["figures"]["currencies"][0]), (&json!(true), euros));
    assert_eq!((&z["late"]["transactions"], &z["closes"][0]["event"]), (&json!(0), &closed["event"]));
    assert_eq!(open(20_280_301).0, 200);
    let claimed = post(&till, "/claim", &json!({ "basket": name(2) }));
    assert_eq!((&claimed["total"], &claimed["lines"][0]["price_version"]), (&json!(129), &json!(7)));
}

#[test]
fn cash_moves_and_shifts_are_in_the_figures() {
    let till = Terminal::start("", &[]);
    let cash = |amount: i64| json!([{ "currency": "EUR", "amount": amount }]);
    post(&till, "/record", &json!({ "type": "day_opened", "day": 20_280_229 }));
    let open = json!({ "type": "shift_opened", "shift": name(7), "operator": "Ada", "cash": cash(10_000) });
    post(&till, "/record", &open);
    assert_eq!(get(&till, "/status")["open_shifts"][0]["operator"], "Ada");
    sell(&till, 1);
    let skim = json!({
        "type": "cash_moved", "reason": "skim", "amount": 5_000, "currency": "EUR", "to": "safe",
        "note": "4111 1111 1111 1111", "operator": "Ada", "key": name(9),
    });
    let moved = post(&till, "/record", &skim);
    assert_eq!(post(&till, "/record", &skim), moved, "a repeat has the first answer");
    for (field, value) in [("reason", json!("tip")), ("amout", json!(1)), ("currency", json!("EURO"))] {
        let mut bad = skim.clone();
        bad[field] = value;
        assert_eq!(call(&till, "POST", "/record", &bad).0, 400, "{field}");
    }
    post(&till, "/record", &json!({ "type": "shift_closed", "shift": name(7), "cash": cash(5_100) }));
    let day = get(&till, "/day?day=20280229");
    let shift = &day["shifts"][0];
    assert_eq!(
        (&shift["shift"], &shift["figures"]["currencies"][0]["total"]),
        (&json!(name(7)), &json!(129))
    );
    let counted = json!([{
        "drawer": "terminal-1", "currency": "EUR", "opening": 10_000, "expected": 5_129, "counted": 5_100,
        "difference": -29,
    }]);
    assert_eq!(shift["drawers"], counted);
    let movements = &day["figures"]["currencies"][0]["movements"];
    assert_eq!(*movements, json!([{ "reason": "skim", "movements": 1, "amount": 5_000 }]));
}

#[test]
fn products_are_told_for_a_moment_and_what_no_call_has_is_refused() {
    let till = Terminal::start("", &[]);
    let product = |name: &str, more: Value| {
        let mut body =
            json!({ "type": "product_set", "product": "milk", "name": name, "base_unit": "piece" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post(&till, "/record", &body);
    };
    product("Milk", json!({}));
    product("Milk, new", json!({ "valid_from": 4_000_000_000_000_u64, "version": 3 }));
    assert_eq!(get(&till, "/product?product=milk")["name"], "Milk");
    let planned = get(&till, "/product?product=milk&at_ms=4000000000000");
    assert_eq!((&planned["name"], &planned["version"]), (&json!("Milk, new"), &json!(3)));
    for path in ["/day?day=20261201&terminl=1", "/product?product=milk&at=5", "/day"] {
        let (status, refused) = call(&till, "GET", path, &Value::Null);
        assert_eq!((status, refused["code"].as_str()), (400, Some("bad_request")), "{path}");
    }
    let (status, refused) = call(&till, "POST", "/record", &json!({ "type": "day_closed", "parc": true }));
    assert_eq!(status, 400, "{refused}");
    assert_eq!(call(&till, "GET", "/product?product=cheese", &Value::Null).0, 404);
}
