//! Processes that were forked: in the new one there is the thread that forked and no other, so that whatever lives by threads is dead there.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How often this process, and those that it was forked from, were forked: the number of a process among its forebears.
static PROCESS: AtomicUsize = AtomicUsize::new(0);

/// A number that a process and one that was forked from it do not share, once [`watch`] was called in the older one.
pub(crate) fn process() -> usize {
    PROCESS.load(Ordering::Relaxed)
}

/// From here on a fork is noticed.
#[cfg(unix)]
pub(crate) fn watch() {
    use std::sync::Once;

    extern "C" fn forked() {
        PROCESS.fetch_add(1, Ordering::Relaxed);
    }
    static ONCE: Once = Once::new();
    // Where there is no memory to write it down forks are not noticed, and nothing else is different.
    ONCE.call_once(|| {
        // SAFETY: the function stays as long as the library, and does what one may do in a process that was just forked: it changes a
        // number.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(forked)) };
    });
}

/// Elsewhere there is no fork.
#[cfg(not(unix))]
pub(crate) fn watch() {}
