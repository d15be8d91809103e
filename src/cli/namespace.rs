//! `steward namespace`: separate registries on one server.

use clap::{Args, Subcommand};

use super::{
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag, ReasonFlag, mask_of},
    name,
    table::{Facts, Table, day, time},
};
use crate::proto::v1::{
    CreateNamespaceRequest, GetNamespaceRequest, ListNamespacesRequest, ListNamespacesResponse, Namespace,
    UpdateNamespaceRequest,
};

/// What to do with namespaces.
#[derive(Subcommand, Debug)]
pub enum NamespaceCommand {
    /// Create a namespace, with an audit log of its own
    #[command(after_help = "Example:\n  steward namespace create trials --description \"Things we try out\"")]
    Create(CreateArgs),

    /// Show one namespace
    Get(GetArgs),

    /// Change a namespace; only what you give is changed
    #[command(after_help = "\
Examples:
  steward namespace update default --standard-policy cautious --reason \"Board decision\"
  steward namespace update default --allow-self-approval --reason \"Only one of us works here\"")]
    Update(UpdateArgs),

    /// List the namespaces
    List(ListArgs),
}

/// Arguments of `steward namespace create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// The new namespace's id: lower-case letters, digits and `-`
    #[arg(value_name = "ID")]
    id: String,

    /// A name for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    display_name: String,

    /// What the namespace is for
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward namespace get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// The namespace's id or full name
    #[arg(value_name = "ID", default_value = "default")]
    id: String,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward namespace update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// The namespace's id or full name
    #[arg(value_name = "ID")]
    id: String,

    /// A name for people
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,

    /// What the namespace is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Let somebody who is alone agree with themselves; each time goes on record
    #[arg(long, conflicts_with = "no_self_approval")]
    allow_self_approval: bool,

    /// Ask for a second person again
    #[arg(long)]
    no_self_approval: bool,

    /// The policy of models of risk tier PREVIEW; empty for the one called `preview`
    #[arg(long, value_name = "POLICY")]
    preview_policy: Option<String>,

    /// The policy of models of risk tier STANDARD; empty for the one called `standard`
    #[arg(long, value_name = "POLICY")]
    standard_policy: Option<String>,

    /// The policy of models of risk tier CRITICAL; empty for the one called `critical`
    #[arg(long, value_name = "POLICY")]
    critical_policy: Option<String>,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward namespace list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    page: PageFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: NamespaceCommand) -> Result<(), Failure> {
    match command {
        NamespaceCommand::Create(args) => create(session, args).await,
        NamespaceCommand::Get(args) => get(session, args).await,
        NamespaceCommand::Update(args) => update(session, args).await,
        NamespaceCommand::List(args) => list(session, args).await,
    }
}

async fn create(session: &Session, args: CreateArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = CreateNamespaceRequest {
        namespace_id: args.id,
        namespace: Some(Namespace {
            display_name: args.display_name,
            description: args.description,
            ..Namespace::default()
        }),
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let namespace = session
        .change(&request_id, request, async |r| session.namespaces().create_namespace(r).await)
        .await?;
    let id = name::id(&namespace.name);
    let sentence = format!("Namespace {id} is created. Use it with --namespace {id}.");
    session.output().changed(args.change.dry_run, &namespace, &sentence, &facts(&namespace))
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let request = GetNamespaceRequest { name: name::namespace(&args.id)?, read_at: args.past.read_at() };
    let namespace = session.call(request, async |r| session.namespaces().get_namespace(r).await).await?;
    session.output().resource(&namespace, &facts(&namespace))
}

async fn update(session: &Session, args: UpdateArgs) -> Result<(), Failure> {
    let given = [
        (args.display_name.is_some(), "display_name"),
        (args.description.is_some(), "description"),
        (args.allow_self_approval || args.no_self_approval, "allow_self_approval"),
        (args.preview_policy.is_some(), "preview_policy"),
        (args.standard_policy.is_some(), "standard_policy"),
        (args.critical_policy.is_some(), "critical_policy"),
    ];
    let paths = given.into_iter().filter_map(|(is_given, path)| is_given.then_some(path));
    let update_mask = Some(mask_of(paths, [])?);
    let name = name::namespace(&args.id)?;
    let policy = |given: Option<String>| match given.as_deref() {
        None | Some("") => Ok(String::new()),
        Some(given) => name::policy(&name, given),
    };
    let changes = Namespace {
        display_name: args.display_name.unwrap_or_default(),
        description: args.description.unwrap_or_default(),
        allow_self_approval: args.allow_self_approval,
        preview_policy: policy(args.preview_policy)?,
        standard_policy: policy(args.standard_policy)?,
        critical_policy: policy(args.critical_policy)?,
        etag: args.etag.etag,
        ..Namespace::default()
    };
    let request_id = args.change.request_id();
    let request = UpdateNamespaceRequest {
        namespace: Some(Namespace { name, ..changes }),
        update_mask,
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.namespaces().update_namespace(r).await;
    let namespace = session.change(&request_id, request, send).await?;
    let sentence = format!(
        "Namespace {} is changed (audit position {}).",
        name::id(&namespace.name),
        namespace.audit_position
    );
    session.output().changed(args.change.dry_run, &namespace, &sentence, &facts(&namespace))
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let fetch = async |page_size, page_token| {
        let request = ListNamespacesRequest { page_size, page_token };
        let answer = session.call(request, async |r| session.namespaces().list_namespaces(r).await).await?;
        Ok((answer.namespaces, answer.next_page_token))
    };
    let (namespaces, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListNamespacesResponse { namespaces, next_page_token };
    let mut table = Table::new(["NAMESPACE", "DISPLAY NAME", "CREATED", "LOG"]);
    for namespace in &answer.namespaces {
        table.row([
            name::id(&namespace.name),
            namespace.display_name.clone(),
            day(namespace.create_time),
            namespace.log_id.clone(),
        ]);
    }
    session.output().list(&answer, &table, "There is no namespace.", &answer.next_page_token)
}

fn facts(namespace: &Namespace) -> Facts {
    let policy = |name: &str, tier: &str| if name.is_empty() { tier.to_owned() } else { name::id(name) };
    let policies = [
        format!("{} for PREVIEW", policy(&namespace.preview_policy, "preview")),
        format!("{} for STANDARD", policy(&namespace.standard_policy, "standard")),
        format!("{} for CRITICAL", policy(&namespace.critical_policy, "critical")),
    ];
    let alone = if namespace.allow_self_approval { "allowed, on record" } else { "not allowed" };
    Facts::new()
        .add("Namespace", name::id(&namespace.name))
        .add("Display name", &namespace.display_name)
        .add("Description", &namespace.description)
        .add("Policies", policies.join(", "))
        .add("Self-approval", alone)
        .add("Audit log", &namespace.log_id)
        .add("Created", time(namespace.create_time))
        .add("Last changed", time(namespace.update_time))
        .add("Etag", &namespace.etag)
        .add("Full name", &namespace.name)
}
