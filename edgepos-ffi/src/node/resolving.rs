//! Exceptions and what is decided about them.

use std::ffi::c_char;

use edgepos::core::EventId;
use edgepos::forms::ResolveException;
use edgepos::{AuditEntry, MAX_PAGE, OpenException};
use serde::Serialize;

use super::{NodeHandle, asks};
use crate::argument::{Input, Output};
use crate::hexadecimal::hexadecimal;
use crate::text::TextHandle;

/// A page of exceptions with what is decided about each.
#[derive(Serialize)]
pub(crate) struct OpenPage {
    exceptions: Vec<OpenException>,
    /// What the last one is about, in hexadecimal.
    next: Option<String>,
}

impl OpenPage {
    /// One that is full may have a next one.
    pub(crate) fn of(exceptions: Vec<OpenException>) -> Self {
        let last = exceptions.last().filter(|_| exceptions.len() >= MAX_PAGE);
        let next = last.map(|last| hexadecimal(last.raised.subject()));
        Self { exceptions, next }
    }
}

/// A page of the audit record.
#[derive(Serialize)]
pub(crate) struct AuditPage {
    resolutions: Vec<AuditEntry>,
    /// The event that it ended with.
    next: Option<String>,
}

impl AuditPage {
    /// One that is full may have a next one.
    pub(crate) fn of(resolutions: Vec<AuditEntry>) -> Self {
        let last = resolutions.last().filter(|_| resolutions.len() >= MAX_PAGE);
        let next = last.map(|last| last.event.to_string());
        Self { resolutions, next }
    }
}

/// As `edgepos_node_exceptions_after`, with what is proposed and decided about each exception, and with its `base`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `after` points to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_open_exceptions_after(
    node: *const NodeHandle,
    after: *const c_char,
    after_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (after, out) = unsafe { (Input::new("after", after, after_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let after = after.optional_hexadecimal()?;
        Ok(OpenPage::of(till.wait(till.node.open_exceptions_after(after))?))
    })
}

/// Resolves an exception for the whole store; returns when that is decided and on disk. To be asked at any terminal.
///
/// `request` is JSON: `exception` (its `row`), `episode`, `resolution` (an object whose `action` is `backorder`, `adjust_inventory`,
/// `recount`, `accept`, `void_transaction`, `undo`, `fulfil`, `cancel` or `count`, with its fields), `actor`, `key`, and where they are wanted
/// `reason` and `base`. On success `*out` is the resolution in JSON. `EDGEPOS_BUSY`: whether it is decided is not known; ask again with the same
/// key. `EDGEPOS_NOT_DECIDED` where no majority is heard.
///
/// Threads: any, at any time.
///
/// # Safety
/// `request` points to `request_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_resolve(
    node: *const NodeHandle,
    request: *const c_char,
    request_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (request, out) = unsafe { (Input::new("request", request, request_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let call = request.json::<ResolveException>()?.into_resolve()?;
        Ok(till.wait(till.node.resolve(call))?)
    })
}

/// A page of the audit record of resolutions, at most 1,000 lines in the order in which the store decided. `after` is `next` of the page
/// before, or of length 0 for the first. On success `*out` is JSON with `resolutions` and `next`, which is null behind the last page.
///
/// Threads: any, at any time.
///
/// # Safety
/// `after` points to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_resolutions(
    node: *const NodeHandle,
    after: *const c_char,
    after_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (after, out) = unsafe { (Input::new("after", after, after_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let after = after.optional_id::<EventId>()?;
        Ok(AuditPage::of(till.wait(till.node.resolutions(after))?))
    })
}
