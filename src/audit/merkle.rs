//! The Merkle tree of RFC 6962 over SHA-256, as a frontier: the roots of the
//! perfect subtrees that the leaves so far make up. That is all a log needs to
//! keep in order to grow, at most 64 hashes however long it gets.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Set before a leaf, so that no leaf can pass for an inner node.
const LEAF_PREFIX: [u8; 1] = [0x00];
/// Set before the two children of an inner node.
const NODE_PREFIX: [u8; 1] = [0x01];

/// The hash of a leaf with this content.
pub fn leaf_hash(content: &[u8]) -> Hash {
    Sha256::new().chain_update(LEAF_PREFIX).chain_update(content).finalize().into()
}

/// The hash of an inner node over its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update(NODE_PREFIX).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree without leaves: the hash of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// A frontier was put together from parts that do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves has {expected} perfect subtrees, but {given} roots were given")]
pub struct FrontierError {
    /// Leaves in the tree.
    pub size: u64,
    /// Perfect subtrees in a tree of that size: the one-bits of the size.
    pub expected: u32,
    /// Roots that were given.
    pub given: usize,
}

/// The right edge of a growing tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One root for each one-bit of `size`, the largest subtree first.
    roots: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the tree without leaves.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The frontier of a tree of `size` leaves, from the roots of its perfect
    /// subtrees, the largest first.
    ///
    /// # Errors
    /// If a tree of that size has another number of perfect subtrees. Whether
    /// the roots are the right ones cannot be seen from here.
    pub fn from_parts(size: u64, roots: Vec<Hash>) -> Result<Self, FrontierError> {
        let expected = size.count_ones();
        if u32::try_from(roots.len()) != Ok(expected) {
            return Err(FrontierError { size, expected, given: roots.len() });
        }
        Ok(Self { size, roots })
    }

    /// Adds the hash of the next leaf at the right.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // As in binary addition, the new leaf carries through every subtree
        // that it completes: one for each trailing one-bit of the size.
        let kept = self.roots.len().saturating_sub(self.size.trailing_ones() as usize);
        for left in self.roots.drain(kept..).rev() {
            hash = node_hash(&left, &hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Hash {
        let from_the_smallest = self.roots.iter().rev().copied();
        from_the_smallest.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, the largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// RFC 6962, section 2.1, word for word.
    fn defined_root(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest(b"").into(),
            [one] => leaf_hash(one),
            many => {
                let split = many.len().next_power_of_two() / 2;
                node_hash(&defined_root(&many[..split]), &defined_root(&many[split..]))
            }
        }
    }

    fn leaves(count: u32) -> Vec<Vec<u8>> {
        (0..count).map(|n| n.to_be_bytes().to_vec()).collect()
    }

    fn grown(leaves: &[Vec<u8>]) -> Frontier {
        let mut frontier = Frontier::empty();
        leaves.iter().for_each(|leaf| frontier.append(leaf_hash(leaf)));
        frontier
    }

    #[test]
    fn the_root_is_the_defined_one_at_every_size() {
        let leaves = leaves(300);
        let mut frontier = Frontier::empty();
        for size in 0..=leaves.len() {
            assert_eq!(frontier.root(), defined_root(&leaves[..size]), "{size} leaves");
            assert_eq!(frontier.size(), size as u64);
            if let Some(next) = leaves.get(size) {
                frontier.append(leaf_hash(next));
            }
        }
    }

    #[test]
    fn the_frontier_holds_the_perfect_subtrees_largest_first() {
        let leaves = leaves(13);
        let subtrees =
            [defined_root(&leaves[..8]), defined_root(&leaves[8..12]), defined_root(&leaves[12..])];
        assert_eq!(grown(&leaves).roots(), subtrees);
    }

    #[test]
    fn the_well_known_tree_of_eight_leaves_has_the_well_known_roots() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::empty();
        assert_eq!(
            hex::encode(frontier.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in leaves.iter().zip(roots) {
            frontier.append(leaf_hash(&hex::decode(leaf).unwrap()));
            assert_eq!(hex::encode(frontier.root()), root, "{} leaves", frontier.size());
        }
    }

    #[test]
    fn a_frontier_grows_on_from_its_parts() {
        let leaves = leaves(40);
        for size in 0..leaves.len() {
            let before = grown(&leaves[..size]);
            let mut again = Frontier::from_parts(before.size(), before.roots().to_vec()).unwrap();
            assert_eq!(again, before);
            again.append(leaf_hash(&leaves[size]));
            assert_eq!(again, grown(&leaves[..=size]));
        }
    }

    #[test]
    fn a_wrong_number_of_roots_is_refused() {
        let root = leaf_hash(b"a root");
        for (size, given) in [(0, 1), (1, 0), (1, 2), (7, 2), (8, 3), (u64::MAX, 63)] {
            let refused = Frontier::from_parts(size, vec![root; given]).unwrap_err();
            assert_eq!(refused, FrontierError { size, expected: size.count_ones(), given });
        }
        let refused = Frontier::from_parts(7, vec![root]).unwrap_err();
        assert_eq!(refused.to_string(), "a tree of 7 leaves has 3 perfect subtrees, but 1 roots were given");
    }
}
