//! Feeds `steward_fuzz::otlp` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::otlp::check(data));
