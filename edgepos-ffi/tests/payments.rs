//! A basket that changes while the cashier scans, and a card that is charged in two steps, through C.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::ffi::{CStr, c_char};
use std::ptr;

use edgepos_ffi::*;

const BASKET: &str = "000000000000000000000000000000b1";
const PAYMENT: &str = "000000000000000000000000000000c1";
const KEY: &str = "000000000000000000000000000000a1";

type Asks = unsafe extern "C" fn(*const NodeHandle, *const c_char, usize, *mut *mut TextHandle) -> i32;

fn taken(status: i32, text: *mut TextHandle) -> Result<String, i32> {
    if status != EDGEPOS_OK {
        return Err(status);
    }
    // SAFETY: a zero byte stands behind a text, which lives until it is freed.
    let taken = unsafe { CStr::from_ptr(edgepos_text_data(text)) }.to_str().unwrap().to_owned();
    edgepos_text_free(text);
    Ok(taken)
}

fn ask(node: *mut NodeHandle, call: Asks, request: &str) -> Result<String, i32> {
    let mut out = ptr::null_mut();
    // SAFETY: the text and the place for the answer live as long as the call.
    let status = unsafe { call(node, request.as_ptr().cast(), request.len(), &mut out) };
    taken(status, out)
}

fn open_payments(node: *mut NodeHandle) -> String {
    let mut out = ptr::null_mut();
    // SAFETY: the place for the answer lives as long as the call.
    let status = unsafe { edgepos_node_unresolved_payments(node, &mut out) };
    taken(status, out).unwrap()
}

#[test]
fn money_that_was_taken_is_booked_or_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "{{\"terminal\":1,\"store\":\"07070707070707070707070707070707\",\"database\":{:?},\"listen\":\"127.0.0.1:0\",\
         \"cloud\":\"http://127.0.0.1:9\"}}",
        folder.path().join("till-1.db").display().to_string()
    );
    let mut node = ptr::null_mut();
    // SAFETY: the text and the place for the handle live as long as the call.
    assert_eq!(unsafe { edgepos_node_open(config.as_ptr().cast(), config.len(), &mut node) }, EDGEPOS_OK);
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
    assert!(open_payments(node).contains(PAYMENT), "nobody has said what became of it");
    let approved = step("\"type\":\"payment_outcome\",\"state\":\"approved\"");
    ask(node, edgepos_node_record, &approved).unwrap();

    let paid = |tender: &str| {
        let tenders = format!("[{{\"amount\":258,{tender}}}]");
        format!("{{\"basket\":\"{BASKET}\",\"key\":\"{KEY}\",\"tenders\":{tenders}}}")
    };
    let without = ask(node, edgepos_node_commit, &paid("\"kind\":\"cash\""));
    assert_eq!(without, Err(EDGEPOS_TENDERS), "the card's money would be nobody's");
    let card = paid(&format!("\"kind\":\"card\",\"payment\":\"{PAYMENT}\""));
    assert!(ask(node, edgepos_node_commit, &card).unwrap().contains("\"repeated\":false"));
    assert_eq!(open_payments(node), "[]");
    // SAFETY: nobody wants to know how many events are left.
    assert_eq!(unsafe { edgepos_node_close(node, 0, ptr::null_mut()) }, EDGEPOS_OK);
    edgepos_node_free(node);
}
