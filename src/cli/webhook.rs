//! `steward subscription webhook`: keys, state, trial and deliveries of webhooks.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use prost_types::Duration;

use super::{
    argument::parse_length,
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags, ReasonFlag},
    name,
    output::note,
    subscription_view::facts,
    table::{Facts, Table, time},
};
use crate::proto::v1::{
    ListWebhookDeliveriesRequest, ListWebhookDeliveriesResponse, ResumeWebhookRequest,
    RotateWebhookKeyRequest, Subscription, TestWebhookRequest, Webhook, WebhookDelivery, WebhookKeyType,
    WebhookShape,
};

/// What to do with the webhook of a subscription.
#[derive(Subcommand, Debug)]
pub enum WebhookCommand {
    /// Make another key; the one before signs beside it for a day
    #[command(after_help = "Example:\n  steward subscription webhook rotate-key trainer --overlap '2 days'")]
    RotateKey(RotateArgs),

    /// Have a webhook that was suspended or disabled send again
    #[command(after_help = "\
Example:
  steward subscription webhook resume trainer --reason \"The receiver is back\"")]
    Resume(ResumeArgs),

    /// Send a signed test event, and tell what happened
    #[command(after_help = "Example:\n  steward subscription webhook test trainer")]
    Test(NameArg),

    /// List the newest attempts
    #[command(after_help = "Example:\n  steward subscription webhook deliveries trainer --limit 20")]
    Deliveries(DeliveriesArgs),
}

/// A subscription on the command line.
#[derive(Args, Debug)]
pub struct NameArg {
    /// The subscription's id or full name
    #[arg(value_name = "SUBSCRIPTION")]
    subscription: String,
}

/// Arguments of `steward subscription webhook rotate-key`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    #[command(flatten)]
    name: NameArg,

    /// How long the keys before sign beside the new one
    #[arg(long, value_name = "LENGTH", value_parser = parse_length)]
    overlap: Option<Duration>,

    /// A file that holds another `authorization` header
    #[arg(long, value_name = "FILE")]
    authorization_file: Option<PathBuf>,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward subscription webhook resume`.
#[derive(Args, Debug)]
pub struct ResumeArgs {
    #[command(flatten)]
    name: NameArg,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward subscription webhook deliveries`.
#[derive(Args, Debug)]
pub struct DeliveriesArgs {
    #[command(flatten)]
    name: NameArg,

    #[command(flatten)]
    page: PageFlags,
}

/// What bodies look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// The event itself, as CloudEvents has it
    Cloudevents,
    /// A `repository_dispatch` of GitHub
    Github,
    /// A run of an Airflow DAG
    Airflow,
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Key {
    /// A secret that both know
    Hmac,
    /// A key of which the receiver knows the public part
    Ed25519,
}

/// Flags of a subscription with a webhook.
#[derive(Args, Debug)]
pub struct WebhookFlags {
    /// Send the events there, signed
    #[arg(long = "webhook", value_name = "URI")]
    uri: Option<String>,

    /// What bodies look like
    #[arg(long, requires = "uri", default_value = "cloudevents", hide_default_value = true)]
    shape: Shape,

    /// How requests are signed
    #[arg(long, requires = "uri", default_value = "hmac", hide_default_value = true)]
    key: Key,

    /// Retrainings that it starts expire after so long, such as `12h`; 7 days when absent
    #[arg(long, requires = "uri", value_name = "LENGTH", value_parser = parse_length)]
    retraining_ttl: Option<Duration>,
}

impl WebhookFlags {
    /// The webhook, if there is to be one.
    pub fn webhook(self) -> Option<Webhook> {
        let shape = match self.shape {
            Shape::Cloudevents => WebhookShape::Cloudevents,
            Shape::Github => WebhookShape::GithubRepositoryDispatch,
            Shape::Airflow => WebhookShape::AirflowDagRun,
        };
        let key_type = match self.key {
            Key::Hmac => WebhookKeyType::HmacSha256,
            Key::Ed25519 => WebhookKeyType::Ed25519,
        };
        Some(Webhook {
            uri: self.uri?,
            shape: shape.into(),
            key_type: key_type.into(),
            retraining_ttl: self.retraining_ttl,
        })
    }
}

