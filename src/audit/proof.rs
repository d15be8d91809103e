//! Inclusion and consistency proofs of RFC 6962, section 2.1, made and verified.
//!
//! Both are lists of hashes of intervals of leaves. Which intervals follows from
//! the sizes alone, so making a proof is reading their hashes, and verifying one is
//! putting the hashes together again and comparing the roots.

use super::{
    merkle::{Hash, empty_root, node_hash},
    node::{Node, hash_of},
};
use std::ops::Range;

/// Why a proof cannot be made, or does not prove what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree is too small to have the leaf.
    #[error("leaf {index} is not in a tree of {size} leaves: they are counted from 0")]
    NoSuchLeaf {
        /// Index of the leaf.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// A tree never shrinks.
    #[error("a tree of {new} leaves cannot be a later state of one of {old}: give the smaller size first")]
    Shrunk {
        /// Leaves in the earlier tree.
        old: u64,
        /// Leaves in the later tree.
        new: u64,
    },
    /// Hashes are missing, or there are more than the sizes call for.
    #[error("the proof has {given} hashes, but for these sizes it must have {expected}")]
    Length {
        /// Hashes that the sizes call for.
        expected: usize,
        /// Hashes that were given.
        given: usize,
    },
    /// The leaf or a hash of the proof is another than the root was made of.
    #[error(
        "leaf and proof give the root {}, but the tree has the root {}",
        hex::encode(computed),
        hex::encode(root)
    )]
    Root {
        /// Root of the tree.
        root: Hash,
        /// What leaf and proof give.
        computed: Hash,
    },
    /// The earlier tree is not the one that the later tree grew from.
    #[error(
        "the proof is of an earlier tree with the root {}, not of the one with the root {}",
        hex::encode(computed),
        hex::encode(root)
    )]
    OldRoot {
        /// Root of the earlier tree.
        root: Hash,
        /// What the proof gives.
        computed: Hash,
    },
    /// The later tree did not grow from the earlier one.
    #[error(
        "the earlier tree and the proof give the root {}, but the later tree has the root {}",
        hex::encode(computed),
        hex::encode(root)
    )]
    NewRoot {
        /// Root of the later tree.
        root: Hash,
        /// What the earlier tree and the proof give.
        computed: Hash,
    },
}

/// Proves that a tree of `size` leaves has the leaf at `index`: `PATH(index,
/// D[size])` of RFC 6962, section 2.1.1. `read` yields the hash of a complete subtree.
///
/// # Errors
/// If there is no such leaf, and those of `read`.
pub fn prove_inclusion<E: From<ProofError>>(
    index: u64,
    size: u64,
    mut read: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    siblings(index, size)?.iter().map(|sibling| hash_of(sibling, &mut read)).collect()
}

/// Verifies that the tree of `size` leaves with this root has a leaf with this hash
/// at `index`.
///
/// # Errors
/// If it does not follow from the proof; the error says why.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    let siblings = siblings(index, size)?;
    same_length(siblings.len(), proof)?;
    let computed = siblings.iter().zip(proof).fold(*leaf, |hash, (sibling, beside)| {
        if sibling.start > index { node_hash(&hash, beside) } else { node_hash(beside, &hash) }
    });
    if computed == *root { Ok(()) } else { Err(ProofError::Root { root: *root, computed }) }
}

/// Proves that the tree of `new` leaves begins with the tree of `old` leaves:
/// `PROOF(old, D[new])` of RFC 6962, section 2.1.2, and nothing for the empty tree,
/// with which every tree begins. `read` yields the hash of a complete subtree.
///
/// # Errors
/// If `old` is larger than `new`, and those of `read`.
pub fn prove_consistency<E: From<ProofError>>(
    old: u64,
    new: u64,
    mut read: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    steps(old, new)?.iter().map(|step| hash_of(step, &mut read)).collect()
}

/// Verifies that the tree of `new` leaves with the root `new_root` begins with the
/// tree of `old` leaves with the root `old_root`.
///
/// # Errors
/// If it does not follow from the proof; the error says why.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    let steps = steps(old, new)?;
    same_length(steps.len(), proof)?;
    let mut steps = steps.iter().zip(proof);
    // Both roots grow out of one subtree: the last of the earlier tree. If that
    // is the whole earlier tree, its root is known and is not in the proof.
    let seed = match old {
        0 => empty_root(),
        _ if old.is_power_of_two() => *old_root,
        _ => steps.next().map_or(*old_root, |(_, hash)| *hash),
    };
    let (mut before, mut after) = (seed, seed);
    for (step, beside) in steps {
        if step.start < old {
            before = node_hash(beside, &before);
            after = node_hash(beside, &after);
        } else {
            after = node_hash(&after, beside);
        }
    }
    if before != *old_root {
        return Err(ProofError::OldRoot { root: *old_root, computed: before });
    }
    // Nothing is said about a tree that follows on the empty one.
    if old > 0 && after != *new_root {
        return Err(ProofError::NewRoot { root: *new_root, computed: after });
    }
    if new == 0 && *new_root != empty_root() {
        return Err(ProofError::NewRoot { root: *new_root, computed: empty_root() });
    }
    Ok(())
}

fn same_length(expected: usize, proof: &[Hash]) -> Result<(), ProofError> {
    let given = proof.len();
    if given == expected { Ok(()) } else { Err(ProofError::Length { expected, given }) }
}

/// The intervals that stand beside the way from a leaf to the root, from the leaf up.
fn siblings(index: u64, size: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let mut siblings = Vec::new();
    let mut leaves = 0..size;
    while leaves.end - leaves.start > 1 {
        let (left, right) = halves(&leaves);
        let (way, beside) = if index < left.end { (left, right) } else { (right, left) };
        siblings.push(beside);
        leaves = way;
    }
    siblings.reverse();
    Ok(siblings)
}

/// The intervals of a consistency proof, from the last subtree of the earlier tree up.
fn steps(old: u64, new: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    let mut steps = Vec::new();
    let mut leaves = 0..if old == 0 { 0 } else { new };
    while leaves.end > old {
        let (left, right) = halves(&leaves);
        let (way, beside) = if old <= left.end { (left, right) } else { (right, left) };
        steps.push(beside);
        leaves = way;
    }
    // Where the way turned right, the verifier does not know the subtree it ended in.
    if leaves.start > 0 {
        steps.push(leaves);
    }
    steps.reverse();
    Ok(steps)
}

/// The two subtrees of a tree of more than one leaf: the left one has as many leaves as
/// the largest power of two below the number of all (`k` in RFC 6962, section 2.1).
fn halves(leaves: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let last = leaves.end - leaves.start - 1;
    let middle = leaves.start + (1 << last.ilog2());
    (leaves.start..middle, middle..leaves.end)
}

#[cfg(test)]
mod tests;
