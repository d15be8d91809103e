//! Feeds `steward_fuzz::page` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::page::check(data));
