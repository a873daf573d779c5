//! Models and the forecast through C: what they answer, what is answered without one, and what a broken input does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::ptr;

use edgepos_ffi::*;
use serde_json::{Value, json};
use support::calls::{self, answer, close, open};

type Looks = unsafe extern "C" fn(*const NodeHandle, *const u8, usize, u64, *mut *mut TextHandle) -> i32;

/// An unoptimised build on a busy machine.
const SLOW_MS: u64 = 120_000;

fn used(node: *mut NodeHandle, request: &Value) -> i32 {
    let request = request.to_string();
    // SAFETY: the text lives as long as the call.
    unsafe { edgepos_node_use_models(node, request.as_ptr().cast(), request.len()) }
}

fn look(node: *mut NodeHandle, call: Looks, bytes: &[u8], timeout_ms: u64) -> Result<Value, (i32, String)> {
    let mut out = ptr::null_mut();
    // SAFETY: the bytes and the place for the answer live as long as the call.
    let status = unsafe { call(node, bytes.as_ptr(), bytes.len(), timeout_ms, &mut out) };
    answer(status, out)
}

fn score(node: *mut NodeHandle, payment: &Value) -> Result<Value, (i32, String)> {
    let (payment, mut out) = (payment.to_string(), ptr::null_mut());
    // SAFETY: the text and the place for the answer live as long as the call.
    let status =
        unsafe { edgepos_node_score(node, payment.as_ptr().cast(), payment.len(), SLOW_MS, &mut out) };
    answer(status, out)
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(support::root().join("models/samples").join(name)).unwrap()
}

fn shipped() -> Value {
    json!({ "folder": support::root().join("models"), "deadline_ms": SLOW_MS })
}

fn payment() -> Value {
    json!({ "amount": 2_490, "currency": "EUR", "card_present": true, "weekday": 2, "second_of_day": 57_600 })
}

#[test]
fn each_model_answers() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), "");
    assert_eq!(used(node, &shipped()), EDGEPOS_OK);
    assert_eq!(used(node, &shipped()), EDGEPOS_BAD_REQUEST, "they are used once");

    let seen = look(node, edgepos_node_recognise, &sample("espresso.png"), SLOW_MS).unwrap();
    assert_eq!((&seen["outcome"], &seen["label"]), (&json!("answer"), &json!("espresso")), "{seen}");
    assert!(seen["confidence"].as_f64().unwrap() > 0.7 && seen["candidates"].as_array().unwrap().len() == 5);
    let read = look(node, edgepos_node_read_barcode, &sample("barcode.png"), SLOW_MS).unwrap();
    assert_eq!((&read["gtin"], &read["symbology"]), (&json!("04006381333931"), &json!("ean_13")), "{read}");
    let heard = look(node, edgepos_node_hear, &sample("refund.wav"), SLOW_MS).unwrap();
    assert_eq!((&heard["heard"], &heard["word"]), (&json!("command"), &json!("refund")), "{heard}");
    let usual = score(node, &payment()).unwrap();
    assert_eq!((&usual["outcome"], &usual["suspicious"]), (&json!("answer"), &json!(false)), "{usual}");

    // Of each kind of input, one that is cut off or out of its bounds.
    let picture = sample("espresso.png");
    for call in [edgepos_node_recognise as Looks, edgepos_node_read_barcode as Looks] {
        for end in [0, 1, 9, 100, picture.len() / 2] {
            let told = look(node, call, &picture[..end], SLOW_MS).unwrap();
            assert_eq!((&told["outcome"], &told["code"]), (&json!("fallback"), &json!("decode")), "{told}");
            assert_eq!(told["action"], "manual_entry");
        }
    }
    assert_eq!(
        look(node, edgepos_node_hear, &sample("refund.wav")[..11], SLOW_MS).unwrap_err().0,
        EDGEPOS_BAD_REQUEST
    );
    let mut never = payment();
    never["weekday"] = json!(7);
    assert_eq!(score(node, &never).unwrap()["code"], "input");
    never["weekday"] = json!(6);
    never["card"] = json!("4111");
    assert_eq!(score(node, &never).unwrap_err().0, EDGEPOS_BAD_REQUEST, "there is no such field");
    let large = vec![0; EDGEPOS_MAX_MEDIA + 1];
    assert_eq!(look(node, edgepos_node_hear, &large, 0).unwrap_err().0, EDGEPOS_INVALID);
    let metrics = calls::show(node, edgepos_node_metrics);
    assert!(metrics.contains("inference"), "{metrics}");
    close(node);
}

