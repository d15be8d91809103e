//! Checkpoints against the example of the specification, and against every changed bit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::audit::{cosigner::Cosigner, key::KeyName, merkle::leaf_hash};
use proptest::prelude::*;

const ORIGIN: &str = "registry.example/default";

/// The example of C2SP tlog-checkpoint and tlog-cosignature.
const EXAMPLE: &str = "example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";

fn signer(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), &[seed; 32])
}

fn signed(key: &SigningKey) -> SignedCheckpoint {
    SignedCheckpoint::sign(Checkpoint::new(ORIGIN, 8, leaf_hash(b"root")).unwrap(), key).unwrap()
}

fn refused(text: &str) -> CheckpointError {
    text.parse::<Checkpoint>().expect_err(text)
}

#[test]
fn the_example_of_the_specification_is_read_and_written_as_it_is() {
    let read = SignedCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(read.checkpoint().origin(), "example.com/behind-the-sofa");
    assert_eq!(read.checkpoint().size(), 20_852_163);
    let root = "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62";
    assert_eq!(hex::encode(read.checkpoint().root()), root);
    assert!(read.checkpoint().extensions().is_empty());
    assert_eq!(read.checkpoint().to_string(), read.note().text());
    assert_eq!(read.to_string(), EXAMPLE);
}

#[test]
fn a_signed_checkpoint_is_verified_with_the_key_of_its_log() {
    let key = signer(ORIGIN, 1);
    let read = SignedCheckpoint::parse(signed(&key).to_string().as_bytes()).unwrap();
    let stated = read.verify(std::slice::from_ref(key.verifier())).unwrap();
    assert_eq!((stated.origin(), stated.size(), stated.root()), (ORIGIN, 8, &leaf_hash(b"root")));
}

#[test]
fn a_key_of_another_name_neither_signs_nor_verifies() {
    let (key, other) = (signer(ORIGIN, 1), signer("registry.example/other", 1));
    let checkpoint = signed(&key);
    let refused = checkpoint.verify(std::slice::from_ref(other.verifier())).unwrap_err();
    assert_eq!(refused, CheckpointError::UnknownLog { origin: ORIGIN.into() });
    let refused = SignedCheckpoint::sign(checkpoint.checkpoint().clone(), &other).unwrap_err();
    let (key, origin) = ("registry.example/other".into(), ORIGIN.into());
    assert_eq!(refused, CheckpointError::ForeignKey { key, origin });
    // Also when it really signed: the note is right, but it is not the log's.
    let note = SignedNote::sign(checkpoint.checkpoint().to_string(), &other).unwrap();
    let forged = SignedCheckpoint::parse(note.to_string().as_bytes()).unwrap();
    assert!(forged.verify(std::slice::from_ref(other.verifier())).is_err());
}

#[test]
fn a_cosignature_does_not_stand_in_for_the_signature_of_the_log() {
    let (key, witness) = (signer(ORIGIN, 1), Cosigner::new(ORIGIN, 2));
    let mut checkpoint = signed(&signer(ORIGIN, 9));
    checkpoint.add_cosignature(witness.cosign(&checkpoint, 5));
    let trusted = [key.verifier().clone(), witness.verifier.clone()];
    let refused = checkpoint.verify(&trusted).unwrap_err();
    assert!(matches!(refused, CheckpointError::Note(NoteError::NoKnownSignature { .. })), "{refused}");
}

#[test]
fn while_a_key_is_rotated_either_key_verifies() {
    let (old, new) = (signer(ORIGIN, 1), signer(ORIGIN, 2));
    let mut checkpoint = signed(&old);
    checkpoint.sign_also(&new).unwrap();
    assert_eq!(checkpoint.note().signatures().len(), 2);
    for key in [&old, &new] {
        checkpoint.verify(std::slice::from_ref(key.verifier())).unwrap();
    }
    assert!(checkpoint.sign_also(&signer("other", 1)).is_err());
}

