//! The functions that are asked: those of this program, or of a shared library.

use std::error::Error;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem;

use edgepos_ffi::*;

/// A number of a terminal.
pub(crate) type Number = unsafe extern "C" fn(*const TerminalHandle, *mut u64) -> i32;
/// A call with a request in and a text out.
pub(crate) type Asks =
    unsafe extern "C" fn(*const NodeHandle, *const c_char, usize, *mut *mut TextHandle) -> i32;

/// Everything is looked up at once, as a program that is linked with a library of this size would have it.
const NOW: c_int = 2;

unsafe extern "C" {
    fn dlopen(path: *const c_char, how: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

macro_rules! calls {
    ($($field:ident: $name:ident as $kind:ty),+ $(,)?) => {
        /// What is asked.
        pub(crate) struct Calls {
            $(pub(crate) $field: $kind),+
        }

        impl Calls {
            /// The functions of this program.
            pub(crate) fn linked() -> Self {
                Self { $($field: $name),+ }
            }

            /// Those of a shared library.
            ///
            /// # Errors
            /// When it cannot be loaded, is of another interface, or lacks one.
            pub(crate) fn of_library(path: &str) -> Result<Self, Box<dyn Error>> {
                let path = CString::new(path)?;
                // SAFETY: the path ends with a zero byte. What a library does when it is loaded is as trusted as the one who named it.
                let library = unsafe { dlopen(path.as_ptr(), NOW) };
                if library.is_null() {
                    return Err("it cannot be loaded".into());
                }
                let abi = find(library, c"edgepos_abi")?;
                // SAFETY: a library that has this name has this function under it.
                let abi = unsafe { mem::transmute::<*mut c_void, extern "C" fn() -> u32>(abi) };
                if abi() != EDGEPOS_ABI {
                    return Err("it has another interface".into());
                }
                $(
                    let name = CString::new(stringify!($name))?;
                    let $field = find(library, &name)?;
                )+
                // SAFETY: a library of this interface has functions of these types under these names.
                Ok(unsafe { Self { $($field: mem::transmute::<*mut c_void, $kind>($field)),+ } })
            }
        }
    };
}

fn find(library: *mut c_void, name: &CStr) -> Result<*mut c_void, Box<dyn Error>> {
    // SAFETY: the library is loaded and stays so, and the name ends with a zero byte.
    let found = unsafe { dlsym(library, name.as_ptr()) };
    if found.is_null() { Err(format!("it has no {name:?}").into()) } else { Ok(found) }
}

calls! {
    terminal_new: edgepos_terminal_new as unsafe extern "C" fn(*const c_char, usize, u64, u64, u64, u32, Scan, *mut c_void, *mut *mut TerminalHandle) -> i32,
    terminal_free: edgepos_terminal_free as extern "C" fn(*mut TerminalHandle),
    timeout: edgepos_terminal_timeout as extern "C" fn(*const TerminalHandle, u64, u64) -> i32,
    poll_timeout: edgepos_terminal_poll_timeout as Number,
    promised: edgepos_terminal_promised as Number,
    open: edgepos_node_open as unsafe extern "C" fn(*const c_char, usize, *mut *mut NodeHandle) -> i32,
    begin: edgepos_node_begin as Asks,
    commit: edgepos_node_commit as Asks,
    counter: edgepos_node_counter as unsafe extern "C" fn(*const NodeHandle, u32, u32, u32, *const u8, usize, *mut i64) -> i32,
    next_notice: edgepos_node_next_notice as unsafe extern "C" fn(*const NodeHandle, u64, *mut *mut TextHandle) -> i32,
    close: edgepos_node_close as unsafe extern "C" fn(*const NodeHandle, u64, *mut u64) -> i32,
    free: edgepos_node_free as extern "C" fn(*mut NodeHandle),
    text_data: edgepos_text_data as extern "C" fn(*const TextHandle) -> *const c_char,
    text_free: edgepos_text_free as extern "C" fn(*mut TextHandle),
}
