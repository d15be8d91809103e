//! Folding: whatever is measured, nobody is lost, no named cell is too small, and folding
//! again changes nothing.

use super::choice::chance;
use arbitrary::{Result, Unstructured};
use std::collections::BTreeMap;
use steward_registry::domain::{
    evaluation::point::{
        Bins, Confusion, ConfusionCounts, Direction, Histogram, MetricPoint, Moments, Plain, PointValue,
        Rate, Usage,
        fold::{Folded, fold},
    },
    version::dimension::OTHER,
};

const CODES: [&str; 4] = ["north", "south", "west", OTHER];
const MOST_POINTS: usize = 8;

/// Draws an evaluation's points and the least number.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok((points, least)) = drawn(&mut u) else { return };
    let before = totals(&points);
    match fold(points.clone(), least) {
        Err(refused) => {
            assert!(!refused.slice.is_empty(), "only what would be OTHER cannot be added: {refused:?}");
            assert!(points.iter().any(|point| point.metric == refused.metric));
        }
        Ok(Folded { points, .. }) => {
            assert_eq!(totals(&points), before, "{points:?}");
            points.iter().for_each(|point| nothing_small(point, i64::from(least)));
            assert_eq!(fold(points.clone(), least), Ok(Folded { points, cells: 0 }));
        }
    }
}

fn drawn(u: &mut Unstructured<'_>) -> Result<(Vec<MetricPoint>, u32)> {
    let least = u.int_in_range(1..=9)?;
    let mut points = Vec::new();
    while points.len() < MOST_POINTS && !u.is_empty() {
        let mut slice = BTreeMap::new();
        for key in ["region", "channel"] {
            if chance(u, 1, 2)? {
                slice.insert(key.to_owned(), (*u.choose(&CODES)?).to_owned());
            }
        }
        let metric = (*u.choose(&["a", "b"])?).to_owned();
        let value = value(u)?;
        points.push(MetricPoint {
            metric,
            method: String::new(),
            direction: Direction::Unspecified,
            slice,
            value,
        });
    }
    Ok((points, least))
}

/// Small numbers mostly, so that much is to be folded.
fn count(u: &mut Unstructured<'_>) -> Result<i64> {
    if chance(u, 1, 8)? { u.int_in_range(0..=1 << 40) } else { u.int_in_range(0..=12) }
}

fn counts(u: &mut Unstructured<'_>, bins: usize) -> Result<Vec<i64>> {
    (0..bins).map(|_| count(u)).collect()
}

fn value(u: &mut Unstructured<'_>) -> Result<PointValue> {
    Ok(match u.int_in_range(0..=5)? {
        0 => {
            let n = count(u)?.max(1);
            PointValue::Rate(Rate { k: u.int_in_range(0..=n)?, n })
        }
        1 => {
            let (mean, n) = (f64::from(u.arbitrary::<i16>()?), count(u)?.max(1));
            PointValue::Moments(Moments { n, mean, m2: 0.0, min: mean, max: mean })
        }
        2 => histogram(u)?,
        3 => {
            let mut groups = Vec::new();
            for group in CODES {
                if chance(u, 3, 4)? {
                    groups.push(confusion(u, group)?);
                }
            }
            PointValue::Confusion(Confusion { attribute: "region".to_owned(), groups })
        }
        4 => PointValue::Usage(Usage {
            requests: count(u)?.max(1),
            input_tokens: count(u)?,
            output_tokens: count(u)?,
            cost_micros: count(u)?,
            outcomes: count(u)?,
            currency: (*u.choose(&["", "EUR", "USD"])?).to_owned(),
        }),
        _ => PointValue::Plain(Plain { value: 0.5, n: count(u)?.max(1) }),
    })
}

fn histogram(u: &mut Unstructured<'_>) -> Result<PointValue> {
    let size = u.int_in_range(2..=CODES.len())?;
    let bins = match u.arbitrary()? {
        true => Bins::Numeric { edges: (1..size).map(|edge| edge as f64).collect() },
        false => Bins::Categorical {
            attribute: "region".to_owned(),
            categories: CODES[..size].iter().map(|&code| code.to_owned()).collect(),
        },
    };
    let reference_counts = if u.arbitrary()? { counts(u, size)? } else { Vec::new() };
    Ok(PointValue::Histogram(Histogram { bins, counts: counts(u, size)?, reference_counts }))
}

fn confusion(u: &mut Unstructured<'_>, group: &str) -> Result<ConfusionCounts> {
    let counts = counts(u, 4)?;
    Ok(ConfusionCounts {
        group: group.to_owned(),
        true_positives: counts[0],
        false_positives: counts[1],
        true_negatives: counts[2],
        false_negatives: counts[3],
    })
}

/// All that is counted of each metric, column by column.
fn totals(points: &[MetricPoint]) -> BTreeMap<(&str, &str, usize), i64> {
    let mut totals = BTreeMap::new();
    for point in points {
        let (kind, columns) = match &point.value {
            PointValue::Rate(rate) => ("rate", vec![rate.k, rate.n]),
            PointValue::Moments(moments) => ("moments", vec![moments.n]),
            PointValue::Histogram(one) => {
                ("histogram", vec![one.counts.iter().sum(), one.reference_counts.iter().sum()])
            }
            PointValue::Confusion(confusion) => {
                let sum = |of: fn(&ConfusionCounts) -> i64| confusion.groups.iter().map(of).sum();
                let (tp, fp) = (sum(|one| one.true_positives), sum(|one| one.false_positives));
                ("confusion", vec![tp, fp, sum(|one| one.true_negatives), sum(|one| one.false_negatives)])
            }
            PointValue::Usage(one) => (
                "usage",
                vec![one.requests, one.input_tokens, one.output_tokens, one.cost_micros, one.outcomes],
            ),
            other => ("other", vec![other.observations()]),
        };
        for (column, sum) in columns.into_iter().enumerate() {
            *totals.entry((point.metric.as_str(), kind, column)).or_default() += sum;
        }
    }
    totals
}

/// No slice, category, group or bin is of a few.
fn nothing_small(point: &MetricPoint, least: i64) {
    let is_small = |count: i64| (1..least).contains(&count);
    let has_a_name = point.slice.values().any(|code| code != OTHER);
    assert!(!has_a_name || !is_small(point.value.observations()), "{point:?}");
    match &point.value {
        PointValue::Histogram(Histogram {
            bins: Bins::Categorical { categories, .. },
            counts,
            reference_counts,
        }) => {
            for counts in [counts, reference_counts] {
                let mut named = categories.iter().zip(counts).filter(|(code, _)| *code != OTHER);
                assert!(!named.any(|(_, count)| is_small(*count)), "{point:?}");
            }
        }
        PointValue::Histogram(Histogram { counts, reference_counts, .. }) => {
            for counts in [counts, reference_counts] {
                let is_alone = counts.iter().filter(|count| **count > 0).count() < 2;
                assert!(is_alone || !counts.iter().any(|count| is_small(*count)), "{point:?}");
            }
        }
        PointValue::Confusion(confusion) => {
            let small = |group: &&ConfusionCounts| group.group != OTHER && is_small(group.size());
            assert_eq!(confusion.groups.iter().find(small), None);
        }
        _ => {}
    }
}
