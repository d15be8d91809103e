//! The tree over a log: proofs, roots of the past, and the files of its static form.
//!
//! Of the tree's hashes only the roots of complete subtrees of 256, 65,536, … leaves are
//! kept; with them any proof needs two scans of 256 leaves at most. They follow from the
//! log, so they are written beside it, when a checkpoint or a proof is first asked for:
//! a commit pays nothing for them, and a store that lacks them makes them up.

use super::{Registry, call::Call, error::Error, mutation::Mutation, view::View};
use crate::{
    audit::{
        merkle::{Frontier, Hash, leaf_hash},
        node::{Node, tree_root},
        proof::{ProofError, prove_consistency, prove_inclusion},
        tile::{self, ContentError, FULL, Kind, Tile, TileReader},
    },
    domain::{event::Event, name::NamespaceId, time::Timestamp},
    store::{engine::Write, keys},
};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

/// Subtrees whose roots are computed before they are written.
const AT_ONCE: u64 = 16;
/// Leaves below one hash of the level above.
const WIDTH: u64 = FULL as u64;

/// Why something of the tree cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It does not exist.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// What is kept of it is not what it has to be.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl From<TreeError> for Error {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Proof(error) => Error::field("tree_size", error.to_string()),
            TreeError::Content(error) => Error::Damaged(error.to_string()),
        }
    }
}

/// Roots of complete subtrees, on their way into the store.
struct Grow(Vec<Write>);

#[async_trait]
impl Mutation for Grow {
    async fn decide(&self, _: &mut View<'_>, _: &Call, _: Timestamp) -> Result<Vec<Event>, Error> {
        Ok(Vec::new())
    }

    async fn asides(&self, _: &mut View<'_>, _: &Call, _: Timestamp) -> Result<Vec<Write>, Error> {
        Ok(self.0.clone())
    }

    fn field(&self, _: u32) -> String {
        String::new()
    }
}

/// What is made of the hashes of a tree.
type Make<'a, T> =
    &'a (dyn Fn(&mut dyn FnMut(Node) -> Result<Hash, TreeError>) -> Result<T, TreeError> + Sync);

impl Registry {
    /// Proves that the tree of `size` leaves has the one at a position.
    pub async fn inclusion_proof(
        &self,
        namespace: &NamespaceId,
        position: u64,
        size: u64,
    ) -> Result<Vec<Hash>, Error> {
        self.of_tree(namespace, size, &|read| prove_inclusion(position, size, read)).await
    }

    /// Proves that the tree of `new` leaves begins with that of `old` leaves.
    pub async fn consistency_proof(
        &self,
        namespace: &NamespaceId,
        old: u64,
        new: u64,
    ) -> Result<Vec<Hash>, Error> {
        self.of_tree(namespace, new, &|read| prove_consistency(old, new, read)).await
    }

    /// The root that the tree had with `size` leaves.
    pub async fn root_at(&self, namespace: &NamespaceId, size: u64) -> Result<Hash, Error> {
        self.of_tree(namespace, size, &|read| tree_root(size, read)).await
    }

    /// A file of the log's static form (C2SP tlog-tiles) by its path; `None` if the log has
    /// nothing there yet.
    pub async fn log_file(&self, namespace: &NamespaceId, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let Ok(tile) = path.parse::<Tile>() else { return Ok(None) };
        let size = self.log(namespace).await?.size().await?;
        // A partial one of an earlier tree is the beginning of what stands there now.
        let there = Tile::in_tree(tile.kind(), tile.index(), size);
        if there.is_none_or(|there| there.width() < tile.width()) {
            return Ok(None);
        }
        self.grow(namespace, size).await?;
        self.tile(namespace, tile).await.map(Some)
    }

    /// Makes something of the hashes of the tree of `size` leaves. Which tiles it takes
    /// follows from the sizes alone, so they are found by a first try over empty ones.
    async fn of_tree<T>(&self, namespace: &NamespaceId, size: u64, make: Make<'_, T>) -> Result<T, Error> {
        let present = self.log(namespace).await?.size().await?;
        if size > present {
            return Err(Error::BeyondHead { position: size - 1, size: present });
        }
        self.grow(namespace, size).await?;
        let mut wanted = BTreeSet::new();
        let mut reader = TileReader::new(size, |tile: Tile| {
            wanted.insert(tile);
            Ok::<_, TreeError>(vec![0; usize::from(tile.width()) * size_of::<Hash>()])
        });
        make(&mut |node| reader.hash(node))?;
        drop(reader);
        let mut tiles = BTreeMap::new();
        for tile in wanted {
            tiles.insert(tile, self.tile(namespace, tile).await?);
        }
        let mut reader =
            TileReader::new(size, |tile| Ok::<_, TreeError>(tiles.remove(&tile).unwrap_or_default()));
        Ok(make(&mut |node| reader.hash(node))?)
    }