#[test]
fn a_cosignature_is_verified_over_time_and_text() {
    let (key, witness) = (signer(ORIGIN, 1), Cosigner::new("witness.example/w", 2));
    let mut checkpoint = signed(&key);
    checkpoint.add_cosignature(witness.cosign(&checkpoint, 1_700_000_000));
    let trusted = [witness.verifier.clone()];
    let verified = checkpoint.note().verify(&trusted).unwrap();
    let statement = crate::audit::key::Statement::Cosigned { time: 1_700_000_000 };
    assert_eq!(verified.iter().map(|one| one.statement).collect::<Vec<_>>(), [statement]);
    let line = checkpoint.note().signatures()[1].to_string();
    let bytes = line::base64(line.rsplit_once(' ').unwrap().1).unwrap();
    for bit in 32..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let bad = format!("\u{2014} witness.example/w {}", line::to_base64(&bad));
        checkpoint.add_cosignature(Signature::parse(&bad).unwrap());
        let refused = checkpoint.note().verify(&trusted).unwrap_err();
        assert!(matches!(refused, NoteError::WrongSignature { .. }), "bit {bit}");
    }
    // The specification ends time before the bit that would make it negative.
    checkpoint.add_cosignature(witness.cosign(&checkpoint, 1 << 63));
    assert!(checkpoint.note().verify(&trusted).is_err());
}

#[test]
fn extension_lines_are_kept_and_signed() {
    let text = format!("{ORIGIN}\n0\n{}\nsome extension\nanother\n", line::to_base64(&empty_root()));
    let checkpoint: Checkpoint = text.parse().unwrap();
    assert_eq!(checkpoint.extensions(), ["some extension", "another"]);
    assert_eq!(checkpoint.to_string(), text);
    let key = signer(ORIGIN, 1);
    let changed = SignedCheckpoint::sign(checkpoint, &key).unwrap().to_string().replace("another", "others");
    let changed = SignedCheckpoint::parse(changed.as_bytes()).unwrap();
    assert!(changed.verify(std::slice::from_ref(key.verifier())).is_err());
}

#[test]
fn a_text_that_is_written_in_another_way_is_refused() {
    let root = line::to_base64(&[7; 32]);
    let short = line::to_base64(&[7; 31]);
    assert_eq!(refused(&format!("\n8\n{root}\n")), CheckpointError::Origin);
    assert_eq!(refused(&format!("a\tb\n8\n{root}\n")), CheckpointError::Origin);
    for size in ["", "08", "+8", "-8", "8 ", " 8", "8.0", "18446744073709551616", "eight"] {
        assert_eq!(refused(&format!("log\n{size}\n{root}\n")), CheckpointError::Size, "{size}");
    }
    for root in ["", short.as_str(), root.trim_end_matches('='), &format!("{root} "), &hex::encode([7; 32])] {
        assert_eq!(refused(&format!("log\n8\n{root}\n")), CheckpointError::Root, "{root}");
    }
    assert_eq!(refused(&format!("log\n8\n{root}")), CheckpointError::Lines);
    assert_eq!(refused(&format!("log\n8\n{root}\n\n")), CheckpointError::Lines);
    assert_eq!(refused(&format!("log\n8\n{root}\n\nmore\n")), CheckpointError::Lines);
    assert_eq!(refused("log\n8\n"), CheckpointError::Root);
    assert_eq!(refused("log\n"), CheckpointError::Size);
    assert_eq!(refused(""), CheckpointError::Lines);
    assert_eq!(refused(&format!("log\n0\n{root}\n")), CheckpointError::EmptyRoot);
    let refused = Checkpoint::new("log", 0, [7; 32]).unwrap_err();
    assert_eq!(refused.to_string(), "a checkpoint of size 0 must have the root of the empty tree");
}

#[test]
fn every_flipped_bit_of_a_checkpoint_is_refused() {
    let key = signer(ORIGIN, 1);
    let text = signed(&key).to_string();
    let trusted = std::slice::from_ref(key.verifier());
    let accepts =
        |bytes: &[u8]| SignedCheckpoint::parse(bytes).is_ok_and(|read| read.verify(trusted).is_ok());
    assert!(accepts(text.as_bytes()));
    for bit in 0..text.len() * 8 {
        let mut bytes = text.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(!accepts(&bytes), "bit {bit}: {:?}", String::from_utf8_lossy(&bytes));
    }
}

proptest! {
    #[test]
    fn a_checkpoint_is_read_back(origin in "[!-~ü]{1,30}", size in 1_u64.., root: [u8; 32]) {
        let checkpoint = Checkpoint::new(&origin, size, root).unwrap();
        prop_assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
    }

    #[test]
    fn any_text_is_a_checkpoint_or_refused(text in "[a\n]{0,2}[0-9]{0,2}\n?[A-Za-z0-9+/]{0,43}=?\n?[a\n]{0,3}|.*") {
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }
}
