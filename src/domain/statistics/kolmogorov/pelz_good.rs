//! The distribution of the two-sided statistic of large samples by the series of Pelz
//! and Good (1976), whose error falls with n².

use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// The probability that the statistic of `n` observations is below `d`; n > 140,
/// n·d² < 18. Each K is a sum over whole or half numbers whose terms fall with
/// exp(−π²k²/2z²); the corner cases of small z are 0, as their terms are.
pub(super) fn below(n: f64, d: f64) -> f64 {
    let root = n.sqrt();
    let z = root * d;
    let exponent = |k: f64| (-PI * PI * k * k / (2.0 * z * z)).exp();
    // Beyond this many terms exp is 0 for the largest z there is.
    let halves = || (0..48).map(|k| f64::from(k) + 0.5);
    let wholes = || (1..48).map(f64::from);
    let [z2, z4, z6, z8] = [2, 4, 6, 8].map(|power| z.powi(power));
    // Both signs of k give the same term.
    let over_halves =
        |f: &dyn Fn(f64) -> f64| 2.0 * halves().map(|k| f((PI * k).powi(2)) * exponent(k)).sum::<f64>();
    let over_wholes =
        |f: &dyn Fn(f64) -> f64| 2.0 * wholes().map(|k| f((PI * k).powi(2)) * exponent(k)).sum::<f64>();
    let scale = FRAC_PI_2.sqrt();
    let k0 = TAU.sqrt() / z * (over_halves(&|_| 1.0) / 2.0);
    let k1 = scale / (6.0 * z4) * over_halves(&|a| a - z2);
    let k2 = scale / (72.0 * z.powi(7))
        * over_halves(&|a| 6.0 * z6 + 2.0 * z4 + a * (2.0 * z4 - 5.0 * z2) + a * a * (1.0 - 2.0 * z2))
        - scale / (36.0 * z.powi(3)) * over_wholes(&|a| a);
    let k3 = scale / (6480.0 * z.powi(10))
        * over_halves(&|a| {
            a.powi(3) * (5.0 - 30.0 * z2) + a * a * (212.0 * z4 - 60.0 * z2) + a * (135.0 * z4 - 96.0 * z6)
                - 30.0 * z6
                - 90.0 * z8
        })
        + scale / (216.0 * z6) * over_wholes(&|a| 3.0 * a * z2 - a * a);
    k0 + k1 / root + k2 / n + k3 / (n * root)
}
