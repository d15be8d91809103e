//! A copy of the directory of persons, as `steward export --persons` writes it and
//! `steward rebuild --persons` takes it back: JSON lines, the first of them a heading.

use crate::{
    domain::person::{Pseudonym, SALT},
    registry::error::Error,
    store::record::PersonEntry,
};
use serde::{Deserialize, Serialize};

/// The first line: whose directory it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    /// Identity of the log.
    pub log_id: String,
    /// What digests are keyed with, in hexadecimal digits.
    pub secret: String,
}

/// Each other line: one person.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Position of the event that first named the person.
    pub position: u64,
    /// `person:` and 32 digits.
    pub pseudonym: String,
    /// What the pseudonym was made with, in hexadecimal digits.
    pub salt: String,
    /// What the person is called.
    pub text: String,
}

impl Heading {
    /// The secret.
    pub fn secret(&self) -> Result<[u8; SALT], Error> {
        read_hex("secret", &self.secret)
    }
}

impl Line {
    /// The entry, if the pseudonym is that of its text and salt.
    pub fn entry(self) -> Result<PersonEntry, Error> {
        let salt = read_hex("salt", &self.salt)?;
        let entry = PersonEntry { position: self.position, salt, text: self.text };
        if Pseudonym::read(&self.pseudonym) == Some(entry.pseudonym()) {
            return Ok(entry);
        }
        Err(Error::Damaged(format!("{} is not the pseudonym of its text and salt", self.pseudonym)))
    }
}

fn read_hex(field: &str, digits: &str) -> Result<[u8; SALT], Error> {
    let mut bytes = [0; SALT];
    let wrong = |_| Error::Damaged(format!("the {field} has to be {} hexadecimal digits", 2 * SALT));
    hex::decode_to_slice(digits, &mut bytes).map_err(wrong)?;
    Ok(bytes)
}
