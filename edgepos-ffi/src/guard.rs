//! The edge itself: no panic crosses it, and what a call has to say of its failure lies ready for the thread that made it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::status::{EDGEPOS_POISONED, Failure};

/// What the threads of this library are called, so that a panic on one of them is told from one of the host's.
pub(crate) const THREADS: &str = "edgepos";

/// What threads are called that libraries beneath start: the pool in which models are run. Others of theirs have no name.
const BENEATH: &str = "rten-";

/// Longest text of why a call was not done, with the zero byte behind it; what is longer is cut.
const MAX_DETAIL: usize = 1024;

/// What a thread knows of the calls that it makes.
struct Calls {
    /// Whether one is under way.
    inside: Cell<bool>,
    /// Why the last one was not done, with a zero byte behind it. It never moves: whoever looks at it too late reads what the latest call
    /// had to say.
    detail: RefCell<[u8; MAX_DETAIL]>,
}

thread_local! {
    /// One value for both: in a shared library each look at a thread's own costs a call.
    static CALLS: Calls = const { Calls { inside: Cell::new(false), detail: RefCell::new([0; MAX_DETAIL]) } };
}

/// Does what a call asks. A panic inside it is answered as [`EDGEPOS_POISONED`], and what `poisoned` belongs to is not used again.
///
/// Every exported function that can fail is one call of this: whatever is not in here must not panic.
pub(crate) fn guard(poisoned: Option<&AtomicBool>, call: impl FnOnce() -> Result<i32, Failure>) -> i32 {
    CALLS.with(|calls| {
        if poisoned.is_some_and(|poisoned| poisoned.load(Ordering::Acquire)) {
            calls.explain("an earlier call of this handle failed inside the library");
            return EDGEPOS_POISONED;
        }
        match calls.caught(call) {
            Ok(Ok(status)) => {
                calls.nothing_to_explain();
                status
            }
            Ok(Err(Failure { status, detail })) => {
                calls.explain(&detail);
                status
            }
            Err(panicked) => {
                if let Some(poisoned) = poisoned {
                    poisoned.store(true, Ordering::Release);
                }
                calls.explain(said(panicked.as_ref()));
                EDGEPOS_POISONED
            }
        }
    })
}

/// Lets go of what a call has held longer than its caller, and says nothing: what the call has to say stays.
pub(crate) fn let_go<T>(held: T) {
    // What was not let go of is lost with what it was.
    let _ = CALLS.with(|calls| calls.caught(|| drop(held)));
}

/// Why the last call of this thread was not done: a text with a zero byte behind it, good until this thread ends.
pub(crate) fn with_detail<T>(show: impl FnOnce(&[u8; MAX_DETAIL]) -> T) -> T {
    CALLS.with(|calls| show(&calls.detail.borrow()))
}

impl Calls {
    /// What a panic leaves behind is not looked at again: its handle is poisoned, or gone.
    fn caught<T>(&self, call: impl FnOnce() -> T) -> thread::Result<T> {
        keep_quiet();
        let before = self.inside.replace(true);
        let done = panic::catch_unwind(AssertUnwindSafe(call));
        self.inside.set(before);
        done
    }

    fn nothing_to_explain(&self) {
        self.detail.borrow_mut()[0] = 0;
    }

    fn explain(&self, detail: &str) {
        let cut = detail.floor_char_boundary(MAX_DETAIL - 1);
        let mut last = self.detail.borrow_mut();
        last[..cut].copy_from_slice(&detail.as_bytes()[..cut]);
        // A zero byte inside would end the text early for whoever reads it as C does.
        last[..cut].iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
        last[cut] = 0;
    }
}

fn said(panicked: &(dyn Any + Send)) -> &str {
    panicked
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panicked.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic")
}

/// Whether a panic on this thread is one of the library: inside a call, on a thread of its own, or on one that a library beneath has started.
///
/// In a shared library all threads that this sees are so, but those of a host that are inside no call, where nothing can panic. In a program
/// in Rust that has this linked in, threads have names, by which they are told: those of a host without one count as ours.
fn is_ours() -> bool {
    let ours = |name: &str| name.starts_with(THREADS) || name.starts_with(BENEATH);
    CALLS.with(|calls| calls.inside.get()) || thread::current().name().is_none_or(ours)
}

/// Keeps panics of this library off the host's stderr; those of others go where they went.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if !is_ours() {
                before(panicked);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{EDGEPOS_INVALID, EDGEPOS_OK};

    fn detail() -> String {
        with_detail(|detail| {
            let end = detail.iter().position(|byte| *byte == 0).unwrap_or(0);
            String::from_utf8_lossy(&detail[..end]).into_owned()
        })
    }

    #[test]
    fn a_panic_poisons_its_handle_and_no_other() {
        let (one, other) = (AtomicBool::new(false), AtomicBool::new(false));
        assert_eq!(guard(Some(&one), || panic!("a {} fault", "marked")), EDGEPOS_POISONED);
        assert_eq!(detail(), "a marked fault");
        assert_eq!(guard(Some(&one), || Ok(EDGEPOS_OK)), EDGEPOS_POISONED, "it is not used again");
        assert_eq!(guard(Some(&other), || Ok(EDGEPOS_OK)), EDGEPOS_OK);
        assert_eq!(detail(), "", "a call that is done has nothing to explain");
    }

    #[test]
    fn what_fails_while_it_is_let_go_of_says_nothing() {
        struct Bad;
        impl Drop for Bad {
            fn drop(&mut self) {
                panic!("a fault at the end");
            }
        }
        assert_eq!(guard(None, || Err(Failure::invalid("why"))), EDGEPOS_INVALID);
        let_go(Bad);
        assert_eq!(detail(), "why");
    }

    #[test]
    fn threads_of_the_library_and_of_those_beneath_are_told_from_a_hosts() {
        let on = |name: Option<&str>| {
            let thread =
                name.map_or_else(thread::Builder::new, |name| thread::Builder::new().name(name.into()));
            thread.spawn(is_ours).ok().and_then(|thread| thread.join().ok())
        };
        assert_eq!([Some("edgepos-signer"), Some("rten-3"), None].map(on), [Some(true); 3]);
        assert_eq!([Some("till"), Some("main")].map(on), [Some(false); 2]);
    }

    #[test]
    fn the_detail_is_of_this_thread() {
        assert_eq!(guard(None, || Err(Failure::invalid("a\0b"))), EDGEPOS_INVALID);
        let elsewhere = std::thread::spawn(detail).join();
        assert_eq!(elsewhere.ok().as_deref(), Some(""));
        assert_eq!(detail(), "a b");
        assert_eq!(guard(None, || Err(Failure::invalid("é".repeat(MAX_DETAIL)))), EDGEPOS_INVALID);
        assert_eq!(
            detail(),
            "é".repeat(MAX_DETAIL / 2 - 1),
            "what is too long is cut, and no character in two"
        );
    }
}
