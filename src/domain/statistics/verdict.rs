//! Verdicts: what a statistic means, with the size of the effect, its significance, the sizes of
//! the samples, and one sentence for a person without statistics.
//!
//! A verdict never rests on significance alone: on many rows any difference is significant. Nor on size
//! alone: between few rows any difference is large.

mod change;
mod distribution;
mod group;
mod ratio;
mod sentence;

pub use change::{ChangeRule, judge_mean, judge_rate};
pub use distribution::{DistributionRule, judge_distribution};
pub use group::{FairnessRule, judge_fairness};
pub use ratio::{judge_cost, judge_quantile};
pub use sentence::LONGEST;

use super::{InputError, within};
use serde::{Deserialize, Serialize};

/// What a verdict says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// So few observations that a large change could not have been seen.
    NotEnoughData,
    /// A change that may be the beginning of more.
    Watch,
    /// A change that somebody has to look into.
    Alarm,
}

/// How large an effect is, on a scale that does not grow with the samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectSize {
    /// Population stability index over merged bins, from 0.
    PopulationStabilityIndex(f64),
    /// Cohen's h of two rates, −π–π; positive when the rate rose.
    CohensH(f64),
    /// Cohen's d of two means; positive when the mean rose.
    CohensD(f64),
    /// The lowest group's rate over the highest's, 0–1.
    RatioOfRates(f64),
    /// What it is now over what it was, from 0.
    RatioToBaseline(f64),
}

/// What a statistic means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What it says.
    pub level: Level,
    /// How large the effect is; `None` where nothing could be compared.
    pub effect: Option<EffectSize>,
    /// The probability of such a difference by chance alone, 0–1; `None` as above.
    pub p: Option<f64>,
    /// Observations of the baseline; of all groups for fairness.
    pub baseline_n: u64,
    /// Observations now; of the smallest compared group for fairness.
    pub current_n: u64,
    /// So many observations are needed now to see a large change; `None` if the baseline is too
    /// small for any number to do.
    pub needed_n: Option<u64>,
    /// The verdict for a person without statistics, at most 280 characters.
    pub sentence: String,
}

/// A threshold that is a probability strictly between 0 and 1.
fn probability(argument: &'static str, value: f64) -> Result<f64, InputError> {
    within(argument, value, value > 0.0 && value < 1.0, "it is between 0 and 1")
}

#[cfg(test)]
mod tests;
