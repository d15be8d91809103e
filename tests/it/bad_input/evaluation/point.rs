//! Every rule of every type of measurement.

use super::check_values;
use steward_registry::proto::v1::{
    CategoricalBins, ConfusionCounts, ConfusionPoint, ExponentialBuckets, ExponentialHistogramPoint,
    HistogramPoint, MomentsPoint, NumericBins, PlainPoint, RatePoint, SketchPoint, UsagePoint,
    histogram_point::Bins, metric_point::Value,
};

const MOST: i64 = (1 << 53) - 1;
const NO_NUMBERS: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

#[tokio::test]
async fn a_rate_is_k_of_n_with_k_not_above_n() {
    let rate = |k, n| Value::Rate(RatePoint { k, n });
    check_values(vec![
        ("rate.k", rate(-1, 10)),
        ("rate.k", rate(11, 10)),
        ("rate.n", rate(0, 0)),
        ("rate.n", rate(0, MOST + 1)),
        ("rate.n rate.k", rate(0, -1)),
        ("rate.k rate.n", rate(-1, 0)),
        ("rate.k rate.k", rate(i64::MAX, 1)),
    ])
    .await;
}

#[tokio::test]
async fn moments_are_finite_and_agree_with_each_other() {
    let right = MomentsPoint { n: 3, mean: 2.0, m2: 2.0, min: 1.0, max: 3.0 };
    let with = |change: &dyn Fn(&mut MomentsPoint)| {
        let mut point = right;
        change(&mut point);
        Value::Moments(point)
    };
    let mut cases = vec![
        ("moments.n", with(&|p| p.n = 0)),
        ("moments.n", with(&|p| p.n = -3)),
        ("moments.n", with(&|p| p.n = MOST + 1)),
        ("moments.m2", with(&|p| p.m2 = -0.5)),
        ("moments.m2", with(&|p| p.n = 1)),
        ("moments.mean", with(&|p| p.mean = 3.5)),
        ("moments.mean", with(&|p| p.mean = 0.5)),
        ("moments.max", with(&|p| (p.min, p.max) = (3.0, 1.0))),
    ];
    for number in NO_NUMBERS {
        cases.push(("moments.mean", with(&|p| p.mean = number)));
        cases.push(("moments.m2", with(&|p| p.m2 = number)));
        cases.push(("moments.min", with(&|p| p.min = number)));
        cases.push(("moments.max", with(&|p| p.max = number)));
    }
    check_values(cases).await;
}

#[tokio::test]
async fn a_histogram_has_increasing_edges_and_a_count_for_each_bin() {
    let with = |edges: &[f64], counts: &[i64], reference: &[i64]| {
        let bins = Some(Bins::Numeric(NumericBins { edges: edges.to_vec() }));
        Value::Histogram(HistogramPoint {
            bins,
            counts: counts.to_vec(),
            reference_counts: reference.to_vec(),
        })
    };
    let none = HistogramPoint { bins: None, counts: vec![1], reference_counts: vec![] };
    let mut cases = vec![
        ("histogram.bins", Value::Histogram(none)),
        ("histogram.numeric.edges", with(&[], &[1], &[])),
        ("histogram.numeric.edges[1]", with(&[1.0, 1.0], &[1, 1, 1], &[])),
        ("histogram.numeric.edges[2]", with(&[1.0, 3.0, 2.0], &[1, 1, 1, 1], &[])),
        ("histogram.counts", with(&[1.0, 2.0], &[1, 1], &[])),
        ("histogram.counts", with(&[1.0, 2.0], &[1, 1, 1, 1], &[])),
        ("histogram.counts", with(&[1.0, 2.0], &[0, 0, 0], &[])),
        ("histogram.counts histogram.counts", with(&[1.0], &[], &[])),
        ("histogram.counts[1]", with(&[1.0, 2.0], &[1, -1, 1], &[])),
        ("histogram.counts", with(&[1.0, 2.0], &[MOST, 1, 0], &[])),
        ("histogram.reference_counts", with(&[1.0, 2.0], &[1, 1, 1], &[1, 1])),
        ("histogram.reference_counts", with(&[1.0, 2.0], &[1, 1, 1], &[0, 0, 0])),
        ("histogram.reference_counts[2]", with(&[1.0, 2.0], &[1, 1, 1], &[1, 1, -1])),
    ];
    for number in NO_NUMBERS {
        cases.push(("histogram.numeric.edges[0]", with(&[number], &[1, 1], &[])));
    }
    check_values(cases).await;
}

