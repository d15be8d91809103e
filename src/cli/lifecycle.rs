//! The verbs that carry a version through its life: `steward version submit`,
//! `approve`, `deprecate` and so on.

use clap::{Args, Subcommand};
use prost_types::Timestamp;

use super::{
    alias,
    argument::parse_future,
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason},
    name::{self, VersionRef},
    proposal,
    step::{Step, Successor, Verb},
    version::changed,
};

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
  steward version approve fundraising 2 --alias production --reason \"Error rate halved\"
  steward version approve fundraising 3 --override-gates --incident outage --propose \\
      --reason \"Version 2 leaks names; 3 does not, and its evaluation runs until tomorrow\"
`steward why-not approve fundraising 2` explains every refusal.")]
    Approve(ApproveArgs),

    /// Refuse a candidate
    #[command(
        after_help = "Example:\n  steward version reject fundraising 2 --reason \"Worse for new donors\""
    )]
    Reject(StepArgs),

    /// Announce when a version goes out of service, and what replaces it
    #[command(after_help = "\
Examples:
  steward version deprecate fundraising 1 --sunset '60 days' --replacement 2 --reason \"Version 2 is better\"
  steward version deprecate letters 3 --sunset 2027-01-31 --no-replacement \"We write by hand again\" \\
      --reason \"Too few letters\"
  steward version deprecate fundraising 1 --sunset '60 days' --replacement 2 --propose=farewell \\
      --reason \"Version 2 is better\"")]
    Deprecate(DeprecateArgs),

    /// Put a sunset off; somebody else has to agree
    #[command(after_help = "\
Example:
  steward version extend fundraising 1 --sunset 2027-06-30 --propose --reason \"The website needs longer\"")]
    Extend(MoveArgs),

    /// Propose to bring a sunset forward; it takes two people
    #[command(after_help = "\
Example:
  steward version shorten fundraising 1 --sunset '3 days' --incident leak \\
      --reason \"It names donors who asked not to be named\"")]
    Shorten(ShortenArgs),

    /// Propose to take a version out of service at once; it takes two people
    #[command(after_help = "\
Example:
  steward version emergency-retire fundraising 1 --replacement 2 --incident leak \\
      --reason \"It names donors who asked not to be named\"
One person alone can quarantine it at once: steward version hold fundraising 1 --reason \"It leaks names\"")]
    EmergencyRetire(EmergencyArgs),

    /// Propose to bring a retired version back for at most 72 hours; it takes two people
    #[command(after_help = "\
Example:
  steward version restore fundraising 1 --until '24 hours' --incident outage \\
      --reason \"The website cannot use version 2 yet\"")]
    Restore(RestoreArgs),

    /// Quarantine a version: it does not resolve until somebody else releases it
    #[command(after_help = "\
Example:
  steward version hold fundraising 2 --incident leak --reason \"It names donors who asked not to be named\"")]
    Hold(HoldArgs),

    /// Lift a hold; somebody other than who placed it has to do so
    #[command(after_help = "\
Examples:
  steward version release fundraising 2 --reason \"The leak was in the website\"
  steward version release fundraising 2 --propose --reason \"The leak was in the website\"")]
    Release(ProposableArgs),

    /// Take a deprecation back
    #[command(
        after_help = "Example:\n  steward version reinstate fundraising 1 --reason \"Version 2 failed\""
    )]
    Reinstate(ProposableArgs),

    /// Take a deprecated version out of service now, if nobody uses it any more
    #[command(
        after_help = "Example:\n  steward version retire fundraising 1 --reason \"Nobody asks for it\""
    )]
    Retire(StepArgs),

    /// Put a retired or rejected version away; digest and history stay
    #[command(after_help = "Example:\n  steward version archive fundraising 1 --reason \"Kept long enough\"")]
    Archive(StepArgs),
}

/// Arguments of a step that needs nothing but a reason.
#[derive(Args, Debug)]
pub struct StepArgs {
    #[command(flatten)]
    version: VersionRef,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of a step to which somebody else may have to agree.
#[derive(Args, Debug)]
pub struct ProposableArgs {
    #[command(flatten)]
    step: StepArgs,

