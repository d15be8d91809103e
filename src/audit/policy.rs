//! Whom to believe (C2SP tlog-policy): the keys of logs and witnesses, and which
//! witnesses together are enough.
//!
//! ```text
//! log registry.example/default+<id>+<key>
//! witness north north.example+<id>+<key> https://north.example/
//! witness south south.example+<id>+<key>
//! group both all north south
//! quorum both
//! ```
//!
//! A line of its own for each log, witness and group, and one that says which group or
//! witness has to have cosigned, or `none`. A group is reached when `all`, `any` or at least
//! the given number of its members are. Lines that begin with `#` are comments. Names stand
//! in lines above those that use them, and are used in one group at most.

mod parse;

pub use parse::{PolicyLineError, PolicyTextError};

use super::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    key::{Statement, VerifierKey},
    note::{NoteError, Verified},
};

/// A key, and where its owner can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its name in the policy; of a log, its origin.
    pub name: String,
    /// Its key.
    pub key: VerifierKey,
    /// Where to reach it, if the policy says so.
    pub url: Option<String>,
}

/// A witness or a group, by its place in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// So many of these have to have cosigned. Its groups stand before it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

/// Which signatures a checkpoint needs; parsed from the text of C2SP tlog-policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    groups: Vec<Group>,
    /// `None` asks for no cosignature.
    quorum: Option<Member>,
}

/// Why a checkpoint does not satisfy a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The policy has no key of the log.
    #[error("the checkpoint is of the log {origin}, which is not in the policy")]
    UnknownLog {
        /// Origin of the checkpoint.
        origin: String,
    },
    /// Witnesses may have signed, but the log has not.
    #[error("the log {origin} has not signed the checkpoint with a key that is in the policy")]
    NotSigned {
        /// Origin of the checkpoint.
        origin: String,
    },
    /// Too few witnesses have cosigned.
    #[error(
        "too few witnesses have cosigned for the quorum {quorum}: {}",
        if cosigned.is_empty() { "none".into() } else { cosigned.join(", ") }
    )]
    NoQuorum {
        /// Name of the quorum.
        quorum: String,
        /// Witnesses that have cosigned.
        cosigned: Vec<String>,
    },
    /// A signature by a key of the policy is wrong.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What the signatures under a checkpoint that its log has signed amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Which witnesses of the policy cosigned it, and when, in seconds since 1970.
    pub cosigned: Vec<(&'a str, u64)>,
    /// Whether these are enough.
    pub is_enough: bool,
}

/// A checkpoint that satisfies a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// What the log states.
    pub checkpoint: &'a Checkpoint,
    /// Which witnesses of the policy cosigned it, and when, in seconds since 1970.
    pub cosigned: Vec<(&'a str, u64)>,
}

impl Policy {
    /// Trusts these keys of logs, each under its name, and asks for no cosignature.
    pub fn of_logs(keys: impl IntoIterator<Item = VerifierKey>) -> Self {
        let log = |key: VerifierKey| Party { name: key.name().to_string(), key, url: None };
        Self {
            logs: keys.into_iter().map(log).collect(),
            witnesses: Vec::new(),
            groups: Vec::new(),
            quorum: None,
        }
    }

    /// The same witnesses and quorum, for logs with these keys in place of its own.
    #[must_use]
    pub fn with_logs(&self, keys: impl IntoIterator<Item = VerifierKey>) -> Self {
        let (witnesses, groups, quorum) = (self.witnesses.clone(), self.groups.clone(), self.quorum);
        Self { witnesses, groups, quorum, ..Self::of_logs(keys) }
    }

    /// The logs that are trusted.
    pub fn logs(&self) -> &[Party] {
        &self.logs
    }

    /// The witnesses that it knows, in its order.
    pub fn witnesses(&self) -> &[Party] {
        &self.witnesses
    }

    /// Verifies that the log of a checkpoint is trusted and has signed it, and that enough
    /// witnesses have cosigned it.
    ///
    /// # Errors
    /// If not, or if any signature by a key of the policy is wrong.
    pub fn check<'a>(&'a self, signed: &'a SignedCheckpoint) -> Result<Accepted<'a>, PolicyError> {
        let Standing { cosigned, is_enough } = self.standing(signed)?;
        if is_enough {
            return Ok(Accepted { checkpoint: signed.checkpoint(), cosigned });
        }
        let cosigned = cosigned.into_iter().map(|(name, _)| name.to_owned()).collect();
        Err(PolicyError::NoQuorum { quorum: self.quorum_name().to_owned(), cosigned })
    }

    /// Verifies that the log of a checkpoint is trusted and has signed it, and tells which
    /// witnesses have cosigned it.
    ///
    /// # Errors
    /// If the log has not, or if any signature by a key of the policy is wrong.
    pub fn standing(&self, signed: &SignedCheckpoint) -> Result<Standing<'_>, PolicyError> {
        let origin = || signed.checkpoint().origin().to_owned();
        let parties: Vec<_> = self.logs.iter().filter(|log| signed.is_of(&log.key)).collect();
        if parties.is_empty() {
            return Err(PolicyError::UnknownLog { origin: origin() });
        }
        let keys: Vec<_> =
            parties.into_iter().chain(&self.witnesses).map(|party| party.key.clone()).collect();
        let verified = signed.note().verify(&keys)?;
        if !verified.iter().any(|one| one.statement == Statement::Signed) {
            return Err(PolicyError::NotSigned { origin: origin() });
        }
        let times: Vec<_> =
            self.witnesses.iter().map(|witness| cosigned_at(&witness.key, &verified)).collect();
        let all = self.witnesses.iter().zip(&times);
        let cosigned = all.filter_map(|(witness, time)| Some((witness.name.as_str(), (*time)?))).collect();
        Ok(Standing { cosigned, is_enough: self.reached(&times) })
    }

    /// Whether the quorum is reached by the witnesses that have a time.
    fn reached(&self, times: &[Option<u64>]) -> bool {
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        let reached = |groups: &[bool], member: &Member| match *member {
            Member::Witness(n) => times.get(n).is_some_and(Option::is_some),
            Member::Group(n) => groups.get(n).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| reached(&groups, member)).count();
            groups.push(count >= group.threshold);
        }
        self.quorum.is_none_or(|quorum| reached(&groups, &quorum))
    }

    fn quorum_name(&self) -> &str {
        let name = match self.quorum {
            Some(Member::Witness(n)) => self.witnesses.get(n).map(|witness| &witness.name),
            Some(Member::Group(n)) => self.groups.get(n).map(|group| &group.name),
            None => None,
        };
        name.map_or("none", String::as_str)
    }
}

fn cosigned_at(witness: &VerifierKey, verified: &[Verified<'_>]) -> Option<u64> {
    verified.iter().find(|one| one.key == witness).and_then(|one| match one.statement {
        Statement::Cosigned { time } => Some(time),
        Statement::Signed => None,
    })
}

#[cfg(test)]
mod tests;
