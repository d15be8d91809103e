//! Feeds `steward_fuzz::command_line` from libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steward_fuzz::command_line::check(data));