#[test]
fn a_time_that_is_over_is_a_fallback_and_the_model_is_there_for_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), "");
    assert_eq!(used(node, &shipped()), EDGEPOS_OK);
    // It is not even loaded.
    let late = look(node, edgepos_node_read_barcode, &sample("barcode.png"), 0).unwrap();
    assert_eq!((&late["outcome"], &late["code"]), (&json!("fallback"), &json!("timeout")), "{late}");
    let read = look(node, edgepos_node_read_barcode, &sample("barcode.png"), SLOW_MS).unwrap();
    assert_eq!(read["gtin"], "04006381333931", "{read}");
    close(node);
}

#[test]
fn without_a_model_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), "");
    let none = |call, why: &str| {
        let (status, detail) = look(node, call, &sample("refund.wav"), SLOW_MS).unwrap_err();
        assert!(status == EDGEPOS_NO_MODEL && detail.contains(why), "{status}: {detail}");
    };
    none(edgepos_node_hear, "edgepos_node_use_models");
    assert_eq!(used(node, &json!({ "folder": ".", "jobs": ["smell"] })), EDGEPOS_BAD_REQUEST);
    assert_eq!(used(node, &json!({ "folder": folder.path(), "jobs": ["voice"] })), EDGEPOS_OK);
    none(edgepos_node_hear, "manifest");
    none(edgepos_node_recognise, "product");
    // Somebody must act on it, and so it is in the status.
    loop {
        let status = calls::show(node, edgepos_node_status);
        if status.contains("model_missing") {
            break;
        }
        let mut notice = ptr::null_mut();
        // SAFETY: the place for the answer lives as long as the call.
        unsafe { edgepos_node_next_notice(node, 100, &mut notice) };
        edgepos_text_free(notice);
    }
    close(node);
    // Nothing of it outlives the terminal.
    assert_eq!(look(node, edgepos_node_hear, &[], 0).unwrap_err().0, EDGEPOS_INVALID);
}

fn forecast(request: &Value) -> Result<Value, (i32, String)> {
    let (request, mut out) = (request.to_string(), ptr::null_mut());
    // SAFETY: the text and the place for the answer live as long as the call.
    let status = unsafe { edgepos_forecast(request.as_ptr().cast(), request.len(), &mut out) };
    answer(status, out)
}

#[test]
fn a_forecast_goes_on_from_what_the_last_one_gave() {
    let day = |day: u64| {
        let sold = if day % 7 == 5 { 12 } else { 4 };
        json!({ "weekday": day % 7, "sold": sold, "shop": sold })
    };
    let days = |from: u64, to: u64| (from..to).map(day).collect::<Vec<_>>();
    let ahead = json!([0, 1, 2]);
    let whole = forecast(&json!({ "days": days(0, 70), "ahead": ahead, "on_hand": 3 })).unwrap();
    let half = forecast(&json!({ "days": days(0, 35) })).unwrap();
    let request = json!({ "demand": half["demand"], "week": half["week"], "days": days(35, 70), "ahead": ahead, "on_hand": 3 });
    assert_eq!(forecast(&request).unwrap(), whole, "kept rows are as good as the days");
    assert!((10..=16).contains(&whole["expected"].as_u64().unwrap()), "{whole}");
    let (order, suggested) = (whole["order_up_to"].as_u64().unwrap(), whole["suggestion"].as_u64().unwrap());
    assert!(order >= 10 && suggested + 3 == order, "{whole}");
    for wrong in [
        json!({ "demand": "00" }),
        json!({ "week": "0g" }),
        json!({ "service_level": 1_000 }),
        json!({ "ahead": vec![0; 367] }),
        json!({ "ahead": [7] }),
        json!({ "days": [{ "weekday": 7, "sold": 1 }] }),
        json!({ "nobody": 1 }),
    ] {
        assert_eq!(forecast(&wrong).unwrap_err().0, EDGEPOS_BAD_REQUEST, "{wrong}");
    }
}
