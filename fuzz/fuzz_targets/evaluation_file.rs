//! Feeds `steward_fuzz::evaluation_file` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::evaluation_file::check(data));
