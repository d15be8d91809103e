//! Statistics on what was measured: distances, tests, charts, sequential alarms,
//! fairness, quantiles, and verdicts that a person can act on.
//!
//! Everything here is a pure function of aggregates: no row is needed. Input is
//! typed so that nonsense cannot be constructed, hence the functions themselves
//! mostly cannot fail, and no valid input gives a NaN or an infinity. Distribution
//! functions come from statrs (maintained, pure Rust); where it has none
//! ([`kolmogorov`], [`evidence`]) or loses accuracy on large samples
//! ([`distribution`]), they are computed here.

mod binomial;
pub mod chart;
pub mod confusion;
pub mod contingency;
pub mod counts;
pub mod detector;
pub mod distance;
pub mod distribution;
pub mod evidence;
pub mod fairness;
pub mod kolmogorov;
pub mod moments;
pub mod page_hinkley;
pub mod quantile;
pub mod rate;
pub mod transport;
pub mod usage;
pub mod verdict;

/// Why input has no statistic.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InputError {
    /// A histogram without bins.
    #[error("there are no bins; give at least one")]
    NoBins,
    /// A histogram without observations.
    #[error("all bins are empty; at least one observation is needed")]
    NoObservations,
    /// Counts beyond what a double tells apart.
    #[error("the counts add up to more than 2^53-1")]
    TooMany,
    /// Two histograms that do not fit each other.
    #[error("the reference has {reference} bins and the current sample {current}; use the same bins")]
    BinsDiffer {
        /// Bins of the reference.
        reference: usize,
        /// Bins of the current sample.
        current: usize,
    },
    /// Edges that are not finite and strictly increasing.
    #[error("edge {index} is not a finite number above the one before it")]
    Edges {
        /// Index of the first offender.
        index: usize,
    },
    /// Edges that do not fit their counts.
    #[error("{edges} edges make {} bins, and there are {bins} counts", edges + 1)]
    EdgesDiffer {
        /// Number of edges.
        edges: usize,
        /// Number of counts.
        bins: usize,
    },
    /// A bin that is empty where the expected count is divided by.
    #[error("bin {bin} is empty in the reference, so nothing is expected there; use the contingency test")]
    NothingExpected {
        /// Index of the bin.
        bin: usize,
    },
    /// A number outside of its range.
    #[error("{argument} is {value}; {allowed}")]
    OutOfRange {
        /// Which argument.
        argument: &'static str,
        /// What it is.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Too few values.
    #[error("{found} {what} are too few; at least {least} are needed")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many are needed.
        least: u64,
    },
    /// Sketches of different accuracy cannot be merged.
    #[error("sketches of relative accuracy {one} and {other} cannot be merged; record them alike")]
    AccuracyDiffers {
        /// Accuracy of one.
        one: f64,
        /// Accuracy of the other.
        other: f64,
    },
}

/// The largest count: beyond it a double no longer tells neighbours apart.
pub(crate) const MAX_COUNT: u64 = (1 << 53) - 1;

/// A number that has to satisfy a condition.
fn within(argument: &'static str, value: f64, fits: bool, allowed: &'static str) -> Result<f64, InputError> {
    if fits && value.is_finite() {
        Ok(value)
    } else {
        Err(InputError::OutOfRange { argument, value, allowed })
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod reference;
