//! See `edgepos_fuzz::sync::batch_decode`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| edgepos_fuzz::sync::batch_decode(input));
