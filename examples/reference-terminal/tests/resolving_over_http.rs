//! An exception is resolved over HTTP: what is open with what is proposed, the call, its repeat, what is refused, and the audit record.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::Terminal;

const PATIENCE: Duration = Duration::from_secs(60);

fn get(till: &Terminal, path: &str) -> Value {
    serde_json::from_str(&support::get(&till.address, path)).unwrap()
}

fn post(till: &Terminal, path: &str, body: &Value) -> (u16, Value) {
    let (status, answer) = support::ask(&till.address, "POST", path, &body.to_string());
    (status, serde_json::from_str(&answer).unwrap())
}

fn name(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

fn resolve(exception: &Value, key: u8, resolution: &Value) -> Value {
    json!({
        "exception": exception["row"], "episode": exception["episode"], "resolution": resolution,
        "actor": "Ada", "reason": "on the shelf", "key": name(key),
    })
}

/// Goods for one sale, and a sale of two.
fn oversell(till: &Terminal) {
    let goods =
        json!({ "type": "stock_received", "from": "dairy", "lines": [{ "product": "milk", "quantity": 1 }] });
    assert_eq!(post(till, "/record", &goods).0, 200);
    let line = json!({ "no": 1, "product": "milk", "quantity": 2, "amount": 258 });
    let draft = json!({ "basket": name(1), "doc_type": "sale", "currency": "EUR", "lines": [line] });
    assert_eq!(post(till, "/begin", &draft).0, 200);
    let tenders = json!([{ "kind": "cash", "amount": 258 }]);
    let paid = json!({ "basket": name(1), "key": name(1), "tenders": tenders });
    assert_eq!(post(till, "/commit", &paid).0, 200);
}

/// What is proposed about the first exception, once something is.
fn proposed(till: &Terminal) -> Value {
    let look = || get(till, "/exceptions").get(0).filter(|open| open["proposed"].is_object()).cloned();
    support::wait_for("an exception with a proposal", PATIENCE, look)
}

/// The model that comes with the source looks at the sale; where it is not there the rules say what to do, and that it was missing.
#[test]
fn a_model_looks_at_the_sales_of_an_exception() {
    let asked = "exception_grace_ms = 100\nresolver.model_within_ms = 60000\n";
    let till = Terminal::start(asked, &[]);
    oversell(&till);
    let advice = &proposed(&till)["proposed"];
    assert_eq!((&advice["by"], &advice["action"]), (&json!("fraud"), &json!("recount")), "{advice}");
    assert!(advice["scores"][0]["per_mille"].is_u64() && advice["fallback"].is_null(), "{advice}");
    assert!(advice["reasons"].as_array().unwrap().len() > 1, "{advice}");

    let till = Terminal::start(&format!("{asked}models = \"nowhere\"\n"), &[]);
    oversell(&till);
    let advice = &proposed(&till)["proposed"];
    assert_eq!((&advice["by"], &advice["fallback"]), (&json!("rules"), &json!("no_model")), "{advice}");
}

#[test]
fn an_exception_is_resolved_once_and_undone() {
    let till = Terminal::start("exception_grace_ms = 100\n", &[]);
    oversell(&till);
    let exception = proposed(&till);
    assert_eq!((&exception["value"], &exception["proposed"]["action"]), (&json!(-1), &json!("recount")));
    let stale = json!({ "base": 0 });
    let mut call = resolve(&exception, 2, &json!({ "action": "backorder" }));
    call["base"] = stale["base"].clone();
    let (status, refused) = post(&till, "/resolve", &call);
    assert_eq!((status, &refused["code"]), (409, &json!("stale")), "{refused}");
    call["base"] = exception["base"].clone();
    let (status, resolved) = post(&till, "/resolve", &call);
    assert_eq!(
        (status, &resolved["action"], &resolved["amount"]),
        (200, &json!("backorder"), &json!(1)),
        "{resolved}"
    );
    let (_, again) = post(&till, "/resolve", &call);
    assert_eq!((&again["event"], &again["repeated"]), (&resolved["event"], &json!(true)));
    let (status, refused) = post(&till, "/resolve", &resolve(&exception, 3, &json!({ "action": "accept" })));
    assert!(status == 409 && ["resolved", "ended"].contains(&refused["code"].as_str().unwrap()), "{refused}");
    let unknown = json!({ "row": "00", "episode": 1 });
    let (status, refused) = post(&till, "/resolve", &resolve(&unknown, 4, &json!({ "action": "accept" })));
    assert_eq!((status, &refused["code"]), (404, &json!("not_found")), "{refused}");

    let undo = json!({ "action": "undo", "of": resolved["event"] });
    let (status, undone) = post(&till, "/resolve", &resolve(&exception, 5, &undo));
    assert_eq!(status, 200, "{undone}");
    let audit = get(&till, "/resolutions");
    let states: Vec<_> =
        audit.as_array().unwrap().iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states[..3], ["proposed", "undone", "done"], "{audit}");
    let first = audit[0]["event"].as_str().unwrap();
    let behind = get(&till, &format!("/resolutions?after={first}"));
    assert_eq!(behind[0], audit[1], "a page goes on behind an event");
    assert_eq!(get(&till, "/counters?product=milk")[0]["value"], -1);
}
