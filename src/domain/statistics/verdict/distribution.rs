//! The verdict on how a distribution moved.

use super::{EffectSize, InputError, Level, Verdict, probability, sentence, within};
use crate::domain::statistics::{
    contingency,
    counts::{Order, Pair},
    distance::population_stability_index,
    distribution::chi_squared_quantile,
};

/// The thresholds of the verdict on a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DistributionRule {
    watch: f64,
    alarm: f64,
    confidence: f64,
    least_expected: f64,
}

impl Default for DistributionRule {
    /// WATCH from a PSI of 0.1 and ALARM from 0.25, if chance does not reach it in 99 % of healthy
    /// samples; at least 10 expected in each bin.
    fn default() -> Self {
        DistributionRule { watch: 0.1, alarm: 0.25, confidence: 0.99, least_expected: 10.0 }
    }
}

impl DistributionRule {
    /// 0 < watch ≤ alarm ≤ 100; 0 < confidence < 1; 1 ≤ least expected ≤ 10^6.
    pub fn new(watch: f64, alarm: f64, confidence: f64, least_expected: f64) -> Result<Self, InputError> {
        let alarm = within("alarm", alarm, alarm > 0.0 && alarm <= 100.0, "it is above 0 and at most 100")?;
        let watch = within("watch", watch, watch > 0.0 && watch <= alarm, "it is above 0 and at most alarm")?;
        let confidence = probability("confidence", confidence)?;
        let fits = (1.0..=1e6).contains(&least_expected);
        let least_expected = within("least_expected", least_expected, fits, "it is from 1 to 10^6")?;
        Ok(DistributionRule { watch, alarm, confidence, least_expected })
    }
}

/// Judges by the PSI over merged bins. Between healthy samples of n and m the PSI is about
/// χ²(B−1)·(1/n+1/m), so c, the `confidence` quantile of that, is what chance reaches (Yurdakul and Naranjo
/// 2020). ALARM if PSI ≥ max(alarm, c); WATCH if PSI ≥ max(watch, c); else NOT_ENOUGH_DATA if
/// c > alarm, as a large drift could not have been seen, or no two bins are left; else OK.
pub fn judge_distribution(metric: &str, pair: &Pair, order: Order, rule: &DistributionRule) -> Verdict {
    let merged = pair.merged(rule.least_expected, order);
    let (n, m) = (pair.reference().total(), pair.current().total());
    let quantile = chi_squared_quantile(rule.confidence, (merged.bins() - 1) as f64);
    let chance = quantile * (1.0 / n as f64 + 1.0 / m as f64);
    let index = population_stability_index(&merged);
    let level = if merged.bins() == 1 {
        Level::NotEnoughData
    } else if index >= rule.alarm.max(chance) {
        Level::Alarm
    } else if index >= rule.watch.max(chance) {
        Level::Watch
    } else if chance > rule.alarm {
        Level::NotEnoughData
    } else {
        Level::Ok
    };
    // Of all bins, since more cases need less merging; two bins need room for the least count each.
    let quantile = chi_squared_quantile(rule.confidence, (pair.bins() - 1) as f64);
    let room = (2.0 * rule.least_expected).ceil();
    let inverse = rule.alarm / quantile.max(f64::MIN_POSITIVE) - 1.0 / n as f64;
    let needed_n = (inverse > 0.0 && n as f64 >= room).then(|| (1.0 / inverse).ceil().max(room) as u64);
    let test = contingency::contingency(&merged);
    Verdict {
        level,
        effect: Some(EffectSize::PopulationStabilityIndex(index)),
        p: Some(test.p),
        baseline_n: n,
        current_n: m,
        needed_n,
        sentence: sentence_of(metric, level, index, (n, m), needed_n),
    }
}

fn sentence_of(metric: &str, level: Level, index: f64, (n, m): (u64, u64), needed: Option<u64>) -> String {
    let what = format!(
        "{}: distance {} now ({} cases) from the baseline ({} cases).",
        sentence::name(metric),
        sentence::number(index),
        sentence::count(m),
        sentence::count(n)
    );
    let more = match needed {
        Some(needed) => format!("Record at least {} cases.", sentence::count(needed)),
        None => "The baseline is too small: approve a version with a larger one.".to_owned(),
    };
    let means = match level {
        Level::Ok => "The mix of cases is much as it was. Nothing to do.",
        Level::NotEnoughData => "That is too few to see even a large shift.",
        Level::Watch => {
            "The mix of cases is shifting, more than by chance. Look at the next windows before acting."
        }
        Level::Alarm => {
            "The mix of cases is clearly another one. Find out what changed in the data, and evaluate the model on it."
        }
    };
    match level {
        Level::NotEnoughData => sentence::of(&[&what, means, &more]),
        _ => sentence::of(&[&what, means]),
    }
}
