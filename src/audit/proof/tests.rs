//! Proofs against the definition of RFC 6962, against published vectors, against
//! another implementation, and against every flipped bit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::audit::{merkle::leaf_hash, node::tree_root};
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use std::{cell::RefCell, collections::HashMap, sync::LazyLock};

/// RFC 6962, section 2.1, as it is written there. What was hashed once is kept, or
/// the pairs of all sizes would take minutes.
struct Defined {
    leaves: Vec<Hash>,
    known: RefCell<HashMap<(usize, usize), Hash>>,
}

impl Defined {
    fn new(count: u32) -> Self {
        let leaves = (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        Self { leaves, known: RefCell::default() }
    }

    fn root(&self, start: usize, end: usize) -> Hash {
        if let Some(known) = self.known.borrow().get(&(start, end)) {
            return *known;
        }
        let hash = match end - start {
            0 => empty_root(),
            1 => self.leaves[start],
            n => node_hash(&self.root(start, start + split(n)), &self.root(start + split(n), end)),
        };
        self.known.borrow_mut().insert((start, end), hash);
        hash
    }

    fn path(&self, index: usize, start: usize, end: usize) -> Vec<Hash> {
        let k = match end - start {
            1 => return Vec::new(),
            n => split(n),
        };
        let (mut path, beside) = if index < k {
            (self.path(index, start, start + k), self.root(start + k, end))
        } else {
            (self.path(index - k, start + k, end), self.root(start, start + k))
        };
        path.push(beside);
        path
    }

    fn subproof(&self, old: usize, start: usize, end: usize, whole: bool) -> Vec<Hash> {
        let n = end - start;
        if old == n {
            return if whole { Vec::new() } else { vec![self.root(start, end)] };
        }
        let k = split(n);
        let (mut proof, beside) = if old <= k {
            (self.subproof(old, start, start + k, whole), self.root(start + k, end))
        } else {
            (self.subproof(old - k, start + k, end, false), self.root(start, start + k))
        };
        proof.push(beside);
        proof
    }

    fn read(&self, node: Node) -> Result<Hash, ProofError> {
        let start = usize::try_from(node.index << node.level).unwrap();
        Ok(self.root(start, start + (1 << node.level)))
    }
}

/// The largest power of two smaller than `n`.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// A large tree: the hashes of every level.
struct Large(Vec<Vec<Hash>>);

static LARGE: LazyLock<Large> = LazyLock::new(|| {
    let leaves = (0..1_u64 << 20).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let mut levels: Vec<Vec<Hash>> = vec![leaves];
    while levels.last().unwrap().len() > 1 {
        let below = levels.last().unwrap().chunks_exact(2);
        levels.push(below.map(|pair| node_hash(&pair[0], &pair[1])).collect());
    }
    Large(levels)
});

impl Large {
    fn read(&self, node: Node) -> Result<Hash, ProofError> {
        Ok(self.0[usize::from(node.level)][usize::try_from(node.index).unwrap()])
    }

    fn root(&self, size: u64) -> Hash {
        tree_root(size, |node| self.read(node)).unwrap()
    }
}

#[test]
fn inclusion_proofs_are_the_defined_ones_at_every_size() {
    let tree = Defined::new(300);
    for size in 1..=300 {
        let root = tree_root(size, |node| tree.read(node)).unwrap();
        assert_eq!(root, tree.root(0, size as usize));
        for index in 0..size {
            let proof = prove_inclusion(index, size, |node| tree.read(node)).unwrap();
            assert_eq!(proof, tree.path(index as usize, 0, size as usize), "{index} of {size}");
            let leaf = &tree.leaves[index as usize];
            verify_inclusion(leaf, index, size, &proof, &root).unwrap();
        }
    }
}

#[test]
fn consistency_proofs_are_the_defined_ones_for_every_pair_of_sizes() {
    let tree = Defined::new(300);
    for new in 1..=300 {
        for old in 1..=new {
            let proof = prove_consistency(old, new, |node| tree.read(node)).unwrap();
            assert_eq!(proof, tree.subproof(old as usize, 0, new as usize, true), "{old} in {new}");
            let (old_root, new_root) = (tree.root(0, old as usize), tree.root(0, new as usize));
            verify_consistency(old, new, &proof, &old_root, &new_root).unwrap();
        }
    }
}

#[test]
fn every_tree_begins_with_the_empty_one_and_needs_no_proof_of_it() {
    let tree = Defined::new(9);
    for size in 0..=9 {
        let proof = prove_consistency(0, size, |node| tree.read(node)).unwrap();
        assert!(proof.is_empty());
        verify_consistency(0, size, &proof, &empty_root(), &tree.root(0, size as usize)).unwrap();
    }
    let leaf = tree.leaves[0];
    let refused = verify_consistency(0, 1, &[], &leaf, &leaf).unwrap_err();
    assert_eq!(refused, ProofError::OldRoot { root: leaf, computed: empty_root() });
    let refused = verify_consistency(0, 0, &[], &empty_root(), &leaf).unwrap_err();
    assert_eq!(refused, ProofError::NewRoot { root: leaf, computed: empty_root() });
}

/// The tree of eight leaves and its proofs that implementations of Certificate
/// Transparency have been tested with since Google's first ones
/// (transparency-dev/merkle, `log_verifier_test.go`).
mod published {
    use super::*;

    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    const F: &str = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
    const G: &str = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
    const H: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    const I: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
    const J: &str = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f";

