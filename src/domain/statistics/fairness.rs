//! Group fairness from confusion tables. Groups that are too small say nothing and are left
//! out and listed: one person makes any ratio.

pub use super::confusion::Measure;
use super::{
    InputError, MAX_COUNT,
    confusion::Confusion,
    distribution::normal_within,
    rate::{Proportion, TwoProportions, newcombe, two_proportions},
};
use crate::domain::evaluation::point;
use std::collections::BTreeSet;

/// The usual size below which a group is left out.
pub const MINIMUM_GROUP: u64 = 30;

/// Confusion counts of one group: at least one observation, at most 2^53-1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    name: String,
    counts: Confusion,
}

impl Group {
    /// Predicted positive and truly so, predicted positive wrongly, predicted negative and truly so,
    /// predicted negative wrongly.
    pub fn new(name: String, tp: u64, fp: u64, tn: u64, fn_: u64) -> Result<Self, InputError> {
        let (true_positives, false_positives, true_negatives, false_negatives) = (tp, fp, tn, fn_);
        Group::of(name, Confusion { true_positives, false_positives, true_negatives, false_negatives })
    }

    fn of(name: String, counts: Confusion) -> Result<Self, InputError> {
        match counts.total() {
            0 => Err(InputError::NoObservations),
            total if total <= MAX_COUNT => Ok(Group { name, counts }),
            _ => Err(InputError::TooMany),
        }
    }

    /// The group's code.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Observations of the group.
    pub fn size(&self) -> u64 {
        self.counts.total()
    }

    /// A rate of the group; `None` if nobody could have had it.
    pub fn rate(&self, measure: Measure) -> Option<Proportion> {
        self.counts.rate(measure)
    }
}

impl TryFrom<point::ConfusionCounts> for Group {
    type Error = InputError;

    fn try_from(counts: point::ConfusionCounts) -> Result<Self, InputError> {
        let measured = Confusion::from(&counts);
        Group::of(counts.group, measured)
    }
}

/// The rate of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRate {
    /// The group's code.
    pub group: String,
    /// Its rate.
    pub rate: Proportion,
}

/// How far groups lie apart in one rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// Which rate.
    pub measure: Measure,
    /// The group with the lowest rate.
    pub lowest: GroupRate,
    /// The group with the highest rate.
    pub highest: GroupRate,
    /// Highest less lowest, 0–1.
    pub difference: f64,
    /// Newcombe's interval of the difference at 95 %.
    pub difference_interval: (f64, f64),
    /// Lowest over highest, 0–1; 1 when all are 0.
    pub ratio: f64,
    /// The interval of the ratio at 95 %, by its logarithm (Katz et al. 1978), with half an observation
    /// added (Walter 1975) where a rate is 0, and then from 0 on;
    /// 0–1, all that is possible, when all are 0.
    pub ratio_interval: (f64, f64),
    /// Whether lowest and highest differ. They were picked as extremes of all groups, so `p` is
    /// multiplied by the number of pairs (Bonferroni).
    pub test: TwoProportions,
}

impl Gap {
    fn of(measure: Measure, groups: &[&Group]) -> Option<Self> {
        let rate =
            |group: &&Group| group.rate(measure).map(|rate| GroupRate { group: group.name.clone(), rate });
        let mut rates: Vec<GroupRate> = groups.iter().filter_map(rate).collect();
        if rates.len() < 2 {
            return None;
        }
        let pairs = (rates.len() * (rates.len() - 1) / 2) as f64;
        rates.sort_by(|a, b| a.rate.share().total_cmp(&b.rate.share()));
        let highest = rates.pop()?;
        let lowest = rates.into_iter().next()?;
        let (low, high) = (lowest.rate, highest.rate);
        let mut test = two_proportions(&low, &high);
        test.p = (test.p * pairs).min(1.0);
        let ratio = if high.k() == 0 { 1.0 } else { low.share() / high.share() };
        Some(Gap {
            measure,
            difference: high.share() - low.share(),
            difference_interval: newcombe(&high, &low, LEVEL),
            ratio,
            ratio_interval: ratio_interval(&low, &high),
            test,
            lowest,
            highest,
        })
    }
}

