//! What the whole store decides: who belongs to it, and by which rules.

use std::ffi::c_char;
use std::time::Duration;

use super::{NodeHandle, does, with};
use crate::argument::{Input, Output};
use crate::text::TextHandle;

/// Lets another incarnation, such as `3-0123456789ab`, take part in what the store decides. `EDGEPOS_NOT_DECIDED` where this terminal does
/// not lead.
///
/// Threads: any, at any time.
///
/// # Safety
/// `replica` points to `replica_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_admit(
    node: *const NodeHandle,
    replica: *const c_char,
    replica_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let replica = unsafe { Input::new("replica", replica, replica_length) };
    does(node, |till| Ok(till.wait(till.node.admit(replica.id()?))?))
}

/// Takes an incarnation, such as `3-0123456789ab`, out of what the store decides, for good. `EDGEPOS_NOT_DECIDED` where this terminal does not
/// lead.
///
/// Threads: any, at any time.
///
/// # Safety
/// `replica` points to `replica_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_retire(
    node: *const NodeHandle,
    replica: *const c_char,
    replica_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let replica = unsafe { Input::new("replica", replica, replica_length) };
    does(node, |till| Ok(till.wait(till.node.retire(replica.id()?))?))
}

/// Another box takes the place of the terminal with this number, once it is there and the old one is silent; where `planned` is not 0, the
/// old one sells on until then. To be asked at any terminal of the store; asked twice is asked once.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_replace(node: *const NodeHandle, terminal: u16, planned: u32) -> i32 {
    does(node, |till| Ok(till.wait(till.node.replace(terminal, planned != 0))?))
}

/// The store gives up what the retired incarnations of this number are known to have left and nobody has. To be asked at any terminal of
/// the store; asked twice is asked once.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_write_off(node: *const NodeHandle, terminal: u16) -> i32 {
    does(node, |till| Ok(till.wait(till.node.write_off(terminal))?))
}

/// Raises the store to the highest feature level that every terminal has announced, which is `*out` on success. `EDGEPOS_NOT_DECIDED` where
/// this terminal does not lead, or not all have announced one.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_raise_level(node: *const NodeHandle, out: *mut u32) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    with(node, |till| {
        out.check()?;
        out.write(till.wait(till.node.raise_level())?)
    })
}

/// Sends at once what is batched.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_flush(node: *const NodeHandle) -> i32 {
    does(node, |till| {
        till.wait(till.node.flush());
        Ok(())
    })
}

/// Sends what is batched until the cloud holds every event of this terminal, or until `patience_ms` is over. On success `*left` is how many
/// events it is not known to hold; 0 where all are safe. `EDGEPOS_STOPPED` where the terminal stops meanwhile, or another thread frees it.
///
/// Threads: any, at any time.
///
/// # Safety
/// `left` points to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_flush_until_uploaded(
    node: *const NodeHandle,
    patience_ms: u64,
    left: *mut u64,
) -> i32 {
    // SAFETY: as the caller promises.
    let left = unsafe { Output::new("left", left) };
    with(node, |till| {
        left.check()?;
        let flush = till.node.flush_until_uploaded(Duration::from_millis(patience_ms));
        left.write(till.wait(till.unless_it_ends(flush))?)
    })
}

/// Hands the leadership over, where this terminal has it.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_step_down(node: *const NodeHandle) -> i32 {
    does(node, |till| {
        till.wait(till.node.step_down());
        Ok(())
    })
}

/// How the elections of the store went, as this terminal saw them since its start, as JSON.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_elections(node: *const NodeHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    super::asks(node, out, |till| Ok(till.wait(till.node.elections())?))
}
