//! Distances between two distributions in the same bins.
//!
//! P and Q are the shares of reference and current sample. All sums run over at
//! most a few hundred terms of one sign, or of terms that are formed without
//! cancellation, so plain summation keeps thirteen digits.

use super::counts::{Counts, Pair};

/// The logarithm in which a distance is expressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Bits; distances end at 1. This is what is stored.
    Two,
    /// Nats, as Evidently has them; distances end at sqrt(ln 2).
    E,
}

/// What takes the place of an empty bin, usually.
const FILL: f64 = 1e-4;

/// Shares of both samples whose zeros are filled: with 1e-4, or with a millionth of the
/// smallest other share of the sample where that is 1e-4 or less. Not renormalised. As Evidently
/// 0.7.23 fills them for categories; bins that are empty in both say nothing and are left out.
fn filled(pair: &Pair) -> Vec<(f64, f64)> {
    let (reference, current) = (fill(pair.reference()), fill(pair.current()));
    let or = |share: f64, fill: f64| if share == 0.0 { fill } else { share };
    let used = pair.shares().into_iter().filter(|(p, q)| *p > 0.0 || *q > 0.0);
    used.map(|(p, q)| (or(p, reference), or(q, current))).collect()
}

/// What takes the place of an empty bin of a sample.
fn fill(counts: &Counts) -> f64 {
    let least = counts.shares().into_iter().filter(|share| *share > 0.0).fold(1.0, f64::min);
    if least <= FILL { least / 1e6 } else { FILL }
}

/// Population stability index, Σ(P−Q)·ln(P/Q), with filled zeros: from 0, without an
/// end. Symmetric. Source: Siddiqi 2006; equal to Evidently 0.7.23. Each term is not
/// negative. The logarithm is of 1+(P−Q)/Q, which keeps the digits of small differences.
pub fn population_stability_index(pair: &Pair) -> f64 {
    filled(pair).into_iter().map(|(p, q)| (p - q) * log_ratio(p, q)).sum()
}

/// ln(p/q) for positive shares, precise where they are nearly equal.
fn log_ratio(p: f64, q: f64) -> f64 {
    let gap = p - q;
    if gap.abs() < 0.5 * q { (gap / q).ln_1p() } else { p.ln() - q.ln() }
}

/// Kullback–Leibler divergence of the reference from the current sample,
/// ΣP·ln(P/Q) in nats: from 0, without an end, not symmetric. Zeros are filled as for
/// the PSI and then both are normalised, as Evidently 0.7.23 does by way of
/// scipy.stats.entropy; without empty bins this changes nothing. Summed as
/// Σ(P·ln(P/Q) − P + Q), whose terms are not negative.
pub fn kullback_leibler(pair: &Pair) -> f64 {
    let filled = filled(pair);
    let (all_p, all_q) = filled.iter().fold((0.0, 0.0), |(sum_p, sum_q), (p, q)| (sum_p + p, sum_q + q));
    filled.into_iter().map(|(p, q)| relative_entropy(p / all_p, q / all_q)).sum()
}

/// p·ln(p/q) − p + q for p ≥ 0 and q > 0, or p = 0; never negative.
fn relative_entropy(p: f64, q: f64) -> f64 {
    if p == 0.0 {
        return q;
    }
    (p * log_ratio(p, q) - (p - q)).max(0.0)
}

/// Jensen–Shannon distance, sqrt(½KL(P‖M)+½KL(Q‖M)) with M = (P+Q)/2: 0–1 in base two,
/// 0–sqrt(ln 2) in base e. A metric. Empty bins need no filling. Source: Endres and
/// Schindelin 2003; equal to scipy.spatial.distance.jensenshannon.
pub fn jensen_shannon(pair: &Pair, base: Base) -> f64 {
    let halves = pair.shares().into_iter().map(|(p, q)| {
        let m = p.midpoint(q);
        relative_entropy(p, m) + relative_entropy(q, m)
    });
    let divergence = (halves.sum::<f64>() / 2.0).min(std::f64::consts::LN_2);
    match base {
        Base::Two => (divergence / std::f64::consts::LN_2).sqrt(),
        Base::E => divergence.sqrt(),
    }
}

/// Hellinger distance, sqrt(½Σ(√P−√Q)²): 0–1. A metric. Equal to NannyML 0.13.1 and to
/// Evidently 0.7.23. √P−√Q is formed as (P−Q)/(√P+√Q), which does not cancel.
pub fn hellinger(pair: &Pair) -> f64 {
    let squares = pair.shares().into_iter().map(|(p, q)| {
        let roots = p.sqrt() + q.sqrt();
        if roots == 0.0 { 0.0 } else { ((p - q) / roots).powi(2) }
    });
    (squares.sum::<f64>() / 2.0).sqrt().min(1.0)
}

/// Total variation distance, ½Σ|P−Q|: 0–1. A metric; the share of observations that
/// would have to move. Equal to Evidently 0.7.23's TVD.
pub fn total_variation(pair: &Pair) -> f64 {
    (pair.shares().into_iter().map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0).min(1.0)
}

/// L∞ distance, max|P−Q|: 0–1. The largest change of any one share. Equal to NannyML
/// 0.13.1's and Vertex's for categories.
pub fn l_infinity(pair: &Pair) -> f64 {
    pair.shares().into_iter().map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
}
