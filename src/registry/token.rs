//! Resume tokens: where a stream stood, and in which history.

use crate::{audit::merkle::Hash, domain::name::NameError};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// First byte of every token of this format.
const FORMAT: u8 = 1;
/// Bytes of a leaf hash in a token: enough that no other leaf has them by chance.
const WITNESS: usize = 16;
/// Format, log, epoch, position, witness.
const LENGTH: usize = 1 + 16 + 4 + 8 + WITNESS;

/// Where a stream stood. The hash of the last event before it witnesses the
/// history: after a restored backup another event may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeToken {
    /// Identity of the log.
    pub log_id: [u8; 16],
    /// Epoch of the log.
    pub epoch: u32,
    /// Position of the next event to deliver.
    pub next: u64,
    witness: [u8; WITNESS],
}

impl ResumeToken {
    /// A token for what follows an event with a leaf hash; `None` at the beginning.
    pub fn new(log_id: [u8; 16], epoch: u32, next: u64, last: Option<&Hash>) -> Self {
        ResumeToken { log_id, epoch, next, witness: witness(last) }
    }

    /// The token as it was given out in an earlier epoch of the same history.
    pub fn in_epoch(self, epoch: u32) -> Self {
        ResumeToken { epoch, ..self }
    }

    /// Whether the event before this token's position is the one it was given for.
    pub fn witnesses(&self, last: Option<&Hash>) -> bool {
        self.witness == witness(last)
    }

    /// The text that callers keep.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.log_id);
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.next.to_be_bytes());
        bytes.extend_from_slice(&self.witness);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what a caller kept.
    pub fn decode(text: &str) -> Result<Self, NameError> {
        let broken = || NameError("is not a token that a stream of audit events gave out".to_owned());
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| broken())?;
        if bytes.len() != LENGTH || bytes[0] != FORMAT {
            return Err(broken());
        }
        let mut token = ResumeToken { log_id: [0; 16], epoch: 0, next: 0, witness: [0; WITNESS] };
        token.log_id.copy_from_slice(&bytes[1..17]);
        token.epoch = bytes[17..21].iter().fold(0, |number, byte| (number << 8) | u32::from(*byte));
        token.next = bytes[21..29].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
        token.witness.copy_from_slice(&bytes[29..]);
        Ok(token)
    }
}

fn witness(last: Option<&Hash>) -> [u8; WITNESS] {
    let mut witness = [0; WITNESS];
    if let Some(hash) = last {
        witness.copy_from_slice(&hash[..WITNESS]);
    }
    witness
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        let token = ResumeToken::new([3; 16], 2, u64::MAX, Some(&[9; 32]));
        assert_eq!(ResumeToken::decode(&token.encode()).unwrap(), token);
        assert!(token.witnesses(Some(&[9; 32])));
        assert!(!token.witnesses(Some(&[8; 32])));
        assert!(!token.witnesses(None));
    }

    #[test]
    fn anything_else_is_refused() {
        let token = ResumeToken::new([3; 16], 2, 5, None).encode();
        for text in ["", "x", "AAAA", &token[1..], &format!("{token}AA"), &token.replace('A', "*")] {
            assert!(ResumeToken::decode(text).is_err(), "{text:?}");
        }
    }
}
