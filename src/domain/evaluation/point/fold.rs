//! Folding: what is counted of very few people is not kept by itself.
//!
//! A slice, a category or a group of fewer observations than the policy's least
//! number goes into `OTHER` with all others of its kind. The bins of a number keep
//! their edges, so that they stay comparable with those frozen at the approval, and
//! the few observations of a small bin are counted in the nearest bin that is not
//! empty. Empty cells say nothing of anybody and stay. Totals never change.

mod sum;

use super::{Bins, Buckets, Confusion, ConfusionCounts, Histogram, MetricPoint, PointValue};
use crate::domain::version::dimension::OTHER;
use std::collections::{BTreeMap, btree_map::Entry};

/// Points after folding, and how many cells were folded.
#[derive(Debug, PartialEq)]
pub struct Folded {
    /// The points, in their order.
    pub points: Vec<MetricPoint>,
    /// Slices, categories, groups and bins.
    pub cells: u32,
}

/// Folds everything below `least` observations.
///
/// # Errors
/// The point that cannot be added to the others of `OTHER`.
pub fn fold(points: Vec<MetricPoint>, least: u32) -> Result<Folded, Box<MetricPoint>> {
    let least = i64::from(least);
    let mut cells = 0;
    let mut kept: Vec<MetricPoint> = Vec::with_capacity(points.len());
    let mut others = BTreeMap::new();
    for mut point in points {
        let is_small = !point.slice.is_empty() && point.value.observations() < least;
        if is_small && !is_other(&point) {
            point.slice.values_mut().for_each(|code| OTHER.clone_into(code));
            cells += 1;
        }
        if !is_other(&point) {
            kept.push(point);
            continue;
        }
        match others.entry((point.metric.clone(), point.method.clone(), point.slice.clone())) {
            Entry::Vacant(entry) => {
                entry.insert(kept.len());
                kept.push(point);
            }
            Entry::Occupied(entry) => {
                let sum: &mut MetricPoint = &mut kept[*entry.get()];
                match sum::of(&sum.value, &point.value) {
                    Some(value) => sum.value = value,
                    None => return Err(Box::new(point)),
                }
            }
        }
    }
    for point in &mut kept {
        cells += match &mut point.value {
            PointValue::Histogram(histogram) => fold_histogram(histogram, least),
            PointValue::Confusion(confusion) => fold_groups(confusion, least),
            _ => 0,
        };
    }
    Ok(Folded { points: kept, cells: u32::try_from(cells).unwrap_or(u32::MAX) })
}

/// Whether a point is that of everything without a slice of its own.
fn is_other(point: &MetricPoint) -> bool {
    !point.slice.is_empty() && point.slice.values().all(|code| code == OTHER)
}

impl PointValue {
    /// How many observations it rests on.
    pub fn observations(&self) -> i64 {
        match self {
            PointValue::Rate(rate) => rate.n,
            PointValue::Moments(moments) => moments.n,
            PointValue::Histogram(histogram) => total(&histogram.counts),
            PointValue::ExponentialHistogram(one) => in_buckets(one.zero_count, &one.positive, &one.negative),
            PointValue::Sketch(one) => in_buckets(one.zero_count, &one.positive, &one.negative),
            PointValue::Confusion(confusion) => {
                confusion.groups.iter().fold(0, |sum, group| sum.saturating_add(group.size()))
            }
            PointValue::Usage(usage) => usage.requests,
            PointValue::Plain(plain) => plain.n,
        }
    }
}

impl ConfusionCounts {
    /// How many people are in the group.
    pub fn size(&self) -> i64 {
        total(&[self.true_positives, self.false_positives, self.true_negatives, self.false_negatives])
    }
}

fn total(counts: &[i64]) -> i64 {
    counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

fn in_buckets(zero_count: i64, positive: &Buckets, negative: &Buckets) -> i64 {
    zero_count.saturating_add(total(&positive.counts)).saturating_add(total(&negative.counts))
}

fn is_small(count: i64, least: i64) -> bool {
    (1..least).contains(&count)
}

fn fold_histogram(histogram: &mut Histogram, least: i64) -> usize {
    let Histogram { bins, counts, reference_counts } = histogram;
    match bins {
        Bins::Numeric { .. } => fold_bins(counts, least) + fold_bins(reference_counts, least),
        Bins::Categorical { categories, .. } => {
            fold_categories(categories, [counts, reference_counts], least)
        }
    }
}

/// Each list of counts is folded by itself, so that the same data always become the
/// same counts, whatever stands beside them. The categories stay.
fn fold_categories(categories: &mut Vec<String>, lists: [&mut Vec<i64>; 2], least: i64) -> usize {
    let is_other: Vec<bool> = categories.iter().map(|category| category == OTHER).collect();
    let mut cells = 0;
    let mut moved = [0; 2];
    for (list, moved) in lists.iter().zip(&mut moved) {
        let small = list.iter().zip(&is_other).filter(|(count, other)| !**other && is_small(**count, least));
        let counts: Vec<i64> = small.map(|(count, _)| *count).collect();
        cells += counts.len();
        *moved = total(&counts);
    }
    if cells == 0 {
        return 0;
    }
    let other = is_other.iter().position(|is| *is).unwrap_or_else(|| {
        categories.push(OTHER.to_owned());
        categories.len() - 1
    });
    for (list, moved) in lists.into_iter().zip(moved).filter(|(list, _)| !list.is_empty()) {
        list.resize(categories.len(), 0);
        for (index, count) in list.iter_mut().enumerate() {
            if index == other {
                *count += moved;
            } else if is_small(*count, least) {
                *count = 0;
            }
        }
    }
    cells
}

/// Moves the content of the smallest bin to the nearest one that is not empty, to
/// the fuller of two that are as near, until no small bin is left beside another.
fn fold_bins(counts: &mut [i64], least: i64) -> usize {
    let mut cells = 0;
    loop {
        let small = counts.iter().enumerate().filter(|(_, count)| is_small(**count, least));
        let Some((index, count)) = small.min_by_key(|(_, count)| **count).map(|(i, c)| (i, *c)) else {
            return cells;
        };
        let full = |at: &usize| counts[*at] > 0;
        let below = (0..index).rev().find(full);
        let above = (index + 1..counts.len()).find(full);
        let nearest = [below, above].into_iter().flatten();
        let Some(target) = nearest.min_by_key(|at| (at.abs_diff(index), -counts[*at])) else {
            return cells;
        };
        counts[target] += count;
        counts[index] = 0;
        cells += 1;
    }
}

/// Small groups become one, at the end.
fn fold_groups(confusion: &mut Confusion, least: i64) -> usize {
    let is_folded = |group: &ConfusionCounts| group.group != OTHER && is_small(group.size(), least);
    let (small, mut kept): (Vec<_>, Vec<_>) = confusion.groups.drain(..).partition(is_folded);
    for group in &small {
        match kept.iter_mut().find(|other| other.group == OTHER) {
            Some(other) => *other = sum::of_groups(other, group),
            None => kept.push(ConfusionCounts { group: OTHER.to_owned(), ..group.clone() }),
        }
    }
    confusion.groups = kept;
    small.len()
}

#[cfg(test)]
mod tests;
