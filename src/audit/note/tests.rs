//! Notes against the one that Go's `x/mod/sumdb/note` documents, and against every
//! change of a bit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

/// The note of Go's documentation, with the signatures of both of its keys.
const NOTE: &str = "If you think cryptography is the answer to your problem,
then you don't know what your problem is.

\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=
";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn signer(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), &[seed; 32])
}

fn refused(note: &str) -> NoteError {
    SignedNote::parse(note.as_bytes()).expect_err(note)
}

#[test]
fn signing_gives_the_signature_that_go_documents() {
    let seed = line::base64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
    let peter = SigningKey::from_seed(KeyName::new("PeterNeumann").unwrap(), seed[1..].try_into().unwrap());
    let documented = SignedNote::parse(NOTE.as_bytes()).unwrap();
    let signed = SignedNote::sign(documented.text().to_owned(), &peter).unwrap();
    assert_eq!(signed.to_string(), NOTE.split_inclusive('\n').take(4).collect::<String>());
}

#[test]
fn the_note_that_go_documents_is_verified() {
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), NOTE);
    assert!(note.text().ends_with("problem is.\n"));
    let (peter, enoch) = (key(PETER), key(ENOCH));
    let trusted = [enoch.clone(), peter.clone()];
    let verified = note.verify(&trusted).unwrap();
    assert_eq!(verified.iter().map(|one| one.key).collect::<Vec<_>>(), [&peter, &enoch]);
    assert!(verified.iter().all(|one| one.statement == Statement::Signed));
}

#[test]
fn signatures_by_unknown_keys_are_ignored() {
    let trusted = [key(PETER)];
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.verify(&trusted).unwrap().len(), 1);
    // Also one that nobody could have made, and one of a known name with another id.
    let more = format!("{NOTE}\u{2014} nobody AAAAAAA=\n\u{2014} PeterNeumann AAAAAAA=\n");
    assert_eq!(SignedNote::parse(more.as_bytes()).unwrap().verify(&trusted).unwrap().len(), 1);
}

#[test]
fn a_note_without_a_known_signature_is_refused_and_says_who_signed() {
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    let other = signer("other", 7);
    let refused = note.verify(std::slice::from_ref(other.verifier())).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no key that is trusted here has signed the note; it is signed by PeterNeumann (key c74f20a3), \
         EnochRoot (key af0cfe78)"
    );
    assert!(matches!(note.verify(&[]), Err(NoteError::NoKnownSignature { .. })));
}

#[test]
fn one_wrong_signature_by_a_known_key_spoils_the_note() {
    let spoiled = NOTE.replace("rwz+eBzm", "rwz+eBzn");
    let note = SignedNote::parse(spoiled.as_bytes()).unwrap();
    let refused = note.verify(&[key(PETER), key(ENOCH)]).unwrap_err();
    let enoch = key(ENOCH);
    assert_eq!(refused, NoteError::WrongSignature { name: enoch.name().clone(), id: enoch.id() });
    // Whoever does not know that key does not see it.
    assert_eq!(note.verify(&[key(PETER)]).unwrap().len(), 1);
}

#[test]
fn a_key_that_signed_twice_counts_once() {
    let twice = format!("{NOTE}{}\n", NOTE.lines().nth(3).unwrap());
    let note = SignedNote::parse(twice.as_bytes()).unwrap();
    assert_eq!(note.signatures().len(), 3);
    assert_eq!(note.verify(&[key(PETER)]).unwrap().len(), 1);
}

#[test]
fn a_signature_takes_the_place_of_an_earlier_one_by_the_same_key() {
    let (old, new) = (signer("log", 1), signer("log", 2));
    let mut note = SignedNote::sign("text\n".into(), &old).unwrap();
    let signature = |key| SignedNote::sign("text\n".into(), key).unwrap().signatures()[0].clone();
    note.add(signature(&new));
    note.add(signature(&old));
    assert_eq!(note.signatures(), [signature(&new), signature(&old)]);
}

