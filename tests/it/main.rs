//! All integration tests, as modules of one binary: one link, one run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod bad_input;
mod contract;
mod evaluations;
mod house;
mod models;
mod support;
