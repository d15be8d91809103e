//! The Wasserstein distance on bins of a number.

use super::{
    InputError,
    counts::{Edges, Pair},
    within,
};

/// The smallest deviation that a distance is divided by, as in Evidently 0.7.23.
const LEAST_DEVIATION: f64 = 0.001;

/// Wasserstein-1 (earth mover's) distance, Σ|cumP−cumQ|·width over the bins between finite
/// edges, in the unit of the edges; not negative. P and Q accumulate through each bin. The two open bins have
/// no width and add nothing of their own, and what moves within a bin is not seen, so the distance of
/// raw data within the edges differs by less than the widest bin. Equal to
/// scipy.stats.wasserstein_distance on data that lie on the lower edges of their bins, such as
/// whole numbers in bins of width 1.
pub fn wasserstein(pair: &Pair, edges: &Edges) -> Result<f64, InputError> {
    edges.fit(pair.bins())?;
    let cumulative = pair.reference().cumulative_shares().into_iter().zip(pair.current().cumulative_shares());
    let gaps = cumulative.map(|(p, q)| (p - q).abs());
    let widths = edges.values().windows(2).map(|pair| pair[1] - pair[0]);
    let distance: f64 = gaps.skip(1).zip(widths).map(|(gap, width)| gap * width).sum();
    within("distance", distance, true, "the edges lie too far apart for a number to hold")
}

/// A Wasserstein distance in units of the reference's standard deviation, which is taken to
/// be at least 0.001, as Evidently 0.7.23 does; both not negative.
pub fn normalised(distance: f64, deviation: f64) -> Result<f64, InputError> {
    let deviation = within("deviation", deviation, deviation >= 0.0, "it is a finite number not below 0")?;
    let distance = within("distance", distance, distance >= 0.0, "it is a finite number not below 0")?;
    let value = distance / deviation.max(LEAST_DEVIATION);
    within("distance", value, true, "it is too large for a number to hold when it is normalised")
}
