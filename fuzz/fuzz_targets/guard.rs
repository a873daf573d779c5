//! See `edgepos_fuzz::consensus::guard`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| edgepos_fuzz::consensus::guard(input));
