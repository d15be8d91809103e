//! Evaluations through the wire, and from files.

mod import;

use crate::support::{
    BEGIN, DAY, NOTICE, REVIEWER, TestServer, by, declaring, explain, model_name, time, version_name,
};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{
    self, CategoricalBins, ConfusionCounts, ConfusionPoint, ExponentialBuckets, ExponentialHistogramPoint,
    HistogramPoint, MetricPoint, MomentsPoint, NumericBins, PlainPoint, RatePoint, SketchPoint, UsagePoint,
    histogram_point::Bins, metric_point::Value,
};
use tonic::{Code, Request};

const MOST: i64 = (1 << 53) - 1;

fn measured(metric: &str, value: Value) -> MetricPoint {
    MetricPoint { metric: metric.to_owned(), value: Some(value), ..Default::default() }
}

/// A request to record an evaluation of the day before [`BEGIN`].
pub fn record(model: &str, number: u32) -> v1::RecordEvaluationRequest {
    let evaluation = v1::Evaluation {
        window_start_time: Some(time(BEGIN - DAY)),
        window_end_time: Some(time(BEGIN)),
        evaluator: Some(v1::Evaluator { name: "nightly".to_owned(), version: String::new() }),
        points: vec![measured("accuracy", Value::Rate(RatePoint { k: 9, n: 10 }))],
        ..Default::default()
    };
    let (parent, evaluation) = (version_name(model, number), Some(evaluation));
    v1::RecordEvaluationRequest { parent, evaluation, ..Default::default() }
}

/// One point of every type, with numbers at the ends of their ranges.
fn every_type() -> Vec<MetricPoint> {
    let buckets = |offset, counts: &[i64]| Some(ExponentialBuckets { offset, counts: counts.to_vec() });
    let edges = vec![-1e300, -0.1, f64::MIN_POSITIVE, 0.1, 1e300];
    let numeric = Some(Bins::Numeric(NumericBins { edges }));
    let categories = ["MAR-1", "2", "x.y_z+"].map(str::to_owned).to_vec();
    let attribute = "marital".to_owned();
    let categorical = Some(Bins::Categorical(CategoricalBins { attribute, categories }));
    let group = |group: &str, count| ConfusionCounts {
        group: group.to_owned(),
        true_positives: count,
        false_positives: 1,
        true_negatives: 0,
        false_negatives: MOST,
    };
    let values = [
        Value::Rate(RatePoint { k: MOST, n: MOST }),
        Value::Moments(MomentsPoint { n: 5, mean: 0.1 + 0.2, m2: 1e-17, min: 0.3, max: 0.30000000000000004 }),
        Value::Histogram(HistogramPoint {
            bins: numeric,
            counts: vec![5, 6, 0, 8, 9, 10],
            reference_counts: vec![0, 0, 0, 0, 0, MOST],
        }),
        Value::Histogram(HistogramPoint { bins: categorical, counts: vec![0, 0, 5], ..Default::default() }),
        Value::ExponentialHistogram(ExponentialHistogramPoint {
            scale: -10,
            zero_count: 4,
            zero_threshold: 5e-324,
            positive: buckets(-3, &[1, 0, 2]),
            negative: buckets(i32::MIN, &[7]),
            sum: -1.5,
            min: -2.0,
            max: f64::MAX,
        }),
        Value::Sketch(SketchPoint {
            relative_accuracy: 0.01,
            zero_count: 0,
            positive: buckets(0, &[MOST]),
            negative: buckets(0, &[]),
            sum: 1e22,
            min: 1.0,
            max: 1.0,
        }),
        Value::Confusion(ConfusionPoint {
            attribute: "sex".to_owned(),
            groups: vec![group("a", 5), group("b", 0)],
        }),
        Value::Usage(UsagePoint {
            requests: 5,
            input_tokens: 2,
            output_tokens: 3,
            cost_micros: 4,
            currency: "EUR".to_owned(),
            outcomes: 5,
        }),
        Value::Plain(PlainPoint { value: -0.1, n: 5 }),
    ];
    let point = |(index, value)| MetricPoint {
        metric: format!("metric/{index}"),
        method: "js_distance_base2".to_owned(),
        direction: (index as i32) % 3,
        slice: BTreeMap::from([
            ("region".to_owned(), "north".to_owned()),
            ("age".to_owned(), "65+".to_owned()),
        ]),
        value: Some(value),
    };
    values.into_iter().enumerate().map(point).collect()
}