    /// Do not do it but propose it, so that somebody else can agree; `=ID` gives the proposal a name
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    #[arg(conflicts_with = "etag")]
    propose: Option<String>,
}

/// The flag of steps that may be about an incident.
#[derive(Args, Debug, Clone)]
pub struct IncidentFlag {
    /// The open incident that it is about: its id, or its full name
    #[arg(long, value_name = "INCIDENT")]
    incident: Option<String>,
}

/// Arguments of `steward version approve`.
#[derive(Args, Debug)]
pub struct ApproveArgs {
    #[command(flatten)]
    step: ProposableArgs,

    /// Approve in spite of gates that fail (break-glass); it takes an open incident and one person more
    #[arg(long, requires = "incident")]
    override_gates: bool,

    #[command(flatten)]
    incident: IncidentFlag,

    /// Point this alias to the version once it is approved
    #[arg(long, value_name = "ALIAS", conflicts_with = "propose")]
    alias: Option<String>,
}

/// Arguments of `steward version deprecate`.
#[derive(Args, Debug)]
pub struct DeprecateArgs {
    #[command(flatten)]
    step: ProposableArgs,

    /// When the version goes out of service: a date, a time, or a span from now such as `60 days`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    sunset: Timestamp,

    #[command(flatten)]
    successor: SuccessorFlags,
}

/// Arguments of `steward version extend`.
#[derive(Args, Debug)]
pub struct MoveArgs {
    #[command(flatten)]
    step: ProposableArgs,

    /// The new sunset: a date, a time, or a span from now such as `60 days`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    sunset: Timestamp,
}

/// Arguments of `steward version shorten`.
#[derive(Args, Debug)]
pub struct ShortenArgs {
    #[command(flatten)]
    moved: MoveArgs,

    #[command(flatten)]
    incident: IncidentFlag,
}

/// Arguments of `steward version emergency-retire`.
#[derive(Args, Debug)]
pub struct EmergencyArgs {
    #[command(flatten)]
    step: ProposableArgs,

    #[command(flatten)]
    successor: SuccessorFlags,

    #[command(flatten)]
    incident: IncidentFlag,
}

/// Arguments of `steward version restore`.
#[derive(Args, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    step: ProposableArgs,

    /// When it retires again, at most 72 hours from now: a time, or a span such as `24 hours`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    until: Timestamp,

    /// The open incident that it is about: its id, or its full name
    #[arg(long, value_name = "INCIDENT")]
    incident: String,
}

/// Arguments of `steward version hold`.
#[derive(Args, Debug)]
pub struct HoldArgs {
    #[command(flatten)]
    step: StepArgs,

    #[command(flatten)]
    incident: IncidentFlag,
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
    fn successor(self, namespace: &str, version: &str) -> Result<Successor, Failure> {
        match self.replacement {
            Some(given) => {
                name::version_of(namespace, name::parent(version), &given).map(Successor::Replacement)
            }
            None => Ok(Successor::Nothing(self.no_replacement.unwrap_or_default())),
        }
    }
}

impl StepArgs {
    fn with_verb(self, session: &Session, verb: Verb) -> Result<Asked, Failure> {
        let step = Step {
            version: name::version(session.namespace(), &self.version)?,
            verb,
            reason: self.reason.reason,
            etag: self.etag.etag,
            incident: String::new(),
        };
        Ok(Asked { step, change: self.change, propose: None, alias: None })
    }
}

impl ProposableArgs {
    fn version(&self, session: &Session) -> Result<String, Failure> {
        name::version(session.namespace(), &self.step.version)
    }

    fn with_verb(self, session: &Session, verb: Verb) -> Result<Asked, Failure> {
        Ok(Asked { propose: self.propose, ..self.step.with_verb(session, verb)? })
    }
}

/// A step and how it is asked for.
struct Asked {
    step: Step,
    change: ChangeFlags,
    propose: Option<String>,
    /// What is pointed to the version afterwards.
    alias: Option<String>,
}

