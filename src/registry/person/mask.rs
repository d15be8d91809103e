//! Pseudonyms in place of names, while one mutation is encoded. Whoever was never
//! named before gets one, which is written with the change.

use crate::{
    domain::{
        name::NamespaceId,
        person::{Personal, Pseudonym, SALT, is_personal, keyed},
    },
    registry::{environment::Entropy, error::Error, projection, view::View},
    store::{engine::Write, keys, record::PersonEntry},
};
use bytes::Bytes;
use std::collections::HashMap;

/// Before what is digested, so that no digest of one kind is one of another.
const TEXT: &[u8] = b"person\n";
const REQUEST: &[u8] = b"request\n";

/// The key of the index from texts to pseudonyms.
pub fn by_text(namespace: &NamespaceId, secret: &[u8; SALT], text: &str) -> Bytes {
    keys::person_by_text(namespace, &keyed(secret, &[TEXT, text.as_bytes()].concat()))
}

/// The digest of a request, as it stands in the log: it tells a repeat to Steward,
/// and lets nobody else test guesses of what was asked for.
pub fn request_digest(secret: &[u8; SALT], digest: &str) -> String {
    format!("hmac-sha256:{}", hex::encode(keyed(secret, &[REQUEST, digest.as_bytes()].concat())))
}

/// Hides the names of one mutation.
pub struct Mask<'e> {
    entropy: &'e dyn Entropy,
    secret: [u8; SALT],
    known: HashMap<String, Pseudonym>,
    /// What has to be written with the change.
    pub writes: Vec<Write>,
}

impl<'e> Mask<'e> {
    /// Begins; the first mutation of a log draws its secret.
    pub async fn begin(view: &mut View<'_>, entropy: &'e dyn Entropy) -> Result<Self, Error> {
        let mut mask = Mask { entropy, secret: [0; SALT], known: HashMap::new(), writes: Vec::new() };
        mask.secret = match view.secret().await? {
            Some(secret) => secret,
            None => {
                let secret = mask.draw();
                mask.writes.push(projection::secret(view.namespace(), &secret));
                secret
            }
        };
        Ok(mask)
    }

    /// The digest of the request, as it is kept.
    pub fn digest(&self, digest: &str) -> String {
        request_digest(&self.secret, digest)
    }

    /// Hides the names in a value, which the event at a position will hold.
    pub async fn hide<P: Personal + Send>(
        &mut self,
        view: &mut View<'_>,
        position: u64,
        value: &mut P,
    ) -> Result<(), Error> {
        let mut unknown = Vec::new();
        value.visit(&mut |text| {
            if is_personal(text) && !self.known.contains_key(text) && !unknown.contains(text) {
                unknown.push(text.clone());
            }
        });
        for text in unknown {
            let pseudonym = self.pseudonym(view, position, &text).await?;
            self.known.insert(text, pseudonym);
        }
        value.visit(&mut |text| {
            if let Some(pseudonym) = self.known.get(text) {
                *text = pseudonym.to_string();
            }
        });
        Ok(())
    }

    /// The pseudonym that a text has, or has from now on.
    async fn pseudonym(
        &mut self,
        view: &mut View<'_>,
        position: u64,
        text: &str,
    ) -> Result<Pseudonym, Error> {
        let key = by_text(view.namespace(), &self.secret, text);
        if let Some(found) = view.directory(&key).await? {
            return Pseudonym::from_bytes(&found)
                .ok_or_else(|| Error::Damaged("the directory of persons cannot be read".to_owned()));
        }
        let entry = PersonEntry { position, salt: self.draw(), text: text.to_owned() };
        let pseudonym = entry.pseudonym();
        self.writes.extend(projection::person(view.namespace(), &entry, key));
        Ok(pseudonym)
    }

    fn draw(&self) -> [u8; SALT] {
        let mut salt = [0; SALT];
        for half in salt.chunks_exact_mut(SALT / 2) {
            half.copy_from_slice(&self.entropy.draw());
        }
        salt
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_digested_is_told_apart_by_secret_and_by_kind() {
        let namespace = NamespaceId::new("default").unwrap();
        assert_ne!(request_digest(&[1; SALT], "sha256:00"), request_digest(&[2; SALT], "sha256:00"));
        assert_ne!(by_text(&namespace, &[1; SALT], "ann"), by_text(&namespace, &[2; SALT], "ann"));
        let digest = request_digest(&[1; SALT], "ann");
        let as_text = by_text(&namespace, &[1; SALT], "ann");
        assert!(!digest.ends_with(&hex::encode(&as_text[as_text.len() - 32..])));
    }
}
