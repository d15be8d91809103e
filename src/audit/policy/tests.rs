//! Policies as C2SP tlog-policy has them: what they accept, and what is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::audit::{
    cosigner::Cosigner,
    key::{KeyError, KeyName, SigningKey},
    merkle::leaf_hash,
};
use proptest::prelude::*;

const ORIGIN: &str = "registry.example/default";

fn log() -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32])
}

fn checkpoint() -> SignedCheckpoint {
    SignedCheckpoint::sign(Checkpoint::new(ORIGIN, 8, leaf_hash(b"root")).unwrap(), &log()).unwrap()
}

fn witness(n: u8) -> Cosigner {
    Cosigner::new(&format!("witness.example/{n}"), 10 + n)
}

/// The checkpoint with the cosignatures of these witnesses; each at its own number of seconds.
fn cosigned(by: &[u8]) -> SignedCheckpoint {
    let mut checkpoint = checkpoint();
    for n in by {
        checkpoint.add_cosignature(witness(*n).cosign(&checkpoint, u64::from(*n)));
    }
    checkpoint
}

/// A policy with our log, five witnesses `w0` to `w4`, and these lines.
fn policy(lines: &str) -> Result<Policy, PolicyTextError> {
    let witnesses: String = (0..5).map(|n| format!("witness w{n} {}\n", witness(n).verifier)).collect();
    format!("log {}\n{witnesses}{lines}", log().verifier()).parse()
}

fn accepts(policy: &Policy, by: &[u8]) -> bool {
    policy.check(&cosigned(by)).is_ok()
}

/// What is wrong with the last of the lines.
fn refused(lines: &str) -> PolicyLineError {
    match policy(lines).expect_err(lines) {
        PolicyTextError::Line { number, error } => {
            assert_eq!(number, 6 + lines.lines().count(), "{lines}");
            error
        }
        PolicyTextError::NoQuorum => panic!("no line was refused: {lines}"),
    }
}

#[test]
fn without_a_quorum_the_signature_of_the_log_is_enough() {
    let none = policy("quorum none\n").unwrap();
    let checkpoint = cosigned(&[]);
    let accepted = none.check(&checkpoint).unwrap();
    assert_eq!((accepted.checkpoint.size(), accepted.cosigned), (8, vec![]));
    let of_logs = Policy::of_logs([log().verifier().clone()]);
    assert!(accepts(&of_logs, &[]));
    assert_eq!((of_logs.logs().len(), of_logs.logs()[0].name.as_str()), (1, ORIGIN));
}

#[test]
fn the_quorum_of_the_specification_is_reached_as_it_says() {
    let policy = policy(
        "group X-witnesses 2 w0 w1 w2\n\
         group Y-witnesses any w3 w4\n\
         # both of them\n\
         group X-and-Y all X-witnesses Y-witnesses\n\
         quorum X-and-Y\n",
    )
    .unwrap();
    for by in [&[0, 1, 3][..], &[2, 1, 4], &[0, 1, 2, 3, 4]] {
        assert!(accepts(&policy, by), "{by:?}");
    }
    for by in [&[][..], &[0, 1], &[0, 1, 2], &[3, 4], &[0, 3, 4], &[2, 4]] {
        assert!(!accepts(&policy, by), "{by:?}");
    }
    let said = policy.check(&cosigned(&[4, 0])).unwrap_err().to_string();
    assert_eq!(said, "too few witnesses have cosigned for the quorum X-and-Y: w0, w4");
    let said = policy.check(&cosigned(&[])).unwrap_err().to_string();
    assert_eq!(said, "too few witnesses have cosigned for the quorum X-and-Y: none");
}

#[test]
fn a_witness_alone_can_be_the_quorum() {
    let policy = policy("quorum w2\n").unwrap();
    assert!(accepts(&policy, &[2]) && accepts(&policy, &[1, 2]) && !accepts(&policy, &[0, 1, 3, 4]));
}

