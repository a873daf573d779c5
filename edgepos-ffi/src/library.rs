//! What is asked of the library itself: its version, its words, why the last call failed.

use std::ffi::c_char;

use crate::guard::with_detail;
use crate::status::TEXTS;

/// The version of the interface that a header describes. It rises when something is taken out or changes its meaning.
pub const EDGEPOS_ABI: u32 = 1;

/// The library's version, as a text with a zero byte behind it.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// The version of the interface that this library has. A program compares it with `EDGEPOS_ABI` of the header that it was compiled with.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_abi() -> u32 {
    EDGEPOS_ABI
}

/// The version of the library, such as `0.1.0`, with a zero byte behind it.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// What a status says, in a few English words with a zero byte behind them; `unknown status` for a number that this version does not
/// know.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_status_text(status: i32) -> *const c_char {
    let known = TEXTS.iter().find(|(number, _)| *number == status);
    known.map_or(c"unknown status", |(_, text)| text).as_ptr()
}

/// Why the last call of this thread was not done, in English with a zero byte behind it; empty when it was. It is good until this
/// thread ends, and says what its latest call had to say, cut at 1,023 bytes; freeing something says nothing. Any thread may call it at any time, and asks for its own.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_last_detail() -> *const c_char {
    with_detail(|detail| detail.as_ptr().cast())
}
