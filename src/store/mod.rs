//! The store room: how bytes are kept, and nothing about what they mean.
//!
//! | file | what it decides |
//! |---|---|
//! | [`engine`] | the one primitive: reads of one snapshot, and a commit that is atomic, conditional, durable |
//! | [`memory`] | the engine of tests and throw-away servers |
//! | [`sled`] | the engine of a single server with a disk; the only place that knows sled |
//! | [`keys`] [`record`] | the one key schema, and how states are written |
//! | [`head`] | how an engine that persists writes the head of a log |
//! | [`directory`] | directories that survive a power failure |
//! | [`watermark`] | the note beside a store that tells when an older copy of it is opened |
//! | [`beside`] | the keys that sign, and the newest checkpoint that was given out: beside a store, not in it |
//! | [`hints`] | the wake-ups of readers who wait for a size |
//!
//! One suite (`suite.rs`) runs on every engine; a new engine is finished when
//! it passes.

pub mod beside;
pub mod directory;
pub mod engine;
pub mod head;
pub mod hints;
pub mod keys;
pub mod memory;
pub mod record;
pub mod sled;
pub mod watermark;

#[cfg(test)]
mod suite;
