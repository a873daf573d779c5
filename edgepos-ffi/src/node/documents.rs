//! What was published to the store, beside products and prices.

use std::ffi::c_char;

use super::{NodeHandle, asks, asks_for};
use crate::argument::{Input, Output};
use crate::text::TextHandle;

/// A document as it is in force at a moment, as JSON with its `text`, or its `bytes` in hexadecimal; `EDGEPOS_NOTHING` where none is.
///
/// `query` is JSON with `namespace`, `key` and `at_ms` (milliseconds since 1970 UTC).
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
