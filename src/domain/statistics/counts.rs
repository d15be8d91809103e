//! Counts in bins: one sample, and a reference beside a current sample.

use super::{InputError, MAX_COUNT};

/// Observations in each bin: at least one bin, at least one observation, at most
/// 2^53-1 of them, so that a double holds every sum exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    bins: Vec<u64>,
    total: u64,
}

impl Counts {
    /// Counts of the bins in their order.
    pub fn new(bins: Vec<u64>) -> Result<Self, InputError> {
        if bins.is_empty() {
            return Err(InputError::NoBins);
        }
        let total = bins.iter().try_fold(0u64, |sum, count| sum.checked_add(*count));
        match total {
            Some(0) => Err(InputError::NoObservations),
            Some(total) if total <= MAX_COUNT => Ok(Counts { bins, total }),
            _ => Err(InputError::TooMany),
        }
    }

    /// The counts.
    pub fn bins(&self) -> &[u64] {
        &self.bins
    }

    /// Observations in all bins; at least 1.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The share of each bin, 0–1.
    pub fn shares(&self) -> Vec<f64> {
        self.bins.iter().map(|count| *count as f64 / self.total as f64).collect()
    }

    /// The share at or below each bin; the last is 1. Sums are of whole numbers, so
    /// there is nothing to lose.
    pub fn cumulative_shares(&self) -> Vec<f64> {
        let below = self.bins.iter().scan(0u64, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        below.map(|sum| sum as f64 / self.total as f64).collect()
    }

    /// The same with empty bins at the end, so that there are at least so many.
    #[must_use]
    pub fn widened(mut self, bins: usize) -> Counts {
        self.bins.resize(bins.max(self.bins.len()), 0);
        self
    }

    /// The counts of two samples in the same bins, added.
    pub fn merge(&self, other: &Counts) -> Result<Counts, InputError> {
        same_bins(self, other)?;
        Counts::new(self.bins.iter().zip(&other.bins).map(|(a, b)| a + b).collect())
    }
}

fn same_bins(reference: &Counts, current: &Counts) -> Result<(), InputError> {
    let (reference, current) = (reference.bins.len(), current.bins.len());
    if reference == current { Ok(()) } else { Err(InputError::BinsDiffer { reference, current }) }
}

/// Whether neighbouring bins hold neighbouring values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Bins of a number: only neighbours are merged.
    Ordered,
    /// Codes: any may be merged.
    Unordered,
}

/// A reference and a current sample in the same bins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    reference: Counts,
    current: Counts,
}

impl Pair {
    /// Two samples with the same number of bins.
    pub fn new(reference: Counts, current: Counts) -> Result<Self, InputError> {
        same_bins(&reference, &current)?;
        Ok(Pair { reference, current })
    }

    /// What is compared with.
    pub fn reference(&self) -> &Counts {
        &self.reference
    }

    /// What is compared.
    pub fn current(&self) -> &Counts {
        &self.current
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.reference.bins.len()
    }

    /// The two the other way round.
    pub fn swapped(&self) -> Pair {
        Pair { reference: self.current.clone(), current: self.reference.clone() }
    }

    /// Shares of both, bin by bin.
    pub fn shares(&self) -> Vec<(f64, f64)> {
        self.reference.shares().into_iter().zip(self.current.shares()).collect()
    }

    /// Merges bins until the smaller sample is expected to hold at least `least`
    /// observations in each, as far as one bin; the expectation is the share of a bin
    /// in both samples together times the smaller size. Bins of a number are joined with the
    /// smaller neighbour, codes with the next larger. Merging can only lower a distance, and
    /// the χ² approximation behind its limit needs such bins (Cochran 1954).
    pub fn merged(&self, least: f64, order: Order) -> Pair {
        let mut bins: Vec<(u64, u64)> =
            self.reference.bins.iter().copied().zip(self.current.bins.iter().copied()).collect();
        if order == Order::Unordered {
            bins.sort_by_key(|(a, b)| a + b);
        }
        let all = (self.reference.total + self.current.total) as f64;
        let smaller = self.reference.total.min(self.current.total) as f64;
        let expected = |(a, b): (u64, u64)| smaller * ((a + b) as f64 / all);
        while bins.len() > 1 {
            let Some(at) = smallest(&bins).filter(|at| expected(bins[*at]) < least) else { break };
            let (a, b) = bins.remove(at);
            let at = match order {
                Order::Ordered => smaller_neighbour(&bins, at),
                Order::Unordered => 0,
            };
            bins[at] = (bins[at].0 + a, bins[at].1 + b);
            if order == Order::Unordered {
                bins.sort_by_key(|(a, b)| a + b);
            }
        }
        let (reference, current) = bins.into_iter().unzip();
        Pair {
            reference: Counts { bins: reference, total: self.reference.total },
            current: Counts { bins: current, total: self.current.total },
        }
    }
}

