//! Feeds `steward_fuzz::filter` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::filter::check(data));
