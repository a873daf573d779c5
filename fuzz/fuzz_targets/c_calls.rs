//! See `edgepos_fuzz::ffi::c_calls`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    edgepos_fuzz::ffi::c_calls(input);
});
