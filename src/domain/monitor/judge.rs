//! What a point means beside its baseline: the statistics room's verdicts, with the
//! thresholds of a policy.

use super::{EffectKind, Level, Verdict};
use crate::domain::{
    evaluation::point::{Bins, Confusion, Direction, Histogram, MetricPoint, PointValue, Rate, Usage},
    policy::{PolicyContent, gate::Requirement},
    statistics::{
        counts::{Counts, Order, Pair},
        detector::{Change, Detector},
        fairness::{Group, Measure, compare},
        moments::Moments,
        quantile::Sketch,
        rate::Proportion,
        usage,
        verdict::{self as room, ChangeRule, DistributionRule, FairnessRule},
    },
};

/// Level of the interval whose worse end is the limit of a rate, where the policy
/// names none.
const CONFIDENCE: f64 = 0.95;

/// A verdict, and what the detector remembers then.
pub struct Judged {
    /// None where the two cannot be compared.
    pub verdict: Option<Verdict>,
    /// What is remembered.
    pub detector: Option<Detector>,
}

impl Judged {
    fn of(verdict: Option<room::Verdict>) -> Self {
        Judged { verdict: verdict.map(Verdict::from), detector: None }
    }
}

/// The detector that follows a rate. Its limit is that of the policy's gate on the metric,
/// or the worse end of the baseline's interval, never the estimate itself.
pub fn detector_for(baseline: &MetricPoint, policy: &PolicyContent) -> Option<Detector> {
    let PointValue::Rate(rate) = &baseline.value else { return None };
    let (low, high) = Proportion::try_from(*rate).ok()?.wilson(CONFIDENCE);
    let gate = policy.gates.iter().find(|gate| {
        (&gate.metric, &gate.method, &gate.slice) == (&baseline.metric, &baseline.method, &baseline.slice)
    });
    let (change, limit) = match (baseline.direction, gate.map(|gate| gate.requirement)) {
        (Direction::LowerIsBetter, Some(Requirement::AtMost(limit))) => (Change::Rise, limit),
        (Direction::HigherIsBetter, Some(Requirement::AtLeast(limit))) => (Change::Drop, limit),
        (Direction::LowerIsBetter, _) => (Change::Rise, high),
        (Direction::HigherIsBetter, _) => (Change::Drop, low),
        (Direction::Unspecified, _) => return None,
    };
    Detector::new(change, limit, u64::from(policy.monitoring.points_per_false_alarm)).ok()
}

/// Judges a point beside its baseline.
pub fn judge(
    baseline: &MetricPoint,
    now: &MetricPoint,
    detector: Option<Detector>,
    policy: &PolicyContent,
) -> Judged {
    let (metric, direction) = (now.metric.as_str(), now.direction);
    match (&baseline.value, &now.value) {
        (PointValue::Rate(before), PointValue::Rate(rate)) => {
            judge_rate(metric, direction, *before, *rate, detector)
        }
        (PointValue::Moments(before), PointValue::Moments(moments)) => {
            let pair = Moments::try_from(*before).ok().zip(Moments::try_from(*moments).ok());
            Judged::of(pair.map(|(before, now)| {
                room::judge_mean(metric, &before, &now, direction, &ChangeRule::for_means())
            }))
        }
        (PointValue::Histogram(before), PointValue::Histogram(histogram)) => {
            Judged::of(judge_histogram(metric, before, histogram, policy))
        }
        (PointValue::Confusion(_), PointValue::Confusion(confusion)) => {
            Judged::of(judge_groups(confusion, policy))
        }
        (PointValue::ExponentialHistogram(before), PointValue::ExponentialHistogram(histogram)) => {
            let pair = Sketch::try_from(before).ok().zip(Sketch::try_from(histogram).ok());
            Judged::of(pair.and_then(|(before, now)| room::judge_quantile(metric, &before, &now, direction)))
        }
        (PointValue::Sketch(before), PointValue::Sketch(sketch)) => {
            let pair = Sketch::try_from(before).ok().zip(Sketch::try_from(sketch).ok());
            Judged::of(pair.and_then(|(before, now)| room::judge_quantile(metric, &before, &now, direction)))
        }
        (PointValue::Usage(before), PointValue::Usage(usage)) => {
            Judged::of(judge_cost(metric, before, usage))
        }
        _ => Judged::of(None),
    }
}

