//! `steward subscription`: who gets every event at least once, and how far they have got.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use prost_types::{Duration, FieldMask};

use super::{
    argument::{At, parse_length},
    audit_read::{FilterFlags, From, parse_from},
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags, PastFlag, ReasonFlag, mask_of},
    name,
    output::note,
    subscription_read::{AcknowledgeArgs, ReadArgs, acknowledge, read},
    subscription_view::{facts, table},
    webhook::{self, WebhookFlags, read_header, tell_secret},
};
use crate::proto::v1::{
    CreateSubscriptionRequest, DeleteSubscriptionRequest, GetSubscriptionRequest, ListSubscriptionsRequest,
    ListSubscriptionsResponse, SeekSubscriptionRequest, StartPoint, Subscription, UpdateSubscriptionRequest,
    create_subscription_request::Start as CreateStart, seek_subscription_request::Start as SeekStart,
};

/// What to do with subscriptions.
#[derive(Subcommand, Debug)]
pub enum SubscriptionCommand {
    /// Make a subscription: every event that matches, at least once
    #[command(after_help = "\
Examples:
  steward subscription create warehouse --from earliest
  steward subscription create trainer --type MetricAlarmRaised --type VersionApproved --partitions 4
  steward subscription create ci --type MetricAlarmRaised --shape github --authorization-file token.txt \\
      --webhook https://api.github.com/repos/OWNER/REPOSITORY/dispatches")]
    Create(CreateArgs),

    /// List the subscriptions, with what waits
    #[command(after_help = "Example:\n  steward subscription list")]
    List(ListArgs),

    /// Show one subscription, with where its partitions stand
    #[command(after_help = "Example:\n  steward subscription show warehouse")]
    Show(ShowArgs),

    /// Change what a subscription wants
    #[command(after_help = "Example:\n  steward subscription update trainer --type VersionApproved")]
    Update(UpdateArgs),

    /// Take a partition and print its events
    #[command(after_help = "\
Prints one line for each event; with --output json the event itself, one JSON object a line. Whoever reads a
partition is its one active reader: the one before is ended.

Examples:
  steward subscription read warehouse --acknowledge --output json >> events.jsonl
  steward subscription read trainer --partition 3 --until-empty")]
    Read(ReadArgs),

    /// Say that everything up to a position is done
    #[command(after_help = "\
Example:
  steward subscription acknowledge warehouse '#1200' --generation 1772323200000000")]
    Acknowledge(AcknowledgeArgs),

    /// Have all readers go on at another position
    #[command(after_help = "\
Examples:
  steward subscription seek warehouse --from '#1000' --reason \"The table was restored\"
  steward subscription seek trainer --from latest --reason \"A test run\"")]
    Seek(SeekArgs),

    /// The webhook of a subscription: keys, state, trial, deliveries
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),

    /// Remove a subscription, and forget how far its readers have got
    #[command(after_help = "Example:\n  steward subscription delete warehouse --reason \"Moved\"")]
    Delete(DeleteArgs),
}

/// A subscription on the command line.
#[derive(Args, Debug)]
pub struct SubscriptionRef {
    /// The subscription's id or full name
    #[arg(value_name = "SUBSCRIPTION")]
    subscription: String,
}

impl SubscriptionRef {
    /// Its full name.
    pub fn name(&self, session: &Session) -> Result<String, Failure> {
        name::subscription(session.namespace(), &self.subscription)
    }
}

