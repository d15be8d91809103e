//! `steward upstream`: what the providers of rented models announce.

use clap::{Args, Subcommand, ValueEnum};
use percent_encoding::percent_decode_str;
use prost_types::Timestamp;

use super::{
    argument::{parse_time, parse_upstream},
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag, ReasonFlag, mask_of},
    name,
    table::{Facts, Table, day, time, version_words},
    upstream_import::{self, ImportArgs},
};
use crate::proto::v1::{
    DeleteUpstreamRequest, GetUpstreamRequest, ListUpstreamsRequest, ListUpstreamsResponse,
    SetUpstreamRequest, SetUpstreamResponse, Upstream, UpstreamReference,
};

/// What to do with records of rented models.
#[derive(Subcommand, Debug)]
pub enum UpstreamCommand {
    /// Record what a provider announced; the ends of the versions that rest on the model follow
    #[command(after_help = "\
Examples:
  steward upstream set provider=openai,model=gpt-4o-2024-08-06 --shutdown 2026-10-01 --replacement gpt-5
  steward upstream set provider=openai,model=gpt-4o-2024-08-06 --clear shutdown --reason \"Taken back\"")]
    Set(Box<SetArgs>),

    /// Show one record
    #[command(after_help = "Example:\n  steward upstream get provider=openai,model=gpt-4o-2024-08-06")]
    Get(GetArgs),

    /// List the records
    #[command(after_help = "Example:\n  steward upstream list --provider openai --ends-before 2027-01-01")]
    List(ListArgs),

    /// Remove a record that no version in service rests on; its history stays
    Delete(DeleteArgs),

    /// Take over what a file says; only what is new becomes an event
    #[command(after_help = "\
Formats:
  litellm  LiteLLM's model_prices_and_context_window.json, by its `deprecation_date`
  openai   the answer of GET /v1/models, by the `shutdown_date` of its models
A date means 00:00 UTC. docs/upstream.md says which entry becomes which record.

Examples:
  steward upstream import model_prices_and_context_window.json --format litellm --dry-run
  curl -s https://api.openai.com/v1/models -H \"Authorization: Bearer $KEY\" | \\
      steward upstream import - --format openai")]
    Import(ImportArgs),
}

/// A record on the command line.
#[derive(Args, Debug)]
pub struct UpstreamRef {
    /// The rented model, or the full name of its record
    #[arg(value_name = "provider=…,model=…[,channel=…][,region=…]")]
    upstream: String,
}

/// Arguments of `steward upstream set`.
#[derive(Args, Debug)]
pub struct SetArgs {
    #[command(flatten)]
    upstream: UpstreamRef,

    /// When the provider shuts it down
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    shutdown: Option<Timestamp>,

    /// The provider promises that it lives until then
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    not_sooner_than: Option<Timestamp>,

    /// The model id that the provider recommends instead
    #[arg(long, value_name = "MODEL_ID")]
    replacement: Option<String>,

    /// Where that is announced
    #[arg(long, value_name = "URI")]
    source_uri: Option<String>,

    /// Empty a field; may be repeated
    #[arg(long, value_name = "FIELD", value_enum)]
    clear: Vec<ClearableField>,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// A field that can be emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClearableField {
    /// When the provider shuts it down
    Shutdown,
    /// Until when the provider promises that it lives
    NotSoonerThan,
    /// What the provider recommends instead
    Replacement,
    /// Where that is announced
    SourceUri,
}

impl ClearableField {
    fn path(self) -> &'static str {
        match self {
            ClearableField::Shutdown => "shutdown_time",
            ClearableField::NotSoonerThan => "not_sooner_than_time",
            ClearableField::Replacement => "replacement_model_id",
            ClearableField::SourceUri => "source_uri",
        }
    }
}

/// Arguments of `steward upstream get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    upstream: UpstreamRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward upstream list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only this provider's
    #[arg(long, value_name = "PROVIDER", default_value = "", hide_default_value = true)]
    provider: String,

    /// Only those that are shut down before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    ends_before: Option<Timestamp>,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward upstream delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    upstream: UpstreamRef,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: UpstreamCommand) -> Result<(), Failure> {
    match command {
        UpstreamCommand::Set(args) => set(session, *args).await,
        UpstreamCommand::Get(args) => get(session, args).await,
        UpstreamCommand::List(args) => list(session, args).await,
        UpstreamCommand::Delete(args) => delete(session, args).await,
        UpstreamCommand::Import(args) => upstream_import::run(session, args).await,
    }
}

