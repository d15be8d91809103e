//! Evaluations that are wrong by themselves; [`point`] has the measurements.

mod point;

use super::invalid;
use crate::support::{BEGIN, DAY, TestServer, model_name, time, version_name};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{self, MetricPoint, RatePoint, metric_point::Value};

/// A measurement under this name.
pub fn measured(metric: &str, value: Value) -> MetricPoint {
    MetricPoint { metric: metric.to_owned(), value: Some(value), ..Default::default() }
}

/// An evaluation of one day with one rate.
pub fn evaluation() -> v1::Evaluation {
    v1::Evaluation {
        window_start_time: Some(time(BEGIN - DAY)),
        window_end_time: Some(time(BEGIN)),
        evaluator: Some(v1::Evaluator { name: "nightly".to_owned(), version: "2.1".to_owned() }),
        points: vec![measured("accuracy", Value::Rate(RatePoint { k: 9, n: 10 }))],
        ..Default::default()
    }
}

/// A request to record it of version 1 of a model.
pub fn record(model: &str) -> v1::RecordEvaluationRequest {
    let (parent, evaluation) = (version_name(model, 1), Some(evaluation()));
    v1::RecordEvaluationRequest { parent, evaluation, ..Default::default() }
}

/// Sends evaluations that are wrong in some fields (separated by spaces), alone
/// and as part of a batch, for real and with `validate_only`.
async fn check(cases: Vec<(&str, v1::Evaluation)>) {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    for (paths, evaluation) in cases {
        let case = format!("{paths} of {evaluation:?}");
        let named = |prefix: &str| -> Vec<String> {
            paths.split(' ').map(|path| format!("{prefix}evaluation.{path}")).collect()
        };
        let one = v1::RecordEvaluationRequest { evaluation: Some(evaluation), ..record("m") };
        let (parent, requests) = (model_name("m"), vec![record("m"), one.clone()]);
        let batch = v1::BatchRecordEvaluationsRequest { parent, requests, ..Default::default() };
        for validate_only in [false, true] {
            let one = v1::RecordEvaluationRequest { validate_only, ..one.clone() };
            let fields = named("");
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            invalid(&server, &case, server.evaluations().record_evaluation(one), &fields).await;

            let batch = v1::BatchRecordEvaluationsRequest { validate_only, ..batch.clone() };
            let fields = named("requests[1].");
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            invalid(&server, &case, server.evaluations().batch_record_evaluations(batch), &fields).await;
        }
    }
    server.stop().await;
}

/// Evaluations whose second point has these values, each wrong in some fields.
pub async fn check_values(cases: Vec<(&str, Value)>) {
    let with = |(paths, value): (&str, Value)| {
        let paths: Vec<_> = paths.split(' ').map(|path| format!("points[1].{path}")).collect();
        let mut evaluation = evaluation();
        evaluation.points.push(measured("second", value));
        (paths.join(" "), evaluation)
    };
    let cases: Vec<_> = cases.into_iter().map(with).collect();
    check(cases.iter().map(|(paths, evaluation)| (paths.as_str(), evaluation.clone())).collect()).await;
}

#[tokio::test]
async fn an_evaluation_needs_a_window_an_evaluator_and_points_of_their_own() {
    let mut cases = Vec::new();
    let mut case = |path, change: &dyn Fn(&mut v1::Evaluation)| {
        let mut evaluation = evaluation();
        change(&mut evaluation);
        cases.push((path, evaluation));
    };
    case("window_start_time", &|e| e.window_start_time = None);
    case("window_end_time", &|e| e.window_end_time = None);
    case("window_end_time", &|e| e.window_end_time = e.window_start_time);
    case("window_end_time", &|e| e.window_end_time = Some(time(BEGIN - DAY - 1)));
    case("window_end_time", &|e| {
        e.window_end_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
    });
    case("window_start_time", &|e| {
        e.window_start_time = Some(prost_types::Timestamp { seconds: 0, nanos: -1 });
    });
    case("evaluator.name", &|e| e.evaluator = None);
    case("evaluator.name", &|e| e.evaluator.as_mut().unwrap().name = "a\nb".to_owned());
    for text in ["ask jane.doe@example.org", "+49 30 1234567", "paid with 4111 1111 1111 1111"] {
        case("note", &|e| e.note = text.to_owned());
        case("evaluator.name", &|e| e.evaluator.as_mut().unwrap().name = text.to_owned());
        case("evaluator.version", &|e| e.evaluator.as_mut().unwrap().version = text.to_owned());
    }
    case("dataset.uri", &|e| e.dataset = Some(v1::DatasetReference::default()));
    case("points", &|e| e.points.clear());
    case("points[0].value", &|e| e.points[0].value = None);
    case("points[0].direction", &|e| e.points[0].direction = 3);
    case("points[0].direction", &|e| e.points[0].direction = -1);
    case("points[1].metric", &|e| e.points.push(e.points[0].clone()));
    for metric in ["", "Accuracy", "a b", "ä", "a\u{7}", "a%20"] {
        case("points[0].metric", &|e| e.points[0].metric = metric.to_owned());
    }
    for method in ["JS", "a b", "a\u{7}"] {
        case("points[0].method", &|e| e.points[0].method = method.to_owned());
    }
    for (path, key, value) in [
        ("points[0].slice", "", "north"),
        ("points[0].slice", "the region", "north"),
        ("points[0].slice[\"region\"]", "region", ""),
        ("points[0].slice[\"region\"]", "region", "in the north"),
    ] {
        let slice = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        case(path, &|e| e.points[0].slice = slice.clone());
    }
    check(cases).await;
}
