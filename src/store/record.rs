//! How resources and requests are kept: a version byte, the position of the
//! last change, and canonical JSON that describes itself.

use crate::domain::{
    canonical,
    person::{Pseudonym, SALT},
    series::Point,
    time::Timestamp,
};
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// First byte of every record of this format.
const FORMAT: u8 = 1;
/// The version byte and the position.
const HEADER: usize = 9;

/// A record that cannot be read: the store is damaged or of a later format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecordError(String);

/// The state of a resource as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRecord {
    /// Position of the event that made this state.
    pub position: u64,
    /// Canonical JSON of the state; its digest is the digest of the state.
    pub json: Bytes,
}

impl StateRecord {
    /// The bytes to keep.
    pub fn encode(position: u64, json: &[u8]) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEADER + json.len());
        bytes.put_u8(FORMAT);
        bytes.put_u64(position);
        bytes.put_slice(json);
        bytes.freeze()
    }

    /// Reads kept bytes.
    pub fn decode(bytes: &Bytes) -> Result<Self, RecordError> {
        match bytes.first() {
            Some(&FORMAT) if bytes.len() > HEADER => {}
            Some(&FORMAT) | None => return Err(RecordError("a record is cut short".to_owned())),
            Some(other) => {
                return Err(RecordError(format!(
                    "a record has format {other}; this program reads format {FORMAT}"
                )));
            }
        }
        let position = bytes[1..HEADER].iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
        Ok(StateRecord { position, json: bytes.slice(HEADER..) })
    }
}

/// What a request id was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Position of the first event that the request caused.
    pub position: u64,
    /// How many events it caused.
    pub count: u32,
    /// Digest of the request's content.
    pub digest: String,
    /// When it was committed.
    pub time: Timestamp,
}

impl RequestRecord {
    /// The bytes to keep.
    pub fn encode(&self) -> Result<Bytes, RecordError> {
        let mut bytes = vec![FORMAT];
        serde_json::to_writer(&mut bytes, self).map_err(|error| RecordError(error.to_string()))?;
        Ok(Bytes::from(bytes))
    }

    /// Reads kept bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.split_first() {
            Some((&FORMAT, json)) => {
                serde_json::from_slice(json).map_err(|error| RecordError(error.to_string()))
            }
            _ => Err(RecordError("a request record has no known format".to_owned())),
        }
    }
}

/// Whose pseudonym it is, as the directory of persons keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonEntry {
    /// Position of the event that first named the person.
    pub position: u64,
    /// What the pseudonym was made with.
    pub salt: [u8; SALT],
    /// What the person is called.
    pub text: String,
}

impl PersonEntry {
    /// The bytes to keep.
    pub fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEADER + SALT + self.text.len());
        bytes.put_u8(FORMAT);
        bytes.put_u64(self.position);
        bytes.put_slice(&self.salt);
        bytes.put_slice(self.text.as_bytes());
        bytes.freeze()
    }

    /// Reads kept bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let broken = || RecordError("an entry of the directory of persons cannot be read".to_owned());
        let (head, text) = bytes.split_at_checked(HEADER + SALT).ok_or_else(broken)?;
        let (position, salt) = head.split_at(HEADER);
        let position = match position.split_first() {
            Some((&FORMAT, position)) => decode_number(position)?,
            _ => return Err(broken()),
        };
        let salt = salt.try_into().map_err(|_| broken())?;
        let text = std::str::from_utf8(text).map_err(|_| broken())?.to_owned();
        Ok(PersonEntry { position, salt, text })
    }

    /// The pseudonym that text and salt give.
    pub fn pseudonym(&self) -> Pseudonym {
        Pseudonym::of(&self.salt, &self.text)
    }
}

/// What is kept beside the log, such as how far a reader has got.
pub fn encode_aside<T: Serialize>(value: &T) -> Result<Bytes, RecordError> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, value).map_err(|error| RecordError(error.to_string()))?;
    Ok(Bytes::from(bytes))
}

/// Reads what is kept beside the log.
pub fn decode_aside<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(|error| RecordError(error.to_string())),
        _ => Err(RecordError("a record beside the log has no known format".to_owned())),
    }
}

/// A point of a series as it is kept in its index.
pub fn encode_point(point: &Point) -> Result<Bytes, RecordError> {
    let json = canonical::to_vec(point).map_err(|error| RecordError(error.to_string()))?;
    let mut bytes = Vec::with_capacity(1 + json.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&json);
    Ok(Bytes::from(bytes))
}

/// Reads a point of a series.
pub fn decode_point(bytes: &[u8]) -> Result<Point, RecordError> {
    match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(|error| RecordError(error.to_string())),
        _ => Err(RecordError("a point of a series has no known format".to_owned())),
    }
}

/// A number as it is kept in an index.
pub fn encode_number(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// Reads a number from an index.
pub fn decode_number(bytes: &[u8]) -> Result<u64, RecordError> {
    let bytes = bytes.try_into().map_err(|_| RecordError("an index entry is not a number".to_owned()))?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn yesterdays_bytes_are_read_today() {
        let golden = Bytes::from_static(b"\x01\0\0\0\0\0\0\x01\x02{\"name\":\"x\"}");
        let record = StateRecord::decode(&golden).unwrap();
        assert_eq!((record.position, record.json.as_ref()), (258, b"{\"name\":\"x\"}".as_ref()));
        assert_eq!(StateRecord::encode(258, b"{\"name\":\"x\"}"), golden);

        let golden = b"\x01{\"position\":7,\"count\":2,\"digest\":\"d\",\"time\":\"1970-01-01T00:00:00Z\"}";
        let record = RequestRecord::decode(golden).unwrap();
        assert_eq!((record.position, record.count, record.time.micros()), (7, 2, 0));
        assert_eq!(record.encode().unwrap().as_ref(), golden);

        let golden = [b"\x01\0\0\0\0\0\0\x01\x02".as_slice(), &[7; 32], "Zoë".as_bytes()].concat();
        let entry = PersonEntry::decode(&golden).unwrap();
        assert_eq!((entry.position, entry.salt, entry.text.as_str()), (258, [7; 32], "Zoë"));
        assert_eq!(entry.encode(), golden);

        let golden = br#"{"create_time":"1970-01-03T00:00:00Z","direction":"DIRECTION_LOWER_IS_BETTER","end":"1970-01-02T00:00:00Z","evaluation":"e1","evaluator_version":"2.1","line":{"evaluator":"judge","metric":"hallucination","slice":{"region":"north"},"version":1},"start":"1970-01-01T00:00:00Z","value":{"rate":{"k":6,"n":200}}}"#;
        let golden = [&[1], golden.as_slice()].concat();
        let point = decode_point(&golden).unwrap();
        assert_eq!((point.line.metric.as_str(), point.end.micros()), ("hallucination", 86_400_000_000));
        assert_eq!(encode_point(&point).unwrap(), golden);
    }

    #[test]
    fn damaged_and_later_records_are_refused() {
        for bytes in ["", "\u{1}", "\u{1}1234567", "\u{2}12345678{}"] {
            assert!(StateRecord::decode(&Bytes::copy_from_slice(bytes.as_bytes())).is_err(), "{bytes:?}");
            assert!(RequestRecord::decode(bytes.as_bytes()).is_err(), "{bytes:?}");
            assert!(decode_point(bytes.as_bytes()).is_err(), "{bytes:?}");
            assert!(PersonEntry::decode(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        assert!(decode_number(b"123").is_err());
    }
}
