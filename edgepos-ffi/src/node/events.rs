//! Events as they are read back, from any point on.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use edgepos::Events;
use edgepos::crdt::VersionVector;
use tokio::sync::watch;

use super::receipts::{shown, vector};
use super::{End, NodeHandle};
use crate::argument::{Input, Output};
use crate::handle::{self, Handle, Table};
use crate::patience::wait_for;
use crate::status::{EDGEPOS_END, EDGEPOS_NOTHING, EDGEPOS_STOPPED, Failure};
use crate::text::TextHandle;

/// Events as they are read back. Whoever got it frees it.
///
/// One thread at a time calls its functions: another gets `EDGEPOS_BUSY`.
pub struct EventsHandle(());

/// What a handle of events names.
pub(crate) struct Reading {
    follows: bool,
    place: Mutex<Place>,
    /// Whether its handle was freed: whoever waits for an event waits no longer.
    freed: watch::Sender<bool>,
}

struct Place {
    events: Events,
    /// Up to where events were handed out.
    cursor: VersionVector,
    /// Why nothing follows, once something has failed: asked again it is said again, and never that everything was read.
    failed: Option<Failure>,
}

impl Handle for EventsHandle {
    type Value = Reading;
    const WHAT: &'static str = "events";
    const THREADS: bool = true;
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

    /// Waits until its handle is freed.
    async fn freed(&self) {
        let mut freed = self.freed.subscribe();
        // The sender lives as long as this.
        let _ = freed.wait_for(|freed| *freed).await;
    }
}

impl Place {
    fn failed(&mut self, failure: Failure) -> Failure {
        self.failed.insert(failure).clone()
    }
}

fn freed() -> Failure {
    Failure { status: EDGEPOS_STOPPED, detail: "these events were freed".into() }
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
        let place = Mutex::new(Place { events, cursor, failed: None });
        out.give(Reading { follows, place, freed: watch::Sender::new(false) })
    })
}

/// The next event as JSON; waits for one at most `timeout_ms`, and answers `EDGEPOS_NOTHING` where none came. `EDGEPOS_END` where everything
/// was read and nothing is followed, `EDGEPOS_STOPPED` where the terminal has stopped, or another thread has freed the handle meanwhile. Behind
/// an error nothing follows, and it is answered again: go on from the cursor.
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
        if let Some(failure) = &place.failed {
            return Err(failure.clone());
        }
        let next = async {
            tokio::select! {
                biased;
                event = place.events.next() => Ok(event),
                () = reading.freed() => Err(freed()),
            }
        };
        match wait_for(next, Duration::from_millis(timeout_ms)).transpose()? {
            Some(Some(Ok(event))) => {
                let status = out.json(&event)?;
                place.cursor.set_max(event.id.chain, event.id.seq);
                Ok(status)
            }
            Some(Some(Err(error))) => Err(place.failed(error.into())),
            Some(None) if reading.follows => Err(place.failed(End::Closed.into())),
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

/// Ends the reading and frees the handle. NULL and a handle that was freed are let pass. Any thread may call it, and one that waits for an
/// event waits no longer.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_events_free(events: *mut EventsHandle) {
    handle::look(events, |reading| reading.freed.send_replace(true));
    handle::free(events);
}
