//! Signed notes (C2SP signed-note): a text, and signatures in lines below it.

use super::{
    key::{KeyId, KeyName, SigningKey, Statement, VerifierKey},
    line,
};
use std::{collections::BTreeSet, fmt};

/// Longest note that is parsed. Sixteen signatures of the longest kind that is planned
/// need a tenth of it.
pub const MAX_BYTES: usize = 1_000_000;

/// Most signatures of a note that is parsed.
pub const MAX_SIGNATURES: usize = 100;

/// What each signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// Why something is no signed note, or is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It would take too long to read.
    #[error("the note has {0} bytes; at most {MAX_BYTES} are read")]
    TooLong(usize),
    /// It is not UTF-8, or has control characters.
    #[error("the note is not plain text: it must be UTF-8 without control characters other than newlines")]
    NotPlain,
    /// The text does not end as the text of a note.
    #[error("the text of a note must end with a newline")]
    NoNewline,
    /// It does not end with signature lines below an empty one.
    #[error("the note is not signed: an empty line, signature lines and a newline must end it")]
    NotSigned,
    /// It would take too long to verify.
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A line among the signatures is none.
    #[error(
        "line {0} of the signatures is not of the form \"\u{2014} NAME BASE64\", with a key id and a signature"
    )]
    SignatureLine(usize),
    /// A signature by a known key is not over this text.
    #[error(
        "the signature by {name} (key {id}) is wrong: text or signature were changed, or the key is another"
    )]
    WrongSignature {
        /// Name in the line.
        name: KeyName,
        /// Id in the line.
        id: KeyId,
    },
    /// No known key has signed it.
    #[error("no key that is trusted here has signed the note; it is signed by {}", Signers(signers))]
    NoKnownSignature {
        /// Who has.
        signers: Vec<(KeyName, KeyId)>,
    },
}

struct Signers<'a>(&'a [(KeyName, KeyId)]);

impl fmt::Display for Signers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (name, id)) in self.0.iter().take(10).enumerate() {
            write!(f, "{}{name} (key {id})", if n == 0 { "" } else { ", " })?;
        }
        if self.0.len() > 10 { f.write_str(" and others") } else { Ok(()) }
    }
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    /// Parses a line, without the newline at its end.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, bytes) = text.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = line::base64(bytes)?;
        let (id, bytes) = bytes.split_first_chunk()?;
        let signature = Self { name: KeyName::new(name).ok()?, id: KeyId(*id), bytes: bytes.to_vec() };
        (!bytes.is_empty()).then_some(signature)
    }

    /// Name of the key that is said to have made it.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of the key that is said to have made it.
    pub fn id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.0[..], &self.bytes].concat();
        write!(f, "{DASH}{} {}", self.name, line::to_base64(&bytes))
    }
}

/// A signature that was found to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The key that made it.
    pub key: &'a VerifierKey,
    /// The line.
    pub signature: &'a Signature,
    /// What it says.
    pub statement: Statement,
}

/// A text with signatures below it; written as C2SP signed-note has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

impl SignedNote {
    /// Signs a text.
    ///
    /// # Errors
    /// If the text does not end with a newline or has other control characters.
    pub fn sign(text: String, key: &SigningKey) -> Result<Self, NoteError> {
        check_text(&text)?;
        let (name, id) = (key.verifier().name().clone(), key.verifier().id());
        let bytes = key.sign(&text).to_vec();
        Ok(Self { text, signatures: vec![Signature { name, id, bytes }] })
    }

    /// The same text with other signatures.
    pub(super) fn with_signatures(&self, signatures: Vec<Signature>) -> Self {
        Self { text: self.text.clone(), signatures }
    }

    /// Adds a signature line, in place of an earlier one by the same key.
    pub(super) fn add(&mut self, signature: Signature) {
        self.signatures.retain(|other| (other.id, &other.name) != (signature.id, &signature.name));
        self.signatures.push(signature);
    }

    /// Parses a note. Nothing in it is to be believed before its signatures are verified.
    ///
    /// # Errors
    /// If it is not written exactly as the specification has it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = str::from_utf8(bytes).map_err(|_| NoteError::NotPlain)?;
        if !note.split('\n').all(line::is_plain) {
            return Err(NoteError::NotPlain);
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NotSigned)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NotSigned)?;
        Ok(Self { text: format!("{text}\n"), signatures: parse_signatures(lines)? })
    }

    /// The text that is signed, with the newline at its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Verifies it with the keys that are trusted. Signatures by other keys are ignored; more than one by
    /// the same key count once.
    ///
    /// # Errors
    /// If no trusted key has signed, or any signature by one is wrong.
    pub fn verify<'a>(&'a self, trusted: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, NoteError> {
        let verified = self.verify_known(trusted)?;
        if verified.is_empty() {
            let signers = self.signatures.iter().map(|one| (one.name.clone(), one.id)).collect();
            return Err(NoteError::NoKnownSignature { signers });
        }
        Ok(verified)
    }

    fn verify_known<'a>(&'a self, trusted: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, NoteError> {
        let mut verified = Vec::new();
        let mut seen = BTreeSet::new();
        for signature in &self.signatures {
            let known = |key: &&VerifierKey| key.id() == signature.id && *key.name() == signature.name;
            let Some(key) = trusted.iter().find(known) else { continue };
            let Some(statement) = key.verify(&self.text, &signature.bytes) else {
                return Err(NoteError::WrongSignature { name: signature.name.clone(), id: signature.id });
            };
            if seen.insert((&signature.name, signature.id)) {
                verified.push(Verified { key, signature, statement });
            }
        }
        Ok(verified)
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    let lines = text.strip_suffix('\n').ok_or(NoteError::NoNewline)?;
    if lines.split('\n').all(line::is_plain) { Ok(()) } else { Err(NoteError::NotPlain) }
}

/// Parses signature lines, at least one, without the newline at the end of the last.
pub(super) fn parse_signatures(lines: &str) -> Result<Vec<Signature>, NoteError> {
    let mut signatures = Vec::new();
    for (n, line) in lines.split('\n').enumerate() {
        if n >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        signatures.push(Signature::parse(line).ok_or(NoteError::SignatureLine(n + 1))?);
    }
    Ok(signatures)
}

#[cfg(test)]
mod tests;
