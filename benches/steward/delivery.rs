//! From commit to subscriber.

use super::{
    Failure, Plan,
    client::Client,
    population::Population,
    process::Server,
    read::CONNECTIONS,
    replay::{NAMESPACE, channel},
    report::{Report, quantile_ms},
    write,
};
use std::time::Duration;
use steward_registry::{
    domain::time::Timestamp,
    proto::v1::{
        self, audit_service_client::AuditServiceClient, subscribe_audit_events_request::Start,
        subscribe_audit_events_response::Message,
    },
    registry::environment::{Clock as _, SystemClock},
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tonic::Streaming;

/// Subscribers during the writes.
const SUBSCRIBERS: usize = 100;
/// Writes a second.
const WRITES: u32 = 1_000;
/// Streams on one connection; the server takes 256.
const STREAMS: usize = 125;
/// Where request ids begin that the other writes have not used.
const FIRST: usize = 1 << 40;
const MOST_MS: f64 = 50.0;

/// A stream of the audit log.
pub type Stream = Streaming<v1::SubscribeAuditEventsResponse>;

/// Measures and reports.
pub async fn measure(
    plan: Plan,
    registry: &Server,
    population: &Population,
    report: &mut Report,
) -> Result<(), Failure> {
    let length = plan.turn * u32::try_from(plan.rounds)?;
    let streams = subscribe(registry, SUBSCRIBERS).await?;
    let mut readers = JoinSet::new();
    for stream in streams {
        readers.spawn(read(stream));
    }
    let rate = write_steadily(registry, population, length).await?;
    // Every reader ends at the event that says so, which is written last.
    let mut micros = Vec::new();
    while let Some(reader) = readers.join_next().await {
        micros.extend(reader??);
    }
    let events = micros.len();
    let (p50, p99) = (quantile_ms(&mut micros, 0.5), quantile_ms(&mut micros, 0.99));
    let measured = format!("p50 {p50:.1} ms, p99 {p99:.1} ms at {rate:.0} writes/s ({events} deliveries)");
    let metric = format!("commit to delivery, {SUBSCRIBERS} subscribers");
    report.judge(metric, measured, "p99 < 50 ms at 1,000 writes/s", p99 < MOST_MS);
    Ok(())
}

/// Subscribes to what comes next, so many times.
pub async fn subscribe(registry: &Server, count: usize) -> Result<Vec<Stream>, Failure> {
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        let client = AuditServiceClient::new(channel(registry).await?);
        for _ in 0..STREAMS.min(count - streams.len()) {
            let request = v1::SubscribeAuditEventsRequest {
                parent: NAMESPACE.to_owned(),
                start: Some(Start::StartPoint(v1::StartPoint::Latest.into())),
                ..Default::default()
            };
            streams.push(client.clone().subscribe_audit_events(request).await?.into_inner());
        }
    }
    Ok(streams)
}

/// Microseconds from the commit time of each event, which is set before the
/// flush, to its arrival; until the server has sent the last one.
async fn read(mut stream: Stream) -> Result<Vec<u64>, Failure> {
    let mut micros = Vec::new();
    while let Some(response) = stream.message().await? {
        let now = SystemClock.now().micros();
        let Some(Message::Batch(batch)) = response.message else { continue };
        for event in batch.events {
            if event.r#type == LAST_TYPE {
                return Ok(micros);
            }
            let committed = commit_time(&event.leaf).ok_or("an event has no time")?;
            micros.push(u64::try_from(now - committed.micros()).unwrap_or(0));
        }
    }
    Err("a stream ended before its last event".into())
}

/// CloudEvents type of the event behind the measured ones.
const LAST_TYPE: &str = "steward.v1.ModelCreated";

/// The attribute `time`; the one behind it is the type, so it is looked for
/// from the end.
fn commit_time(leaf: &[u8]) -> Option<Timestamp> {
    const KEY: &str = "\"time\":\"";
    let text = std::str::from_utf8(leaf).ok()?;
    let (_, rest) = text.rsplit_once(KEY)?;
    Timestamp::parse(rest.split_once('"')?.0)
}

/// Writes at a steady rate, whether the answers are there or not, and then
/// creates a model. Answers how many a second.
async fn write_steadily(
    registry: &Server,
    population: &Population,
    length: Duration,
) -> Result<f64, Failure> {
    let mut client = Client::connect(registry.address, CONNECTIONS).await?;
    let begin = Instant::now();
    let count = (length.as_secs_f64() * f64::from(WRITES)) as u32;
    let mut ticks = interval(Duration::from_secs(1) / WRITES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut writers = JoinSet::new();
    for index in 0..count {
        ticks.tick().await;
        client.rotate();
        let request = write::request(population, FIRST + usize::try_from(index)?)?;
        writers.spawn(client.clone().one(write::RECORD, request));
        while let Some(written) = writers.try_join_next() {
            written??;
        }
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    let rate = f64::from(count) / begin.elapsed().as_secs_f64();
    let mut models = v1::model_service_client::ModelServiceClient::new(channel(registry).await?);
    let model = v1::Model { kind: v1::ModelKind::Own.into(), ..Default::default() };
    let last = v1::CreateModelRequest {
        parent: NAMESPACE.to_owned(),
        model_id: "last".to_owned(),
        model: Some(model),
        ..Default::default()
    };
    models.create_model(last).await?;
    Ok(rate)
}
