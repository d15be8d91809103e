//! The verbs that carry a version through its life: `steward version submit`,
//! `approve`, `deprecate` and so on.

use clap::{Args, Subcommand};
use prost_types::Timestamp;

use super::{
    argument::parse_future,
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag},
    name::{self, VersionRef},
    table::time,
    version::changed,
    version_view::state_word,
};
use crate::proto::v1::{self, Version, deprecate_version_request::Successor};

/// Steps in the life of a version.
#[derive(Subcommand, Debug)]
pub enum LifecycleCommand {
    /// Hand a draft in for review; its content cannot be changed any more
    #[command(after_help = "Example:\n  steward version submit fundraising 2 --reason \"Ready for review\"")]
    Submit(StepArgs),

    /// Approve a candidate for use
    #[command(after_help = "\
Examples:
  steward version approve fundraising 2 --reason \"Error rate halved\" --dry-run
  steward version approve fundraising 2 --reason \"Error rate halved\"")]
    Approve(ApproveArgs),

    /// Refuse a candidate
    Reject(StepArgs),

    /// Announce when a version goes out of service, and what replaces it
    #[command(after_help = "\
Examples:
  steward version deprecate fundraising 1 --sunset '60 days' --replacement 2 --reason \"Version 2 is better\"
  steward version deprecate letters 3 --sunset 2027-01-31 --no-replacement \"We write by hand again\" \\
      --reason \"Too few letters\"")]
    Deprecate(DeprecateArgs),

    /// Take a deprecation back
    Reinstate(StepArgs),

    /// Take a deprecated version out of service now
    Retire(StepArgs),

    /// Put a retired or rejected version away; digest and history stay
    Archive(StepArgs),
}

/// Arguments of a step that needs nothing but a reason.
#[derive(Args, Debug)]
pub struct StepArgs {
    #[command(flatten)]
    version: VersionRef,

    /// Why, in a sentence; it is kept in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward version approve`.
#[derive(Args, Debug)]
pub struct ApproveArgs {
    #[command(flatten)]
    step: StepArgs,

    /// Approve in spite of gates that fail; it takes an open incident and a second person
    #[arg(long, requires = "incident")]
    override_gates: bool,

    /// The open incident that it is about
    #[arg(long, value_name = "INCIDENT")]
    incident: Option<String>,
}

/// Arguments of `steward version deprecate`.
#[derive(Args, Debug)]
pub struct DeprecateArgs {
    #[command(flatten)]
    step: StepArgs,

    /// When the version goes out of service: a date, a time, or a span from now such as `60 days`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    sunset: Timestamp,

    #[command(flatten)]
    successor: SuccessorFlags,
}

/// What callers move to.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct SuccessorFlags {
    /// The version to move to: a number, MODEL/NUMBER or a full name
    #[arg(long, value_name = "VERSION")]
    replacement: Option<String>,

    /// Why there is nothing to move to
    #[arg(long, value_name = "TEXT")]
    no_replacement: Option<String>,
}

impl SuccessorFlags {
    fn successor(&self, namespace: &str, model: &str) -> Result<Option<Successor>, Failure> {
        match (&self.replacement, &self.no_replacement) {
            (Some(given), _) => Ok(Some(Successor::Replacement(name::version_of(namespace, model, given)?))),
            (None, Some(why)) => Ok(Some(Successor::NoReplacementReason(why.clone()))),
            (None, None) => Ok(None),
        }
    }
}

/// Sends a step whose request has no fields of its own.
macro_rules! step {
    ($session:ident, $args:ident, $request:ident, $method:ident $(, $field:ident: $value:expr)*) => {{
        let request_id = $args.change.request_id();
        let request = v1::$request {
            name: name::version($session.namespace(), &$args.version)?,
            reason: $args.reason,
            etag: $args.etag.etag,
            request_id: request_id.clone(),
            validate_only: $args.change.dry_run,
            $($field: $value,)*
        };
        let send = async |r| $session.lifecycle().$method(r).await;
        let version = $session.change(&request_id, request, send).await?;
        told($session, $args.change.dry_run, &version)
    }};
}

