//! What the fuzzers do with their input. The programs in `fuzz_targets` only call these functions, and so does a test of each crate,
//! over the committed corpus and over seeded random input: what a fuzzer once found stays found without one.

#![forbid(unsafe_code)]

pub mod consensus;
pub mod sync;
