//! Events as they are read back, from any point on.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use edgepos::Events;
use edgepos::crdt::VersionVector;

use super::receipts::{shown, vector};
use super::{End, NodeHandle};
use crate::argument::{Input, Output};
use crate::handle::{self, Handle, Table};
use crate::patience::wait_for;
use crate::status::{EDGEPOS_END, EDGEPOS_NOTHING, Failure};
use crate::text::TextHandle;

/// Events as they are read back. Whoever got it frees it.
///
/// One thread at a time calls its functions: another gets `EDGEPOS_BUSY`.
pub struct EventsHandle(());

/// What a handle of events names.
pub(crate) struct Reading {
    follows: bool,
    place: Mutex<Place>,
}

struct Place {
    events: Events,
    /// Up to where events were handed out.
    cursor: VersionVector,
}

impl Handle for EventsHandle {
    type Value = Reading;
    const WHAT: &'static str = "events";
    fn table() -> &'static Table<Reading> {
        static TABLE: Table<Reading> = Table::new();
        &TABLE
    }
}

impl Reading {
    fn place(&self) -> Result<MutexGuard<'_, Place>, Failure> {
        match self.place.try_lock() {
            Ok(place) => Ok(place),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::in_use("these events")),
        }
    }
}

/// Every event that this terminal holds above `cursor`, its own and others', and, where `follow` is not 0, then each that comes. Nothing is
/// lost, however slow the reader is. `cursor` is what `edgepos_events_cursor` gave, or of length 0 to begin with the first event. On
/// success `*out` is a handle, to be freed by `edgepos_events_free`.
///
/// # Safety
/// `cursor` points to `cursor_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_events_since(
    node: *const NodeHandle,
    cursor: *const c_char,
    cursor_length: usize,
    follow: u32,
    out: *mut *mut EventsHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (cursor, out) = unsafe { (Input::new("cursor", cursor, cursor_length), Output::new("out", out)) };
    handle::with(node, |till| {
        out.check()?;
        let cursor = vector(cursor)?.unwrap_or_default();
        let follows = follow != 0;
        // It reads ahead in a task of the node's runtime, and ends with it.
        let inside = till.runtime.enter();
        let events = match follows {
            true => till.node.events_since(cursor.clone()),
            false => till.node.stored_events(cursor.clone()),
        };
        drop(inside);
        out.give(Reading { follows, place: Mutex::new(Place { events, cursor }) })
    })
}

/// The next event as JSON; waits for one at most `timeout_ms`, and answers `EDGEPOS_NOTHING` where none came. `EDGEPOS_END` where everything
/// was read and nothing is followed, `EDGEPOS_STOPPED` where the terminal has stopped. Behind an error nothing follows: go on from the
/// cursor.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_events_next(
    events: *const EventsHandle,
    timeout_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    handle::with(events, |reading| {
        out.check()?;
        let mut place = reading.place()?;
        match wait_for(place.events.next(), Duration::from_millis(timeout_ms)) {
            Some(Some(event)) => {
                let event = event?;
                let status = out.json(&event)?;
                place.cursor.set_max(event.id.chain, event.id.seq);
                Ok(status)
            }
            Some(None) if reading.follows => Err(End::Closed.into()),
            Some(None) => Ok(EDGEPOS_END),
            None => Ok(EDGEPOS_NOTHING),
        }
    })
}

/// Up to where events were handed out, as JSON: an application keeps it with what it has dealt with, and goes on from there after a crash.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_events_cursor(
    events: *const EventsHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    handle::with(events, |reading| {
        let place = reading.place()?;
        out.json(&shown(&place.cursor))
    })
}

/// Ends the reading and frees the handle. NULL and a handle that was freed are let pass. Any thread may call it.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_events_free(events: *mut EventsHandle) {
    handle::free(events);
}
