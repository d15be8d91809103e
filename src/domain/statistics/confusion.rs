//! Confusion counts: what was predicted beside what is true.

use super::rate::Proportion;
use crate::domain::evaluation::point;

/// Confusion counts of some people; there may be none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Predicted positive, truly positive.
    pub true_positives: u64,
    /// Predicted positive, truly negative.
    pub false_positives: u64,
    /// Predicted negative, truly negative.
    pub true_negatives: u64,
    /// Predicted negative, truly positive.
    pub false_negatives: u64,
}

/// A rate that follows from confusion counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Predicted positive: demographic parity, and the four-fifths rule.
    Selection,
    /// Predicted positive among the truly positive: equal opportunity.
    TruePositive,
    /// Predicted positive among the truly negative.
    FalsePositive,
    /// Predicted rightly.
    Accuracy,
}

impl Confusion {
    /// Everybody. What is more than can be counted stays the largest number, which no
    /// statistic takes.
    pub fn total(&self) -> u64 {
        let Confusion { true_positives, false_positives, true_negatives, false_negatives } = *self;
        [false_positives, true_negatives, false_negatives]
            .iter()
            .fold(true_positives, |sum, count| sum.saturating_add(*count))
    }

    /// The counts of both, of different people; see [`total`](Self::total) for what is too much.
    #[must_use]
    pub fn merge(&self, other: &Confusion) -> Confusion {
        Confusion {
            true_positives: self.true_positives.saturating_add(other.true_positives),
            false_positives: self.false_positives.saturating_add(other.false_positives),
            true_negatives: self.true_negatives.saturating_add(other.true_negatives),
            false_negatives: self.false_negatives.saturating_add(other.false_negatives),
        }
    }

    /// A rate; `None` if nobody could have had it.
    pub fn rate(&self, measure: Measure) -> Option<Proportion> {
        let (tp, fp, tn) = (self.true_positives, self.false_positives, self.true_negatives);
        let (k, n) = match measure {
            Measure::Selection => (tp.saturating_add(fp), self.total()),
            Measure::TruePositive => (tp, tp.saturating_add(self.false_negatives)),
            Measure::FalsePositive => (fp, fp.saturating_add(tn)),
            Measure::Accuracy => (tp.saturating_add(tn), self.total()),
        };
        Proportion::new(k, n).ok()
    }

    /// The same as what is measured of a group.
    pub fn of_group(&self, group: &str) -> point::ConfusionCounts {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        point::ConfusionCounts {
            group: group.to_owned(),
            true_positives: count(self.true_positives),
            false_positives: count(self.false_positives),
            true_negatives: count(self.true_negatives),
            false_negatives: count(self.false_negatives),
        }
    }
}

impl From<&point::ConfusionCounts> for Confusion {
    fn from(counts: &point::ConfusionCounts) -> Self {
        let count = |count: i64| count.max(0).unsigned_abs();
        Confusion {
            true_positives: count(counts.true_positives),
            false_positives: count(counts.false_positives),
            true_negatives: count(counts.true_negatives),
            false_negatives: count(counts.false_negatives),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_nobody_has_no_rate() {
        let one = Confusion { true_positives: 3, false_positives: 1, true_negatives: 5, false_negatives: 1 };
        let both = one.merge(&one);
        assert_eq!(both.total(), 2 * one.total());
        for measure in [Measure::Selection, Measure::TruePositive, Measure::FalsePositive, Measure::Accuracy]
        {
            let share = |counts: &Confusion| counts.rate(measure).map(|rate| rate.share());
            assert_eq!(share(&both), share(&one), "{measure:?}");
            assert_eq!(share(&Confusion::default()), None);
        }
        assert_eq!(one.rate(Measure::TruePositive).map(|rate| (rate.k(), rate.n())), Some((3, 4)));
        assert_eq!(Confusion::from(&both.of_group("a")), both);
    }

    #[test]
    fn what_is_too_much_to_be_counted_has_no_rate() {
        let most = Confusion { true_positives: u64::MAX, true_negatives: 1, ..Confusion::default() };
        assert_eq!((most.merge(&most).total(), most.rate(Measure::Accuracy)), (u64::MAX, None));
    }
}
