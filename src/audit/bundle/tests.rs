//! Proof bundles: read back as they are, and refused when anything was changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::audit::{
    checkpoint::Checkpoint,
    cosigner::Cosigner,
    key::{KeyName, SigningKey},
    merkle::{Frontier, node_hash},
    node::Node,
    proof::prove_inclusion,
};
use proptest::prelude::*;

const ORIGIN: &str = "registry.example/default";
const SIZE: u64 = 13;

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

fn read(node: Node) -> Result<Hash, ProofError> {
    let below = |index| read(Node { level: node.level - 1, index });
    if node.level == 0 {
        return Ok(leaf_hash(&leaf(node.index)));
    }
    Ok(node_hash(&below(2 * node.index)?, &below(2 * node.index + 1)?))
}

fn key() -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32])
}

fn policy() -> Policy {
    Policy::of_logs([key().verifier().clone()])
}

fn bundle(index: u64) -> ProofBundle {
    let mut frontier = Frontier::empty();
    (0..SIZE).for_each(|index| frontier.append(leaf_hash(&leaf(index))));
    let checkpoint = Checkpoint::new(ORIGIN, SIZE, frontier.root()).unwrap();
    let checkpoint = SignedCheckpoint::sign(checkpoint, &key()).unwrap();
    let proof = prove_inclusion(index, SIZE, read).unwrap();
    ProofBundle { extra: Vec::new(), index, proof, checkpoint }
}

fn refused(text: &str) -> BundleError {
    ProofBundle::parse(text.as_bytes()).expect_err(text)
}

#[test]
fn a_bundle_proves_its_leaf_and_no_other() {
    for index in 0..SIZE {
        let text = bundle(index).to_string();
        let read = ProofBundle::parse(text.as_bytes()).unwrap();
        assert_eq!((&read, read.to_string()), (&bundle(index), text));
        assert_eq!(read.verify(&leaf(index), &policy()).unwrap().checkpoint.size(), SIZE);
        let refused = read.verify(&leaf(index + 1), &policy()).unwrap_err();
        assert!(matches!(refused, BundleError::Proof(ProofError::Root { .. })), "{refused}");
    }
}

#[test]
fn it_is_written_line_by_line_as_the_specification_has_it() {
    let mut bundle = bundle(12);
    bundle.extra = b"anything".to_vec();
    let [first, second] = [0, 1].map(|n: usize| line::to_base64(&bundle.proof[n]));
    let text = format!(
        "c2sp.org/tlog-proof@v1\nextra YW55dGhpbmc=\nindex 12\n{first}\n{second}\n\n{}",
        bundle.checkpoint
    );
    assert_eq!(bundle.to_string(), text);
    assert_eq!(ProofBundle::parse(text.as_bytes()), Ok(bundle));
}

#[test]
fn what_is_written_in_another_way_is_refused() {
    let text = bundle(3).to_string();
    let hash = text.lines().nth(2).unwrap();
    assert_eq!(refused(""), BundleError::Header);
    assert_eq!(refused(&text.replace("@v1", "@v2")), BundleError::Header);
    assert_eq!(refused(&format!("\n{text}")), BundleError::Header);
    for extra in ["extra", "extra ", "extra  AAAA", "extra AAA", "extras AAAA", "extra:"] {
        assert_eq!(
            refused(&text.replace("index", &format!("{extra}\nindex"))),
            BundleError::Extra,
            "{extra}"
        );
    }
    for index in ["index", "index ", "index 03", "index +3", "Index 3", "index 3 ", "index\t3", "3"] {
        assert_eq!(refused(&text.replace("index 3", index)), BundleError::Index, "{index}");
    }
    assert_eq!(refused(&text.replace("index 3\n", "index 3\nindex 3\n")), BundleError::Hash(1));
    assert_eq!(refused(&text.replace(hash, hash.trim_end_matches('='))), BundleError::Hash(1));
    let long = format!("index 3\n{}", format!("{hash}\n").repeat(61));
    assert_eq!(refused(&text.replace("index 3\n", &long)), BundleError::TooLong);
    assert!(matches!(refused("c2sp.org/tlog-proof@v1\nindex 0\n\n"), BundleError::Checkpoint(_)));
    assert_eq!(refused("c2sp.org/tlog-proof@v1\nindex 0\n"), BundleError::Hash(1));
    assert_eq!(ProofBundle::parse(b"\xff"), Err(BundleError::Form));
}

#[test]
fn a_bundle_of_a_log_that_is_not_trusted_is_refused() {
    let other = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[2; 32]);
    let trusted = Policy::of_logs([other.verifier().clone()]);
    let refused = bundle(3).verify(&leaf(3), &trusted).unwrap_err();
    assert!(matches!(refused, BundleError::Policy(PolicyError::Note(_))), "{refused}");
}

#[test]
fn a_bundle_needs_the_cosignatures_that_the_policy_asks_for() {
    let witness = Cosigner::new("witness.example", 5);
    let text = format!("log {}\nwitness w {}\nquorum w\n", key().verifier(), witness.verifier);
    let policy: Policy = text.parse().unwrap();
    let mut bundle = bundle(3);
    let refused = bundle.verify(&leaf(3), &policy).unwrap_err();
    assert!(matches!(refused, BundleError::Policy(PolicyError::NoQuorum { .. })), "{refused}");
    bundle.checkpoint.add_cosignature(witness.cosign(&bundle.checkpoint, 77));
    let read = ProofBundle::parse(bundle.to_string().as_bytes()).unwrap();
    assert_eq!(read.verify(&leaf(3), &policy).unwrap().cosigned, [("w", 77)]);
}

#[test]
fn every_flipped_bit_of_a_bundle_is_refused() {
    let text = bundle(11).to_string();
    for bit in 0..text.len() * 8 {
        let mut bytes = text.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let accepted = ProofBundle::parse(&bytes).is_ok_and(|read| read.verify(&leaf(11), &policy()).is_ok());
        assert!(!accepted, "bit {bit}: {:?}", String::from_utf8_lossy(&bytes));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_bundle_or_refused(position in 0_usize..300, byte: u8, bytes: Vec<u8>) {
        let mut changed = bundle(3).to_string().into_bytes();
        changed[position] = byte;
        for bytes in [bytes, changed] {
            if let Ok(read) = ProofBundle::parse(&bytes) {
                prop_assert_eq!(read.to_string().into_bytes(), bytes);
            }
        }
    }
}
