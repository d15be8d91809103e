//! Short ways to write measurements and days down.

use prost_types::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::cli::environment::now;
use crate::proto::v1::{
    Direction, Evaluation, Evaluator, MetricPoint, RatePoint, RecordEvaluationRequest, metric_point::Value,
};

const DAY: i64 = 86_400;

/// A number that is better when it is smaller.
pub fn lower(metric: &str, value: Value) -> MetricPoint {
    point(metric, Direction::LowerIsBetter, value)
}

/// A number that is better when it is larger.
pub fn higher(metric: &str, value: Value) -> MetricPoint {
    point(metric, Direction::HigherIsBetter, value)
}

/// Something that is shown without a judgement.
pub fn neutral(metric: &str, value: Value) -> MetricPoint {
    point(metric, Direction::Unspecified, value)
}

fn point(metric: &str, direction: Direction, value: Value) -> MetricPoint {
    MetricPoint {
        metric: metric.to_owned(),
        direction: direction.into(),
        value: Some(value),
        ..MetricPoint::default()
    }
}

/// k of n.
pub fn rate(k: i64, n: i64) -> Value {
    Value::Rate(RatePoint { k, n })
}

/// An evaluation over `days` days that ended `days_ago` days before `today`.
pub fn evaluation(
    id: &str,
    today: Timestamp,
    (days_ago, days): (i64, i64),
    (evaluator, version): (&str, &str),
    points: Vec<MetricPoint>,
) -> RecordEvaluationRequest {
    let midnight = today.seconds - today.seconds.rem_euclid(DAY);
    let at = |days_ago: i64| Some(Timestamp { seconds: midnight - days_ago * DAY, nanos: 0 });
    RecordEvaluationRequest {
        evaluation_id: id.to_owned(),
        evaluation: Some(Evaluation {
            window_start_time: at(days_ago + days),
            window_end_time: at(days_ago),
            evaluator: Some(Evaluator { name: evaluator.to_owned(), version: version.to_owned() }),
            points,
            ..Evaluation::default()
        }),
        ..RecordEvaluationRequest::default()
    }
}

/// So many days from now.
pub fn in_days(days: i64) -> Timestamp {
    Timestamp { seconds: now().as_second() + days * DAY, nanos: 0 }
}

/// A digest for a file that does not exist: of its address.
pub fn digest(uri: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(uri)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_window_ends_at_midnight_some_days_ago() {
        let noon = Timestamp { seconds: 20_000 * DAY + DAY / 2, nanos: 7 };
        let request = evaluation("week-1", noon, (7, 7), ("judge", "1"), Vec::new());
        let evaluation = request.evaluation.unwrap();
        assert_eq!(evaluation.window_start_time.unwrap().seconds, 19_986 * DAY);
        assert_eq!(evaluation.window_end_time.unwrap(), Timestamp { seconds: 19_993 * DAY, nanos: 0 });
    }
}
