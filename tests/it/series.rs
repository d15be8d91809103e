//! Series through the wire: what was measured, over time.

mod breaks;
mod many;
mod merging;

use crate::support::{
    BEGIN, DAY, TestServer, declaring, explain, keep_every_cell, model_name, time, version_name,
};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{
    self, MetricPoint, RatePoint, metric_point::Value, metric_step, query_metric_series_request::Resolution,
};
use tonic::Code;

/// Midnight, a year before the tests begin.
pub const FIRST: i64 = BEGIN - 365 * DAY;

pub async fn started() -> TestServer {
    let server = TestServer::start().await;
    server.model("m").await;
    keep_every_cell(&server).await;
    let declared: [(&str, &[&str]); 4] =
        [("region", &["north"]), ("code", &["a", "b"]), ("sex", &["a", "b"]), ("age", &["a"])];
    server.versions().create_version(declaring("m", &declared)).await.unwrap();
    server
}

/// A request to record points of windows counted in days from [`FIRST`].
pub fn record(days: std::ops::Range<i64>, points: Vec<MetricPoint>) -> v1::RecordEvaluationRequest {
    let evaluation = v1::Evaluation {
        window_start_time: Some(time(FIRST + days.start * DAY)),
        window_end_time: Some(time(FIRST + days.end * DAY)),
        evaluator: Some(v1::Evaluator { name: "judge".to_owned(), version: "2.1".to_owned() }),
        points,
        ..Default::default()
    };
    let (parent, evaluation) = (version_name("m", 1), Some(evaluation));
    v1::RecordEvaluationRequest { parent, evaluation, ..Default::default() }
}

pub fn measured(metric: &str, value: Value) -> MetricPoint {
    MetricPoint { metric: metric.to_owned(), value: Some(value), ..Default::default() }
}

pub fn rate(k: i64, n: i64) -> MetricPoint {
    measured("accuracy", Value::Rate(RatePoint { k, n }))
}

fn north(point: MetricPoint) -> MetricPoint {
    MetricPoint { slice: BTreeMap::from([("region".to_owned(), "north".to_owned())]), ..point }
}

pub async fn send(server: &TestServer, request: v1::RecordEvaluationRequest) {
    server.clock.advance(1_000_000);
    server.evaluations().record_evaluation(request).await.unwrap();
}

/// The accuracy of version 1 of `m`.
pub fn accuracy() -> v1::QueryMetricSeriesRequest {
    v1::QueryMetricSeriesRequest {
        parent: version_name("m", 1),
        metric: "accuracy".to_owned(),
        ..Default::default()
    }
}

pub async fn query(
    server: &TestServer,
    request: v1::QueryMetricSeriesRequest,
) -> v1::QueryMetricSeriesResponse {
    server.metrics().query_metric_series(request).await.unwrap().into_inner()
}

/// The steps of each segment as k of n.
pub fn rates(answer: &v1::QueryMetricSeriesResponse) -> Vec<Vec<(i64, i64)>> {
    let of = |step: &v1::MetricStep| match &step.value {
        Some(metric_step::Value::Rate(rate)) => (rate.k, rate.n),
        other => panic!("{other:?} is no rate"),
    };
    answer.segments.iter().map(|segment| segment.steps.iter().map(of).collect()).collect()
}

pub fn days(count: i64) -> Option<Resolution> {
    Some(Resolution::Step(prost_types::Duration { seconds: count * 86_400, nanos: 0 }))
}

#[tokio::test]
async fn points_stand_in_the_order_of_their_windows_whenever_they_were_recorded() {
    let server = started().await;
    for day in [3, 0, 2, 1, 4] {
        send(&server, record(day..day + 1, vec![rate(day, 10)])).await;
    }
    let answer = query(&server, accuracy()).await;
    assert_eq!(rates(&answer), [[(0, 10), (1, 10), (2, 10), (3, 10), (4, 10)]]);
    let starts: Vec<_> = answer.segments[0].steps.iter().map(|step| step.start_time.unwrap()).collect();
    assert_eq!(starts, [0, 1, 2, 3, 4].map(|day| time(FIRST + day * DAY)));
    assert_eq!((answer.step, answer.superseded_count, answer.excluded_count), (None, 0, 0));
    let segment = &answer.segments[0];
    assert_eq!((segment.evaluator.as_str(), segment.evaluator_major_version.as_str()), ("judge", "2"));
    server.stop().await;
}