/// Arguments of `steward subscription create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// The new subscription's id, such as `warehouse`
    #[arg(value_name = "ID")]
    id: String,

    /// Where to begin: `earliest`, `latest` (what comes from now on), a time, or a position such as '#123'
    #[arg(long, value_name = "WHERE", value_parser = parse_from, default_value = "latest")]
    from: From,

    /// How many readers can work side by side, 1-64
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    partitions: i32,

    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,

    /// Report a partition that does not move for so long although events wait, such as `2 hours`
    #[arg(long, value_name = "LENGTH", value_parser = parse_length)]
    stall_interval: Option<Duration>,

    #[command(flatten)]
    filter: FilterFlags,

    #[command(flatten)]
    webhook: WebhookFlags,

    /// A file that holds the `authorization` header of the webhook's requests, such as `Bearer …`
    #[arg(long, value_name = "FILE", requires = "uri")]
    authorization_file: Option<PathBuf>,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward subscription list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward subscription show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    subscription: SubscriptionRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward subscription update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    subscription: SubscriptionRef,

    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Report a partition that does not move for so long although events wait
    #[arg(long, value_name = "LENGTH", value_parser = parse_length)]
    stall_interval: Option<Duration>,

    /// Want every event
    #[arg(long)]
    clear_filter: bool,

    #[command(flatten)]
    filter: FilterFlags,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward subscription seek`.
#[derive(Args, Debug)]
pub struct SeekArgs {
    #[command(flatten)]
    subscription: SubscriptionRef,

    /// Where to go on: `earliest`, `latest`, a time, or a position such as '#123'
    #[arg(long, value_name = "WHERE", value_parser = parse_from)]
    from: From,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward subscription delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    subscription: SubscriptionRef,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: SubscriptionCommand) -> Result<(), Failure> {
    match command {
        SubscriptionCommand::Create(args) => create(session, args).await,
        SubscriptionCommand::List(args) => list(session, args).await,
        SubscriptionCommand::Show(args) => {
            let name = args.subscription.name(session)?;
            let request = GetSubscriptionRequest { name, read_at: args.past.read_at() };
            let send = async |r| session.subscriptions().get_subscription(r).await;
            let subscription = session.call(request, send).await?;
            session.output().resource(&subscription, &facts(&subscription))
        }
        SubscriptionCommand::Update(args) => update(session, args).await,
        SubscriptionCommand::Read(args) => read(session, args).await,
        SubscriptionCommand::Acknowledge(args) => acknowledge(session, args).await,
        SubscriptionCommand::Seek(args) => seek(session, args).await,
        SubscriptionCommand::Webhook(command) => webhook::run(session, command).await,
        SubscriptionCommand::Delete(args) => delete(session, args).await,
    }
}

async fn create(session: &Session, args: CreateArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = CreateSubscriptionRequest {
        parent: session.namespace().to_owned(),
        subscription_id: args.id,
        subscription: Some(Subscription {
            description: args.description,
            filter: args.filter.filter(session.namespace())?,
            partition_count: args.partitions,
            stall_interval: args.stall_interval,
            webhook: args.webhook.webhook(),
            ..Subscription::default()
        }),
        authorization: read_header(args.authorization_file.as_ref())?,
        start: Some(match args.from {
            From::Earliest => CreateStart::StartPoint(StartPoint::Earliest.into()),
            From::Latest => CreateStart::StartPoint(StartPoint::Latest.into()),
            From::At(At::Time(time)) => CreateStart::StartTime(time),
            From::At(At::Position(position)) => CreateStart::StartPosition(position),
        }),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.subscriptions().create_subscription(r).await;
    let subscription = session.change(&request_id, request, send).await?;
    tell_secret(&subscription);
    told(session, args.change.dry_run, &subscription, "gets events from")?;
    if !args.change.dry_run {
        let id = name::id(&subscription.name);
        note(&match subscription.webhook {
            Some(_) => format!("See whether it arrives: steward subscription webhook test {id}"),
            None => format!("Read it: steward subscription read {id}"),
        });
    }
    Ok(())
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let fetch = async |page_size, page_token| {
        let parent = session.namespace().to_owned();
        let request = ListSubscriptionsRequest { parent, page_size, page_token };
        let send = async |r| session.subscriptions().list_subscriptions(r).await;
        let answer = session.call(request, send).await?;
        Ok((answer.subscriptions, answer.next_page_token))
    };
    let (subscriptions, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListSubscriptionsResponse { subscriptions, next_page_token };
    let table = table(&answer.subscriptions);
    session.output().list(&answer, &table, "Nobody has subscribed.", &answer.next_page_token)
}

async fn update(session: &Session, args: UpdateArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let filter = args.filter.filter(session.namespace())?;
    let given = [
        args.description.as_ref().map(|_| "description"),
        filter.as_ref().map(|_| "filter"),
        args.stall_interval.as_ref().map(|_| "stall_interval"),
    ];
    let mask: FieldMask = mask_of(given.into_iter().flatten(), args.clear_filter.then_some("filter"))?;
    let request = UpdateSubscriptionRequest {
        subscription: Some(Subscription {
            name: args.subscription.name(session)?,
            description: args.description.unwrap_or_default(),
            filter,
            stall_interval: args.stall_interval,
            etag: args.etag.etag,
            ..Subscription::default()
        }),
        update_mask: Some(mask),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.subscriptions().update_subscription(r).await;
    let subscription = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &subscription, "was changed; it began at")
}

async fn seek(session: &Session, args: SeekArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = SeekSubscriptionRequest {
        name: args.subscription.name(session)?,
        start: Some(match args.from {
            From::Earliest => SeekStart::StartPoint(StartPoint::Earliest.into()),
            From::Latest => SeekStart::StartPoint(StartPoint::Latest.into()),
            From::At(At::Time(time)) => SeekStart::StartTime(time),
            From::At(At::Position(position)) => SeekStart::StartPosition(position),
        }),
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.subscriptions().seek_subscription(r).await;
    let subscription = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &subscription, "goes on at")
}

async fn delete(session: &Session, args: DeleteArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let name = args.subscription.name(session)?;
    let request = DeleteSubscriptionRequest {
        name: name.clone(),
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.subscriptions().delete_subscription(r).await;
    let answer = session.change(&request_id, request, send).await?;
    let id = name::id(&name);
    let sentence = match args.change.dry_run {
        true => format!("Subscription {id} can be deleted."),
        false => format!("Subscription {id} is deleted (audit position {}).", answer.audit_position),
    };
    session.output().say(&sentence)
}

fn told(session: &Session, dry_run: bool, subscription: &Subscription, what: &str) -> Result<(), Failure> {
    let sentence = format!(
        "Subscription {} {what} position {} (audit position {}).",
        name::id(&subscription.name),
        subscription.start_position,
        subscription.audit_position
    );
    session.output().changed(dry_run, subscription, &sentence, &facts(subscription))
}
