//! The keys behind signed notes: Ed25519 (RFC 8032), with the names and ids of C2SP
//! signed-note, "Signatures", and tlog-cosignature, "Format".

use super::line;
use ed25519_dalek::{Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// Why something is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name cannot stand in a signature line.
    #[error("a key's name must not be empty and must contain no white space, control characters or +")]
    Name,
    /// The text is not of the form of a verifier key.
    #[error(
        "a verifier key is written NAME+ID+KEY: the id in 8 lower-case hexadecimal digits, the key in base64"
    )]
    Form,
    /// The key makes signatures of a kind that is not verified here.
    #[error("signature type {0:#04x} is not supported: 0x01 (Ed25519) and 0x04 (Ed25519 cosignature) are")]
    Type(u8),
    /// The bytes are no public key.
    #[error("these are not the 32 bytes of an Ed25519 public key that can be trusted")]
    PublicKey,
    /// The id is another than that of the name and key beside it.
    #[error(
        "the key id {given} is wrong: name and key have the id {computed}, so one of the three was changed"
    )]
    Id {
        /// Id in the text.
        given: KeyId,
        /// Id of name and key.
        computed: KeyId,
    },
}

/// The name of a key: not empty, without white space, control characters and `+`. A log's
/// key has the origin of the log as its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Checks a name.
    ///
    /// # Errors
    /// If it could not stand in a signature line.
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let allowed = |c: char| !c.is_whitespace() && c >= ' ' && c != '+';
        if name.is_empty() || !name.chars().all(allowed) {
            Err(KeyError::Name)
        } else {
            Ok(Self(name.into()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Four bytes that tell the keys of one name apart. They identify a key among
/// trusted ones and are no protection by themselves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl KeyId {
    /// `SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]`.
    fn of(name: &KeyName, kind: SignatureType, public: &[u8; 32]) -> Self {
        let hash =
            Sha256::new().chain_update(name.as_str()).chain_update([b'\n', kind as u8]).chain_update(public);
        let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// What a key's signatures are over (C2SP signed-note, "Signature types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureType {
    /// Over the text of the note.
    Ed25519 = 0x01,
    /// Over a time and the text of a checkpoint: a witness's (C2SP tlog-cosignature).
    Cosignature = 0x04,
}

/// What a signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// The text is its maker's.
    Signed,
    /// A witness had seen nothing that contradicts the checkpoint.
    Cosigned {
        /// When, in seconds since 1970.
        time: u64,
    },
}

/// A public key that signatures are verified with, written and parsed as
/// `NAME+ID+KEY`, where `KEY` is the base64 of the signature type and the 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    kind: SignatureType,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key from its bytes.
    ///
    /// # Errors
    /// If they are no point of the curve, or one of the few for which signatures prove nothing.
    pub fn new(name: KeyName, kind: SignatureType, public: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::PublicKey)?;
        if key.is_weak() {
            return Err(KeyError::PublicKey);
        }
        let id = KeyId::of(&name, kind, public);
        Ok(Self { name, id, kind, key })
    }

    /// Name of the key.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What its signatures are over.
    pub fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The public key itself.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Verifies the bytes behind the id in a signature line; `None` if they are no signature by
    /// this key over this text.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<Statement> {
        match self.kind {
            SignatureType::Ed25519 => {
                self.verify_bytes(text.as_bytes(), signature).then_some(Statement::Signed)
            }
            SignatureType::Cosignature => {
                let (time, signature) = signature.split_first_chunk()?;
                let time = u64::from_be_bytes(*time);
                i64::try_from(time).ok()?;
                let message = cosigned(time, text);
                self.verify_bytes(message.as_bytes(), signature).then_some(Statement::Cosigned { time })
            }
        }
    }

    fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// What a cosignature is over (C2SP tlog-cosignature, "Ed25519 signed message").
pub(super) fn cosigned(time: u64, checkpoint: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint}")
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind as u8];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.id, line::to_base64(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let name = KeyName::new(name)?;
        let given = hex::decode(id).ok().filter(|_| id == id.to_lowercase());
        let given = KeyId(given.and_then(|id| id.try_into().ok()).ok_or(KeyError::Form)?);
        let key = line::base64(key).ok_or(KeyError::Form)?;
        let (kind, public) = key.split_first().ok_or(KeyError::Form)?;
        let kind = match kind {
            0x01 => SignatureType::Ed25519,
            0x04 => SignatureType::Cosignature,
            other => return Err(KeyError::Type(*other)),
        };
        let key = Self::new(name, kind, public.try_into().map_err(|_| KeyError::PublicKey)?)?;
        let computed = key.id;
        if given == computed { Ok(key) } else { Err(KeyError::Id { given, computed }) }
    }
}

/// The secret key of a log. Its bytes are never shown, and are wiped when it is dropped.
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of this name from its 32 secret bytes (the seed of RFC 8032, section 5.1.5).
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let kind = SignatureType::Ed25519;
        let id = KeyId::of(&name, kind, key.verifying_key().as_bytes());
        let verifier = VerifierKey { name, id, kind, key: key.verifying_key() };
        Self { verifier, key }
    }

    /// The key that others verify its signatures with.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs the text of a note; gives what stands behind the id in its signature line.
    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(secret of {})", self.verifier)
    }
}

#[cfg(test)]
mod tests;
