//! See `edgepos_fuzz::consensus::message_decode`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| edgepos_fuzz::consensus::message_decode(input));
