//! Requests and answers as C2SP tlog-witness has them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::audit::{
    checkpoint::Checkpoint,
    cosigner::Cosigner,
    key::{KeyName, SigningKey},
    merkle::leaf_hash,
};
use proptest::prelude::*;

const ORIGIN: &str = "registry.example/default";

fn checkpoint(size: u64) -> SignedCheckpoint {
    let key = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32]);
    SignedCheckpoint::sign(Checkpoint::new(ORIGIN, size, leaf_hash(b"root")).unwrap(), &key).unwrap()
}

fn answer(status: u16, content_type: Option<&str>, body: &str) -> Result<Answer, AnswerError> {
    let known = Cosigner::new("witness.example/w1", 2);
    read_answer(status, content_type, body.as_bytes(), &checkpoint(8), &[known.verifier])
}

/// The example of the specification.
const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

#[test]
fn the_request_of_the_specification_is_read_and_written_as_it_is() {
    let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!((request.old_size(), request.proof().len()), (20_852_014, 4));
    assert_eq!(request.checkpoint().checkpoint().size(), 20_852_163);
    assert_eq!(request.to_string(), EXAMPLE);
}

#[test]
fn a_first_request_has_no_proof() {
    let request = AddCheckpoint::new(0, vec![], checkpoint(8)).unwrap();
    assert_eq!(request.to_string(), format!("old 0\n\n{}", checkpoint(8)));
    assert_eq!(AddCheckpoint::parse(request.to_string().as_bytes()), Ok(request));
    assert_eq!(AddCheckpoint::new(0, vec![[7; 32]], checkpoint(8)), Err(RequestError::Superfluous));
}

#[test]
fn a_request_that_no_witness_would_look_at_is_not_made() {
    let shrunk = AddCheckpoint::new(9, vec![], checkpoint(8)).unwrap_err();
    assert_eq!(shrunk, RequestError::Shrunk { old: 9, new: 8 });
    let long = AddCheckpoint::new(1, vec![[7; 32]; 64], checkpoint(8)).unwrap_err();
    assert_eq!(long, RequestError::ProofTooLong);
    assert_eq!(AddCheckpoint::new(8, vec![], checkpoint(8)).unwrap().proof(), [] as [Hash; 0]);
}

#[test]
fn a_request_that_is_written_in_another_way_is_refused() {
    let hash = line::to_base64(&[7; 32]);
    let refused = |body: String| AddCheckpoint::parse(body.as_bytes()).unwrap_err();
    let signed = checkpoint(8);
    for old in ["", "old", "old ", "old 07", "old  7", "Old 7", "old 7 ", "old -7"] {
        assert_eq!(refused(format!("{old}\n\n{signed}")), RequestError::OldSize, "{old:?}");
    }
    assert_eq!(refused(format!("old 7\n{hash}\nx\n\n{signed}")), RequestError::Hash(2));
    assert_eq!(
        refused(format!("old 7\n{}\n{signed}", format!("{hash}\n").repeat(64))),
        RequestError::ProofTooLong
    );
    assert_eq!(refused(format!("old 7\n{hash}")), RequestError::Hash(1));
    assert!(matches!(refused("old 7\n\n".into()), RequestError::Checkpoint(_)));
    assert_eq!(AddCheckpoint::parse(b"old \xff\n"), Err(RequestError::Form));
}

#[test]
fn cosignatures_by_the_witness_are_taken_and_others_left() {
    let (known, other) = (Cosigner::new("witness.example/w1", 2), Cosigner::new("witness.example/w2", 3));
    let lines = [known.line(&checkpoint(8), 5), other.line(&checkpoint(8), 6)];
    let body = format!("{}\n{}\n", lines[0], lines[1]);
    let cosigned = answer(200, None, &body).unwrap();
    assert_eq!(cosigned, Answer::Cosigned(vec![known.cosign(&checkpoint(8), 5)]));
    let unknown = answer(200, None, &format!("{}\n", lines[1])).unwrap_err();
    assert!(matches!(unknown, AnswerError::Cosignature(NoteError::NoKnownSignature { .. })), "{unknown}");
}

#[test]
fn a_cosignature_of_another_checkpoint_is_refused() {
    let known = Cosigner::new("witness.example/w1", 2);
    let refused = answer(200, None, &format!("{}\n", known.line(&checkpoint(9), 5))).unwrap_err();
    assert!(matches!(refused, AnswerError::Cosignature(NoteError::WrongSignature { .. })), "{refused}");
}

#[test]
fn a_signature_over_the_checkpoint_alone_is_no_cosignature() {
    let key = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32]);
    let body = format!("{}\n", checkpoint(8).note().signatures()[0]);
    let refused = read_answer(200, None, body.as_bytes(), &checkpoint(8), &[key.verifier().clone()]);
    assert!(matches!(refused, Err(AnswerError::Cosignature(NoteError::NoKnownSignature { .. }))));
}

#[test]
fn a_witness_that_knows_another_size_tells_it() {
    let size = Some("text/x.tlog.size");
    assert_eq!(answer(409, size, "7\n"), Ok(Answer::OtherSize(7)));
    assert_eq!(answer(409, Some("Text/X.tlog.size; charset=utf-8"), "0\n"), Ok(Answer::OtherSize(0)));
    for body in ["", "7", "07\n", "7\n\n", "x\n"] {
        assert_eq!(answer(409, size, body), Err(AnswerError::Body), "{body:?}");
    }
    assert_eq!(answer(409, None, "7\n"), Err(AnswerError::Split));
}

#[test]
fn each_refusal_says_what_it_means() {
    let refusals = [
        (400, AnswerError::Malformed),
        (403, AnswerError::UntrustedKey),
        (404, AnswerError::UnknownLog),
        (422, AnswerError::WrongProof),
        (500, AnswerError::Status(500)),
        (302, AnswerError::Status(302)),
    ];
    for (status, refusal) in refusals {
        assert!(refusal.to_string().contains(&status.to_string()));
        assert_eq!(answer(status, None, ""), Err(refusal));
    }
    for body in ["", "x", "\n", "\u{2014} witness.example/w1 AAAAAAA="] {
        assert!(answer(200, None, body).is_err(), "{body:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_request_or_refused(cut in 0..EXAMPLE.len(), byte: u8, bytes: Vec<u8>) {
        let mut changed = EXAMPLE.as_bytes().to_vec();
        changed[cut] = byte;
        for body in [&bytes, &changed] {
            if let Ok(request) = AddCheckpoint::parse(body) {
                prop_assert_eq!(request.to_string().as_bytes().to_vec(), body.clone());
            }
        }
    }
}
