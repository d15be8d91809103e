//! Intervals of what was measured. The levels are two-sided: 0.95 leaves 2.5 %
//! on each side.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// An estimate from a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Observations behind it.
    pub n: i64,
    spread: Spread,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    /// A share of `n`.
    Rate,
    /// A mean; the variance of the sample, which one observation does not have.
    Mean { variance: Option<f64> },
    /// Not known.
    Plain,
}

impl Estimate {
    /// k of n; 0 ≤ k ≤ n, n ≥ 1.
    pub fn rate(k: i64, n: i64) -> Self {
        Estimate { value: k as f64 / n as f64, n, spread: Spread::Rate }
    }

    /// The mean of n observations, whose squared differences from it sum up to `m2`.
    pub fn mean(n: i64, mean: f64, m2: f64) -> Self {
        let variance = (n > 1).then(|| m2 / (n - 1) as f64);
        Estimate { value: mean, n, spread: Spread::Mean { variance } }
    }

    /// A number of which nothing else is known.
    pub fn plain(value: f64, n: i64) -> Self {
        Estimate { value, n, spread: Spread::Plain }
    }

    /// Whether an interval can be computed.
    pub fn has_interval(&self) -> bool {
        self.spread != Spread::Plain && !self.is_mean_of_one()
    }

    /// Whether it is a mean whose only observation says nothing about its variance.
    pub fn is_mean_of_one(&self) -> bool {
        self.spread == Spread::Mean { variance: None }
    }

    /// The interval at a level; at level 0 the estimate itself. Rates: Wilson's score
    /// interval (Wilson 1927). Means: Student's t. A mean of one observation may be
    /// anything.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        if level == 0.0 {
            return (self.value, self.value);
        }
        match self.spread {
            Spread::Rate => wilson(self.value, self.n as f64, normal_quantile(level)),
            Spread::Mean { variance: Some(variance) } => {
                let n = self.n as f64;
                let half = student_quantile(level, n - 1.0) * (variance / n).sqrt();
                (self.value - half, self.value + half)
            }
            Spread::Mean { variance: None } | Spread::Plain => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Variance of the estimate, and its degrees of freedom.
    fn of_mean(&self) -> Option<(f64, f64)> {
        match self.spread {
            Spread::Mean { variance: Some(variance) } => {
                Some((variance / self.n as f64, self.n as f64 - 1.0))
            }
            _ => None,
        }
    }
}

/// The interval of `a − b` at a level; `None` if they cannot be compared. Rates:
/// Newcombe's hybrid score interval (Newcombe 1998, method 10). Means: Welch's t.
pub fn difference(a: &Estimate, b: &Estimate, level: f64) -> Option<(f64, f64)> {
    if std::mem::discriminant(&a.spread) != std::mem::discriminant(&b.spread) {
        return None;
    }
    let gap = a.value - b.value;
    if level == 0.0 {
        return Some((gap, gap));
    }
    match a.spread {
        Spread::Rate => {
            let ((low_a, high_a), (low_b, high_b)) = (a.interval(level), b.interval(level));
            let below = (a.value - low_a).hypot(high_b - b.value);
            let above = (high_a - a.value).hypot(b.value - low_b);
            Some((gap - below, gap + above))
        }
        Spread::Mean { .. } => {
            let (Some((var_a, df_a)), Some((var_b, df_b))) = (a.of_mean(), b.of_mean()) else {
                return Some((f64::NEG_INFINITY, f64::INFINITY));
            };
            let variance = var_a + var_b;
            if variance == 0.0 {
                return Some((gap, gap));
            }
            // Welch and Satterthwaite's degrees of freedom.
            let df = variance * variance / (var_a * var_a / df_a + var_b * var_b / df_b);
            let half = student_quantile(level, df) * variance.sqrt();
            Some((gap - half, gap + half))
        }
        Spread::Plain => None,
    }
}

fn wilson(p: f64, n: f64, z: f64) -> (f64, f64) {
    let (zz, scale) = (z * z, 1.0 + z * z / n);
    let centre = p + zz / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt();
    // At 0 and 1 the ends are exact, and rounding must not carry them beyond.
    let low = if p == 0.0 { 0.0 } else { (centre - half) / scale };
    let high = if p == 1.0 { 1.0 } else { (centre + half) / scale };
    (low.max(0.0), high.min(1.0))
}

/// z with `level` of the normal distribution within ±z.
fn normal_quantile(level: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + level / 2.0)
}

/// t with `level` of Student's distribution within ±t.
fn student_quantile(level: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(0.5 + level / 2.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn close(found: (f64, f64), wanted: (f64, f64), tolerance: f64) {
        assert!(
            (found.0 - wanted.0).abs() < tolerance && (found.1 - wanted.1).abs() < tolerance,
            "{found:?} is not {wanted:?}"
        );
    }

    #[test]
    fn the_interval_of_a_rate_is_wilsons() {
        // z = 1.96 to sixteen digits; the values are those of the reference.
        close(Estimate::rate(6, 200).interval(0.95), (0.013_820_314_3, 0.063_894_292_5), 1e-9);
        close(Estimate::rate(0, 30).interval(0.95), (0.0, 0.113_513_393_2), 1e-9);
        close(Estimate::rate(12, 168).interval(0.95), (0.041_329_237_4, 0.120_689_049_8), 1e-9);
        assert_eq!(Estimate::rate(30, 30).interval(0.95).1, 1.0);
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        // scipy.stats.t.interval(0.95, 9, loc=5, scale=(2/10)**0.5)
        let mean = Estimate::mean(10, 5.0, 18.0);
        close(mean.interval(0.95), (3.988_334_112_3, 6.011_665_887_7), 1e-8);
        assert_eq!(Estimate::mean(1, 5.0, 0.0).interval(0.95), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn the_difference_of_rates_is_newcombes() {
        // Newcombe 1998, table II, example (a): 56/70 − 48/80, method 10.
        let found = difference(&Estimate::rate(56, 70), &Estimate::rate(48, 80), 0.95).unwrap();
        close(found, (0.0524, 0.3339), 5e-5);
        // Example (h): 10/10 − 0/10.
        let found = difference(&Estimate::rate(10, 10), &Estimate::rate(0, 10), 0.95).unwrap();
        close(found, (0.6075, 1.0), 5e-5);
    }

    #[test]
    fn the_difference_of_means_is_welchs() {
        // scipy.stats.ttest_ind_from_stats(5, 2**.5, 10, 4, 3**.5, 20, equal_var=False).confidence_interval()
        let (a, b) = (Estimate::mean(10, 5.0, 18.0), Estimate::mean(20, 4.0, 57.0));
        let (low, high) = difference(&a, &b, 0.95).unwrap();
        assert!((low + high - 2.0).abs() < 1e-9 && low < 0.0 && high > 2.0, "{low} {high}");
        let same = Estimate::mean(5, 2.0, 0.0);
        assert_eq!(difference(&same, &same, 0.95), Some((0.0, 0.0)));
    }

    #[test]
    fn what_was_measured_in_different_ways_is_not_compared() {
        assert_eq!(difference(&Estimate::rate(1, 2), &Estimate::mean(2, 0.5, 0.0), 0.95), None);
        let plain = Estimate::plain(1.0, 10);
        assert_eq!(difference(&plain, &Estimate::plain(0.5, 10), 0.0), Some((0.5, 0.5)));
        assert_eq!(difference(&plain, &plain, 0.95), None);
    }
}
