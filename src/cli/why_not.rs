//! `steward why-not`: everything that stands against a step, each with what to
//! do about it. It asks the same call as the step itself, without doing it.

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use serde_json::{Value, json};
use tonic::Code;

use super::{
    argument::parse_future,
    client::Session,
    error::{Failure, Violation},
    name::{self, AliasRef, VersionRef},
    output::{write, write_value},
    refusal::advice,
    step::{Step, Successor, Verb},
    table::{printable, resource_words, version_words},
};
use crate::proto::v1::RollbackAliasRequest;

/// What is put in the place of a reason, which only a real step has.
const QUESTION: &str = "why not?";

/// The step in question.
#[derive(Subcommand, Debug)]
pub enum WhyNotCommand {
    /// What stands against approving a version?
    #[command(after_help = "\
Whoever submitted a version is told that somebody else is missing; --actor asks for another person.

Examples:
  steward why-not approve fundraising 2
  steward why-not approve fundraising 2 --actor marta")]
    Approve(StepQuestion),

    /// What stands against deprecating a version?
    #[command(after_help = "\
Examples:
  steward why-not deprecate fundraising 1 --sunset '30 days' --replacement 2
  steward why-not deprecate fundraising 1 --sunset 2027-01-31")]
    Deprecate(DeprecateQuestion),

    /// What stands against retiring a version before its sunset?
    #[command(after_help = "Example:\n  steward why-not retire fundraising 1")]
    Retire(StepQuestion),

    /// What stands against moving an alias back?
    #[command(after_help = "\
Examples:
  steward why-not rollback fundraising production
  steward why-not rollback fundraising production --to 1")]
    Rollback(RollbackQuestion),
}

/// A question about a version.
#[derive(Args, Debug)]
pub struct StepQuestion {
    #[command(flatten)]
    version: VersionRef,
}

/// Arguments of `steward why-not deprecate`.
#[derive(Args, Debug)]
pub struct DeprecateQuestion {
    #[command(flatten)]
    version: VersionRef,

    /// When it would go out of service: a date, a time, or a span from now such as `60 days`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    sunset: Timestamp,

    /// The version to move to: a number, MODEL/NUMBER or a full name; none when absent
    #[arg(long, value_name = "VERSION")]
    replacement: Option<String>,
}

/// Arguments of `steward why-not rollback`.
#[derive(Args, Debug)]
pub struct RollbackQuestion {
    #[command(flatten)]
    alias: AliasRef,

    /// The version to go back to, by number or full name; the last safe one when absent
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
}

/// Carries out the command. It fails, without another word, when something
/// stands against the step, so that scripts can ask too.
pub async fn run(session: &Session, command: WhyNotCommand) -> Result<(), Failure> {
    let (what, answer) = ask(session, command).await?;
    let refusals = match answer {
        Ok(()) => Vec::new(),
        Err(failure) if failure.code() == Some(Code::FailedPrecondition) => failure.violations(),
        Err(failure) => return Err(failure),
    };
    match session.output().is_json() {
        true => write_value(&json(&refusals))?,
        false => write(&text(&what, &refusals))?,
    }
    if refusals.is_empty() { Ok(()) } else { Err(Failure::RefusalsTold) }
}

/// Asks the server; gives the step in words, and its answer.
async fn ask(session: &Session, command: WhyNotCommand) -> Result<(String, Result<(), Failure>), Failure> {
    match command {
        WhyNotCommand::Approve(args) => {
            let name = name::version(session.namespace(), &args.version)?;
            Ok(of_step(session, "approving", name, Verb::Approve { gates_overridden: false }).await)
        }
        WhyNotCommand::Retire(args) => {
            let name = name::version(session.namespace(), &args.version)?;
            Ok(of_step(session, "retiring", name, Verb::Retire).await)
        }
        WhyNotCommand::Deprecate(args) => {
            let name = name::version(session.namespace(), &args.version)?;
            let successor = match &args.replacement {
                Some(given) => {
                    Successor::Replacement(name::version_of(session.namespace(), name::parent(&name), given)?)
                }
                None => Successor::Nothing(QUESTION.to_owned()),
            };
            let verb = Verb::Deprecate { sunset: args.sunset, successor };
            Ok(of_step(session, "deprecating", name, verb).await)
        }
        WhyNotCommand::Rollback(args) => {
            let name = name::alias(session.namespace(), &args.alias)?;
            let to = args.to.as_deref();
            let target = to.map(|given| name::version_of(session.namespace(), name::parent(&name), given));
            let request = RollbackAliasRequest {
                name: name.clone(),
                version: target.transpose()?.unwrap_or_default(),
                reason: QUESTION.to_owned(),
                validate_only: true,
                ..RollbackAliasRequest::default()
            };
            let answer = session.call(request, async |r| session.aliases().rollback_alias(r).await).await;
            Ok((format!("moving {} back", resource_words(&name)), answer.map(|_| ())))
        }
    }
}

async fn of_step(
    session: &Session,
    word: &str,
    version: String,
    verb: Verb,
) -> (String, Result<(), Failure>) {
    let what = format!("{word} {}", version_words(&version));
    let step =
        Step { version, verb, reason: QUESTION.to_owned(), etag: String::new(), incident: String::new() };
    (what, step.carry_out(session, "", true).await.map(|_| ()))
}

fn text(what: &str, refusals: &[Violation]) -> String {
    let mut text = match refusals.len() {
        0 => return "Nothing stands against it.\n".to_owned(),
        1 => format!("One thing stands against {what}:\n"),
        count => format!("{count} things stand against {what}:\n"),
    };
    for refusal in refusals {
        text.push_str(&format!("\n{}\n  {}\n", refusal.reason, sentence(refusal)));
        if let Some(advice) = advice(&refusal.reason) {
            text.push_str(&format!("  What to do: {advice}\n"));
        }
    }
    printable(&text)
}

/// The refusal without its word, which stands above it.
fn sentence(refusal: &Violation) -> String {
    super::refusal::refusal_words("", &refusal.subject, &refusal.description)
}

fn json(refusals: &[Violation]) -> Value {
    let refusals: Vec<Value> = refusals
        .iter()
        .map(|refusal| {
            json!({
                "reason": refusal.reason,
                "subject": refusal.subject,
                "sentence": refusal.description,
                "advice": advice(&refusal.reason),
            })
        })
        .collect();
    json!({ "refusals": refusals })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use tonic::Status;
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    fn refusals() -> Vec<Violation> {
        let mut details = ErrorDetails::new();
        let version = "namespaces/n/models/m/versions/1";
        details.add_precondition_failure_violation("GATE_FAILED", version, "0.07 is above 0.05");
        details.add_precondition_failure_violation(
            "APPROVAL_REQUIRED",
            version,
            "1 person more has to agree",
        );
        let status = Status::with_error_details(Code::FailedPrecondition, "no", details);
        Failure::rpc(status, "http://127.0.0.1:7400").violations()
    }

    #[test]
    fn each_refusal_has_its_word_its_sentence_and_what_to_do() {
        let text = text("approving version 1 of m", &refusals());
        assert!(
            text.starts_with(
                "2 things stand against approving version 1 of m:\n\nGATE_FAILED\n  version 1 of m: 0.07 is above \
                 0.05\n  What to do: Record an evaluation"
            ),
            "{text}"
        );
        assert_eq!(json(&refusals())["refusals"][1]["reason"], "APPROVAL_REQUIRED");
    }

    #[test]
    fn nothing_in_the_way_is_said_in_so_many_words() {
        assert_eq!(text("approving version 1 of m", &[]), "Nothing stands against it.\n");
    }
}
