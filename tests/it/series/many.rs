//! Many points of many series: `STEWARD_TEST_POINTS=100000` for the full size. It prints how
//! long things took, and asserts only what is right.

use super::{FIRST, measured, query, rates};
use crate::support::{DAY, TestServer, declaring, explain, keep_every_cell, model_name, time, version_name};
use std::{collections::BTreeMap, time::Instant};
use steward_registry::proto::v1::{self, MetricPoint, RatePoint, metric_point::Value};

const SERIES: i64 = 100;
/// Series of the metric that has most.
const WIDE: i64 = 80;
/// Points that a query reads at most.
const MOST: i64 = 50_000;
/// Evaluations of a batch: each has a point of every series.
const BATCH: i64 = 100;

fn points() -> i64 {
    std::env::var("STEWARD_TEST_POINTS").map_or(2_000, |text| text.parse().unwrap())
}

fn slice(number: i64) -> BTreeMap<String, String> {
    BTreeMap::from([("region".to_owned(), format!("r{number}"))])
}

/// One point of each series: two metrics, on many and on few parts of the data.
fn all_series(day: i64) -> Vec<MetricPoint> {
    let point = |series: i64| MetricPoint {
        slice: slice(series),
        ..measured(
            if series < WIDE { "wide" } else { "narrow" },
            Value::Rate(RatePoint { k: day % 7 + series, n: 200 }),
        )
    };
    (0..SERIES).map(point).collect()
}

fn evaluation(day: i64) -> v1::RecordEvaluationRequest {
    let evaluation = v1::Evaluation {
        window_start_time: Some(time(FIRST + day * DAY)),
        window_end_time: Some(time(FIRST + (day + 1) * DAY)),
        evaluator: Some(v1::Evaluator { name: "nightly".to_owned(), version: "1.0".to_owned() }),
        points: all_series(day),
        ..Default::default()
    };
    v1::RecordEvaluationRequest {
        parent: version_name("m", 1),
        evaluation: Some(evaluation),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_series_among_many_is_read_by_itself() {
    let server = TestServer::start().await;
    server.model("m").await;
    keep_every_cell(&server).await;
    let regions: Vec<String> = (0..SERIES).map(|number| format!("r{number}")).collect();
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    server.versions().create_version(declaring("m", &[("region", &regions)])).await.unwrap();
    let days = points() / SERIES;
    let begin = Instant::now();
    for first in (0..days).step_by(BATCH as usize) {
        let requests = (first..days.min(first + BATCH)).map(evaluation).collect();
        let batch =
            v1::BatchRecordEvaluationsRequest { parent: model_name("m"), requests, ..Default::default() };
        server.evaluations().batch_record_evaluations(batch).await.unwrap();
    }
    println!("recorded {} points of {SERIES} series in {:.1?}", days * SERIES, begin.elapsed());

    let year = days.min(365);
    let begin = Instant::now();
    let answer = query(
        &server,
        v1::QueryMetricSeriesRequest {
            parent: version_name("m", 1),
            metric: "wide".to_owned(),
            slice: slice(43),
            end_time: Some(time(FIRST + year * DAY + 1)),
            page_size: 1_000,
            ..Default::default()
        },
    )
    .await;
    println!("queried {year} daily points of one series in {:.1?}", begin.elapsed());
    let wanted: Vec<_> = (0..year).map(|day| (day % 7 + 43, 200)).collect();
    assert_eq!(rates(&answer), [wanted]);

    let begin = Instant::now();
    let request = v1::ListMetricsRequest { parent: version_name("m", 1), ..Default::default() };
    let list = server.metrics().list_metrics(request).await.unwrap().into_inner();
    println!("listed {} series with their counts in {:.1?}", list.metrics.len(), begin.elapsed());
    assert_eq!((list.metrics.len(), list.next_page_token.as_str()), (100, ""));
    assert!(list.metrics.iter().all(|metric| metric.point_count == days));

    let begin = Instant::now();
    let request = v1::QueryMetricSeriesRequest {
        parent: version_name("m", 1),
        metric: "narrow".to_owned(),
        all_slices: true,
        resolution: super::days(7),
        page_size: 1_000,
        ..Default::default()
    };
    let answer = query(&server, request.clone()).await;
    let narrow = days * (SERIES - WIDE);
    println!("queried {narrow} points of {} series in weeks in {:.1?}", SERIES - WIDE, begin.elapsed());
    let steps = answer.segments.iter().flat_map(|segment| &segment.steps);
    let merged: i32 = steps.map(|step| step.evaluation_count).sum();
    assert!(if answer.next_page_token.is_empty() {
        i64::from(merged) == narrow
    } else {
        i64::from(merged) < narrow
    });

    let wide = v1::QueryMetricSeriesRequest { metric: "wide".to_owned(), ..request };
    let answer = server.metrics().query_metric_series(wide).await;
    if days * WIDE > MOST {
        assert_eq!(explain(&answer.unwrap_err()).2, ["end_time"]);
        println!("refused {} points of {WIDE} series", days * WIDE);
    } else {
        answer.unwrap();
    }
    server.stop().await;
}
