//! Exports of OpenTelemetry, as bytes of anybody and drawn: taken or rejected by the point,
//! nothing twice, and nothing of the content is kept.

use super::{
    choice::chance,
    registry::{Server, run},
};
use arbitrary::{Result, Unstructured};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{ExportMetricsServiceRequest, metrics_service_server::MetricsService as _},
    common::v1::{AnyValue, KeyValue, any_value},
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
        NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exponential_histogram_data_point::Buckets,
        metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use prost::Message as _;
use std::{collections::HashMap, sync::Arc};
use steward_registry::{
    grpc::otlp::OtlpMetrics,
    proto::v1::{self, metric_point::Value},
    store::memory::MemoryEngine,
};
use tonic::Request;

const MODEL: &str = "namespaces/default/models/m";
const SECRET: &str = "Jane Doe, jane@example.org";
const MOST_METRICS: usize = 6;

/// The input as an export, and an export that is drawn from it.
pub fn check(data: &[u8]) {
    run(async {
        let server = started().await;
        if let Ok(export) = ExportMetricsServiceRequest::decode(data) {
            sent(&server, export).await;
        }
        if let Ok(export) = drawn(&mut Unstructured::new(data)) {
            let sizes = sizes(&export);
            let before = recorded(&server).await;
            let rejected = sent(&server, export.clone()).await;
            let after = recorded(&server).await;
            assert!(after.0 - before.0 + rejected <= sizes.0, "{after:?} after {before:?}, of {sizes:?}");
            assert!(after.1 - before.1 <= sizes.1, "more was counted than was sent");
            assert_eq!(sent(&server, export).await, rejected, "an export is answered again as it was");
            assert_eq!(recorded(&server).await, after, "and recorded once");
        }
        no_content(&server).await;
    });
}

async fn call<M: prost::Message + Default>(server: &Server, method: &str, request: impl prost::Message) -> M {
    let (messages, status) = server.call(method, &[], &request.encode_to_vec()).await.whole().await;
    assert_eq!(status.code(), tonic::Code::Ok, "{method}: {status:?}");
    M::decode(messages[0].clone()).expect("an answer")
}

/// A registry with a version that declares one attribute.
async fn started() -> Server {
    let server = Server::open(Arc::new(MemoryEngine::default())).await;
    let (kind, risk_tier) = (v1::ModelKind::Own.into(), v1::RiskTier::Preview.into());
    let model = Some(v1::Model { kind, risk_tier, owner: "o".to_owned(), ..Default::default() });
    let (parent, model_id) = ("namespaces/default".to_owned(), "m".to_owned());
    let create = v1::CreateModelRequest { parent, model_id, model, ..Default::default() };
    call::<v1::Model>(&server, "ModelService/CreateModel", create).await;
    let codes = v1::Dimension { codes: vec!["chat".to_owned()] };
    let dimensions = HashMap::from([("gen_ai.operation.name".to_owned(), codes)]);
    let version = v1::Version { dimensions: dimensions.into_iter().collect(), ..Default::default() };
    let create =
        v1::CreateVersionRequest { parent: MODEL.to_owned(), version: Some(version), ..Default::default() };
    call::<v1::Version>(&server, "VersionService/CreateVersion", create).await;
    server
}

/// Sends an export; how many points were rejected.
async fn sent(server: &Server, export: ExportMetricsServiceRequest) -> i64 {
    let answer = OtlpMetrics(server.registry.clone()).export(Request::new(export)).await;
    let told = answer.expect("bad points are rejected by the point").into_inner().partial_success;
    told.map_or(0, |told| told.rejected_data_points)
}

/// Points of the version, and what their histograms count.
async fn recorded(server: &Server) -> (i64, i128) {
    let parent = format!("{MODEL}/versions/1");
    let list = v1::ListEvaluationsRequest { parent, page_size: 1_000, ..Default::default() };
    let kept: v1::ListEvaluationsResponse = call(server, "EvaluationService/ListEvaluations", list).await;
    let points: Vec<_> = kept.evaluations.into_iter().flat_map(|one| one.points).collect();
    let count = |point: &v1::MetricPoint| -> i128 {
        match &point.value {
            Some(Value::Histogram(one)) => one.counts.iter().map(|count| i128::from(*count)).sum(),
            _ => 0,
        }
    };
    (points.len() as i64, points.iter().map(count).sum())
}

async fn no_content(server: &Server) {
    let list = v1::ListAuditEventsRequest { parent: "namespaces/default".to_owned(), ..Default::default() };
    let listed: v1::ListAuditEventsResponse = call(server, "AuditService/ListAuditEvents", list).await;
    for event in listed.audit_events {
        let leaf = String::from_utf8_lossy(&event.leaf).into_owned();
        assert!(!leaf.contains("Jane") && !leaf.contains("jane"), "{leaf}");
    }
}

/// Data points of an export, and what its histograms count.
fn sizes(export: &ExportMetricsServiceRequest) -> (i64, i128) {
    let metrics =
        export.resource_metrics.iter().flat_map(|one| &one.scope_metrics).flat_map(|one| &one.metrics);
    let mut sizes = (0, 0);
    for metric in metrics {
        sizes.0 += match &metric.data {
            Some(Data::Gauge(data)) => data.data_points.len(),
            Some(Data::Sum(data)) => data.data_points.len(),
            Some(Data::Histogram(data)) => {
                let counts = data.data_points.iter().flat_map(|point| &point.bucket_counts);
                sizes.1 += counts.map(|count| i128::from(*count)).sum::<i128>();
                data.data_points.len()
            }
            Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
            Some(Data::Summary(_)) | None => 0,
        } as i64;
    }
    sizes
}

