//! Keys of the directory of persons, which stands beside the log.

use super::{Key, Tag};
use crate::domain::{
    name::{NamespaceId, PersonName},
    person::Pseudonym,
};
use bytes::Bytes;
use std::ops::Range;

impl Key {
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// That a person was erased: a state, as of any resource.
pub(super) fn erased(name: &PersonName) -> Bytes {
    Key::new(Tag::Person, &name.namespace).raw(name.person.bytes()).done()
}

/// Whose pseudonym it is.
pub fn person(namespace: &NamespaceId, pseudonym: &Pseudonym) -> Bytes {
    Key::new(Tag::PersonEntry, namespace).raw(pseudonym.bytes()).done()
}

/// Everybody whose pseudonym is known.
pub fn persons(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::PersonEntry, namespace).range()
}

/// The pseudonym whose key this is.
pub fn pseudonym_of(key: &[u8]) -> Option<Pseudonym> {
    Pseudonym::from_bytes(key.last_chunk::<16>()?)
}

/// Which pseudonym a text has, by its keyed digest.
pub fn person_by_text(namespace: &NamespaceId, digest: &[u8; 32]) -> Bytes {
    Key::new(Tag::PersonByText, namespace).raw(digest).done()
}

/// What digests of a namespace are keyed with.
pub fn secret(namespace: &NamespaceId) -> Bytes {
    Key::new(Tag::Secret, namespace).done()
}

/// Whether a key says whose pseudonym it is.
pub fn is_of_person(key: &[u8]) -> bool {
    key.first() == Some(&(Tag::PersonEntry as u8))
}

/// Whether a key belongs to the directory of persons.
pub fn is_of_directory(key: &[u8]) -> bool {
    let tags = [Tag::PersonEntry, Tag::PersonByText, Tag::Secret];
    key.first().is_some_and(|first| tags.iter().any(|tag| *tag as u8 == *first))
}
