//! Reading the hashes that proofs are made of out of tiles.

use super::{
    FULL, HEIGHT, Kind, Tile,
    content::{ContentError, hashes, subtree_hash},
};
use crate::audit::{merkle::Hash, node::Node, proof::ProofError};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Range,
};

/// Yields the hash of each complete subtree in a tree of a given size, out of its tiles.
///
/// The tiles are kept as long as the reader: a proof needs at most two of each level.
/// They are not trusted: verify what was made of them against a signed root.
pub struct TileReader<F> {
    size: u64,
    fetch: F,
    kept: BTreeMap<Tile, Vec<u8>>,
}

impl<F, E> TileReader<F>
where
    F: FnMut(Tile) -> Result<Vec<u8>, E>,
    E: From<ContentError> + From<ProofError>,
{
    /// A reader of the tree of `size` leaves. `fetch` yields the content of a tile as it is in
    /// that tree; where a partial one is not kept any more, the beginning of the full one.
    pub fn new(size: u64, fetch: F) -> Self {
        Self { size, fetch, kept: BTreeMap::new() }
    }

    /// The hash of a complete subtree.
    ///
    /// # Errors
    /// If the tree does not have it, if a tile has not the length that it has to have,
    /// and those of `fetch`.
    pub fn hash(&mut self, node: Node) -> Result<Hash, E> {
        let Some((tile, part)) = self.place(node) else {
            let index = node.last_leaf().unwrap_or(u64::MAX);
            return Err(ProofError::NoSuchLeaf { index, size: self.size }.into());
        };
        let content = match self.kept.entry(tile) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(free) => free.insert((self.fetch)(tile)?),
        };
        let hashes = hashes(tile, content)?;
        // A tile of its full length holds all of a subtree that begins in it.
        Ok(subtree_hash(hashes.get(part).unwrap_or_default()))
    }

    /// The tile that a subtree's hash is in or is made from, and which of its hashes make it.
    fn place(&self, node: Node) -> Option<(Tile, Range<usize>)> {
        node.last_leaf().filter(|last| *last < self.size)?;
        let (level, height) = (node.level / HEIGHT, node.level % HEIGHT);
        let first = node.index << height;
        let tile = Tile::in_tree(Kind::Hashes { level }, first / u64::from(FULL), self.size)?;
        let start = usize::try_from(first % u64::from(FULL)).ok()?;
        Some((tile, start..start + (1 << height)))
    }
}