fn judge_rate(
    metric: &str,
    direction: Direction,
    baseline: Rate,
    now: Rate,
    mut detector: Option<Detector>,
) -> Judged {
    let pair = Proportion::try_from(baseline).ok().zip(Proportion::try_from(now).ok());
    let verdict = pair.map(|(baseline, now)| {
        let reading = detector.as_mut().map(|detector| detector.update(&now));
        room::judge_rate(metric, &baseline, &now, direction, reading, &ChangeRule::for_rates())
    });
    Judged { detector, ..Judged::of(verdict) }
}

/// Against the bins that were frozen; other bins cannot be compared. Where only one of the two
/// had anything to fold, the other's `OTHER` is empty.
fn judge_histogram(
    metric: &str,
    baseline: &Histogram,
    now: &Histogram,
    policy: &PolicyContent,
) -> Option<room::Verdict> {
    let bins = baseline.bins.joined(&now.bins)?;
    let order = match bins {
        Bins::Numeric { .. } => Order::Ordered,
        Bins::Categorical { .. } => Order::Unordered,
    };
    let in_bins = |list: &[i64]| counts(list).map(|counts| counts.widened(bins.len()));
    let pair = Pair::new(in_bins(&baseline.counts)?, in_bins(&now.counts)?).ok()?;
    let rules = &policy.monitoring;
    let rule = DistributionRule::new(rules.watch_psi, rules.alarm_psi, 0.99, 10.0).ok()?;
    Some(room::judge_distribution(metric, &pair, order, &rule))
}

fn counts(counts: &[i64]) -> Option<Counts> {
    let counts: Option<Vec<u64>> = counts.iter().map(|count| u64::try_from(*count).ok()).collect();
    Counts::new(counts?).ok()
}

/// Groups are compared with each other now, not with what they were.
fn judge_groups(now: &Confusion, policy: &PolicyContent) -> Option<room::Verdict> {
    let groups: Vec<Group> =
        now.groups.iter().filter_map(|group| Group::try_from(group.clone()).ok()).collect();
    let minimum = u64::from(policy.monitoring.minimum_group_size);
    let rule = FairnessRule::new(Measure::Selection, minimum, 0.8, 0.9, 0.05).ok()?;
    let fairness = compare(&groups, rule.minimum()).ok()?;
    Some(room::judge_fairness(&now.attribute, &fairness, &rule))
}

fn judge_cost(metric: &str, baseline: &Usage, now: &Usage) -> Option<room::Verdict> {
    if baseline.currency != now.currency {
        return None;
    }
    let (baseline, now) = (usage::Usage::try_from(baseline).ok()?, usage::Usage::try_from(now).ok()?);
    Some(room::judge_cost(metric, &baseline, &now))
}

impl From<room::Verdict> for Verdict {
    fn from(verdict: room::Verdict) -> Self {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (effect_kind, effect) = match verdict.effect {
            Some(room::EffectSize::PopulationStabilityIndex(size)) => (Some(EffectKind::Psi), Some(size)),
            Some(room::EffectSize::CohensH(size)) => (Some(EffectKind::CohensH), Some(size)),
            Some(room::EffectSize::CohensD(size)) => (Some(EffectKind::CohensD), Some(size)),
            Some(room::EffectSize::RatioOfRates(size)) => (Some(EffectKind::RatioOfRates), Some(size)),
            Some(room::EffectSize::RatioToBaseline(size)) => (Some(EffectKind::RatioToBaseline), Some(size)),
            None => (None, None),
        };
        Verdict {
            level: match verdict.level {
                room::Level::Ok => Level::Ok,
                room::Level::NotEnoughData => Level::NotEnoughData,
                room::Level::Watch => Level::Watch,
                room::Level::Alarm => Level::Alarm,
            },
            effect_kind,
            effect,
            p_value: verdict.p,
            baseline_n: whole(verdict.baseline_n),
            current_n: whole(verdict.current_n),
            needed_n: verdict.needed_n.map(whole),
            sentence: verdict.sentence,
        }
    }
}
