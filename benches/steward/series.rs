//! A year of daily points of one series among a hundred, against GetVersion.

use super::{
    Failure, Plan,
    client::Client,
    population::{Population, framed},
    process::Server,
    read::GET,
    report::{Report, median, quantile_ms},
};
use bytes::Bytes;
use prost_types::{Duration, Timestamp};
use std::{collections::BTreeMap, sync::Arc};
use steward_registry::proto::v1::{
    self, Evaluation, Evaluator, MetricPoint, RatePoint, metric_point::Value,
    query_metric_series_request::Resolution,
};
use tokio::time::Instant;

const CREATE_MODEL: &str = "/steward.v1.ModelService/CreateModel";
const CREATE_VERSION: &str = "/steward.v1.VersionService/CreateVersion";
const RECORD: &str = "/steward.v1.EvaluationService/BatchRecordEvaluations";
const QUERY: &str = "/steward.v1.MetricService/QueryMetricSeries";
const LIST: &str = "/steward.v1.MetricService/ListMetrics";
/// Metrics, and parts of the data on which each is measured.
const METRICS: i64 = 10;
const SLICES: i64 = 10;
const DAYS: i64 = 1_000;
/// Evaluations of a batch.
const BATCH: i64 = 100;
/// Smaller cells would be folded away.
const FEWEST: i64 = 5;
const YEAR: i64 = 365;
const DAY: i64 = 86_400;
/// What is measured is a model of its own: only its version declares the slices.
const MODEL: &str = "namespaces/default/models/measured-daily";
/// 2024-01-01T00:00:00Z.
const FIRST: i64 = 1_704_067_200;
const TARGET: &str = "single-digit milliseconds";
const MOST_MS: f64 = 10.0;

/// Records the points, measures in turns and reports.
pub async fn measure(
    plan: Plan,
    server: &Server,
    population: &Population,
    report: &mut Report,
) -> Result<(), Failure> {
    let client = Client::connect(server.address, 1).await?;
    client.clone().one(CREATE_MODEL, model()?).await?;
    client.clone().one(CREATE_VERSION, version()?).await?;
    let begin = Instant::now();
    for first in (0..DAYS).step_by(BATCH as usize) {
        client.clone().one(RECORD, batch(first)?).await?;
    }
    let points = METRICS * SLICES * DAYS;
    let rate = points as f64 / begin.elapsed().as_secs_f64();
    report.note(
        format!("{points} points recorded, 100 an evaluation, {BATCH} evaluations a call"),
        format!("{rate:.0} points/s"),
    );

    let gets = Arc::new(population.get_requests(1_000)?);
    let days = Arc::new(queries(None)?);
    let weeks = Arc::new(queries(Some(7 * DAY))?);
    let (mut get, mut day, mut week) = (Timed::default(), Timed::default(), Timed::default());
    for _ in 0..plan.rounds {
        get.turn(&client, GET, &gets, plan).await?;
        day.turn(&client, QUERY, &days, plan).await?;
        week.turn(&client, QUERY, &weeks, plan).await?;
    }
    for (timed, steps) in [(day, "in days"), (week, "in weeks")] {
        let p50 = median(timed.p50.clone());
        let ratio = median(timed.p50.iter().zip(&get.p50).map(|(series, get)| series / get).collect());
        let measured = format!(
            "p50 {p50:.2} ms, p99 {:.2} ms; {ratio:.1} × the time of GetVersion ({:.2} ms); answers of {} B",
            median(timed.p99),
            median(get.p50.clone()),
            timed.bytes,
        );
        let metric = format!("series query, a year of daily points, of 100 series, {steps}");
        report.judge(metric, measured, TARGET, p50 < MOST_MS);
    }
    let list = framed(&v1::ListMetricsRequest { parent: parent(), ..Default::default() })?;
    let begin = Instant::now();
    client.one(LIST, list).await?;
    let took = begin.elapsed().as_secs_f64() * 1e3;
    report.note(format!("list of 100 series with the count of {points} points"), format!("{took:.0} ms"));
    Ok(())
}

