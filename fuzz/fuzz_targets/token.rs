//! Feeds `steward_fuzz::token` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::token::check(data));
