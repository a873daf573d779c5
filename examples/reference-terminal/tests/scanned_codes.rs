//! A till scans: every form of one item's number, a GS1 symbol and a Digital Link are one product, and a misread one is refused.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::{Value, json};
use support::Terminal;

/// Forms of one number, as scanners say them; the last two name a lot as well.
const FORMS: [&str; 6] = [
    "012345678905",
    "0012345678905",
    "00012345678905",
    " 0012345678905\r\n",
    "]C1010001234567890510ABC\u{1d}17261231",
    "https://id.gs1.org/01/00012345678905/10/ABC",
];

fn basket(number: usize, currency: &str, product: &str) -> Value {
    let line = json!({ "no": 1, "product": product, "quantity": 1, "amount": 100 });
    json!({ "basket": format!("{number:032x}"), "doc_type": "sale", "currency": currency, "lines": [line] })
}

#[test]
fn what_is_scanned_is_the_product_that_it_names() {
    // More than may be in memory: what is listed comes from the disk.
    let till = Terminal::start("max_open_baskets = 2\n", &[]);
    let begin = |call: &Value| support::ask(&till.address, "POST", "/begin", &call.to_string());
    for (no, form) in FORMS.iter().enumerate() {
        let (status, answer) = begin(&basket(no + 1, "EUR", form));
        assert_eq!(status, 200, "{form:?}: {answer}");
    }
    let open: Value = serde_json::from_str(&support::ask(&till.address, "GET", "/unresolved", "").1).unwrap();
    let lines: Vec<&Value> = open.as_array().unwrap().iter().map(|basket| &basket["lines"][0]).collect();
    assert_eq!(lines.len(), FORMS.len(), "those that left memory are listed as well: {open}");
    assert!(lines.iter().all(|line| line["product"] == "00012345678905"), "{open}");
    let lots: Vec<&Value> = lines.iter().map(|line| &line["lot"]).filter(|lot| **lot == "ABC").collect();
    assert_eq!(lots.len(), 2, "{open}");
    for misread in [
        "012345678906",
        "]C10100012345678906",
        "]C1010001234567890510",
        "https://id.gs1.org/01/00012345678906",
        "]C110ABC",
    ] {
        let (status, answer) = begin(&basket(90, "EUR", misread));
        assert_eq!(status, 400, "{misread}: {answer}");
    }
    // The currencies of 2026: what is out is read on old receipts, and taken on none.
    for (no, currency, taken) in [(91, "XCG", 200), (92, "ZWG", 200), (93, "BGN", 400), (94, "ANG", 400)] {
        let (status, answer) = begin(&basket(no, currency, "milk"));
        assert_eq!(status, taken, "{currency}: {answer}");
    }
    let pay = json!({ "basket": format!("{:032x}", 1), "key": format!("{:032x}", 1),
        "tenders": [{ "kind": "cash", "amount": 100 }] });
    let (status, answer) = support::ask(&till.address, "POST", "/commit", &pay.to_string());
    assert_eq!(status, 200, "a basket that left memory is paid: {answer}");
    let receipt: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&receipt["number"], &receipt["total"]), (&json!(1), &json!(100)));
}
