//! Quantiles and shares from counts in bins, with what is certain about them.
//!
//! The q-quantile of n observations is the one at the rank ⌊q·(n−1)⌋ from 0, in order: an
//! observation, not a number between two (numpy's method `lower`, DDSketch's definition).

mod explicit;
mod sketch;

pub use explicit::{Interval, explicit_quantile, explicit_share_above};
pub use sketch::{Mapping, Quantile, Sketch};

use super::{InputError, within};

/// How many observations lie above a limit. A bin that the limit cuts is uncertain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Above {
    /// So many certainly do.
    pub least: u64,
    /// No more do.
    pub most: u64,
    /// Observations in all.
    pub n: u64,
}

impl Above {
    /// The share above, 0–1: at least and at most.
    pub fn shares(&self) -> (f64, f64) {
        (self.least as f64 / self.n as f64, self.most as f64 / self.n as f64)
    }

    /// The sum over bins in any order, each with its bounds: all of it lies from `low` to `high`.
    fn over(cells: impl Iterator<Item = Cell>, limit: f64) -> Self {
        let mut above = Above { least: 0, most: 0, n: 0 };
        for cell in cells {
            above.n += cell.count;
            above.least += if cell.low > limit || (cell.open && cell.low >= limit) { cell.count } else { 0 };
            above.most += if cell.high > limit { cell.count } else { 0 };
        }
        above
    }
}

/// A bin and what it holds.
#[derive(Clone, Copy, Debug)]
struct Cell {
    low: f64,
    high: f64,
    count: u64,
    /// Whether `low` itself is not in it.
    open: bool,
}

/// The bin that holds the observation at the rank of the quantile, of bins in order that hold `n`.
fn find(cells: impl Iterator<Item = Cell>, q: f64, n: u64) -> Result<Cell, InputError> {
    let q = within("q", q, (0.0..=1.0).contains(&q), "it is from 0 to 1")?;
    let rank = ((q * (n - 1) as f64).floor() as u64).min(n - 1);
    let mut below = 0;
    let mut cells = cells.filter(|cell| cell.count > 0);
    cells
        .find(|cell| {
            below += cell.count;
            below > rank
        })
        .ok_or(InputError::NoObservations)
}
