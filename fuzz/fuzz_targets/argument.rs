//! Feeds `steward_fuzz::argument` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::argument::check(data));
