//! Folding, as values in and values out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::domain::evaluation::point::{Moments, Plain, Rate};
use proptest::prelude::*;

const LEAST: u32 = 5;

fn of(slice: &[(&str, &str)], value: PointValue) -> MetricPoint {
    let slice = slice.iter().map(|(key, code)| ((*key).to_owned(), (*code).to_owned())).collect();
    MetricPoint { metric: "m".to_owned(), method: String::new(), direction: Default::default(), slice, value }
}

fn rate(k: i64, n: i64) -> PointValue {
    PointValue::Rate(Rate { k, n })
}

fn categorical(categories: &[&str], counts: &[i64], reference: &[i64]) -> Histogram {
    let categories = categories.iter().map(|&category| category.to_owned()).collect();
    let bins = Bins::Categorical { attribute: "region".to_owned(), categories };
    Histogram { bins, counts: counts.to_vec(), reference_counts: reference.to_vec() }
}

fn folded(histogram: Histogram) -> (Vec<String>, Vec<i64>, Vec<i64>, u32) {
    let Folded { mut points, cells } = fold(vec![of(&[], PointValue::Histogram(histogram))], LEAST).unwrap();
    let PointValue::Histogram(Histogram { bins, counts, reference_counts }) = points.remove(0).value else {
        panic!("a histogram stays one");
    };
    let categories = match bins {
        Bins::Categorical { categories, .. } => categories,
        Bins::Numeric { .. } => Vec::new(),
    };
    (categories, counts, reference_counts, cells)
}

#[test]
fn small_categories_go_into_other_and_the_categories_stay() {
    let (categories, counts, reference, cells) =
        folded(categorical(&["a", "b", "c", "d"], &[100, 4, 0, 1], &[5, 6, 2, 0]));
    assert_eq!(categories, ["a", "b", "c", "d", "OTHER"]);
    assert_eq!((counts, reference, cells), (vec![100, 0, 0, 0, 5], vec![5, 6, 0, 0, 2], 3));
}

#[test]
fn what_is_in_other_already_stays_there() {
    let (categories, counts, reference, cells) = folded(categorical(&["OTHER", "b"], &[2, 3], &[]));
    assert_eq!(categories, ["OTHER", "b"]);
    assert_eq!((counts, reference, cells), (vec![5, 0], vec![], 1));
    let untouched = categorical(&["OTHER", "b", "c"], &[2, 5, 0], &[]);
    assert_eq!(folded(untouched).3, 0);
}

#[test]
fn a_small_bin_of_a_number_is_counted_in_the_nearest_bin_that_is_not_empty() {
    let with = |counts: &[i64]| {
        let edges = (1..counts.len()).map(|edge| edge as f64).collect();
        let bins = Bins::Numeric { edges };
        let (_, counts, _, cells) =
            folded(Histogram { bins, counts: counts.to_vec(), reference_counts: Vec::new() });
        (counts, cells)
    };
    assert_eq!(with(&[10, 3, 20]), (vec![10, 0, 23], 1), "the fuller of two neighbours");
    assert_eq!(with(&[10, 0, 0, 2]), (vec![12, 0, 0, 0], 1), "over empty bins");
    assert_eq!(with(&[4, 4, 4, 0]), (vec![0, 12, 0, 0], 2), "small bins together");
    assert_eq!(with(&[0, 3, 0]), (vec![0, 3, 0], 0), "nothing to hide among");
    assert_eq!(with(&[5, 0, 5]), (vec![5, 0, 5], 0), "empty bins are not small");
}

#[test]
fn small_groups_become_one() {
    let group = |group: &str, tp, fp, tn, fn_| ConfusionCounts {
        group: group.to_owned(),
        true_positives: tp,
        false_positives: fp,
        true_negatives: tn,
        false_negatives: fn_,
    };
    let groups = vec![group("1", 1, 0, 0, 0), group("2", 9, 1, 1, 1), group("3", 0, 1, 2, 1)];
    let point = of(&[], PointValue::Confusion(Confusion { attribute: "RAC1P".to_owned(), groups }));
    let Folded { points, cells } = fold(vec![point], LEAST).unwrap();
    let PointValue::Confusion(confusion) = &points[0].value else { panic!("it stays a table") };
    assert_eq!(confusion.groups, [group("2", 9, 1, 1, 1), group("OTHER", 1, 1, 2, 1)]);
    assert_eq!(cells, 2);
}