/// The level of intervals.
const LEVEL: f64 = 0.95;

fn ratio_interval(low: &Proportion, high: &Proportion) -> (f64, f64) {
    if high.k() == 0 {
        return (0.0, 1.0);
    }
    let add = if low.k() == 0 { 0.5 } else { 0.0 };
    let of = |rate: &Proportion| (rate.k() as f64 + add, rate.n() as f64 + add);
    let ((k1, n1), (k2, n2)) = (of(low), of(high));
    let centre = (k1 / n1).ln() - (k2 / n2).ln();
    let variance = (1.0 / k1 - 1.0 / n1) + (1.0 / k2 - 1.0 / n2);
    let half = normal_within(LEVEL) * variance.max(0.0).sqrt();
    let below = if low.k() == 0 { 0.0 } else { (centre - half).exp() };
    (below, (centre + half).min(700.0).exp())
}

/// How fair a model is to groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Fairness {
    /// Groups that were compared.
    pub considered: Vec<String>,
    /// Groups below the minimum size, with their sizes.
    pub excluded: Vec<(String, u64)>,
    /// The minimum size.
    pub minimum: u64,
    /// Observations in the groups that were compared.
    pub n: u64,
    /// Gap of the selection rate: demographic parity. `None` with fewer than two groups; so below.
    pub demographic_parity: Option<Gap>,
    /// Gap of the true positive rate.
    pub equal_opportunity: Option<Gap>,
    /// Gap of the false positive rate.
    pub false_positive_rate: Option<Gap>,
    /// Gap of the accuracy.
    pub accuracy: Option<Gap>,
    /// Accuracy over all groups, also those that are too small to be compared.
    pub overall_accuracy: Proportion,
}

impl Fairness {
    /// The gap of a measure.
    pub fn gap(&self, measure: Measure) -> Option<&Gap> {
        match measure {
            Measure::Selection => self.demographic_parity.as_ref(),
            Measure::TruePositive => self.equal_opportunity.as_ref(),
            Measure::FalsePositive => self.false_positive_rate.as_ref(),
            Measure::Accuracy => self.accuracy.as_ref(),
        }
    }

    /// Equalized odds: the larger difference and the smaller ratio of the true positive and the false
    /// positive rate (Hardt et al. 2016), as fairlearn computes them.
    pub fn equalized_odds(&self) -> Option<(f64, f64)> {
        let (tpr, fpr) = (self.equal_opportunity.as_ref()?, self.false_positive_rate.as_ref()?);
        Some((tpr.difference.max(fpr.difference), tpr.ratio.min(fpr.ratio)))
    }
}

/// Compares groups with distinct codes, leaving out those below `minimum` observations. Equal to fairlearn
/// 0.15's demographic_parity_*, equal_opportunity_* and equalized_odds_* over the same groups, where each
/// has both truly positive and truly negative cases; fairlearn takes the rate of a group that has none for 0,
/// here it is not compared.
pub fn compare(groups: &[Group], minimum: u64) -> Result<Fairness, InputError> {
    let names: BTreeSet<&str> = groups.iter().map(Group::name).collect();
    if names.len() < groups.len() || groups.is_empty() {
        let (what, found) = ("different groups", names.len() as u64);
        return Err(InputError::TooFew { what, found, least: groups.len().max(1) as u64 });
    }
    let (large, small): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|group| group.size() >= minimum);
    let all = groups.iter().fold(Confusion::default(), |all, group| all.merge(&group.counts));
    Ok(Fairness {
        considered: large.iter().map(|group| group.name.clone()).collect(),
        excluded: small.iter().map(|group| (group.name.clone(), group.size())).collect(),
        minimum,
        n: large.iter().map(|group| group.size()).fold(0, u64::saturating_add),
        demographic_parity: Gap::of(Measure::Selection, &large),
        equal_opportunity: Gap::of(Measure::TruePositive, &large),
        false_positive_rate: Gap::of(Measure::FalsePositive, &large),
        accuracy: Gap::of(Measure::Accuracy, &large),
        overall_accuracy: all.rate(Measure::Accuracy).ok_or(InputError::TooMany)?,
    })
}
