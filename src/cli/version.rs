//! `steward version`: the versions of a model, and which one to use. The verbs
//! of a version's life are in `lifecycle.rs`.

use clap::{Args, Subcommand};

use super::{
    client::Session,
    environment::fresh_request_id,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag},
    lifecycle::{self, LifecycleCommand},
    name::{self, ModelRef, VersionRef},
    output::{write, write_json},
    step::{Step, Verb},
    table::version_words,
    version_fields::{ClearableField, VersionFields},
    version_view::{facts, resolved, table},
};
use crate::proto::v1::{
    CreateVersionRequest, GetVersionRequest, ListVersionsRequest, ListVersionsResponse,
    ResolveVersionRequest, UpdateVersionRequest, Version, resolve_version_request::Selector,
};

/// What to do with versions.
#[derive(Subcommand, Debug)]
pub enum VersionCommand {
    /// Register a version as a draft; it gets the next number
    #[command(after_help = "\
Examples:
  steward version create fundraising --label 2.0.0 --description \"Retrained on 2025\" \\
      --artifact \"s3://models/fundraising/2.onnx,digest=sha256:$DIGEST\" \\
      --dataset \"s3://data/donors-2025.parquet,rows=120000\" --parent-version 1
  steward version create donor-chatbot --label gpt-4o-2024-08-06 \\
      --upstream provider=openai,model=gpt-4o-2024-08-06,channel=azure,region=westeurope \\
      --submit \"Chosen after a trial\"")]
    Create(CreateArgs),

    /// Show one version
    #[command(after_help = "\
Examples:
  steward version get fundraising 2
  steward version get fundraising 2 --at 2026-03-01")]
    Get(GetArgs),

    /// List the versions of a model
    #[command(after_help = "\
Examples:
  steward version list fundraising
  steward version list fundraising --filter 'state = APPROVED AND number > 3'")]
    List(ListArgs),

    /// Change a draft; only what you give is changed
    #[command(after_help = "\
A list (artifacts, sources, labels, properties) is replaced as a whole.

Example:
  steward version update fundraising 2 --description \"Retrained on 2025, cleaned\"")]
    Update(UpdateArgs),

    /// Answer which version to use, with warnings
    #[command(after_help = "\
Examples:
  steward version resolve fundraising
  steward version resolve fundraising canary --consumer newsletter-job
  steward version resolve fundraising 2
  steward version resolve fundraising --label 2.0.0
  steward version resolve fundraising production --at 2026-03-03")]
    Resolve(ResolveArgs),

    #[command(flatten)]
    Lifecycle(LifecycleCommand),
}

