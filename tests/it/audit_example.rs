//! The worked example in docs/audit-log.md, made anew: every block of it stands on the page.

use steward_registry::audit::{
    bundle::ProofBundle,
    checkpoint::{Checkpoint, SignedCheckpoint},
    key::{KeyName, SigningKey},
    merkle::{Frontier, Hash, leaf_hash, node_hash},
    node::Node,
    policy::Policy,
    proof::{ProofError, prove_consistency, prove_inclusion},
    tile,
};

const LEAVES: [&[u8]; 3] = [b"one", b"two", b"three"];

fn hashes() -> [Hash; 3] {
    LEAVES.map(leaf_hash)
}

fn read(node: Node) -> Result<Hash, ProofError> {
    let [one, two, three] = hashes();
    Ok(match (node.level, node.index) {
        (0, 0) => one,
        (0, 1) => two,
        (0, 2) => three,
        _ => node_hash(&one, &two),
    })
}

fn key() -> SigningKey {
    let seed = std::array::from_fn(|n| n as u8);
    SigningKey::from_seed(KeyName::new("example.com/log").unwrap(), &seed)
}

fn bundle() -> ProofBundle {
    let mut frontier = Frontier::empty();
    hashes().into_iter().for_each(|hash| frontier.append(hash));
    let checkpoint = Checkpoint::new("example.com/log", 3, frontier.root()).unwrap();
    let checkpoint = SignedCheckpoint::sign(checkpoint, &key()).unwrap();
    let proof = prove_inclusion(2, 3, read).unwrap();
    ProofBundle { extra: Vec::new(), index: 2, proof, checkpoint }
}

#[test]
fn the_worked_example_is_on_the_page_as_the_code_makes_it() {
    let page = include_str!("../../docs/audit-log.md");
    let [one, two, three] = hashes().map(hex::encode);
    let root = hex::encode(bundle().checkpoint.checkpoint().root());
    let blocks = [
        format!("{one}\n{two}\n{three}\n"),
        format!("{}\n", hex::encode(tile::bundle(LEAVES).unwrap())),
        format!("{}\n", hex::encode(node_hash(&hashes()[0], &hashes()[1]))),
        format!("{root}\n"),
        format!("{}\n", key().verifier()),
        bundle().to_string(),
    ];
    let (_, example) = page.split_once("### A worked example\n").unwrap();
    let (example, _) = example.split_once("\n### ").unwrap();
    let shown: Vec<_> = example.split("```\n").skip(1).step_by(2).collect();
    assert_eq!(shown, blocks);
    assert_eq!(prove_consistency(2, 3, read), Ok(vec![hashes()[2]]));
}

#[test]
fn the_bundle_on_the_page_proves_the_third_leaf() {
    let policy = Policy::of_logs([key().verifier().clone()]);
    let read = ProofBundle::parse(bundle().to_string().as_bytes()).unwrap();
    assert_eq!(read.verify(b"three", &policy).unwrap().checkpoint.size(), 3);
    assert!(read.verify(b"four", &policy).is_err());
}

#[test]
fn the_policy_that_operators_are_shown_asks_for_two_of_three_witnesses() {
    let page = include_str!("../../docs/audit-log.md");
    let (_, example) = page.split_once("```policy\n").unwrap();
    let policy: Policy = example.split("```").next().unwrap().parse().unwrap();
    let said: Vec<_> = policy.witnesses().iter().map(|one| (one.name.as_str(), one.url.is_some())).collect();
    assert_eq!(said, [("north", true), ("south", true), ("east", true)]);
    let refused = policy.with_logs([key().verifier().clone()]);
    let refused = refused.check(&bundle().checkpoint).unwrap_err().to_string();
    assert_eq!(refused, "too few witnesses have cosigned for the quorum most: none");
}
