//! Steps against the whole: what windows say together is what all of their observations say.

use super::{accuracy, days, measured, query, rate, record, send, started};
use crate::support::TestServer;
use steward_registry::{
    domain::statistics::{moments::Moments, rate::Proportion},
    proto::v1::{
        self, ConfusionCounts, ConfusionPoint, ExponentialBuckets, ExponentialHistogramPoint, HistogramPoint,
        MetricSegment, MomentsPoint, NumericBins, PlainPoint, UsagePoint, histogram_point::Bins,
        metric_point::Value, metric_step,
    },
};

/// Numbers that look random and are the same each time: 1–2000.
fn observations(day: i64) -> Vec<f64> {
    let draw = |at: i64| ((day * 7_919 + at * 104_729 + day * at * 31) % 2_000 + 1) as f64;
    (0..40 + day).map(draw).collect()
}

/// Records what `summarise` makes of the observations of each of ten days, and asks for all of
/// them as one.
async fn merged(server: &TestServer, summarise: impl Fn(i64, &[f64]) -> Value) -> MetricSegment {
    for day in [4, 0, 9, 1, 2, 8, 3, 5, 7, 6] {
        let value = summarise(day, &observations(day));
        send(server, record(day..day + 1, vec![measured("accuracy", value)])).await;
    }
    let request = v1::QueryMetricSeriesRequest { resolution: days(3_650), ..accuracy() };
    let [segment] = query(server, request).await.segments.try_into().unwrap();
    assert_eq!((segment.steps.len(), segment.steps[0].evaluation_count), (1, 10));
    segment
}

fn union() -> Vec<f64> {
    (0..10).flat_map(observations).collect()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0), "{a} is not {b}");
}

fn n(values: &[f64]) -> i64 {
    i64::try_from(values.len()).unwrap()
}

#[tokio::test]
async fn a_rate_is_that_of_all_observations_with_their_interval() {
    let server = started().await;
    let large = |values: &[f64]| n(&values.iter().copied().filter(|v| *v > 1_500.0).collect::<Vec<_>>());
    let segment = merged(&server, |_, values| rate(large(values), n(values)).value.unwrap()).await;
    let Some(metric_step::Value::Rate(rate)) = &segment.steps[0].value else { panic!("{segment:?}") };
    let all = union();
    assert_eq!((rate.k, rate.n, segment.steps[0].observation_count), (large(&all), n(&all), n(&all)));
    let whole = Proportion::new(rate.k as u64, rate.n as u64).unwrap();
    let (low, high) = whole.wilson(0.95);
    let share = rate.share.unwrap();
    assert_eq!((share.value, share.low, share.high), (whole.share(), Some(low), Some(high)));
    server.stop().await;
}

fn moments(values: &[f64]) -> MomentsPoint {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let m2 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    MomentsPoint { n: n(values), mean, m2, min, max }
}

#[tokio::test]
async fn a_mean_and_its_spread_are_those_of_all_observations() {
    let server = started().await;
    let segment = merged(&server, |_, values| Value::Moments(moments(values))).await;
    let Some(metric_step::Value::Moments(found)) = &segment.steps[0].value else { panic!("{segment:?}") };
    let whole = moments(&union());
    let mean = found.mean.unwrap();
    close(mean.value, whole.mean);
    close(found.m2, whole.m2);
    assert_eq!((found.min, found.max), (whole.min, whole.max));
    let whole = Moments::new(whole.n as u64, whole.mean, whole.m2, whole.min, whole.max).unwrap();
    close(found.standard_deviation.unwrap(), whole.variance().unwrap().sqrt());
    let (low, high) = whole.interval(0.95).unwrap();
    close(mean.low.unwrap(), low);
    close(mean.high.unwrap(), high);
    server.stop().await;
}

#[tokio::test]
async fn bins_are_added_up_and_their_shares_follow() {
    let server = started().await;
    let edges = vec![500.0, 1_000.0, 1_500.0];
    let counts = |values: &[f64]| {
        let mut counts = vec![0; 4];
        values.iter().for_each(|v| counts[edges.iter().filter(|edge| v >= edge).count()] += 1);
        counts
    };
    let point = |_, values: &[f64]| {
        let bins = Some(Bins::Numeric(NumericBins { edges: edges.clone() }));
        Value::Histogram(HistogramPoint { bins, counts: counts(values), reference_counts: vec![1, 2, 3, 4] })
    };
    let segment = merged(&server, point).await;
    let Some(metric_step::Value::Histogram(found)) = &segment.steps[0].value else { panic!("{segment:?}") };
    let whole = counts(&union());
    assert_eq!((&found.counts, &found.reference_counts), (&whole, &vec![1, 2, 3, 4]));
    for (share, count) in found.shares.iter().zip(&whole) {
        close(*share, *count as f64 / union().len() as f64);
    }
    assert_eq!(
        segment.shape,
        Some(v1::metric_segment::Shape::NumericBins(NumericBins { edges: edges.clone() }))
    );
    server.stop().await;
}