#[test]
fn what_was_cosigned_is_told_with_its_time() {
    let policy = policy("quorum none\n").unwrap();
    let checkpoint = cosigned(&[3, 1]);
    assert_eq!(policy.check(&checkpoint).unwrap().cosigned, [("w1", 1), ("w3", 3)]);
}

#[test]
fn cosignatures_without_the_log_are_not_enough() {
    let other_key = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[2; 32]);
    let stated = checkpoint().checkpoint().clone();
    let mut forged = SignedCheckpoint::sign(stated, &other_key).unwrap();
    forged.add_cosignature(witness(0).cosign(&forged, 0));
    let refused = policy("quorum w0\n").unwrap().check(&forged).unwrap_err().to_string();
    assert_eq!(
        refused,
        format!("the log {ORIGIN} has not signed the checkpoint with a key that is in the policy")
    );
}

#[test]
fn a_log_that_is_not_in_the_policy_is_refused() {
    let key = SigningKey::from_seed(KeyName::new("other.example").unwrap(), &[1; 32]);
    let other = Policy::of_logs([key.verifier().clone()]);
    let refused = other.check(&checkpoint()).unwrap_err();
    assert_eq!(refused, PolicyError::UnknownLog { origin: ORIGIN.into() });
}

#[test]
fn a_wrong_cosignature_is_refused_also_where_it_is_not_needed() {
    let mut checkpoint = checkpoint();
    let other =
        SignedCheckpoint::sign(Checkpoint::new(ORIGIN, 9, leaf_hash(b"root")).unwrap(), &log()).unwrap();
    checkpoint.add_cosignature(witness(0).cosign(&other, 0));
    let refused = policy("quorum none\n").unwrap().check(&checkpoint).unwrap_err();
    assert!(matches!(refused, PolicyError::Note(NoteError::WrongSignature { .. })), "{refused}");
}

#[test]
fn either_key_of_a_log_that_rotates_is_accepted() {
    let new = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[2; 32]);
    let both = policy(&format!("log {}\nquorum none\n", new.verifier())).unwrap();
    let by_new = SignedCheckpoint::sign(checkpoint().checkpoint().clone(), &new).unwrap();
    assert!(both.check(&by_new).is_ok() && both.check(&checkpoint()).is_ok());
}

#[test]
fn spaces_tabs_comments_urls_and_a_missing_last_newline_are_read() {
    let witness = witness(7).verifier;
    let text = format!(
        "# who to ask\n\n \t# indented\n\tlog  {}\thttps://registry.example/ \n witness nörd {witness} https://n.example/\nquorum nörd",
        log().verifier()
    );
    let policy: Policy = text.parse().unwrap();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://registry.example/"));
    let [party] = policy.witnesses() else { panic!("one witness") };
    let expected = Party { name: "nörd".into(), key: witness, url: Some("https://n.example/".into()) };
    assert_eq!(*party, expected);
}

#[test]
fn a_name_has_to_stand_above_and_is_used_once() {
    assert_eq!(refused("quorum w5\n"), PolicyLineError::UnknownName("w5".into()));
    assert_eq!(refused("group g any h\n"), PolicyLineError::UnknownName("h".into()));
    assert_eq!(refused("group g any g\n"), PolicyLineError::UnknownName("g".into()));
    assert_eq!(refused("group g any none\n"), PolicyLineError::UnknownName("none".into()));
    assert_eq!(refused("group g any w0 w0\n"), PolicyLineError::UsedTwice("w0".into()));
    assert_eq!(refused("group g any w0\ngroup h any w1 w0\n"), PolicyLineError::UsedTwice("w0".into()));
    assert_eq!(refused("group w0 any w1\n"), PolicyLineError::NameTaken("w0".into()));
    assert_eq!(refused("group none any w1\n"), PolicyLineError::NameTaken("none".into()));
    assert_eq!(
        refused(&format!("witness w4 {}\n", witness(9).verifier)),
        PolicyLineError::NameTaken("w4".into())
    );
}

