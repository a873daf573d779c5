//! Signals are the host's: no thread of a terminal takes one, and a connection that broke ends no process.
//!
//! A program in Rust ignores SIGPIPE before its first line, and one in C does not: there a write to a socket whose other end is gone
//! kills the process, where the write gathers several buffers, as those of HTTP and of TLS do.

/// For a thread that starts: the host's signals go to the host's threads, and a write to a broken connection is an error.
#[cfg(unix)]
pub(crate) fn leave_to_the_host() {
    use std::mem::MaybeUninit;
    use std::ptr;

    /// What a thread does wrong itself, and what a profiler counts by.
    const OWN: [libc::c_int; 7] = [
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGTRAP,
        libc::SIGABRT,
        libc::SIGPROF,
    ];
    let mut all = MaybeUninit::uninit();
    // SAFETY: the set is written by `sigfillset` before anything reads it, and lives longer than these calls. None of them can fail: the
    // numbers are of signals, and the set is whole.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        for signal in OWN {
            libc::sigdelset(all.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut());
    }
}

/// Elsewhere a broken connection raises none.
#[cfg(not(unix))]
pub(crate) fn leave_to_the_host() {}
