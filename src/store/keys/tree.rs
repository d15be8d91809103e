//! The hashes of the log's tree that are kept: the roots of its complete subtrees of 256,
//! 65,536, … leaves. Those below follow from the leaves, those between from these.

use super::{Key, Tag};
use crate::domain::name::NamespaceId;
use bytes::Bytes;
use std::ops::Range;

/// The root of the complete subtree of `256^level` leaves with this index.
pub fn subtree(namespace: &NamespaceId, level: u8, index: u64) -> Bytes {
    let mut key = Key::new(Tag::Subtree, namespace);
    key.0.push(level);
    key.number(index).done()
}

/// The roots of subtrees of one level.
pub fn subtrees(namespace: &NamespaceId, level: u8, indexes: Range<u64>) -> Range<Bytes> {
    subtree(namespace, level, indexes.start)..subtree(namespace, level, indexes.end)
}