/// Carries out one step.
pub async fn run(session: &Session, command: LifecycleCommand) -> Result<(), Failure> {
    match command {
        LifecycleCommand::Submit(args) => step!(session, args, SubmitVersionRequest, submit_version),
        LifecycleCommand::Approve(args) => {
            let incident = incident_name(session, &args.step, &args.incident)?;
            let overridden = args.override_gates;
            let args = args.step;
            step!(session, args, ApproveVersionRequest, approve_version, gates_overridden: overridden, incident: incident)
        }
        LifecycleCommand::Reject(args) => step!(session, args, RejectVersionRequest, reject_version),
        LifecycleCommand::Deprecate(args) => deprecate(session, args).await,
        LifecycleCommand::Reinstate(args) => step!(session, args, ReinstateVersionRequest, reinstate_version),
        LifecycleCommand::Retire(args) => step!(session, args, RetireVersionRequest, retire_version),
        LifecycleCommand::Archive(args) => step!(session, args, ArchiveVersionRequest, archive_version),
    }
}

/// The full name of an incident of the version's model; empty when none is given.
fn incident_name(session: &Session, step: &StepArgs, given: &Option<String>) -> Result<String, Failure> {
    let Some(given) = given else { return Ok(String::new()) };
    if given.contains('/') {
        return Ok(given.clone());
    }
    let version = name::version(session.namespace(), &step.version)?;
    let model = version.rsplit_once("/versions/").map_or(version.as_str(), |(model, _)| model);
    Ok(format!("{model}/incidents/{given}"))
}

async fn deprecate(session: &Session, args: DeprecateArgs) -> Result<(), Failure> {
    let DeprecateArgs { step, sunset, successor } = args;
    let name = name::version(session.namespace(), &step.version)?;
    let request_id = step.change.request_id();
    let request = v1::DeprecateVersionRequest {
        successor: successor.successor(session.namespace(), name::parent(&name))?,
        name,
        reason: step.reason,
        etag: step.etag.etag,
        request_id: request_id.clone(),
        validate_only: step.change.dry_run,
        sunset_time: Some(sunset),
    };
    let send = async |r| session.lifecycle().deprecate_version(r).await;
    let version = session.change(&request_id, request, send).await?;
    told(session, step.change.dry_run, &version)
}

fn told(session: &Session, dry_run: bool, version: &Version) -> Result<(), Failure> {
    changed(session, dry_run, version, &outcome(version))
}

fn outcome(version: &Version) -> String {
    let sunset = version.deprecation.as_ref().and_then(|deprecation| deprecation.sunset_time);
    match (version.state(), sunset) {
        (v1::VersionState::Deprecated, Some(_)) => {
            format!("is now {} until {}", state_word(version), time(sunset))
        }
        _ => format!("is now {}", state_word(version)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_replacement_is_given_by_number_or_with_its_model() {
        let successor = |replacement: &str| {
            let flags = SuccessorFlags { replacement: Some(replacement.into()), no_replacement: None };
            flags.successor("namespaces/n", "namespaces/n/models/m").unwrap().unwrap()
        };
        assert_eq!(successor("2"), Successor::Replacement("namespaces/n/models/m/versions/2".into()));
        assert_eq!(
            successor("other/3"),
            Successor::Replacement("namespaces/n/models/other/versions/3".into())
        );
    }

    #[test]
    fn a_step_is_told_by_the_state_that_it_leads_to() {
        let mut version = Version { state: v1::VersionState::Approved.into(), ..Version::default() };
        assert_eq!(outcome(&version), "is now APPROVED");
        version.state = v1::VersionState::Deprecated.into();
        version.deprecation = Some(v1::Deprecation {
            sunset_time: Some(Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            ..Default::default()
        });
        assert_eq!(outcome(&version), "is now DEPRECATED until 2026-01-01T00:00:00Z");
    }
}
