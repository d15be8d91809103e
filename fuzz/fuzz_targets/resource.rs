//! Feeds `steward_fuzz::resource` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::resource::check(data));
