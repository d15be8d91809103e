//! Feeds `steward_fuzz::record` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::record::check(data));
