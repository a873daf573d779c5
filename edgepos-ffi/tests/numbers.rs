//! A till whose receipts get their number with the money: a basket that the customer leaves burns none, through C.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos_ffi::*;
use serde_json::{Value, json};
use support::calls::{ask, close, open};

fn name(kind: char, no: u32) -> String {
    format!("{kind}{no:031x}")
}

/// What a call answers.
fn answer(node: *mut NodeHandle, call: support::calls::Asks, request: &Value) -> Value {
    serde_json::from_str(&ask(node, call, &request.to_string()).unwrap()).unwrap()
}

/// The number that a basket has at first.
fn begin(node: *mut NodeHandle, no: u32) -> Value {
    let line = json!({ "no": 1, "product": "milk", "quantity": 2, "amount": 258 });
    let draft = json!({ "basket": name('b', no), "currency": "EUR", "lines": [line] });
    answer(node, edgepos_node_begin, &draft)["number"].clone()
}

/// And the one that it is sold with.
fn commit(node: *mut NodeHandle, no: u32) -> Value {
    let tenders = json!([{ "kind": "cash", "amount": 258 }]);
    let paid = json!({ "basket": name('b', no), "key": name('a', no), "tenders": tenders });
    answer(node, edgepos_node_commit, &paid)["number"].clone()
}

fn abandon(node: *mut NodeHandle, no: u32) {
    let basket = name('b', no);
    // SAFETY: the name lives as long as the call.
    let status = unsafe { edgepos_node_abandon(node, basket.as_ptr().cast(), basket.len()) };
    assert_eq!(status, EDGEPOS_OK);
}

#[test]
fn a_basket_that_is_left_burns_no_number_where_the_till_says_so() {
    for (number_at, begun, sold) in [("begin", [1, 2, 3], [1, 3]), ("commit", [0, 0, 0], [1, 2])] {
        let folder = tempfile::tempdir().unwrap();
        let node = open(folder.path(), &format!(",\"number_at\":{number_at:?}"));
        assert_eq!(begin(node, 1), begun[0], "{number_at}");
        assert_eq!(commit(node, 1), sold[0], "{number_at}");
        assert_eq!(begin(node, 2), begun[1], "{number_at}");
        abandon(node, 2);
        assert_eq!(begin(node, 3), begun[2], "{number_at}");
        assert_eq!(commit(node, 3), sold[1], "{number_at}");
        assert_eq!(commit(node, 3), sold[1], "{number_at}: asked again");
        close(node);
    }
}