async fn set(session: &Session, args: SetArgs) -> Result<(), Failure> {
    let given = [
        (args.shutdown.is_some(), ClearableField::Shutdown),
        (args.not_sooner_than.is_some(), ClearableField::NotSoonerThan),
        (args.replacement.is_some(), ClearableField::Replacement),
        (args.source_uri.is_some(), ClearableField::SourceUri),
    ];
    let given = given.into_iter().filter(|(is_given, _)| *is_given).map(|(_, field)| field.path());
    let mask = mask_of(given, args.clear.iter().map(|field| field.path()))?;
    let UpstreamReference { provider, model_id, channel, region } = reference(&args.upstream.upstream)?;
    let request_id = args.change.request_id();
    let request = SetUpstreamRequest {
        parent: namespace_of(session, &args.upstream.upstream),
        upstream: Some(Upstream {
            provider,
            model_id,
            channel,
            region,
            not_sooner_than_time: args.not_sooner_than,
            shutdown_time: args.shutdown,
            replacement_model_id: args.replacement.unwrap_or_default(),
            source_uri: args.source_uri.unwrap_or_default(),
            etag: args.etag.etag,
            ..Upstream::default()
        }),
        update_mask: Some(mask),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.upstreams().set_upstream(r).await;
    let answer = session.change(&request_id, request, send).await?;
    let upstream = answer.upstream.clone().unwrap_or_default();
    session.output().changed(
        args.change.dry_run,
        &answer,
        &set_sentence(&answer, &upstream),
        &facts(&upstream),
    )
}

fn set_sentence(answer: &SetUpstreamResponse, upstream: &Upstream) -> String {
    let model = model_words(upstream);
    if !answer.changed {
        return format!("That is known of {model} already; nothing was changed.");
    }
    let versions: Vec<String> = answer.moved_versions.iter().map(|name| version_words(name)).collect();
    let moved = match versions.as_slice() {
        [] => String::new(),
        versions => format!(" The end moved of {}.", versions.join(", ")),
    };
    format!("The record of {model} is changed (audit position {}).{moved}", upstream.audit_position)
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let name = full_name(session, &args.upstream.upstream)?;
    let request = GetUpstreamRequest { name, read_at: args.past.read_at() };
    let upstream = session.call(request, async |r| session.upstreams().get_upstream(r).await).await?;
    session.output().resource(&upstream, &facts(&upstream))
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let fetch = async |page_size, page_token| {
        let request = ListUpstreamsRequest {
            parent: session.namespace().to_owned(),
            page_size,
            page_token,
            provider: args.provider.clone(),
            shutdown_before_time: args.ends_before,
        };
        let answer = session.call(request, async |r| session.upstreams().list_upstreams(r).await).await?;
        Ok((answer.upstreams, answer.next_page_token))
    };
    let (upstreams, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListUpstreamsResponse { upstreams, next_page_token };
    let mut table = Table::new(["PROVIDER", "CHANNEL", "REGION", "MODEL", "SHUTDOWN", "REPLACEMENT"]);
    for upstream in &answer.upstreams {
        table.row([
            upstream.provider.clone(),
            upstream.channel.clone(),
            upstream.region.clone(),
            upstream.model_id.clone(),
            day(upstream.shutdown_time),
            upstream.replacement_model_id.clone(),
        ]);
    }
    session.output().list(&answer, &table, "There is no such record.", &answer.next_page_token)
}

async fn delete(session: &Session, args: DeleteArgs) -> Result<(), Failure> {
    let name = full_name(session, &args.upstream.upstream)?;
    let request_id = args.change.request_id();
    let request = DeleteUpstreamRequest {
        name: name.clone(),
        etag: args.etag.etag,
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.upstreams().delete_upstream(r).await;
    let answer = session.change(&request_id, request, send).await?;
    let sentence = format!(
        "The record {} is removed; its history stays (audit position {}).",
        name::id(&name),
        answer.audit_position
    );
    session.output().changed(args.change.dry_run, &answer, &sentence, &Facts::new())
}

/// The four parts of a record, given in words or by its full name.
fn reference(given: &str) -> Result<UpstreamReference, Failure> {
    let Some((_, segment)) = given.split_once("/upstreams/") else {
        return parse_upstream(given)
            .map_err(|why| Failure::Usage(format!("{given} is no upstream: {why}.")));
    };
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = segment.split('~').map(decode).collect();
    match <[String; 4]>::try_from(parts) {
        Ok([provider, channel, region, model_id]) => {
            Ok(UpstreamReference { provider, model_id, channel, region })
        }
        Err(_) => Err(Failure::Usage(format!(
            "{given} is not a full name of the form namespaces/…/upstreams/PROVIDER~CHANNEL~REGION~MODEL."
        ))),
    }
}

/// The namespace of a record: that of its full name, or the one in use.
fn namespace_of(session: &Session, given: &str) -> String {
    given.split_once("/upstreams/").map_or(session.namespace(), |(namespace, _)| namespace).to_owned()
}

/// The full name of a record, given in words or by its full name.
fn full_name(session: &Session, given: &str) -> Result<String, Failure> {
    let UpstreamReference { provider, model_id, channel, region } = reference(given)?;
    // The sign between the parts may stand in a part, too.
    let encode = |part: String| name::encode(&part).replace('~', "%7E");
    let parts = [provider, channel, region, model_id].map(encode);
    Ok(format!("{}/upstreams/{}", namespace_of(session, given), parts.join("~")))
}

/// A rented model in words: `gpt-4o of openai (azure, eu)`.
pub fn model_words(upstream: &Upstream) -> String {
    let places: Vec<&str> = [&upstream.channel, &upstream.region]
        .into_iter()
        .map(String::as_str)
        .filter(|p| !p.is_empty())
        .collect();
    let place = if places.is_empty() { String::new() } else { format!(" ({})", places.join(", ")) };
    format!("{} of {}{place}", upstream.model_id, upstream.provider)
}

fn facts(upstream: &Upstream) -> Facts {
    Facts::new()
        .add("Provider", &upstream.provider)
        .add("Model", &upstream.model_id)
        .add("Channel", &upstream.channel)
        .add("Region", &upstream.region)
        .add("Not sooner than", time(upstream.not_sooner_than_time))
        .add("Shutdown", time(upstream.shutdown_time))
        .add("Replacement", &upstream.replacement_model_id)
        .add("Source", &upstream.source_uri)
        .add("First recorded", time(upstream.create_time))
        .add("Last changed", time(upstream.update_time))
        .add("Etag", &upstream.etag)
        .add("Full name", &upstream.name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_record_is_given_by_its_parts_or_by_its_full_name() {
        let wanted = UpstreamReference {
            provider: "openai".into(),
            model_id: "a~b/c".into(),
            channel: "azure".into(),
            region: String::new(),
        };
        assert_eq!(reference("provider=openai,model=a~b/c,channel=azure").unwrap(), wanted);
        assert_eq!(reference("namespaces/x/upstreams/openai~azure~~a%7Eb%2Fc").unwrap(), wanted);
        assert!(matches!(reference("namespaces/x/upstreams/openai~gpt"), Err(Failure::Usage(_))));
        assert!(matches!(reference("gpt-4o"), Err(Failure::Usage(_))));
    }

    #[test]
    fn setting_tells_which_versions_moved_and_when_nothing_is_new() {
        let upstream = Upstream {
            provider: "openai".into(),
            model_id: "gpt".into(),
            audit_position: 9,
            ..Upstream::default()
        };
        let mut answer = SetUpstreamResponse::default();
        assert!(set_sentence(&answer, &upstream).contains("nothing was changed"));
        answer.changed = true;
        answer.moved_versions = vec!["namespaces/default/models/bot/versions/2".into()];
        assert_eq!(
            set_sentence(&answer, &upstream),
            "The record of gpt of openai is changed (audit position 9). The end moved of version 2 of bot."
        );
    }
}
