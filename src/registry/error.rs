//! What a use case can answer instead of what was asked. It knows no codes of
//! any wire: `grpc/error.rs` holds the one table that maps it.

use super::cosigned::Dispute;
use crate::{
    domain::{
        check::Violations,
        name::NamespaceId,
        refusal::Refusal,
        resource::{Kind, ResourceName},
    },
    store::{engine::ReadError, record::RecordError},
};

/// Why a use case did not do what was asked. Nothing was changed, unless it
/// says that the outcome is unknown.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong by itself.
    #[error("the request is not valid")]
    Invalid(Violations),
    /// There is no such resource.
    #[error("{} {name} does not exist", .kind.word())]
    NotFound {
        /// What kind of resource.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// The resource is there already.
    #[error("{} {name} exists already{}", .kind.word(), .hint)]
    Exists {
        /// What kind of resource.
        kind: Kind,
        /// Its name.
        name: String,
        /// What to do; empty or beginning with a separator.
        hint: &'static str,
    },
    /// The request id was used for another request.
    #[error("request id {0} was used for another request within the last 24 hours; draw a new one")]
    RequestIdReused(String),
    /// The resource is not in the state that the caller has seen.
    #[error("{name} has changed: its etag is {present}, not {given}; read it again and repeat the change")]
    Stale {
        /// The resource.
        name: String,
        /// Its etag.
        present: String,
        /// The caller's.
        given: String,
    },
    /// Guards of the domain refused; all of them are listed.
    #[error("{}", sentence(.0))]
    Refused(Vec<Refusal>),
    /// A position that does not exist yet.
    #[error("position {position} is beyond the log, which has {size} events")]
    BeyondHead {
        /// The position.
        position: u64,
        /// Events in the log.
        size: u64,
    },
    /// A resume token of a history that this log does not have.
    #[error(
        "the resume token belongs to another history of this log, as after a restored backup: \
         events that were delivered may be missing here; compare, then subscribe from a position"
    )]
    LogForked,
    /// A witness knows another history of the log.
    #[error("{sentence}")]
    Disputed {
        /// The witness.
        witness: String,
        /// How many events it has cosigned.
        size: u64,
        /// What is wrong and what to do.
        sentence: String,
    },
    /// The change was made, but the checkpoint that its caller waits for was not.
    #[error(
        "the change was made, at position {position}, but no checkpoint covers it yet: {cause}; repeat it with the \
         same request id, or ask for the checkpoint"
    )]
    Uncovered {
        /// Position of its last event.
        position: u64,
        /// Why not.
        cause: String,
    },
    /// An acknowledgement by a reader who is not the present one.
    #[error(
        "another reader has taken the partition over: its generation is {present}; open the partition again to \
         go on, and expect its events since the last acknowledgement once more"
    )]
    ReaderFenced {
        /// The generation of the present reader.
        present: u64,
    },
    /// The end of a reader's stream.
    #[error("another reader has taken the partition over, or somebody has moved it")]
    ReaderReplaced,
    /// The store does not answer now.
    #[error("{0}")]
    Unavailable(String),
    /// The store answers with what cannot be right.
    #[error("{0}")]
    Damaged(String),
    /// It is not known whether the change took place.
    #[error("it is not known whether the change took place ({0}); repeat it with the same request id")]
    Unknown(String),
    /// A defect of Steward.
    #[error("{0}")]
    Internal(String),
}

fn sentence(refusals: &[Refusal]) -> String {
    let sentences: Vec<String> =
        refusals.iter().map(|r| format!("{}: {}", r.subject, r.description)).collect();
    sentences.join("; ")
}

impl Error {
    /// That a resource does not exist.
    pub fn not_found(name: impl Into<ResourceName>) -> Self {
        let name = name.into();
        Error::NotFound { kind: name.kind(), name: name.to_string() }
    }

    /// That a resource exists already.
    pub fn exists(name: impl Into<ResourceName>, hint: &'static str) -> Self {
        let name = name.into();
        Error::Exists { kind: name.kind(), name: name.to_string(), hint }
    }

    /// That a witness knows another history of a log.
    pub fn disputed(namespace: &NamespaceId, dispute: &Dispute) -> Self {
        let (witness, size) = (dispute.witness.clone(), dispute.size);
        Error::Disputed { witness, size, sentence: dispute.sentence(namespace) }
    }

    /// That one field is wrong.
    pub fn field(field: &str, description: impl Into<String>) -> Self {
        Error::Invalid(Violations::one(field, description))
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Error::Invalid(violations)
    }
}

impl From<Vec<Refusal>> for Error {
    fn from(refusals: Vec<Refusal>) -> Self {
        Error::Refused(refusals)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Error::Unavailable(error.to_string()),
            ReadError::Damaged(_) => Error::Damaged(error.to_string()),
        }
    }
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        Error::Damaged(error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Damaged(format!("a stored value cannot be read: {error}"))
    }
}
