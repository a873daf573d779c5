//! What was sold is looked up over HTTP: transactions by what is asked and page by page, receipts, baskets, exceptions, counters, and how
//! the engines are.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::Terminal;

const PATIENCE: Duration = Duration::from_secs(60);

fn get(till: &Terminal, path: &str) -> Value {
    serde_json::from_str(&support::get(&till.address, path)).unwrap()
}

fn post(till: &Terminal, path: &str, body: &Value) -> Value {
    let (status, answer) = support::ask(&till.address, "POST", path, &body.to_string());
    assert_eq!(status, 200, "{path}: {answer}");
    serde_json::from_str(&answer).unwrap()
}

fn refused(till: &Terminal, path: &str) -> (u16, String) {
    let (status, answer) = support::ask(&till.address, "GET", path, "");
    let problem: Value = serde_json::from_str(&answer).unwrap();
    (status, problem["code"].as_str().unwrap().to_owned())
}

fn name(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

fn begin(till: &Terminal, basket: u8, customer: &str, product: &str) {
    let line = json!({ "no": 1, "product": product, "quantity": 1, "amount": 129 });
    let body = json!({
        "basket": name(basket), "doc_type": "sale", "currency": "EUR", "customer": customer, "lines": [line],
    });
    post(till, "/begin", &body);
}

fn sell(till: &Terminal, basket: u8, customer: &str) -> Value {
    begin(till, basket, customer, "milk");
    let tenders = json!([{ "kind": "cash", "amount": 129 }]);
    post(till, "/commit", &json!({ "basket": name(basket), "key": name(basket), "tenders": tenders }))
}

/// The numbers of a page's transactions, and where the next one begins, as the word that `after` takes.
fn page(till: &Terminal, query: &str) -> (Vec<u64>, Option<String>) {
    let page = get(till, &format!("/transactions?{query}"));
    let numbers = page["transactions"].as_array().unwrap().iter();
    let numbers = numbers.map(|booked| booked["transaction"]["number"].as_u64().unwrap()).collect();
    let next = page["next"].as_object().map(|next| {
        let positions = next.iter().map(|(chain, seq)| format!("{chain}:{seq}"));
        positions.collect::<Vec<_>>().join(",")
    });
    (numbers, next)
}

#[test]
fn what_was_sold_is_found_again() {
    let till = Terminal::start("exception_grace_ms = 100\n", &[]);
    let receipts: Vec<_> =
        (1..=7).map(|basket| sell(&till, basket, if basket % 3 == 0 { "vip" } else { "guest" })).collect();

    assert_eq!(page(&till, "").0, [7, 6, 5, 4, 3, 2, 1], "the newest first");
    assert_eq!(page(&till, "customer=vip").0, [6, 3]);
    assert_eq!(page(&till, "number=4&series=S&terminal=1").0, [4]);
    assert_eq!(page(&till, "terminal=2").0, [] as [u64; 0]);
    assert_eq!(page(&till, "before_ms=1").0, [] as [u64; 0]);
    let (mut found, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let (numbers, next) = page(&till, &format!("limit=3{after}"));
        assert!(numbers.len() <= 3);
        found.extend(numbers);
        pages += 1;
        let Some(next) = next else { break };
        after = format!("&after={next}");
        sell(&till, 50 + pages, "late");
    }
    assert_eq!(found, [7, 6, 5, 4, 3, 2, 1], "what comes meanwhile is in no later page");
    assert!(pages >= 3, "{pages}");

    let event = receipts[2]["event"].as_str().unwrap();
    let booked = get(&till, &format!("/transaction?event={event}"));
    assert_eq!((&booked["event"], &booked["transaction"]["customer"]), (&event.into(), &"vip".into()));
    assert_eq!(booked["transaction"]["lines"][0]["product"], "milk");
    for named in [format!("basket={}", name(3)), format!("key={}", name(3))] {
        let found = get(&till, &format!("/receipts?{named}"));
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        assert_eq!((&found[0]["event"], &found[0]["number"]), (&event.into(), &3.into()));
    }
    assert_eq!(get(&till, &format!("/receipts?basket={}", name(99))), json!([]));

    for (path, status, code) in [
        ("/transactions?colour=red", 400, "bad_request"),
        ("/transactions?after=nowhere", 400, "bad_request"),
        ("/transactions?number=many", 400, "bad_request"),
        ("/transaction?event=1", 400, "bad_request"),
        ("/transaction?event=9-0123456789ab/0:1", 404, "not_found"),
        ("/receipts", 400, "bad_request"),
        ("/basket?basket=xyz", 400, "bad_request"),
        ("/exceptions?after=q", 400, "bad_request"),
    ] {
        assert_eq!(refused(&till, path), (status, code.to_owned()), "{path}");
    }
}

#[test]
fn a_basket_is_found_wherever_it_is() {
    let till = Terminal::start("", &[]);
    let basket = |number: u8| format!("/basket?basket={}", name(number));
    assert_eq!(refused(&till, &basket(1)), (404, "not_found".into()));
    begin(&till, 1, "vip", "milk");
    let open = get(&till, &basket(1));
    assert_eq!((&open["state"], &open["transaction"]["customer"]), (&"open".into(), &"vip".into()));
    post(&till, "/park", &json!({ "basket": name(1) }));
    let parked = get(&till, &basket(1));
    assert_eq!(parked["state"], "parked");
    assert_eq!(parked["transaction"]["lines"][0]["product"], "milk");
    let receipt = sell(&till, 2, "guest");
    assert_eq!(get(&till, &basket(2))["state"]["booked"][0]["event"], receipt["event"]);
}

#[test]
fn exceptions_and_counters_come_in_pages_and_the_engines_say_how_they_are() {
    let till = Terminal::start("exception_grace_ms = 100\n", &[]);
    let products = ["bread", "milk", "tea"];
    for product in products {
        let counted = json!({
            "type": "product_set", "product": product, "name": product, "base_unit": "piece", "counted": true, "floor": 0,
        });
        post(&till, "/record", &counted);
    }
    for (basket, product) in (1..).zip(products) {
        begin(&till, basket, "guest", product);
        let tenders = json!([{ "kind": "cash", "amount": 129 }]);
        post(&till, "/commit", &json!({ "basket": name(basket), "key": name(basket), "tenders": tenders }));
    }
    let raised = || {
        let raised = get(&till, "/exceptions");
        let all = raised.as_array().unwrap();
        // What is proposed comes a moment later, and would stand in one answer and not in the other.
        let is_settled = all.len() == 3 && all.iter().all(|one| one.get("proposed").is_some());
        is_settled.then_some(raised)
    };
    let raised = support::wait_for("three exceptions", PATIENCE, raised);
    let subject = raised[0]["row"].as_str().expect("what a page goes on behind");
    let behind = get(&till, &format!("/exceptions?after={subject}"));
    assert_eq!(behind.as_array().unwrap()[..], raised.as_array().unwrap()[1..], "behind the first one");
    let last = raised[2]["row"].as_str().unwrap();
    assert_eq!(get(&till, &format!("/exceptions?after={last}")), json!([]));
    assert_eq!(get(&till, "/status")["open_exceptions"], 3);

    let counters = get(&till, "/counters?counter=0&limit=2");
    let keys = |counters: &Value| {
        let keys =
            counters.as_array().unwrap().iter().map(|counter| counter["key"].as_str().unwrap().to_owned());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys(&counters), ["bread", "milk"]);
    let milk = edgepos::model::CounterRow::stock("milk", 0).to_key();
    let after: String = milk.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(keys(&get(&till, &format!("/counters?counter=0&limit=2&after={after}"))), ["tea"]);
    let milk = get(&till, "/counters?product=milk");
    assert_eq!(milk[0]["value"], -1, "{milk}");

    let diagnosis = get(&till, "/diagnosis");
    assert_eq!(diagnosis["elections"]["elections"], 1, "{diagnosis}");
    assert_eq!((&diagnosis["halted"], &diagnosis["damaged"]), (&Value::Null, &0.into()), "{diagnosis}");
    assert!(
        diagnosis["floor"].is_object() && diagnosis["peers"].as_array().unwrap().is_empty(),
        "{diagnosis}"
    );
    assert!(diagnosis["disk"]["free"].as_u64().is_some(), "SQLite's disk can be asked: {diagnosis}");
    assert_eq!(get(&till, "/lost"), json!([]));

    begin(&till, 90, "SecretCustomer", "SecretProduct");
    for text in
        [support::get(&till.address, "/diagnosis"), support::get(&till.address, "/metrics"), till.log()]
    {
        assert!(!text.contains("Secret"), "nothing of a customer or a sale is shown: {text}");
    }
}

/// What is attached to a receipt comes back with its bytes, once all parts are there; goods that were counted are as many as were counted.
#[test]
fn attachments_are_read_back_and_goods_are_counted() {
    let till = Terminal::start("", &[]);
    sell(&till, 1, "c1");
    let hash = "12a8e6a5cfcd8a5ac8f9a2a4ff4bfa7e1f2d3c4b5a69788796a5b4c3d2e1f001";
    let part = |part: u16, content: &str| {
        json!({
            "type": "attached", "basket": name(1), "hash": hash, "size": 49_154, "part": part, "name": "front.jpg",
            "media_type": "image/jpeg", "content": content,
        })
    };
    let last = post(&till, "/record", &part(1, "ffd8"));
    assert_eq!(post(&till, "/record", &part(1, "ffd8")), last, "a repeat records nothing");
    let listed = get(&till, &format!("/attachments?basket={}", name(1)));
    let expected = json!([{
        "hash": hash, "name": "front.jpg", "media_type": "image/jpeg", "size": 49_154, "parts": 2, "held": 1,
    }]);
    assert_eq!(listed, expected);
    let path = format!("/attachment?basket={}&hash={hash}", name(1));
    assert_eq!(get(&till, &path)["bytes"], "", "a part is missing");
    post(&till, "/record", &part(0, &"00".repeat(49_152)));
    let (status, damaged) = support::ask(&till.address, "GET", &path, "");
    assert!(status >= 500, "it does not have this hash: {damaged}");
    let other = format!("/attachment?basket={}&hash={hash}", name(2));
    assert_eq!(refused(&till, &other), (404, "not_found".to_owned()));
    for bad in [part(2, "ff"), part(1, "ffd"), part(1, "ff")] {
        let (status, answer) = support::ask(&till.address, "POST", "/record", &bad.to_string());
        assert!((400..500).contains(&status), "{bad}: {answer}");
    }
    let stock = || get(&till, "/counters?product=milk")[0]["value"].clone();
    let count = json!({ "type": "stock_counted", "lines": [{ "product": "milk", "counted": 48 }] });
    post(&till, "/record", &count);
    assert_eq!(stock(), 48);
    sell(&till, 3, "c1");
    assert_eq!(stock(), 47);
}
