//! Who calls. The one place where a caller's identity comes from.
//!
//! Until access control lands the client says who it is, and every event says
//! that nobody checked it (`unauthenticated`).

use super::bad_header;
use crate::{
    domain::person::{ANONYMOUS, Pseudonym},
    registry::call::Caller,
};
use percent_encoding::percent_decode_str;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// Metadata header with the name of the caller: percent-encoded UTF-8, 1-200
/// characters, none of them a control character.
pub const ACTOR_HEADER: &str = "steward-actor";

/// Metadata header with the W3C trace context.
pub const TRACEPARENT_HEADER: &str = "traceparent";

/// Metadata header that has a change answered only when a signed checkpoint covers it:
/// `true` or `false`.
pub const CHECKPOINT_HEADER: &str = "steward-wait-for-checkpoint";

/// CloudEvents `authtype` of a name that nobody checked.
const UNAUTHENTICATED: &str = "unauthenticated";

const MAX_ACTOR_CHARS: usize = 200;
const ACTOR_RULE: &str = "one value of 1-200 characters, percent-encoded UTF-8, no control characters, \
                          and no pseudonym (`person:` and 32 digits)";

/// Reads who calls, and as part of which trace, from the metadata of a call.
///
/// # Errors
/// INVALID_ARGUMENT when [`ACTOR_HEADER`] or [`CHECKPOINT_HEADER`] is there and is not as described.
/// A bad `traceparent` is no error: it is ignored, as W3C asks for.
pub fn caller(metadata: &MetadataMap) -> Result<Caller, Status> {
    let mut actors = metadata.get_all(ACTOR_HEADER).iter();
    let actor = match (actors.next(), actors.next()) {
        (None, _) => ANONYMOUS.to_owned(),
        (Some(value), None) => {
            value.to_str().ok().and_then(decode_actor).ok_or_else(|| bad_header(ACTOR_HEADER, ACTOR_RULE))?
        }
        (Some(_), Some(_)) => return Err(bad_header(ACTOR_HEADER, ACTOR_RULE)),
    };
    let traceparent = metadata
        .get(TRACEPARENT_HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|value| is_traceparent(value))
        .map(str::to_owned);
    let waits_for_checkpoint = match metadata.get(CHECKPOINT_HEADER).map(|value| value.as_bytes()) {
        None | Some(b"false") => false,
        Some(b"true") => true,
        Some(_) => return Err(bad_header(CHECKPOINT_HEADER, "true or false")),
    };
    Ok(Caller { actor, auth_type: UNAUTHENTICATED, traceparent, waits_for_checkpoint })
}

fn decode_actor(value: &str) -> Option<String> {
    let actor = percent_decode_str(value).decode_utf8().ok()?.into_owned();
    let fits = (1..=MAX_ACTOR_CHARS).contains(&actor.chars().count());
    // Whoever acts under a pseudonym would be another person than its owner to every rule.
    let is_free = fits && !actor.chars().any(char::is_control) && Pseudonym::read(&actor).is_none();
    is_free.then_some(actor)
}

/// Whether the value is `version-trace_id-parent_id-flags` in lower-case
/// hexadecimal digits. Versions after 00 may have more behind the flags.
fn is_traceparent(value: &str) -> bool {
    let mut parts = value.splitn(5, '-');
    let mut hex = |length: usize| {
        parts.next().filter(|part| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    let (Some(version), Some(trace), Some(parent), Some(_flags)) = (hex(2), hex(32), hex(16), hex(2)) else {
        return false;
    };
    let nonzero = |id: &str| id.bytes().any(|b| b != b'0');
    let complete = parts.next().is_none() || version != "00";
    version != "ff" && nonzero(trace) && nonzero(parent) && complete
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use tonic::Code;
    use tonic_types::StatusExt;

    fn caller_with(header: &'static str, value: &str) -> Result<Caller, Status> {
        let mut metadata = MetadataMap::new();
        metadata.insert(header, value.parse().unwrap());
        caller(&metadata)
    }

    #[test]
    fn without_a_name_the_caller_is_anonymous() {
        let caller = caller(&MetadataMap::new()).unwrap();
        assert_eq!(caller.actor, "anonymous");
        assert_eq!(caller.auth_type, "unauthenticated");
        assert_eq!(caller.traceparent, None);
    }

    #[test]
    fn names_may_be_percent_encoded() {
        for (value, wanted) in [
            ("maria", "maria"),
            ("Mar%C3%ADa%20L%C3%B3pez", "María López"),
            ("ci@example.org", "ci@example.org"),
            ("50%25", "50%"),
            (&"%C3%BC".repeat(200), &"ü".repeat(200)),
        ] {
            assert_eq!(caller_with(ACTOR_HEADER, value).unwrap().actor, wanted);
        }
    }

    #[test]
    fn names_that_are_empty_long_or_unprintable_are_refused_by_field() {
        for value in ["", "%00", "a%0Ab", "%FF", "%C2%85", &"x".repeat(201)] {
            let status = caller_with(ACTOR_HEADER, value).unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{value:?}");
            let details = status.get_error_details();
            assert_eq!(details.bad_request().unwrap().field_violations[0].field, "steward-actor");
            assert_eq!(details.error_info().unwrap().reason, "INVALID_METADATA");
        }
    }

    #[test]
    fn two_names_are_refused() {
        let mut metadata = MetadataMap::new();
        metadata.append(ACTOR_HEADER, "maria".parse().unwrap());
        metadata.append(ACTOR_HEADER, "joan".parse().unwrap());
        assert_eq!(caller(&metadata).unwrap_err().code(), Code::InvalidArgument);
    }

    #[test]
    fn a_caller_may_wait_for_a_checkpoint() {
        assert!(caller_with(CHECKPOINT_HEADER, "true").unwrap().waits_for_checkpoint);
        assert!(!caller_with(CHECKPOINT_HEADER, "false").unwrap().waits_for_checkpoint);
        assert!(!caller(&MetadataMap::new()).unwrap().waits_for_checkpoint);
        assert_eq!(caller_with(CHECKPOINT_HEADER, "yes").unwrap_err().code(), Code::InvalidArgument);
    }

    #[test]
    fn a_traceparent_is_kept_if_it_is_valid_and_else_ignored() {
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more-still";
        for value in [valid, later] {
            assert_eq!(caller_with(TRACEPARENT_HEADER, value).unwrap().traceparent.as_deref(), Some(value));
        }
        for value in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(caller_with(TRACEPARENT_HEADER, value).unwrap().traceparent, None, "{value:?}");
        }
    }
}
