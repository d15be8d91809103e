//! Paths of tiles and entry bundles (C2SP tlog-tiles, "Merkle Tree" and "Log
//! entries"), relative to the folder or URL of the log.

use super::{FULL, HIGHEST, Kind, Tile};
use std::{fmt, str::FromStr};

/// A path that names no tile and no entry bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path:?} is not the path of a tile or an entry bundle: these are tile/LEVEL/INDEX and tile/entries/INDEX, \
     partial ones with .p/WIDTH behind; LEVEL is 0 to 63, WIDTH 1 to 255, INDEX in groups of three digits, \
     with x before each but the last (x001/x234/067)"
)]
pub struct PathError {
    /// What was given, at most 100 characters of it.
    path: String,
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Entries => f.write_str("tile/entries/")?,
            Kind::Hashes { level } => write!(f, "tile/{level}/")?,
        }
        let groups = self.index.checked_ilog(1000).unwrap_or(0);
        for group in (1..=groups).rev() {
            write!(f, "x{:03}/", self.index / 1000_u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        let error = || PathError { path: path.chars().take(100).collect() };
        let tile = read(path).ok_or_else(error)?;
        // There is one way to write each: no other zeroes, signs or groups.
        if tile.to_string() == path { Ok(tile) } else { Err(error()) }
    }
}

/// Reads what could be a path, and some that are not quite.
fn read(path: &str) -> Option<Tile> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => Kind::Entries,
        level => Kind::Hashes { level: level.parse().ok().filter(|level| *level <= HIGHEST)? },
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok().filter(|width| (1..FULL).contains(width))?),
        None => (rest, FULL),
    };
    let index = index.split('/').try_fold(0_u64, |index, group| {
        let group = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index.checked_mul(1000)?.checked_add(group)
    })?;
    Some(Tile { kind, index, width })
}
