//! `steward policy`: the rules of the risk tiers, as data.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use prost_types::FieldMask;

use super::{
    client::Session,
    error::Failure,
    file::read,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag, ReasonFlag},
    json::from_json,
    name,
    output::{write, write_json},
    policy_fields::PolicyFields,
    policy_view::{facts, objections, table},
};
use crate::proto::v1::{
    CreatePolicyRequest, GetPolicyRequest, ListPoliciesRequest, ListPoliciesResponse, Policy,
    UpdatePolicyRequest, get_policy_request::ReadAt,
};

/// What to do with policies.
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// List the policies
    #[command(after_help = "Example:\n  steward policy list")]
    List(ListArgs),

    /// Show the rules of one policy
    #[command(after_help = "\
Examples:
  steward policy get standard
  steward policy get standard --output json > policy.json
  steward policy get standard --at 2026-03-03
A decision names the rules that it followed by digest: `--digest sha256:…` shows them.")]
    Get(GetArgs),

    /// Write a new policy; models and risk tiers are given to it afterwards
    #[command(after_help = "\
Examples:
  steward policy create cautious --like standard --notice-days 90 --approvals 2 --reason \"Board decision\"
  steward policy create cautious --file policy.json
  steward model update fundraising --policy cautious
  steward namespace update default --standard-policy cautious
The file is a Policy in proto3 JSON, as `steward policy get --output json` prints it; flags go before it.")]
    Create(CreateArgs),

    /// Change rules; later decisions follow them
    #[command(after_help = "\
Examples:
  steward policy update standard --notice-days 90 --dry-run
  steward policy update standard --notice-days 90 --reason \"Board decision\"
  steward policy update standard --file policy.json --dry-run
With --dry-run, the versions in service that the new rules would not approve today are listed, and why.
The file replaces all rules, and its etag, if it has one, has to be the present one.")]
    Update(UpdateArgs),
}

/// A policy on the command line.
#[derive(Args, Debug)]
pub struct PolicyRef {
    /// The policy's id, such as `standard`, or its full name
    #[arg(value_name = "POLICY")]
    policy: String,
}

/// Arguments of `steward policy list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward policy get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    policy: PolicyRef,

    #[command(flatten)]
    past: PastFlag,

    /// The rules as they were when they had this digest
    #[arg(long, value_name = "DIGEST", conflicts_with = "at")]
    digest: Option<String>,
}

/// Arguments of `steward policy create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// The new policy's id
    #[arg(value_name = "ID")]
    id: String,

    /// Begin with the rules of this policy
    #[arg(long, value_name = "POLICY", conflicts_with = "file")]
    like: Option<String>,

    #[command(flatten)]
    rules: RuleFlags,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward policy update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    policy: PolicyRef,

    #[command(flatten)]
    rules: RuleFlags,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Where rules come from: a file, and flags that go before it.
#[derive(Args, Debug)]
pub struct RuleFlags {
    /// The policy as JSON, for gates and all else; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    fields: PolicyFields,
}

impl RuleFlags {
    fn of_file(&self) -> Result<Option<Policy>, Failure> {
        self.file.as_deref().map(|path| from_json::<Policy>(&read(path)?)).transpose()
    }
}

/// Carries out one command.
pub async fn run(session: &Session, command: PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::List(args) => list(session, args).await,
        PolicyCommand::Get(args) => get(session, args).await,
        PolicyCommand::Create(args) => create(session, args).await,
        PolicyCommand::Update(args) => update(session, args).await,
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let fetch = async |page_size, page_token| {
        let request = ListPoliciesRequest { parent: session.namespace().to_owned(), page_size, page_token };
        let answer = session.call(request, async |r| session.policies().list_policies(r).await).await?;
        Ok((answer.policies, answer.next_page_token))
    };
    let (policies, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListPoliciesResponse { policies, next_page_token };
    session.output().list(&answer, &table(&answer.policies), "There is no policy.", &answer.next_page_token)
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let read_at = args.digest.map(ReadAt::Digest).or_else(|| args.past.read_at());
    let policy = read_policy(session, &args.policy.policy, read_at).await?;
    session.output().resource(&policy, &facts(&policy))
}

async fn read_policy(session: &Session, given: &str, read_at: Option<ReadAt>) -> Result<Policy, Failure> {
    let request = GetPolicyRequest { name: name::policy(session.namespace(), given)?, read_at };
    session.call(request, async |r| session.policies().get_policy(r).await).await
}

async fn create(session: &Session, args: CreateArgs) -> Result<(), Failure> {
    let base = match (&args.like, args.rules.of_file()?) {
        (Some(like), _) => read_policy(session, like, None).await?,
        (None, Some(policy)) => policy,
        (None, None) => Policy::default(),
    };
    let request_id = args.change.request_id();
    let request = CreatePolicyRequest {
        parent: session.namespace().to_owned(),
        policy_id: args.id,
        policy: Some(args.rules.fields.over(base)),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.policies().create_policy(r).await;
    let policy = session.change(&request_id, request, send).await?;
    let id = name::id(&policy.name);
    let sentence = format!(
        "Policy {id} is written (audit position {}). It binds nobody yet: `steward model update MODEL --policy \
         {id}`, or `steward namespace update` for a whole risk tier.",
        policy.audit_position
    );
    session.output().changed(args.change.dry_run, &policy, &sentence, &facts(&policy))
}

async fn update(session: &Session, args: UpdateArgs) -> Result<(), Failure> {
    let (base, update_mask) = match args.rules.of_file()? {
        // All that can be changed: what the file leaves out is emptied.
        Some(policy) => (policy, FieldMask { paths: vec!["*".to_owned()] }),
        None => (Policy::default(), args.rules.fields.mask()?),
    };
    let etag = if args.etag.etag.is_empty() { base.etag.clone() } else { args.etag.etag };
    let name = name::policy(session.namespace(), &args.policy.policy)?;
    let request_id = args.change.request_id();
    let request = UpdatePolicyRequest {
        policy: Some(Policy { name, etag, ..args.rules.fields.over(base) }),
        update_mask: Some(update_mask),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.policies().update_policy(r).await;
    let answer = session.change(&request_id, request, send).await?;
    let policy = answer.policy.clone().unwrap_or_default();
    if args.change.dry_run && !session.output().is_json() {
        return write(&objections(&policy, &answer.objections));
    }
    if session.output().is_json() {
        return write_json(&answer);
    }
    let sentence = format!(
        "Policy {} is changed; later decisions follow revision {} (audit position {}).",
        name::id(&policy.name),
        policy.revision,
        policy.audit_position
    );
    session.output().changed(false, &policy, &sentence, &facts(&policy))
}