    /// The content of a tile or an entry bundle that the log has grown to.
    async fn tile(&self, namespace: &NamespaceId, tile: Tile) -> Result<Vec<u8>, Error> {
        match tile.kind() {
            Kind::Entries => {
                let leaves = self.leaves(namespace, tile.range()).await?;
                Ok(tile::bundle(leaves.iter().map(AsRef::as_ref)).map_err(TreeError::from)?)
            }
            Kind::Hashes { level } => Ok(self.hashes(namespace, level, tile.range()).await?.concat()),
        }
    }

    /// Hashes of complete subtrees of `256^level` leaves; of level 0, of the leaves.
    async fn hashes(
        &self,
        namespace: &NamespaceId,
        level: u8,
        range: Range<u64>,
    ) -> Result<Vec<Hash>, Error> {
        if level == 0 {
            let leaves = self.leaves(namespace, range).await?;
            return Ok(leaves.iter().map(|leaf| leaf_hash(leaf)).collect());
        }
        let missing =
            || Error::Damaged(format!("hashes {range:?} of level {level} of the tree are not whole"));
        let kept = keys::subtrees(namespace, level, range.clone());
        let pairs = self.scan(namespace, kept, FULL.into(), false).await?;
        let hashes: Option<Vec<Hash>> = pairs.iter().map(|(_, hash)| hash.as_ref().try_into().ok()).collect();
        hashes.filter(|hashes| hashes.len() as u64 == range.end - range.start).ok_or_else(missing)
    }

    /// The exact bytes of at most 256 events.
    async fn leaves(&self, namespace: &NamespaceId, range: Range<u64>) -> Result<Vec<Bytes>, Error> {
        let pairs = self.scan(namespace, keys::events(namespace, range.clone()), FULL.into(), false).await?;
        let positions = range.clone().map(Some);
        if !pairs.iter().map(|(key, _)| keys::position_of(key)).eq(positions) {
            return Err(Error::Damaged(format!("events {range:?} are not whole")));
        }
        Ok(pairs.into_iter().map(|(_, leaf)| leaf).collect())
    }

    /// Keeps the roots of all complete subtrees of a tree of `size` leaves, level by level.
    /// Whoever does it at the same time writes the same.
    pub(super) async fn grow(&self, namespace: &NamespaceId, size: u64) -> Result<(), Error> {
        let mut count = size / WIDTH;
        for level in 1.. {
            if count == 0 {
                return Ok(());
            }
            let kept = self.kept(namespace, level).await?;
            for first in (kept..count).step_by(AT_ONCE as usize) {
                self.keep(namespace, level, first..count.min(first + AT_ONCE)).await?;
            }
            count /= WIDTH;
        }
        Ok(())
    }

    /// How many roots of a level are kept: they are written in their order.
    async fn kept(&self, namespace: &NamespaceId, level: u8) -> Result<u64, Error> {
        let range = keys::subtrees(namespace, level, 0..u64::MAX);
        let last = self.scan(namespace, range, 1, true).await?;
        Ok(last.first().and_then(|(key, _)| keys::position_of(key)).map_or(0, |last| last + 1))
    }

    async fn keep(&self, namespace: &NamespaceId, level: u8, range: Range<u64>) -> Result<(), Error> {
        let mut writes = Vec::new();
        for index in range {
            let below = self.hashes(namespace, level - 1, index * WIDTH..(index + 1) * WIDTH).await?;
            let mut root = Frontier::empty();
            below.iter().for_each(|hash| root.append(*hash));
            let hash = Bytes::copy_from_slice(&root.root());
            writes.push(Write::Put(keys::subtree(namespace, level, index), hash));
        }
        let call = Call::by_system("the tree has grown");
        let log = self.log(namespace).await?;
        log.mutate(Arc::new(Grow(writes)), call, String::new()).await.map(drop)
    }
}
