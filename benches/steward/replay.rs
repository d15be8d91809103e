//! The audit log from its beginning to its end, on one stream, by a generated
//! client that decodes every message.

use super::{
    Failure, Plan,
    population::RARE_ACTOR,
    process::Server,
    report::{Report, median},
};
use steward_registry::proto::v1::{
    self, audit_service_client::AuditServiceClient, subscribe_audit_events_request::Start,
    subscribe_audit_events_request::Stop, subscribe_audit_events_response::Message,
};
use tokio::time::Instant;
use tonic::{
    codec::CompressionEncoding,
    transport::{Channel, Endpoint},
};

/// The namespace that all benchmarks write to.
pub const NAMESPACE: &str = "namespaces/default";
const FULL_TARGET: f64 = 200_000.0;
const FILTERED_TARGET: f64 = 100_000.0;

/// A connection for generated clients.
pub async fn channel(server: &Server) -> Result<Channel, Failure> {
    Ok(Endpoint::from_shared(format!("http://{}", server.address))?.tcp_nodelay(true).connect().await?)
}

/// Measures in turns and reports.
pub async fn measure(plan: Plan, registry: &Server, report: &mut Report) -> Result<(), Failure> {
    let mut client = AuditServiceClient::new(channel(registry).await?).max_decoding_message_size(16 << 20);
    let head = client.get_audit_head(v1::GetAuditHeadRequest { parent: NAMESPACE.to_owned() }).await?;
    let size = head.into_inner().size;
    let rare = v1::AuditEventFilter { actors: vec![RARE_ACTOR.to_owned()], ..Default::default() };
    let (mut full, mut filtered, mut zipped) = (Tally::default(), Tally::default(), Tally::default());
    let mut gzip_client = client.clone().accept_compressed(CompressionEncoding::Gzip);
    for _ in 0..plan.rounds {
        full.add(replay(&mut client, registry, size, None).await?);
        filtered.add(replay(&mut client, registry, size, Some(rare.clone())).await?);
        zipped.add(replay(&mut gzip_client, registry, size, None).await?);
    }
    if full.delivered != size * plan.rounds as u64 || filtered.delivered == 0 {
        return Err(format!("{} of {size} events were delivered", full.delivered).into());
    }
    let rate = median(full.rates.clone());
    let measured = format!("{rate:.0} events/s; {}", full.cost());
    report.judge("audit replay, one stream", measured, "≥ 200,000 events/s", rate >= FULL_TARGET);
    let measured = format!("{:.0} events/s; {}", median(zipped.rates.clone()), zipped.cost());
    report.note("audit replay to a client that offers gzip", measured);
    let rate = median(filtered.rates.clone());
    let share = 100.0 * filtered.delivered as f64 / full.delivered as f64;
    let measured = format!("{rate:.0} events/s looked at; {}", filtered.cost());
    let metric = format!("audit replay under a filter of {share:.1} %");
    report.judge(metric, measured, "≥ 100,000 events/s", rate >= FILTERED_TARGET);
    Ok(())
}

/// What replays came to.
#[derive(Default)]
struct Tally {
    rates: Vec<f64>,
    delivered: u64,
    scanned: u64,
    processor: f64,
}

impl Tally {
    fn add(&mut self, replay: Replay) {
        self.rates.push(replay.scanned as f64 / replay.seconds);
        self.delivered += replay.delivered;
        self.scanned += replay.scanned;
        self.processor += replay.processor;
    }

    fn cost(&self) -> String {
        format!("server {:.1} µs of processor an event", self.processor * 1e6 / self.scanned as f64)
    }
}

struct Replay {
    delivered: u64,
    scanned: u64,
    seconds: f64,
    processor: f64,
}

async fn replay(
    client: &mut AuditServiceClient<Channel>,
    registry: &Server,
    size: u64,
    filter: Option<v1::AuditEventFilter>,
) -> Result<Replay, Failure> {
    let request = v1::SubscribeAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        start: Some(Start::StartPosition(0)),
        stop: Some(Stop::StopPosition(size - 1)),
        filter,
        ..Default::default()
    };
    let before = registry.processor_seconds();
    let begin = Instant::now();
    let mut stream = client.subscribe_audit_events(request).await?.into_inner();
    let mut delivered = 0;
    while let Some(response) = stream.message().await? {
        if let Some(Message::Batch(batch)) = response.message {
            delivered += batch.events.len() as u64;
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Replay { delivered, scanned: size, seconds, processor: registry.processor_seconds() - before })
}