#[test]
fn the_text_ends_at_the_last_empty_line() {
    let key = signer("log", 1);
    for text in ["\n", "\n\n", "one\n\ntwo\n", "one\n\n", "\u{2014} log AAAA\n", "\u{2014} log AAAA\n\nü\n"]
    {
        let note = SignedNote::sign(text.into(), &key).unwrap();
        let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!((read.text(), &read), (text, &note));
        read.verify(std::slice::from_ref(key.verifier())).unwrap();
    }
    assert_eq!(SignedNote::sign("no newline".into(), &key), Err(NoteError::NoNewline));
    assert_eq!(SignedNote::sign("a\tb\n".into(), &key), Err(NoteError::NotPlain));
}

#[test]
fn what_is_not_written_as_a_note_is_refused() {
    for text in ["", "\n", "\n\n", "text\n", "text\n\n", "text\n\n\u{2014} log AAAAAAA=", "text\n\n\n"] {
        assert_eq!(refused(text), NoteError::NotSigned, "{text:?}");
    }
    for line in [
        "",
        "x",
        "- log AAAAAAA=",
        "\u{2014}log AAAAAAA=",
        "\u{2014} log",
        "\u{2014} log ",
        "\u{2014}  AAAAAAA=",
        "\u{2014} log AAAA",
        "\u{2014} log AAAAAA==",
        "\u{2014} log AAAAAAA",
        "\u{2014} log AAAAAAB=",
        "\u{2014} l+g AAAAAAA=",
        "\u{2014} l\u{a0}g AAAAAAA=",
        "\u{2014} log AAAAAAA= ",
        "\u{2014} log  AAAAAAA=",
        " \u{2014} log AAAAAAA=",
        "\u{2014} log x AAAAAAA=",
    ] {
        let note = format!("text\n\n\u{2014} log AAAAAAA=\n{line}\n");
        let expected = if line.is_empty() { NoteError::NotSigned } else { NoteError::SignatureLine(2) };
        assert_eq!(refused(&note), expected, "{line:?}");
    }
    assert_eq!(refused("te\rxt\n\n\u{2014} log AAAAAAA=\n"), NoteError::NotPlain);
    assert_eq!(SignedNote::parse(b"te\xffxt\n\n\xe2\x80\x94 log AAAAAAA=\n"), Err(NoteError::NotPlain));
}

#[test]
fn a_note_has_limits() {
    let line = "\u{2014} log AAAAAAA=\n";
    let note = |lines: usize| format!("text\n\n{}", line.repeat(lines));
    assert_eq!(SignedNote::parse(note(100).as_bytes()).unwrap().signatures().len(), 100);
    assert_eq!(refused(&note(101)), NoteError::TooManySignatures);
    let long = format!("{}\n\n{line}", "x".repeat(MAX_BYTES));
    assert_eq!(refused(&long), NoteError::TooLong(long.len()));
}

/// Whether a note that was changed is refused: it is no note any more, or the signature does
/// not fit, or it is by nobody known.
fn is_refused(bytes: &[u8], trusted: &[VerifierKey]) -> bool {
    SignedNote::parse(bytes).map_or(true, |note| note.verify(trusted).is_err())
}

#[test]
fn every_flipped_bit_of_a_note_is_refused() {
    let key = signer("registry.example/log", 3);
    let note = SignedNote::sign("registry.example/log\n8\nsome root\n".into(), &key).unwrap().to_string();
    let trusted = std::slice::from_ref(key.verifier());
    assert!(!is_refused(note.as_bytes(), trusted));
    for bit in 0..note.len() * 8 {
        let mut bytes = note.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(is_refused(&bytes, trusted), "bit {bit}: {:?}", String::from_utf8_lossy(&bytes));
    }
    for end in 0..note.len() {
        assert!(is_refused(&note.as_bytes()[..end], trusted), "cut at {end}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_note_or_refused(bytes: Vec<u8>, text in "([a-z—\n]{0,9}\n)?\n(— [a-z+ ]{1,3} [A-Za-z0-9+/=]{8}\n){0,3}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            if let Ok(note) = SignedNote::parse(bytes) {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
                prop_assert!(note.verify(&[key(PETER)]).is_err());
            }
        }
    }
}
