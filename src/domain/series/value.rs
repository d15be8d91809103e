//! Measurements that can be merged.

use crate::domain::{
    evaluation::point::{self, Confusion, Histogram, PointValue},
    statistics::{
        InputError, MAX_COUNT,
        counts::Counts,
        moments::Moments,
        quantile::{Quantile, Sketch},
        rate::Proportion,
        usage::Usage,
    },
};
use std::collections::BTreeMap;

/// The quantiles that are shown of a sketch.
const PROBABILITIES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// Confusion counts of a group, all windows together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Predicted positive, truly positive.
    pub true_positives: u64,
    /// Predicted positive, truly negative.
    pub false_positives: u64,
    /// Predicted negative, truly negative.
    pub true_negatives: u64,
    /// Predicted negative, truly positive.
    pub false_negatives: u64,
}

impl GroupCounts {
    /// Observations.
    pub fn n(&self) -> u64 {
        [self.false_positives, self.true_negatives, self.false_negatives]
            .iter()
            .fold(self.true_positives, |sum, count| sum.saturating_add(*count))
    }

    /// The share of positive predictions.
    pub fn selection(&self) -> Option<Proportion> {
        Proportion::new(self.true_positives.saturating_add(self.false_positives), self.n()).ok()
    }

    /// The share of positive predictions among the truly positive.
    pub fn true_positive(&self) -> Option<Proportion> {
        let positives = self.true_positives.saturating_add(self.false_negatives);
        Proportion::new(self.true_positives, positives).ok()
    }

    /// The share of positive predictions among the truly negative.
    pub fn false_positive(&self) -> Option<Proportion> {
        let negatives = self.false_positives.saturating_add(self.true_negatives);
        Proportion::new(self.false_positives, negatives).ok()
    }

    /// The share of right predictions.
    pub fn accuracy(&self) -> Option<Proportion> {
        Proportion::new(self.true_positives.saturating_add(self.true_negatives), self.n()).ok()
    }

    fn add(&mut self, other: &GroupCounts) {
        self.true_positives = self.true_positives.saturating_add(other.true_positives);
        self.false_positives = self.false_positives.saturating_add(other.false_positives);
        self.true_negatives = self.true_negatives.saturating_add(other.true_negatives);
        self.false_negatives = self.false_negatives.saturating_add(other.false_negatives);
    }
}

/// One measurement, or several as one.
#[derive(Clone, Debug, PartialEq)]
pub enum Merged {
    /// k of n.
    Rate(Proportion),
    /// Count, mean and spread.
    Moments(Moments),
    /// Counts in fixed bins.
    Histogram {
        /// What was measured.
        counts: Counts,
        /// The reference, where all windows have the same.
        reference: Option<Counts>,
    },
    /// Counts in growing bins.
    Sketch {
        /// The counts.
        sketch: Sketch,
        /// The sum of all observations.
        sum: f64,
    },
    /// Confusion counts by group.
    Confusion(BTreeMap<String, GroupCounts>),
    /// Tokens, requests and money.
    Usage {
        /// What was counted.
        counted: point::Usage,
        /// The same, for what follows from it.
        usage: Usage,
    },
    /// A number of the caller's: nobody knows how to merge it, so the newest one stands, with
    /// the range of all.
    Plain {
        /// The newest.
        value: f64,
        /// Observations behind it.
        n: u64,
        /// The smallest of all.
        lowest: f64,
        /// The largest of all.
        highest: f64,
    },
}

impl Merged {
    /// A measurement as statistics know it.
    pub fn of(value: &PointValue) -> Result<Self, InputError> {
        Ok(match value {
            PointValue::Rate(rate) => Merged::Rate((*rate).try_into()?),
            PointValue::Moments(moments) => Merged::Moments((*moments).try_into()?),
            PointValue::Histogram(histogram) => of_histogram(histogram)?,
            PointValue::ExponentialHistogram(histogram) => {
                Merged::Sketch { sketch: histogram.try_into()?, sum: histogram.sum }
            }
            PointValue::Sketch(sketch) => Merged::Sketch { sketch: sketch.try_into()?, sum: sketch.sum },
            PointValue::Confusion(confusion) => of_confusion(confusion)?,
            PointValue::Usage(counted) => {
                Merged::Usage { usage: counted.try_into()?, counted: counted.clone() }
            }
            PointValue::Plain(plain) => {
                let (value, n) = (plain.value, count(plain.n));
                Merged::Plain { value, n, lowest: value, highest: value }
            }
        })
    }

