//! Count, mean and spread of a number: merged without loss, compared, and followed
//! over time.

use super::{
    InputError, MAX_COUNT,
    distribution::{student_two_sided, student_within},
    within,
};
use crate::domain::evaluation::point;

/// The largest number that is taken, so that squares and their sums stay finite.
pub const LARGEST: f64 = 1e100;

/// A mean, its spread and its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    n: u64,
    mean: f64,
    m2: f64,
    min: f64,
    max: f64,
}

impl Moments {
    /// `n` observations (1 to 2^53-1) between `min` and `max` with this mean and sum `m2` of
    /// squared differences from it, which is not negative. Values are at most 1e100 in
    /// size, so that all that follows from them is finite.
    pub fn new(n: u64, mean: f64, m2: f64, min: f64, max: f64) -> Result<Self, InputError> {
        const SIZE: &str = "it is a finite number of at most 1e100 in size";
        match n {
            0 => return Err(InputError::NoObservations),
            n if n > MAX_COUNT => return Err(InputError::TooMany),
            _ => (),
        }
        for (argument, value) in [("mean", mean), ("min", min), ("max", max)] {
            within(argument, value, value.abs() <= LARGEST, SIZE)?;
        }
        within("max", max, min <= max, "it is not below min")?;
        within("m2", m2, (0.0..=1e220).contains(&m2), "it is from 0 to 1e220")?;
        within("m2", m2, n > 1 || m2 == 0.0, "it is 0 for one observation")?;
        Ok(Moments { n, mean, m2, min, max })
    }

    /// Observations.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Arithmetic mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Sum of squared differences from the mean.
    pub fn m2(&self) -> f64 {
        self.m2
    }

    /// Smallest and largest.
    pub fn range(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    /// The variance of the sample, m2/(n−1); one observation has none.
    pub fn variance(&self) -> Option<f64> {
        (self.n > 1).then(|| self.m2 / (self.n - 1) as f64)
    }

    /// Both windows as one, as if all observations had been seen together (Chan, Golub and
    /// LeVeque 1979): nothing cancels, because only the difference of the means is squared.
    pub fn merge(&self, other: &Moments) -> Result<Moments, InputError> {
        let n = self.n + other.n;
        if n > MAX_COUNT {
            return Err(InputError::TooMany);
        }
        let (a, b, all) = (self.n as f64, other.n as f64, n as f64);
        let gap = other.mean - self.mean;
        Ok(Moments {
            n,
            // From the larger sample, which moves less.
            mean: if a >= b { self.mean + gap * (b / all) } else { other.mean - gap * (a / all) },
            m2: self.m2 + other.m2 + gap * gap * (a * (b / all)),
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        })
    }

    /// The interval of the mean at a two-sided level (0 ≤ level < 1) by Student's t; `None` for
    /// one observation. Equal to scipy.stats.t.interval.
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let n = self.n as f64;
        let half = student_within(level, n - 1.0) * (self.variance()? / n).sqrt();
        Some((self.mean - half, self.mean + half))
    }
}

impl TryFrom<point::Moments> for Moments {
    type Error = InputError;

    fn try_from(point: point::Moments) -> Result<Self, InputError> {
        Moments::new(point.n.max(0).unsigned_abs(), point.mean, point.m2, point.min, point.max)
    }
}

/// The outcome of Welch's test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Welch {
    /// The statistic: positive when the second mean is larger. The largest double stands for
    /// infinity, when means differ that have no spread.
    pub t: f64,
    /// Degrees of freedom by Welch and Satterthwaite.
    pub freedom: f64,
    /// The probability of a t at least as far from 0 without any difference; 0–1.
    pub p: f64,
    /// Second mean less the first.
    pub difference: f64,
    /// Cohen's d, the difference over the root of the mean of both variances: the effect size.
    /// The largest double stands for infinity.
    pub d: f64,
    /// Standard error of the difference.
    pub error: f64,
}

impl Welch {
    /// The interval of the difference at a two-sided level.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let half = if self.error == 0.0 { 0.0 } else { student_within(level, self.freedom) * self.error };
        (self.difference - half, self.difference + half)
    }
}

