//! `steward incident`: what went wrong. While an incident is open its versions
//! are no safe way back, and steps that need an incident can name it.

use clap::{Args, Subcommand};

use super::{
    client::Session,
    decision_view::decision_lines,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags, PastFlag},
    name::{self, ModelRef},
    table::{Facts, Table, day},
};
use crate::proto::v1::{
    CloseIncidentRequest, GetIncidentRequest, Incident, ListIncidentsRequest, ListIncidentsResponse,
    OpenIncidentRequest,
};

/// What to do with incidents.
#[derive(Subcommand, Debug)]
pub enum IncidentCommand {
    /// Open an incident about versions of a model
    #[command(after_help = "\
Example:
  steward incident open fundraising leak --version 2 --title \"It names donors who asked not to be named\" \\
      --reason \"Three letters of complaint\"")]
    Open(OpenArgs),

    /// List the incidents of a model
    #[command(after_help = "Example:\n  steward incident list fundraising")]
    List(ListArgs),

    /// Show one incident
    #[command(after_help = "Example:\n  steward incident get fundraising leak")]
    Get(GetArgs),

    /// Close an incident
    #[command(after_help = "\
Example:
  steward incident close fundraising leak --reason \"Version 3 does not; the donors were told\"")]
    Close(CloseArgs),
}

/// An incident on the command line.
#[derive(Args, Debug)]
pub struct IncidentRef {
    /// The model's id, or the full name of the incident
    #[arg(value_name = "MODEL")]
    model: String,

    /// The incident's id
    #[arg(value_name = "INCIDENT")]
    incident: Option<String>,
}

impl IncidentRef {
    fn name(&self, session: &Session) -> Result<String, Failure> {
        name::below_model(session.namespace(), "incidents", &self.model, self.incident.as_deref())
    }
}

/// Arguments of `steward incident open`.
#[derive(Args, Debug)]
pub struct OpenArgs {
    #[command(flatten)]
    model: ModelRef,

    /// The new incident's id, such as `leak-2026-03`
    #[arg(value_name = "ID")]
    id: String,

    /// What happened, in a line
    #[arg(long, value_name = "TEXT")]
    title: String,

    /// A version that is in it, by number or full name; may be repeated
    #[arg(long = "version", value_name = "VERSION", required = true)]
    versions: Vec<String>,

    /// What is known
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,

    /// Where it is worked on
    #[arg(long, value_name = "URI", default_value = "", hide_default_value = true)]
    uri: String,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward incident list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward incident get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    incident: IncidentRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward incident close`.
#[derive(Args, Debug)]
pub struct CloseArgs {
    #[command(flatten)]
    incident: IncidentRef,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: IncidentCommand) -> Result<(), Failure> {
    match command {
        IncidentCommand::Open(args) => open(session, args).await,
        IncidentCommand::List(args) => list(session, args).await,
        IncidentCommand::Get(args) => get(session, args).await,
        IncidentCommand::Close(args) => close(session, args).await,
    }
}

async fn open(session: &Session, args: OpenArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let request_id = args.change.request_id();
    let versions: Result<Vec<String>, Failure> =
        args.versions.iter().map(|given| name::version_of(session.namespace(), &parent, given)).collect();
    let request = OpenIncidentRequest {
        parent,
        incident_id: args.id,
        incident: Some(Incident {
            title: args.title,
            description: args.description,
            uri: args.uri,
            versions: versions?,
            ..Incident::default()
        }),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.incidents().open_incident(r).await;
    let incident = session.change(&request_id, request, send).await?;
    told(
        session,
        args.change.dry_run,
        &incident,
        "is open: its versions are no safe way back until it is closed",
    )
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let fetch = async |page_size, page_token| {
        let request = ListIncidentsRequest { parent: parent.clone(), page_size, page_token };
        let answer = session.call(request, async |r| session.incidents().list_incidents(r).await).await?;
        Ok((answer.incidents, answer.next_page_token))
    };
    let (incidents, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListIncidentsResponse { incidents, next_page_token };
    let table = table(&answer.incidents);
    session.output().list(&answer, &table, "The model has had no incident.", &answer.next_page_token)
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let request = GetIncidentRequest { name: args.incident.name(session)?, read_at: args.past.read_at() };
    let incident = session.call(request, async |r| session.incidents().get_incident(r).await).await?;
    session.output().resource(&incident, &facts(&incident))
}

async fn close(session: &Session, args: CloseArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = CloseIncidentRequest {
        name: args.incident.name(session)?,
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.incidents().close_incident(r).await;
    let incident = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &incident, "is closed")
}

fn told(session: &Session, dry_run: bool, incident: &Incident, what: &str) -> Result<(), Failure> {
    let sentence = format!(
        "Incident {} of {} {what} (audit position {}).",
        name::id(&incident.name),
        name::id(name::parent(&incident.name)),
        incident.audit_position
    );
    session.output().changed(dry_run, incident, &sentence, &facts(incident))
}

fn facts(incident: &Incident) -> Facts {
    Facts::new()
        .add("Incident", name::id(&incident.name))
        .add("Model", name::id(name::parent(&incident.name)))
        .add("State", state(incident))
        .add("Title", &incident.title)
        .add("Description", &incident.description)
        .add("Worked on at", &incident.uri)
        .add("Versions", numbers(incident))
        .add_lines("Opened", decision_lines(incident.opening.as_ref()))
        .add_lines("Closed", decision_lines(incident.closing.as_ref()))
        .add("Etag", &incident.etag)
        .add("Full name", &incident.name)
}

fn table(incidents: &[Incident]) -> Table {
    let mut table = Table::new(["INCIDENT", "STATE", "VERSIONS", "OPENED", "BY", "TITLE"]);
    for incident in incidents {
        table.row([
            name::id(&incident.name),
            state(incident).to_owned(),
            numbers(incident),
            day(incident.create_time),
            incident.opening.as_ref().map(|opening| opening.actor.clone()).unwrap_or_default(),
            incident.title.clone(),
        ]);
    }
    table
}

fn state(incident: &Incident) -> &'static str {
    if incident.closing.is_some() { "CLOSED" } else { "OPEN" }
}

/// The numbers of the versions that are in it.
fn numbers(incident: &Incident) -> String {
    incident.versions.iter().map(|version| name::id(version)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::Decision;

    #[test]
    fn an_incident_is_open_until_somebody_closes_it() {
        let mut incident = Incident {
            name: "namespaces/n/models/m/incidents/leak".into(),
            title: "It leaks".into(),
            versions: vec![
                "namespaces/n/models/m/versions/2".into(),
                "namespaces/n/models/m/versions/3".into(),
            ],
            ..Incident::default()
        };
        let text = table(&[incident.clone()]).text();
        assert!(text.contains("leak      OPEN   2, 3"), "{text}");
        incident.closing = Some(Decision { actor: "ada".into(), ..Decision::default() });
        assert!(facts(&incident).text().contains("CLOSED"));
    }
}
