//! What stands in tiles and entry bundles (C2SP tlog-tiles).

use super::{Kind, Tile};
use crate::audit::merkle::{Frontier, Hash, leaf_hash};

/// Bytes of a hash.
const HASH: usize = 32;

/// The content of a tile or an entry bundle is not what its name says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A tile is its hashes and nothing else.
    #[error("{tile} must have {expected} bytes, {} hashes of 32, but has {given}", tile.width())]
    Length {
        /// The tile.
        tile: Tile,
        /// Bytes that it has to have.
        expected: usize,
        /// Bytes that it has.
        given: usize,
    },
    /// The bundle ends within a leaf or before it.
    #[error("{tile} must hold {} leaves, but ends within leaf {leaf} of them (counted from 0)", tile.width())]
    Truncated {
        /// The bundle.
        tile: Tile,
        /// Which of its leaves.
        leaf: u16,
    },
    /// The bundle goes on after its last leaf.
    #[error("{tile} must hold {} leaves and nothing else, but {left} bytes follow on the last", tile.width())]
    Trailing {
        /// The bundle.
        tile: Tile,
        /// Bytes after the last leaf.
        left: usize,
    },
    /// The other kind of file was asked for.
    #[error("{tile} holds {}", if tile.kind() == Kind::Entries { "leaves, not hashes" } else { "hashes, not leaves" })]
    Kind {
        /// The tile or bundle.
        tile: Tile,
    },
    /// The length of a leaf is written in two bytes.
    #[error("a leaf in an entry bundle can have at most 65535 bytes, but this one has {0}")]
    LeafTooLong(usize),
}

/// The entry bundle of these leaves: before each, its length in two bytes, big-endian.
///
/// # Errors
/// If a leaf is longer than 65,535 bytes.
pub fn bundle<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, ContentError> {
    let mut content = Vec::new();
    for leaf in leaves {
        let length = u16::try_from(leaf.len()).map_err(|_| ContentError::LeafTooLong(leaf.len()))?;
        content.extend_from_slice(&length.to_be_bytes());
        content.extend_from_slice(leaf);
    }
    Ok(content)
}

/// The leaves in the entry bundle `tile` with this content.
///
/// # Errors
/// If the content is not exactly as many leaves as the bundle has to hold.
pub fn leaves(tile: Tile, content: &[u8]) -> Result<Vec<&[u8]>, ContentError> {
    if tile.kind() != Kind::Entries {
        return Err(ContentError::Kind { tile });
    }
    let mut left = content;
    let mut leaves = Vec::with_capacity(usize::from(tile.width()));
    for leaf in 0..tile.width() {
        let (content, rest) = take_leaf(left).ok_or(ContentError::Truncated { tile, leaf })?;
        leaves.push(content);
        left = rest;
    }
    if left.is_empty() { Ok(leaves) } else { Err(ContentError::Trailing { tile, left: left.len() }) }
}

fn take_leaf(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// The hashes in the tile `tile` with this content.
///
/// # Errors
/// If the content is not exactly as many hashes as the tile has to hold.
pub fn hashes(tile: Tile, content: &[u8]) -> Result<&[Hash], ContentError> {
    if tile.kind() == Kind::Entries {
        return Err(ContentError::Kind { tile });
    }
    let (hashes, rest) = content.as_chunks::<HASH>();
    if rest.is_empty() && hashes.len() == usize::from(tile.width()) {
        return Ok(hashes);
    }
    let expected = usize::from(tile.width()) * HASH;
    Err(ContentError::Length { tile, expected, given: content.len() })
}

/// The content of a tile from what is below it: see [`Tile::below`]. `fetch` yields the
/// content of a bundle or of a full tile.
///
/// # Errors
/// If that content is not what it should be, if `tile` is a bundle, and those of `fetch`.
pub fn compute<E: From<ContentError>>(
    tile: Tile,
    mut fetch: impl FnMut(Tile) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    if tile.kind() == Kind::Entries {
        return Err(ContentError::Kind { tile }.into());
    }
    let mut computed = Vec::with_capacity(usize::from(tile.width()) * HASH);
    for below in tile.below() {
        let content = fetch(below)?;
        if below.kind() == Kind::Entries {
            leaves(below, &content)?.iter().for_each(|leaf| computed.extend(leaf_hash(leaf)));
        } else {
            computed.extend(subtree_hash(hashes(below, &content)?));
        }
    }
    Ok(computed)
}

/// The root over hashes of subtrees of one height that stand beside each other: of a
/// full tile, the hash that stands for it in the tile above.
pub(super) fn subtree_hash(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::empty();
    hashes.iter().for_each(|hash| frontier.append(*hash));
    frontier.root()
}
