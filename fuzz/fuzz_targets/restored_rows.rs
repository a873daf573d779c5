//! See `edgepos_fuzz::consensus::restored_rows`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| edgepos_fuzz::consensus::restored_rows(input));
