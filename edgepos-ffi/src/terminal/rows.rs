//! Rows of a caller's store.

use std::sync::{Mutex, PoisonError};

use edgepos::Rows;

use crate::argument::{EDGEPOS_MAX_BYTES, Input, Output};
use crate::handle::{self, Handle, Table, give, room};
use crate::status::{EDGEPOS_OK, Failure};

/// Longest key of a row, in bytes.
pub const EDGEPOS_MAX_KEY: usize = 1025;

/// What a row counts for beside its bytes, so that empty ones have a limit too.
const ROW: usize = 64;

/// Rows by rising key, which a caller hands over. Whoever made it frees it. Any thread may call its functions.
pub struct RowsHandle(());

/// What a handle of rows names.
#[derive(Default)]
pub(crate) struct Added {
    rows: Rows,
    /// Bytes that they take.
    bytes: usize,
}

impl Handle for RowsHandle {
    type Value = Mutex<Added>;
    const WHAT: &'static str = "rows";
    fn table() -> &'static Table<Mutex<Added>> {
        static TABLE: Table<Mutex<Added>> = Table::new();
        &TABLE
    }
}

impl Added {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        if self.bytes >= EDGEPOS_MAX_BYTES {
            return Err(Failure::invalid(format!("rows hold {} bytes already", self.bytes)));
        }
        if self.rows.last().is_some_and(|(last, _)| last.as_slice() >= key) {
            return Err(Failure::invalid("key is not above that of the row before"));
        }
        self.bytes += ROW + key.len() + value.len();
        self.rows.push((key.to_vec(), value.to_vec()));
        Ok(())
    }
}

/// No rows so far.
pub(super) fn empty() -> Result<*mut RowsHandle, Failure> {
    room::<RowsHandle>()?;
    Ok(give(Mutex::default()))
}

/// The rows that were added, which are taken out.
pub(super) fn taken(rows: *const RowsHandle) -> Result<Rows, Failure> {
    handle::refuse_poisoned(rows)?;
    let taken =
        handle::look(rows, |rows| std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner)));
    taken.map(|added| added.rows).ok_or_else(|| Failure::invalid("rows is no living handle of its type"))
}

/// Rows to be handed over: none so far. On success `*out` is a handle, to be freed by `edgepos_rows_free`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_rows_new(out: *mut *mut RowsHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    crate::guard::guard(None, || {
        out.check()?;
        out.give(Mutex::default())
    })
}

/// Adds a row behind those that were added before: its key is above theirs, byte by byte. `EDGEPOS_INVALID` where it is not, and where the
/// rows hold `EDGEPOS_MAX_BYTES` already: no call asks for so much.
///
/// Threads: any, at any time.
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
        let (key, value) = (key.bytes(EDGEPOS_MAX_KEY)?, value.bytes(EDGEPOS_MAX_BYTES)?);
        rows.lock().unwrap_or_else(PoisonError::into_inner).add(key, value)?;
        Ok(EDGEPOS_OK)
    })
}

/// Frees the rows. NULL and a handle that was freed are let pass.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_rows_free(rows: *mut RowsHandle) {
    handle::free(rows);
}
