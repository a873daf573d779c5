//! What an application wants of a terminal. Where the answer must wait for a disk it comes as `EDGEPOS_REPLY`, with the request's number.

use std::ffi::c_char;

use edgepos::core::ReplicaId;
use edgepos::forms::{Begin, KeepKey, KeyedRecord, Pay, ResolveException};
use edgepos::{Finding, Refusal, RequestId, Terminal};

use super::{TerminalHandle, alone, now, tells};
use crate::argument::{Input, Output};
use crate::node::conditions::kind;
use crate::node::counters::row;
use crate::status::{EDGEPOS_OK, Failure};

/// A request that was taken, or the reason why not.
fn taken(made: Result<(), Refusal>) -> Result<i32, Failure> {
    Ok(made.map(|()| EDGEPOS_OK)?)
}

/// A request about a basket.
fn about_a_basket(
    terminal: *const TerminalHandle,
    basket: Input<'_>,
    call: impl FnOnce(&mut Terminal, edgepos::model::BasketId) -> Result<(), Refusal>,
) -> i32 {
    alone(terminal, |terminal| taken(call(terminal, basket.id()?)))
}

/// Opens a basket: see `edgepos_node_begin`. `request` is a number that no other open request has.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `draft` points to `draft_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_begin(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    draft: *const c_char,
    draft_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let draft = unsafe { Input::new("draft", draft, draft_length) };
    alone(terminal, |terminal| {
        let draft = draft.json::<Begin>()?.into_draft()?;
        taken(terminal.begin(now(mono_ms, wall_ms), RequestId(request), draft))
    })
}

/// Changes an open basket: see `edgepos_node_update`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `draft` points to `draft_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_update(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    draft: *const c_char,
    draft_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let draft = unsafe { Input::new("draft", draft, draft_length) };
    alone(terminal, |terminal| {
        let draft = draft.json::<Begin>()?.into_draft()?;
        taken(terminal.update(now(mono_ms, wall_ms), RequestId(request), draft))
    })
}

/// Books a paid basket: see `edgepos_node_commit`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `payment` points to `payment_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_commit(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    payment: *const c_char,
    payment_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let payment = unsafe { Input::new("payment", payment, payment_length) };
    alone(terminal, |terminal| {
        let commit = payment.json::<Pay>()?.into_commit()?;
        taken(terminal.commit(now(mono_ms, wall_ms), RequestId(request), commit))
    })
}

/// Records an event that is no sale: see `edgepos_node_record`. Goods move at `location`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `record` points to `record_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_record(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    location: u32,
    record: *const c_char,
    record_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let record = unsafe { Input::new("record", record, record_length) };
    alone(terminal, |terminal| {
        let record = record.json::<KeyedRecord>()?.into_record(location)?;
        taken(terminal.record(now(mono_ms, wall_ms), RequestId(request), record))
    })
}

/// Resolves an exception for the whole store: see `edgepos_node_resolve`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `resolution` points to `resolution_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_resolve(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    resolution: *const c_char,
    resolution_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let resolution = unsafe { Input::new("resolution", resolution, resolution_length) };
    alone(terminal, |terminal| {
        let call = resolution.json::<ResolveException>()?.into_resolve()?;
        taken(terminal.resolve(now(mono_ms, wall_ms), RequestId(request), &call))
    })
}

/// Gives up an open basket. See `edgepos_node_abandon`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `basket` points to `basket_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_abandon(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    basket: *const c_char,
    basket_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let basket = unsafe { Input::new("basket", basket, basket_length) };
    about_a_basket(terminal, basket, |terminal, basket| {
        terminal.abandon(now(mono_ms, wall_ms), RequestId(request), basket)
    })
}

/// Puts an open basket aside. See `edgepos_node_park`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `basket` points to `basket_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_park(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    basket: *const c_char,
    basket_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let basket = unsafe { Input::new("basket", basket, basket_length) };
    about_a_basket(terminal, basket, |terminal, basket| {
        terminal.park(now(mono_ms, wall_ms), RequestId(request), basket)
    })
}

/// Recalls a parked basket. See `edgepos_node_claim`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `basket` points to `basket_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_claim(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    basket: *const c_char,
    basket_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let basket = unsafe { Input::new("basket", basket, basket_length) };
    about_a_basket(terminal, basket, |terminal, basket| {
        terminal.claim(now(mono_ms, wall_ms), RequestId(request), basket)
    })
}

/// Keeps the key to a customer's fields. See `edgepos_node_keep_key`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `key` points to `key_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_keep_key(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    key: *const c_char,
    key_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let key = unsafe { Input::new("key", key, key_length) };
    alone(terminal, |terminal| {
        let key = key.json::<KeepKey>()?.into_key()?;
        taken(terminal.keep_key(now(mono_ms, wall_ms), RequestId(request), &key))
    })
}

