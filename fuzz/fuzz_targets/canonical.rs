//! Feeds `steward_fuzz::canonical` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::canonical::check(data));
