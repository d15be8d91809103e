//! Feeds `steward_fuzz::fold` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::fold::check(data));
