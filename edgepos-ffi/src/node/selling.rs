//! The life of a sale, and what is recorded beside the receipts.

use std::ffi::c_char;

use edgepos::forms::{Begin, KeyedRecord, Pay};

use super::{NodeHandle, asks, asks_for, does, with};
use crate::argument::{Input, Output};
use crate::text::TextHandle;

/// Opens a basket and reserves its receipt number. Whatever may be refused of a sale is refused here, before the customer pays. Where the
/// configuration says `number_at = "commit"` the number comes with the sale, and is 0 until then.
///
/// `draft` is JSON: `basket` (32 hexadecimal digits, drawn by the till), `currency`, `lines` (each with `no`, `product`, `quantity`,
/// `amount`, and for goods that come back `original` with `basket` and `line`), and where they are not the usual `doc_type`, `customer`,
/// `operator`, `mode`, `series`, `key`, `taxes`, `rounding`, `effects`, `unreferenced`. On success `*out` is JSON with `number` and `total`. The same draft
/// again is the same basket.
///
/// Threads: any, at any time.
///
/// # Safety
/// `draft` points to `draft_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_begin(
    node: *const NodeHandle,
    draft: *const c_char,
    draft_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (draft, out) = unsafe { (Input::new("draft", draft, draft_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let draft = draft.json::<Begin>()?.into_draft()?;
        Ok(till.wait(till.node.begin(draft))?)
    })
}

/// Changes an open basket as the cashier scans: `draft` is all of it, as `edgepos_node_begin` takes it. On success `*out` is JSON with
/// `number` and `total`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `draft` points to `draft_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_update(
    node: *const NodeHandle,
    draft: *const c_char,
    draft_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (draft, out) = unsafe { (Input::new("draft", draft, draft_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let draft = draft.json::<Begin>()?.into_draft()?;
        Ok(till.wait(till.node.update(draft))?)
    })
}

/// Books a paid basket; returns when it is on disk.
///
/// `payment` is JSON: `basket`, `key` (32 hexadecimal digits, the same for every retry), `tenders` (each with `kind`: `cash`, `card`,
/// `stored_value` or `other`, `amount`, and `payment` where a payment terminal approved it), and where there are any `change` and `drawer`. On success `*out` is JSON with `event`,
/// `basket`, `series`, `number`, `total` and `repeated`: whether an earlier call with this key had booked it. A till that crashed or got no
/// answer asks again with the same key, and the sale is booked once.
///
/// Threads: any, at any time.
///
/// # Safety
/// `payment` points to `payment_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_commit(
    node: *const NodeHandle,
    payment: *const c_char,
    payment_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (payment, out) = unsafe { (Input::new("payment", payment, payment_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let commit = payment.json::<Pay>()?.into_commit()?;
        Ok(till.wait(till.node.commit(commit))?)
    })
}

/// Gives up an open basket, and voids its number.
///
/// Threads: any, at any time.
///
/// # Safety
/// `basket` points to `basket_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_abandon(
    node: *const NodeHandle,
    basket: *const c_char,
    basket_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let basket = unsafe { Input::new("basket", basket, basket_length) };
    does(node, |till| Ok(till.wait(till.node.abandon(basket.id()?))?))
}

/// Puts an open basket aside, for whichever till of the store recalls it.
///
/// Threads: any, at any time.
///
/// # Safety
/// `basket` points to `basket_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_park(
    node: *const NodeHandle,
    basket: *const c_char,
    basket_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let basket = unsafe { Input::new("basket", basket, basket_length) };
    does(node, |till| Ok(till.wait(till.node.park(basket.id()?))?))
}

/// Recalls a parked basket, which is open here then. On success `*out` is JSON with `number`, `total` and `lines`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_claim(
    node: *const NodeHandle,
    basket: *const c_char,
    basket_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (basket, out) = unsafe { (Input::new("basket", basket, basket_length), Output::new("out", out)) };
    asks(node, out, |till| Ok(till.wait(till.node.claim(basket.id()?))?))
}

/// Baskets that were begun and neither committed nor given up: a list in JSON, each with `basket`, `series`, `number`, `total`,
/// `begun_ms`, `lines`, `operator` and `terminal`. After a crash the cashier settles each.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_unresolved(node: *const NodeHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    asks(node, out, |till| Ok(till.wait(till.node.unresolved())?))
}

/// Payments whose outcome nobody has said, and money that no sale has: a list in JSON. After a crash the cashier settles each.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_unresolved_payments(
    node: *const NodeHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    asks(node, out, |till| Ok(till.wait(till.node.unresolved_payments())?))
}

/// A basket with its lines, open here, parked at any till, or sold, as JSON; `EDGEPOS_NOTHING` where none of this name is known here.
///
/// Threads: any, at any time.
///
/// # Safety
/// `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_basket(
    node: *const NodeHandle,
    basket: *const c_char,
    basket_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (basket, out) = unsafe { (Input::new("basket", basket, basket_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.basket(basket.id()?))?))
}

/// Records an event that is no sale; returns when it is on disk.
///
/// `record` is JSON with a `type`: `stock_received`, `stock_moved`, `stock_counted`, `product_set`, `price_set`, `day_opened`,
/// `day_closed`, `cash_moved`, `shift_opened`, `shift_closed`, `payment_intent` (before a payment terminal is asked), `payment_outcome`
/// (what it said), `receipt_printed`, `document_set`, `attached`, `customer_set`, `customer_linked`, `customer_unlinked`, `customer_erased` or `custom`, its fields, and a `key` where it shall be recorded
/// once however often it is asked for. On success `*out` is the event's name, such as
/// `3-0123456789ab/0:17`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `record` points to `record_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_record(
    node: *const NodeHandle,
    record: *const c_char,
    record_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (record, out) = unsafe { (Input::new("record", record, record_length), Output::new("out", out)) };
    with(node, |till| {
        out.check()?;
        let record = record.json::<KeyedRecord>()?.into_record(till.location)?;
        out.text(till.wait(till.node.record(record))?.to_string())
    })
}