async fn started() -> TestServer {
    let server = TestServer::start().await;
    server.model("m").await;
    let declared = [
        ("marital", &["MAR-1", "2", "x.y_z+"][..]),
        ("sex", &["a", "b"]),
        ("region", &["north"]),
        ("age", &["65+"]),
    ];
    server.versions().create_version(declaring("m", &declared)).await.unwrap();
    server
}

#[tokio::test]
async fn an_evaluation_of_every_type_is_read_back_as_it_was_recorded() {
    let server = started().await;
    let mut request =
        v1::RecordEvaluationRequest { evaluation_id: "2026-02.a_1".to_owned(), ..record("m", 1) };
    let evaluation = request.evaluation.as_mut().unwrap();
    evaluation.dataset = Some(v1::DatasetReference {
        uri: "s3://data/2026-02".to_owned(),
        digest: format!("sha256:{}", "0f".repeat(32)),
        row_count: MOST,
    });
    evaluation.evaluator =
        Some(v1::Evaluator { name: "Nightly run".to_owned(), version: "2.9.1".to_owned() });
    evaluation.note = "After the outage;\nsee the log.".to_owned();
    evaluation.points = every_type();
    let sent = evaluation.clone();
    let mut call = Request::new(request);
    call.metadata_mut().insert("steward-actor", "ci".parse().unwrap());
    let recorded = server.evaluations().record_evaluation(call).await.unwrap().into_inner();
    let wanted = v1::Evaluation {
        name: format!("{}/evaluations/2026-02.a_1", version_name("m", 1)),
        create_time: Some(time(BEGIN + 3)),
        recorder: "ci".to_owned(),
        etag: "p3".to_owned(),
        audit_position: 3,
        ..sent
    };
    assert_eq!(recorded, wanted);
    let get = v1::GetEvaluationRequest { name: wanted.name.clone(), read_at: None };
    assert_eq!(server.evaluations().get_evaluation(get).await.unwrap().into_inner(), wanted);
    server.stop().await;
}