/// A header from a file, so that it stands in no list of processes.
pub fn read_header(path: Option<&PathBuf>) -> Result<String, Failure> {
    let Some(path) = path else { return Ok(String::new()) };
    let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
    Ok(text.trim().to_owned())
}

/// Says the secret of a key that was just made.
pub fn tell_secret(subscription: &Subscription) {
    if !subscription.webhook_secret.is_empty() {
        note(&format!(
            "The receiver needs this to check signatures; it is not shown again: {}",
            subscription.webhook_secret
        ));
    }
}

/// Carries out one command.
pub async fn run(session: &Session, command: WebhookCommand) -> Result<(), Failure> {
    match command {
        WebhookCommand::RotateKey(args) => rotate(session, args).await,
        WebhookCommand::Resume(args) => resume(session, args).await,
        WebhookCommand::Test(args) => test(session, args).await,
        WebhookCommand::Deliveries(args) => deliveries(session, args).await,
    }
}

async fn rotate(session: &Session, args: RotateArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = RotateWebhookKeyRequest {
        name: name::subscription(session.namespace(), &args.name.subscription)?,
        overlap: args.overlap,
        authorization: read_header(args.authorization_file.as_ref())?,
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.subscriptions().rotate_webhook_key(r).await;
    let subscription = session.change(&request_id, request, send).await?;
    tell_secret(&subscription);
    told(session, args.change.dry_run, &subscription, "has a new key")
}

async fn resume(session: &Session, args: ResumeArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = ResumeWebhookRequest {
        name: name::subscription(session.namespace(), &args.name.subscription)?,
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.subscriptions().resume_webhook(r).await;
    let subscription = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &subscription, "sends again")
}

async fn test(session: &Session, args: NameArg) -> Result<(), Failure> {
    let name = name::subscription(session.namespace(), &args.subscription)?;
    let send = async |r| session.subscriptions().test_webhook(r).await;
    let answer = session.call(TestWebhookRequest { name }, send).await?;
    let delivery = answer.delivery.clone().unwrap_or_default();
    let facts = Facts::new()
        .add("Webhook id", &answer.webhook_id)
        .add("Answer", words(&delivery))
        .add("Sent", time(delivery.send_time));
    session.output().resource(&answer, &facts)
}

async fn deliveries(session: &Session, args: DeliveriesArgs) -> Result<(), Failure> {
    let parent = name::subscription(session.namespace(), &args.name.subscription)?;
    let fetch = async |page_size, page_token| {
        let request = ListWebhookDeliveriesRequest { parent: parent.clone(), page_size, page_token };
        let send = async |r| session.subscriptions().list_webhook_deliveries(r).await;
        let answer = session.call(request, send).await?;
        Ok((answer.webhook_deliveries, answer.next_page_token))
    };
    let (webhook_deliveries, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListWebhookDeliveriesResponse { webhook_deliveries, next_page_token };
    let mut table = Table::new(["SENT", "PARTITION", "EVENT", "ATTEMPT", "ANSWER"]);
    for delivery in &answer.webhook_deliveries {
        table.row([
            time(delivery.send_time),
            delivery.partition.to_string(),
            format!("#{}", delivery.position),
            delivery.attempt.to_string(),
            words(delivery),
        ]);
    }
    session.output().list(&answer, &table, "Nothing was sent yet.", &answer.next_page_token)
}

/// What became of an attempt.
fn words(delivery: &WebhookDelivery) -> String {
    match (delivery.delivered, delivery.http_status_code) {
        (true, status) => format!("{status}, delivered"),
        (false, 0) => delivery.error.clone(),
        (false, status) => format!("{status}, failed"),
    }
}

fn told(session: &Session, dry_run: bool, subscription: &Subscription, what: &str) -> Result<(), Failure> {
    let sentence = format!(
        "The webhook of {} {what} (audit position {}).",
        name::id(&subscription.name),
        subscription.audit_position
    );
    session.output().changed(dry_run, subscription, &sentence, &facts(subscription))
}
