//! OTLP metrics, sent as an exporter sends them.

use crate::support::{BEGIN, REVIEWER, TestServer, by, declaring, model_name, version_name};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_client::MetricsServiceClient,
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
        Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use steward_registry::proto::v1::{self, histogram_point::Bins, metric_point::Value};

const DELTA: i32 = AggregationTemporality::Delta as i32;
const SECRET: &str = "My name is Jane Doe, card 4111 1111 1111 1111";
/// A minute that ends with the beginning of the test, in nanoseconds.
const WINDOW: (u64, u64) = ((BEGIN as u64 - 60_000_000) * 1_000, BEGIN as u64 * 1_000);

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

fn attributes(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    // What an exporter adds when somebody told it to capture content.
    let content = [("gen_ai.input.messages", SECRET), ("gen_ai.prompt", SECRET), ("user.email", SECRET)];
    pairs.iter().chain(&content).map(|(key, value)| attribute(key, value)).collect()
}

fn metric(name: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), description: SECRET.to_owned(), data: Some(data), ..Default::default() }
}

fn duration(counts: &[u64], temporality: i32, pairs: &[(&str, &str)]) -> Metric {
    let point = HistogramDataPoint {
        attributes: attributes(pairs),
        start_time_unix_nano: WINDOW.0,
        time_unix_nano: WINDOW.1,
        count: counts.iter().sum(),
        sum: Some(12.5),
        bucket_counts: counts.to_vec(),
        explicit_bounds: vec![0.5, 1.0],
        min: Some(0.123),
        max: Some(4.567),
        exemplars: vec![Exemplar { filtered_attributes: attributes(&[]), ..Default::default() }],
        ..Default::default()
    };
    let data = Histogram { data_points: vec![point], aggregation_temporality: temporality };
    metric("gen_ai.client.operation.duration", Data::Histogram(data))
}

fn tokens(kind: &str) -> Metric {
    let point = ExponentialHistogramDataPoint {
        attributes: attributes(&[("gen_ai.token.type", kind), ("gen_ai.operation.name", "chat")]),
        start_time_unix_nano: WINDOW.0,
        time_unix_nano: WINDOW.1,
        count: 9,
        sum: Some(1234.0),
        scale: 0,
        positive: Some(Buckets { offset: 5, bucket_counts: vec![0, 6, 3] }),
        min: Some(77.0),
        max: Some(211.0),
        ..Default::default()
    };
    let data = ExponentialHistogram { data_points: vec![point], aggregation_temporality: DELTA };
    metric("gen_ai.client.token.usage", Data::ExponentialHistogram(data))
}

fn number(value: i64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(&[("gen_ai.evaluation.name", "refusal")]),
        start_time_unix_nano: WINDOW.0,
        time_unix_nano: WINDOW.1,
        value: Some(number_data_point::Value::AsInt(value)),
        ..Default::default()
    }
}

fn export(about: &[(&str, &str)], metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let scope = Some(InstrumentationScope { name: SECRET.to_owned(), ..Default::default() });
    let resource = Some(Resource { attributes: attributes(about), ..Default::default() });
    let scope_metrics = vec![ScopeMetrics { scope, metrics, ..Default::default() }];
    let metrics = ResourceMetrics { resource, scope_metrics, ..Default::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![metrics] }
}

const ABOUT: [(&str, &str); 2] = [("steward.model", "m"), ("steward.version", "1")];

/// A server with a version 1 of `m` that declares one attribute.
async fn started() -> TestServer {
    let server = TestServer::start().await;
    server.model("m").await;
    let declared = declaring("m", &[("gen_ai.operation.name", &["chat"])]);
    server.versions().create_version(declared).await.unwrap();
    server
}

async fn send(server: &TestServer, request: ExportMetricsServiceRequest) -> ExportMetricsServiceResponse {
    let mut client = MetricsServiceClient::new(server.channel.clone());
    client.export(request).await.unwrap().into_inner()
}

/// How many were rejected, and why.
fn rejected(response: ExportMetricsServiceResponse) -> (i64, String) {
    response.partial_success.map(|told| (told.rejected_data_points, told.error_message)).unwrap_or_default()
}

async fn points(server: &TestServer) -> Vec<v1::MetricPoint> {
    let list = v1::ListEvaluationsRequest { parent: version_name("m", 1), ..Default::default() };
    let evaluations = server.evaluations().list_evaluations(list).await.unwrap().into_inner().evaluations;
    evaluations.into_iter().flat_map(|evaluation| evaluation.points).collect()
}

