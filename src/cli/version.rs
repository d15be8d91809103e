//! `steward version`: the versions of a model, and which one to use. The verbs
//! of a version's life are in `lifecycle.rs`.

use clap::{Args, Subcommand, ValueEnum};
use prost_types::FieldMask;

use super::{
    argument::{parse_artifact, parse_dataset, parse_pair, parse_property, parse_upstream},
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag},
    lifecycle::{self, LifecycleCommand},
    name::{self, ModelRef, VersionRef},
    output::{write, write_json},
    table::version_words,
    version_view::{facts, resolved, table},
};
use crate::proto::v1::{
    Artifact, CreateVersionRequest, DatasetReference, GetVersionRequest, ListVersionsRequest,
    ListVersionsResponse, PropertyValue, ResolveVersionRequest, Source, UpdateVersionRequest,
    UpstreamReference, Version, resolve_version_request::Selector, source,
};

/// What to do with versions.
#[derive(Subcommand, Debug)]
pub enum VersionCommand {
    /// Register a version as a draft; it gets the next number
    #[command(after_help = "\
Examples:
  steward version create fundraising --label 2.0.0 --description \"Retrained on 2025\" \\
      --artifact \"s3://models/fundraising/2.onnx,digest=sha256:$(sha256sum 2.onnx | cut -c-64)\" \\
      --dataset \"s3://data/donors-2025.parquet,rows=120000\" --parent-version 1
  steward version create donor-chatbot --label gpt-4o-2024-08-06 \\
      --upstream provider=openai,model=gpt-4o-2024-08-06,channel=azure,region=westeurope")]
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

/// What is said about a version.
#[derive(Args, Debug, Clone, Default)]
pub struct VersionFields {
    /// A name of its own, such as `2.0.0` or a vendor's model id
    #[arg(long = "label", value_name = "TEXT")]
    label: Option<String>,

    /// What is new in this version
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// A file of the version: where it is, its digest, size in bytes and media type; may be repeated
    #[arg(long = "artifact", value_name = "URI[,digest=…][,size=…][,type=…]", value_parser = parse_artifact)]
    artifacts: Vec<Artifact>,

    /// What the version is called where it is rented
    #[arg(
        long,
        value_name = "provider=…,model=…[,channel=…][,region=…]",
        value_parser = parse_upstream
    )]
    upstream: Option<UpstreamReference>,

    /// A data set that it was made from; may be repeated
    #[arg(long = "dataset", value_name = "URI[,digest=…][,rows=…]", value_parser = parse_dataset)]
    datasets: Vec<DatasetReference>,

    /// A training run that it came from; may be repeated
    #[arg(long = "run-uri", value_name = "URI")]
    run_uris: Vec<String>,

    /// A version that it was made from: a number, MODEL/NUMBER or a full name; may be repeated
    #[arg(long = "parent-version", value_name = "VERSION")]
    parent_versions: Vec<String>,

    /// A key and value to filter by; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_pair)]
    labels: Vec<(String, String)>,

    /// A property with a type: `k=text`, `k:int=5`, `k:number=0.5`, `k:bool=true`,
    /// `k:time=2026-01-01`; may be repeated
    #[arg(long = "property", value_name = "KEY[:TYPE]=VALUE", value_parser = parse_property)]
    properties: Vec<(String, PropertyValue)>,
}

/// Arguments of `steward version create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    fields: VersionFields,

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

/// Fields that an update can empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a doc comment would become help text that repeats the word")]
pub enum ClearableField {
    Label,
    Description,
    Artifacts,
    Upstream,
    Sources,
    Tags,
    Properties,
}

impl ClearableField {
    fn path(self) -> &'static str {
        match self {
            ClearableField::Label => "label",
            ClearableField::Description => "description",
            ClearableField::Artifacts => "artifacts",
            ClearableField::Upstream => "upstream",
            ClearableField::Sources => "sources",
            ClearableField::Tags => "labels",
            ClearableField::Properties => "properties",
        }
    }
}

