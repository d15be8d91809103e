//! Asking a witness to cosign a checkpoint (C2SP tlog-witness, `add-checkpoint`).
//! The request is a body to POST to `<submission prefix>/add-checkpoint`, the answer
//! an HTTP status and a body; sending them is not decided here.

use super::{
    checkpoint::{CheckpointError, SignedCheckpoint},
    key::{SignatureType, VerifierKey},
    line::{self, HashesError},
    merkle::Hash,
    note::{MAX_BYTES, NoteError, Signature, parse_signatures},
};
use std::fmt;

/// Most lines of a consistency proof that a witness reads.
const MAX_PROOF: usize = 63;

/// A request: the newest checkpoint, and the proof that its tree grew from the one that
/// the witness cosigned last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

/// Why something is no such request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The first line is not the old size.
    #[error("the first line must be \"old SIZE\", with a decimal number without leading zeroes")]
    OldSize,
    /// The old size is larger than the new one.
    #[error("the old size {old} is larger than {new}, the size of the checkpoint")]
    Shrunk {
        /// Size before.
        old: u64,
        /// Size of the checkpoint.
        new: u64,
    },
    /// There are more hashes than a witness reads.
    #[error("the consistency proof has more than {MAX_PROOF} hashes")]
    ProofTooLong,
    /// Nothing is to be proven.
    #[error("with an old size of 0 there must be no consistency proof")]
    Superfluous,
    /// A line of the proof is no hash.
    #[error("hash {0} of the proof must be 32 bytes in base64, or an empty line before the checkpoint")]
    Hash(usize),
    /// It is not text, or longer than what is read.
    #[error("the request must be UTF-8 and at most {MAX_BYTES} bytes long")]
    Form,
    /// The checkpoint in it is none.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl AddCheckpoint {
    /// A request. `proof` proves that the checkpoint's tree begins with that of `old_size` leaves.
    ///
    /// # Errors
    /// If a witness would not even look at it. The proof itself is not verified.
    pub fn new(old_size: u64, proof: Vec<Hash>, checkpoint: SignedCheckpoint) -> Result<Self, RequestError> {
        let new = checkpoint.checkpoint().size();
        if old_size > new {
            return Err(RequestError::Shrunk { old: old_size, new });
        }
        if old_size == 0 && !proof.is_empty() {
            return Err(RequestError::Superfluous);
        }
        if proof.len() > MAX_PROOF {
            return Err(RequestError::ProofTooLong);
        }
        Ok(Self { old_size, proof, checkpoint })
    }

    /// Parses a request, as a witness does.
    ///
    /// # Errors
    /// If it is not written exactly as the specification has it.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let body =
            str::from_utf8(body).ok().filter(|body| body.len() <= MAX_BYTES).ok_or(RequestError::Form)?;
        let (old, rest) = body.split_once('\n').ok_or(RequestError::OldSize)?;
        let old_size = old.strip_prefix("old ").and_then(line::decimal).ok_or(RequestError::OldSize)?;
        let (proof, rest) = line::hashes(rest, MAX_PROOF).map_err(|error| match error {
            HashesError::TooMany => RequestError::ProofTooLong,
            HashesError::Line(number) => RequestError::Hash(number),
        })?;
        Self::new(old_size, proof, SignedCheckpoint::parse(rest.as_bytes())?)
    }

    /// Size of the tree that the witness is taken to have cosigned last.
    pub fn old_size(&self) -> u64 {
        self.old_size
    }

    /// Proof that the checkpoint's tree grew from it.
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", line::to_base64(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned: verified cosignatures by the witness's keys, to be added to the checkpoint.
    Cosigned(Vec<Signature>),
    /// Its newest checkpoint has another size: ask again with a proof from that.
    OtherSize(u64),
}

/// Why a checkpoint was not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// 400.
    #[error("the witness did not understand the request (400)")]
    Malformed,
    /// 403.
    #[error("the witness does not trust the key that signed the checkpoint (403)")]
    UntrustedKey,
    /// 404.
    #[error("the witness does not know this log (404)")]
    UnknownLog,
    /// 409 without a size.
    #[error(
        "the witness has cosigned another root for the same size (409): the history of this log has split"
    )]
    Split,
    /// 422.
    #[error("the witness did not accept the consistency proof (422)")]
    WrongProof,
    /// A status that the specification does not have.
    #[error("the witness answered with the HTTP status {0}, which does not belong to add-checkpoint")]
    Status(u16),
    /// A body that the specification does not have.
    #[error("the witness answered with a body that is not as the specification has it")]
    Body,
    /// What it answered does not verify.
    #[error("the witness's cosignature is not right: {0}")]
    Cosignature(#[from] NoteError),
}

/// Content type of a 409 that tells the size of the witness's newest checkpoint.
const SIZE: &str = "text/x.tlog.size";

/// Reads what a witness answered to the request to cosign `checkpoint`. `keys` are those that the
/// witness is known by; cosignatures by others are ignored.
///
/// # Errors
/// If it did not cosign, or not this.
pub fn read_answer(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
    checkpoint: &SignedCheckpoint,
    keys: &[VerifierKey],
) -> Result<Answer, AnswerError> {
    match status {
        200 => cosignatures(body, checkpoint, keys).map(Answer::Cosigned),
        400 => Err(AnswerError::Malformed),
        403 => Err(AnswerError::UntrustedKey),
        404 => Err(AnswerError::UnknownLog),
        409 if content_type.is_some_and(is_size) => {
            let size = str::from_utf8(body).ok().and_then(|body| body.strip_suffix('\n'));
            size.and_then(line::decimal).map(Answer::OtherSize).ok_or(AnswerError::Body)
        }
        409 => Err(AnswerError::Split),
        422 => Err(AnswerError::WrongProof),
        other => Err(AnswerError::Status(other)),
    }
}

/// Whether a content type, whatever its parameters, is that of a size.
fn is_size(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(SIZE))
}

fn cosignatures(
    body: &[u8],
    checkpoint: &SignedCheckpoint,
    keys: &[VerifierKey],
) -> Result<Vec<Signature>, AnswerError> {
    if body.len() > MAX_BYTES {
        return Err(NoteError::TooLong(body.len()).into());
    }
    let lines =
        str::from_utf8(body).ok().and_then(|body| body.strip_suffix('\n')).ok_or(AnswerError::Body)?;
    let note = checkpoint.note().with_signatures(parse_signatures(lines)?);
    let keys: Vec<_> = keys.iter().filter(|key| key.kind() == SignatureType::Cosignature).cloned().collect();
    let verified = note.verify(&keys)?;
    Ok(verified.into_iter().map(|one| one.signature.clone()).collect())
}

#[cfg(test)]
mod tests;
