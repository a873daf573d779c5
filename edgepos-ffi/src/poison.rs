//! Faults that are asked for, for the tests of what a fault does. None of them is in a library that is shipped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::handle;
use crate::node::events::EventsHandle;
use crate::node::{NodeHandle, WORKERS};
use crate::status::{EDGEPOS_OK, Failure};
use crate::terminal::TerminalHandle;
use crate::terminal::outputs::OutputHandle;
use crate::terminal::rows::RowsHandle;

/// What threads of libraries beneath are called: those of rten, and those that have no name.
const BENEATH: [Option<&str>; 2] = [Some("rten-0"), None];

/// A call of a node that panics.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_poison(node: *const NodeHandle) -> i32 {
    handle::with(node, |_| panic!("a fault that was asked for"))
}

/// The same of events that are read.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_events_poison(events: *const EventsHandle) -> i32 {
    handle::with(events, |_| panic!("a fault that was asked for"))
}

/// The same of a terminal, while its lock is held.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_poison(terminal: *const TerminalHandle) -> i32 {
    crate::terminal::alone(terminal, |_| panic!("a fault that was asked for"))
}

/// The same of an output.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_output_poison(output: *const OutputHandle) -> i32 {
    handle::with(output, |_| panic!("a fault that was asked for"))
}

/// The same of rows.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_rows_poison(rows: *const RowsHandle) -> i32 {
    handle::with(rows, |_| panic!("a fault that was asked for"))
}

/// Panics on threads as libraries beneath have them.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_poison_beneath(node: *const NodeHandle) -> i32 {
    handle::with(node, |_| {
        for name in BENEATH {
            let thread =
                name.map_or_else(thread::Builder::new, |name| thread::Builder::new().name(name.into()));
            let thread = thread.spawn(|| panic!("a fault beneath"));
            // It has panicked, as it was to.
            let _ = thread.map_err(|error| Failure::invalid(error.to_string()))?.join();
        }
        Ok(EDGEPOS_OK)
    })
}

/// Leaves a call behind on the threads of a node that does not return.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_poison_hang(node: *const NodeHandle) -> i32 {
    handle::with(node, |till| {
        till.runtime().spawn_blocking(|| {
            loop {
                thread::park();
            }
        });
        Ok(EDGEPOS_OK)
    })
}

/// Whether the threads of a node stand still.
static STANDS_STILL: AtomicBool = AtomicBool::new(false);

/// Has all threads of a node stand still until [`edgepos_node_poison_go_on`], as where each waits for its disk.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_poison_stand_still(node: *const NodeHandle) -> i32 {
    handle::with(node, |till| {
        STANDS_STILL.store(true, Ordering::Release);
        let (stands, all_stand) = mpsc::channel();
        for _ in 0..WORKERS {
            let stands = stands.clone();
            till.runtime().spawn(async move {
                // Whoever asked waits for it.
                let _ = stands.send(());
                while STANDS_STILL.load(Ordering::Acquire) {
                    thread::park_timeout(Duration::from_millis(10));
                }
            });
        }
        all_stand.iter().take(WORKERS).for_each(drop);
        Ok(EDGEPOS_OK)
    })
}

/// Lets them go on.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_poison_go_on() {
    STANDS_STILL.store(false, Ordering::Release);
}