impl VersionFields {
    /// Which fields were given, by their names in the contract.
    fn paths(&self) -> Vec<&'static str> {
        let sources =
            !(self.datasets.is_empty() && self.run_uris.is_empty() && self.parent_versions.is_empty());
        let given = [
            (self.label.is_some(), "label"),
            (self.description.is_some(), "description"),
            (!self.artifacts.is_empty(), "artifacts"),
            (self.upstream.is_some(), "upstream"),
            (sources, "sources"),
            (!self.labels.is_empty(), "labels"),
            (!self.properties.is_empty(), "properties"),
        ];
        given.into_iter().filter_map(|(is_given, path)| is_given.then_some(path)).collect()
    }

    /// The version that these fields describe; `namespace` and `model` are full names.
    fn into_version(self, namespace: &str, model: &str) -> Result<Version, Failure> {
        let datasets = self.datasets.into_iter().map(|dataset| Ok(source::Kind::Dataset(dataset)));
        let runs = self.run_uris.into_iter().map(|uri| Ok(source::Kind::RunUri(uri)));
        let parents = self
            .parent_versions
            .iter()
            .map(|given| name::version_of(namespace, model, given).map(source::Kind::ParentVersion));
        let sources = datasets
            .chain(runs)
            .chain(parents)
            .map(|kind| kind.map(|kind| Source { kind: Some(kind) }))
            .collect::<Result<Vec<_>, Failure>>()?;
        Ok(Version {
            label: self.label.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            artifacts: self.artifacts,
            upstream: self.upstream,
            sources,
            labels: self.labels.into_iter().collect(),
            properties: self.properties.into_iter().collect(),
            ..Version::default()
        })
    }
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
    changed(session, args.change.dry_run, &version, "is registered as a DRAFT")
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
    let update_mask = Some(mask(&args.fields, &args.clear)?);
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

/// The fields to change: those given and those cleared.
fn mask(fields: &VersionFields, clear: &[ClearableField]) -> Result<FieldMask, Failure> {
    let mut paths = fields.paths();
    for field in clear {
        if paths.contains(&field.path()) {
            return Err(Failure::Usage(format!("{} is both given and cleared.", field.path())));
        }
        paths.push(field.path());
    }
    if paths.is_empty() {
        return Err(Failure::Usage("There is nothing to change: give at least one field.".to_owned()));
    }
    Ok(FieldMask { paths: paths.into_iter().map(str::to_owned).collect() })
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

    const NS: &str = "namespaces/default";
    const MODEL: &str = "namespaces/default/models/m";

    #[test]
    fn what_to_resolve_is_a_number_an_alias_or_a_label() {
        assert_eq!(selector(None, "2".into()), Selector::Number(2));
        assert_eq!(selector(None, "production".into()), Selector::Alias("production".into()));
        assert_eq!(selector(Some("2.0".into()), "production".into()), Selector::Label("2.0".into()));
    }

    #[test]
    fn all_sources_of_a_version_are_sent_in_the_contracts_form() {
        let fields = VersionFields {
            datasets: vec![parse_dataset("s3://d,rows=5").unwrap()],
            run_uris: vec!["https://runs.example/7".into()],
            parent_versions: vec!["1".into(), "other/3".into()],
            ..VersionFields::default()
        };
        let version = fields.into_version(NS, MODEL).unwrap();
        let kinds: Vec<source::Kind> = version.sources.into_iter().filter_map(|s| s.kind).collect();
        assert_eq!(kinds.len(), 4);
        assert_eq!(kinds[2], source::Kind::ParentVersion(format!("{MODEL}/versions/1")));
        assert_eq!(kinds[3], source::Kind::ParentVersion(format!("{NS}/models/other/versions/3")));
    }

    #[test]
    fn an_update_names_what_was_given_and_what_is_cleared() {
        let fields = VersionFields { label: Some(String::new()), ..VersionFields::default() };
        assert_eq!(mask(&fields, &[ClearableField::Tags]).unwrap().paths, ["label", "labels"]);
        assert!(mask(&fields, &[ClearableField::Label]).is_err());
        assert!(mask(&VersionFields::default(), &[]).is_err());
    }
}
