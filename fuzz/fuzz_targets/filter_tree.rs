//! Feeds `steward_fuzz::filter_tree` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::filter_tree::check(data));