fn smallest(bins: &[(u64, u64)]) -> Option<usize> {
    bins.iter().enumerate().min_by_key(|(_, (a, b))| a + b).map(|(at, _)| at)
}

/// Which of the neighbours of a bin removed from `at` holds less.
fn smaller_neighbour(bins: &[(u64, u64)], at: usize) -> usize {
    let size = |at: usize| bins.get(at).map(|(a, b)| a + b);
    match (at.checked_sub(1), size(at)) {
        (Some(before), Some(after)) if size(before).is_some_and(|before| before > after) => at,
        (Some(before), _) => before,
        (None, _) => 0,
    }
}

/// Edges of bins of a number: finite, strictly increasing, at least one. Bins lie
/// below the first, between neighbours (lower edge inclusive) and from the last on.
#[derive(Clone, Debug, PartialEq)]
pub struct Edges(Vec<f64>);

impl Edges {
    /// Edges in their order.
    pub fn new(edges: Vec<f64>) -> Result<Self, InputError> {
        if edges.is_empty() {
            return Err(InputError::NoBins);
        }
        let offends = |index: usize| {
            let edge = edges[index];
            !edge.is_finite() || (index > 0 && edges[index - 1] >= edge)
        };
        match (0..edges.len()).find(|index| offends(*index)) {
            Some(index) => Err(InputError::Edges { index }),
            None => Ok(Edges(edges)),
        }
    }

    /// The edges.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Checks that there is one count more than edges.
    pub fn fit(&self, bins: usize) -> Result<(), InputError> {
        let edges = self.0.len();
        if edges + 1 == bins { Ok(()) } else { Err(InputError::EdgesDiffer { edges, bins }) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pair(reference: &[u64], current: &[u64]) -> Pair {
        Pair::new(Counts::new(reference.to_vec()).unwrap(), Counts::new(current.to_vec()).unwrap()).unwrap()
    }

    #[test]
    fn nonsense_cannot_be_constructed() {
        assert_eq!(Counts::new(vec![]), Err(InputError::NoBins));
        assert_eq!(Counts::new(vec![0, 0]), Err(InputError::NoObservations));
        assert_eq!(Counts::new(vec![u64::MAX, 1]), Err(InputError::TooMany));
        assert_eq!(Counts::new(vec![MAX_COUNT, 1]), Err(InputError::TooMany));
        assert!(Counts::new(vec![MAX_COUNT]).is_ok());
        let (two, three) = (Counts::new(vec![1, 2]).unwrap(), Counts::new(vec![1, 2, 3]).unwrap());
        assert_eq!(Pair::new(two, three), Err(InputError::BinsDiffer { reference: 2, current: 3 }));
        for (edges, index) in [
            (vec![f64::NAN], 0),
            (vec![1.0, 1.0], 1),
            (vec![1.0, 2.0, 1.5], 2),
            (vec![0.0, f64::INFINITY], 1),
        ] {
            assert_eq!(Edges::new(edges), Err(InputError::Edges { index }));
        }
        assert_eq!(Edges::new(vec![1.0]).unwrap().fit(3), Err(InputError::EdgesDiffer { edges: 1, bins: 3 }));
    }

    #[test]
    fn bins_of_a_number_are_merged_with_a_neighbour_and_codes_with_the_smallest() {
        let pair = pair(&[50, 1, 2, 47], &[50, 2, 1, 47]);
        let ordered = pair.merged(5.0, Order::Ordered);
        assert_eq!(ordered.reference().bins(), [50, 50]);
        let unordered = pair.merged(3.0, Order::Unordered);
        assert_eq!(unordered.reference().bins(), [3, 47, 50]);
        assert_eq!(unordered.current().total(), 100);
        assert_eq!(pair.merged(1e9, Order::Ordered).bins(), 1);
        assert_eq!(pair.merged(1.0, Order::Ordered), pair);
    }
}
