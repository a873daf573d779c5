//! What was published to the store, beside products and prices: documents, and customers by pseudonym; and what is attached to baskets.

use std::ffi::c_char;

use edgepos::forms::KeepKey;

use super::{NodeHandle, asks, asks_for, does};
use crate::argument::{Input, Output};
use crate::text::TextHandle;

/// A document as it is in force at a moment, as JSON with its `text`, or its `bytes` in hexadecimal; `EDGEPOS_NOTHING` where none is.
///
/// `query` is JSON with `namespace`, `key` and `at_ms` (milliseconds since 1970 UTC).
///
/// Threads: any, at any time.
///
/// # Safety
/// `query` points to `query_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_document(
    node: *const NodeHandle,
    query: *const c_char,
    query_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (query, out) = unsafe { (Input::new("query", query, query_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.document(query.json()?))?))
}

/// The documents of a namespace that are in force at a moment, at most 1,000: a list in JSON, each with `key`, `version`, `effective_at` and
/// `event`.
///
/// `query` is JSON with `namespace`, `at_ms` (milliseconds since 1970 UTC) and, for the page behind another, `after`: its last key.
///
/// Threads: any, at any time.
///
/// # Safety
/// `query` points to `query_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_documents(
    node: *const NodeHandle,
    query: *const c_char,
    query_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (query, out) = unsafe { (Input::new("query", query, query_length), Output::new("out", out)) };
    asks(node, out, |till| Ok(till.wait(till.node.documents(query.json()?))?))
}

/// What is attached to a basket, as far as it has come here, at most 64: a list in JSON, each with `hash`, `name`, `media_type`, `size`,
/// `parts` and `held`, how many parts have come. Parts are recorded by `edgepos_node_record`, as `attached`.
///
/// `basket` is its name, 32 hexadecimal digits.
///
/// Threads: any, at any time.
///
/// # Safety
/// `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_attachments(
    node: *const NodeHandle,
    basket: *const c_char,
    basket_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (basket, out) = unsafe { (Input::new("basket", basket, basket_length), Output::new("out", out)) };
    asks(node, out, |till| Ok(till.wait(till.node.attachments(basket.id()?))?))
}

/// Something that is attached to a basket, as JSON as in `edgepos_node_attachments` and with its `bytes` in hexadecimal, once all its parts
/// have come; `EDGEPOS_NOTHING` where none of this hash has. What does not have this hash is damaged.
///
/// `query` is JSON with `basket` and `hash`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `query` points to `query_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_attachment(
    node: *const NodeHandle,
    query: *const c_char,
    query_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (query, out) = unsafe { (Input::new("query", query, query_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.attachment(query.json()?))?))
}

/// A customer by pseudonym or by another name, as JSON with `customer`, `state` (`open`, `no_key`, `unconfirmed` or `erased`) and, where it is
/// open, `text`, or `bytes` in hexadecimal; `EDGEPOS_NOTHING` where none of this name was heard of.
///
/// `query` is JSON with `customer` or `name`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `query` points to `query_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_customer(
    node: *const NodeHandle,
    query: *const c_char,
    query_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (query, out) = unsafe { (Input::new("query", query, query_length), Output::new("out", out)) };
    asks_for(node, out, |till| Ok(till.wait(till.node.customer(query.json()?))?))
}

/// Keeps the key to a customer's fields on this terminal's disk, until the customer is erased. It goes into no event and to nobody else.
///
/// `key` is JSON with `customer` and `secret`, 64 hexadecimal digits.
///
/// Threads: any, at any time.
///
/// # Safety
/// `key` points to `key_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_keep_key(
    node: *const NodeHandle,
    key: *const c_char,
    key_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let key = unsafe { Input::new("key", key, key_length) };
    does(node, |till| Ok(till.wait(till.node.keep_key(key.json::<KeepKey>()?.into_key()?))?))
}