/// Asks for a counter, of which the row may have to be read: see `edgepos_node_counter`. The reply has `value`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `key` points to `key_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_ask_counter(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    counter: u32,
    location: u32,
    state: u32,
    key: *const u8,
    key_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let key = unsafe { Input::new("key", key, key_length) };
    alone(terminal, |terminal| {
        let row = row(counter, location, state, key)?;
        taken(terminal.ask_counter(now(mono_ms, wall_ms), RequestId(request), row))
    })
}

/// Asks for a page of the baskets that are open, also of those that left memory, behind one by its name, or from the first on where
/// `after` is NULL. The reply has `baskets` as `edgepos_node_unresolved`, and `next` to ask for the page behind; null behind the last.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `after` is NULL or points to `after_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_ask_baskets(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    request: u64,
    after: *const c_char,
    after_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let after = unsafe { Input::new("after", after, after_length) };
    alone(terminal, |terminal| {
        let after = after.optional_id()?;
        taken(terminal.ask_baskets(now(mono_ms, wall_ms), RequestId(request), after))
    })
}

/// Lets another incarnation take part in what the store decides: see `edgepos_node_admit`. `replica` is what its `edgepos_terminal_me` says.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_admit(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    replica: u64,
) -> i32 {
    alone(terminal, |terminal| {
        Ok(terminal.admit(now(mono_ms, wall_ms), ReplicaId(replica)).map(|()| EDGEPOS_OK)?)
    })
}

/// Takes an incarnation out of what the store decides, for good: see `edgepos_node_retire`. `replica` is what its `edgepos_terminal_me` says.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_retire(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    replica: u64,
) -> i32 {
    alone(terminal, |terminal| {
        Ok(terminal.retire(now(mono_ms, wall_ms), ReplicaId(replica)).map(|()| EDGEPOS_OK)?)
    })
}

/// Another box takes the place of a terminal: see `edgepos_node_replace`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_replace(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    number: u16,
    planned: u32,
) -> i32 {
    alone(terminal, |terminal| {
        Ok(terminal.replace(now(mono_ms, wall_ms), number, planned != 0).map(|()| EDGEPOS_OK)?)
    })
}

/// The store gives up what retired incarnations of this number have left: see `edgepos_node_write_off`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_write_off(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    number: u16,
) -> i32 {
    alone(terminal, |terminal| Ok(terminal.write_off(now(mono_ms, wall_ms), number).map(|()| EDGEPOS_OK)?))
}

/// Raises the store's feature level: see `edgepos_node_raise_level`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_raise_level(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    out: *mut u32,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    alone(terminal, |terminal| {
        out.check()?;
        out.write(terminal.raise_level(now(mono_ms, wall_ms))?)
    })
}

/// Reports a condition that the application alone can see: see `edgepos_node_report_condition`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `name` points to `name_length` bytes, and `about` to `about_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_report_condition(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    name: *const c_char,
    name_length: usize,
    count: u64,
    about: *const c_char,
    about_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let (name, about) =
        unsafe { (Input::new("kind", name, name_length), Input::new("about", about, about_length)) };
    alone(terminal, |terminal| {
        let (kind, about) = (kind(name.name()?)?, about.name()?.to_owned());
        let found = (count > 0).then_some(Finding { count, about });
        terminal.report_condition(now(mono_ms, wall_ms), kind, found);
        Ok(EDGEPOS_OK)
    })
}

/// Sends at once what is batched.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_flush(terminal: *const TerminalHandle, mono_ms: u64, wall_ms: u64) -> i32 {
    tells(terminal, |terminal| terminal.flush(now(mono_ms, wall_ms)))
}

/// Hands the leadership over, where this terminal has it.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_step_down(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
) -> i32 {
    tells(terminal, |terminal| terminal.step_down(now(mono_ms, wall_ms)))
}

/// Writes down what the rows of counters lack, before a planned stop: the next start reads less.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_write_rows(terminal: *const TerminalHandle) -> i32 {
    tells(terminal, Terminal::write_rows)
}

/// Stops the terminal, since its store failed or the application ends: whoever waits for a reply gets `EDGEPOS_STOPPED`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `reason` points to `reason_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_stop(
    terminal: *const TerminalHandle,
    reason: *const c_char,
    reason_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let reason = unsafe { Input::new("reason", reason, reason_length) };
    alone(terminal, |terminal| {
        terminal.stop(reason.name()?.to_owned());
        Ok(EDGEPOS_OK)
    })
}
