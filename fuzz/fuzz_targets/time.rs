//! Feeds `steward_fuzz::time` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::time::check(data));
