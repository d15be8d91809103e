//! Keys against the ones that Go's `x/mod/sumdb/note` documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

/// From the documentation of Go's `x/mod/sumdb/note`: base64 of the type and the seed, and the
/// key to verify with.
const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

fn refused(text: &str) -> KeyError {
    text.parse::<VerifierKey>().expect_err(text)
}

#[test]
fn a_seed_gives_the_key_that_go_documents() {
    let seed: [u8; 32] = line::base64(SEED).unwrap()[1..].try_into().unwrap();
    let key = SigningKey::from_seed(KeyName::new("PeterNeumann").unwrap(), &seed);
    assert_eq!(key.verifier().to_string(), VERIFIER);
    assert_eq!(VERIFIER.parse(), Ok(key.verifier().clone()));
    assert_eq!(key.verifier().id().to_string(), "c74f20a3");
}

#[test]
fn the_secret_is_not_shown() {
    let key = SigningKey::from_seed(KeyName::new("log").unwrap(), &[0xab; 32]);
    let shown = format!("{key:?}");
    assert!(shown.starts_with("SigningKey(secret of log+"), "{shown}");
    assert!(!shown.contains("abab") && !shown.contains("171"), "{shown}");
}

#[test]
fn a_key_of_which_anything_was_changed_is_refused() {
    for position in 0..VERIFIER.len() {
        let mut bytes = VERIFIER.as_bytes().to_vec();
        bytes[position] += 1;
        refused(str::from_utf8(&bytes).unwrap());
        refused(&VERIFIER[..position]);
        refused(&VERIFIER[position + 1..]);
    }
    let given = KeyId([0xc7, 0x4f, 0x20, 0xa4]);
    let computed = KeyId([0xc7, 0x4f, 0x20, 0xa3]);
    assert_eq!(refused(&VERIFIER.replace("20a3", "20a4")), KeyError::Id { given, computed });
    assert_eq!(refused(&VERIFIER.replace("c74f", "C74F")), KeyError::Form);
}

#[test]
fn a_key_of_another_type_or_length_is_refused() {
    // The first two are Go's own counter-examples, with ids that fit.
    assert_eq!(
        refused("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="),
        KeyError::Form
    );
    let other = refused("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    assert_eq!(other, KeyError::Type(0x65));
    assert_eq!(
        other.to_string(),
        "signature type 0x65 is not supported: 0x01 (Ed25519) and 0x04 (Ed25519 cosignature) are"
    );
    assert_eq!(refused(&format!("a+00000000+{}", line::to_base64(&[1; 34]))), KeyError::PublicKey);
    assert_eq!(refused("a+00000000+"), KeyError::Form);
    assert_eq!(refused("a+00000000"), KeyError::Form);
}

#[test]
fn points_for_which_signatures_prove_nothing_are_no_keys() {
    let name = || KeyName::new("log").unwrap();
    // The neutral element, and a number that is no point of the curve.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut none = [0; 32];
    none[0] = 2;
    for public in [neutral, none, [0; 32]] {
        assert_eq!(VerifierKey::new(name(), SignatureType::Ed25519, &public), Err(KeyError::PublicKey));
    }
}

#[test]
fn a_name_has_no_spaces_and_no_plus() {
    for name in ["a", "registry.example/default", "ü"] {
        assert_eq!(KeyName::new(name).unwrap().as_str(), name);
    }
    for name in ["", " ", "a b", "a+b", "a\tb", "a\nb", "a\u{2003}b", "a\u{1}b", "\u{a0}"] {
        assert_eq!(KeyName::new(name), Err(KeyError::Name), "{name:?}");
    }
}

#[test]
fn a_cosignature_key_has_another_id_than_a_signing_key_of_the_same_bytes() {
    let key: VerifierKey = VERIFIER.parse().unwrap();
    let cosigner =
        VerifierKey::new(key.name().clone(), SignatureType::Cosignature, &key.public_key()).unwrap();
    assert_ne!(cosigner.id(), key.id());
    assert_eq!(cosigner.to_string().parse(), Ok(cosigner));
}

proptest! {
    #[test]
    fn any_text_is_a_key_or_refused(text in "[a-z]{0,3}\\+?[0-9a-f]{0,9}\\+?[A-Za-z0-9+/=]{0,50}|.*") {
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
