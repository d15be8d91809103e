//! Feeds `steward_fuzz::request` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::request::check(data));
