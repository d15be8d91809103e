//! What can go wrong on the command line, told in words and in exit codes.

use std::{error::Error as _, fmt::Write as _, io, path::Path};

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{
    refusal::{self, refusal_words},
    table::{printable, resource_words},
};
use crate::proto::code_name;

mod exit;

pub use exit::Exit;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The server refused, or could not be reached.
    Rpc(Box<RpcFailure>),
    /// Arguments that are well-formed one by one but make no sense together.
    Usage(String),
    /// Content that was read from a file or from standard input is wrong.
    Input(String),
    /// A file could not be read or written, named in words with what was done.
    Io(String, io::Error),
    /// Nobody reads standard output any more, as behind `| head`: a quiet end.
    OutputClosed,
    /// The server answered something that breaks its contract.
    Contract(String),
    /// What was to be verified is not right.
    Unproven(String),
    /// A health check that was answered, but not with SERVING.
    NotServing(String),
    /// The refusals were the answer that was asked for, and are told already.
    RefusalsTold,
}

/// A call that failed.
#[derive(Debug)]
pub struct RpcFailure {
    status: Status,
    server: String,
    /// Set for changes: with it a repeat is safe.
    request_id: Option<String>,
}

/// One refusal among several: a field or a guard.
pub struct Violation {
    kind: &'static str,
    /// The field or the resource.
    pub subject: String,
    /// The word of a guard; empty for others.
    pub reason: String,
    /// What is wrong, in a sentence.
    pub description: String,
}

impl Violation {
    /// The refusal as one line.
    pub fn text(&self) -> String {
        refusal_words(&self.reason, &self.subject, &self.description)
    }
}

impl Failure {
    /// A call to `server` (its URL) that ended with `status`.
    pub fn rpc(status: Status, server: &str) -> Self {
        Failure::Rpc(Box::new(RpcFailure { status, server: server.to_owned(), request_id: None }))
    }

    /// The file at `path` could not be used as `what` says ("read", "write").
    pub fn file(what: &str, path: &Path, error: io::Error) -> Self {
        Failure::Io(format!("Cannot {what} {}", path.display()), error)
    }

