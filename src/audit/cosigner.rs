//! A witness for tests: it cosigns whatever it is given, as C2SP tlog-cosignature has it.
#![allow(clippy::unwrap_used)]

use super::{
    checkpoint::SignedCheckpoint,
    key::{KeyName, SignatureType, VerifierKey},
    line,
    note::Signature,
};
use ed25519_dalek::Signer as _;

pub(super) struct Cosigner {
    pub(super) verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl Cosigner {
    pub(super) fn new(name: &str, seed: u8) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let public = key.verifying_key().to_bytes();
        let verifier =
            VerifierKey::new(KeyName::new(name).unwrap(), SignatureType::Cosignature, &public).unwrap();
        Self { verifier, key }
    }

    /// The signature line, without a newline.
    pub(super) fn line(&self, checkpoint: &SignedCheckpoint, time: u64) -> String {
        let message = format!("cosignature/v1\ntime {time}\n{}", checkpoint.note().text());
        let signature = self.key.sign(message.as_bytes()).to_bytes();
        let bytes = [&self.verifier.id().0[..], &time.to_be_bytes(), &signature].concat();
        format!("\u{2014} {} {}", self.verifier.name(), line::to_base64(&bytes))
    }

    pub(super) fn cosign(&self, checkpoint: &SignedCheckpoint, time: u64) -> Signature {
        Signature::parse(&self.line(checkpoint, time)).unwrap()
    }
}
