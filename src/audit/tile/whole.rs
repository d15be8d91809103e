//! All files of a log held against each other: each leaf against its hash, and each hash of a
//! tile against what it stands for.

use super::{
    FULL, Kind, Tile,
    content::{ContentError, hashes, leaves, subtree_hash},
    grown,
};
use crate::audit::merkle::{Hash, leaf_hash};

/// Two files of a log disagree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WholeError {
    /// A file is not what its name says.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A leaf is another one than the tile beside it has.
    #[error("the leaf in its entry bundle and its hash in the tile disagree")]
    Leaf {
        /// Index of the leaf.
        position: u64,
    },
    /// A hash of a tile is not that of the hashes below it.
    #[error("{tile} is not what is computed from the tiles below it: hash {hash} of it differs")]
    Tile {
        /// The tile.
        tile: Tile,
        /// Which of its hashes, from 0.
        hash: usize,
    },
    /// A bundle came that was not the next.
    #[error("{tile} is not the next bundle of the log")]
    Order {
        /// The bundle.
        tile: Tile,
    },
}

/// The files of a log, from the first bundle on.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    /// Hashes of the leaves so far.
    leaves: Vec<Hash>,
}

impl Whole {
    /// Takes the next entry bundle with the tile beside it; gives its leaves.
    ///
    /// # Errors
    /// If the two disagree.
    pub fn take<'a>(
        &mut self,
        bundle: Tile,
        content: &'a [u8],
        beside: &[u8],
    ) -> Result<Vec<&'a [u8]>, WholeError> {
        if bundle.range().start != self.leaves.len() as u64 {
            return Err(WholeError::Order { tile: bundle });
        }
        let tile = Tile { kind: Kind::Hashes { level: 0 }, ..bundle };
        let (leaves, hashes) = (leaves(bundle, content)?, hashes(tile, beside)?);
        for ((position, leaf), hash) in bundle.range().zip(&leaves).zip(hashes) {
            if leaf_hash(leaf) != *hash {
                return Err(WholeError::Leaf { position });
            }
        }
        self.leaves.extend(hashes);
        Ok(leaves)
    }

    /// Holds the tiles above against the leaves. `fetch` yields the content of a tile.
    ///
    /// # Errors
    /// The first hash that is wrong, and those of `fetch`.
    pub fn finish<E: From<WholeError>>(
        self,
        mut fetch: impl FnMut(Tile) -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        let size = self.leaves.len() as u64;
        let (mut below, mut level) = (self.leaves, 0);
        for tile in grown(0, size) {
            let Kind::Hashes { level: of @ 1.. } = tile.kind() else { continue };
            if of > level {
                let complete = below.chunks_exact(usize::from(FULL));
                (below, level) = (complete.map(subtree_hash).collect(), of);
            }
            let content = fetch(tile)?;
            let found = hashes(tile, &content).map_err(WholeError::from)?;
            let start = usize::try_from(tile.range().start).unwrap_or(usize::MAX);
            let expected = below.get(start..).unwrap_or_default();
            if let Some(hash) = (0..found.len()).find(|hash| expected.get(*hash) != found.get(*hash)) {
                return Err(WholeError::Tile { tile, hash }.into());
            }
        }
        Ok(())
    }
}
