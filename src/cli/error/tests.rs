//! Failures as users and programs meet them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const VERSION: &str = "namespaces/default/models/m/versions/1";
const SERVER: &str = "http://127.0.0.1:7400";

#[test]
fn each_code_has_the_exit_code_that_help_promises() {
    let cases = [
        (Code::NotFound, Exit::NotFound),
        (Code::FailedPrecondition, Exit::Refused),
        (Code::Aborted, Exit::Conflict),
        (Code::AlreadyExists, Exit::Conflict),
        (Code::InvalidArgument, Exit::BadInput),
        (Code::OutOfRange, Exit::BadInput),
        (Code::Unavailable, Exit::Unavailable),
        (Code::DeadlineExceeded, Exit::Unavailable),
        (Code::PermissionDenied, Exit::Permission),
        (Code::Unauthenticated, Exit::Permission),
        (Code::Internal, Exit::Internal),
        (Code::DataLoss, Exit::Internal),
    ];
    for (code, exit) in cases {
        assert_eq!(Failure::rpc(Status::new(code, "no"), SERVER).exit(), exit, "{code:?}");
    }
    assert_eq!(Failure::Usage(String::new()).exit(), Exit::Usage);
    assert_eq!(Failure::OutputClosed.exit(), Exit::Ok);
}

#[test]
fn every_refused_guard_stands_on_its_own_line() {
    let mut details = ErrorDetails::new();
    details.set_error_info("VERSION_NOT_CANDIDATE", "steward", std::collections::HashMap::new());
    details.add_precondition_failure_violation("NOT_CANDIDATE", VERSION, "it is a DRAFT");
    details.add_precondition_failure_violation("NO_REASON", VERSION, "a reason is needed");
    let status =
        Status::with_error_details(Code::FailedPrecondition, "version 1 cannot be approved", details);
    let failure = Failure::rpc(status, SERVER);
    assert_eq!(
        failure.text(),
        "Error: version 1 cannot be approved\n  - version 1 of m: it is a DRAFT (NOT_CANDIDATE)\n  \
         - version 1 of m: a reason is needed (NO_REASON)\nWhat to do: Put right \
         what is named above, then repeat.\n"
    );
    let json = failure.json();
    assert_eq!(json["error"]["code"], "FAILED_PRECONDITION");
    assert_eq!(json["error"]["reason"], "VERSION_NOT_CANDIDATE");
    assert_eq!(json["error"]["exitCode"], 4);
    assert_eq!(json["error"]["violations"][1]["reason"], "NO_REASON");
}

#[test]
fn a_lost_answer_to_a_change_says_how_to_repeat_it_safely() {
    let failure = Failure::rpc(Status::unavailable("gone"), SERVER).with_request_id("r-1");
    assert!(failure.is_interruption());
    assert!(failure.text().contains("--request-id r-1"), "{}", failure.text());
    let refused = Failure::rpc(Status::not_found("no model"), SERVER).with_request_id("r-1");
    assert!(!refused.text().contains("r-1"));
}

#[test]
fn a_message_cannot_move_the_cursor_of_a_terminal() {
    let failure = Failure::rpc(Status::not_found("no \u{1b}[2Jmodel"), SERVER);
    assert!(!failure.text().contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_says_nothing() {
    let closed = Failure::stdout(io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!(closed.text(), "");
    assert_eq!(closed.exit(), Exit::Ok);
}

#[test]
fn a_message_that_only_repeats_its_list_is_not_printed_twice() {
    let details = ErrorDetails::with_precondition_failure_violation("FROZEN", "v", "the content is frozen");
    let status = Status::with_error_details(Code::FailedPrecondition, "v: the content is frozen", details);
    let text = Failure::rpc(status, SERVER).text();
    assert!(
        text.starts_with("Error: This is not allowed in the present state.\n  - v: the content"),
        "{text}"
    );
    assert_eq!(text.matches("the content is frozen").count(), 1);
}

#[test]
fn a_refusal_with_a_replacement_says_where_to_move() {
    let metadata = std::collections::HashMap::from([(
        "replacement".to_owned(),
        "namespaces/default/models/fundraising/versions/2".to_owned(),
    )]);
    let details = ErrorDetails::with_error_info("VERSION_RETIRED", "steward", metadata);
    let status = Status::with_error_details(Code::FailedPrecondition, "version 1 is retired", details);
    let text = Failure::rpc(status, SERVER).text();
    assert!(text.contains("Move to its replacement, version 2 of fundraising."), "{text}");
}

#[test]
fn a_step_that_needs_somebody_else_says_how_to_propose_it() {
    let mut details = ErrorDetails::new();
    details.add_precondition_failure_violation("APPROVAL_REQUIRED", VERSION, "2 people have to agree");
    let one = Status::with_error_details(Code::FailedPrecondition, "no", details.clone());
    let text = Failure::rpc(one, SERVER).text();
    assert!(text.contains("What to do: Repeat it with --propose;"), "{text}");
    details.add_precondition_failure_violation("NOTICE_TOO_SHORT", VERSION, "2026-03-01 is the earliest");
    let two = Status::with_error_details(Code::FailedPrecondition, "no", details);
    let text = Failure::rpc(two, SERVER).text();
    assert!(text.contains("What to do:\n  - Repeat it with --propose;"), "{text}");
    assert!(text.contains("\n  - Choose the --sunset"), "{text}");
}
