//! `steward subscription read` and `acknowledge`: the reader of a partition.

use clap::Args;
use prost_types::Duration;

use super::{
    argument::parse_position, audit_read::print, client::Session, error::Failure, output::note,
    subscription::SubscriptionRef,
};
use crate::proto::v1::{
    AcknowledgeEventsRequest, ReadSubscriptionRequest, read_subscription_response::Message,
};

/// Arguments of `steward subscription read`.
#[derive(Args, Debug)]
pub struct ReadArgs {
    #[command(flatten)]
    subscription: SubscriptionRef,

    /// Which partition
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    partition: i32,

    /// What this reader calls itself
    #[arg(long, value_name = "TEXT", default_value = "steward subscription read", hide_default_value = true)]
    reader: String,

    /// Acknowledge each batch once it is written
    #[arg(long)]
    acknowledge: bool,

    /// Stop when nothing waits
    #[arg(long)]
    until_empty: bool,
}

/// Arguments of `steward subscription acknowledge`.
#[derive(Args, Debug)]
pub struct AcknowledgeArgs {
    #[command(flatten)]
    subscription: SubscriptionRef,

    /// Everything up to this position is done
    #[arg(value_name = "'#POSITION'", value_parser = parse_position)]
    position: u64,

    /// The generation of the reader, as `steward subscription read` says it
    #[arg(long, value_name = "NUMBER")]
    generation: u64,

    /// Which partition
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    partition: i32,
}

/// Says that everything up to a position is done.
pub async fn acknowledge(session: &Session, args: AcknowledgeArgs) -> Result<(), Failure> {
    let name = args.subscription.name(session)?;
    keep(session, &name, args.partition, args.generation, args.position, String::new()).await
}

/// Takes a partition and prints its events.
pub async fn read(session: &Session, args: ReadArgs) -> Result<(), Failure> {
    let (name, partition) = (args.subscription.name(session)?, args.partition);
    let request = ReadSubscriptionRequest {
        name: name.clone(),
        partition,
        reader: args.reader,
        progress_interval: args.until_empty.then_some(Duration { seconds: 0, nanos: 100_000_000 }),
        ..ReadSubscriptionRequest::default()
    };
    let mut stream =
        session.open(request, async |r| session.subscriptions().read_subscription(r).await).await?;
    while let Some(response) = stream.message().await.map_err(|status| session.failure(status))? {
        let (generation, position, token, is_progress) = match response.message {
            Some(Message::Opened(opened)) => {
                note(&format!(
                    "Reading partition {partition} from #{} on as generation {}.",
                    opened.next_position, opened.generation
                ));
                continue;
            }
            Some(Message::Batch(batch)) => {
                print(session, &batch.events)?;
                (batch.generation, batch.position, batch.resume_token, false)
            }
            Some(Message::Progress(progress)) => {
                (progress.generation, progress.position, progress.resume_token, true)
            }
            None => continue,
        };
        if args.acknowledge {
            keep(session, &name, partition, generation, position, token).await?;
        }
        if args.until_empty && is_progress {
            return Ok(());
        }
    }
    Ok(())
}

async fn keep(
    session: &Session,
    name: &str,
    partition: i32,
    generation: u64,
    position: u64,
    resume_token: String,
) -> Result<(), Failure> {
    let name = name.to_owned();
    let request = AcknowledgeEventsRequest { name, partition, generation, position, resume_token };
    let send = async |r| session.subscriptions().acknowledge_events(r).await;
    let answer = session.call(request, send).await?;
    note(&format!("Everything before #{} is acknowledged.", answer.next_position));
    Ok(())
}
