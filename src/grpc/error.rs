//! The one table from what a use case answers to what the wire carries. The
//! message is for people, the details are for programs: `ErrorInfo` always, and
//! the rest where it says more.

use super::ERROR_DOMAIN;
use crate::{
    domain::{
        check::{Violation, Violations, shortened},
        refusal::Refusal,
        resource::Kind,
    },
    registry::error::Error,
};
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Most bytes of an error's sentence, and of its violations. Both travel in headers,
/// for which some clients take 8 KiB in all, and answer INTERNAL beyond.
const LONGEST_SENTENCE: usize = 1_024;
const MOST_VIOLATIONS: usize = 4_096;
/// Most bytes of an etag that is quoted; ours are shorter.
const LONGEST_ETAG: usize = 64;

/// What a caller should wait before trying again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let sentence = shortened(&error.to_string(), LONGEST_SENTENCE).into_owned();
        match error {
            Error::Invalid(violations) => invalid(&violations),
            Error::NotFound { kind, name } => {
                let mut details = info(&not_found_reason(kind), []);
                details.set_resource_info(resource_type(kind), name, "", "does not exist");
                Status::with_error_details(Code::NotFound, sentence, details)
            }
            Error::Exists { kind, name, .. } => {
                let mut details = info(&exists_reason(kind), []);
                details.set_resource_info(resource_type(kind), name, "", "exists already");
                Status::with_error_details(Code::AlreadyExists, sentence, details)
            }
            Error::RequestIdReused(id) => {
                status(Code::AlreadyExists, sentence, "REQUEST_ID_REUSED", [("request_id", id)])
            }
            Error::Stale { name, present, given } => {
                let given = shortened(&given, LONGEST_ETAG).into_owned();
                let metadata = [("name", name), ("present_etag", present), ("given_etag", given)];
                status(Code::Aborted, sentence, "ETAG_MISMATCH", metadata)
            }
            Error::Refused(refusals) => refused(sentence, &refusals),
            Error::BeyondHead { position, size } => {
                let metadata = [("position", position.to_string()), ("size", size.to_string())];
                status(Code::OutOfRange, sentence, "POSITION_BEYOND_HEAD", metadata)
            }
            Error::ReaderFenced { present } => {
                let metadata = [("present_generation", present.to_string())];
                status(Code::FailedPrecondition, sentence, "READER_FENCED", metadata)
            }
            Error::ReaderReplaced => status(Code::Aborted, sentence, "READER_FENCED", []),
            Error::LogForked => status(Code::FailedPrecondition, sentence, "LOG_FORKED", []),
            Error::Disputed { witness, size, .. } => {
                let metadata = [("witness", witness), ("witness_size", size.to_string())];
                status(Code::FailedPrecondition, sentence, "WITNESS_DISAGREES", metadata)
            }
            Error::Unavailable(_) => {
                let mut details = info("UNAVAILABLE", []);
                details.set_retry_info(Some(RETRY_DELAY));
                Status::with_error_details(Code::Unavailable, sentence, details)
            }
            Error::Uncovered { position, .. } => {
                let position = [("audit_position", position.to_string())];
                let mut details = info("NOT_COVERED_BY_CHECKPOINT", position);
                details.set_retry_info(Some(RETRY_DELAY));
                Status::with_error_details(Code::Unavailable, sentence, details)
            }
            Error::Damaged(_) => status(Code::DataLoss, sentence, "STORE_DAMAGED", []),
            Error::Unknown(_) => status(Code::Unknown, sentence, "OUTCOME_UNKNOWN", []),
            Error::Internal(cause) => {
                tracing::error!(%cause, "a defect of Steward");
                let sentence = "a defect of Steward; its log has the details".to_owned();
                status(Code::Internal, sentence, "INTERNAL", [])
            }
        }
    }
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Self {
        invalid(&violations)
    }
}

/// The violations, as many as fit, with their fields.
fn invalid(violations: &Violations) -> Status {
    let mut details = info("INVALID_FIELDS", []);
    let list = violations.list();
    for violation in fitting(list, |violation| violation.field.len() + violation.description.len()) {
        details.add_bad_request_violation(&violation.field, &violation.description);
    }
    let sentence = |violation: &Violation| {
        shortened(&format!("{} {}", violation.field, violation.description), LONGEST_SENTENCE / 4)
            .into_owned()
    };
    let sentences: Vec<String> = list.iter().take(3).map(sentence).collect();
    let more = match list.len().saturating_sub(3) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Status::with_error_details(Code::InvalidArgument, format!("{}{more}", sentences.join("; ")), details)
}

/// The first of a list, as far as they fit; at least one.
fn fitting<T>(list: &[T], size: impl Fn(&T) -> usize) -> &[T] {
    let mut room = MOST_VIOLATIONS;
    let fits = |one: &&T| {
        let left = room.checked_sub(size(one));
        room = left.unwrap_or(0);
        left.is_some()
    };
    let count = list.iter().take_while(fits).count().max(1);
    &list[..count.min(list.len())]
}

/// The guards that refused, as many as fit; the first one names the error.
fn refused(sentence: String, refusals: &[Refusal]) -> Status {
    let reason = refusals.first().map_or("REFUSED", |refusal| refusal.reason.as_str());
    let replacement = refusals.iter().find_map(|refusal| refusal.replacement.clone());
    let values = refusals.first().map(|refusal| refusal.values.clone()).unwrap_or_default();
    let mut details = info(reason, replacement.map(|name| ("replacement", name)).into_iter().chain(values));
    let size = |refusal: &Refusal| refusal.subject.len() + refusal.description.len();
    for refusal in fitting(refusals, size) {
        let (word, subject) = (refusal.reason.as_str(), &refusal.subject);
        details.add_precondition_failure_violation(word, subject, &refusal.description);
    }
    Status::with_error_details(Code::FailedPrecondition, sentence, details)
}

/// A status with nothing but its `ErrorInfo`.
pub fn status(
    code: Code,
    sentence: String,
    reason: &str,
    metadata: impl IntoIterator<Item = (&'static str, String)>,
) -> Status {
    Status::with_error_details(code, sentence, info(reason, metadata))
}

fn info(reason: &str, metadata: impl IntoIterator<Item = (&'static str, String)>) -> ErrorDetails {
    let metadata: HashMap<String, String> =
        metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    ErrorDetails::with_error_info(reason, ERROR_DOMAIN, metadata)
}

/// As `google.api.resource` in the contract has it.
fn resource_type(kind: Kind) -> String {
    format!("steward.dev/{}", kind.message())
}

fn not_found_reason(kind: Kind) -> String {
    format!("{}_NOT_FOUND", kind.message().to_uppercase())
}

fn exists_reason(kind: Kind) -> String {
    format!("{}_EXISTS", kind.message().to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refusal::Reason;

    #[test]
    fn every_reason_stands_in_the_documentation() {
        let documented = include_str!("../../docs/errors.md");
        let guards = Reason::ALL.iter().map(|reason| reason.as_str());
        let missing: Vec<String> = guards
            .map(str::to_owned)
            .chain(Kind::ALL.into_iter().flat_map(|kind| [not_found_reason(kind), exists_reason(kind)]))
            .filter(|reason| !documented.contains(&format!("`{reason}`")))
            .collect();
        assert_eq!(missing, Vec::<String>::new());
    }
}
