//! The Kolmogorov–Smirnov distance on bins, and the distribution of the two-sided
//! statistic, which no maintained crate has.

use super::{binomial::ln_probability, counts::Pair};
use std::f64::consts::{LN_2, PI};

mod durbin;
mod pelz_good;

/// The outcome of a Kolmogorov–Smirnov test on bins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KolmogorovSmirnov {
    /// max|F−G| over the edges, 0–1. A lower bound of the distance of the raw data.
    pub distance: f64,
    /// The probability of a distance at least as large without any difference; 0–1.
    /// On bins it is too large rather than too small.
    pub p: f64,
}

/// Kolmogorov–Smirnov on bins in order: D = max|cumP−cumQ|, and p from the exact
/// distribution at the size round(nm/(n+m)), half to even, as
/// scipy.stats.ks_2samp(method="asymp") takes it, with scipy 1.17.1's kstwo.sf.
pub fn on_bins(pair: &Pair) -> KolmogorovSmirnov {
    let cumulative = pair.reference().cumulative_shares().into_iter().zip(pair.current().cumulative_shares());
    let distance = cumulative.map(|(p, q)| (p - q).abs()).fold(0.0, f64::max);
    let (n, m) = (pair.reference().total() as f64, pair.current().total() as f64);
    let size = (n * (m / (n + m))).round_ties_even().max(1.0);
    KolmogorovSmirnov { distance, p: two_sided_above(size, distance) }
}

/// The largest sample for which Smirnov's sum is formed; beyond it by its limit, whose
/// error is then below a millionth where the probability is above 1e-9.
const SUMMED: f64 = 1e6;

/// The probability that the two-sided Kolmogorov–Smirnov statistic of `n` observations
/// is at least `d`; n ≥ 1 whole. Which formula is used where follows Simard and L'Ecuyer
/// (2011) with the limits of scipy 1.17.1's kstwo.sf:
///
/// - d ≤ 1/n and d ≥ 1−1/n: Ruben and Gambino's closed forms;
/// - n·d² ≥ 2.2 (4 up to n = 140): twice Smirnov's one-sided probability, a sum of positive
///   terms, each in logarithms;
/// - small n or d: Durbin's matrix; otherwise Pelz and Good's series. Both give the
///   distribution function, of which little is lost when it is taken from 1, as the
///   probability is above 1e-3 there.
pub fn two_sided_above(n: f64, d: f64) -> f64 {
    let t = n * d;
    let square = t * d;
    let above = if d >= 1.0 {
        0.0
    } else if t <= 0.5 {
        1.0
    } else if t <= 1.0 {
        1.0 - (ln_factorial_over_power(n) + n * (2.0 * t - 1.0).ln()).exp()
    } else if t >= n - 1.0 {
        2.0 * (1.0 - d).powf(n)
    } else if d >= 0.5 || square >= if n <= 140.0 { 4.0 } else { 2.2 } {
        2.0 * one_sided_above(n, d)
    } else if n <= 140.0 || (n <= 1e5 && n * d.powf(1.5) <= 1.4) {
        1.0 - durbin::below(n, d)
    } else {
        1.0 - pelz_good::below(n, d)
    };
    above.clamp(0.0, 1.0)
}

/// ln(n!/n^n): factor by factor while n is small, and by Stirling's series beyond, in
/// which n·ln(n) has cancelled on paper.
fn ln_factorial_over_power(n: f64) -> f64 {
    if n <= 140.0 {
        return (1..=n as u64).map(|i| (i as f64 / n).ln()).sum();
    }
    let correction = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3));
    correction - n + 0.5 * (LN_2 + PI.ln() + n.ln())
}

/// The probability that the one-sided statistic is at least `d` (Smirnov 1944): the sum of
/// C(n,j)·(d+j/n)^(j−1)·(1−d−j/n)^(n−j)·d over j ≤ n(1−d). Each term is a
/// binomial probability at the chance d+j/n, times d/(d+j/n).
fn one_sided_above(n: f64, d: f64) -> f64 {
    // Below the smallest double in any case: Massart (1990), P ≤ exp(−2nd²).
    if n * d * d > 373.0 {
        return 0.0;
    }
    if n > SUMMED {
        return (-(6.0 * n * d + 1.0).powi(2) / (18.0 * n)).exp();
    }
    let last = (n * (1.0 - d)).floor() as u64;
    let term = |j: u64| {
        let j = j as f64;
        let p = d + j / n;
        let q = (n - j) / n - d;
        if q <= 0.0 { 0.0 } else { ln_probability(j, n, p, q).exp() * (d / p) }
    };
    (0..=last).map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_of_the_statistic_is_scipys() {
        // scipy 1.17.1: stats.kstwo.sf(d, n)
        let rows = [
            (34723.0, 0.0165590803351, 1.0612395611007898e-08),
            (1.0, 0.7, 0.6000000000000001),
            (5.0, 0.15, 0.9988),
            (5.0, 0.3, 0.664),
            (5.0, 0.45, 0.19399374999999963),
            (5.0, 0.9, 1.9999999999999978e-05),
            (20.0, 0.1, 0.976255094592155),
            (20.0, 0.2, 0.352720173623415),
            (20.0, 0.3, 0.04306706665851623),
            (20.0, 0.45, 0.00032446411409554644),
            (100.0, 0.06, 0.8428847956274123),
            (100.0, 0.09, 0.37063202558632835),
            (100.0, 0.13, 0.06209234069876253),
            (100.0, 0.25, 5.408871776434847e-06),
            (140.0, 0.1, 0.11353657290090946),
            (141.0, 0.1, 0.11128445516467944),
            (141.0, 0.05, 0.854845693009663),
            (141.0, 0.003, 1.0),
            (141.0, 0.0051, 1.0),
            (500.0, 0.02, 0.9859871786857471),
            (500.0, 0.05, 0.15866260223815387),
            (500.0, 0.08, 0.0031305058199356268),
            (5000.0, 0.006, 0.9933190457003288),
            (5000.0, 0.01, 0.6954557253913853),
            (5000.0, 0.015, 0.20846142096186204),
            (5000.0, 0.03, 0.00024159234422666817),
            (5000.0, 0.5, 0.0),
            (5000.0, 0.9999, 0.0),
            (100000.0, 0.0005, 1.0),
            (100000.0, 0.002, 0.8178408363081542),
            (100000.0, 0.005, 0.013430824977799608),
            (100000.0, 0.01, 4.093278023549254e-09),
            (1000000.0, 0.001, 0.26982107442589376),
            (1000000.0, 0.002, 0.0006700277103670718),
            (10000000.0, 0.0004, 0.08149715188450257),
        ];
        for (n, d, wanted) in rows {
            let found = two_sided_above(n, d);
            assert!((found - wanted).abs() <= 1e-9 * wanted, "({n}, {d}): {found} is not {wanted}");
        }
    }
}