#[tokio::test]
async fn a_histogram_over_codes_has_each_code_once() {
    let with = |categories: &[&str], counts: &[i64]| {
        let categories = categories.iter().map(|&text| text.to_owned()).collect();
        let attribute = "region".to_owned();
        let bins = Some(Bins::Categorical(CategoricalBins { attribute, categories }));
        Value::Histogram(HistogramPoint { bins, counts: counts.to_vec(), reference_counts: vec![] })
    };
    let of = |attribute: &str| {
        let categories =
            CategoricalBins { attribute: attribute.to_owned(), categories: vec!["a".to_owned()] };
        let bins = Some(Bins::Categorical(categories));
        Value::Histogram(HistogramPoint { bins, counts: vec![1], reference_counts: vec![] })
    };
    check_values(vec![
        ("histogram.categorical.categories histogram.counts", with(&[], &[])),
        ("histogram.categorical.categories[2]", with(&["a", "b", "a"], &[1, 1, 1])),
        ("histogram.categorical.categories[0]", with(&[""], &[1])),
        ("histogram.categorical.categories[1]", with(&["a", "full sentence"], &[1, 1])),
        ("histogram.counts", with(&["a", "b"], &[1])),
        ("histogram.categorical.attribute", of("")),
        ("histogram.categorical.attribute", of("the region")),
    ])
    .await;
}

fn buckets(offset: i32, counts: &[i64]) -> Option<ExponentialBuckets> {
    Some(ExponentialBuckets { offset, counts: counts.to_vec() })
}

#[tokio::test]
async fn an_exponential_histogram_stays_within_its_scale_and_range() {
    let right = ExponentialHistogramPoint {
        scale: 3,
        zero_count: 1,
        zero_threshold: 0.5,
        positive: buckets(0, &[1, 2]),
        negative: buckets(-4, &[3]),
        sum: 1.0,
        min: -2.0,
        max: 2.0,
    };
    let with = |change: &dyn Fn(&mut ExponentialHistogramPoint)| {
        let mut point = right.clone();
        change(&mut point);
        Value::ExponentialHistogram(point)
    };
    let mut cases = vec![
        ("exponential_histogram.scale", with(&|p| p.scale = 21)),
        ("exponential_histogram.scale", with(&|p| p.scale = -11)),
        ("exponential_histogram.zero_count", with(&|p| p.zero_count = -1)),
        ("exponential_histogram.zero_threshold", with(&|p| p.zero_threshold = -0.5)),
        ("exponential_histogram.positive.counts[1]", with(&|p| p.positive = buckets(0, &[1, -1]))),
        ("exponential_histogram.positive.counts", with(&|p| p.positive = buckets(0, &[MOST, 1]))),
        ("exponential_histogram.negative.offset", with(&|p| p.negative = buckets(i32::MAX, &[1]))),
        (
            "exponential_histogram.positive",
            with(&|p| (p.zero_count, p.positive, p.negative) = (0, None, buckets(0, &[0]))),
        ),
        ("exponential_histogram.max", with(&|p| p.max = -3.0)),
    ];
    for number in NO_NUMBERS {
        cases.push(("exponential_histogram.zero_threshold", with(&|p| p.zero_threshold = number)));
        cases.push(("exponential_histogram.sum", with(&|p| p.sum = number)));
        cases.push(("exponential_histogram.min", with(&|p| p.min = number)));
        cases.push(("exponential_histogram.max", with(&|p| p.max = number)));
    }
    check_values(cases).await;
}