#[tokio::test]
async fn histograms_and_sums_become_points_of_the_version_that_they_name() {
    let server = started().await;
    let sum = Sum { data_points: vec![number(7)], aggregation_temporality: DELTA, is_monotonic: true };
    let metrics = vec![
        duration(&[5, 0, 7], DELTA, &[("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt")]),
        tokens("input"),
        tokens("output"),
        metric("gen_ai.evaluation.result", Data::Sum(sum)),
    ];
    assert_eq!(rejected(send(&server, export(&ABOUT, metrics)).await), (0, String::new()));
    let found = points(&server).await;
    let names: Vec<_> = found.iter().map(|point| (point.metric.as_str(), point.slice.len())).collect();
    let wanted = [
        ("gen_ai.client.operation.duration", 1),
        ("gen_ai.client.token.usage/input", 1),
        ("gen_ai.client.token.usage/output", 1),
        ("gen_ai.evaluation.result/refusal", 0),
    ];
    assert_eq!(names, wanted);
    let Some(Value::Histogram(histogram)) = &found[0].value else { panic!("{found:?}") };
    assert_eq!(histogram.counts, [5, 0, 7]);
    assert!(matches!(&histogram.bins, Some(Bins::Numeric(bins)) if bins.edges == [0.5, 1.0]));
    let Some(Value::ExponentialHistogram(tokens)) = &found[1].value else { panic!("{found:?}") };
    assert_eq!((tokens.min, tokens.max, tokens.sum), (64.0, 256.0, 1234.0), "bounds of bins, not of calls");
    assert!(matches!(found[3].value, Some(Value::Plain(v1::PlainPoint { value: 7.0, n: 7 }))));
    server.stop().await;
}

#[tokio::test]
async fn nothing_but_declared_codes_of_known_attributes_is_kept() {
    let server = started().await;
    let named = duration(&[5, 5, 5], DELTA, &[("gen_ai.operation.name", "Jane Doe")]);
    send(&server, export(&ABOUT, vec![named])).await;
    assert_eq!(points(&server).await[0].slice["gen_ai.operation.name"], "OTHER");
    let list = v1::ListAuditEventsRequest { parent: "namespaces/default".to_owned(), ..Default::default() };
    let events = server.audit().list_audit_events(list).await.unwrap().into_inner().audit_events;
    assert_eq!(events.len(), 4);
    for event in events {
        let leaf = String::from_utf8(event.leaf.to_vec()).unwrap();
        for word in ["Jane", "4111", "messages", "user.email", "4.567"] {
            assert!(!leaf.contains(word), "{word} in {leaf}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_taken_is_counted_with_its_reason_and_keeps_nothing_else_out() {
    let server = started().await;
    let size = server.size().await;
    let cumulative = AggregationTemporality::Cumulative as i32;
    let mut other = duration(&[5, 5, 5], DELTA, &[]);
    other.name = "http.server.request.duration".to_owned();
    let gauge = metric("gen_ai.evaluation.score", Data::Gauge(Gauge { data_points: vec![number(1)] }));
    let torn = duration(&[5, 5], DELTA, &[]);
    let elsewhere = duration(&[5, 5, 5], DELTA, &[("steward.version", "9")]);
    let metrics = vec![
        duration(&[5, 5, 5], DELTA, &[]),
        duration(&[5, 5, 5], cumulative, &[]),
        other,
        gauge,
        torn,
        elsewhere,
    ];
    let (count, why) = rejected(send(&server, export(&ABOUT, metrics)).await);
    assert_eq!((count, server.size().await), (5, size + 1), "{why}");
    for reason in ["delta temporality", "conventions", "without a count", "counts", "versions/9"] {
        assert!(why.contains(reason), "{reason}: {why}");
    }
    let (count, why) = rejected(send(&server, export(&[], vec![duration(&[5, 5, 5], DELTA, &[])])).await);
    assert!(count == 1 && why.contains("steward.model"), "{why}");
    server.stop().await;
}

#[tokio::test]
async fn an_export_that_is_sent_again_is_recorded_once() {
    let server = started().await;
    let request = export(&ABOUT, vec![tokens("input"), duration(&[5, 5, 5], DELTA, &[])]);
    send(&server, request.clone()).await;
    let size = server.size().await;
    assert_eq!(rejected(send(&server, request).await), (0, String::new()));
    assert_eq!(server.size().await, size);
    server.stop().await;
}

#[tokio::test]
async fn an_alias_names_the_version_that_it_points_to() {
    let server = started().await;
    let (name, reason) = (version_name("m", 1), "ready".to_owned());
    let submit =
        v1::SubmitVersionRequest { name: name.clone(), reason: reason.clone(), ..Default::default() };
    server.lifecycle().submit_version(submit).await.unwrap();
    let approve = v1::ApproveVersionRequest { name: name.clone(), reason, ..Default::default() };
    server.lifecycle().approve_version(by(REVIEWER, approve)).await.unwrap();
    let alias = format!("{}/aliases/production", model_name("m"));
    let alias = Some(v1::Alias { name: alias, version: name, ..Default::default() });
    server.aliases().set_alias(v1::SetAliasRequest { alias, ..Default::default() }).await.unwrap();
    let about = [("steward.model", "m"), ("steward.alias", "production")];
    send(&server, export(&about, vec![duration(&[5, 5, 5], DELTA, &[])])).await;
    assert_eq!(points(&server).await.len(), 1);
    server.stop().await;
}