    /// Standard output could not be written; a closed pipe is an ordinary end.
    pub fn stdout(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Io("Cannot write to standard output".to_owned(), error),
        }
    }

    /// Remembers under which request id a change was sent.
    pub fn with_request_id(mut self, request_id: &str) -> Self {
        if let Failure::Rpc(failure) = &mut self
            && !request_id.is_empty()
        {
            failure.request_id = Some(request_id.to_owned());
        }
        self
    }

    /// The gRPC code, when a server or the connection to it is the cause.
    pub fn code(&self) -> Option<Code> {
        match self {
            Failure::Rpc(failure) => Some(failure.status.code()),
            _ => None,
        }
    }

    /// Whether the same call may well succeed a moment later: the server was
    /// away, or the connection broke.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Failure::Rpc(failure) if is_interruption(&failure.status))
    }

    /// The exit code of the process.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Rpc(failure) => exit_of(&failure.status),
            Failure::Usage(_) => Exit::Usage,
            Failure::Input(_) => Exit::BadInput,
            Failure::Io(..) | Failure::Contract(_) => Exit::Internal,
            Failure::Unproven(_) => Exit::Unproven,
            Failure::OutputClosed => Exit::Ok,
            Failure::RefusalsTold => Exit::Refused,
            Failure::NotServing(_) => Exit::Unavailable,
        }
    }

    /// The failure for people: what happened, each refusal on a line of its
    /// own, and what to do. Empty when there is nothing to say.
    pub fn text(&self) -> String {
        if matches!(self, Failure::OutputClosed | Failure::RefusalsTold) {
            return String::new();
        }
        let violations = self.violations();
        let mut text = format!("Error: {}\n", printable(&self.headline(&violations)));
        for violation in violations {
            let _ = writeln!(text, "  - {}", printable(&violation.text()));
        }
        match self.advice().as_slice() {
            [] => {}
            [advice] => {
                let _ = writeln!(text, "What to do: {}", printable(advice));
            }
            several => {
                let _ = writeln!(text, "What to do:");
                several.iter().for_each(|advice| {
                    let _ = writeln!(text, "  - {}", printable(advice));
                });
            }
        }
        text
    }

    /// The failure for programs, as one JSON object.
    pub fn json(&self) -> Value {
        let code = self.code().map(code_name);
        let details = self.details();
        let error_info = details.as_ref().and_then(ErrorDetails::error_info);
        let violations: Vec<Value> = self
            .violations()
            .into_iter()
            .map(|v| json!({"kind": v.kind, "subject": v.subject, "reason": v.reason, "description": v.description}))
            .collect();
        let resource = details.as_ref().and_then(ErrorDetails::resource_info);
        let retry_seconds = details
            .as_ref()
            .and_then(ErrorDetails::retry_info)
            .and_then(|info| info.retry_delay)
            .map(|delay| delay.as_secs_f64());
        json!({"error": {
            "exitCode": self.exit() as u8,
            "code": code,
            "reason": error_info.map(|info| &info.reason),
            "metadata": error_info.map(|info| &info.metadata),
            "message": self.message(),
            "violations": violations,
            "resource": resource.map(|info| json!({"type": info.resource_type, "name": info.resource_name})),
            "retryAfterSeconds": retry_seconds,
            "advice": advice_in_one(&self.advice()),
        }})
    }

    /// What happened, in a sentence.
    pub fn message(&self) -> String {
        match self {
            Failure::Rpc(failure) => failure.summary(),
            Failure::Usage(message)
            | Failure::Input(message)
            | Failure::Contract(message)
            | Failure::Unproven(message)
            | Failure::NotServing(message) => message.clone(),
            Failure::Io(what, error) => format!("{what}: {error}."),
            Failure::OutputClosed => "Standard output was closed.".to_owned(),
            Failure::RefusalsTold => "Something stands against it.".to_owned(),
        }
    }

    /// The message, unless it only repeats the list below it.
    fn headline(&self, violations: &[Violation]) -> String {
        let message = self.message();
        // The message may name only the first few.
        let repeats = violations.first().is_some_and(|first| message.contains(&first.description));
        match self.code() {
            Some(Code::FailedPrecondition) if repeats => {
                "This is not allowed in the present state.".to_owned()
            }
            Some(Code::InvalidArgument) if repeats => "This is not valid.".to_owned(),
            _ => message,
        }
    }

    fn details(&self) -> Option<ErrorDetails> {
        match self {
            Failure::Rpc(failure) => Some(failure.status.get_error_details()),
            _ => None,
        }
    }

    /// The fields or guards that refuse, as the server lists them.
    pub fn violations(&self) -> Vec<Violation> {
        self.details().map(|details| violations(&details)).unwrap_or_default()
    }

    /// What to do, a sentence each.
    fn advice(&self) -> Vec<String> {
        match self {
            Failure::Rpc(failure) => failure.advice(&self.violations()),
            Failure::Usage(_) => vec!["See the same command with --help.".to_owned()],
            Failure::Contract(_) => vec![
                "Check that client and server are of the same release, and look at the server's log."
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

impl RpcFailure {
    fn summary(&self) -> String {
        match self.status.code() {
            _ if is_timeout(&self.status) => format!("{} did not answer in time.", self.server),
            _ if self.status.source().is_some() => {
                format!("{} cannot be reached: {}.", self.server, innermost(&self.status))
            }
            code if self.status.message().is_empty() => format!("The server answered {}.", code_name(code)),
            _ => self.status.message().to_owned(),
        }
    }

    fn advice(&self, violations: &[Violation]) -> Vec<String> {
        let guards = refusal::advice_on(violations.iter().map(|violation| violation.reason.as_str()));
        if self.status.code() == Code::FailedPrecondition && !guards.is_empty() && !self.names_replacement() {
            return guards;
        }
        vec![self.general_advice()]
    }

    fn names_replacement(&self) -> bool {
        let details = self.status.get_error_details();
        details.error_info().is_some_and(|info| info.metadata.contains_key("replacement"))
    }

    fn general_advice(&self) -> String {
        let details = self.status.get_error_details();
        let info = details.error_info();
        let reason = info.map(|info| info.reason.as_str()).unwrap_or_default();
        let replacement = info.and_then(|info| info.metadata.get("replacement"));
        let advice = match self.status.code() {
            _ if is_timeout(&self.status) => "Allow more time with --timeout.".to_owned(),
            _ if is_interruption(&self.status) => {
                "Check that the server runs (`steward serve`) and that --server is right.".to_owned()
            }
            Code::NotFound => "Check the spelling, --namespace, and what the list command shows.".to_owned(),
            Code::Aborted => {
                "Read it again, see what changed, and repeat with the etag that it has now.".to_owned()
            }
            Code::AlreadyExists if reason.contains("REQUEST_ID") => {
                "Use a new --request-id for a new request, or leave it out.".to_owned()
            }
            Code::AlreadyExists => "Choose another name, or change what is there.".to_owned(),
            Code::FailedPrecondition if reason == "LOG_FORKED" => {
                "Compare what you have with the log (`steward audit list`), then begin again with --from."
                    .to_owned()
            }
            Code::FailedPrecondition => match replacement {
                Some(version) if reason == "VERSION_ON_HOLD" => format!(
                    "Use {} for now; somebody other than who placed the hold lifts it (`steward version \
                     release`).",
                    resource_words(version)
                ),
                Some(version) => format!("Move to its replacement, {}.", resource_words(version)),
                None => "Put right what is named above, then repeat.".to_owned(),
            },
            Code::InvalidArgument | Code::OutOfRange => "Correct the value and repeat.".to_owned(),
            Code::PermissionDenied | Code::Unauthenticated => {
                "Ask whoever runs this server for access.".to_owned()
            }
            Code::ResourceExhausted => "Wait a moment and repeat, or ask for less at once.".to_owned(),
            Code::Unimplemented => "Update the server: it does not know this call yet.".to_owned(),
            _ => "Look at the server's log.".to_owned(),
        };
        // Only then it is open whether the change has happened.
        let outcome_is_open =
            is_interruption(&self.status) || is_timeout(&self.status) || self.status.code() == Code::Unknown;
        match &self.request_id {
            Some(id) if outcome_is_open => format!(
                "{advice} Then repeat with --request-id {id}: what has already happened is not done twice."
            ),
            _ => advice,
        }
    }
}

/// All sentences as one text; nothing when there is none.
fn advice_in_one(advice: &[String]) -> Option<String> {
    (!advice.is_empty()).then(|| advice.join(" "))
}

/// Whether the caller's own deadline ended the call, wherever it was noticed.
fn is_timeout(status: &Status) -> bool {
    let local = status.source().is_some() && status.code() == Code::Cancelled;
    status.code() == Code::DeadlineExceeded || local
}

/// Whether the server was away or the connection broke. Only a status made on
/// this side of the wire has a source.
pub fn is_interruption(status: &Status) -> bool {
    let broken = status.source().is_some()
        && matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal);
    status.code() == Code::Unavailable || broken
}

fn innermost(status: &Status) -> String {
    let mut words = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        words = error.to_string();
        cause = error.source();
    }
    words
}

fn exit_of(status: &Status) -> Exit {
    match status.code() {
        Code::Ok => Exit::Ok,
        _ if is_interruption(status) || is_timeout(status) => Exit::Unavailable,
        Code::NotFound => Exit::NotFound,
        Code::FailedPrecondition => Exit::Refused,
        Code::Aborted | Code::AlreadyExists => Exit::Conflict,
        Code::InvalidArgument | Code::OutOfRange => Exit::BadInput,
        Code::ResourceExhausted => Exit::Unavailable,
        Code::PermissionDenied | Code::Unauthenticated => Exit::Permission,
        _ => Exit::Internal,
    }
}

fn violations(details: &ErrorDetails) -> Vec<Violation> {
    let fields = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations).map(|v| Violation {
        kind: "field",
        subject: v.field.clone(),
        reason: String::new(),
        description: v.description.clone(),
    });
    let guards =
        details.precondition_failure().into_iter().flat_map(|failure| &failure.violations).map(|v| {
            Violation {
                kind: "guard",
                subject: v.subject.clone(),
                reason: v.r#type.clone(),
                description: v.description.clone(),
            }
        });
    fields.chain(guards).collect()
}

#[cfg(test)]
mod tests;