/// Whether two means differ, without taking their variances to be equal (Welch 1947). Equal to
/// scipy.stats.ttest_ind_from_stats(equal_var=False). Each needs two observations.
pub fn welch(first: &Moments, second: &Moments) -> Result<Welch, InputError> {
    let variance = |moments: &Moments| {
        moments.variance().ok_or(InputError::TooFew { what: "observations", found: moments.n, least: 2 })
    };
    let (v1, v2) = (variance(first)?, variance(second)?);
    let (e1, e2) = (v1 / first.n as f64, v2 / second.n as f64);
    let difference = second.mean - first.mean;
    let error = (e1 + e2).sqrt();
    let t = ratio(difference, error);
    let freedom = welch_freedom((e1, (first.n - 1) as f64), (e2, (second.n - 1) as f64));
    let d = ratio(difference, v1.midpoint(v2).sqrt());
    Ok(Welch { t, freedom, p: student_two_sided(t, freedom), difference, d, error })
}

/// Welch and Satterthwaite's degrees of freedom of the difference of two means, each with the variance of
/// the mean and its own degrees of freedom. Of shares of the variance, because its square may be too
/// small for a double.
pub(in crate::domain) fn welch_freedom(one: (f64, f64), other: (f64, f64)) -> f64 {
    let all = one.0 + other.0;
    let share = |variance: f64| if all == 0.0 { 0.5 } else { variance / all };
    1.0 / (share(one.0).powi(2) / one.1 + share(other.0).powi(2) / other.1)
}

/// a/b, finite: 0 of nothing, and the largest double where there is no end.
fn ratio(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { (a / b).clamp(f64::MIN, f64::MAX) }
}

/// A straight line through means over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Change of the value for each unit of time.
    pub slope: f64,
    /// Standard error of the slope.
    pub error: f64,
    /// The probability of a slope at least as far from 0 without any trend; 0–1.
    pub p: f64,
}

/// The line of least squares through all observations of windows at given times (at most 1e100
/// in size, not all the same), as if each row had been at hand: the sums over rows follow
/// from the moments. Equal to scipy.stats.linregress on the rows. Times and means are centred
/// first, so nothing large is subtracted.
pub fn trend(windows: &[(f64, Moments)]) -> Result<Trend, InputError> {
    let n: u64 = windows.iter().fold(0, |sum, (_, moments)| sum.saturating_add(moments.n));
    if n < 3 {
        return Err(InputError::TooFew { what: "observations", found: n, least: 3 });
    }
    let mean = |of: &dyn Fn(&(f64, Moments)) -> f64| {
        windows.iter().map(|window| of(window) * (window.1.n as f64 / n as f64)).sum::<f64>()
    };
    for (time, _) in windows {
        within("time", *time, time.abs() <= LARGEST, "it is a finite number of at most 1e100 in size")?;
    }
    let (x0, y0) = (mean(&|window| window.0), mean(&|window| window.1.mean));
    let (mut sxx, mut sxy, mut syy) = (0.0, 0.0, 0.0);
    for (time, moments) in windows {
        let (weight, dx, dy) = (moments.n as f64, time - x0, moments.mean - y0);
        sxx += weight * dx * dx;
        sxy += weight * dx * dy;
        syy += weight * dy * dy + moments.m2;
    }
    // Equal times differ from their mean by rounding.
    let times = windows.iter().map(|window| window.0);
    if !times.clone().zip(times.skip(1)).any(|(a, b)| a != b) || sxx < f64::MIN_POSITIVE {
        return Err(InputError::TooFew { what: "different times", found: 1, least: 2 });
    }
    let slope = within("slope", sxy / sxx, true, "the times lie too close together for these means")?;
    let residual = (syy - slope * sxy).max(0.0);
    let freedom = (n - 2) as f64;
    let error = within("slope", (residual / freedom / sxx).sqrt(), true, "the times lie too close together")?;
    let p = if slope == 0.0 { 1.0 } else { student_two_sided(ratio(slope, error), freedom) };
    Ok(Trend { slope, error, p })
}
