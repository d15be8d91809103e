//! The store room: how bytes are kept, and nothing about what they mean.
//!
//! | file | what it decides |
//! |---|---|
//! | [`engine`] | the one primitive: reads of one snapshot, and a commit that is atomic, conditional, durable |
//! | [`memory`] | the engine of tests and throw-away servers |
//! | [`hints`] | the wake-ups of readers who wait for a size |
//!
//! One suite (`suite.rs`) runs on every engine; a new engine is finished when
//! it passes.

pub mod engine;
pub mod hints;
pub mod keys;
pub mod memory;
pub mod record;

#[cfg(test)]
mod suite;
