//! The layout of a log as static files: C2SP tlog-tiles.
//!
//! A tree is cut into tiles of height 8. The tile `N` of level `L` holds the hashes
//! of the complete subtrees of height `8 * L` from the one with index `256 * N` on:
//! 256 of them, or fewer at the right edge of the tree. Beside them lie the entry
//! bundles, with the leaves of each tile of level 0.

mod content;
mod path;
mod reader;
mod whole;

pub use content::{ContentError, bundle, compute, hashes, leaves};
pub use path::PathError;
pub use reader::TileReader;
pub use whole::{Whole, WholeError};

use std::ops::Range;

/// Most hashes of a tile, or leaves of an entry bundle.
pub const FULL: u16 = 256;

/// Levels of the tree that one level of tiles covers.
const HEIGHT: u8 = 8;

/// Highest level of a tile that a path can name (C2SP tlog-tiles, "Merkle Tree").
const HIGHEST: u8 = 63;

/// What a file of the layout holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The leaves themselves: an entry bundle.
    Entries,
    /// Hashes of the complete subtrees of height `8 * level`: a tile.
    Hashes {
        /// Level of the tile, at most 63.
        level: u8,
    },
}

impl Kind {
    /// How many entries or hashes of this kind a tree of `size` leaves has.
    fn count(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Hashes { level } => size.checked_shr(u32::from(HEIGHT) * u32::from(level)).unwrap_or(0),
        }
    }
}

/// Names a tile or an entry bundle; written and parsed as the path of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: Kind,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile or bundle of this kind and index as it is in a tree of `size` leaves;
    /// `None` if the tree has nothing there.
    pub fn in_tree(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let count = kind.count(size);
        let start = index.checked_mul(u64::from(FULL))?;
        let width = count.checked_sub(start).filter(|width| *width > 0)?;
        let width = u16::try_from(width).map_or(FULL, |width| width.min(FULL));
        Some(Self { kind, index, width })
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many tiles of its kind stand to the left of it.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or leaves it holds: 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether the tree can grow without changing it.
    pub fn is_full(&self) -> bool {
        self.width == FULL
    }

    /// The same one when the tree has grown past it. It begins with the same bytes, so it
    /// stands in for a partial one that is not kept any more.
    pub fn full(self) -> Self {
        Self { width: FULL, ..self }
    }

    /// Where its hashes or leaves stand among all of their kind; of a bundle, the indexes
    /// of its leaves.
    pub fn range(&self) -> Range<u64> {
        let start = self.index.saturating_mul(u64::from(FULL));
        start..start.saturating_add(u64::from(self.width))
    }

    /// What it is computed from: a tile of level 0 from the bundle beside it, one above from a
    /// full tile for each of its hashes, a bundle from nothing.
    pub fn below(&self) -> impl Iterator<Item = Self> + use<> {
        let tile = *self;
        let (kind, indexes, width) = match tile.kind {
            Kind::Entries => (Kind::Entries, 0..0, FULL),
            Kind::Hashes { level: 0 } => {
                (Kind::Entries, tile.index..tile.index.saturating_add(1), tile.width)
            }
            Kind::Hashes { level } => (Kind::Hashes { level: level - 1 }, tile.range(), FULL),
        };
        indexes.map(move |index| Self { kind, index, width })
    }
}

/// Everything that has to be written when a tree grows from `old` to `new` leaves:
/// bundles first, then tiles from the lowest level up, each level from left to right.
/// So what one is computed from always comes before it, or is in the older tree. From 0 it is
/// the whole log. A partial tile of the older tree is not among these any more once
/// its full one is; it may be kept or removed.
pub fn grown(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..=HIGHEST).map(|level| Kind::Hashes { level });
    let kinds = std::iter::once(Kind::Entries).chain(levels);
    kinds.take_while(move |kind| kind.count(new) > 0).flat_map(move |kind| {
        changed(kind.count(old), kind.count(new)).filter_map(move |index| Tile::in_tree(kind, index, new))
    })
}

/// Indexes of the tiles that change when a level grows from one count to another.
fn changed(old: u64, new: u64) -> Range<u64> {
    let width = u64::from(FULL);
    if new > old { old / width..new.div_ceil(width) } else { 0..0 }
}

#[cfg(test)]
mod tests;
