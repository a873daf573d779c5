//! A fiscal device behind the C API: it is asked about each receipt of a signed series, and what it says is on the receipt.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use edgepos_ffi::*;
use serde_json::{Value, json};
use support::calls::{Shared, answer, ask, close, detail, open, show};

/// Time that is always enough.
const LONG: u64 = 60_000;

fn next(node: *mut NodeHandle, timeout: u64) -> Result<Value, (i32, String)> {
    let mut asked = ptr::null_mut();
    // SAFETY: the place for the answer lives as long as the call.
    let status = unsafe { edgepos_node_next_to_sign(node, timeout, &mut asked) };
    answer(status, asked)
}

fn signed(node: *mut NodeHandle, said: &Value) -> i32 {
    let said = said.to_string();
    // SAFETY: the text lives as long as the call.
    unsafe { edgepos_node_signed(node, said.as_ptr().cast(), said.len()) }
}

fn basket(no: u8) -> String {
    format!("{no:032x}")
}

/// Sells, and says what the receipt says of its signature.
fn sell(node: *mut NodeHandle, no: u8) -> Value {
    let line = json!({ "no": 1, "product": "milk", "quantity": 2, "amount": 258 });
    let draft = json!({ "basket": basket(no), "currency": "EUR", "lines": [line] });
    ask(node, edgepos_node_begin, &draft.to_string()).unwrap();
    let paid = json!({ "basket": basket(no), "key": format!("{:032x}", 0x00a0 + u16::from(no)), "tenders": [{ "kind": "cash", "amount": 258 }] });
    serde_json::from_str(&ask(node, edgepos_node_commit, &paid.to_string()).unwrap()).unwrap()
}

fn fiscal(node: *mut NodeHandle, no: u8) -> Value {
    let receipts: Value =
        serde_json::from_str(&ask(node, edgepos_node_receipts_of_basket, &basket(no)).unwrap()).unwrap();
    receipts[0]["fiscal"].clone()
}

fn unsigned(node: *mut NodeHandle) -> Value {
    let status: Value = serde_json::from_str(&show(node, edgepos_node_status)).unwrap();
    status["unsigned_receipts"].clone()
}

#[test]
fn what_a_device_says_is_on_the_receipt() {
    let folder = tempfile::tempdir().unwrap();
    let node = Shared(open(folder.path(), ",\"signed_series\":[\"S\"],\"sign_within_ms\":60000"));
    assert_eq!(next(node.node(), 0).unwrap_err().0, EDGEPOS_NOTHING);

    let device = thread::spawn(move || {
        let asked = next(node.node(), LONG).unwrap();
        // What does not read is no answer: the device may say it again.
        let both = json!({ "id": asked["id"], "away": "no paper", "refused": "no" });
        let odd = json!({ "id": asked["id"], "series": "S", "number": 1, "signature": "0" });
        let long = json!({ "id": asked["id"], "series": "S", "number": 1, "signature": "00".repeat(4097) });
        let other = json!({ "id": asked["id"], "sig": "00" });
        for wrong in [both, odd, long, other] {
            assert_eq!(signed(node.node(), &wrong), EDGEPOS_BAD_REQUEST, "{wrong}");
            assert!(!detail().is_empty());
        }
        let receipt = &asked["receipt"];
        let said = json!({ "id": asked["id"], "series": receipt["series"], "number": receipt["number"], "signature": "c0ffee" });
        assert_eq!(signed(node.node(), &said), EDGEPOS_OK);
        assert_eq!(signed(node.node(), &said), EDGEPOS_NOTHING, "it is heard once");

        let refused = next(node.node(), LONG).unwrap();
        assert_eq!(
            signed(node.node(), &json!({ "id": refused["id"], "refused": "no tax number" })),
            EDGEPOS_OK
        );
        asked
    });
    sell(node.node(), 1);
    sell(node.node(), 2);
    let asked = device.join().unwrap();
    let receipt = &asked["receipt"];
    assert_eq!((&receipt["basket"], &receipt["total"]), (&json!(basket(1)), &json!(258)), "{asked}");
    assert_eq!((&receipt["series"], &receipt["number"]), (&json!("S"), &json!(1)));
    assert_eq!(receipt["transaction"]["tenders"][0]["amount"], 258, "{asked}");
    assert!(receipt.get("event").is_none(), "it is signed before it is booked");
    assert_eq!(fiscal(node.node(), 1)["signature"], "c0ffee");
    assert_eq!(fiscal(node.node(), 2)["reason"], "no tax number");
    assert_eq!(unsigned(node.node()), 0);
    close(node.node());
}

#[test]
fn a_sale_goes_on_without_its_device_and_is_signed_later() {
    let folder = tempfile::tempdir().unwrap();
    let node = Shared(open(folder.path(), ",\"signed_series\":[\"S\"],\"sign_within_ms\":60000"));
    assert_eq!(next(node.node(), 0).unwrap_err().0, EDGEPOS_NOTHING);
    let device = thread::spawn(move || {
        let away = next(node.node(), LONG).unwrap();
        assert_eq!(signed(node.node(), &json!({ "id": away["id"], "away": "no power" })), EDGEPOS_OK);
        away
    });
    sell(node.node(), 1);
    let away = device.join().unwrap();
    assert_eq!(
        (unsigned(node.node()), fiscal(node.node(), 1)["reason"].clone()),
        (json!(1), json!("no power"))
    );

    // It is asked for again, booked by now; a signature for another receipt does not count.
    let again = next(node.node(), LONG).unwrap();
    assert!(again["id"] != away["id"] && again["receipt"]["event"].is_string(), "{again}");
    assert_eq!(again["receipt"]["body"], away["receipt"]["body"], "the same bytes are signed");
    let of_another = json!({ "id": again["id"], "series": "S", "number": 7, "signature": "00" });
    assert_eq!(signed(node.node(), &of_another), EDGEPOS_OK);
    let again = next(node.node(), LONG).unwrap();
    assert_eq!(unsigned(node.node()), 1);
    let said = json!({ "id": again["id"], "series": "S", "number": 1, "signature": "beef" });
    assert_eq!(signed(node.node(), &said), EDGEPOS_OK);
    let end = Instant::now() + Duration::from_millis(LONG);
    while unsigned(node.node()) != 0 {
        assert!(Instant::now() < end, "it is not signed");
        thread::yield_now();
    }
    assert_eq!(fiscal(node.node(), 1)["signature"], "beef");

    // Whoever waits for a receipt waits no longer once the terminal is closed.
    let waits = thread::spawn(move || next(node.node(), u64::MAX));
    // SAFETY: nobody wants to know how many events are left.
    assert_eq!(unsafe { edgepos_node_close(node.node(), 0, ptr::null_mut()) }, EDGEPOS_OK);
    assert_eq!(waits.join().unwrap().unwrap_err().0, EDGEPOS_STOPPED);
    assert_eq!(signed(node.node(), &said), EDGEPOS_STOPPED);
    edgepos_node_free(node.node());
}
