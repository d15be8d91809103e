//! Canonical JSON (RFC 8785) and digests over it. Records and audit events are
//! in this form, so a digest can be checked by anybody who has the bytes.
//!
//! Written by our own hand because each change is written twice in this form, and
//! the library for it, which judges the writer in its tests, takes six times as long.

mod writer;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The canonical JSON of a value. The types of the domain hold finite numbers
/// and text keys only, so an error means a defect in Steward.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    writer::to_vec(value)
}

/// `sha256:` and the hexadecimal SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// For `#[serde(with)]`: a 64-bit number as text, as proto3 JSON writes it,
/// because JSON readers keep only 53 bits of a number.
pub mod int64_text {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the number as text.
    pub fn serialize<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads the number from text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
