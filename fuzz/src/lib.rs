//! What the fuzzers do with their input. The programs in `fuzz_targets` only call these functions, and so does a test of each crate,
//! over the committed corpus and over seeded random input: what a fuzzer once found stays found without one.

#![deny(unsafe_code)]

pub mod consensus;
#[allow(unsafe_code, reason = "it calls the library as C does")]
pub mod ffi;
pub mod sync;
