//! A log written as files by the audit room alone, and verified again from the files
//! alone. With STEWARD_TEST_AUDIT_DIR the folder stays, 70,000 leaves long, and programs that we
//! did not write judge it: see tests/interop/audit.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use std::{
    fs,
    path::{Path, PathBuf},
};
use steward_registry::audit::{
    bundle::ProofBundle,
    checkpoint::{Checkpoint, SignedCheckpoint},
    key::{KeyName, SignatureType, SigningKey, VerifierKey},
    merkle::{Frontier, Hash, leaf_hash},
    node::tree_root,
    policy::Policy,
    proof::{ProofError, prove_consistency, prove_inclusion, verify_consistency},
    tile::{self, ContentError, Kind, Tile, TileReader},
    witness::{AddCheckpoint, Answer, read_answer},
};

const ORIGIN: &str = "registry.example/default";

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Leaves of many lengths; some as long as the format can take.
fn leaf(index: u64) -> Vec<u8> {
    let length = if index % 30_000 == 7 { 65_535 } else { 64 + (index * 37 % 200) as usize };
    let mut leaf = format!(r#"{{"id":"{index:020}","type":"steward.v1.Example","data":""#).into_bytes();
    leaf.resize(length - 2, b'x');
    leaf.extend(br#""}"#);
    leaf
}

struct Folder {
    path: PathBuf,
    size: u64,
}

impl Folder {
    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, tile: Tile) -> Result<Vec<u8>, Failed> {
        Ok(fs::read(self.path.join(tile.to_string()))?)
    }

    fn grow(&mut self, size: u64) {
        for one in tile::grown(self.size, size) {
            let content = if one.kind() == Kind::Entries {
                let leaves: Vec<_> = one.range().map(leaf).collect();
                tile::bundle(leaves.iter().map(Vec::as_slice)).unwrap()
            } else {
                tile::compute(one, |below| self.read(below)).unwrap()
            };
            self.write(&one.to_string(), content);
        }
        self.size = size;
    }

    fn reader(&self) -> TileReader<impl FnMut(Tile) -> Result<Vec<u8>, Failed>> {
        TileReader::new(self.size, |tile| self.read(tile))
    }

    fn root(&self) -> Hash {
        let mut reader = self.reader();
        tree_root(self.size, |node| reader.hash(node)).unwrap()
    }

    /// Signs the newest state, and puts the cosignature of a witness under it.
    fn checkpoint(&self) -> SignedCheckpoint {
        let stated = Checkpoint::new(ORIGIN, self.size, self.root()).unwrap();
        let mut checkpoint = SignedCheckpoint::sign(stated, &log_key()).unwrap();
        let (witness, key) = witness();
        let message = format!("cosignature/v1\ntime 1700000000\n{}", checkpoint.checkpoint());
        let signature = key.sign(message.as_bytes()).to_bytes();
        let bytes = [&witness.id().0[..], &1_700_000_000_u64.to_be_bytes(), &signature].concat();
        let answer = format!("\u{2014} {} {}\n", witness.name(), STANDARD.encode(bytes));
        let answer = read_answer(200, None, answer.as_bytes(), &checkpoint, &[witness]).unwrap();
        let Answer::Cosigned(cosignatures) = answer else { panic!("{answer:?}") };
        cosignatures.into_iter().for_each(|one| checkpoint.add_cosignature(one));
        checkpoint
    }

    /// Grows in steps; after each the checkpoint of then is kept, and at the end the proof that the
    /// newest tree begins with the one of then.
    fn publish(&mut self, sizes: &[u64]) {
        for size in sizes {
            self.grow(*size);
            self.write(&format!("judged/{size}.checkpoint"), self.checkpoint().to_string());
        }
        let newest = self.checkpoint();
        let mut reader = self.reader();
        for old in sizes {
            let proof = prove_consistency(*old, self.size, |node| reader.hash(node)).unwrap();
            let request = AddCheckpoint::new(*old, proof, newest.clone()).unwrap();
            self.write(&format!("judged/{old}.add-checkpoint"), request.to_string());
        }
        for index in judged_leaves(self.size) {
            let proof = prove_inclusion(index, self.size, |node| reader.hash(node)).unwrap();
            let bundle = ProofBundle { extra: vec![], index, proof, checkpoint: newest.clone() };
            self.write(&format!("judged/{index}.tlog-proof"), bundle.to_string());
        }
        self.write("checkpoint", newest.to_string());
        self.write("log.vkey", format!("{}\n", log_key().verifier()));
        self.write("witness.vkey", format!("{}\n", witness().0));
    }
}

fn judged_leaves(size: u64) -> impl Iterator<Item = u64> {
    [0, 1, 7, 255, 256, 65_535, 65_536, 69_887, 69_888, size - 1]
        .into_iter()
        .filter(move |index| *index < size)
}

fn log_key() -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32])
}

fn witness() -> (VerifierKey, ed25519_dalek::SigningKey) {
    let key = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
    let name = KeyName::new("witness.example/one").unwrap();
    let public = key.verifying_key().to_bytes();
    (VerifierKey::new(name, SignatureType::Cosignature, &public).unwrap(), key)
}

fn publish(path: &Path, sizes: &[u64]) -> Folder {
    let mut folder = Folder { path: path.to_owned(), size: 0 };
    folder.publish(sizes);
    folder
}

#[test]
fn a_log_is_verified_from_its_files_alone() {
    let kept = std::env::var_os("STEWARD_TEST_AUDIT_DIR").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let sizes: &[u64] =
        if kept.is_some() { &[1, 255, 256, 300, 65_536, 69_999, 70_000] } else { &[1, 256, 700] };
    let folder = publish(kept.as_deref().unwrap_or(temporary.path()), sizes);
    let text = |name: &str| fs::read_to_string(folder.path.join(name)).unwrap();

    let keys = [text("log.vkey").trim().parse().unwrap()];
    let newest = SignedCheckpoint::parse(text("checkpoint").as_bytes()).unwrap();
    let stated = newest.verify(&keys).unwrap();
    let mut frontier = Frontier::empty();
    for one in tile::grown(0, stated.size()) {
        let content = folder.read(one).unwrap();
        if one.kind() == Kind::Entries {
            tile::leaves(one, &content).unwrap().iter().for_each(|leaf| frontier.append(leaf_hash(leaf)));
        } else {
            assert_eq!(content, tile::compute(one, |below| folder.read(below)).unwrap(), "{one}");
        }
    }
    assert_eq!((frontier.size(), &frontier.root()), (stated.size(), stated.root()));

    for old in sizes {
        let before = SignedCheckpoint::parse(text(&format!("judged/{old}.checkpoint")).as_bytes()).unwrap();
        let before = before.verify(&keys).unwrap();
        let request = AddCheckpoint::parse(text(&format!("judged/{old}.add-checkpoint")).as_bytes()).unwrap();
        let proof = request.proof();
        verify_consistency(*old, stated.size(), proof, before.root(), stated.root()).unwrap();
    }
    let policy = format!("log {}\nwitness w {}\nquorum w\n", keys[0], text("witness.vkey").trim());
    let policy: Policy = policy.parse().unwrap();
    for index in judged_leaves(stated.size()) {
        let bundle = ProofBundle::parse(text(&format!("judged/{index}.tlog-proof")).as_bytes()).unwrap();
        assert_eq!(bundle.verify(&leaf(index), &policy).unwrap().cosigned, [("w", 1_700_000_000)]);
    }
}
