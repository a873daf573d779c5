//! Calls of the C API from a test.

use std::ffi::{CStr, c_char};
use std::path::Path;
use std::ptr;

use edgepos_ffi::*;

/// A call with a request in and a text out.
pub(crate) type Asks =
    unsafe extern "C" fn(*const NodeHandle, *const c_char, usize, *mut *mut TextHandle) -> i32;

/// A call with a text out.
pub(crate) type Shows = unsafe extern "C" fn(*const NodeHandle, *mut *mut TextHandle) -> i32;

/// A handle that goes to another thread, as the header allows.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub(crate) *mut NodeHandle);

// SAFETY: it names a node whose calls any thread may make.
unsafe impl Send for Shared {}

impl Shared {
    /// The handle.
    pub(crate) fn node(self) -> *mut NodeHandle {
        self.0
    }
}

/// A terminal of a store of one, with further fields of its configuration.
pub(crate) fn open(folder: &Path, more: &str) -> *mut NodeHandle {
    let config = super::config(folder);
    let config = format!("{}{more}}}", config.strip_suffix('}').unwrap());
    let mut node = ptr::null_mut();
    // SAFETY: the text and the place for the handle live as long as the call.
    let status = unsafe { edgepos_node_open(config.as_ptr().cast(), config.len(), &mut node) };
    assert_eq!(status, EDGEPOS_OK, "{}", detail());
    node
}

/// Closes and frees it.
pub(crate) fn close(node: *mut NodeHandle) {
    // SAFETY: nobody wants to know how many events are left.
    assert_eq!(unsafe { edgepos_node_close(node, 0, ptr::null_mut()) }, EDGEPOS_OK);
    edgepos_node_free(node);
}

/// Why the last call of this thread was not done.
pub(crate) fn detail() -> String {
    // SAFETY: a zero byte stands behind it.
    unsafe { CStr::from_ptr(edgepos_last_detail()) }.to_string_lossy().into_owned()
}

fn taken(status: i32, text: *mut TextHandle) -> Result<String, (i32, String)> {
    if status != EDGEPOS_OK {
        return Err((status, detail()));
    }
    // SAFETY: a zero byte stands behind a text, which lives until it is freed.
    let taken = unsafe { CStr::from_ptr(edgepos_text_data(text)) }.to_str().unwrap().to_owned();
    edgepos_text_free(text);
    Ok(taken)
}

/// What a call has answered in JSON, by its status and its text.
pub(crate) fn answer(status: i32, text: *mut TextHandle) -> Result<serde_json::Value, (i32, String)> {
    taken(status, text).map(|text| serde_json::from_str(&text).unwrap())
}

/// What a call answers, or its status and why.
pub(crate) fn ask(node: *mut NodeHandle, call: Asks, request: &str) -> Result<String, (i32, String)> {
    let mut out = ptr::null_mut();
    // SAFETY: the text and the place for the answer live as long as the call.
    let status = unsafe { call(node, request.as_ptr().cast(), request.len(), &mut out) };
    taken(status, out)
}

/// What a call shows.
pub(crate) fn show(node: *mut NodeHandle, call: Shows) -> String {
    let mut out = ptr::null_mut();
    // SAFETY: the place for the answer lives as long as the call.
    let status = unsafe { call(node, &mut out) };
    taken(status, out).unwrap()
}
