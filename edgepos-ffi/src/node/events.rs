//! Events as they are read back, from any point on.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use edgepos::core::{EventId, Seq};
use edgepos::crdt::VersionVector;
use edgepos::{Events, HistoryError, Node};
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;

use super::receipts::{shown, vector};
use super::watching::LostEvents;
use super::{End, NodeHandle, Till, with};
use crate::argument::{Input, Output};
use crate::handle::{self, Handle, Table};
use crate::patience::wait_for;
use crate::status::{EDGEPOS_END, EDGEPOS_NOTHING, EDGEPOS_STOPPED, Failure};
use crate::text::TextHandle;

/// Positions that one call passes by at most: so many are looked at before it answers.
const MAX_SKIPPED: u64 = 4096;

/// Events as they are read back. Whoever got it frees it.
///
/// One thread at a time calls its functions: another gets `EDGEPOS_BUSY`.
pub struct EventsHandle(());

/// What a handle of events names.
pub(crate) struct Reading {
    follows: bool,
    node: Node,
    /// Reads ahead in a task of it, and ends with it.
    runtime: Runtime,
    place: Mutex<Place>,
    /// Whether its handle was freed: whoever waits for an event waits no longer.
    freed: watch::Sender<bool>,
}

struct Place {
    events: Events,
    /// Up to where events were handed out.
    cursor: VersionVector,
    /// Why nothing follows, once something has failed: asked again it is said again, and never that everything was read.
    failed: Option<Failed>,
}

struct Failed {
    why: Failure,
    /// The event that is not there, where that is why: it can be passed by.
    missing: Option<EventId>,
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
    fn new(till: &Till, cursor: VersionVector, follows: bool) -> Self {
        let (node, runtime) = (till.node.clone(), till.runtime().handle().clone());
        let events = above(&node, &runtime, cursor.clone(), follows);
        let place = Mutex::new(Place { events, cursor, failed: None });
        Self { follows, node, runtime, place, freed: watch::Sender::new(false) }
    }

    fn place(&self) -> Result<MutexGuard<'_, Place>, Failure> {
        match self.place.try_lock() {
            Ok(place) => Ok(place),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::in_use("these events")),
        }
    }

    /// The last position in a row with `missing` that is not there either, as far as one call looks; `None` where it has come back meanwhile.
    fn last_missing(&self, missing: EventId) -> Result<Option<Seq>, Failure> {
        let EventId { chain, seq } = missing;
        let look = async {
            if self.node.event(missing).await?.is_some() {
                return Ok(None);
            }
            let durable = self.node.status().await?.durable.get(chain);
            let mut last = seq;
            while last < durable && last.0 - seq.0 + 1 < MAX_SKIPPED {
                let next = Seq(last.0 + 1);
                if self.node.event(EventId::new(chain, next)).await?.is_some() {
                    break;
                }
                last = next;
            }
            Ok(Some(last))
        };
        let unless_freed = async {
            tokio::select! {
                biased;
                last = look => last,
                () = self.freed() => Err(freed()),
            }
        };
        wait_for(unless_freed, Duration::MAX).unwrap_or_else(|| Err(freed()))
    }

    /// Waits until its handle is freed.
    async fn freed(&self) {
        let mut freed = self.freed.subscribe();
        // The sender lives as long as this.
        let _ = freed.wait_for(|freed| *freed).await;
    }
}

impl Place {
    fn failed(&mut self, why: Failure, missing: Option<EventId>) -> Failure {
        self.failed.insert(Failed { why, missing }).why.clone()
    }
}

/// Events above a cursor, which are read ahead in a task of the runtime.
fn above(node: &Node, runtime: &Runtime, cursor: VersionVector, follows: bool) -> Events {
    let _inside = runtime.enter();
    match follows {
        true => node.events_since(cursor),
        false => node.stored_events(cursor),
    }
}

fn freed() -> Failure {
    Failure { status: EDGEPOS_STOPPED, detail: "these events were freed".into() }
}

/// Every event that this terminal holds above `cursor`, its own and others', and, where `follow` is not 0, then each that comes. Nothing is
/// lost, however slow the reader is. `cursor` is what `edgepos_events_cursor` gave, or of length 0 to begin with the first event. On
/// success `*out` is a handle, to be freed by `edgepos_events_free`.
///
/// Threads: any, at any time.
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
    with(node, |till| {
        out.check()?;
        let cursor = vector(cursor)?.unwrap_or_default();
        out.give(Reading::new(till, cursor, follow != 0))
    })
}

/// The next event as JSON; waits for one at most `timeout_ms`, and answers `EDGEPOS_NOTHING` where none came. `EDGEPOS_END` where everything
/// was read and nothing is followed, `EDGEPOS_STOPPED` where the terminal has stopped, or another thread has freed the handle meanwhile: open
/// it anew, and go on from the cursor. `EDGEPOS_DAMAGED` where the next event is not there to be read: it is lost, or its row is damaged. The
/// cursor stands before it, so that a reading from there meets it again: `edgepos_events_skip` goes on behind it. After an error nothing
/// follows, and it is answered again.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
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
        if let Some(Failed { why, .. }) = &place.failed {
            return Err(why.clone());
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
                // What could not be handed out is not passed by either.
                let status = out.json(&event).map_err(|why| place.failed(why, None))?;
                place.cursor.set_max(event.id.chain, event.id.seq);
                Ok(status)
            }
            Some(Some(Err(error))) => {
                let missing = if let HistoryError::Missing { id } = &error { Some(*id) } else { None };
                Err(place.failed(error.into(), missing))
            }
            Some(None) if reading.follows => Err(place.failed(End::Closed.into(), None)),
            Some(None) => Ok(EDGEPOS_END),
            None => Ok(EDGEPOS_NOTHING),
        }
    })
}

/// Passes by the event that `edgepos_events_next` has answered `EDGEPOS_DAMAGED` for, with those behind it in its chain that are not there
/// either, and reads on behind them. On success `*out` is JSON with `first` and `last`, what was passed by, and the cursor stands behind it. One
/// call passes by 4,096 at most: where more are missing `edgepos_events_next` says so, and the next call goes on. `EDGEPOS_NOTHING` where no
/// event is missing, or where it has come back, and nothing is passed by: read on. What another terminal or the cloud still holds comes back by
/// itself while it is heard: whoever can wait reads from the cursor again before anything is passed by, and `edgepos_node_lost` says what is
/// lost for good.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_events_skip(events: *const EventsHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    handle::with(events, |reading| {
        out.check()?;
        let mut place = reading.place()?;
        let missing = match &place.failed {
            None => return Ok(EDGEPOS_NOTHING),
            Some(Failed { missing: Some(missing), .. }) => *missing,
            Some(Failed { why, .. }) => return Err(why.clone()),
        };
        let mut status = EDGEPOS_NOTHING;
        if let Some(last) = reading.last_missing(missing)? {
            status = out.json(&LostEvents::of(missing, last))?;
            place.cursor.set_max(missing.chain, last);
        }
        place.failed = None;
        place.events = above(&reading.node, &reading.runtime, place.cursor.clone(), reading.follows);
        Ok(status)
    })
}

/// Up to where events were handed out or passed by, as JSON: an application keeps it with what it has dealt with, and goes on from there after a crash.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
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
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_events_free(events: *mut EventsHandle) {
    handle::look(events, |reading| reading.freed.send_replace(true));
    handle::free(events);
}
