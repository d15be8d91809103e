//! Feeds `steward_fuzz::leaf` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::leaf::check(data));
