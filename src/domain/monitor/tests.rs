//! What a point means beside its baseline, for each type of point, and what a monitor
//! remembers.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    evaluation::{
        EvaluationContent,
        point::{
            Bins, Confusion, ConfusionCounts, Direction, Histogram, Moments, Plain, PointValue, Rate, Usage,
        },
    },
    policy::gate::{Gate, Requirement},
};
use Level::*;

fn day(days: u32) -> Timestamp {
    Timestamp::from_micros(1_772_323_200_000_000).unwrap().plus_days(days)
}

fn point(value: PointValue) -> MetricPoint {
    MetricPoint {
        metric: "metric".to_owned(),
        method: String::new(),
        direction: Direction::LowerIsBetter,
        slice: Default::default(),
        value,
    }
}

fn rate(k: i64, n: i64) -> MetricPoint {
    point(PointValue::Rate(Rate { k, n }))
}

fn level(baseline: PointValue, now: PointValue) -> Option<Level> {
    let policy = PolicyContent::default();
    judge(&point(baseline), &point(now), None, &policy).verdict.map(|verdict| verdict.level)
}

fn evaluation(end: Timestamp, point: &MetricPoint) -> Evaluation {
    let name = "namespaces/d/models/m/versions/1/evaluations/e".parse().unwrap();
    let evaluator = Evaluator { name: "weekly".to_owned(), version: "1.0".to_owned() };
    let content = EvaluationContent {
        window_start_time: end.minus_days(7),
        window_end_time: end,
        dataset: None,
        evaluator,
        points: vec![point.clone()],
        note: String::new(),
    };
    Evaluation { name, content, create_time: end, recorder: "ann".to_owned(), folded_cells: 0 }
}

fn monitor(baseline: &MetricPoint, policy: &PolicyContent) -> Monitor {
    let name = "namespaces/d/models/m/versions/1/monitors/x".parse().unwrap();
    let first = evaluation(day(0), baseline);
    Monitor::begin(name, baseline, &first, BaselineOrigin::Approval, policy, day(0))
}

#[test]
fn every_type_of_point_that_can_be_compared_is() {
    let bins = || Bins::Categorical {
        categories: ["a", "b"].map(str::to_owned).to_vec(),
        attribute: "code".to_owned(),
    };
    let counts = |counts: [i64; 2]| {
        PointValue::Histogram(Histogram {
            bins: bins(),
            counts: counts.to_vec(),
            reference_counts: Vec::new(),
        })
    };
    assert_eq!(level(counts([500, 500]), counts([900, 100])), Some(Alarm));
    assert_eq!(level(counts([500, 500]), counts([510, 490])), Some(Ok));
    let moments = |mean| PointValue::Moments(Moments { n: 500, mean, m2: 499.0, min: -9.0, max: 9.0 });
    assert_eq!(level(moments(1.0), moments(1.5)), Some(Alarm));
    assert_eq!(level(moments(1.0), moments(0.5)), Some(Ok), "less is better");
    let usage = |cost_micros| {
        let currency = "EUR".to_owned();
        let (input_tokens, output_tokens, outcomes) = (0, 0, 0);
        PointValue::Usage(Usage {
            requests: 1_000,
            input_tokens,
            output_tokens,
            cost_micros,
            currency,
            outcomes,
        })
    };
    assert_eq!(level(usage(1_000_000), usage(1_600_000)), Some(Alarm));
    let group = |group: &str, yes: i64| ConfusionCounts {
        group: group.to_owned(),
        true_positives: yes,
        false_positives: 0,
        true_negatives: 1_000 - yes,
        false_negatives: 0,
    };
    let sexes = |first, second| {
        let groups = vec![group("1", first), group("2", second)];
        PointValue::Confusion(Confusion { attribute: "sex".to_owned(), groups })
    };
    assert_eq!(level(sexes(500, 500), sexes(500, 300)), Some(Alarm));
    assert_eq!(level(sexes(500, 300), sexes(500, 490)), Some(Ok), "groups are compared with each other");
}

#[test]
fn codes_are_compared_where_only_one_of_the_two_had_to_fold_some() {
    let codes = |categories: &[&str], counts: &[i64]| {
        let categories = categories.iter().map(|&code| code.to_owned()).collect();
        let bins = Bins::Categorical { attribute: "code".to_owned(), categories };
        PointValue::Histogram(Histogram { bins, counts: counts.to_vec(), reference_counts: Vec::new() })
    };
    let (without, with) = (codes(&["a", "b"], &[500, 500]), codes(&["a", "b", "OTHER"], &[500, 490, 10]));
    assert_eq!(level(with.clone(), without.clone()), Some(Ok));
    assert_eq!(level(without.clone(), with), Some(Ok));
    assert_eq!(level(without.clone(), codes(&["a", "b", "OTHER"], &[100, 100, 800])), Some(Alarm));
    assert_eq!(level(without, codes(&["a", "b", "c"], &[500, 490, 10])), None, "c was not frozen");
}

