//! Explicit buckets: they give an interval for a quantile and never a number.

use super::{Above, Cell, InputError, find};
use crate::domain::statistics::counts::{Counts, Edges};

/// Where a value certainly lies; an open end is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// At least this.
    pub low: Option<f64>,
    /// Below this.
    pub high: Option<f64>,
}

fn cells<'a>(counts: &'a Counts, edges: &'a Edges) -> Result<impl Iterator<Item = Cell> + 'a, InputError> {
    edges.fit(counts.bins().len())?;
    let lows = std::iter::once(f64::NEG_INFINITY).chain(edges.values().iter().copied());
    let highs = edges.values().iter().copied().chain(std::iter::once(f64::INFINITY));
    let bins = counts.bins().iter().copied();
    Ok(lows.zip(highs).zip(bins).map(|((low, high), count)| Cell { low, high, count, open: false }))
}

/// The bin in which the q-quantile lies, 0 ≤ q ≤ 1: certain, and all that such bins tell. The bins are
/// those of a recorded histogram, lower edge inclusive.
pub fn explicit_quantile(counts: &Counts, edges: &Edges, q: f64) -> Result<Interval, InputError> {
    let cell = find(cells(counts, edges)?, q, counts.total())?;
    let closed = |end: f64| end.is_finite().then_some(end);
    Ok(Interval { low: closed(cell.low), high: closed(cell.high) })
}

/// How many observations lie above a finite limit, such as an objective for latency.
pub fn explicit_share_above(counts: &Counts, edges: &Edges, limit: f64) -> Result<Above, InputError> {
    let limit = super::within("limit", limit, true, "it is a finite number")?;
    Ok(Above::over(cells(counts, edges)?, limit))
}
