//! Measurements that can be merged.

use crate::domain::{
    evaluation::point::{self, Histogram, PointValue},
    statistics::{
        InputError, MAX_COUNT,
        confusion::Confusion,
        counts::Counts,
        moments::Moments,
        quantile::{Quantile, Sketch},
        rate::Proportion,
        usage::{self, Usage},
    },
};
use std::collections::BTreeMap;

/// The quantiles that are shown of a sketch.
const PROBABILITIES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

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
    Confusion(BTreeMap<String, Confusion>),
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

    /// The same in at least so many bins; what is not a histogram has none.
    #[must_use]
    pub fn widened(self, bins: usize) -> Merged {
        match self {
            Merged::Histogram { counts, reference } => {
                let reference = reference.map(|reference| reference.widened(bins));
                Merged::Histogram { counts: counts.widened(bins), reference }
            }
            other => other,
        }
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
            (Merged::Usage { counted: a, .. }, Merged::Usage { counted: b, .. }) => {
                let counted = usage::sum(a, b)?;
                Merged::Usage { usage: (&counted).try_into().ok()?, counted }
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

fn of_histogram(histogram: &Histogram) -> Result<Merged, InputError> {
    let counts = |counts: &[i64]| Counts::new(counts.iter().map(|n| count(*n)).collect());
    let reference = match histogram.reference_counts.as_slice() {
        [] => None,
        reference => Some(counts(reference)?),
    };
    Ok(Merged::Histogram { counts: counts(&histogram.counts)?, reference })
}

fn of_confusion(confusion: &point::Confusion) -> Result<Merged, InputError> {
    let groups = confusion.groups.iter().map(|group| (group.group.clone(), Confusion::from(group)));
    let groups: BTreeMap<String, Confusion> = groups.collect();
    if total(&groups) > MAX_COUNT { Err(InputError::TooMany) } else { Ok(Merged::Confusion(groups)) }
}

fn both(
    a: &BTreeMap<String, Confusion>,
    b: &BTreeMap<String, Confusion>,
) -> Option<BTreeMap<String, Confusion>> {
    let mut both = a.clone();
    for (group, counts) in b {
        let sum = both.entry(group.clone()).or_default();
        *sum = sum.merge(counts);
    }
    (total(&both) <= MAX_COUNT).then_some(both)
}

fn total(groups: &BTreeMap<String, Confusion>) -> u64 {
    groups.values().fold(0, |sum, counts| sum.saturating_add(counts.total()))
}

/// A count of a point, which is not negative.
fn count(count: i64) -> u64 {
    count.max(0).unsigned_abs()
}
