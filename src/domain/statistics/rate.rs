//! Shares of a whole: k of n, their intervals, and how two of them differ.

use super::{
    InputError, MAX_COUNT,
    distribution::{normal_quantile, normal_two_sided, normal_within},
    within,
};
use crate::domain::evaluation::point;

/// How often something happened out of how often it could have: 0 ≤ k ≤ n, 1 ≤ n ≤ 2^53-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proportion {
    k: u64,
    n: u64,
}

impl Proportion {
    /// k of n.
    pub fn new(k: u64, n: u64) -> Result<Self, InputError> {
        match n {
            0 => Err(InputError::NoObservations),
            n if n > MAX_COUNT => Err(InputError::TooMany),
            n if k > n => Err(InputError::OutOfRange {
                argument: "k",
                value: k as f64,
                allowed: "it is at most n, the number of observations",
            }),
            n => Ok(Proportion { k, n }),
        }
    }

    /// How often it happened.
    pub fn k(&self) -> u64 {
        self.k
    }

    /// How often it could have happened.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// k/n, 0–1.
    pub fn share(&self) -> f64 {
        self.k as f64 / self.n as f64
    }

    /// The complement: n−k of n.
    pub fn complement(&self) -> Proportion {
        Proportion { k: self.n - self.k, n: self.n }
    }

    /// Both windows as one.
    pub fn merge(&self, other: &Proportion) -> Result<Proportion, InputError> {
        Proportion::new(self.k + other.k, self.n + other.n)
    }

    /// Wilson's score interval at a two-sided level, 0 ≤ level < 1, within 0–1. Equal to
    /// scipy.stats.binomtest(k, n).proportion_ci(level, "wilson").
    pub fn wilson(&self, level: f64) -> (f64, f64) {
        wilson(self.share(), self.n as f64, normal_within(level))
    }
}

/// Wilson's score interval (Wilson 1927) of a share p of n observations, z standard deviations wide:
/// (p+z²/2n ± z·sqrt(p(1−p)/n+z²/4n²))/(1+z²/n).
pub(in crate::domain) fn wilson(p: f64, n: f64, z: f64) -> (f64, f64) {
    let (zz, scale) = (z * z, 1.0 + z * z / n);
    let centre = p + zz / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt();
    // At 0 and 1 the ends are exact, and rounding must not carry them beyond.
    let low = if p == 0.0 { 0.0 } else { (centre - half) / scale };
    let high = if p == 1.0 { 1.0 } else { (centre + half) / scale };
    (low.max(0.0), high.min(1.0))
}

impl TryFrom<point::Rate> for Proportion {
    type Error = InputError;

    fn try_from(rate: point::Rate) -> Result<Self, InputError> {
        Proportion::new(rate.k.max(0).unsigned_abs(), rate.n.max(0).unsigned_abs())
    }
}

/// The interval of a − b at a two-sided level, within −1–1: Newcombe's hybrid score interval
/// (Newcombe 1998, method 10).
pub fn newcombe(a: &Proportion, b: &Proportion, level: f64) -> (f64, f64) {
    hybrid_score((a.share(), a.wilson(level)), (b.share(), b.wilson(level)))
}

/// Newcombe's interval of a − b, of two shares with Wilson's interval of each.
pub(in crate::domain) fn hybrid_score(a: (f64, (f64, f64)), b: (f64, (f64, f64))) -> (f64, f64) {
    let ((a, (low_a, high_a)), (b, (low_b, high_b))) = (a, b);
    ((a - b) - (a - low_a).hypot(high_b - b), (a - b) + (high_a - a).hypot(b - low_b))
}

/// The outcome of a test whether two shares are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoProportions {
    /// The statistic: positive when the second share is larger.
    pub z: f64,
    /// The probability of a z at least as far from 0 without any difference; 0–1.
    pub p: f64,
    /// Second share less the first, −1–1.
    pub difference: f64,
    /// Cohen's h, 2·asin(√p₂) − 2·asin(√p₁), the effect size: −π–π. 0.2 is small, 0.5
    /// medium, 0.8 large (Cohen 1988).
    pub h: f64,
}

/// Whether two shares differ: z = (p₂−p₁)/sqrt(p̄(1−p̄)(1/n₁+1/n₂)) with the pooled
/// share p̄. Equal to statsmodels' proportions_ztest. When nothing, or everything,
/// happened in both, z is 0 and p is 1.
pub fn two_proportions(first: &Proportion, second: &Proportion) -> TwoProportions {
    let (n1, n2) = (first.n as f64, second.n as f64);
    let all = n1 + n2;
    let hits = (first.k + second.k) as f64;
    let misses = ((first.n - first.k) + (second.n - second.k)) as f64;
    let difference = second.share() - first.share();
    let variance = (hits / all) * (misses / all) * (1.0 / n1 + 1.0 / n2);
    let z = if variance == 0.0 { 0.0 } else { difference / variance.sqrt() };
    let h = angle(second.share()) - angle(first.share());
    TwoProportions { z, p: normal_two_sided(z), difference, h }
}

/// 2·asin(√share), which makes the variance of a share the same everywhere.
fn angle(share: f64) -> f64 {
    2.0 * share.sqrt().min(1.0).asin()
}

/// How large the second sample has to be so that an effect is found, next to a first of
/// `n` observations: with probability `power` at the two-sided level of significance `alpha`
/// (both between 0 and 1). `effect` is in standard deviations: Cohen's h or d. `None` if no
/// sample is large enough, because the first is too small.
/// 1/m = (effect/(z(1−α/2)+z(power)))² − 1/n (Cohen 1988).
pub fn needed(effect: f64, n: u64, alpha: f64, power: f64) -> Option<u64> {
    let z = normal_quantile(1.0 - alpha.clamp(1e-15, 1.0) / 2.0) + normal_quantile(power);
    let inverse = (effect / z).powi(2) - 1.0 / n as f64;
    let needed = (1.0 / inverse).ceil();
    (inverse > 0.0 && needed <= MAX_COUNT as f64).then_some((needed as u64).max(1))
}

/// How fast an error budget burns: the share of failures over the share that an objective
/// allows, such as 0.001 for 99.9 %; 0 without failures, 1 when it is used up just at the end
/// of its period. `allowed` is above 0 and at most 1. As in Google's SRE workbook (2018),
/// chapter 5.
pub fn burn_rate(failures: &Proportion, allowed: f64) -> Result<f64, InputError> {
    let allowed = within("allowed", allowed, (1e-12..=1.0).contains(&allowed), "it is from 1e-12 to 1")?;
    Ok(failures.share() / allowed)
}

/// The share of an error budget that a window has used, when the window is `part` of the
/// budget's period (above 0, at most 1): burn rate times part.
pub fn budget_used(failures: &Proportion, allowed: f64, part: f64) -> Result<f64, InputError> {
    let part = within("part", part, part > 0.0 && part <= 1.0, "it is above 0 and at most 1")?;
    Ok(burn_rate(failures, allowed)? * part)
}
