//! How an engine that persists writes the head of a log.
//!
//! Key: the byte 0x00, then the name of the log in UTF-8. Value: a version
//! byte, then compact JSON whose hashes and ids are lower-case hex. The golden
//! bytes below are what is on people's disks: a change needs a new version.

use super::engine::Head;
use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// First byte of every key that an engine keeps for itself.
const RESERVED: u8 = 0x00;
/// First byte of an encoded head.
const VERSION: u8 = 1;

/// Why stored bytes are no head.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The key does not name a log.
    #[error("a head is stored under a key that names no log")]
    Key,
    /// Written by a later version of Steward, or not a head at all.
    #[error("a head is stored in format {found}; this version of Steward reads format 1")]
    Version {
        /// The first byte.
        found: u8,
    },
    /// There is a key, but no bytes.
    #[error("a stored head is empty")]
    Empty,
    /// The JSON is not that of a head.
    #[error("a stored head cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// The key under which the head of this log is stored.
pub fn key(log: &str) -> Bytes {
    [&[RESERVED], log.as_bytes()].concat().into()
}

/// The part of the key space that holds heads, for scanning them all.
pub fn prefix() -> [u8; 1] {
    [RESERVED]
}

/// The log whose head is stored under this key.
///
/// # Errors
/// If the key is not one that [`key`] makes.
pub fn log_of(key: &[u8]) -> Result<&str, HeadError> {
    let name = key.strip_prefix(&[RESERVED]).ok_or(HeadError::Key)?;
    std::str::from_utf8(name).map_err(|_| HeadError::Key)
}

/// The bytes that are stored for this head.
///
/// # Errors
/// Only those of the JSON writer.
pub fn encode(head: &Head) -> Result<Vec<u8>, HeadError> {
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, &Stored::from(head))?;
    Ok(bytes)
}

/// The head that was stored as these bytes.
///
/// # Errors
/// If the format is another one, or the JSON is not that of a head.
pub fn decode(bytes: &[u8]) -> Result<Head, HeadError> {
    match bytes.split_first() {
        Some((&VERSION, json)) => Ok(serde_json::from_slice::<Stored>(json)?.into()),
        Some((&found, _)) => Err(HeadError::Version { found }),
        None => Err(HeadError::Empty),
    }
}

/// Fixed-length bytes that are lower-case hex in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(&text, &mut bytes).map_err(D::Error::custom)?;
        Ok(Hex(bytes))
    }
}

/// [`Head`] as JSON; the order of the fields is the order of the bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    log_id: Hex<16>,
    epoch: u32,
    size: u64,
    root: Hex<32>,
    frontier: Vec<Hex<32>>,
    batch_id: Hex<16>,
    time: i64,
    previous_size: u64,
    previous_frontier: Vec<Hex<32>>,
}

impl From<&Head> for Stored {
    fn from(head: &Head) -> Self {
        Stored {
            log_id: Hex(head.log_id),
            epoch: head.epoch,
            size: head.size,
            root: Hex(head.root),
            frontier: head.frontier.iter().copied().map(Hex).collect(),
            batch_id: Hex(head.batch_id),
            time: head.time,
            previous_size: head.previous_size,
            previous_frontier: head.previous_frontier.iter().copied().map(Hex).collect(),
        }
    }
}

impl From<Stored> for Head {
    fn from(stored: Stored) -> Self {
        Head {
            log_id: stored.log_id.0,
            epoch: stored.epoch,
            size: stored.size,
            root: stored.root.0,
            frontier: stored.frontier.into_iter().map(|Hex(hash)| hash).collect(),
            batch_id: stored.batch_id.0,
            time: stored.time,
            previous_size: stored.previous_size,
            previous_frontier: stored.previous_frontier.into_iter().map(|Hex(hash)| hash).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn example() -> Head {
        Head {
            log_id: *b"0123456789abcdef",
            epoch: 2,
            size: 3,
            root: [0xaa; 32],
            frontier: vec![[0xbb; 32], [0xcc; 32]],
            batch_id: [0x0d; 16],
            time: 1_764_000_000_123_456,
            previous_size: 1,
            previous_frontier: vec![[0xee; 32]],
        }
    }

    fn golden() -> Vec<u8> {
        let json = [
            r#"{"log_id":"30313233343536373839616263646566","epoch":2,"size":3,"root":""#,
            &"aa".repeat(32),
            r#"","frontier":[""#,
            &"bb".repeat(32),
            r#"",""#,
            &"cc".repeat(32),
            r#""],"batch_id":"0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d","time":1764000000123456,"#,
            r#""previous_size":1,"previous_frontier":[""#,
            &"ee".repeat(32),
            r#""]}"#,
        ];
        [b"\x01", json.concat().as_bytes()].concat()
    }

    #[test]
    fn a_head_is_written_as_the_golden_bytes() {
        assert_eq!(encode(&example()).unwrap(), golden());
    }

    #[test]
    fn the_golden_bytes_are_read_as_the_head() {
        assert_eq!(decode(&golden()).unwrap(), example());
    }

    #[test]
    fn a_head_of_another_format_is_refused_with_its_number() {
        let refused = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
        let expected = "a head is stored in format 2; this version of Steward reads format 1";
        assert_eq!(refused(b"\x02{}"), expected);
        assert!(refused(b"").contains("empty"));
    }

    #[test]
    fn a_head_with_a_field_too_many_or_a_hash_too_short_is_refused() {
        let text = String::from_utf8(golden()).unwrap();
        for (from, to) in [("\"epoch\"", "\"extra\":1,\"epoch\""), ("0d0d0d0d0d", "0d"), ("\"size\":3,", "")]
        {
            let spoilt = text.replacen(from, to, 1);
            assert_ne!(spoilt, text);
            assert!(matches!(decode(spoilt.as_bytes()), Err(HeadError::Json(_))), "{to}");
        }
    }

    #[test]
    fn the_key_is_a_zero_byte_and_the_name() {
        assert_eq!(key("default"), &b"\0default"[..]);
        assert_eq!(log_of(b"\0default").unwrap(), "default");
        assert!(log_of(b"default").is_err());
        assert!(log_of(b"\0\xff").is_err());
    }
}
