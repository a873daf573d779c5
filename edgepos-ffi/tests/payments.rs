//! A basket that changes while the cashier scans, and a card that is charged in two steps, through C.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos_ffi::*;
use support::calls::{ask, close, open, show};

const BASKET: &str = "000000000000000000000000000000b1";
const PAYMENT: &str = "000000000000000000000000000000c1";
const KEY: &str = "000000000000000000000000000000a1";

#[test]
fn money_that_was_taken_is_booked_or_said() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), "");
    let draft = |quantity: i64| {
        let amount = quantity * 129;
        let line = format!("{{\"no\":1,\"product\":\"milk\",\"quantity\":{quantity},\"amount\":{amount}}}");
        format!("{{\"basket\":\"{BASKET}\",\"currency\":\"EUR\",\"lines\":[{line}]}}")
    };
    assert!(ask(node, edgepos_node_begin, &draft(1)).unwrap().contains("\"total\":129"));
    assert!(ask(node, edgepos_node_update, &draft(2)).unwrap().contains("\"total\":258"));

    let step =
        |more: &str| format!("{{\"payment\":\"{PAYMENT}\",\"basket\":\"{BASKET}\",\"amount\":258,{more}}}");
    ask(node, edgepos_node_record, &step("\"type\":\"payment_intent\",\"kind\":\"card\"")).unwrap();
    assert!(
        show(node, edgepos_node_unresolved_payments).contains(PAYMENT),
        "nobody has said what became of it"
    );
    let approved = step("\"type\":\"payment_outcome\",\"state\":\"approved\"");
    ask(node, edgepos_node_record, &approved).unwrap();

    let paid = |tender: &str| {
        let tenders = format!("[{{\"amount\":258,{tender}}}]");
        format!("{{\"basket\":\"{BASKET}\",\"key\":\"{KEY}\",\"tenders\":{tenders}}}")
    };
    let without = ask(node, edgepos_node_commit, &paid("\"kind\":\"cash\""));
    assert_eq!(
        without.map_err(|(status, _)| status),
        Err(EDGEPOS_TENDERS),
        "the card's money would be nobody's"
    );
    let card = paid(&format!("\"kind\":\"card\",\"payment\":\"{PAYMENT}\""));
    assert!(ask(node, edgepos_node_commit, &card).unwrap().contains("\"repeated\":false"));
    assert_eq!(show(node, edgepos_node_unresolved_payments), "[]");
    close(node);
}
