//! Gates: what passes, what fails, and what a failure says to do.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    evaluation::{
        EvaluationContent, Evaluator,
        point::{Direction, Moments, Plain, Rate},
    },
    lifecycle::fixture::{day, name},
};
use Requirement::*;

fn gate(requirement: Requirement) -> Gate {
    Gate {
        id: "g".into(),
        metric: "recall".into(),
        method: String::new(),
        slice: BTreeMap::new(),
        requirement,
        minimum_n: 0,
        max_age_days: 0,
        confidence: 0.0,
    }
}

fn rate(k: i64, n: i64) -> PointValue {
    PointValue::Rate(Rate { k, n })
}

fn moments(n: i64, mean: f64, m2: f64) -> PointValue {
    PointValue::Moments(Moments { n, mean, m2, min: mean, max: mean })
}

/// An evaluation of a version whose window ends on a day.
fn evaluation(number: u32, days: u32, value: PointValue) -> Evaluation {
    let point = MetricPoint {
        metric: "recall".into(),
        method: String::new(),
        direction: Direction::HigherIsBetter,
        slice: BTreeMap::new(),
        value,
    };
    let content = EvaluationContent {
        window_start_time: day(days).minus_days(1),
        window_end_time: day(days),
        dataset: None,
        evaluator: Evaluator::default(),
        points: vec![point],
        note: String::new(),
    };
    let name = format!("{}/evaluations/e{days}", name(number)).parse().unwrap();
    Evaluation { name, content, create_time: day(days), recorder: "ann".into(), folded_cells: 0 }
}

/// What a gate finds on day 100 for version 1, whose evidence counts for 90 days.
fn decide(gate: &Gate, found: &[Evaluation], production: Option<&[Evaluation]>) -> GateResult {
    let (version, other) = (name(1), name(2));
    let candidate = Evidence { version: &version, evaluations: found };
    let production = production.map(|evaluations| Evidence { version: &other, evaluations });
    gate.decide(candidate, production, 90, day(100))
}

#[test]
fn a_threshold_is_met_from_either_side_and_the_threshold_itself_passes() {
    for (requirement, k, passes) in [
        (AtLeast(0.9), 90, true),
        (AtLeast(0.9), 89, false),
        (AtMost(0.1), 10, true),
        (AtMost(0.1), 11, false),
    ] {
        let result = decide(&gate(requirement), &[evaluation(1, 99, rate(k, 100))], None);
        assert_eq!(result.passed, passes, "{requirement:?} {k}: {}", result.sentence);
        assert_eq!(result.bound, Some(k as f64 / 100.0));
        assert_eq!(result.measured.unwrap().n, 100);
    }
}

#[test]
fn with_a_confidence_the_worse_end_has_to_pass_and_not_the_estimate() {
    let certain = |requirement| Gate { confidence: 0.95, ..gate(requirement) };
    // Wilson for 95 of 100: 0.8882 to 0.9785.
    for (requirement, passes) in
        [(AtLeast(0.888), true), (AtLeast(0.889), false), (AtMost(0.979), true), (AtMost(0.978), false)]
    {
        let result = decide(&certain(requirement), &[evaluation(1, 99, rate(95, 100))], None);
        assert_eq!(result.passed, passes, "{requirement:?}: {}", result.sentence);
        assert!(result.sentence.contains("95 % confidence"), "{}", result.sentence);
    }
}

#[test]
fn missing_evidence_names_the_evaluation_to_record() {
    let mut wanted = gate(AtLeast(0.9));
    wanted.method = "macro".into();
    wanted.slice = BTreeMap::from([("lang".to_owned(), "de".to_owned())]);
    let result = decide(&wanted, &[evaluation(1, 99, rate(95, 100))], None);
    assert!(!result.passed && result.measured.is_none());
    let sentence = "nothing is known of recall by macro for lang de: record an evaluation of \
                    namespaces/default/models/m/versions/1 with it";
    assert_eq!(result.sentence, sentence);
}

#[test]
fn evidence_is_too_old_a_microsecond_after_its_age_of_the_gate_or_the_policy() {
    let at = |gate: &Gate, days| decide(gate, &[evaluation(1, days, rate(95, 100))], None);
    assert!(at(&gate(AtLeast(0.9)), 10).passed);
    let late = at(&gate(AtLeast(0.9)), 9);
    assert!(!late.passed && late.sentence.contains("older than 90 days"), "{}", late.sentence);
    let strict = Gate { max_age_days: 30, ..gate(AtLeast(0.9)) };
    assert!(at(&strict, 70).passed && !at(&strict, 69).passed);
    // A window that ends in the future makes it no fresher than its recording.
    let mut dreamt = evaluation(1, 9, rate(95, 100));
    dreamt.content.window_end_time = day(500);
    assert!(!decide(&gate(AtLeast(0.9)), &[dreamt], None).passed);
}

