//! Pearson's χ² on counts, and its effect size.

use super::{InputError, counts::Pair, distribution::chi_squared_above};

/// The outcome of a χ² test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChiSquare {
    /// The statistic; not negative.
    pub statistic: f64,
    /// Degrees of freedom.
    pub freedom: u64,
    /// The probability of a statistic at least as large without any difference; 0–1.
    pub p: f64,
    /// Cramér's V, the effect size: 0 (the same) to 1 (nothing in common). It does
    /// not grow with the samples, as the statistic does.
    pub cramers_v: f64,
}

impl ChiSquare {
    fn new(statistic: f64, bins: usize, observations: f64) -> Self {
        let freedom = bins.saturating_sub(1) as u64;
        ChiSquare {
            statistic,
            freedom,
            p: chi_squared_above(statistic, freedom as f64),
            cramers_v: (statistic / observations).sqrt().min(1.0),
        }
    }
}

/// χ² of the 2×B table of both samples, which takes both as uncertain; without
/// Yates' correction. Bins that are empty in both say nothing and are left out.
/// Cramér's V = sqrt(χ²/(n+m)), as the smaller side of the table is 2. Equal to
/// scipy.stats.chi2_contingency(correction=False). NannyML 0.13.1 gives the same for three bins or more; for
/// two it corrects as Yates did.
///
/// With two rows the statistic is nm·Σ(P−Q)²/(a+b), where a+b is the count of the bin in
/// both: a sum of squares, in which nothing cancels.
pub fn contingency(pair: &Pair) -> ChiSquare {
    let (n, m) = (pair.reference().total() as f64, pair.current().total() as f64);
    let counts = pair.reference().bins().iter().zip(pair.current().bins());
    let both: Vec<u64> = counts.map(|(a, b)| a + b).collect();
    let terms = pair.shares().into_iter().zip(&both).filter(|(_, both)| **both > 0);
    let sum: f64 = terms.map(|((p, q), both)| (p - q).powi(2) / *both as f64).sum();
    let used = both.iter().filter(|both| **both > 0).count();
    ChiSquare::new(n * m * sum, used, n + m)
}

/// χ² of the current sample against the reference scaled to its size, Σ(O−E)²/E, which
/// takes the reference for exact, and so finds more differences than there are where the
/// reference is not much larger. Bins that are empty in both are left out; a bin that is
/// empty in the reference alone has no statistic. Equal to scipy.stats.chisquare as
/// Evidently 0.7.23 calls it. Cramér's V here is Cohen's w, cut at 1.
pub fn goodness_of_fit(pair: &Pair) -> Result<ChiSquare, InputError> {
    let m = pair.current().total() as f64;
    let (mut sum, mut used) = (0.0, 0);
    for (bin, (p, q)) in pair.shares().into_iter().enumerate() {
        if p > 0.0 {
            sum += (q - p).powi(2) / p;
            used += 1;
        } else if q > 0.0 {
            return Err(InputError::NothingExpected { bin });
        }
    }
    Ok(ChiSquare::new(m * sum, used, m))
}