#[test]
fn what_cannot_be_compared_has_no_verdict() {
    let numeric = |edge| {
        let bins = Bins::Numeric { edges: vec![edge] };
        PointValue::Histogram(Histogram { bins, counts: vec![50, 50], reference_counts: Vec::new() })
    };
    assert_eq!(level(numeric(1.0), numeric(2.0)), None, "the bins were frozen");
    let plain = PointValue::Plain(Plain { value: 1.0, n: 10 });
    assert_eq!(level(plain.clone(), plain), None);
    let rate = PointValue::Rate(Rate { k: 1, n: 10 });
    assert_eq!(level(rate, numeric(1.0)), None);
}

#[test]
fn the_limit_of_a_rate_is_that_of_the_gate_or_the_worse_end_of_the_interval() {
    let baseline = rate(5, 100);
    let mut policy = PolicyContent::default();
    let limit = |policy: &PolicyContent| monitor(&baseline, policy).detector.unwrap().limit();
    assert!((limit(&policy) - 0.111_750_469).abs() < 1e-9);
    policy.gates.push(Gate {
        id: "g".to_owned(),
        metric: "metric".to_owned(),
        method: String::new(),
        slice: Default::default(),
        requirement: Requirement::AtMost(0.08),
        minimum_n: 0,
        max_age_days: 0,
        confidence: 0.0,
    });
    assert_eq!(limit(&policy), 0.08);
    let unjudged = MetricPoint { direction: Direction::Unspecified, ..baseline.clone() };
    assert_eq!(monitor(&unjudged, &policy).detector, None);
}

#[test]
fn a_monitor_reads_back_as_it_was_written_and_goes_on_alike() {
    let policy = PolicyContent::default();
    let mut kept = monitor(&rate(5, 100), &policy);
    let mut read = kept.clone();
    for week in 1..20 {
        let point = rate(5 + i64::from(week % 4), 100);
        let evaluation = evaluation(day(7 * week), &point);
        let now = day(7 * week);
        let (next, said) = kept.observe(&point, &evaluation, &policy, now);
        let (other, heard) = read.observe(&point, &evaluation, &policy, now);
        read = serde_json::from_slice(&serde_json::to_vec(&other).unwrap()).unwrap();
        assert_eq!((&read, said), (&next, heard), "week {week}");
        kept = next;
    }
    assert_eq!(kept.point_count, 19);
}

#[test]
fn a_record_is_no_longer_than_it_is_estimated() {
    let policy = PolicyContent::default();
    let sized = |baseline: &MetricPoint| {
        let (monitor, _) =
            monitor(baseline, &policy).observe(baseline, &evaluation(day(7), baseline), &policy, day(7));
        (serde_json::to_vec(&monitor).unwrap().len(), monitor.estimated_bytes())
    };
    let wide = Bins::Numeric { edges: (0..255).map(|edge| f64::from(edge) * 1.234_567_890_123).collect() };
    let counts = vec![1_000_000_000; 256];
    let histogram =
        point(PointValue::Histogram(Histogram { bins: wide, counts, reference_counts: Vec::new() }));
    for baseline in [rate(5, 100), histogram] {
        let (bytes, estimated) = sized(&baseline);
        assert!(bytes <= estimated, "{bytes} > {estimated}");
    }
}

#[test]
fn too_little_data_takes_no_alarm_back() {
    let policy = PolicyContent::default();
    let week = |monitor: Monitor, at: u32, point: MetricPoint| {
        monitor.observe(&point, &evaluation(day(7 * at), &point), &policy, day(7 * at))
    };
    let (alarmed, news) = week(monitor(&rate(50, 1_000), &policy), 1, rate(300, 1_000));
    assert_eq!((alarmed.level, news), (Alarm, Some(News::Alarm)));
    let few = (2..6).fold(alarmed, |monitor, at| week(monitor, at, rate(0, 2)).0);
    assert_eq!((few.level, few.calm_count), (Alarm, 0));
    assert_eq!(few.verdict.as_ref().unwrap().level, NotEnoughData);
    let good = (6..9).fold(few, |monitor, at| week(monitor, at, rate(50, 1_000)).0);
    assert_eq!((good.level, good.raise_time), (Ok, None));
}
