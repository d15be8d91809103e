//! Feeds `steward_fuzz::config` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::config::check(data));
