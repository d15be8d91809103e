//! Feeds `steward_fuzz::drawn_request` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::drawn_request::check(data));