/// Arguments of `steward version create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    fields: VersionFields,

    /// Hand it in for review at once, and why
    #[arg(long, value_name = "REASON")]
    submit: Option<String>,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward version get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    version: VersionRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward version list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    model: ModelRef,

    /// Only those that match, such as `state = APPROVED`
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true)]
    filter: String,

    /// `number`, or `'number desc'` for the newest first
    #[arg(long, value_name = "FIELD", default_value = "", hide_default_value = true)]
    order_by: String,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward version update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    version: VersionRef,

    #[command(flatten)]
    fields: VersionFields,

    /// Empty these fields
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    clear: Vec<ClearableField>,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward version resolve`.
#[derive(Args, Debug)]
pub struct ResolveArgs {
    #[command(flatten)]
    model: ModelRef,

    /// An alias, or the number of a version
    #[arg(value_name = "ALIAS|NUMBER", default_value = "production")]
    selector: String,

    /// The label of a version instead
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,

    /// Who asks: the id of the program that will use the version
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    consumer: String,

    #[command(flatten)]
    past: PastFlag,
}

/// Carries out one command.
pub async fn run(session: &Session, command: VersionCommand) -> Result<(), Failure> {
    match command {
        VersionCommand::Create(args) => create(session, args).await,
        VersionCommand::Get(args) => get(session, args).await,
        VersionCommand::List(args) => list(session, args).await,
        VersionCommand::Update(args) => update(session, args).await,
        VersionCommand::Resolve(args) => resolve(session, args).await,
        VersionCommand::Lifecycle(command) => lifecycle::run(session, command).await,
    }
}

async fn create(session: &Session, args: CreateArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let request_id = args.change.request_id();
    let request = CreateVersionRequest {
        version: Some(args.fields.into_version(session.namespace(), &parent)?),
        parent,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let version =
        session.change(&request_id, request, async |r| session.versions().create_version(r).await).await?;
    let Some(reason) = args.submit.filter(|_| !args.change.dry_run) else {
        return changed(session, args.change.dry_run, &version, "is registered as a DRAFT");
    };
    let step = Step {
        version: version.name,
        verb: Verb::Submit,
        reason,
        etag: version.etag,
        incident: String::new(),
    };
    let version = step.carry_out(session, &fresh_request_id(), false).await?;
    changed(session, false, &version, "is registered and waits for its review as a CANDIDATE")
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let name = name::version(session.namespace(), &args.version)?;
    let request = GetVersionRequest { name, read_at: args.past.read_at() };
    let version = session.call(request, async |r| session.versions().get_version(r).await).await?;
    session.output().resource(&version, &facts(&version))
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let fetch = async |page_size, page_token| {
        let request = ListVersionsRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            filter: args.filter.clone(),
            order_by: args.order_by.clone(),
        };
        let answer = session.call(request, async |r| session.versions().list_versions(r).await).await?;
        Ok((answer.versions, answer.next_page_token))
    };
    let (versions, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListVersionsResponse { versions, next_page_token };
    let table = table(&answer.versions);
    session.output().list(&answer, &table, "There is no such version.", &answer.next_page_token)
}

async fn update(session: &Session, args: UpdateArgs) -> Result<(), Failure> {
    let name = name::version(session.namespace(), &args.version)?;
    let update_mask = Some(args.fields.mask(&args.clear)?);
    let changes = args.fields.into_version(session.namespace(), name::parent(&name))?;
    let request_id = args.change.request_id();
    let request = UpdateVersionRequest {
        version: Some(Version { name, etag: args.etag.etag, ..changes }),
        update_mask,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let version =
        session.change(&request_id, request, async |r| session.versions().update_version(r).await).await?;
    changed(session, args.change.dry_run, &version, "is changed")
}

async fn resolve(session: &Session, args: ResolveArgs) -> Result<(), Failure> {
    let request = ResolveVersionRequest {
        model: name::model(session.namespace(), &args.model.model)?,
        selector: Some(selector(args.label, args.selector)),
        consumer: args.consumer,
        read_at: args.past.read_at(),
    };
    let answer = session.call(request, async |r| session.versions().resolve_version(r).await).await?;
    if session.output().is_json() { write_json(&answer) } else { write(&resolved(&answer)) }
}

fn selector(label: Option<String>, alias_or_number: String) -> Selector {
    match (label, alias_or_number.parse()) {
        (Some(label), _) => Selector::Label(label),
        (None, Ok(number)) => Selector::Number(number),
        (None, Err(_)) => Selector::Alias(alias_or_number),
    }
}

/// Tells a change of a version in a sentence, with its key facts.
pub fn changed(session: &Session, dry_run: bool, version: &Version, what: &str) -> Result<(), Failure> {
    let words = version_words(&version.name);
    let sentence = format!("V{} {what} (audit position {}).", &words[1..], version.audit_position);
    session.output().changed(dry_run, version, &sentence, &facts(version))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_to_resolve_is_a_number_an_alias_or_a_label() {
        assert_eq!(selector(None, "2".into()), Selector::Number(2));
        assert_eq!(selector(None, "production".into()), Selector::Alias("production".into()));
        assert_eq!(selector(Some("2.0".into()), "production".into()), Selector::Label("2.0".into()));
    }
}