/// Medians and ends of each turn of one caller.
#[derive(Default)]
struct Timed {
    p50: Vec<f64>,
    p99: Vec<f64>,
    bytes: usize,
}

impl Timed {
    async fn turn(
        &mut self,
        client: &Client,
        path: &'static str,
        requests: &Arc<Vec<Bytes>>,
        plan: Plan,
    ) -> Result<(), Failure> {
        let requests = requests.clone();
        let request = move |index| Ok(Bytes::clone(&requests[index % requests.len()]));
        let mut turn = client.turn(path, &[], 1, plan.turn, request).await?;
        self.bytes = turn.bytes / turn.micros.len().max(1);
        self.p50.push(quantile_ms(&mut turn.micros, 0.5));
        self.p99.push(quantile_ms(&mut turn.micros, 0.99));
        Ok(())
    }
}

fn parent() -> String {
    format!("{MODEL}/versions/1")
}

fn model() -> Result<Bytes, Failure> {
    let (parent, id) = MODEL.split_once("/models/").ok_or("the model has no name")?;
    let model = v1::Model {
        owner: "data team".to_owned(),
        kind: v1::ModelKind::Own.into(),
        risk_tier: v1::RiskTier::Preview.into(),
        ..Default::default()
    };
    framed(&v1::CreateModelRequest {
        parent: parent.to_owned(),
        model_id: id.to_owned(),
        model: Some(model),
        ..Default::default()
    })
}

/// A version that declares what its evaluations are sliced by.
fn version() -> Result<Bytes, Failure> {
    let digest = format!("sha256:{}", "5".repeat(64));
    let artifact = v1::Artifact { uri: "s3://models/m.onnx".to_owned(), digest, ..Default::default() };
    let regions = v1::Dimension { codes: (0..SLICES).map(region).collect() };
    let version = v1::Version {
        artifacts: vec![artifact],
        dimensions: BTreeMap::from([("region".to_owned(), regions)]),
        ..Default::default()
    };
    framed(&v1::CreateVersionRequest {
        parent: MODEL.to_owned(),
        version: Some(version),
        ..Default::default()
    })
}

fn day(number: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: FIRST + number * DAY, nanos: 0 })
}

fn region(number: i64) -> String {
    format!("r{number}")
}

fn slice(number: i64) -> BTreeMap<String, String> {
    BTreeMap::from([("region".to_owned(), region(number))])
}

fn batch(first: i64) -> Result<Bytes, Failure> {
    let point = |day: i64, series: i64| MetricPoint {
        metric: format!("metric{}", series % METRICS),
        slice: slice(series / METRICS),
        value: Some(Value::Rate(RatePoint { k: FEWEST + (day * 7 + series) % 190, n: 200 })),
        ..Default::default()
    };
    let parent = parent();
    let requests = (first..DAYS.min(first + BATCH)).map(|number| v1::RecordEvaluationRequest {
        parent: parent.clone(),
        evaluation: Some(Evaluation {
            window_start_time: day(number),
            window_end_time: day(number + 1),
            evaluator: Some(Evaluator { name: "nightly".to_owned(), version: "2.1".to_owned() }),
            points: (0..METRICS * SLICES).map(|series| point(number, series)).collect(),
            ..Default::default()
        }),
        ..Default::default()
    });
    framed(&v1::BatchRecordEvaluationsRequest {
        parent: MODEL.to_owned(),
        requests: requests.collect(),
        ..Default::default()
    })
}

/// A year of each series, ready to send.
fn queries(step: Option<i64>) -> Result<Vec<Bytes>, Failure> {
    let parent = parent();
    let query = |series: i64| {
        framed(&v1::QueryMetricSeriesRequest {
            parent: parent.clone(),
            metric: format!("metric{}", series % METRICS),
            slice: slice(series / METRICS),
            start_time: day(300 + series),
            end_time: day(300 + series + YEAR),
            resolution: step.map(|seconds| Resolution::Step(Duration { seconds, nanos: 0 })),
            page_size: 1_000,
            ..Default::default()
        })
    };
    (0..METRICS * SLICES).map(query).collect()
}
