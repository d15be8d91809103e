//! Where a series may not go on, and what the answer says of it.

use super::{accuracy, days, measured, query, rate, rates, record, send, started};
use crate::support::{DAY, model_name, time, version_name};
use steward_registry::proto::v1::{
    self, BreakCause, CategoricalBins, ConfusionCounts, ConfusionPoint, Direction, Evaluation,
    HistogramPoint, MetricPoint, NumericBins, PlainPoint, SketchPoint, UsagePoint, histogram_point::Bins,
    metric_point::Value,
};

/// Changes an evaluation, which has one point.
type Change = fn(&mut Evaluation);

fn point(evaluation: &mut Evaluation) -> &mut MetricPoint {
    &mut evaluation.points[0]
}

fn set(evaluation: &mut Evaluation, value: Value) {
    point(evaluation).value = Some(value);
}

fn histogram(bins: Bins) -> Value {
    Value::Histogram(HistogramPoint { bins: Some(bins), counts: vec![1, 2], ..Default::default() })
}

fn edge(edge: f64) -> Value {
    histogram(Bins::Numeric(NumericBins { edges: vec![edge] }))
}

fn codes(codes: [&str; 2]) -> Value {
    histogram(Bins::Categorical(CategoricalBins {
        categories: codes.map(str::to_owned).to_vec(),
        attribute: "code".to_owned(),
    }))
}

fn sketch(relative_accuracy: f64) -> Value {
    let (min, max) = (0.0, 0.0);
    Value::Sketch(SketchPoint { relative_accuracy, zero_count: 1, min, max, ..Default::default() })
}

fn usage(currency: &str) -> Value {
    let (cost_micros, currency) = (i64::from(!currency.is_empty()), currency.to_owned());
    Value::Usage(UsagePoint { requests: 1, cost_micros, currency, ..Default::default() })
}

fn confusion(attribute: &str) -> Value {
    let group = ConfusionCounts { group: "a".to_owned(), true_positives: 1, ..Default::default() };
    Value::Confusion(ConfusionPoint { attribute: attribute.to_owned(), groups: vec![group] })
}

const CASES: &[(Change, Change, &[BreakCause])] = &[
    (|_| {}, |_| {}, &[]),
    (|_| {}, |e| e.evaluator.as_mut().unwrap().version = "2.9".to_owned(), &[]),
    (
        |_| {},
        |e| e.evaluator.as_mut().unwrap().version = "3.0".to_owned(),
        &[BreakCause::EvaluatorMajorVersion],
    ),
    (|_| {}, |e| e.evaluator.as_mut().unwrap().name = "other".to_owned(), &[BreakCause::Evaluator]),
    (|_| {}, |e| point(e).method = "strict".to_owned(), &[BreakCause::Method]),
    (|_| {}, |e| point(e).direction = Direction::HigherIsBetter.into(), &[BreakCause::Direction]),
    (|_| {}, |e| set(e, Value::Plain(PlainPoint { value: 1.0, n: 1 })), &[BreakCause::Kind]),
    (|e| set(e, edge(1.0)), |e| set(e, edge(1.0)), &[]),
    (|e| set(e, edge(1.0)), |e| set(e, edge(2.0)), &[BreakCause::Bins]),
    (|e| set(e, codes(["a", "b"])), |e| set(e, codes(["b", "a"])), &[BreakCause::Bins]),
    (|e| set(e, edge(1.0)), |e| set(e, codes(["a", "b"])), &[BreakCause::Bins]),
    (|e| set(e, sketch(0.01)), |e| set(e, sketch(0.02)), &[BreakCause::RelativeAccuracy]),
    (|e| set(e, usage("EUR")), |e| set(e, usage("USD")), &[BreakCause::Currency]),
    (|e| set(e, usage("")), |e| set(e, usage("USD")), &[]),
    (|e| set(e, confusion("sex")), |e| set(e, confusion("age")), &[BreakCause::Attribute]),
    (
        |_| {},
        |e| {
            point(e).direction = Direction::LowerIsBetter.into();
            e.evaluator.as_mut().unwrap().version = "4".to_owned();
        },
        &[BreakCause::EvaluatorMajorVersion, BreakCause::Direction],
    ),
];

#[tokio::test]
async fn a_segment_begins_wherever_numbers_do_not_compare_and_says_why_and_when() {
    let server = started().await;
    for (index, (before, after, causes)) in CASES.iter().enumerate() {
        let metric = format!("case{index}");
        for (day, change) in [(0, before), (1, before), (2, after), (3, after)] {
            let mut request = record(day..day + 1, vec![measured(&metric, rate(1, 2).value.unwrap())]);
            change(request.evaluation.as_mut().unwrap());
            send(&server, request).await;
        }
        let request = v1::QueryMetricSeriesRequest { metric, resolution: days(3_650), ..accuracy() };
        let answer = query(&server, request).await;
        let segments = answer.segments.as_slice();
        assert_eq!(segments[0].preceding_break, None, "case {index}");
        if causes.is_empty() {
            assert_eq!((segments.len(), segments[0].steps[0].evaluation_count), (1, 4), "case {index}");
            continue;
        }
        assert_eq!(segments.len(), 2, "case {index}");
        let found = segments[1].preceding_break.as_ref().unwrap();
        assert_eq!(found.causes().collect::<Vec<_>>(), *causes, "case {index}");
        assert_eq!(found.break_time, Some(time(super::FIRST + 2 * DAY)), "case {index}");
        assert!(found.description.ends_with("numbers before and after do not compare"), "{found:?}");
        let merged: Vec<_> = segments.iter().map(|segment| segment.steps[0].evaluation_count).collect();
        assert_eq!(merged, [2, 2], "case {index}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_model_is_asked_for_all_its_versions_with_a_break_at_each() {
    let server = started().await;
    server.version("m").await;
    server.version("m").await;
    for (number, day, k) in [(3, 9, 3), (1, 0, 1), (1, 5, 1)] {
        let request = record(day..day + 1, vec![rate(k, 10)]);
        send(&server, v1::RecordEvaluationRequest { parent: version_name("m", number), ..request }).await;
    }
    let request =
        v1::QueryMetricSeriesRequest { parent: model_name("m"), resolution: days(3_650), ..accuracy() };
    let answer = query(&server, request).await;
    assert_eq!(rates(&answer), [[(2, 20)], [(3, 10)]]);
    let versions: Vec<_> = answer.segments.iter().map(|segment| segment.version.clone()).collect();
    assert_eq!(versions, [version_name("m", 1), version_name("m", 3)]);
    let found = answer.segments[1].preceding_break.as_ref().unwrap();
    assert_eq!(found.causes().collect::<Vec<_>>(), [BreakCause::Version]);
    assert!(found.description.starts_with("version 1 of the model was followed by version 3"), "{found:?}");
    server.stop().await;
}

#[tokio::test]
async fn an_evaluator_that_goes_back_to_an_older_version_breaks_the_series_twice() {
    let server = started().await;
    for (day, version) in [(0, "2.0"), (1, "3.0"), (2, "2.0")] {
        let mut request = record(day..day + 1, vec![rate(1, 2)]);
        request.evaluation.as_mut().unwrap().evaluator.as_mut().unwrap().version = version.to_owned();
        send(&server, request).await;
    }
    let answer = query(&server, accuracy()).await;
    let majors: Vec<_> = answer.segments.iter().map(|s| s.evaluator_major_version.as_str()).collect();
    assert_eq!(majors, ["2", "3", "2"]);
    server.stop().await;
}
