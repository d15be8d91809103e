//! Measurements: typed aggregates from which statistics follow. No type can
//! carry a row, a prompt or an answer.

pub mod fold;
mod rules;

use crate::domain::version::dimension::OTHER;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which way a metric gets better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Not known.
    #[default]
    #[serde(rename = "DIRECTION_UNSPECIFIED")]
    Unspecified,
    /// More is better.
    #[serde(rename = "DIRECTION_HIGHER_IS_BETTER")]
    HigherIsBetter,
    /// Less is better.
    #[serde(rename = "DIRECTION_LOWER_IS_BETTER")]
    LowerIsBetter,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// What was measured.
    pub metric: String,
    /// The variant of the method.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Which way it gets better.
    #[serde(default)]
    pub direction: Direction,
    /// The part of the data, as codes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slice: BTreeMap<String, String>,
    /// The measurement.
    #[serde(flatten)]
    pub value: PointValue,
}

/// The measurement itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointValue {
    /// k of n.
    Rate(Rate),
    /// Count, mean and spread.
    Moments(Moments),
    /// Counts in fixed bins.
    Histogram(Histogram),
    /// Counts in exponentially growing bins.
    ExponentialHistogram(ExponentialHistogram),
    /// A DDSketch.
    Sketch(Sketch),
    /// Confusion counts by group.
    Confusion(Confusion),
    /// Tokens, requests and money.
    Usage(Usage),
    /// A number computed by the caller.
    Plain(Plain),
}

/// The kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// k of n.
    Rate,
    /// Count, mean and spread.
    Moments,
    /// Counts in fixed bins.
    Histogram,
    /// Counts in exponentially growing bins.
    ExponentialHistogram,
    /// A DDSketch.
    Sketch,
    /// Confusion counts by group.
    Confusion,
    /// Tokens, requests and money.
    Usage,
    /// A number computed by the caller.
    Plain,
}

impl Kind {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Rate => "a rate",
            Kind::Moments => "a mean with its spread",
            Kind::Histogram => "a histogram",
            Kind::ExponentialHistogram => "an exponential histogram",
            Kind::Sketch => "a sketch",
            Kind::Confusion => "confusion counts",
            Kind::Usage => "usage",
            Kind::Plain => "a plain value",
        }
    }
}

impl PointValue {
    /// The kind of the measurement.
    pub fn kind(&self) -> Kind {
        match self {
            PointValue::Rate(_) => Kind::Rate,
            PointValue::Moments(_) => Kind::Moments,
            PointValue::Histogram(_) => Kind::Histogram,
            PointValue::ExponentialHistogram(_) => Kind::ExponentialHistogram,
            PointValue::Sketch(_) => Kind::Sketch,
            PointValue::Confusion(_) => Kind::Confusion,
            PointValue::Usage(_) => Kind::Usage,
            PointValue::Plain(_) => Kind::Plain,
        }
    }
}

/// k of n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How often it happened.
    pub k: i64,
    /// How often it could have happened.
    pub n: i64,
}

/// Count, mean and spread of a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Observations.
    pub n: i64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sum of squared differences from the mean.
    pub m2: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

/// Counts in fixed bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// What the bins are.
    #[serde(flatten)]
    pub bins: Bins,
    /// Observations in each.
    pub counts: Vec<i64>,
    /// Observations of the reference in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_counts: Vec<i64>,
}

/// What the bins of a histogram are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// Below the first edge, between neighbours, from the last edge on.
    Numeric {
        /// Strictly increasing.
        edges: Vec<f64>,
    },
    /// One for each code.
    Categorical {
        /// What the codes are of.
        #[serde(default)]
        attribute: String,
        /// Distinct.
        categories: Vec<String>,
    },
}

impl Bins {
    /// The bins of two histograms that compare: the same, or the same but for an `OTHER` at
    /// the end. Folding adds that only where it folded something, so without it nothing was
    /// `OTHER`.
    pub fn joined<'a>(&'a self, other: &'a Bins) -> Option<&'a Bins> {
        let (short, long) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        let fits = match (short, long) {
            _ if short == long => true,
            (
                Bins::Categorical { attribute: a, categories: less },
                Bins::Categorical { attribute: b, categories: more },
            ) => a == b && more.split_last().is_some_and(|(last, rest)| last == OTHER && rest == less),
            _ => false,
        };
        fits.then_some(long)
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        match self {
            Bins::Numeric { edges } => edges.len() + 1,
            Bins::Categorical { categories, .. } => categories.len(),
        }
    }

    /// About how many bytes they fill in a record.
    pub fn estimated_bytes(&self) -> usize {
        match self {
            Bins::Numeric { edges } => 20 * edges.len(),
            Bins::Categorical { categories, .. } => categories.iter().map(|code| code.len() + 3).sum(),
        }
    }
}

/// Consecutive bins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// Index of the first.
    pub offset: i32,
    /// Observations in each.
    #[serde(default)]
    pub counts: Vec<i64>,
}

/// Counts in exponentially growing bins, as OpenTelemetry defines them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExponentialHistogram {
    /// Resolution.
    pub scale: i32,
    /// Observations that count as zero.
    pub zero_count: i64,
    /// Width of the zero bin.
    #[serde(default)]
    pub zero_threshold: f64,
    /// Positive values.
    #[serde(default)]
    pub positive: Buckets,
    /// Negative values.
    #[serde(default)]
    pub negative: Buckets,
    /// Sum of all.
    pub sum: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

/// A DDSketch with logarithmic mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    /// Relative accuracy.
    pub relative_accuracy: f64,
    /// Observations that count as zero.
    pub zero_count: i64,
    /// Positive values.
    #[serde(default)]
    pub positive: Buckets,
    /// Negative values.
    #[serde(default)]
    pub negative: Buckets,
    /// Sum of all.
    pub sum: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

/// Confusion counts by group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// What the groups are.
    pub attribute: String,
    /// The groups.
    pub groups: Vec<ConfusionCounts>,
}

/// Confusion counts of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionCounts {
    /// The group's code.
    pub group: String,
    /// Predicted positive, truly positive.
    pub true_positives: i64,
    /// Predicted positive, truly negative.
    pub false_positives: i64,
    /// Predicted negative, truly negative.
    pub true_negatives: i64,
    /// Predicted negative, truly positive.
    pub false_negatives: i64,
}

/// Tokens, requests and money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Requests made.
    pub requests: i64,
    /// Tokens sent.
    #[serde(default)]
    pub input_tokens: i64,
    /// Tokens received.
    #[serde(default)]
    pub output_tokens: i64,
    /// Cost in millionths of the currency.
    #[serde(default)]
    pub cost_micros: i64,
    /// ISO 4217.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub currency: String,
    /// Outcomes reached.
    #[serde(default)]
    pub outcomes: i64,
}

/// A number computed by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plain {
    /// The number.
    pub value: f64,
    /// Observations behind it.
    pub n: i64,
}
