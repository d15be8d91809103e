//! Intervals of what was measured. The levels are two-sided: 0.95 leaves 2.5 %
//! on each side.

use crate::domain::statistics::{
    distribution::{normal_within, student_within},
    moments::welch_freedom,
    rate::{hybrid_score, wilson},
};

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
            Spread::Rate => wilson(self.value, self.n as f64, normal_within(level)),
            Spread::Mean { variance: Some(variance) } => {
                let n = self.n as f64;
                let half = student_within(level, n - 1.0) * (variance / n).sqrt();
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
        Spread::Rate => Some(hybrid_score((a.value, a.interval(level)), (b.value, b.interval(level)))),
        Spread::Mean { .. } => {
            let (Some((var_a, df_a)), Some((var_b, df_b))) = (a.of_mean(), b.of_mean()) else {
                return Some((f64::NEG_INFINITY, f64::INFINITY));
            };
            let variance = var_a + var_b;
            if variance == 0.0 {
                return Some((gap, gap));
            }
            let half = student_within(level, welch_freedom((var_a, df_a), (var_b, df_b))) * variance.sqrt();
            Some((gap - half, gap + half))
        }
        Spread::Plain => None,
    }
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
        // scipy 1.17.1: scipy.stats.binomtest(k, n).proportion_ci(level, "wilson")
        for (k, n, level, wanted) in [
            (6, 200, 0.95, (0.013_820_314_340_111_339, 0.063_894_292_454_519_23)),
            (0, 30, 0.95, (0.0, 0.113_513_393_173_968_75)),
            (12, 168, 0.95, (0.041_329_237_361_962_69, 0.120_689_049_795_067_07)),
            (30, 30, 0.99, (0.818_891_351_781_889_2, 1.0)),
            (1, 1, 0.9, (0.269_865_948_784_054_1, 1.0)),
            (95, 100, 0.99, (0.860_849_697_098_36, 0.983_151_683_957_399_4)),
            (4_990, 5_000, 0.999, (0.994_584_886_627_444_6, 0.999_262_922_788_551_3)),
        ] {
            close(Estimate::rate(k, n).interval(level), wanted, 1e-9);
        }
        assert_eq!(Estimate::rate(30, 30).interval(0.95).1, 1.0);
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        // scipy 1.17.1: scipy.stats.t.interval(level, n - 1, loc=mean, scale=sqrt(m2 / (n - 1) / n))
        for (n, mean, m2, level, wanted) in [
            (10, 5.0, 18.0, 0.95, (3.988_332_561_639_031, 6.011_667_438_360_969)),
            (2, 1.0, 0.5, 0.9, (-2.156_875_757_337_522_3, 4.156_875_757_337_518)),
            (500, 0.25, 12.5, 0.99, (0.231_697_903_663_830_25, 0.268_302_096_336_169_75)),
            (30, -3.0, 87.0, 0.9999, (-4.424_767_877_900_734, -1.575_232_122_099_265_8)),
        ] {
            close(Estimate::mean(n, mean, m2).interval(level), wanted, 1e-8);
        }
        assert!(!Estimate::mean(1, 5.0, 0.0).has_interval());
        assert_eq!(Estimate::mean(1, 5.0, 0.0).interval(0.95), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn the_difference_of_rates_is_newcombes() {
        // Newcombe 1998, table II, method 10: examples (a), (b), (c), (e) and (h).
        for ((k1, n1), (k2, n2), wanted) in [
            ((56, 70), (48, 80), (0.0524, 0.3339)),
            ((9, 10), (3, 10), (0.1705, 0.8090)),
            ((6, 7), (2, 7), (0.0582, 0.8062)),
            ((5, 56), (0, 29), (-0.0381, 0.1926)),
            ((10, 10), (0, 10), (0.6075, 1.0)),
        ] {
            let found = difference(&Estimate::rate(k1, n1), &Estimate::rate(k2, n2), 0.95).unwrap();
            close(found, wanted, 5.1e-5);
        }
        // Put together of scipy's Wilson intervals.
        let found = difference(&Estimate::rate(450, 500), &Estimate::rate(460, 500), 0.9).unwrap();
        close(found, (-0.050_077_135_758_577_5, 0.009_921_911_143_470_397), 1e-9);
    }

    #[test]
    fn the_difference_of_means_is_welchs() {
        // scipy 1.17.1: scipy.stats.t.ppf with Welch's degrees of freedom.
        for (a, b, level, wanted) in [
            ((10, 5.0, 18.0), (20, 4.0, 57.0), 0.95, (-0.227_692_884_223_232_63, 2.227_692_884_223_232_6)),
            ((200, 0.8, 30.0), (300, 0.82, 51.0), 0.99, (-0.114_071_213_792_569, 0.074_071_213_792_569_17)),
            ((5, 2.0, 0.0), (8, 1.0, 7.0), 0.9, (0.330_165_310_424_953_23, 1.669_834_689_575_046_7)),
        ] {
            let mean = |(n, mean, m2)| Estimate::mean(n, mean, m2);
            close(difference(&mean(a), &mean(b), level).unwrap(), wanted, 1e-8);
        }
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
