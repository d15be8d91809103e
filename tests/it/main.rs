//! All integration tests, as modules of one binary: one link, one run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod ask;
mod concurrency;
mod contract;
mod crash;
mod engines;
mod failing;
mod house;
mod idempotency;
mod models;
mod readme;
mod replay;
mod stream;
mod support;
