//! The logarithm of binomial probabilities, precise for any size.
//!
//! The factorials of large numbers cancel almost wholly in a binomial probability. The
//! saddle-point form of Loader (2000), "Fast and accurate computation of binomial
//! probabilities", never forms them: it loses no digits, up to 2^53-1 trials.

use statrs::function::factorial::ln_factorial;
use std::f64::consts::PI;

/// ln of the probability of `k` in `n` trials with chances `p` and `q` = 1 − p; 0 ≤ k ≤ n,
/// 0 < p < 1. `q` is given beside `p`, as the caller may know it more precisely than 1 − p.
pub(super) fn ln_probability(k: f64, n: f64, p: f64, q: f64) -> f64 {
    if k == 0.0 {
        return n * ln_from_complement(q, p);
    }
    if k == n {
        return n * ln_from_complement(p, q);
    }
    let rest = n - k;
    let factorials = stirling_error(n) - stirling_error(k) - stirling_error(rest);
    let size = 0.5 * (n / (2.0 * PI * k) / rest).ln();
    factorials - deviance(k, n * p) - deviance(rest, n * q) + size
}

/// ln(x), where `complement` = 1 − x.
pub(super) fn ln_from_complement(x: f64, complement: f64) -> f64 {
    if complement < 0.5 { (-complement).ln_1p() } else { x.ln() }
}

/// ln(n!) less Stirling's approximation to it, for whole n ≥ 1.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        return ln_factorial(n as u64) - ((n + 0.5) * n.ln() - n + 0.5 * (2.0 * PI).ln());
    }
    let square = n * n;
    let tail = 1.0 / 1680.0 - 1.0 / (1188.0 * square);
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - tail / square) / square) / square) / n
}

/// x·ln(x/m) + m − x for x, m > 0: not negative; by a series where x is close to m.
fn deviance(x: f64, m: f64) -> f64 {
    let gap = x - m;
    if gap.abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = gap / (x + m);
    let (mut sum, mut power) = (gap * v, 2.0 * x * v);
    for odd in (3..1000).step_by(2) {
        power *= v * v;
        let next = sum + power / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_of_a_binomial_probability_is_that_of_exact_arithmetic() {
        // Python's decimal, 60 digits: ln C(n,k) + k·ln p + (n−k)·ln(1−p)
        for (k, n, p, wanted) in BINOMIAL {
            let found = ln_probability(k, n, p, 1.0 - p);
            assert!((found / wanted - 1.0).abs() < 1e-12, "{k} of {n} at {p}: {found} is not {wanted}");
        }
    }

    const BINOMIAL: [(f64, f64, f64, f64); 6] = [
        (18.0, 200.0, 0.05, -5.072635317850549),
        (1.0, 3.0, 0.25, -0.8630462173553428),
        (0.0, 50.0, 0.01, -0.5025167926750721),
        (50.0, 50.0, 0.9, -5.268025782891314),
        (499000.0, 1000000.0, 0.5, -9.133546214959665),
        (30.0, 100000.0, 0.001, -36.52749954534635),
    ];
}