impl Asked {
    /// About an incident of the version's model, if one is given.
    fn about(mut self, incident: IncidentFlag) -> Result<Self, Failure> {
        if let Some(given) = incident.incident {
            self.step.incident = name::of_model(name::parent(&self.step.version), "incidents", &given)?;
        }
        Ok(self)
    }
}

/// Carries out one step.
pub async fn run(session: &Session, command: LifecycleCommand) -> Result<(), Failure> {
    let asked = asked(session, command)?;
    let dry_run = asked.change.dry_run;
    let request_id = asked.change.request_id();
    let propose = asked.propose.or_else(|| asked.step.verb.takes_two().then(String::new));
    match propose {
        Some(id) => {
            let proposal = asked.step.propose(session, id, &request_id, dry_run).await?;
            proposal::told(session, dry_run, &proposal)
        }
        None => {
            let (verb, reason) = (asked.step.verb.clone(), asked.step.reason.clone());
            let version = asked.step.carry_out(session, &request_id, dry_run).await?;
            let alias = match asked.alias.filter(|_| !dry_run) {
                Some(id) => {
                    let alias = name::alias_of(session.namespace(), name::parent(&version.name), &id)?;
                    Some(alias::point(session, alias, &version.name, reason).await?)
                }
                None => None,
            };
            changed(session, dry_run, &version, &verb.outcome(&version))?;
            alias.map_or(Ok(()), |alias| session.output().say(&alias::set_sentence(&alias)))
        }
    }
}

fn asked(session: &Session, command: LifecycleCommand) -> Result<Asked, Failure> {
    match command {
        LifecycleCommand::Submit(args) => args.with_verb(session, Verb::Submit),
        LifecycleCommand::Approve(ApproveArgs { step, override_gates, incident, alias }) => {
            let asked = step.with_verb(session, Verb::Approve { gates_overridden: override_gates })?;
            Ok(Asked { alias, ..asked.about(incident)? })
        }
        LifecycleCommand::Reject(args) => args.with_verb(session, Verb::Reject),
        LifecycleCommand::Deprecate(DeprecateArgs { step, sunset, successor }) => {
            let successor = successor.successor(session.namespace(), &step.version(session)?)?;
            step.with_verb(session, Verb::Deprecate { sunset, successor })
        }
        LifecycleCommand::Extend(MoveArgs { step, sunset }) => step.with_verb(session, Verb::Extend(sunset)),
        LifecycleCommand::Shorten(ShortenArgs { moved, incident }) => {
            moved.step.with_verb(session, Verb::Shorten(moved.sunset))?.about(incident)
        }
        LifecycleCommand::EmergencyRetire(EmergencyArgs { step, successor, incident }) => {
            let successor = successor.successor(session.namespace(), &step.version(session)?)?;
            step.with_verb(session, Verb::EmergencyRetire(successor))?.about(incident)
        }
        LifecycleCommand::Restore(RestoreArgs { step, until, incident }) => {
            let incident = IncidentFlag { incident: Some(incident) };
            step.with_verb(session, Verb::Restore(until))?.about(incident)
        }
        LifecycleCommand::Hold(HoldArgs { step, incident }) => {
            step.with_verb(session, Verb::Hold)?.about(incident)
        }
        LifecycleCommand::Release(args) => args.with_verb(session, Verb::Release),
        LifecycleCommand::Reinstate(args) => args.with_verb(session, Verb::Reinstate),
        LifecycleCommand::Retire(args) => args.with_verb(session, Verb::Retire),
        LifecycleCommand::Archive(args) => args.with_verb(session, Verb::Archive),
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
            flags.successor("namespaces/n", "namespaces/n/models/m/versions/1").unwrap()
        };
        assert_eq!(successor("2"), Successor::Replacement("namespaces/n/models/m/versions/2".into()));
        assert_eq!(
            successor("other/3"),
            Successor::Replacement("namespaces/n/models/other/versions/3".into())
        );
    }
}
