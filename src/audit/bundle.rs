//! Proof bundles (C2SP tlog-proof): everything that shows, without asking anybody,
//! that a log has a leaf: its index, the inclusion proof and a signed checkpoint.

use super::{
    checkpoint::{CheckpointError, SignedCheckpoint},
    line::{self, HashesError},
    merkle::{Hash, leaf_hash},
    note::MAX_BYTES,
    policy::{Accepted, Policy, PolicyError},
    proof::{ProofError, verify_inclusion},
};
use std::fmt;

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Most hashes of an inclusion proof: one for each level of the largest tree.
const MAX_PROOF: usize = 64;

/// Why something is no proof bundle, or does not prove what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It is of another format.
    #[error("it is no proof bundle: the first line must be {HEADER}")]
    Header,
    /// It is not text, or longer than what is read.
    #[error("a proof bundle must be UTF-8 and at most twice {MAX_BYTES} bytes long")]
    Form,
    /// The extra data is not base64.
    #[error("the line that begins with \"extra\" must have data in base64 behind one space")]
    Extra,
    /// There is no index.
    #[error("a line \"index NUMBER\" must follow, with a decimal number without leading zeroes")]
    Index,
    /// A line of the proof is no hash.
    #[error("hash {0} of the proof must be 32 bytes in base64, or an empty line before the checkpoint")]
    Hash(usize),
    /// No tree has such a proof.
    #[error("the proof has more than {MAX_PROOF} hashes")]
    TooLong,
    /// The checkpoint in it is none.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is not to be trusted.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The leaf is not in the tree of the checkpoint.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// A proof that a log has a leaf; written as C2SP tlog-proof has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofBundle {
    /// Anything that the application adds. Nothing vouches for it. Empty: no such line.
    pub extra: Vec<u8>,
    /// Index of the leaf.
    pub index: u64,
    /// The inclusion proof.
    pub proof: Vec<Hash>,
    /// The signed checkpoint of the tree.
    pub checkpoint: SignedCheckpoint,
}

impl ProofBundle {
    /// Parses one. Nothing in it is to be believed before it is verified.
    ///
    /// # Errors
    /// If it is not written exactly as the specification has it.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let text = str::from_utf8(bytes).ok().filter(|text| text.len() <= 2 * MAX_BYTES);
        let (header, rest) = text.ok_or(BundleError::Form)?.split_once('\n').ok_or(BundleError::Header)?;
        if header != HEADER {
            return Err(BundleError::Header);
        }
        let (extra, rest) = read_extra(rest)?;
        let (index, rest) = rest.split_once('\n').ok_or(BundleError::Index)?;
        let index = index.strip_prefix("index ").and_then(line::decimal).ok_or(BundleError::Index)?;
        let (proof, rest) = line::hashes(rest, MAX_PROOF).map_err(|error| match error {
            HashesError::TooMany => BundleError::TooLong,
            HashesError::Line(number) => BundleError::Hash(number),
        })?;
        Ok(Self { extra, index, proof, checkpoint: SignedCheckpoint::parse(rest.as_bytes())? })
    }

    /// Verifies that a log which the policy trusts has this leaf at `index`.
    ///
    /// # Errors
    /// If that does not follow; the error says why.
    pub fn verify<'a>(&'a self, leaf: &[u8], policy: &'a Policy) -> Result<Accepted<'a>, BundleError> {
        let accepted = policy.check(&self.checkpoint)?;
        let (size, root) = (accepted.checkpoint.size(), accepted.checkpoint.root());
        verify_inclusion(&leaf_hash(leaf), self.index, size, &self.proof, root)?;
        Ok(accepted)
    }
}

fn read_extra(rest: &str) -> Result<(Vec<u8>, &str), BundleError> {
    let Some((extra, below)) = rest.split_once('\n').filter(|(line, _)| line.starts_with("extra")) else {
        return Ok((Vec::new(), rest));
    };
    let extra = extra.strip_prefix("extra ").and_then(line::base64).filter(|extra| !extra.is_empty());
    Ok((extra.ok_or(BundleError::Extra)?, below))
}

impl fmt::Display for ProofBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", line::to_base64(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", line::to_base64(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests;
