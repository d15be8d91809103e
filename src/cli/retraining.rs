//! `steward retraining`: what became of pipelines that were to train a version anew.

use clap::{Args, Subcommand};
use prost_types::Duration;

use super::{
    argument::parse_length,
    client::Session,
    decision_view::decision_lines,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags, PastFlag, ReasonFlag},
    name::{self, ModelRef},
    table::{Facts, Table, time},
};
use crate::proto::v1::{
    AcknowledgeRetrainingRequest, CompleteRetrainingRequest, FailRetrainingRequest, GetRetrainingRequest,
    ListRetrainingsRequest, ListRetrainingsResponse, RequestRetrainingRequest, Retraining, RetrainingState,
};

/// What to do with retrainings.
#[derive(Subcommand, Debug)]
pub enum RetrainingCommand {
    /// Ask for a retraining; pipelines get it whose webhook wants `RetrainingRequested`
    #[command(after_help = "\
Example:
  steward retraining request fundraising --reason \"The donors of the new campaign are younger\"")]
    Request(RequestArgs),

    /// List the retrainings of a model
    #[command(after_help = "Example:\n  steward retraining list fundraising")]
    List(ListArgs),

    /// Show one retraining
    #[command(after_help = "Example:\n  steward retraining get fundraising trainer-42")]
    Get(GetArgs),

    /// Say which run has taken a retraining; first thing in a pipeline
    #[command(after_help = "\
Example, in a workflow of GitHub:
  steward retraining acknowledge \"${{ github.event.client_payload.retraining }}\" \\
      --run-uri \"$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID\"

If another run has taken it, this fails, and the pipeline should end.")]
    Acknowledge(AcknowledgeArgs),

    /// End a retraining with the candidate that came of it; last thing in a pipeline
    #[command(after_help = "\
Example:
  steward retraining complete fundraising trainer-42 --version 3")]
    Complete(CompleteArgs),

    /// End a retraining of which nothing comes
    #[command(after_help = "\
Example:
  steward retraining fail fundraising trainer-42 --reason \"No more accurate than version 2\"")]
    Fail(FailArgs),
}

/// A retraining on the command line.
#[derive(Args, Debug)]
pub struct RetrainingRef {
    /// The model's id, or the full name of the retraining
    #[arg(value_name = "MODEL")]
    model: String,

    /// The retraining's id
    #[arg(value_name = "RETRAINING")]
    retraining: Option<String>,
}

impl RetrainingRef {
    fn name(&self, session: &Session) -> Result<String, Failure> {
        name::below_model(session.namespace(), "retrainings", &self.model, self.retraining.as_deref())
    }
}

/// Arguments of `steward retraining request`.
#[derive(Args, Debug)]
pub struct RequestArgs {
    #[command(flatten)]
    model: ModelRef,

    /// The new retraining's id; a UUID when absent
    #[arg(value_name = "ID", default_value = "", hide_default_value = true)]
    id: String,

    /// It expires after so long, such as `12h` or `30d`; 7 days when absent
    #[arg(long, value_name = "LENGTH", value_parser = parse_length)]
    ttl: Option<Duration>,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward retraining list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward retraining get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    retraining: RetrainingRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward retraining acknowledge`.
#[derive(Args, Debug)]
pub struct AcknowledgeArgs {
    #[command(flatten)]
    retraining: RetrainingRef,

    /// Where the run can be watched
    #[arg(long, value_name = "URI")]
    run_uri: String,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward retraining complete`.
#[derive(Args, Debug)]
pub struct CompleteArgs {
    #[command(flatten)]
    retraining: RetrainingRef,

