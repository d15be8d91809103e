//! Feeds `steward_fuzz::name` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::name::check(data));
