//! An exception is seen, resolved for the store and found in the audit record, through C.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos_ffi::*;
use serde_json::{Value, json};
use support::calls::{ask, close, open};

const BASKET: &str = "000000000000000000000000000000b1";
const KEY: &str = "000000000000000000000000000000a1";
const OTHER_KEY: &str = "000000000000000000000000000000a2";

#[test]
fn what_was_oversold_is_resolved_once() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), ",\"exception_grace_ms\":1,\"level_after_s\":0");
    let call = |call, request: Value| -> Value {
        serde_json::from_str(&ask(node, call, &request.to_string()).unwrap()).unwrap()
    };
    let line = json!({ "no": 1, "product": "milk", "quantity": 2, "amount": 258 });
    ask(
        node,
        edgepos_node_record,
        &json!({ "type": "stock_received", "from": "x", "lines": [{ "product": "milk", "quantity": 1 }] })
            .to_string(),
    )
    .unwrap();
    call(edgepos_node_begin, json!({ "basket": BASKET, "currency": "EUR", "lines": [line] }));
    call(
        edgepos_node_commit,
        json!({ "basket": BASKET, "key": KEY, "tenders": [{ "kind": "cash", "amount": 258 }] }),
    );
    let raised = loop {
        let page: Value =
            serde_json::from_str(&ask(node, edgepos_node_open_exceptions_after, "").unwrap()).unwrap();
        if let Some(first) = page["exceptions"].as_array().unwrap().first() {
            break first.clone();
        }
        let mut notice = std::ptr::null_mut();
        // SAFETY: the place for the answer lives as long as the call.
        unsafe { edgepos_node_next_notice(node, 100, &mut notice) };
        edgepos_text_free(notice);
    };
    assert_eq!(raised["exception"], "oversold");
    let resolution = |key: &str| {
        json!({
            "exception": raised["row"],
            "episode": raised["episode"],
            "resolution": { "action": "adjust_inventory", "delta": 1 },
            "actor": "Ada",
            "key": key,
        })
    };
    let resolved = call(edgepos_node_resolve, resolution(KEY));
    assert_eq!((&resolved["action"], &resolved["repeated"]), (&json!("adjust_inventory"), &json!(false)));
    assert_eq!(
        call(edgepos_node_resolve, resolution(KEY))["event"],
        resolved["event"],
        "the first one's answer"
    );
    let (status, why) = ask(node, edgepos_node_resolve, &resolution(OTHER_KEY).to_string()).unwrap_err();
    assert_eq!(status, EDGEPOS_BAD_REQUEST, "{why}");
    let audit: Value = serde_json::from_str(&ask(node, edgepos_node_resolutions, "").unwrap()).unwrap();
    assert!(
        audit["resolutions"].as_array().unwrap().iter().any(|line| line["event"] == resolved["event"]),
        "{audit}"
    );
    close(node);
}
