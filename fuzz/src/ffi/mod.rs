//! The C API, called as a program might that has its handles, its texts and its order mixed up.

mod calls;
#[path = "../consensus/input.rs"]
#[allow(dead_code, reason = "shared with the fuzzers of the election")]
mod input;
mod texts;

pub use calls::c_calls;
