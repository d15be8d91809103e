//! Checkpoints (C2SP tlog-checkpoint): the size and root of a log, signed by it.

use super::{
    key::{SignatureType, SigningKey, VerifierKey},
    line,
    merkle::{Hash, empty_root},
    note::{NoteError, Signature, SignedNote},
};
use std::{fmt, str::FromStr};

/// Why something is no checkpoint, or is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The origin cannot stand in a line.
    #[error(
        "a checkpoint's origin, its first line, must not be empty and must contain no control characters"
    )]
    Origin,
    /// The second line is no tree size.
    #[error(
        "a checkpoint's second line must be the size of the tree, a decimal number without leading zeroes"
    )]
    Size,
    /// The third line is no hash.
    #[error("a checkpoint's third line must be the root of the tree, 32 bytes in base64")]
    Root,
    /// Something else than lines follows.
    #[error("a checkpoint's lines must each end with a newline, and none may be empty")]
    Lines,
    /// The tree without leaves has only one root.
    #[error("a checkpoint of size 0 must have the root of the empty tree")]
    EmptyRoot,
    /// A log signs with keys of its own name.
    #[error("the checkpoint is of the log {origin}, but no key of that name is trusted here")]
    UnknownLog {
        /// Origin in the checkpoint.
        origin: String,
    },
    /// A checkpoint is signed with a key that has the log's origin as its name.
    #[error("the key {key} cannot sign for the log {origin}: a log's key has the origin as its name")]
    ForeignKey {
        /// Name of the key.
        key: String,
        /// Origin of the checkpoint.
        origin: String,
    },
    /// The note around it is not right.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What a log states of itself at one size; written and parsed as the text of the note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines, which the specification advises against.
    ///
    /// # Errors
    /// If the origin is empty or has control characters, or a tree without leaves another root
    /// than [`empty_root`].
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if origin.is_empty() || !line::is_plain(origin) {
            return Err(CheckpointError::Origin);
        }
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin: origin.into(), size, root, extensions: Vec::new() })
    }

    /// Identity of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Lines behind the first three, which mean nothing to us.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, line::to_base64(&self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = text.split('\n');
        let origin = lines.next().unwrap_or_default();
        let size = lines.next().and_then(line::decimal).ok_or(CheckpointError::Size)?;
        let root = lines.next().and_then(line::hash).ok_or(CheckpointError::Root)?;
        let extensions: Vec<_> = lines.map(str::to_owned).collect();
        if extensions.iter().any(|line| line.is_empty() || !line::is_plain(line)) {
            return Err(CheckpointError::Lines);
        }
        Ok(Self { extensions, ..Self::new(origin, size, root)? })
    }
}

/// A checkpoint as a signed note, with the signatures of its log and its witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
}

impl SignedCheckpoint {
    /// Signs a checkpoint with a key that has the origin as its name.
    ///
    /// # Errors
    /// If the key has another name.
    pub fn sign(checkpoint: Checkpoint, key: &SigningKey) -> Result<Self, CheckpointError> {
        let name = key.verifier().name().as_str();
        if name != checkpoint.origin {
            return Err(CheckpointError::ForeignKey { key: name.into(), origin: checkpoint.origin });
        }
        let note = SignedNote::sign(checkpoint.to_string(), key)?;
        Ok(Self { checkpoint, note })
    }

    /// Signs it with one more key of the log: during a rotation both the old and the new one sign.
    ///
    /// # Errors
    /// If the key has another name than the log.
    pub fn sign_also(&mut self, key: &SigningKey) -> Result<(), CheckpointError> {
        let other = Self::sign(self.checkpoint.clone(), key)?;
        other.note.signatures().iter().for_each(|signature| self.note.add(signature.clone()));
        Ok(())
    }

    /// Parses one. Nothing in it is to be believed before it is verified.
    ///
    /// # Errors
    /// If it is not written exactly as the specifications have it.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(bytes)?;
        Ok(Self { checkpoint: note.text().parse()?, note })
    }

    /// Verifies that its log has signed it, and gives what the log states. `trusted` are keys of logs;
    /// those of other logs and other kinds are left out of account.
    ///
    /// # Errors
    /// If no trusted key of its log has signed it, or a signature by one is wrong.
    pub fn verify(&self, trusted: &[VerifierKey]) -> Result<&Checkpoint, CheckpointError> {
        let of_log = |key: &&VerifierKey| self.is_of(key);
        let keys: Vec<_> = trusted.iter().filter(of_log).cloned().collect();
        if keys.is_empty() {
            return Err(CheckpointError::UnknownLog { origin: self.checkpoint.origin.clone() });
        }
        self.note.verify(&keys)?;
        Ok(&self.checkpoint)
    }

    /// Whether a key can sign for its log.
    pub(super) fn is_of(&self, key: &VerifierKey) -> bool {
        key.kind() == SignatureType::Ed25519 && key.name().as_str() == self.checkpoint.origin
    }

    /// What it states, verified or not.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note around it.
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// Adds the cosignature of a witness, in place of an earlier one by the same key.
    pub fn add_cosignature(&mut self, cosignature: Signature) {
        self.note.add(cosignature);
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

#[cfg(test)]
mod tests;
