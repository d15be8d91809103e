//! Feeds `steward_fuzz::export` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::export::check(data));