#[test]
fn small_slices_are_added_up_in_other() {
    let points = vec![
        of(&[("region", "north")], rate(1, 4)),
        of(&[("region", "south")], rate(2, 5)),
        of(&[("region", "OTHER")], rate(7, 50)),
        of(&[("region", "west")], rate(0, 2)),
        of(&[], rate(1, 3)),
    ];
    let wanted = vec![
        of(&[("region", "OTHER")], rate(8, 56)),
        of(&[("region", "south")], rate(2, 5)),
        of(&[], rate(1, 3)),
    ];
    assert_eq!(fold(points, LEAST), Ok(Folded { points: wanted, cells: 2 }));
}

#[test]
fn moments_of_small_slices_are_those_of_all_their_rows() {
    let moments = |n, mean, m2, min, max| PointValue::Moments(Moments { n, mean, m2, min, max });
    let points = vec![
        of(&[("region", "north")], moments(2, 2.0, 2.0, 1.0, 3.0)),
        of(&[("region", "south")], moments(1, 8.0, 0.0, 8.0, 8.0)),
    ];
    let sum = of(&[("region", "OTHER")], moments(3, 4.0, 26.0, 1.0, 8.0));
    assert_eq!(fold(points, LEAST).unwrap().points, [sum]);
}

#[test]
fn two_small_slices_that_do_not_add_up_are_named() {
    let plain = |region| of(&[("region", region)], PointValue::Plain(Plain { value: 0.5, n: 2 }));
    let refused = fold(vec![plain("north"), plain("south")], LEAST).unwrap_err();
    assert_eq!(refused.metric, "m");
    assert!(fold(vec![plain("north")], LEAST).is_ok(), "one alone needs no sum");
}

#[test]
fn a_least_number_of_one_folds_nothing() {
    let points = vec![
        of(&[("region", "north")], rate(1, 1)),
        of(&[], PointValue::Histogram(categorical(&["a", "b"], &[1, 2], &[]))),
    ];
    assert_eq!(fold(points.clone(), 1), Ok(Folded { points, cells: 0 }));
}

proptest! {
    #[test]
    fn nobody_is_lost_and_folding_again_changes_nothing(
        counts in proptest::collection::vec(0i64..12, 2..20),
        numeric: bool,
        least in 1u32..9,
    ) {
        prop_assume!(counts.iter().any(|count| *count > 0));
        let bins = if numeric {
            Bins::Numeric { edges: (1..counts.len()).map(|edge| edge as f64).collect() }
        } else {
            let categories = (0..counts.len()).map(|code| format!("c{code}")).collect();
            Bins::Categorical { attribute: "c".to_owned(), categories }
        };
        let people: i64 = counts.iter().sum();
        let point = of(&[], PointValue::Histogram(Histogram { bins, counts, reference_counts: Vec::new() }));
        let once = fold(vec![point], least).unwrap().points;
        prop_assert_eq!(once[0].value.observations(), people);
        let PointValue::Histogram(histogram) = &once[0].value else { unreachable!() };
        let named = match &histogram.bins {
            Bins::Numeric { .. } => histogram.counts.len(),
            Bins::Categorical { categories, .. } => categories.iter().filter(|one| *one != OTHER).count(),
        };
        let small = histogram.counts[..named].iter().filter(|count| is_small(**count, i64::from(least)));
        let alone = histogram.counts.iter().filter(|count| **count > 0).count() == 1;
        prop_assert!(small.count() == 0 || (numeric && alone));
        prop_assert_eq!(fold(once.clone(), least), Ok(Folded { points: once, cells: 0 }));
    }
}