    fn tree() -> Defined {
        let leaves = LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect();
        Defined { leaves, known: RefCell::default() }
    }

    #[test]
    fn inclusion_proofs_are_the_published_ones() {
        let proofs: [(u64, u64, &[&str]); 5] =
            [(0, 1, &[]), (0, 8, &[A, B, C]), (5, 8, &[D, E, F]), (2, 3, &[G]), (1, 5, &[H, B, D])];
        for (index, size, published) in proofs {
            let proof = prove_inclusion(index, size, |node| tree().read(node)).unwrap();
            assert_eq!(proof.iter().map(hex::encode).collect::<Vec<_>>(), published, "{index} of {size}");
        }
    }

    #[test]
    fn consistency_proofs_are_the_published_ones() {
        let proofs: [(u64, u64, &[&str]); 5] =
            [(1, 1, &[]), (1, 8, &[A, B, C]), (6, 8, &[I, E, F]), (2, 5, &[B, D]), (6, 7, &[I, J, F])];
        for (old, new, published) in proofs {
            let proof = prove_consistency(old, new, |node| tree().read(node)).unwrap();
            assert_eq!(proof.iter().map(hex::encode).collect::<Vec<_>>(), published, "{old} in {new}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_implementation_accepts_our_inclusion_proofs(
        (size, index) in (1_u64..=1 << 20).prop_flat_map(|size| (Just(size), 0..size)),
    ) {
        let proof = prove_inclusion(index, size, |node| LARGE.read(node)).unwrap();
        let root = LARGE.root(size);
        verify_inclusion(&LARGE.0[0][index as usize], index, size, &proof, &root).unwrap();
        let theirs = RootHash::<Sha256>::new(root.into(), size);
        let proof = InclusionProof::from_bytes(proof.concat());
        theirs.verify_inclusion(&index.to_be_bytes(), index, &proof).unwrap();
    }

    #[test]
    fn another_implementation_accepts_our_consistency_proofs(
        (new, old) in (2_u64..=1 << 20).prop_flat_map(|new| (Just(new), 1..new)),
    ) {
        let proof = prove_consistency(old, new, |node| LARGE.read(node)).unwrap();
        let (old_root, new_root) = (LARGE.root(old), LARGE.root(new));
        verify_consistency(old, new, &proof, &old_root, &new_root).unwrap();
        let theirs = RootHash::<Sha256>::new(new_root.into(), new);
        let proof = ConsistencyProof::try_from_bytes(proof.concat()).unwrap();
        theirs.verify_consistency(&RootHash::new(old_root.into(), old), &proof).unwrap();
    }
}

/// Each of the hashes, with each of its bits flipped.
fn flipped(hashes: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..hashes.len() * 256).map(|bit| {
        let mut hashes = hashes.to_vec();
        hashes[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        hashes
    })
}

#[test]
fn every_flipped_bit_of_an_inclusion_proof_its_leaf_and_its_root_is_refused() {
    let tree = Defined::new(13);
    for (index, size) in [(0, 1), (0, 13), (7, 8), (11, 13), (12, 13)] {
        let proof = prove_inclusion(index, size, |node| tree.read(node)).unwrap();
        let (leaf, root) = (tree.leaves[index as usize], tree.root(0, size as usize));
        for bad in flipped(&proof) {
            let refused = verify_inclusion(&leaf, index, size, &bad, &root).unwrap_err();
            assert!(matches!(refused, ProofError::Root { .. }));
        }
        for bad in flipped(&[leaf]) {
            verify_inclusion(&bad[0], index, size, &proof, &root).unwrap_err();
        }
        for bad in flipped(&[root]) {
            verify_inclusion(&leaf, index, size, &proof, &bad[0]).unwrap_err();
        }
    }
}

#[test]
fn every_flipped_bit_of_a_consistency_proof_and_its_roots_is_refused() {
    let tree = Defined::new(13);
    for (old, new) in [(1, 2), (4, 13), (5, 13), (12, 13), (13, 13), (6, 7)] {
        let proof = prove_consistency(old, new, |node| tree.read(node)).unwrap();
        let (old_root, new_root) = (tree.root(0, old as usize), tree.root(0, new as usize));
        for bad in flipped(&proof) {
            verify_consistency(old, new, &bad, &old_root, &new_root).unwrap_err();
        }
        for bad in flipped(&[old_root]) {
            verify_consistency(old, new, &proof, &bad[0], &new_root).unwrap_err();
        }
        for bad in flipped(&[new_root]) {
            let refused = verify_consistency(old, new, &proof, &old_root, &bad[0]).unwrap_err();
            assert!(matches!(refused, ProofError::NewRoot { .. }));
        }
    }
}

#[test]
fn a_proof_for_another_place_or_of_another_length_is_refused() {
    let tree = Defined::new(13);
    let root = tree.root(0, 13);
    let proof = prove_inclusion(5, 13, |node| tree.read(node)).unwrap();
    for other in (0..13).filter(|other| *other != 5) {
        verify_inclusion(&tree.leaves[5], other, 13, &proof, &root).unwrap_err();
    }
    let longer = [&proof[..], &[root]].concat();
    let refused = verify_inclusion(&tree.leaves[5], 5, 13, &longer, &root).unwrap_err();
    assert_eq!(refused, ProofError::Length { expected: 4, given: 5 });
    let refused = verify_inclusion(&tree.leaves[5], 5, 13, &proof[1..], &root).unwrap_err();
    assert_eq!(refused.to_string(), "the proof has 3 hashes, but for these sizes it must have 4");
    let refused = verify_consistency(5, 13, &[], &tree.root(0, 5), &root).unwrap_err();
    assert_eq!(refused, ProofError::Length { expected: 5, given: 0 });
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_read() {
    let never = |_| -> Result<Hash, ProofError> { panic!("nothing has to be read") };
    assert_eq!(prove_inclusion(3, 3, never), Err(ProofError::NoSuchLeaf { index: 3, size: 3 }));
    assert_eq!(prove_inclusion(0, 0, never), Err(ProofError::NoSuchLeaf { index: 0, size: 0 }));
    assert_eq!(prove_consistency(4, 3, never), Err(ProofError::Shrunk { old: 4, new: 3 }));
}

#[test]
fn the_largest_sizes_are_handled() {
    let read = |node: Node| Ok::<_, ProofError>(leaf_hash(format!("{node:?}").as_bytes()));
    for (index, size) in [(u64::MAX - 1, u64::MAX), (0, u64::MAX), (1 << 63, (1 << 63) + 1)] {
        let proof = prove_inclusion(index, size, read).unwrap();
        assert!(proof.len() <= 64);
        assert!(verify_inclusion(&empty_root(), index, size, &proof, &empty_root()).is_err());
    }
    let proof = prove_consistency(u64::MAX - 1, u64::MAX, read).unwrap();
    assert!(verify_consistency(u64::MAX - 1, u64::MAX, &proof, &empty_root(), &empty_root()).is_err());
}

#[test]
fn errors_say_what_was_wrong() {
    let tree = Defined::new(2);
    let refused = verify_inclusion(&tree.leaves[0], 0, 1, &[], &tree.leaves[1]).unwrap_err();
    let (leaf, other) = (hex::encode(tree.leaves[0]), hex::encode(tree.leaves[1]));
    let said = format!("leaf and proof give the root {leaf}, but the tree has the root {other}");
    assert_eq!(refused.to_string(), said);
    let refused = ProofError::NoSuchLeaf { index: 7, size: 7 };
    assert_eq!(refused.to_string(), "leaf 7 is not in a tree of 7 leaves: they are counted from 0");
}
