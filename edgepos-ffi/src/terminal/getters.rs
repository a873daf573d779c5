//! What is asked of a terminal without changing it.

use std::ffi::c_char;

use edgepos::Terminal;
use edgepos::core::EventId;
use edgepos::model::Counter;
use serde::Serialize;

use super::{TerminalHandle, alone, now};
use crate::argument::{Input, Output};
use crate::node::counters::{Page, page_of, row};
use crate::node::receipts::{level_of, shown};
use crate::node::resolving::{AuditPage, OpenPage};
use crate::node::watching::named;
use crate::status::{EDGEPOS_NOTHING, EDGEPOS_OK, Failure};
use crate::text::TextHandle;

/// A question whose answer is JSON.
fn shows<T: Serialize>(
    terminal: *const TerminalHandle,
    out: Output<*mut TextHandle>,
    question: impl FnOnce(&Terminal) -> Result<Option<T>, Failure>,
) -> i32 {
    alone(terminal, |terminal| {
        out.check()?;
        out.some_json(question(terminal)?.as_ref())
    })
}

/// When the terminal wants `edgepos_terminal_timeout` at the latest, by the clock of `mono_ms`; `EDGEPOS_NOTHING` where it waits for nothing.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `mono_ms` points to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_poll_timeout(
    terminal: *const TerminalHandle,
    mono_ms: *mut u64,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("mono_ms", mono_ms) };
    alone(terminal, |terminal| {
        out.check()?;
        out.write_some(terminal.poll_timeout().map(|time| time.0))
    })
}

/// Who this terminal is: what its peers call it.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `replica` points to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_me(terminal: *const TerminalHandle, replica: *mut u64) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("replica", replica) };
    alone(terminal, |terminal| {
        out.check()?;
        out.write(terminal.status().me.0)
    })
}

/// Bytes that open baskets may still write, for whoever sets space aside.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `bytes` points to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_promised(terminal: *const TerminalHandle, bytes: *mut u64) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("bytes", bytes) };
    alone(terminal, |terminal| {
        out.check()?;
        out.write(terminal.promised())
    })
}

/// Whether it has stopped: `EDGEPOS_OK` where it has, `EDGEPOS_NOTHING` where it runs.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_is_stopped(terminal: *const TerminalHandle) -> i32 {
    alone(terminal, |terminal| Ok(if terminal.is_stopped() { EDGEPOS_OK } else { EDGEPOS_NOTHING }))
}

/// Who the terminal is, whom it follows, how far its events have come, and under `conditions` what someone must act on, as JSON.
/// `alerts` is empty: a node judges them.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_status(
    terminal: *const TerminalHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    shows(terminal, out, |terminal| Ok(Some(terminal.status())))
}

/// How the terminal's engines are, as JSON.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_diagnosis(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    shows(terminal, out, |terminal| Ok(Some(terminal.diagnosis(now(mono_ms, wall_ms)))))
}

/// How the elections of the store went, as JSON.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_elections(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    shows(terminal, out, |terminal| Ok(Some(terminal.elections(now(mono_ms, wall_ms)))))
}

/// What is on this terminal's disk: the last position of each chain, as JSON.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_durable(
    terminal: *const TerminalHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    shows(terminal, out, |terminal| Ok(Some(shown(terminal.durable()))))
}

/// How safe an event is: see `edgepos_node_durability`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `event` points to `event_length` bytes, and `out` to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_durability(
    terminal: *const TerminalHandle,
    event: *const c_char,
    event_length: usize,
    out: *mut i32,
) -> i32 {
    // SAFETY: as the caller promises.
    let (event, out) = unsafe { (Input::new("event", event, event_length), Output::new("out", out)) };
    alone(terminal, |terminal| {
        out.check()?;
        out.write_some(terminal.durability(event.id::<EventId>()?).map(level_of))
    })
}

