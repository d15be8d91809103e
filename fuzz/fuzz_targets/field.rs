//! Feeds `steward_fuzz::field` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::field::check(data));