    /// Both as one, `next` being the later; `None` if they are of different kinds or too much
    /// to be counted together.
    pub fn merge(&self, next: &Merged) -> Option<Merged> {
        Some(match (self, next) {
            (Merged::Rate(a), Merged::Rate(b)) => Merged::Rate(a.merge(b).ok()?),
            (Merged::Moments(a), Merged::Moments(b)) => Merged::Moments(a.merge(b).ok()?),
            (
                Merged::Histogram { counts: a, reference: of_a },
                Merged::Histogram { counts: b, reference: of_b },
            ) => {
                let reference = of_a.as_ref().filter(|_| of_a == of_b).cloned();
                Merged::Histogram { counts: a.merge(b).ok()?, reference }
            }
            (Merged::Sketch { sketch: a, sum: x }, Merged::Sketch { sketch: b, sum: y }) => {
                Merged::Sketch { sketch: a.merge(b).ok()?, sum: x + y }
            }
            (Merged::Confusion(a), Merged::Confusion(b)) => Merged::Confusion(both(a, b)?),
            (Merged::Usage { counted: a, usage: x }, Merged::Usage { counted: b, usage: y }) => {
                Merged::Usage { usage: x.merge(y).ok()?, counted: sum(a, b) }
            }
            (
                Merged::Plain { lowest, highest, .. },
                Merged::Plain { value, n, lowest: low, highest: high },
            ) => {
                Merged::Plain { value: *value, n: *n, lowest: lowest.min(*low), highest: highest.max(*high) }
            }
            _ => return None,
        })
    }

    /// Observations.
    pub fn n(&self) -> u64 {
        match self {
            Merged::Rate(rate) => rate.n(),
            Merged::Moments(moments) => moments.n(),
            Merged::Histogram { counts, .. } => counts.total(),
            Merged::Sketch { sketch, .. } => sketch.n(),
            Merged::Confusion(groups) => total(groups),
            Merged::Usage { counted, .. } => count(counted.requests),
            Merged::Plain { n, .. } => *n,
        }
    }

    /// How many numbers are shown of it, roughly.
    pub fn size(&self) -> usize {
        match self {
            Merged::Histogram { counts, .. } => counts.bins().len(),
            Merged::Confusion(groups) => 12 * groups.len(),
            _ => 8,
        }
    }
}

/// The quantiles that are shown of a sketch, each with its probability.
pub fn quantiles(sketch: &Sketch) -> impl Iterator<Item = (f64, Quantile)> + '_ {
    PROBABILITIES.iter().filter_map(|q| Some((*q, sketch.quantile(*q).ok()?)))
}

/// Statistics hold these sums, so they cannot overflow.
fn sum(a: &point::Usage, b: &point::Usage) -> point::Usage {
    point::Usage {
        requests: a.requests + b.requests,
        input_tokens: a.input_tokens + b.input_tokens,
        output_tokens: a.output_tokens + b.output_tokens,
        cost_micros: a.cost_micros + b.cost_micros,
        outcomes: a.outcomes + b.outcomes,
        currency: if a.currency.is_empty() { b.currency.clone() } else { a.currency.clone() },
    }
}

fn of_histogram(histogram: &Histogram) -> Result<Merged, InputError> {
    let counts = |counts: &[i64]| Counts::new(counts.iter().map(|n| count(*n)).collect());
    let reference = match histogram.reference_counts.as_slice() {
        [] => None,
        reference => Some(counts(reference)?),
    };
    Ok(Merged::Histogram { counts: counts(&histogram.counts)?, reference })
}

fn of_confusion(confusion: &Confusion) -> Result<Merged, InputError> {
    let mut groups: BTreeMap<String, GroupCounts> = BTreeMap::new();
    for group in &confusion.groups {
        let counts = GroupCounts {
            true_positives: count(group.true_positives),
            false_positives: count(group.false_positives),
            true_negatives: count(group.true_negatives),
            false_negatives: count(group.false_negatives),
        };
        groups.entry(group.group.clone()).or_default().add(&counts);
    }
    if total(&groups) > MAX_COUNT { Err(InputError::TooMany) } else { Ok(Merged::Confusion(groups)) }
}

fn both(
    a: &BTreeMap<String, GroupCounts>,
    b: &BTreeMap<String, GroupCounts>,
) -> Option<BTreeMap<String, GroupCounts>> {
    let mut both = a.clone();
    for (group, counts) in b {
        both.entry(group.clone()).or_default().add(counts);
    }
    (total(&both) <= MAX_COUNT).then_some(both)
}

fn total(groups: &BTreeMap<String, GroupCounts>) -> u64 {
    groups.values().fold(0, |sum, counts| sum.saturating_add(counts.n()))
}

/// A count of a point, which is not negative.
fn count(count: i64) -> u64 {
    count.max(0).unsigned_abs()
}
