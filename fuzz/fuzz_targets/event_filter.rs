//! Feeds `steward_fuzz::event_filter` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::event_filter::check(data));
