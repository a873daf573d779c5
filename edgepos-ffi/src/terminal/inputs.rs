//! What the world did.

use std::time::Duration;

use edgepos::core::{ConnectionId, LoadId, PersistId, ReplicaId, WallMs};
use edgepos::sync::{CloudReply, Limits, UplinkError, UplinkId};
use edgepos::{Disk, Input as Happened, StoreFailure};

use super::rows::{self, RowsHandle};
use super::{TerminalHandle, alone, now, tells};
use crate::argument::{EDGEPOS_MAX_BYTES, Input};
use crate::status::{EDGEPOS_OK, Failure};

/// Why the cloud did not answer: there is no connection.
pub const EDGEPOS_UNREACHABLE: u32 = 0;
/// Why the cloud did not answer: not in time.
pub const EDGEPOS_TIMED_OUT: u32 = 1;
/// Why the cloud did not answer: somebody refuses, with a status as HTTP numbers them.
pub const EDGEPOS_REJECTED: u32 = 2;
/// Why the cloud did not answer: it asks to wait, so many milliseconds.
pub const EDGEPOS_OVERLOADED: u32 = 3;

/// How a store is: nothing waits.
pub const EDGEPOS_STORE_WELL: u32 = 0;
/// How a store is: writes are repeated, since another program holds it.
pub const EDGEPOS_STORE_BUSY: u32 = 1;
/// How a store is: writes are repeated, since the disk is full.
pub const EDGEPOS_STORE_FULL: u32 = 2;

/// The deadline of `edgepos_terminal_poll_timeout` has come.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_timeout(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
) -> i32 {
    tells(terminal, |terminal| terminal.handle(now(mono_ms, wall_ms), Happened::Timeout))
}

/// The writes of the output with this id would survive a power cut, or the end of the process where they came as `EDGEPOS_WRITE`. In order,
/// without gaps.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_persisted(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    id: u64,
) -> i32 {
    tells(terminal, |terminal| terminal.handle(now(mono_ms, wall_ms), Happened::Persisted(PersistId(id))))
}

/// The rows that the output with this id asked for. They are taken out of `rows`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_loaded(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    id: u64,
    rows: *const RowsHandle,
) -> i32 {
    alone(terminal, |terminal| {
        let rows = rows::taken(rows)?;
        terminal.handle(now(mono_ms, wall_ms), Happened::Loaded(LoadId(id), rows));
        Ok(EDGEPOS_OK)
    })
}

/// A connection to a terminal of this store is up. `peer` is what that one's `edgepos_terminal_me` says, and `connection` rises with each.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_peer_up(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    peer: u64,
    connection: u64,
) -> i32 {
    let input = Happened::PeerUp(ReplicaId(peer), ConnectionId(connection));
    tells(terminal, |terminal| terminal.handle(now(mono_ms, wall_ms), input))
}

/// A connection died. Ignored when it is not the newest one to that peer.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_peer_lost(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    peer: u64,
    connection: u64,
) -> i32 {
    let input = Happened::PeerLost(ReplicaId(peer), ConnectionId(connection));
    tells(terminal, |terminal| terminal.handle(now(mono_ms, wall_ms), input))
}

/// Bytes that a peer sent over a connection.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `frame` points to `frame_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_frame(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    peer: u64,
    connection: u64,
    frame: *const u8,
    frame_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let frame = unsafe { Input::new("frame", frame, frame_length) };
    alone(terminal, |terminal| {
        let frame = frame.bytes(EDGEPOS_MAX_BYTES)?.to_vec();
        let input = Happened::Frame(ReplicaId(peer), ConnectionId(connection), frame);
        terminal.handle(now(mono_ms, wall_ms), input);
        Ok(EDGEPOS_OK)
    })
}

/// The cloud has just said what time it is, with an answer, in ms since 1970 UTC.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_cloud_time(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    utc_ms: u64,
) -> i32 {
    tells(terminal, |terminal| terminal.handle(now(mono_ms, wall_ms), Happened::CloudTime(WallMs(utc_ms))))
}

/// The cloud answered the request of the output with this id. Bytes that are no answer count as such.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `answer` points to `answer_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_answered(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    id: u64,
    answer: *const u8,
    answer_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let answer = unsafe { Input::new("answer", answer, answer_length) };
    alone(terminal, |terminal| {
        let bytes = answer.bytes(EDGEPOS_MAX_BYTES)?;
        let reply = CloudReply::decode(bytes, &Limits::DEFAULT).map_err(|_| UplinkError::Unreadable);
        terminal.handle(now(mono_ms, wall_ms), Happened::Uplink(UplinkId(id), reply));
        Ok(EDGEPOS_OK)
    })
}

/// The cloud did not answer the request of the output with this id. `why` is `EDGEPOS_UNREACHABLE`, `EDGEPOS_TIMED_OUT`, `EDGEPOS_REJECTED` with
/// the status as `figure`, or `EDGEPOS_OVERLOADED` with the milliseconds to wait.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_unanswered(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    id: u64,
    why: u32,
    figure: u32,
) -> i32 {
    alone(terminal, |terminal| {
        let error = match why {
            EDGEPOS_UNREACHABLE => UplinkError::Unreachable,
            EDGEPOS_TIMED_OUT => UplinkError::TimedOut,
            EDGEPOS_REJECTED => UplinkError::Rejected { status: u16::try_from(figure).unwrap_or(u16::MAX) },
            EDGEPOS_OVERLOADED => {
                UplinkError::Overloaded { retry_after: Duration::from_millis(figure.into()) }
            }
            other => return Err(Failure::invalid(format!("why: {other} is no reason"))),
        };
        terminal.handle(now(mono_ms, wall_ms), Happened::Uplink(UplinkId(id), Err(error)));
        Ok(EDGEPOS_OK)
    })
}

/// How the store is, when that has changed: `room` is how many bytes may be promised in all, 0 while the disk is full and `UINT64_MAX` where
/// that is not known; `free_bytes` is what the disk has, `UINT64_MAX` where that is not known; `state` is `EDGEPOS_STORE_WELL` or the like.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_disk(
    terminal: *const TerminalHandle,
    mono_ms: u64,
    wall_ms: u64,
    room: u64,
    free_bytes: u64,
    state: u32,
) -> i32 {
    alone(terminal, |terminal| {
        let waits = match state {
            EDGEPOS_STORE_WELL => None,
            EDGEPOS_STORE_BUSY => Some(StoreFailure::Busy),
            EDGEPOS_STORE_FULL => Some(StoreFailure::Full),
            other => return Err(Failure::invalid(format!("state: {other} is no state of a store"))),
        };
        let disk = Disk { room, free: (free_bytes != u64::MAX).then_some(free_bytes), waits };
        terminal.handle(now(mono_ms, wall_ms), Happened::Disk(disk));
        Ok(EDGEPOS_OK)
    })
}
