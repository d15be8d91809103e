//! `steward namespace`: separate registries on one server.

use clap::{Args, Subcommand};

use super::{
    client::Session,
    error::Failure,
    flags::{ChangeFlags, PageFlags, PastFlag},
    name,
    table::{Facts, Table, day, time},
};
use crate::proto::v1::{
    CreateNamespaceRequest, GetNamespaceRequest, ListNamespacesRequest, ListNamespacesResponse, Namespace,
};

/// What to do with namespaces.
#[derive(Subcommand, Debug)]
pub enum NamespaceCommand {
    /// Create a namespace, with an audit log of its own
    #[command(after_help = "Example:\n  steward namespace create trials --description \"Things we try out\"")]
    Create(CreateArgs),

    /// Show one namespace
    Get(GetArgs),

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
    Facts::new()
        .add("Namespace", name::id(&namespace.name))
        .add("Display name", &namespace.display_name)
        .add("Description", &namespace.description)
        .add("Audit log", &namespace.log_id)
        .add("Created", time(namespace.create_time))
        .add("Etag", &namespace.etag)
        .add("Full name", &namespace.name)
}