/// Baskets in memory that were begun and neither committed nor given up: a list in JSON. `edgepos_terminal_ask_baskets` has all.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_unresolved(
    terminal: *const TerminalHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    shows(terminal, out, |terminal| Ok(Some(terminal.unresolved())))
}

/// Payments whose outcome nobody has said, and money that no sale has: a list in JSON.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_unresolved_payments(
    terminal: *const TerminalHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    shows(terminal, out, |terminal| Ok(Some(terminal.unresolved_payments())))
}

/// Events whose bytes are lost: a list in JSON, each with `first` and `last`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_lost(
    terminal: *const TerminalHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    shows(terminal, out, |terminal| Ok(Some(named(&terminal.lost()))))
}

/// One counter, where it is in memory: see `edgepos_node_counter`. A line of a receipt may have no row: `edgepos_terminal_ask_counter` reads it.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `key` points to `key_length` bytes, and `out` to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_counter(
    terminal: *const TerminalHandle,
    counter: u32,
    location: u32,
    state: u32,
    key: *const u8,
    key_length: usize,
    out: *mut i64,
) -> i32 {
    // SAFETY: as the caller promises.
    let (key, out) = unsafe { (Input::new("key", key, key_length), Output::new("out", out)) };
    alone(terminal, |terminal| {
        out.check()?;
        out.write_some(terminal.counter(&row(counter, location, state, key)?))
    })
}

/// A page of counters: see `edgepos_node_counters_after`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `after` points to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_counters_after(
    terminal: *const TerminalHandle,
    counter: u32,
    after: *const c_char,
    after_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (after, out) = unsafe { (Input::new("after", after, after_length), Output::new("out", out)) };
    shows(terminal, out, |terminal| {
        let (kind, after): (Option<Counter>, _) = page_of(counter, after)?;
        Ok(Some(Page::of(terminal.counters_after(kind, after.as_ref()))))
    })
}

/// A page of exceptions with what is decided about each: see `edgepos_node_open_exceptions_after`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `after` points to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_open_exceptions(
    terminal: *const TerminalHandle,
    after: *const c_char,
    after_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (after, out) = unsafe { (Input::new("after", after, after_length), Output::new("out", out)) };
    shows(terminal, out, |terminal| {
        let after = after.optional_hexadecimal()?;
        Ok(Some(OpenPage::of(terminal.open_exceptions(after.as_deref()))))
    })
}

/// A page of the audit record: see `edgepos_node_resolutions`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `after` points to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_resolutions(
    terminal: *const TerminalHandle,
    after: *const c_char,
    after_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (after, out) = unsafe { (Input::new("after", after, after_length), Output::new("out", out)) };
    shows(terminal, out, |terminal| {
        Ok(Some(AuditPage::of(terminal.resolutions(after.optional_id::<EventId>()?))))
    })
}

/// A product's master data: see `edgepos_node_product`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `product` points to `product_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_product(
    terminal: *const TerminalHandle,
    product: *const c_char,
    product_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (product, out) = unsafe { (Input::new("product", product, product_length), Output::new("out", out)) };
    shows(terminal, out, |terminal| Ok(terminal.product(product.name()?).cloned()))
}

/// A product's master data that is in force: see `edgepos_node_product_at`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `product` points to `product_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_product_at(
    terminal: *const TerminalHandle,
    product: *const c_char,
    product_length: usize,
    at_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (product, out) = unsafe { (Input::new("product", product, product_length), Output::new("out", out)) };
    shows(terminal, out, |terminal| Ok(terminal.product_at(product.name()?, at_ms).cloned()))
}

/// The price of a product that is in force: see `edgepos_node_price`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `product` points to `product_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_price(
    terminal: *const TerminalHandle,
    product: *const c_char,
    product_length: usize,
    list: u16,
    at_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (product, out) = unsafe { (Input::new("product", product, product_length), Output::new("out", out)) };
    shows(terminal, out, |terminal| Ok(terminal.price(product.name()?, list, at_ms).cloned()))
}