fn drawn(u: &mut Unstructured<'_>) -> Result<ExportMetricsServiceRequest> {
    let mut metrics = Vec::new();
    while metrics.len() < MOST_METRICS && !u.is_empty() {
        metrics.push(metric(u)?);
    }
    let attributes =
        vec![text("steward.model", "m"), text("steward.version", "1"), text("service.name", SECRET)];
    let resource = Some(Resource { attributes, ..Default::default() });
    let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
    let metrics = ResourceMetrics { resource, scope_metrics, ..Default::default() };
    Ok(ExportMetricsServiceRequest { resource_metrics: vec![metrics] })
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

fn attributes(u: &mut Unstructured<'_>) -> Result<Vec<KeyValue>> {
    const KEYS: [&str; 7] = [
        "gen_ai.operation.name",
        "gen_ai.token.type",
        "gen_ai.evaluation.name",
        "gen_ai.request.model",
        "gen_ai.input.messages",
        "steward.alias",
        "error.type",
    ];
    let mut attributes = Vec::new();
    for key in KEYS {
        if chance(u, 1, 3)? {
            attributes.push(text(key, u.choose(&["chat", "input", "x y", SECRET])?));
        }
    }
    Ok(attributes)
}

fn metric(u: &mut Unstructured<'_>) -> Result<Metric> {
    const NAMES: [&str; 5] = [
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
        "gen_ai.evaluation.result",
        "gen_ai.server.Jane",
        "http.duration",
    ];
    let aggregation_temporality = u.int_in_range(0..=2)?;
    let many = u.int_in_range(0..=3)?;
    let data = match u.int_in_range(0..=3)? {
        0 => Data::Gauge(Gauge { data_points: (0..many).map(|_| number(u)).collect::<Result<_>>()? }),
        1 => {
            let data_points = (0..many).map(|_| number(u)).collect::<Result<_>>()?;
            Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true })
        }
        2 => {
            let data_points = (0..many).map(|_| explicit(u)).collect::<Result<_>>()?;
            Data::Histogram(Histogram { data_points, aggregation_temporality })
        }
        _ => {
            let data_points = (0..many).map(|_| exponential(u)).collect::<Result<_>>()?;
            Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
        }
    };
    let name = (*u.choose(&NAMES)?).to_owned();
    Ok(Metric { name, description: SECRET.to_owned(), data: Some(data), ..Default::default() })
}

/// A window in nanoseconds, mostly one that begins before it ends.
fn window(u: &mut Unstructured<'_>) -> Result<(u64, u64)> {
    if chance(u, 1, 8)? {
        return Ok((u.arbitrary()?, u.arbitrary()?));
    }
    let start = 1_772_323_200_000_000_000 + u.int_in_range(0..=3u64)? * 60_000_000_000;
    Ok((start, start + 60_000_000_000))
}

fn any_count(u: &mut Unstructured<'_>) -> Result<u64> {
    if chance(u, 1, 8)? { u.arbitrary() } else { u.int_in_range(0..=12) }
}

fn number(u: &mut Unstructured<'_>) -> Result<NumberDataPoint> {
    let (start_time_unix_nano, time_unix_nano) = window(u)?;
    let value = match u.arbitrary()? {
        true => number_data_point::Value::AsInt(u.arbitrary()?),
        false => number_data_point::Value::AsDouble(u.arbitrary()?),
    };
    let attributes = attributes(u)?;
    Ok(NumberDataPoint {
        attributes,
        start_time_unix_nano,
        time_unix_nano,
        value: Some(value),
        ..Default::default()
    })
}

fn explicit(u: &mut Unstructured<'_>) -> Result<HistogramDataPoint> {
    let (start_time_unix_nano, time_unix_nano) = window(u)?;
    let bins = u.int_in_range(0..=5usize)?;
    let bucket_counts: Vec<u64> = (0..bins).map(|_| any_count(u)).collect::<Result<_>>()?;
    let torn = usize::from(chance(u, 1, 8)?);
    let explicit_bounds = (1..bins + torn).map(|edge| edge as f64).collect();
    let count = bucket_counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    Ok(HistogramDataPoint {
        attributes: attributes(u)?,
        start_time_unix_nano,
        time_unix_nano,
        count,
        sum: Some(u.arbitrary()?),
        bucket_counts,
        explicit_bounds,
        ..Default::default()
    })
}

fn exponential(u: &mut Unstructured<'_>) -> Result<ExponentialHistogramDataPoint> {
    let (start_time_unix_nano, time_unix_nano) = window(u)?;
    let mut buckets = || -> Result<Buckets> {
        let offset = if chance(u, 1, 8)? { u.arbitrary()? } else { u.int_in_range(-50..=50)? };
        let bins = u.int_in_range(0..=5)?;
        Ok(Buckets { offset, bucket_counts: (0..bins).map(|_| any_count(u)).collect::<Result<_>>()? })
    };
    let (positive, negative) = (Some(buckets()?), Some(buckets()?));
    Ok(ExponentialHistogramDataPoint {
        attributes: attributes(u)?,
        start_time_unix_nano,
        time_unix_nano,
        count: any_count(u)?,
        sum: if chance(u, 7, 8)? { Some(u.arbitrary()?) } else { None },
        scale: if chance(u, 1, 8)? { u.arbitrary()? } else { u.int_in_range(-10..=20)? },
        zero_count: any_count(u)?,
        positive,
        negative,
        ..Default::default()
    })
}
