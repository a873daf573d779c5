//! Handles: names of values that live in this library, which no caller can use wrongly with more harm than an answer that says so.
//!
//! A handle looks like a pointer and is none: it is a number that is given once. A handle that was freed, one of another type and one
//! that was made up are found out, and a handle that is freed while another thread is inside a call lives until that call ends.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::forks;
use crate::guard::{guard, let_go};
use crate::status::Failure;

/// Handles of one type that may live at once: a caller that frees none is told so before the memory is gone, and before a call is done of
/// which it could not have the answer. Threads that call at the same moment may each have one more.
const MAX_HANDLES: usize = 1 << 20;
/// Between two handles: they look like pointers to whoever checks that these are aligned.
const STEP: usize = 16;

/// The next handle, of whatever type.
static NEXT: AtomicUsize = AtomicUsize::new(STEP);

/// What a handle names, and whether a call of it has panicked.
#[derive(Debug)]
pub(crate) struct Named<T> {
    poisoned: AtomicBool,
    /// In which process it was given.
    process: usize,
    value: T,
}

/// Every living handle of one type.
#[derive(Debug)]
pub(crate) struct Table<T> {
    living: RwLock<BTreeMap<usize, Arc<Named<T>>>>,
}

/// A type whose values are named by handles.
pub(crate) trait Handle: Sized + 'static {
    /// What a handle names.
    type Value: Send + Sync;
    /// What it is, for whoever gave something else.
    const WHAT: &'static str;
    /// How many may live before no call is done that would make one more.
    const MOST: usize = MAX_HANDLES;
    /// Whether it lives by threads, which a process that was forked does not have: no call of it is done there.
    const THREADS: bool = false;
    /// Its living handles.
    fn table() -> &'static Table<Self::Value>;
}

impl<T> Table<T> {
    /// No handle lives.
    pub(crate) const fn new() -> Self {
        Self { living: RwLock::new(BTreeMap::new()) }
    }
}

/// Refuses where too many live: to be asked before anything is done.
pub(crate) fn room<H: Handle>() -> Result<(), Failure> {
    let living = H::table().living.read().unwrap_or_else(PoisonError::into_inner).len();
    match living < H::MOST {
        true => Ok(()),
        false => Err(Failure::invalid(format!("{living} handles of {} were not freed", H::WHAT))),
    }
}

/// Names a value.
pub(crate) fn give<H: Handle>(value: H::Value) -> *mut H {
    let mut living = H::table().living.write().unwrap_or_else(PoisonError::into_inner);
    loop {
        // On 32 bits the numbers come round after some hundred million.
        let number = NEXT.fetch_add(STEP, Ordering::Relaxed);
        if number != 0 && !living.contains_key(&number) {
            let poisoned = AtomicBool::new(false);
            living.insert(number, Arc::new(Named { poisoned, process: forks::process(), value }));
            return ptr::without_provenance_mut(number);
        }
    }
}

fn find<H: Handle>(handle: *const H) -> Option<Arc<Named<H::Value>>> {
    let living = H::table().living.read().unwrap_or_else(PoisonError::into_inner);
    living.get(&handle.addr()).cloned()
}

/// Looks at what a handle names, if it names anything, without a word about failures.
pub(crate) fn look<H: Handle, T>(handle: *const H, see: impl FnOnce(&H::Value) -> T) -> Option<T> {
    let named = find(handle)?;
    let seen = named.lives::<H>().then(|| see(&named.value));
    done_with(named);
    seen
}

/// Refuses what a panic has poisoned, where it is an argument of another handle's call.
pub(crate) fn refuse_poisoned<H: Handle>(handle: *const H) -> Result<(), Failure> {
    let Some(named) = find(handle) else { return Ok(()) };
    let poisoned = named.poisoned.load(Ordering::Acquire);
    done_with(named);
    if poisoned { Err(Failure::poisoned(H::WHAT)) } else { Ok(()) }
}

impl<T> Named<T> {
    /// Whether this process has the threads that it lives by.
    fn lives<H: Handle>(&self) -> bool {
        !H::THREADS || self.process == forks::process()
    }
}

/// Where another thread has freed the handle meanwhile this was the last to hold what it names.
fn done_with<T>(named: Arc<Named<T>>) {
    if let Some(last) = Arc::into_inner(named) {
        let_go(last);
    }
}

/// A call of a handle: see [`guard`].
pub(crate) fn with<H: Handle>(handle: *const H, call: impl FnOnce(&H::Value) -> Result<i32, Failure>) -> i32 {
    called(handle, |named| Some(&named.poisoned), call)
}

