//! The e-process of a one-shot gate: how much a sample speaks for "the rate is above
//! the limit".

use super::{
    InputError,
    binomial::{ln_from_complement, ln_probability},
    rate::Proportion,
    within,
};

/// The largest sample taken: the continued fraction below needs up to √n steps.
const LARGEST_SAMPLE: u64 = 1_000_000_000_000;

/// ln E of "the rate is above `limit`", where the alternative is spread evenly over all rates
/// above it:
///
/// ln E = betaln(K+1, N−K+1) + ln(1−I_p0(K+1, N−K+1)) − ln(1−p0) − K·ln p0 − (N−K)·ln(1−p0)
///
/// While the rate is at most the limit, the chance that E ever reaches 1/α is at most α, however
/// often one looks (Ville 1939; Ramdas et al. 2023): reject at E ≥ 1/α. The limit is above 0 and
/// below 1, N at most 10^12.
///
/// Numerical care: the formula subtracts numbers of the size of N from each other. Where the sample
/// lies below the limit, all of them cancel on paper and a continued fraction remains; where it
/// lies above, the binomial probability in saddle-point form does.
pub fn log_e_value(sample: &Proportion, limit: f64) -> Result<f64, InputError> {
    let limit = within("limit", limit, limit > 0.0 && limit < 1.0, "it is above 0 and below 1")?;
    if sample.n() > LARGEST_SAMPLE {
        let (argument, value) = ("n", sample.n() as f64);
        return Err(InputError::OutOfRange { argument, value, allowed: "it is at most 10^12" });
    }
    let (k, n) = (sample.k() as f64, sample.n() as f64);
    let rest = 1.0 - limit;
    if rest < (n - k + 2.0) / (n + 4.0) {
        return Ok(limit.ln() - (n - k + 1.0).ln() + beta_fraction(n - k + 1.0, k + 1.0, rest).ln());
    }
    let probability = ln_probability(k, n, limit, rest);
    let below = (probability + (n + 1.0).ln()).exp() * limit * rest / (k + 1.0)
        * beta_fraction(k + 1.0, n - k + 1.0, limit);
    let log = (-below.min(1.0)).ln_1p() - (n + 1.0).ln() - probability - ln_from_complement(rest, limit);
    within("limit", log, true, "it is too close to 0 or 1 for a number to hold the evidence")
}

/// Whether the evidence reaches 1/α, for a chance α of a false rejection (0 < α ≤ 1).
pub fn rejects(log_e_value: f64, alpha: f64) -> bool {
    log_e_value >= -alpha.clamp(f64::MIN_POSITIVE, 1.0).ln()
}

/// The continued fraction of the incomplete beta function, I_x(a,b)·a·B(a,b)/(x^a(1−x)^b), for
/// x < (a+1)/(a+b+2), evaluated from the front (Lentz 1976; DLMF 8.17.22).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let apart = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / apart(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    // √n steps suffice; the limit is only for safety.
    for step in 1..=4_000_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for coefficient in [even, odd] {
            d = 1.0 / apart(1.0 + coefficient * d);
            c = apart(1.0 + coefficient / c);
            factor *= c * d;
        }
        value *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_evidence_is_that_of_exact_arithmetic() {
        // Python's decimal, 60 digits, the incomplete beta function as a sum of binomial probabilities.
        let rows = [
            (18, 200, 0.05, -0.18553205595097083),
            (0, 1, 0.5, -std::f64::consts::LN_2),
            (0, 200, 0.05, -5.303304908059076),
            (200, 200, 0.05, 593.8944430971267),
            (10, 200, 0.05, -3.7495956609252463),
            (30, 200, 0.05, 11.339128013145874),
            (1, 5000, 0.2, -8.51639367108582),
            (60, 2000, 0.02, -0.19971495399923048),
            (300, 2000, 0.1, 20.664042522009467),
            (250, 2000, 0.1, 2.6039167305353597),
        ];
        for (k, n, limit, wanted) in rows {
            let found = log_e_value(&Proportion::new(k, n).unwrap(), limit).unwrap();
            assert!(
                (found - wanted).abs() < 1e-11 * wanted.abs().max(1.0),
                "{k} of {n}: {found} is not {wanted}"
            );
        }
    }

    #[test]
    fn the_largest_samples_are_weighed_too() {
        let million = 1_000_000_000_000;
        for k in [0, 1, million / 20 - 1_000_000, million / 20, million / 20 + 1_000_000, million] {
            assert!(log_e_value(&Proportion::new(k, million).unwrap(), 0.05).unwrap().is_finite());
        }
        assert!(log_e_value(&Proportion::new(1, million + 1).unwrap(), 0.05).is_err());
    }

    #[test]
    fn evidence_rejects_from_one_over_alpha_on() {
        assert!(rejects(20f64.ln() + 1e-12, 0.05) && !rejects(19.9f64.ln(), 0.05));
    }
}
