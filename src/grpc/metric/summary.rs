//! Steps on the wire, with what follows from their numbers.

use super::number;
use crate::{
    domain::{
        evaluation::point,
        series::{LEVEL, Merged, Step, quantiles},
        statistics::{
            confusion::{Confusion, Measure},
            moments::Moments,
            quantile::{Quantile, Sketch},
            rate::Proportion,
            usage::Usage,
        },
    },
    grpc::field,
    proto::v1::{self, metric_step::Value},
};
use std::collections::BTreeMap;

/// A step on the wire.
pub fn write(step: Step) -> v1::MetricStep {
    let value = match &step.value {
        Merged::Rate(rate) => {
            Value::Rate(v1::RateSummary { k: count(rate.k()), n: count(rate.n()), share: Some(share(rate)) })
        }
        Merged::Moments(moments) => Value::Moments(write_moments(moments)),
        Merged::Histogram { counts, reference } => Value::Histogram(v1::HistogramSummary {
            counts: counts.bins().iter().copied().map(count).collect(),
            shares: counts.shares(),
            reference_counts: reference.iter().flat_map(|counts| counts.bins()).copied().map(count).collect(),
        }),
        Merged::Sketch { sketch, sum } => Value::Quantile(write_sketch(sketch, *sum)),
        Merged::Confusion(groups) => Value::Confusion(write_groups(groups)),
        Merged::Usage { counted, usage } => Value::Usage(write_usage(counted, usage)),
        Merged::Plain { value, n: _, lowest, highest } => {
            Value::Plain(v1::PlainSummary { value: *value, min: *lowest, max: *highest })
        }
    };
    v1::MetricStep {
        start_time: Some(field::time(step.start)),
        end_time: Some(field::time(step.end)),
        window_start_time: Some(field::time(step.window_start)),
        window_end_time: Some(field::time(step.window_end)),
        evaluation_count: number(step.evaluations),
        superseded_count: number(step.superseded),
        observation_count: count(step.value.n()),
        value: Some(value),
    }
}

fn share(rate: &Proportion) -> v1::Estimate {
    let (low, high) = rate.wilson(LEVEL);
    v1::Estimate { value: rate.share(), low: Some(low), high: Some(high) }
}

fn write_moments(moments: &Moments) -> v1::MomentsSummary {
    let (low, high) = moments.interval(LEVEL).unzip();
    let (min, max) = moments.range();
    v1::MomentsSummary {
        mean: Some(v1::Estimate { value: moments.mean(), low, high }),
        m2: moments.m2(),
        standard_deviation: moments.variance().map(f64::sqrt),
        min,
        max,
    }
}

fn write_sketch(sketch: &Sketch, sum: f64) -> v1::QuantileSummary {
    let write = |(probability, quantile): (f64, Quantile)| v1::QuantileEstimate {
        probability,
        value: quantile.value,
        low: quantile.low,
        high: quantile.high,
    };
    let (min, max) = sketch.range();
    v1::QuantileSummary {
        quantiles: quantiles(sketch).map(write).collect(),
        relative_error: sketch.mapping().relative_error(),
        mean: sum.is_finite().then_some(sum / sketch.n() as f64),
        min,
        max,
    }
}

fn write_groups(groups: &BTreeMap<String, Confusion>) -> v1::ConfusionSummary {
    let estimate = |rate: Option<Proportion>| rate.as_ref().map(share);
    let write = |(group, counts): (&String, &Confusion)| v1::GroupSummary {
        counts: Some(v1::ConfusionCounts {
            group: group.clone(),
            true_positives: count(counts.true_positives),
            false_positives: count(counts.false_positives),
            true_negatives: count(counts.true_negatives),
            false_negatives: count(counts.false_negatives),
        }),
        selection_rate: estimate(counts.rate(Measure::Selection)),
        true_positive_rate: estimate(counts.rate(Measure::TruePositive)),
        false_positive_rate: estimate(counts.rate(Measure::FalsePositive)),
        accuracy: estimate(counts.rate(Measure::Accuracy)),
    };
    v1::ConfusionSummary { groups: groups.iter().map(write).collect() }
}

fn write_usage(counted: &point::Usage, usage: &Usage) -> v1::UsageSummary {
    let (input_token_average, output_token_average) = usage.tokens_per_request();
    v1::UsageSummary {
        usage: Some(v1::UsagePoint {
            requests: counted.requests,
            input_tokens: counted.input_tokens,
            output_tokens: counted.output_tokens,
            cost_micros: counted.cost_micros,
            currency: counted.currency.clone(),
            outcomes: counted.outcomes,
        }),
        thousand_requests_cost: usage.cost_per_thousand_requests(),
        outcome_cost: usage.cost_per_outcome(),
        input_token_average,
        output_token_average,
    }
}

/// Counts are at most 2^53-1.
fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
