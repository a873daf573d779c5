//! Rows of a caller's store.

use std::sync::{Mutex, PoisonError};

use edgepos::Rows;

use crate::argument::{EDGEPOS_MAX_BYTES, Input, Output};
use crate::handle::{self, Handle, Table, give};
use crate::status::{EDGEPOS_OK, Failure};

/// Longest key of a row, in bytes.
pub const EDGEPOS_MAX_KEY: usize = 1025;

/// Rows by rising key, which a caller hands over. Whoever made it frees it. Any thread may call its functions.
pub struct RowsHandle(());

impl Handle for RowsHandle {
    type Value = Mutex<Rows>;
    const WHAT: &'static str = "rows";
    fn table() -> &'static Table<Mutex<Rows>> {
        static TABLE: Table<Mutex<Rows>> = Table::new();
        &TABLE
    }
}

/// No rows so far.
pub(super) fn empty() -> Result<*mut RowsHandle, Failure> {
    give(Mutex::new(Rows::new()))
}

/// The rows that were added, which are taken out.
pub(super) fn taken(rows: *const RowsHandle) -> Result<Rows, Failure> {
    let taken =
        handle::look(rows, |rows| std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner)));
    taken.ok_or_else(|| Failure::invalid("rows is no living handle of its type"))
}

/// Rows to be handed over: none so far. On success `*out` is a handle, to be freed by `edgepos_rows_free`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_rows_new(out: *mut *mut RowsHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    crate::guard::guard(None, || out.give(Mutex::new(Rows::new())))
}

/// Adds a row behind those that were added before.
///
/// # Safety
/// `key` points to `key_length` bytes, and `value` to `value_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_rows_add(
    rows: *const RowsHandle,
    key: *const u8,
    key_length: usize,
    value: *const u8,
    value_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let (key, value) =
        unsafe { (Input::new("key", key, key_length), Input::new("value", value, value_length)) };
    handle::with(rows, |rows| {
        let row = (key.bytes(EDGEPOS_MAX_KEY)?.to_vec(), value.bytes(EDGEPOS_MAX_BYTES)?.to_vec());
        rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        Ok(EDGEPOS_OK)
    })
}

/// Frees the rows. NULL and a handle that was freed are let pass.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_rows_free(rows: *mut RowsHandle) {
    handle::free(rows);
}
