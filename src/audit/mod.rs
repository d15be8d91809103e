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
//! | [`key`] | the keys that sign, and their names and ids |
//! | [`note`] | texts with signatures below them |
//! | [`checkpoint`] | what a log states of itself: size and root, signed |
//! | [`witness`] | asking others to cosign a checkpoint, and reading their answer |
//! | [`policy`] | whom to believe: which logs, and how many witnesses |
//! | [`bundle`] | everything that shows that a log has a leaf, in one text |
//! | `line` | numbers, hashes and base64 in the lines of these texts |

pub mod bundle;
pub mod checkpoint;
#[cfg(test)]
mod cosigner;
pub mod key;
mod line;
pub mod merkle;
pub mod node;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;
pub mod witness;
