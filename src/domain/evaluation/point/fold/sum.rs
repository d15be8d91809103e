//! Two measurements of different people as one of both.

use crate::domain::{
    evaluation::point::{Confusion, ConfusionCounts, Histogram, Moments, PointValue, Rate},
    statistics::{confusion, moments, usage},
};

/// The sum, for types and bins that add up exactly. Two plain values do not, and
/// sketches are merged only by who still has the data.
pub fn of(one: &PointValue, two: &PointValue) -> Option<PointValue> {
    match (one, two) {
        (PointValue::Rate(a), PointValue::Rate(b)) => {
            Some(PointValue::Rate(Rate { k: plus(a.k, b.k), n: plus(a.n, b.n) }))
        }
        (PointValue::Moments(a), PointValue::Moments(b)) => of_moments(*a, *b).map(PointValue::Moments),
        (PointValue::Histogram(a), PointValue::Histogram(b)) => {
            of_histograms(a, b).map(PointValue::Histogram)
        }
        (PointValue::Confusion(a), PointValue::Confusion(b)) => {
            of_confusions(a, b).map(PointValue::Confusion)
        }
        (PointValue::Usage(a), PointValue::Usage(b)) => usage::sum(a, b).map(PointValue::Usage),
        _ => None,
    }
}

fn plus(a: i64, b: i64) -> i64 {
    a.saturating_add(b)
}

fn each(a: &[i64], b: &[i64]) -> Vec<i64> {
    a.iter().zip(b).map(|(a, b)| plus(*a, *b)).collect()
}

fn of_moments(a: Moments, b: Moments) -> Option<Moments> {
    let both = moments::Moments::try_from(a).ok()?.merge(&moments::Moments::try_from(b).ok()?).ok()?;
    let (min, max) = both.range();
    Some(Moments { n: i64::try_from(both.n()).ok()?, mean: both.mean(), m2: both.m2(), min, max })
}

fn of_histograms(a: &Histogram, b: &Histogram) -> Option<Histogram> {
    let same = a.bins == b.bins && a.reference_counts.is_empty() == b.reference_counts.is_empty();
    same.then(|| Histogram {
        bins: a.bins.clone(),
        counts: each(&a.counts, &b.counts),
        reference_counts: each(&a.reference_counts, &b.reference_counts),
    })
}

fn of_confusions(a: &Confusion, b: &Confusion) -> Option<Confusion> {
    if a.attribute != b.attribute {
        return None;
    }
    let mut groups = a.groups.clone();
    for group in &b.groups {
        match groups.iter_mut().find(|other| other.group == group.group) {
            Some(other) => *other = of_groups(other, group),
            None => groups.push(group.clone()),
        }
    }
    Some(Confusion { attribute: a.attribute.clone(), groups })
}

/// Both groups under the name of the first.
pub fn of_groups(a: &ConfusionCounts, b: &ConfusionCounts) -> ConfusionCounts {
    confusion::Confusion::from(a).merge(&b.into()).of_group(&a.group)
}