#[test]
fn a_small_sample_is_not_enough() {
    let large = Gate { minimum_n: 100, ..gate(AtLeast(0.9)) };
    assert!(decide(&large, &[evaluation(1, 99, rate(95, 100))], None).passed);
    let small = decide(&large, &[evaluation(1, 99, rate(95, 99))], None);
    assert!(!small.passed && small.sentence.contains("99 observations"), "{}", small.sentence);
}

#[test]
fn what_has_no_interval_does_not_pass_with_confidence() {
    let certain = Gate { confidence: 0.95, ..gate(AtLeast(0.0)) };
    let plain = PointValue::Plain(Plain { value: 0.99, n: 1_000 });
    let result = decide(&certain, &[evaluation(1, 99, plain)], None);
    assert!(!result.passed && result.sentence.contains("plain number"), "{}", result.sentence);
    let result = decide(&certain, &[evaluation(1, 99, moments(1, 0.99, 0.0))], None);
    assert!(!result.passed && result.sentence.contains("one observation"), "{}", result.sentence);
    // It can be written down: no number in it is infinite.
    assert_eq!(result.bound, None);
    assert!(crate::domain::canonical::to_vec(&result).is_ok());
}

#[test]
fn no_worse_than_production_allows_the_margin_itself_in_spite_of_rounding() {
    let production = [evaluation(2, 99, rate(80, 100))];
    for (k, passes) in [(75, true), (74, false), (95, true)] {
        let mine = [evaluation(1, 99, rate(k, 100))];
        let result = decide(&gate(NotBelowProductionBy(0.05)), &mine, Some(&production));
        assert_eq!(result.passed, passes, "{}", result.sentence);
        assert_eq!(result.production.unwrap().n, 100);
    }
    for (k, passes) in [(85, true), (86, false), (10, true)] {
        let mine = [evaluation(1, 99, rate(k, 100))];
        let result = decide(&gate(NotAboveProductionBy(0.05)), &mine, Some(&production));
        assert_eq!(result.passed, passes, "{}", result.sentence);
    }
}

#[test]
fn a_comparison_with_confidence_fails_on_too_little_data() {
    let gate = Gate { confidence: 0.9, ..gate(NotBelowProductionBy(0.05)) };
    let compare = |n| {
        let (mine, theirs) =
            ([evaluation(1, 99, rate(n * 9 / 10, n))], [evaluation(2, 99, rate(n * 9 / 10, n))]);
        decide(&gate, &mine, Some(&theirs)).passed
    };
    assert!(compare(1_000) && !compare(100));
}

#[test]
fn a_comparison_needs_the_same_kind_of_measurement_and_evidence_of_production() {
    let gate = gate(NotBelowProductionBy(0.05));
    let mine = [evaluation(1, 99, rate(90, 100))];
    let unlike = decide(&gate, &mine, Some(&[evaluation(2, 99, moments(10, 0.9, 0.1))]));
    assert!(!unlike.passed && unlike.sentence.contains("different ways"), "{}", unlike.sentence);
    let unknown = decide(&gate, &mine, Some(&[]));
    assert!(!unknown.passed && unknown.sentence.contains("versions/2"), "{}", unknown.sentence);
    assert!(decide(&gate, &mine, None).passed);
}

#[test]
fn a_gate_is_checked_for_numbers_that_mean_nothing() {
    let faults = |gate: Gate| {
        let mut violations = Violations::new();
        gate.check(&mut violations);
        violations.list().iter().map(|violation| violation.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(faults(gate(AtLeast(0.9))), [""; 0]);
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(faults(gate(AtLeast(number))), ["requirement"]);
        assert_eq!(faults(Gate { confidence: number, ..gate(AtLeast(0.9)) }), ["confidence"]);
    }
    assert_eq!(faults(gate(NotAboveProductionBy(-0.1))), ["requirement"]);
    for confidence in [0.49, 1.0, -0.95] {
        assert_eq!(faults(Gate { confidence, ..gate(AtLeast(0.9)) }), ["confidence"]);
    }
    assert_eq!(faults(Gate { minimum_n: -1, max_age_days: 3_651, ..gate(AtLeast(0.9)) }).len(), 2);
    assert_eq!(
        faults(Gate { id: String::new(), metric: "a b".into(), ..gate(AtLeast(0.9)) }),
        ["id", "metric"]
    );
}
