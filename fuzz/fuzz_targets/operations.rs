//! See `edgepos_fuzz::consensus::operations`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| edgepos_fuzz::consensus::operations(input));