#[tokio::test]
async fn a_second_evaluation_of_the_same_time_supersedes_the_first_and_is_not_added_to_it() {
    let server = started().await;
    for day in 0..3 {
        send(&server, record(day..day + 1, vec![rate(1, 10)])).await;
    }
    send(&server, record(1..2, vec![rate(7, 10)])).await;
    let answer = query(&server, accuracy()).await;
    assert_eq!(rates(&answer), [[(1, 10), (7, 10), (1, 10)]]);
    assert_eq!((answer.superseded_count, answer.segments[0].steps[1].superseded_count), (1, 1));
    let whole = query(&server, v1::QueryMetricSeriesRequest { resolution: days(3_650), ..accuracy() }).await;
    assert_eq!(rates(&whole), [[(9, 30)]]);
    server.stop().await;
}

#[tokio::test]
async fn windows_that_overlap_are_never_merged_into_one_number() {
    let server = started().await;
    // The last seven days, each day anew: windows that overlap six others.
    for day in 7..29 {
        send(&server, record(day - 7..day, vec![rate(1, 10)])).await;
    }
    let answer = query(&server, v1::QueryMetricSeriesRequest { resolution: days(3_650), ..accuracy() }).await;
    assert_eq!(rates(&answer), [[(4, 40)]], "four weeks hold four weeks' observations");
    assert_eq!(answer.superseded_count, 18);
    let step = &answer.segments[0].steps[0];
    assert_eq!(step.window_start_time, Some(time(FIRST)));
    assert_eq!(step.window_end_time, Some(time(FIRST + 28 * DAY)));
    server.stop().await;
}

#[tokio::test]
async fn a_query_is_limited_to_a_span_a_slice_a_method_and_an_evaluator() {
    let server = started().await;
    let strict = |point| MetricPoint { method: "strict".to_owned(), ..point };
    for day in 0..4 {
        let points = vec![
            rate(day, 10),
            north(rate(day, 20)),
            strict(rate(day, 30)),
            measured("other", rate(9, 9).value.unwrap()),
        ];
        send(&server, record(day..day + 1, points)).await;
    }
    let mut people = record(0..1, vec![rate(0, 40)]);
    people.evaluation.as_mut().unwrap().evaluator.as_mut().unwrap().name = "people".to_owned();
    send(&server, people).await;
    let judge = v1::QueryMetricSeriesRequest {
        method: Some(String::new()),
        evaluator: "judge".to_owned(),
        ..accuracy()
    };
    let span = v1::QueryMetricSeriesRequest {
        start_time: Some(time(FIRST + 2 * DAY)),
        end_time: Some(time(FIRST + 4 * DAY)),
        ..judge.clone()
    };
    assert_eq!(rates(&query(&server, span.clone()).await), [[(1, 10), (2, 10)]]);
    let all = v1::QueryMetricSeriesRequest { all_slices: true, ..span.clone() };
    assert_eq!(rates(&query(&server, all).await), [[(1, 10), (2, 10)], [(1, 20), (2, 20)]]);
    let slice = north(rate(0, 1)).slice;
    let part = v1::QueryMetricSeriesRequest { slice, ..span.clone() };
    assert_eq!(rates(&query(&server, part).await), [[(1, 20), (2, 20)]]);
    let method = v1::QueryMetricSeriesRequest { method: Some("strict".to_owned()), ..span };
    assert_eq!(rates(&query(&server, method).await), [[(1, 30), (2, 30)]]);
    let lines = query(&server, accuracy()).await;
    assert_eq!(lines.segments.len(), 3, "both methods and both evaluators, in parallel");
    assert!(lines.segments.iter().all(|segment| segment.preceding_break.is_none()));
    server.stop().await;
}

