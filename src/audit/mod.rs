//! The audit room: what makes a history provable, over opaque bytes.
//!
//! Nothing in here knows what an event means, where it is stored or what time
//! it is. Hashes and bytes go in, hashes and bytes come out.
//!
//! | file | what it decides |
//! |---|---|
//! | [`merkle`] | the RFC 6962 tree: leaf and node hashes, the frontier that grows with the log |
//!
//! Proofs, checkpoints, signed notes and tiles each get a file of their own
//! beside `merkle` and build on its hashes.

pub mod merkle;
