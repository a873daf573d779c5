//! How a terminal is, and what happens at it.

use std::sync::TryLockError;
use std::time::Duration;

use edgepos::core::{EventId, Seq};
use edgepos::sync::Lost;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::{End, NodeHandle, asks, with};
use crate::argument::Output;
use crate::handle;
use crate::patience::wait_for;
use crate::status::{EDGEPOS_NOTHING, Failure};
use crate::text::TextHandle;

/// Events whose bytes are lost.
#[derive(Serialize)]
pub(crate) struct LostEvents {
    first: String,
    last: u64,
}

impl LostEvents {
    /// From one event to a position of its chain.
    pub(crate) fn of(first: EventId, last: Seq) -> Self {
        Self { first: first.to_string(), last: last.0 }
    }
}

/// In place of a notice: so many were dropped, since nobody took them in time.
#[derive(Serialize)]
struct NoticesLost {
    notice: &'static str,
    count: u64,
}

/// Events that are lost, by their names.
pub(crate) fn named(lost: &Lost) -> Vec<LostEvents> {
    lost.iter().map(|(chain, first, last)| LostEvents::of(EventId::new(chain, first), last)).collect()
}

/// Who the terminal is, whom it follows, how far its events have come, and under `conditions` and `alerts` what someone must act on, as
/// JSON.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_status(node: *const NodeHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    asks(node, out, |till| Ok(till.wait(till.node.status())?))
}

/// How the terminal's engines are, as JSON, for whoever looks for a fault.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_diagnosis(node: *const NodeHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    asks(node, out, |till| Ok(till.wait(till.node.diagnosis())?))
}

/// Events whose bytes are lost, for the manager: a list in JSON, each with `first` and `last`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_lost(node: *const NodeHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    asks(node, out, |till| Ok(named(&till.wait(till.node.lost())?)))
}

/// Figures as text in Prometheus' exposition format, version 0.0.4.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_metrics(node: *const NodeHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    with(node, |till| {
        out.check()?;
        out.text(till.wait(till.node.metrics())?)
    })
}

/// The next notice since the terminal was opened, as JSON with its name as `notice`; waits for one at most `timeout_ms`, and answers
/// `EDGEPOS_NOTHING` where none came. Where more than 1,024 wait the oldest are dropped, and `notices_lost` says how many: what must not
/// be missed is read by `edgepos_events_next`, and what someone must act on is in the status.
///
/// `EDGEPOS_STOPPED` where the terminal has stopped and every notice was taken.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_next_notice(
    node: *const NodeHandle,
    timeout_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    handle::with(node, |till| {
        out.check()?;
        let mut notices = match till.notices.try_lock() {
            Ok(notices) => notices,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Failure::in_use("the notices of this node")),
        };
        // What was told before the end is taken first.
        let next = async {
            tokio::select! {
                biased;
                notice = notices.recv() => Ok(notice),
                end = till.ended() => Err(end),
            }
        };
        match wait_for(next, Duration::from_millis(timeout_ms)) {
            Some(Ok(Ok(notice))) => out.json(&notice),
            Some(Ok(Err(RecvError::Lagged(count)))) => {
                out.json(&NoticesLost { notice: "notices_lost", count })
            }
            Some(Ok(Err(RecvError::Closed))) => Err(End::Closed.into()),
            Some(Err(end)) => Err(end.into()),
            None => Ok(EDGEPOS_NOTHING),
        }
    })
}