#[tokio::test]
async fn every_page_size_gives_the_same_steps_and_segments() {
    let server = started().await;
    for day in 0..9 {
        let mut request = record(day..day + 1, vec![rate(day, 10), north(rate(day, 20))]);
        request.evaluation.as_mut().unwrap().evaluator.as_mut().unwrap().version = format!("{}.0", day / 4);
        send(&server, request).await;
    }
    let request = v1::QueryMetricSeriesRequest { all_slices: true, resolution: days(2), ..accuracy() };
    let whole = query(&server, request.clone()).await;
    assert_eq!(whole.segments.len(), 6);
    for page_size in 1..=12 {
        let mut request = v1::QueryMetricSeriesRequest { page_size, ..request.clone() };
        let mut steps = Vec::new();
        loop {
            let page = query(&server, request.clone()).await;
            let count: usize = page.segments.iter().map(|segment| segment.steps.len()).sum();
            assert!(
                count <= page_size as usize && page.segments.iter().all(|segment| !segment.steps.is_empty())
            );
            steps.extend(page.segments.into_iter().flat_map(apart));
            assert!(steps.len() <= 18, "something comes twice");
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(
            steps,
            whole.segments.clone().into_iter().flat_map(apart).collect::<Vec<_>>(),
            "{page_size}"
        );
    }
    let first = query(&server, v1::QueryMetricSeriesRequest { page_size: 1, ..request.clone() }).await;
    let other =
        v1::QueryMetricSeriesRequest { resolution: days(3), page_token: first.next_page_token, ..request };
    let error = server.metrics().query_metric_series(other).await.unwrap_err();
    assert_eq!(explain(&error).2, ["page_token"]);
    server.stop().await;
}

fn apart(mut segment: v1::MetricSegment) -> Vec<(v1::MetricSegment, v1::MetricStep)> {
    let steps = std::mem::take(&mut segment.steps);
    steps.into_iter().map(|step| (segment.clone(), step)).collect()
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_field() {
    let server = started().await;
    let step = |seconds, nanos| Some(Resolution::Step(prost_types::Duration { seconds, nanos }));
    let wrong = |request: v1::QueryMetricSeriesRequest, field: &'static str| (request, field);
    for (request, field) in [
        wrong(
            v1::QueryMetricSeriesRequest { parent: "namespaces/default".to_owned(), ..accuracy() },
            "parent",
        ),
        wrong(v1::QueryMetricSeriesRequest { metric: String::new(), ..accuracy() }, "metric"),
        wrong(v1::QueryMetricSeriesRequest { metric: "a\0b".to_owned(), ..accuracy() }, "metric"),
        wrong(v1::QueryMetricSeriesRequest { method: Some("A B".to_owned()), ..accuracy() }, "method"),
        wrong(v1::QueryMetricSeriesRequest { resolution: step(0, 0), ..accuracy() }, "step"),
        wrong(v1::QueryMetricSeriesRequest { resolution: step(-86_400, 0), ..accuracy() }, "step"),
        wrong(v1::QueryMetricSeriesRequest { resolution: step(1, 5), ..accuracy() }, "step"),
        wrong(v1::QueryMetricSeriesRequest { resolution: step(3_650 * 86_400 + 1, 0), ..accuracy() }, "step"),
        wrong(
            v1::QueryMetricSeriesRequest { resolution: Some(Resolution::MaxStepCount(0)), ..accuracy() },
            "max_step_count",
        ),
        wrong(
            v1::QueryMetricSeriesRequest { slice: north(rate(0, 1)).slice, all_slices: true, ..accuracy() },
            "slice",
        ),
        wrong(
            v1::QueryMetricSeriesRequest {
                start_time: Some(time(BEGIN)),
                end_time: Some(time(BEGIN)),
                ..accuracy()
            },
            "end_time",
        ),
        wrong(v1::QueryMetricSeriesRequest { page_size: -1, ..accuracy() }, "page_size"),
        wrong(v1::QueryMetricSeriesRequest { page_token: "x".to_owned(), ..accuracy() }, "page_token"),
    ] {
        let error = server.metrics().query_metric_series(request.clone()).await.expect_err(field);
        assert_eq!(
            (error.code(), explain(&error).2),
            (Code::InvalidArgument, vec![field.to_owned()]),
            "{request:?}"
        );
    }
    for (parent, reason) in [
        (version_name("m", 9), "VERSION_NOT_FOUND"),
        (version_name("n", 1), "VERSION_NOT_FOUND"),
        (model_name("n"), "MODEL_NOT_FOUND"),
    ] {
        let request = v1::QueryMetricSeriesRequest { parent, ..accuracy() };
        let error = server.metrics().query_metric_series(request).await.unwrap_err();
        assert_eq!((error.code(), explain(&error).1.as_str()), (Code::NotFound, reason));
    }
    server.stop().await;
}

#[tokio::test]
async fn where_nothing_was_measured_the_answer_is_empty() {
    let server = started().await;
    assert_eq!(query(&server, accuracy()).await, v1::QueryMetricSeriesResponse::default());
    send(&server, record(0..1, vec![rate(1, 2)])).await;
    let later = v1::QueryMetricSeriesRequest { start_time: Some(time(BEGIN)), ..accuracy() };
    assert_eq!(query(&server, later).await, v1::QueryMetricSeriesResponse::default());
    let all =
        v1::QueryMetricSeriesRequest { parent: model_name("m"), metric: "recall".to_owned(), ..accuracy() };
    assert_eq!(query(&server, all).await, v1::QueryMetricSeriesResponse::default());
    server.stop().await;
}

#[tokio::test]
async fn a_list_says_which_series_there_are_on_pages_of_any_size() {
    let server = started().await;
    let strict = |point| MetricPoint { method: "strict".to_owned(), ..point };
    for day in [2, 0, 1] {
        let points = vec![
            rate(1, 2),
            north(rate(1, 2)),
            strict(rate(1, 2)),
            measured("zeal", rate(1, 2).value.unwrap()),
        ];
        let mut request = record(day..day + 1, points);
        request.evaluation.as_mut().unwrap().evaluator.as_mut().unwrap().version = format!("{day}.5");
        send(&server, request).await;
    }
    server.version("m").await;
    let of_another =
        v1::RecordEvaluationRequest { parent: version_name("m", 2), ..record(0..1, vec![rate(1, 2)]) };
    send(&server, of_another).await;
    for page_size in 1..=5 {
        let mut request =
            v1::ListMetricsRequest { parent: version_name("m", 1), page_size, ..Default::default() };
        let mut found = Vec::new();
        loop {
            let page = server.metrics().list_metrics(request.clone()).await.unwrap().into_inner();
            assert!(page.metrics.len() <= page_size as usize);
            found.extend(page.metrics);
            assert!(found.len() <= 4, "something comes twice: {found:?}");
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let keys: Vec<_> =
            found.iter().map(|m| (m.metric.as_str(), m.slice.len(), m.method.as_str())).collect();
        let wanted = [("accuracy", 0, ""), ("accuracy", 0, "strict"), ("accuracy", 1, ""), ("zeal", 0, "")];
        assert_eq!(keys, wanted, "by {page_size}");
        for metric in found {
            assert_eq!((metric.point_count, metric.kind()), (3, v1::MetricKind::Rate));
            assert_eq!(metric.evaluator.unwrap().version, "2.5", "that of the newest window");
            assert_eq!(metric.window_start_time, Some(time(FIRST)));
            assert_eq!(metric.window_end_time, Some(time(FIRST + 3 * DAY)));
        }
    }
    server.stop().await;
}
