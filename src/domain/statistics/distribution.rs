//! Tails and quantiles of the usual distributions, to ten digits.
//!
//! On top of statrs 0.18, whose incomplete gamma and beta functions are precise, and whose
//! quantiles and erfc are a first approximation only (erfc(1/√2) is off by 1e-10, the
//! quantiles of χ² by 1e-4): quantiles are refined by Newton's method, the normal tail comes from the
//! incomplete gamma function. Its Student's t loses digits with the degrees of freedom, so
//! beyond a thousand series take over.

use statrs::{
    distribution::{ChiSquared, Continuous, ContinuousCDF, Normal, StudentsT},
    function::gamma::{checked_gamma_ur, ln_gamma},
};

/// Degrees of freedom from which Student's t is transformed into a normal variable.
const MANY: f64 = 1_000.0;

/// The probability of a normal variable at least as far from 0 as `z`; 0–1. Small
/// probabilities keep their digits.
pub fn normal_two_sided(z: f64) -> f64 {
    chi_squared_above(z * z, 1.0)
}

/// z with the share `level` of the standard normal distribution within ±z; 0 ≤ level < 1.
pub fn normal_within(level: f64) -> f64 {
    normal_quantile(0.5 + level / 2.0)
}

/// A probability strictly between 0 and 1: statrs panics at others. What is no number
/// says nothing and becomes the middle.
fn inside(probability: f64) -> f64 {
    if probability.is_nan() { 0.5 } else { probability.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0) }
}

/// The quantile of the standard normal distribution; 0 < probability < 1.
pub fn normal_quantile(probability: f64) -> f64 {
    let probability = inside(probability);
    let normal = Normal::standard();
    let rough = normal.inverse_cdf(probability);
    // Tails are precise on the side that is small.
    let tail = normal_two_sided(rough) / 2.0;
    let excess = if rough < 0.0 { tail - probability } else { (1.0 - probability) - tail };
    let step = excess / normal.pdf(rough);
    if step.is_finite() { rough - step } else { rough }
}

/// The probability that χ² with these degrees of freedom is at least `x`; 0–1, and 1
/// without degrees of freedom, where χ² is always 0.
pub fn chi_squared_above(x: f64, freedom: f64) -> f64 {
    if freedom <= 0.0 || x <= 0.0 {
        return 1.0;
    }
    checked_gamma_ur(freedom / 2.0, x / 2.0).map_or(0.0, |tail| tail.clamp(0.0, 1.0))
}

/// The quantile of χ²; 0 without degrees of freedom; 0 < probability < 1.
pub fn chi_squared_quantile(probability: f64, freedom: f64) -> f64 {
    let probability = inside(probability);
    let Ok(chi) = ChiSquared::new(freedom) else { return 0.0 };
    let mut x = chi.inverse_cdf(probability);
    for _ in 0..20 {
        let step = (chi_squared_above(x, freedom) - (1.0 - probability)) / ln_density(x, freedom).exp();
        if !step.is_finite() || step.abs() <= 1e-15 * x {
            break;
        }
        x = (x + step).max(x / 2.0);
    }
    x
}

/// ln of the density of χ²; statrs's own overflows from 340 degrees of freedom on.
fn ln_density(x: f64, freedom: f64) -> f64 {
    let half = freedom / 2.0;
    (half - 1.0) * (x / 2.0).ln() - x / 2.0 - ln_gamma(half) - std::f64::consts::LN_2
}

/// The probability of Student's t at least as far from 0 as `t`; 0–1; freedom > 0.
/// Beyond a thousand degrees of freedom by the transformation of Hill (1970),
/// Algorithm 395, whose error is then below 1e-13 of the result for |t| < 10.
pub fn student_two_sided(t: f64, freedom: f64) -> f64 {
    // Beyond this every tail is the same to a double, and squares would overflow.
    let t = t.clamp(-1e100, 1e100);
    if freedom > MANY {
        return normal_two_sided(student_to_normal(t.abs(), freedom));
    }
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) => (2.0 * student.cdf(-t.abs())).clamp(0.0, 1.0),
        Err(_) => 1.0,
    }
}

/// The normal variable with the same tail as Student's t.
fn student_to_normal(t: f64, freedom: f64) -> f64 {
    let a = freedom - 0.5;
    let b = 48.0 * a * a;
    let square = a * (t * t / freedom).ln_1p();
    let z = square.sqrt();
    let last = 4.0 * square.powi(3) + 33.0 * square * square + 240.0 * square + 855.0;
    let correction = last / (10.0 * b * (b + 0.8 * square * square + 100.0));
    z * (1.0 + (square + 3.0) / b - correction)
}