#[tokio::test]
async fn an_evaluation_without_an_id_gets_a_uuid() {
    let server = started().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let recorded = server.evaluations().record_evaluation(record("m", 1)).await.unwrap().into_inner();
        ids.push(recorded.name.rsplit('/').next().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    ids.iter().for_each(|id| assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}"));
    server.stop().await;
}

#[tokio::test]
async fn a_batch_is_recorded_in_order_with_an_event_for_each() {
    let server = started().await;
    server.version("m").await;
    let size = server.size().await;
    let of = |id: &str, number| v1::RecordEvaluationRequest {
        evaluation_id: id.to_owned(),
        ..record("m", number)
    };
    let requests = vec![of("b", 2), of("a", 1), of("b", 1), record("m", 1)];
    let batch = v1::BatchRecordEvaluationsRequest { parent: model_name("m"), requests, ..Default::default() };
    let written =
        server.evaluations().batch_record_evaluations(batch).await.unwrap().into_inner().evaluations;
    let names: Vec<_> = written.iter().take(3).map(|evaluation| evaluation.name.clone()).collect();
    let name = |number, id: &str| format!("{}/evaluations/{id}", version_name("m", number));
    assert_eq!(names, [name(2, "b"), name(1, "a"), name(1, "b")]);
    let positions: Vec<_> = written.iter().map(|evaluation| evaluation.audit_position).collect();
    assert_eq!(positions, [size, size + 1, size + 2, size + 3]);
    assert_eq!(server.size().await, size + 4);
    server.stop().await;
}

#[tokio::test]
async fn evaluations_are_taken_from_draft_to_deprecated_and_no_further() {
    let server = started().await;
    let name = version_name("m", 1);
    macro_rules! step {
        (approve_version, $request:ident) => {
            let (name, reason) = (name.clone(), "because".to_owned());
            let request = v1::$request { name, reason, ..Default::default() };
            server.lifecycle().approve_version(by(REVIEWER, request)).await.unwrap();
        };
        ($method:ident, $request:ident $(, $field:ident: $value:expr)*) => {
            let (name, reason) = (name.clone(), "because".to_owned());
            let request = v1::$request { name, reason, $($field: $value,)* ..Default::default() };
            server.lifecycle().$method(request).await.unwrap();
        };
    }
    let recorded = async || server.evaluations().record_evaluation(record("m", 1)).await;
    recorded().await.expect("a draft");
    step!(submit_version, SubmitVersionRequest);
    recorded().await.expect("a candidate");
    step!(approve_version, ApproveVersionRequest);
    recorded().await.expect("an approved version");
    let successor = v1::deprecate_version_request::Successor::NoReplacementReason("none".to_owned());
    step!(deprecate_version, DeprecateVersionRequest, sunset_time: Some(time(BEGIN + NOTICE)), successor: Some(successor));
    recorded().await.expect("a deprecated version");
    step!(retire_version, RetireVersionRequest);
    let word = "EVALUATION_NOT_ACCEPTED".to_owned();
    let refused = (Code::FailedPrecondition, word.clone(), vec![word]);
    assert_eq!(explain(&recorded().await.unwrap_err()), refused);
    step!(archive_version, ArchiveVersionRequest);
    assert_eq!(explain(&recorded().await.unwrap_err()), refused);
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_says_what() {
    let server = started().await;
    let error = server.evaluations().record_evaluation(record("m", 9)).await.unwrap_err();
    assert_eq!(explain(&error), (Code::NotFound, "VERSION_NOT_FOUND".into(), vec![]));
    let error = server.evaluations().record_evaluation(record("n", 1)).await.unwrap_err();
    assert_eq!(explain(&error), (Code::NotFound, "MODEL_NOT_FOUND".into(), vec![]));
    let name = format!("{}/evaluations/e", version_name("m", 1));
    let get = v1::GetEvaluationRequest { name, read_at: None };
    let error = server.evaluations().get_evaluation(get).await.unwrap_err();
    assert_eq!(explain(&error), (Code::NotFound, "EVALUATION_NOT_FOUND".into(), vec![]));
    server.stop().await;
}

/// The ids on all pages of a list of version 1 of `m`.
async fn list(server: &TestServer, request: v1::ListEvaluationsRequest) -> Vec<String> {
    let mut request = v1::ListEvaluationsRequest { parent: version_name("m", 1), ..request };
    let mut ids = Vec::new();
    loop {
        let page = server.evaluations().list_evaluations(request.clone()).await.unwrap().into_inner();
        ids.extend(page.evaluations.iter().map(|e| e.name.rsplit('/').next().unwrap().to_owned()));
        if page.next_page_token.is_empty() {
            return ids;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn evaluations_are_listed_by_window_metric_and_order() {
    let server = started().await;
    server.version("m").await;
    let days = [("e", 5), ("b", 2), ("d", 4), ("a", 1), ("c", 3), ("c2", 3)];
    for (id, day) in days {
        let mut request = v1::RecordEvaluationRequest { evaluation_id: id.to_owned(), ..record("m", 1) };
        let evaluation = request.evaluation.as_mut().unwrap();
        evaluation.window_start_time = Some(time(BEGIN - 30 * DAY));
        evaluation.window_end_time = Some(time(BEGIN + day * DAY));
        if day > 3 {
            evaluation.points.push(measured("latency", Value::Plain(PlainPoint { value: 1.0, n: 1 })));
        }
        server.evaluations().record_evaluation(request.clone()).await.unwrap();
        server
            .evaluations()
            .record_evaluation(v1::RecordEvaluationRequest { parent: version_name("m", 2), ..request })
            .await
            .unwrap();
    }
    let window = |start: Option<i64>, end: Option<i64>| v1::ListEvaluationsRequest {
        start_time: start.map(|day| time(BEGIN + day * DAY)),
        end_time: end.map(|day| time(BEGIN + day * DAY)),
        ..Default::default()
    };
    let metric =
        |metric: &str| v1::ListEvaluationsRequest { metric: metric.to_owned(), ..Default::default() };
    for (request, wanted) in [
        (window(None, None), &["a", "b", "c", "c2", "d", "e"][..]),
        (window(Some(3), None), &["c", "c2", "d", "e"]),
        (window(None, Some(3)), &["a", "b"]),
        (window(Some(2), Some(4)), &["b", "c", "c2"]),
        (window(Some(6), None), &[]),
        (metric("latency"), &["d", "e"]),
        (metric("accuracy"), &["a", "b", "c", "c2", "d", "e"]),
        (metric("recall"), &[]),
        (v1::ListEvaluationsRequest { metric: "latency".to_owned(), ..window(None, Some(5)) }, &["d"]),
    ] {
        let reversed: Vec<_> = wanted.iter().rev().copied().collect();
        for page_size in 0..=7 {
            let forward = v1::ListEvaluationsRequest { page_size, ..request.clone() };
            assert_eq!(list(&server, forward).await, wanted, "{request:?} by {page_size}");
            let order_by = "window_end_time desc".to_owned();
            let backward = v1::ListEvaluationsRequest { page_size, order_by, ..request.clone() };
            assert_eq!(list(&server, backward).await, reversed, "{request:?} by {page_size}");
        }
    }
    server.stop().await;
}
