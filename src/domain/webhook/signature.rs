//! Signatures as Standard Webhooks has them: over `{id}.{timestamp}.{body}`, each with the
//! version of its scheme before it, one for each key.

use super::{WebhookKey, WebhookKeyType};
use crate::domain::time::Timestamp;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A key with its secret. It is kept beside the log and shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecret {
    /// The key that it belongs to.
    pub key: WebhookKey,
    /// The secret, or the seed of it, in base64.
    secret: String,
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecret(of key {})", self.key.id)
    }
}

impl WebhookSecret {
    /// A key from 32 bytes that nobody can guess.
    pub fn new(key_type: WebhookKeyType, seed: &[u8; 32], now: Timestamp) -> Self {
        let id = Sha256::new().chain_update("the id of a webhook key").chain_update(seed).finalize();
        let public_key = match key_type {
            WebhookKeyType::HmacSha256 => String::new(),
            WebhookKeyType::Ed25519 => {
                let public = SigningKey::from_bytes(seed).verifying_key();
                format!("whpk_{}", STANDARD.encode(public.as_bytes()))
            }
        };
        let (id, create_time) = (hex::encode(&id[..8]), now);
        let key = WebhookKey { id, key_type, public_key, create_time, expire_time: None };
        WebhookSecret { key, secret: STANDARD.encode(seed) }
    }

    fn seed(&self) -> [u8; 32] {
        let bytes = STANDARD.decode(&self.secret).unwrap_or_default();
        bytes.try_into().unwrap_or_default()
    }

    /// What a receiver needs to check signatures: a shared secret as `whsec_`, or the
    /// public key.
    pub fn shown(&self) -> String {
        match self.key.key_type {
            WebhookKeyType::HmacSha256 => format!("whsec_{}", self.secret),
            WebhookKeyType::Ed25519 => self.key.public_key.clone(),
        }
    }

    /// Signs a request.
    fn sign(&self, text: &[u8]) -> String {
        match self.key.key_type {
            WebhookKeyType::HmacSha256 => {
                format!("v1,{}", STANDARD.encode(hmac_sha256(&self.seed(), text)))
            }
            WebhookKeyType::Ed25519 => {
                let signature = SigningKey::from_bytes(&self.seed()).sign(text);
                format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
            }
        }
    }
}

/// The value of `webhook-signature`: one signature of each key that signs at a time.
pub fn signatures(
    secrets: &[WebhookSecret],
    id: &str,
    timestamp: i64,
    body: &[u8],
    now: Timestamp,
) -> String {
    let mut text = format!("{id}.{timestamp}.").into_bytes();
    text.extend_from_slice(body);
    let signs = |secret: &&WebhookSecret| secret.key.expire_time.is_none_or(|expire| expire > now);
    // The newest first: receivers look at a few.
    let signed: Vec<String> = secrets.iter().rev().filter(signs).map(|secret| secret.sign(&text)).collect();
    signed.join(" ")
}

/// RFC 2104 over SHA-256, whose blocks have 64 bytes.
fn hmac_sha256(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

/// What a receiver recognises a repeat by: the same for an event and a subscription,
/// however often it is sent.
pub fn webhook_id(source: &str, subscription: &str, position: u64) -> String {
    let hash = Sha256::new().chain_update(source).chain_update([0]).chain_update(subscription).finalize();
    format!("evt_{}_{position:020}", hex::encode(&hash[..8]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ed25519_dalek::{Signature, VerifyingKey};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn the_authentication_code_is_that_of_another_library() {
        // python3 -c "import hmac; print(hmac.new(bytes(range(32)), b'what do ya want', 'sha256').hexdigest())"
        let key: [u8; 32] = std::array::from_fn(|index| index as u8);
        let code = hmac_sha256(&key, b"what do ya want");
        assert_eq!(hex::encode(code), "6f21a7e969d25d6c8cec88e50cd5c6cd96e1ec8126ee3f43d6339895f7c25055");
    }

    #[test]
    fn a_public_key_checks_what_its_secret_signed() {
        let secret = WebhookSecret::new(WebhookKeyType::Ed25519, &[7; 32], at(0));
        let header = signatures(std::slice::from_ref(&secret), "id", 12, b"body", at(0));
        let public = STANDARD.decode(secret.shown().strip_prefix("whpk_").unwrap()).unwrap();
        let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
        let signature = STANDARD.decode(header.strip_prefix("v1a,").unwrap()).unwrap();
        let signature = Signature::from_bytes(&signature.try_into().unwrap());
        public.verify_strict(b"id.12.body", &signature).unwrap();
        public.verify_strict(b"id.12.bodY", &signature).unwrap_err();
    }

    #[test]
    fn each_key_signs_until_it_expires() {
        let mut old = WebhookSecret::new(WebhookKeyType::HmacSha256, &[1; 32], at(0));
        old.key.expire_time = Some(at(10));
        let new = WebhookSecret::new(WebhookKeyType::Ed25519, &[2; 32], at(5));
        let keys = [old, new];
        let both = signatures(&keys, "id", 1, b"", at(9));
        let schemes: Vec<&str> = both.split(' ').map(|one| one.split(',').next().unwrap()).collect();
        assert_eq!(schemes, ["v1a", "v1"]);
        assert_eq!(signatures(&keys, "id", 1, b"", at(10)).split(' ').count(), 1);
    }

    #[test]
    fn a_repeat_has_the_same_id_and_nothing_else_has() {
        let id = webhook_id("steward:logs/1", "namespaces/default/subscriptions/s", 7);
        assert_eq!(id, webhook_id("steward:logs/1", "namespaces/default/subscriptions/s", 7));
        for other in [
            webhook_id("steward:logs/2", "namespaces/default/subscriptions/s", 7),
            webhook_id("steward:logs/1", "namespaces/default/subscriptions/t", 7),
            webhook_id("steward:logs/1", "namespaces/default/subscriptions/s", 8),
        ] {
            assert_ne!(id, other);
        }
        assert!(!id.contains('.'), "dots part what is signed");
    }

    #[test]
    fn nobody_prints_a_secret_by_accident() {
        let secret = WebhookSecret::new(WebhookKeyType::HmacSha256, &[3; 32], at(0));
        assert!(!format!("{secret:?}").contains(&STANDARD.encode([3; 32])));
    }
}
