//! What somebody needs to be sure of an event without trusting anybody here.

use super::{Registry, error::Error};
use crate::{
    audit::{
        bundle,
        merkle::{Hash, leaf_hash},
    },
    domain::name::NamespaceId,
    store::keys,
};
use bytes::Bytes;

/// That a tree has a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Size of the tree.
    pub size: u64,
    /// Hash of the leaf.
    pub leaf_hash: Hash,
    /// The hashes beside the way from the leaf to the root, the leaf's sibling first.
    pub hashes: Vec<Hash>,
}

impl Registry {
    /// Proves that the log has an event; without a size, in the tree of the newest checkpoint.
    pub async fn prove_inclusion(
        &self,
        namespace: &NamespaceId,
        position: u64,
        size: Option<u64>,
    ) -> Result<Inclusion, Error> {
        let size = match size {
            Some(size) if size <= position => {
                let sentence =
                    format!("{size} is not enough: a tree with position {position} has more leaves");
                return Err(Error::field("tree_size", sentence));
            }
            Some(size) => size,
            None => {
                let least = position.saturating_add(1);
                self.checkpoint(namespace, least).await?.checkpoint.checkpoint().size()
            }
        };
        let hashes = self.inclusion_proof(namespace, position, size).await?;
        let leaf_hash = leaf_hash(&self.leaf(namespace, position).await?);
        Ok(Inclusion { size, leaf_hash, hashes })
    }

    /// Proves that the log contains an earlier state of it; without a new size, the state of
    /// the newest checkpoint. Gives the new size and the proof.
    pub async fn prove_consistency(
        &self,
        namespace: &NamespaceId,
        old: u64,
        new: Option<u64>,
    ) -> Result<(u64, Vec<Hash>), Error> {
        let new = match new {
            Some(new) if new < old => {
                let sentence = format!("{old} is more than new_size, {new}: a log never shrinks");
                return Err(Error::field("old_size", sentence));
            }
            Some(new) => new,
            None => self.checkpoint(namespace, old).await?.checkpoint.checkpoint().size(),
        };
        Ok((new, self.consistency_proof(namespace, old, new).await?))
    }

    /// An event with everything that proves it: its exact bytes, and a text with its proof and
    /// a signed checkpoint.
    pub async fn proof_bundle(
        &self,
        namespace: &NamespaceId,
        position: u64,
    ) -> Result<(Bytes, String), Error> {
        let least = position.saturating_add(1);
        let checkpoint = match self.cosigned_checkpoint(namespace, least).await {
            // Its verifier may ask for fewer witnesses.
            Err(Error::Unavailable(_)) => self.checkpoint(namespace, least).await,
            cosigned => cosigned,
        };
        let checkpoint = checkpoint?.checkpoint;
        let proof = self.inclusion_proof(namespace, position, checkpoint.checkpoint().size()).await?;
        let bundle = bundle::ProofBundle { extra: Vec::new(), index: position, proof, checkpoint };
        Ok((self.leaf(namespace, position).await?, bundle.to_string()))
    }

    async fn leaf(&self, namespace: &NamespaceId, position: u64) -> Result<Bytes, Error> {
        let leaf = self.value(namespace, keys::event(namespace, position)).await?;
        leaf.ok_or_else(|| Error::Damaged(format!("the event at position {position} is missing")))
    }
}
