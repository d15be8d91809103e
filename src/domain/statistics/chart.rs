//! Control charts: limits within which a healthy series stays, and sums that find
//! small lasting changes. For rates the [detector](super::detector) is the default, as these
//! promise less: how often they cry wolf depends on the distribution.

use super::{InputError, moments::LARGEST, rate::Proportion, within};
use serde::{Deserialize, Serialize};

const SIZE: &str = "it is a finite number of at most 1e100 in size";

/// Where a point lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Within the limits.
    Within,
    /// Too high.
    High,
    /// Too low.
    Low,
}

/// A lower and an upper limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The lower.
    pub low: f64,
    /// The upper.
    pub high: f64,
}

impl Limits {
    /// Where a value lies; the limits themselves are within.
    pub fn judge(&self, value: f64) -> Signal {
        if value > self.high {
            Signal::High
        } else if value < self.low {
            Signal::Low
        } else {
            Signal::Within
        }
    }
}

/// Shewhart's limits, centre ± width·σ, usually 3 wide; in the unit of the values. σ is the
/// standard deviation of what is charted: of a mean of n values, that of a value over √n. All
/// numbers are at most 1e100 in size; σ and width are not negative.
pub fn shewhart(centre: f64, sigma: f64, width: f64) -> Result<Limits, InputError> {
    let centre = within("centre", centre, centre.abs() <= LARGEST, SIZE)?;
    let sigma = within("sigma", sigma, (0.0..=LARGEST).contains(&sigma), "it is from 0 to 1e100")?;
    let width = within("width", width, (0.0..=1e6).contains(&width), "it is from 0 to 1e6")?;
    Ok(Limits { low: centre - width * sigma, high: centre + width * sigma })
}

/// The p-chart's limits of the share of `n` observations, p0 ± width·sqrt(p0(1−p0)/n), cut at 0
/// and 1. 0 ≤ p0 ≤ 1; width as in [`shewhart`]. Source: NIST/SEMATECH e-handbook 6.3.3.2.
pub fn p_chart(p0: f64, n: u64, width: f64) -> Result<Limits, InputError> {
    let p0 = within("p0", p0, (0.0..=1.0).contains(&p0), "it is from 0 to 1")?;
    if n == 0 {
        return Err(InputError::NoObservations);
    }
    let limits = shewhart(p0, (p0 * (1.0 - p0) / n as f64).sqrt(), width)?;
    Ok(Limits { low: limits.low.max(0.0), high: limits.high.min(1.0) })
}

/// How far a rate lies from p0 in standard deviations, (k−n·p0)/sqrt(n·p0(1−p0)): what charts take
/// where windows differ in size. 1e-12 ≤ p0 ≤ 1−1e-12.
pub fn standardised_residual(point: &Proportion, p0: f64) -> Result<f64, InputError> {
    let p0 = within("p0", p0, (1e-12..=1.0 - 1e-12).contains(&p0), "it is from 1e-12 to 1-1e-12")?;
    let n = point.n() as f64;
    Ok((point.share() - p0) * (n / (p0 * (1.0 - p0))).sqrt())
}

/// An exponentially weighted moving average (Roberts 1959), z_t = λx+(1−λ)z with z_0 = centre,
/// and its limits, centre ± L·σ·sqrt(λ/(2−λ)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    lambda: f64,
    centre: f64,
    sigma: f64,
    width: f64,
    value: f64,
}

impl Ewma {
    /// An average at its centre. 0 < λ ≤ 1, usually 0.2 or 0.3; the rest as in [`shewhart`].
    pub fn new(lambda: f64, centre: f64, sigma: f64, width: f64) -> Result<Self, InputError> {
        let lambda = within("lambda", lambda, lambda > 0.0 && lambda <= 1.0, "it is above 0 and at most 1")?;
        shewhart(centre, sigma, width)?;
        Ok(Ewma { lambda, centre, sigma, width, value: centre })
    }

    /// The average.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        let half = self.width * self.sigma * (self.lambda / (2.0 - self.lambda)).sqrt();
        Limits { low: self.centre - half, high: self.centre + half }
    }

    /// Takes in the next value, at most 1e100 in size.
    pub fn update(&mut self, x: f64) -> Result<Signal, InputError> {
        let x = within("x", x, x.abs() <= LARGEST, SIZE)?;
        self.value = self.lambda * x + (1.0 - self.lambda) * self.value;
        Ok(self.limits().judge(self.value))
    }
}

/// Cumulative sums of both directions (Page 1954): S⁺ = max(0, S⁺+x−μ0−k) and
/// S⁻ = max(0, S⁻+μ0−x−k); a signal when one is above h.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    centre: f64,
    slack: f64,
    threshold: f64,
    high: f64,
    low: f64,
}

impl Cusum {
    /// Sums at 0, for a centre μ0, a slack k and a threshold h, in the unit of the values; each at most
    /// 1e100 in size, k and h not negative.
    pub fn new(centre: f64, slack: f64, threshold: f64) -> Result<Self, InputError> {
        let centre = within("centre", centre, centre.abs() <= LARGEST, SIZE)?;
        let slack = within("slack", slack, (0.0..=LARGEST).contains(&slack), "it is from 0 to 1e100")?;
        let fits = (0.0..=LARGEST).contains(&threshold);
        let threshold = within("threshold", threshold, fits, "it is from 0 to 1e100")?;
        Ok(Cusum { centre, slack, threshold, high: 0.0, low: 0.0 })
    }

    /// The usual one, k = 0.5σ and h = 5σ.
    pub fn usual(centre: f64, sigma: f64) -> Result<Self, InputError> {
        Cusum::new(centre, 0.5 * sigma, 5.0 * sigma)
    }

    /// S⁺ and S⁻.
    pub fn sums(&self) -> (f64, f64) {
        (self.high, self.low)
    }

    /// Takes in the next value, at most 1e100 in size. Should both sums be above the threshold, the
    /// larger counts.
    pub fn update(&mut self, x: f64) -> Result<Signal, InputError> {
        let gap = within("x", x, x.abs() <= LARGEST, SIZE)? - self.centre;
        self.high = (self.high + gap - self.slack).max(0.0);
        self.low = (self.low - gap - self.slack).max(0.0);
        Ok(match (self.high > self.threshold, self.low > self.threshold) {
            (true, beside) if !beside || self.high >= self.low => Signal::High,
            (_, true) => Signal::Low,
            _ => Signal::Within,
        })
    }
}