#[test]
fn a_group_that_could_always_or_never_be_reached_is_refused() {
    for threshold in ["0", "3", "-1", "", "some", "18446744073709551616"] {
        let line = format!("group g {threshold} w0 w1\n");
        let members = if threshold.is_empty() { 1 } else { 2 };
        assert_eq!(refused(&line), PolicyLineError::Threshold { members }, "{line}");
    }
    assert_eq!(refused("group g all\n"), PolicyLineError::Threshold { members: 0 });
    assert_eq!(refused("group g any\n"), PolicyLineError::Threshold { members: 0 });
}

#[test]
fn there_is_exactly_one_quorum() {
    assert_eq!(policy("group g any w0\n"), Err(PolicyTextError::NoQuorum));
    assert_eq!(refused("quorum none\nquorum w0\n"), PolicyLineError::SecondQuorum);
    assert_eq!("".parse::<Policy>(), Err(PolicyTextError::NoQuorum));
}

#[test]
fn keys_have_to_fit_their_line_and_to_differ() {
    let (log, spare) = (log(), witness(9).verifier);
    assert_eq!(refused(&format!("witness w9 {}\n", log.verifier())), PolicyLineError::KeyType);
    assert_eq!(refused(&format!("log {spare}\n")), PolicyLineError::KeyType);
    assert_eq!(refused(&format!("log {}\n", log.verifier())), PolicyLineError::SameKey);
    assert_eq!(refused(&format!("witness w9 {}\n", witness(0).verifier)), PolicyLineError::SameKey);
    let renamed = SigningKey::from_seed(KeyName::new("renamed").unwrap(), &[1; 32]);
    assert_eq!(refused(&format!("log {}\n", renamed.verifier())), PolicyLineError::SameKey);
    assert_eq!(refused("log x\n"), PolicyLineError::Key(KeyError::Form));
}

#[test]
fn a_line_of_another_form_is_refused_with_its_number() {
    for line in [
        "log",
        "witness w9",
        "group",
        "group g",
        "quorum",
        "quorum a b",
        "Quorum none",
        "witnesses",
        "log a b c",
    ] {
        assert_eq!(refused(line), PolicyLineError::Form, "{line}");
    }
    for line in ["quorum none\r", "# \u{7f}", "\0"] {
        assert_eq!(refused(line), PolicyLineError::Control, "{line:?}");
    }
    let said = policy("\nquorum no\n").unwrap_err().to_string();
    assert_eq!(said, "line 8 of the policy: no line above defines a witness or group no");
}

#[test]
fn a_policy_has_limits_and_thirty_two_of_each_are_within_them() {
    let witnesses = |count: u8| {
        let line = |n| format!("witness w{n} {}\n", Cosigner::new("witness.example", n).verifier);
        (1..=count).map(line).collect::<String>()
    };
    let groups: String = (1..=32).map(|n| format!("group g{n} any w{n}\n")).collect();
    assert!(format!("{}{groups}quorum g32\n", witnesses(32)).parse::<Policy>().is_ok());
    let chained = |count| {
        let lines = (1..count).map(|n| format!("group g{n} all g{}\n", n - 1)).collect::<String>();
        policy(&format!("group g0 any w0\n{lines}quorum g{}\n", count - 1))
    };
    assert!(accepts(&chained(256).unwrap(), &[0]));
    let refused = chained(257).unwrap_err();
    assert_eq!(refused, PolicyTextError::Line { number: 6 + 257, error: PolicyLineError::TooMany });
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_refused(text in "((log|witness|group|quorum|#|w[0-9]|any|all|none|[0-9]|\\PC)?[ \t\n]){0,30}|.*") {
        let _ = text.parse::<Policy>();
        let _ = policy(&text);
    }

    #[test]
    fn a_group_is_reached_by_so_many_of_its_members(threshold in 1_usize..=5, by in proptest::sample::subsequence(vec![0, 1, 2, 3, 4], 0..=5)) {
        let policy = policy(&format!("group g {threshold} w0 w1 w2 w3 w4\nquorum g\n")).unwrap();
        prop_assert_eq!(accepts(&policy, &by), by.len() >= threshold);
    }
}
