//! Pseudonyms, what is keyed, and that nobody is passed over.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::domain::{
    canonical,
    lifecycle::{
        Hold, Restoration, Retirement, RetirementCause, SunsetMove, VersionState,
        consent::Approval,
        fixture::{decision, version},
    },
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;

#[test]
fn a_pseudonym_is_written_in_one_way() {
    let pseudonym = Pseudonym::of(&[7; SALT], "Zoë");
    let text = pseudonym.to_string();
    assert_eq!(text, "person:7b30b9fbb16a6112310d1d55c7a3a64c");
    assert_eq!(Pseudonym::read(&text), Some(pseudonym));
    for wrong in [&text[1..], &text.to_uppercase(), &format!("{text}0"), "person:", &text[..38]] {
        assert_eq!(Pseudonym::read(wrong), None, "{wrong}");
    }
    let upper = format!("person:{}", pseudonym.digits().to_uppercase());
    assert_eq!(Pseudonym::read(&upper), None, "{upper}");
}

#[test]
fn a_pseudonym_follows_from_salt_and_text_alone() {
    let of = |salt: u8, text: &str| Pseudonym::of(&[salt; SALT], text);
    assert_eq!(of(1, "ann"), of(1, "ann"));
    assert_ne!(of(1, "ann"), of(2, "ann"));
    assert_ne!(of(1, "ann"), of(1, "anna"));
    let bytes = [[1; SALT].as_slice(), b"ann"].concat();
    let expected = canonical::digest(&bytes);
    assert_eq!(of(1, "ann").digits(), expected["sha256:".len()..][..32]);
}

#[test]
fn steward_and_nobody_are_no_persons() {
    let hidden = Pseudonym::of(&[0; SALT], "ann").to_string();
    for text in ["", STEWARD, ANONYMOUS, &hidden] {
        assert!(!is_personal(text), "{text}");
    }
    for text in ["ann", "person:ann", "Steward", "anonymous@example.org"] {
        assert!(is_personal(text), "{text}");
    }
}

/// From Python's `hmac`, for a key of 32 bytes `0x0b`.
#[test]
fn keyed_digests_are_hmac_sha256() {
    let digest = hex::encode(keyed(&[0x0b; SALT], b"Hi There"));
    assert_eq!(digest, "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
}

/// All texts of a value that stand where the word says somebody is named.
fn named(json: &Value, found: &mut Vec<String>) {
    const FIELDS: [&str; 5] = ["actor", "author", "recorder", "registrar", "address"];
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| FIELDS.contains(&name.as_str())) {
                    Some(text) => found.push(text.to_owned()),
                    None => named(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, found)),
        _ => {}
    }
}

/// Goes through a value and compares with what its fields are called.
fn is_gone_through<T: Personal + Serialize>(mut value: T, expected: usize) {
    let mut texts = Vec::new();
    named(&serde_json::to_value(&value).unwrap(), &mut texts);
    assert_eq!(texts.len(), expected, "the fixture names so many people");
    let mut seen = Vec::new();
    value.visit(&mut |text| seen.push(std::mem::replace(text, "hidden".to_owned())));
    for text in texts {
        assert!(seen.contains(&text), "{text} is not gone through");
    }
    let mut left = Vec::new();
    named(&serde_json::to_value(&value).unwrap(), &mut left);
    assert!(left.iter().all(|text| text == "hidden"), "{left:?}");
}

#[test]
fn every_decision_about_a_version_is_gone_through() {
    let now = Timestamp::from_micros(1).unwrap();
    let mut count = 0;
    let mut by = || {
        count += 1;
        let approval = Approval { actor: format!("approver {count}"), comment: String::new(), time: now };
        Decision { approvals: vec![approval], ..decision(&format!("actor {count}"), now) }
    };
    let mut full = version(1, VersionState::Deprecated);
    let mut deprecation = full.deprecation.take().unwrap();
    deprecation.decision = by();
    deprecation.moves = vec![SunsetMove { decision: by(), from: now, to: now }];
    let full = Version {
        submission: Some(by()),
        review: Some(by()),
        deprecation: Some(deprecation),
        reinstatement: Some(by()),
        retirement: Some(Retirement { decision: by(), cause: RetirementCause::Sunset, notice_seconds: 1 }),
        restoration: Some(Restoration { decision: by(), until_time: now }),
        hold: Some(Hold { decision: by(), way_back: None }),
        release: Some(by()),
        archival: Some(by()),
        ..full
    };
    is_gone_through(full, 20);
}
