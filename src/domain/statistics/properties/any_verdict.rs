//! Verdicts on anything.

use super::*;
use crate::domain::{
    evaluation::point::Direction,
    statistics::{
        detector::Reading,
        fairness::{self, Group, Measure},
        verdict::{
            ChangeRule, DistributionRule, EffectSize, FairnessRule, LONGEST, Verdict, judge_distribution,
            judge_fairness, judge_mean, judge_rate,
        },
    },
};

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Unspecified), Just(Direction::HigherIsBetter), Just(Direction::LowerIsBetter)]
}

fn measure() -> impl Strategy<Value = Measure> {
    use Measure::*;
    prop_oneof![Just(Selection), Just(TruePositive), Just(FalsePositive), Just(Accuracy)]
}

/// Moments of any numbers that are allowed.
fn moments() -> impl Strategy<Value = Moments> {
    let size = prop_oneof![Just(0.0), Just(1e100), -1e3..1e3f64, (-200.0..200.0f64).prop_map(f64::exp)];
    let n = prop_oneof![1u64..50, 1u64..1 << 52];
    let m2 = prop_oneof![Just(0.0), 0.0..1e6f64, (-500.0..500.0f64).prop_map(f64::exp)];
    (n, size.clone(), size.clone(), size, m2).prop_filter_map("nonsense", |(n, a, b, c, m2)| {
        let m2 = if n == 1 { 0.0 } else { m2 };
        Moments::new(n, a, m2, b.min(c), b.max(c)).ok()
    })
}

fn sound(verdict: &Verdict) -> Result<(), TestCaseError> {
    let length = verdict.sentence.chars().count();
    prop_assert!(length <= LONGEST && length > 20, "{length}: {}", verdict.sentence);
    // No sentence is ever cut: the parts fit for the longest names and numbers.
    prop_assert!(verdict.sentence.ends_with('.'), "{}", verdict.sentence);
    prop_assert!(
        !verdict.sentence.contains("NaN") && !verdict.sentence.contains("inf"),
        "{}",
        verdict.sentence
    );
    prop_assert!(verdict.p.is_none_or(|p| (0.0..=1.0).contains(&p)));
    let finite = match verdict.effect {
        Some(EffectSize::PopulationStabilityIndex(x) | EffectSize::CohensH(x)) => x.is_finite(),
        Some(EffectSize::CohensD(x) | EffectSize::RatioOfRates(x) | EffectSize::RatioToBaseline(x)) => {
            x.is_finite()
        }
        None => true,
    };
    prop_assert!(finite, "{verdict:?}");
    Ok(())
}

const NAME: &str = ".{0,200}";

proptest! {
    #[test]
    fn every_verdict_on_a_distribution_is_a_whole_sentence(name in NAME, pair in pair()) {
        for order in [Order::Ordered, Order::Unordered] {
            sound(&judge_distribution(&name, &pair, order, &DistributionRule::default()))?;
        }
    }

    #[test]
    fn every_verdict_on_a_rate_is_a_whole_sentence(
        name in NAME, a in proportion(), b in proportion(), direction in direction(), alarm in proptest::option::of(any::<bool>()),
    ) {
        let reading = alarm.map(|alarm| Reading { log_evidence: 1.0, alarm });
        sound(&judge_rate(&name, &a, &b, direction, reading, &ChangeRule::for_rates()))?;
    }

    #[test]
    fn every_verdict_on_a_mean_is_a_whole_sentence(name in NAME, a in moments(), b in moments(), direction in direction()) {
        sound(&judge_mean(&name, &a, &b, direction, &ChangeRule::for_means()))?;
        if let Ok(merged) = a.merge(&b) {
            prop_assert!(merged.mean().is_finite() && merged.m2().is_finite());
        }
    }

    #[test]
    fn every_verdict_on_groups_is_a_whole_sentence(
        name in NAME, cells in vec([count(), count(), count(), count()], 1..8), measure in measure(), prefix in ".{0,100}",
    ) {
        let group = |(index, [tp, fp, tn, fn_]): (usize, &[u64; 4])| {
            Group::new(format!("{prefix}{index}"), *tp, *fp, *tn, *fn_).ok()
        };
        let groups: Vec<Group> = cells.iter().enumerate().filter_map(group).collect();
        prop_assume!(!groups.is_empty());
        let rule = FairnessRule::new(measure, 30, 0.8, 0.9, 0.05).unwrap();
        let fairness = fairness::compare(&groups, rule.minimum()).unwrap();
        prop_assert_eq!(fairness.considered.len() + fairness.excluded.len(), groups.len());
        for gap in [Measure::Selection, Measure::TruePositive, Measure::FalsePositive, Measure::Accuracy].map(|m| fairness.gap(m)).into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&gap.difference) && (0.0..=1.0).contains(&gap.ratio));
            let (low, high) = gap.ratio_interval;
            prop_assert!(0.0 <= low && low <= gap.ratio + 1e-9 && high.is_finite() && gap.ratio <= high + 1e-9, "{gap:?}");
        }
        sound(&judge_fairness(&name, &fairness, &rule))?;
    }
}