/// An exponential histogram of a scale.
fn exponential(values: &[f64], scale: i32) -> ExponentialHistogramPoint {
    // Bin i holds (base^i, base^(i+1)].
    let bin = |v: &f64| (v.log2() * f64::from(scale).exp2()).ceil() as i32 - 1;
    let offset = values.iter().map(bin).min().unwrap();
    let mut counts = vec![0; (values.iter().map(bin).max().unwrap() - offset + 1) as usize];
    values.iter().for_each(|v| counts[(bin(v) - offset) as usize] += 1);
    let MomentsPoint { min, max, .. } = moments(values);
    let (positive, sum) = (Some(ExponentialBuckets { offset, counts }), values.iter().sum());
    ExponentialHistogramPoint { scale, positive, sum, min, max, ..Default::default() }
}

#[tokio::test]
async fn quantiles_of_sketches_of_different_scales_hold_those_of_all_observations() {
    let server = started().await;
    let scale = |day: i64| 3 + (day % 2) as i32;
    let point = |day, values: &[f64]| Value::ExponentialHistogram(exponential(values, scale(day)));
    let segment = merged(&server, point).await;
    let Some(metric_step::Value::Quantile(found)) = &segment.steps[0].value else { panic!("{segment:?}") };
    let mut all = union();
    all.sort_by(f64::total_cmp);
    close(found.relative_error, (2f64.powf(0.125) - 1.0) / (2f64.powf(0.125) + 1.0));
    close(found.mean.unwrap(), all.iter().sum::<f64>() / all.len() as f64);
    let probabilities: Vec<_> = found.quantiles.iter().map(|quantile| quantile.probability).collect();
    assert_eq!(probabilities, [0.5, 0.9, 0.95, 0.99]);
    for quantile in &found.quantiles {
        let truth = all[(quantile.probability * (all.len() - 1) as f64).floor() as usize];
        assert!(quantile.low <= truth && truth <= quantile.high, "{truth} is not in {quantile:?}");
        assert!((quantile.value - truth).abs() <= found.relative_error * truth * 1.000_001, "{quantile:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn confusion_counts_are_added_up_by_group_and_groups_may_come_late() {
    let server = started().await;
    let group = |group: &str, tp, fp| ConfusionCounts {
        group: group.to_owned(),
        true_positives: tp,
        false_positives: fp,
        true_negatives: 3,
        false_negatives: 4,
    };
    let point = |day, _: &[f64]| {
        let mut groups = vec![group("b", day, 2)];
        if day == 9 {
            groups.insert(0, group("a", 1, 1));
        }
        Value::Confusion(ConfusionPoint { attribute: "sex".to_owned(), groups })
    };
    let segment = merged(&server, point).await;
    let Some(metric_step::Value::Confusion(found)) = &segment.steps[0].value else { panic!("{segment:?}") };
    let [a, b] = found.groups.as_slice() else { panic!("{found:?}") };
    assert_eq!(a.counts, Some(group("a", 1, 1)));
    let wanted = ConfusionCounts { true_negatives: 30, false_negatives: 40, ..group("b", 45, 20) };
    assert_eq!(b.counts, Some(wanted));
    for (found, k, n) in [
        (b.selection_rate, 65, 135),
        (b.true_positive_rate, 45, 85),
        (b.false_positive_rate, 20, 50),
        (b.accuracy, 75, 135),
    ] {
        let (low, high) = Proportion::new(k, n).unwrap().wilson(0.95);
        assert_eq!(
            found,
            Some(v1::Estimate { value: k as f64 / n as f64, low: Some(low), high: Some(high) })
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn usage_is_added_up_and_its_cost_follows() {
    let server = started().await;
    let point = |day, _: &[f64]| {
        Value::Usage(UsagePoint {
            requests: 100,
            input_tokens: 1_000 * day,
            output_tokens: 50,
            cost_micros: 1_000_000 * day,
            currency: if day == 0 { String::new() } else { "EUR".to_owned() },
            outcomes: 1,
        })
    };
    let segment = merged(&server, point).await;
    let Some(metric_step::Value::Usage(found)) = &segment.steps[0].value else { panic!("{segment:?}") };
    let usage = found.usage.as_ref().unwrap();
    assert_eq!((usage.requests, usage.input_tokens, usage.cost_micros), (1_000, 45_000, 45_000_000));
    assert_eq!((usage.currency.as_str(), usage.outcomes), ("EUR", 10));
    close(found.thousand_requests_cost, 45.0);
    close(found.outcome_cost.unwrap(), 4.5);
    close(found.input_token_average, 45.0);
    close(found.output_token_average, 0.5);
    server.stop().await;
}

#[tokio::test]
async fn a_plain_value_is_not_averaged_the_newest_stands_with_the_range_of_all() {
    let server = started().await;
    let point =
        |day: i64, _: &[f64]| Value::Plain(PlainPoint { value: ((day - 4) * (day - 4)) as f64, n: 7 });
    let segment = merged(&server, point).await;
    let Some(metric_step::Value::Plain(found)) = &segment.steps[0].value else { panic!("{segment:?}") };
    assert_eq!((found.value, found.min, found.max), (25.0, 0.0, 25.0));
    server.stop().await;
}