/// t with the share `level` of Student's distribution within ±t; 0 ≤ level < 1. Beyond a
/// thousand degrees of freedom by Fisher and Cornish's expansion (Abramowitz and Stegun 26.7.5).
pub fn student_within(level: f64, freedom: f64) -> f64 {
    if freedom > MANY {
        let z = normal_within(level);
        let square = z * z;
        let first = (square + 1.0) / 4.0;
        let second = ((5.0 * square + 16.0) * square + 3.0) / 96.0;
        let third = (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
        return z * (1.0 + (first + (second + third / freedom) / freedom) / freedom);
    }
    StudentsT::new(0.0, 1.0, freedom)
        .map_or(f64::INFINITY, |student| student.inverse_cdf(inside(0.5 + level / 2.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value within a relative tolerance.
    fn all_close(rows: &[(f64, f64, f64)], tolerance: f64, f: impl Fn(f64, f64) -> f64) {
        for (a, b, wanted) in rows {
            let found = f(*a, *b);
            assert!((found - wanted).abs() <= tolerance * wanted, "({a}, {b}): {found} is not {wanted}");
        }
    }

    #[test]
    fn the_tails_of_chi_squared_are_scipys() {
        // scipy 1.17.1: stats.chi2.sf
        let rows = [
            (0.001, 1.0, 0.9747728793699604),
            (1.0, 1.0, 0.31731050786291115),
            (10.0, 1.0, 0.001565402258002549),
            (100.0, 1.0, 1.5239706048320995e-23),
            (1400.0, 1.0, 2.1010145162644003e-306),
            (9.76998134411, 4.0, 0.04448578778757015),
            (117.631787395, 9.0, 4.0769503195294574e-21),
            (250.0, 254.0, 0.5591397184363581),
            (400.0, 254.0, 1.3130404886390722e-08),
            (900.0, 254.0, 4.3577711260966044e-73),
            (100.0, 254.0, 1.0),
            (1000000.0, 9.0, 0.0),
        ];
        all_close(&rows, 1e-9, chi_squared_above);
    }

    #[test]
    fn the_quantiles_of_chi_squared_are_scipys() {
        // scipy 1.17.1: stats.chi2.ppf(0.99, freedom)
        let rows = [
            (1.0, 6.6348966010212145),
            (2.0, 9.21034037197618),
            (4.0, 13.276704135987622),
            (9.0, 21.665994333461924),
            (30.0, 50.89218131151707),
            (100.0, 135.80672317102676),
            (254.0, 309.3542310571175),
        ];
        for (freedom, wanted) in rows {
            all_close(&[(0.99, freedom, wanted)], 1e-9, chi_squared_quantile);
        }
        assert_eq!(chi_squared_quantile(0.99, 0.0), 0.0);
    }

    #[test]
    fn the_tails_of_students_t_are_scipys() {
        // scipy 1.17.1: 2 * stats.t.sf
        let rows = [
            (0.1, 1.5, 0.9320414534869628),
            (2.0, 1.0, 0.2951672353008665),
            (3.0, 4.7, 0.03253927397703679),
            (0.5, 30.0, 0.6207230048851272),
            (2.5, 100.0, 0.014045789124077172),
            (6.0, 100.0, 3.172491502802852e-08),
            (0.01, 900.0, 0.9920235035192588),
            (1.0, 900.0, 0.3175792895273418),
            (5.0, 999.0, 6.768361895801103e-07),
            (8.0, 999.0, 3.4299982577635995e-15),
            (0.5, 1001.0, 0.617184970957399),
            (2.0, 1001.0, 0.045770076553420296),
            (6.0, 1001.0, 2.7544713275907267e-09),
            (2.0, 100000.0, 0.04550296345750651),
            (9.0, 100000.0, 2.295409005023148e-19),
            (5.0, 1000000000.0, 5.733032403951619e-07),
        ];
        all_close(&rows, 1e-9, student_two_sided);
    }

    #[test]
    fn the_quantiles_of_students_t_are_scipys() {
        // scipy 1.17.1: stats.t.ppf(0.5 + level / 2, freedom)
        let rows = [
            (0.95, 1.0, 12.706204736174694),
            (0.95, 4.5, 2.6589123472044034),
            (0.99, 999.0, 2.5807596372676365),
            (0.95, 1001.0, 1.9623367052808798),
            (0.9999, 1001.0, 3.9063279440312937),
            (0.95, 1000000.0, 1.959966356814107),
            (0.999, 1000000000000.0, 3.2905267315016555),
        ];
        all_close(&rows, 1e-9, student_within);
    }

    #[test]
    fn the_tails_of_the_normal_distribution_are_scipys() {
        // scipy 1.17.1: 2 * stats.norm.sf
        let rows = [
            (0.1, 0.920344325445942),
            (1.0, 0.31731050786291415),
            (2.48088396, 0.013105703011240748),
            (6.0, 1.973175290075389e-09),
            (12.0, 3.552964224155306e-33),
            (30.0, 9.813427854295816e-198),
        ];
        for (z, wanted) in rows {
            all_close(&[(z, 0.0, wanted)], 1e-12, |z, _| normal_two_sided(z));
        }
    }
}