#[tokio::test]
async fn a_sketch_has_an_accuracy_between_0_and_1() {
    let right = SketchPoint {
        relative_accuracy: 0.01,
        zero_count: 0,
        positive: buckets(5, &[1]),
        negative: None,
        sum: 1.0,
        min: 1.0,
        max: 1.0,
    };
    let with = |change: &dyn Fn(&mut SketchPoint)| {
        let mut point = right.clone();
        change(&mut point);
        Value::Sketch(point)
    };
    let mut cases = vec![
        ("sketch.zero_count", with(&|p| p.zero_count = MOST + 1)),
        ("sketch.positive.counts[0] sketch.positive", with(&|p| p.positive = buckets(0, &[-1]))),
        ("sketch.positive", with(&|p| p.positive = None)),
        ("sketch.max", with(&|p| p.max = 0.5)),
    ];
    for accuracy in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        cases.push(("sketch.relative_accuracy", with(&|p| p.relative_accuracy = accuracy)));
    }
    for number in NO_NUMBERS {
        cases.push(("sketch.sum", with(&|p| p.sum = number)));
        cases.push(("sketch.min", with(&|p| p.min = number)));
        cases.push(("sketch.max", with(&|p| p.max = number)));
    }
    check_values(cases).await;
}

#[tokio::test]
async fn confusion_counts_have_each_group_once_and_no_negative_count() {
    let group = |code: &str| ConfusionCounts { group: code.to_owned(), ..Default::default() };
    let with = |attribute: &str, groups: Vec<ConfusionCounts>| {
        Value::Confusion(ConfusionPoint { attribute: attribute.to_owned(), groups })
    };
    let negative = |change: &dyn Fn(&mut ConfusionCounts)| {
        let mut wrong = group("b");
        change(&mut wrong);
        with("sex", vec![group("a"), wrong])
    };
    check_values(vec![
        ("confusion.attribute", with("", vec![group("a")])),
        ("confusion.attribute", with("the sex", vec![group("a")])),
        ("confusion.groups", with("sex", vec![])),
        ("confusion.groups[0].group", with("sex", vec![group("")])),
        ("confusion.groups[1].group", with("sex", vec![group("a"), group("a")])),
        ("confusion.groups[1].true_positives", negative(&|g| g.true_positives = -1)),
        ("confusion.groups[1].false_positives", negative(&|g| g.false_positives = -1)),
        ("confusion.groups[1].true_negatives", negative(&|g| g.true_negatives = MOST + 1)),
        ("confusion.groups[1].false_negatives", negative(&|g| g.false_negatives = i64::MIN)),
    ])
    .await;
}

#[tokio::test]
async fn usage_has_requests_and_a_currency_for_its_cost() {
    let with = |change: &dyn Fn(&mut UsagePoint)| {
        let mut point = UsagePoint { requests: 1, ..Default::default() };
        change(&mut point);
        Value::Usage(point)
    };
    let priced = |currency: &str| with(&|p| (p.cost_micros, p.currency) = (1_000, currency.to_owned()));
    check_values(vec![
        ("usage.requests", with(&|p| p.requests = 0)),
        ("usage.requests", with(&|p| p.requests = -1)),
        ("usage.input_tokens", with(&|p| p.input_tokens = -1)),
        ("usage.output_tokens", with(&|p| p.output_tokens = MOST + 1)),
        ("usage.outcomes", with(&|p| p.outcomes = -1)),
        ("usage.cost_micros", with(&|p| (p.cost_micros, p.currency) = (-1, "EUR".to_owned()))),
        ("usage.currency", priced("")),
        ("usage.currency", priced("euro")),
        ("usage.currency", priced("eur")),
    ])
    .await;
}

#[tokio::test]
async fn a_plain_value_is_finite_and_has_observations() {
    let plain = |value, n| Value::Plain(PlainPoint { value, n });
    let mut cases =
        vec![("plain.n", plain(0.5, 0)), ("plain.n", plain(0.5, -1)), ("plain.n", plain(0.5, MOST + 1))];
    cases.extend(NO_NUMBERS.map(|number| ("plain.value", plain(number, 1))));
    check_values(cases).await;
}
