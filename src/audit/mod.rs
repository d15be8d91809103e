//! The audit room: what makes a history provable, over opaque bytes.
//!
//! Nothing in here knows what an event means, where it is stored or what time
//! it is. Hashes and bytes go in, hashes and bytes come out.
//!
//! | file | what it decides |
//! |---|---|
//! | [`merkle`] | the RFC 6962 tree: leaf and node hashes, the frontier that grows with the log |
//! | [`node`] | where the hashes of a tree stand, and the root over them |
//! | [`proof`] | that a tree has a leaf, and that a tree grew from an earlier one |
//! | [`tile`] | the log as static files: their paths, what is in them, what changes when it grows |

pub mod merkle;
pub mod node;
pub mod proof;
pub mod tile;
