//! Where the hashes of a tree stand, and hashing what lies between them.

use super::merkle::{Hash, empty_root, node_hash};
use std::ops::Range;

/// A complete subtree: `2^level` leaves, of which the first is leaf
/// `index * 2^level`. Level 0 are the leaves themselves. The hash of a complete
/// subtree never changes, however long its tree grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Height above the leaves, less than 64.
    pub level: u8,
    /// How many complete subtrees of this level stand to the left of it.
    pub index: u64,
}

impl Node {
    /// The index of its last leaf; `None` if no tree can have that many leaves.
    pub fn last_leaf(&self) -> Option<u64> {
        let length = 1_u64.checked_shl(u32::from(self.level))?;
        self.index.checked_add(1)?.checked_mul(length).map(|end| end - 1)
    }
}

/// The root of the tree of the first `size` leaves: `MTH(D[size])` of RFC 6962,
/// section 2.1.
///
/// # Errors
/// Those of `read`.
pub fn tree_root<E>(size: u64, read: impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    hash_of(&(0..size), read)
}

/// `MTH(D[start:end])` of RFC 6962, section 2.1, for the intervals that proofs
/// are made of: they start at a multiple of the power of two that they fit in.
pub(super) fn hash_of<E>(
    leaves: &Range<u64>,
    mut read: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let mut hash = None;
    for node in subtrees(leaves) {
        let left = read(node)?;
        hash = Some(hash.map_or(left, |right| node_hash(&left, &right)));
    }
    Ok(hash.unwrap_or_else(empty_root))
}

/// The complete subtrees of such an interval, from the last, the smallest, to the
/// first: one for each one-bit of its length.
fn subtrees(leaves: &Range<u64>) -> impl Iterator<Item = Node> {
    let (mut end, mut left) = (leaves.end, leaves.end.saturating_sub(leaves.start));
    std::iter::from_fn(move || {
        let level = left.trailing_zeros();
        let length = 1_u64.checked_shl(level)?;
        left -= length;
        end -= length;
        // A level is less than 64 here, or there would be no length.
        Some(Node { level: level as u8, index: end >> level })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtree_ends_with_its_last_leaf() {
        let last = |level, index| Node { level, index }.last_leaf();
        assert_eq!([last(0, 0), last(0, 7), last(3, 2)], [Some(0), Some(7), Some(23)]);
        assert_eq!(
            [last(63, 0), last(63, 1), last(64, 0), last(0, u64::MAX)],
            [Some((1 << 63) - 1), None, None, None]
        );
    }

    #[test]
    fn an_interval_is_made_of_one_subtree_for_each_one_bit() {
        let node = |level, index| Node { level, index };
        let of = |leaves: Range<u64>| subtrees(&leaves).collect::<Vec<_>>();
        assert_eq!(of(0..0), []);
        assert_eq!(of(5..6), [node(0, 5)]);
        assert_eq!(of(0..13), [node(0, 12), node(2, 2), node(3, 0)]);
        assert_eq!(of(8..14), [node(1, 6), node(2, 2)]);
        assert_eq!(of(0..u64::MAX).len(), 64);
        assert_eq!(of(1 << 63..u64::MAX).len(), 63);
    }
}
