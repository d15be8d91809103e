//! All integration tests, as modules of one binary: one link, one run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod aliases;
mod ask;
mod bad_input;
mod calendar;
mod concurrency;
mod consumers;
mod contract;
mod corpus;
mod crash;
mod damage;
mod engines;
mod evaluations;
mod failing;
mod house;
mod idempotency;
mod incidents;
mod lifecycle;
mod models;
mod namespaces;
mod pipe;
mod policies;
mod power;
mod privacy;
mod proposals;
mod readme;
mod reads;
mod replay;
mod resolve;
mod rollback;
mod stream;
mod support;
mod syscalls;
mod upstreams;
mod versions;
mod wire;