    /// The version that came of it, by number or full name
    #[arg(long, value_name = "VERSION")]
    version: String,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward retraining fail`.
#[derive(Args, Debug)]
pub struct FailArgs {
    #[command(flatten)]
    retraining: RetrainingRef,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: RetrainingCommand) -> Result<(), Failure> {
    match command {
        RetrainingCommand::Request(args) => request(session, args).await,
        RetrainingCommand::List(args) => list(session, args).await,
        RetrainingCommand::Get(args) => get(session, args).await,
        RetrainingCommand::Acknowledge(args) => acknowledge(session, args).await,
        RetrainingCommand::Complete(args) => complete(session, args).await,
        RetrainingCommand::Fail(args) => fail(session, args).await,
    }
}

async fn request(session: &Session, args: RequestArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = RequestRetrainingRequest {
        parent: name::model(session.namespace(), &args.model.model)?,
        retraining_id: args.id,
        retraining: Some(Retraining { ttl: args.ttl, ..Retraining::default() }),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.retrainings().request_retraining(r).await;
    let retraining = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &retraining, "is asked for")
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let fetch = async |page_size, page_token| {
        let request = ListRetrainingsRequest { parent: parent.clone(), page_size, page_token };
        let answer = session.call(request, async |r| session.retrainings().list_retrainings(r).await).await?;
        Ok((answer.retrainings, answer.next_page_token))
    };
    let (retrainings, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListRetrainingsResponse { retrainings, next_page_token };
    let table = table(&answer.retrainings);
    let none = "Nobody asked for a retraining of the model, and no webhook started one.";
    session.output().list(&answer, &table, none, &answer.next_page_token)
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let request = GetRetrainingRequest { name: args.retraining.name(session)?, read_at: args.past.read_at() };
    let retraining = session.call(request, async |r| session.retrainings().get_retraining(r).await).await?;
    session.output().resource(&retraining, &facts(&retraining))
}

async fn acknowledge(session: &Session, args: AcknowledgeArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = AcknowledgeRetrainingRequest {
        name: args.retraining.name(session)?,
        run_uri: args.run_uri,
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.retrainings().acknowledge_retraining(r).await;
    let retraining = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &retraining, "is taken by this run")
}

async fn complete(session: &Session, args: CompleteArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let name = args.retraining.name(session)?;
    let request = CompleteRetrainingRequest {
        version: name::version_of(session.namespace(), name::parent(&name), &args.version)?,
        name,
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.retrainings().complete_retraining(r).await;
    let retraining = session.change(&request_id, request, send).await?;
    let what = format!("is completed with version {}", name::id(&retraining.version));
    told(session, args.change.dry_run, &retraining, &what)
}

async fn fail(session: &Session, args: FailArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = FailRetrainingRequest {
        name: args.retraining.name(session)?,
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.retrainings().fail_retraining(r).await;
    let retraining = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &retraining, "has failed")
}

fn told(session: &Session, dry_run: bool, retraining: &Retraining, what: &str) -> Result<(), Failure> {
    let sentence = format!(
        "Retraining {} of {} {what} (audit position {}).",
        name::id(&retraining.name),
        name::id(name::parent(&retraining.name)),
        retraining.audit_position
    );
    session.output().changed(dry_run, retraining, &sentence, &facts(retraining))
}

fn facts(retraining: &Retraining) -> Facts {
    let delivered = match (retraining.deliver_time, retraining.subscription.is_empty()) {
        (None, _) => String::new(),
        (at, true) => time(at),
        (at, false) => format!("{} by subscription {}", time(at), name::id(&retraining.subscription)),
    };
    Facts::new()
        .add("Retraining", name::id(&retraining.name))
        .add("Model", name::id(name::parent(&retraining.name)))
        .add("State", state(retraining))
        .add("Trigger", trigger(retraining))
        .add_lines("Requested", decision_lines(retraining.request.as_ref()))
        .add("Delivered", delivered)
        .add_lines("Acknowledged", decision_lines(retraining.acknowledgement.as_ref()))
        .add("Run", &retraining.run_uri)
        .add_lines("Ended", decision_lines(retraining.ending.as_ref()))
        .add("Version", name::id(&retraining.version))
        .add("Expires", time(retraining.expire_time))
        .add("Etag", &retraining.etag)
        .add("Full name", &retraining.name)
}

fn table(retrainings: &[Retraining]) -> Table {
    let mut table = Table::new(["RETRAINING", "STATE", "REQUESTED", "TRIGGER", "VERSION", "RUN"]);
    for retraining in retrainings {
        table.row([
            name::id(&retraining.name),
            state(retraining),
            time(retraining.create_time),
            trigger(retraining),
            name::id(&retraining.version),
            retraining.run_uri.clone(),
        ]);
    }
    table
}

fn state(retraining: &Retraining) -> String {
    let name = match retraining.state() {
        RetrainingState::Unspecified => "UNKNOWN",
        state => state.as_str_name().trim_start_matches("RETRAINING_STATE_"),
    };
    name.to_owned()
}

/// What happened, in a word and where, or who asked.
fn trigger(retraining: &Retraining) -> String {
    match &retraining.trigger {
        Some(trigger) => {
            let word = trigger.r#type.trim_start_matches("steward.v1.");
            format!("{word} at position {}", trigger.position)
        }
        None => {
            let author = retraining.request.as_ref().map(|request| request.actor.as_str());
            format!("asked for by {}", author.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::{Decision, RetrainingTrigger};

    #[test]
    fn a_retraining_says_what_triggered_it_and_what_came_of_it() {
        let retraining = Retraining {
            name: "namespaces/n/models/m/retrainings/trainer-7".into(),
            state: RetrainingState::Completed.into(),
            trigger: Some(RetrainingTrigger {
                position: 7,
                r#type: "steward.v1.MetricAlarmRaised".into(),
                subject: "namespaces/n/models/m/versions/1/monitors/x".into(),
            }),
            version: "namespaces/n/models/m/versions/3".into(),
            run_uri: "https://ci.example/1".into(),
            ..Retraining::default()
        };
        let text = table(&[retraining]).text();
        for part in ["trainer-7", "COMPLETED", "MetricAlarmRaised at position 7", "3", "https://ci.example/1"]
        {
            assert!(text.contains(part), "{text}");
        }
        let asked = Retraining {
            request: Some(Decision { actor: "ada".into(), ..Decision::default() }),
            ..Retraining::default()
        };
        assert!(facts(&asked).text().contains("asked for by ada"));
    }
}