/// The same, also of a handle that a panic has poisoned: to close what it names.
pub(crate) fn with_any<H: Handle>(
    handle: *const H,
    call: impl FnOnce(&H::Value) -> Result<i32, Failure>,
) -> i32 {
    called(handle, |_| None, call)
}

fn called<H: Handle>(
    handle: *const H,
    poisoned: impl FnOnce(&Named<H::Value>) -> Option<&AtomicBool>,
    call: impl FnOnce(&H::Value) -> Result<i32, Failure>,
) -> i32 {
    match find(handle) {
        Some(named) => {
            let status = if named.lives::<H>() {
                guard(poisoned(&named), || call(&named.value))
            } else {
                guard(None, || Err(Failure::forked(H::WHAT)))
            };
            done_with(named);
            status
        }
        None => guard(None, || Err(unknown(handle))),
    }
}

/// The handle names nothing any more. NULL and one that names nothing are let pass, and so is one of the process that this was forked from:
/// it would wait for threads that are not here, and its files are the other process's.
pub(crate) fn free<H: Handle>(handle: *mut H) {
    let mut living = H::table().living.write().unwrap_or_else(PoisonError::into_inner);
    if living.get(&handle.addr()).is_some_and(|named| !named.lives::<H>()) {
        return;
    }
    let freed = living.remove(&handle.addr());
    drop(living);
    // Outside the table's lock: what it names may wait for its threads when it is dropped. Why the last call was not done stays to be asked
    // for: a program frees first what it has.
    let_go(freed);
}

fn unknown<H: Handle>(handle: *const H) -> Failure {
    let what = H::WHAT;
    Failure::invalid(match handle.is_null() {
        true => format!("{what} is NULL"),
        false => format!("{what} is no living handle of its type: it was freed, or is something else"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::argument::Output;
    use crate::guard::with_detail;
    use crate::status::{EDGEPOS_INVALID, EDGEPOS_OK, EDGEPOS_POISONED};

    struct Box7;

    impl Handle for Box7 {
        type Value = u64;
        const WHAT: &'static str = "box";
        fn table() -> &'static Table<u64> {
            static TABLE: Table<u64> = Table::new();
            &TABLE
        }
    }

    #[test]
    fn a_handle_is_good_until_it_is_freed_and_never_again() {
        let handle = give::<Box7>(7);
        assert_eq!(with(handle, |value| Ok(i32::try_from(*value).unwrap_or(0))), 7);
        free(handle);
        free(handle);
        free(ptr::null_mut::<Box7>());
        assert_eq!(with(handle, |_| Ok(EDGEPOS_OK)), EDGEPOS_INVALID);
        let next = give::<Box7>(8);
        assert_ne!(next, handle, "a number is given once");
        assert_eq!(with(next, |_| panic!("a fault")), EDGEPOS_POISONED);
        assert_eq!(with(next, |_| Ok(EDGEPOS_OK)), EDGEPOS_POISONED);
        assert_eq!(with_any(next, |_| Ok(EDGEPOS_OK)), EDGEPOS_OK, "it can still be closed");
    }

    struct Few;

    impl Handle for Few {
        type Value = ();
        const WHAT: &'static str = "few";
        const MOST: usize = 2;
        fn table() -> &'static Table<()> {
            static TABLE: Table<()> = Table::new();
            &TABLE
        }
    }

    #[test]
    fn a_call_that_could_not_be_answered_is_not_done() {
        let mut done = 0;
        let mut call = |out: &mut *mut Few| {
            guard(None, || {
                // SAFETY: the place lives as long as the call.
                let out = unsafe { Output::new("out", out) };
                out.check()?;
                done += 1;
                out.give(())
            })
        };
        let (mut one, mut two, mut three) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        assert_eq!(
            [call(&mut one), call(&mut two), call(&mut three)],
            [EDGEPOS_OK, EDGEPOS_OK, EDGEPOS_INVALID]
        );
        assert!(three.is_null() && two != one);
        free(one);
        assert_eq!(call(&mut three), EDGEPOS_OK);
        assert_eq!(done, 3, "what was refused was not done");
        for handle in [two, three] {
            free(handle);
        }
    }

    #[test]
    fn why_a_call_was_not_done_is_still_said_when_something_is_freed() {
        let handle = give::<Box7>(7);
        assert_eq!(with(ptr::null::<Box7>(), |_| Ok(EDGEPOS_OK)), EDGEPOS_INVALID);
        free(handle);
        let said = with_detail(|detail| detail.starts_with(b"box is NULL\0"));
        assert!(said, "a program frees what it has before it says why");
    }
}
