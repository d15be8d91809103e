//! Feeds `steward_fuzz::key` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::key::check(data));
