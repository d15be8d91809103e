//! Verdicts on made and on real cases.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    evaluation::point::Direction::{self, HigherIsBetter, LowerIsBetter},
    statistics::{
        counts::{Counts, Order, Pair},
        detector::Reading,
        fairness::{self, Group},
        moments::Moments,
        rate::Proportion,
    },
};

fn rate(k: u64, n: u64) -> Proportion {
    Proportion::new(k, n).unwrap()
}

fn pair(reference: &[u64], current: &[u64]) -> Pair {
    Pair::new(Counts::new(reference.to_vec()).unwrap(), Counts::new(current.to_vec()).unwrap()).unwrap()
}

fn rate_verdict(baseline: Proportion, now: Proportion, direction: Direction) -> Verdict {
    judge_rate("hallucination", &baseline, &now, direction, None, &ChangeRule::for_rates())
}

#[test]
fn a_rate_that_got_worse_alarms_and_one_that_got_better_does_not() {
    let alarm = rate_verdict(rate(50, 1000), rate(100, 1000), LowerIsBetter);
    assert_eq!(alarm.level, Level::Alarm);
    assert_eq!(
        alarm.sentence,
        "hallucination: 10 % (100 of 1,000) now, baseline 5 % (50 of 1,000). That is clearly worse. \
         Find out what changed; consider a hold or a rollback."
    );
    let better = rate_verdict(rate(100, 1000), rate(50, 1000), LowerIsBetter);
    assert_eq!(better.level, Level::Ok);
    assert!(better.sentence.ends_with("That is no worse than it was. Nothing to do."), "{}", better.sentence);
    assert_eq!(rate_verdict(rate(100, 1000), rate(50, 1000), HigherIsBetter).level, Level::Alarm);
    assert_eq!(rate_verdict(rate(50, 1000), rate(80, 1000), LowerIsBetter).level, Level::Watch);
    assert_eq!(rate_verdict(rate(10, 200), rate(12, 200), LowerIsBetter).level, Level::Ok);
}

#[test]
fn a_significant_change_that_is_small_is_no_alarm() {
    let verdict = rate_verdict(rate(50_000, 1_000_000), rate(52_000, 1_000_000), LowerIsBetter);
    assert!(verdict.p.unwrap() < 1e-9);
    assert_eq!(verdict.level, Level::Ok);
}

#[test]
fn few_cases_are_not_enough_and_the_verdict_says_how_many_are() {
    let verdict = rate_verdict(rate(10, 200), rate(1, 20), LowerIsBetter);
    assert_eq!((verdict.level, verdict.needed_n), (Level::NotEnoughData, Some(61)));
    assert!(verdict.sentence.ends_with("Record at least 61 cases."), "{}", verdict.sentence);
    let hopeless = rate_verdict(rate(1, 20), rate(10, 200), LowerIsBetter);
    assert_eq!((hopeless.level, hopeless.needed_n), (Level::NotEnoughData, None));
    let enough = rate_verdict(rate(10, 200), rate(3, 61), LowerIsBetter);
    assert_eq!(enough.level, Level::Ok);
}

#[test]
fn where_a_detector_follows_a_series_it_alone_alarms() {
    let judge = |now: Proportion, alarm: bool| {
        let reading = Some(Reading { log_evidence: 0.0, alarm });
        judge_rate("x", &rate(50, 1000), &now, LowerIsBetter, reading, &ChangeRule::for_rates()).level
    };
    assert_eq!(judge(rate(100, 1000), false), Level::Watch);
    assert_eq!(judge(rate(50, 1000), true), Level::Alarm);
    assert_eq!(judge(rate(50, 1000), false), Level::Ok);
}

#[test]
fn a_mean_is_judged_by_its_distance_in_standard_deviations() {
    let moments = |n: u64, mean: f64| Moments::new(n, mean, (n - 1) as f64, -100.0, 100.0).unwrap();
    let judge =
        |a: Moments, b: Moments| judge_mean("latency", &a, &b, LowerIsBetter, &ChangeRule::for_means());
    assert_eq!(judge(moments(500, 2.0), moments(500, 2.5)).level, Level::Alarm);
    assert_eq!(judge(moments(500, 2.0), moments(300, 2.21)).level, Level::Watch);
    assert_eq!(judge(moments(500, 2.0), moments(500, 1.0)).level, Level::Ok);
    assert_eq!(judge(moments(1_000_000, 2.0), moments(1_000_000, 2.05)).level, Level::Ok);
    assert_eq!(judge(moments(500, 2.0), moments(10, 2.0)).level, Level::NotEnoughData);
    let one = judge(moments(500, 2.0), Moments::new(1, 9.0, 0.0, 9.0, 9.0).unwrap());
    assert_eq!((one.level, one.effect), (Level::NotEnoughData, None));
}

#[test]
fn a_distribution_is_judged_against_what_chance_reaches() {
    let judge = |pair: &Pair| judge_distribution("age", pair, Order::Ordered, &DistributionRule::default());
    let census = judge(&pair(&[28206, 3555, 5434, 808, 30782], &[28943, 3396, 5675, 833, 31284]));
    assert_eq!(census.level, Level::Ok);
    assert!(census.p.unwrap() < 0.05, "significant all the same");
    assert_eq!(judge(&pair(&[500, 500], &[250, 750])).level, Level::Alarm);
    assert_eq!(judge(&pair(&[500, 500], &[330, 670])).level, Level::Watch);
    // A PSI of 0.4 that chance reaches between so few.
    let few = judge(&pair(&[10, 10, 10], &[5, 9, 16]));
    assert_eq!(few.level, Level::NotEnoughData);
    assert_eq!(few.needed_n, None);
    let lone = judge(&pair(&[1000, 1000], &[1, 1]));
    assert_eq!((lone.level, lone.needed_n), (Level::NotEnoughData, Some(27)));
}

#[test]
fn one_person_in_a_group_makes_no_alarm() {
    let group = |name: &str, tp, fp, tn, fn_| Group::new(name.into(), tp, fp, tn, fn_).unwrap();
    let mut groups = vec![
        group("1", 15370, 2878, 13254, 2378),
        group("2", 15120, 4237, 14340, 2554),
        group("4", 0, 0, 1, 0),
    ];
    let judge = |groups: &[Group]| {
        let rule = FairnessRule::default();
        judge_fairness("SEX", &fairness::compare(groups, rule.minimum()).unwrap(), &rule)
    };
    let verdict = judge(&groups);
    assert_eq!(verdict.level, Level::Ok);
    assert!(verdict.sentence.ends_with("1 small group is left out."), "{}", verdict.sentence);
    groups.push(group("5", 10, 30, 300, 60));
    assert_eq!(judge(&groups).level, Level::Alarm);
    // A ratio that chance explains.
    let few = [group("a", 8, 7, 10, 10), group("b", 10, 11, 8, 6)];
    assert_eq!(judge(&few).level, Level::NotEnoughData);
    let alone = judge(&groups[2..3]);
    assert_eq!((alone.level, alone.effect), (Level::NotEnoughData, None));
}

#[test]
fn where_chance_explains_a_gap_of_extremes_more_cases_are_asked_for_than_there_are() {
    // RAC1P of the census of 2018: of 21 pairs the extremes differ by chance, once in ten.
    let counts =
        [(30_903, 56_960), (2_019, 4_189), (40, 83), (13, 39), (2_629, 4_697), (1_114, 2_157), (868, 1_978)];
    let group = |(at, (yes, n)): (usize, (u64, u64))| Group::new(at.to_string(), yes, 0, n - yes, 0).unwrap();
    let groups: Vec<Group> = counts.into_iter().enumerate().map(group).collect();
    let rule = FairnessRule::default();
    let verdict = judge_fairness("RAC1P", &fairness::compare(&groups, rule.minimum()).unwrap(), &rule);
    assert_eq!((verdict.level, verdict.current_n), (Level::NotEnoughData, 39));
    assert!(verdict.needed_n.unwrap() > 39, "{}", verdict.sentence);
}

#[test]
fn thresholds_that_make_no_sense_are_refused() {
    assert!(DistributionRule::new(0.3, 0.25, 0.99, 10.0).is_err());
    assert!(DistributionRule::new(0.1, 0.25, f64::NAN, 10.0).is_err());
    assert!(DistributionRule::new(0.1, 0.25, 0.99, 10.0).is_ok());
    assert!(ChangeRule::new(0.001, 0.01, 0.1, 0.5, 0.8).is_err());
    assert!(ChangeRule::new(0.01, 0.001, 0.1, 0.5, 0.8).is_ok());
    assert!(FairnessRule::new(fairness::Measure::Accuracy, 0, 0.8, 0.9, 0.05).is_err());
    assert!(FairnessRule::new(fairness::Measure::Accuracy, 30, 0.9, 0.8, 0.05).is_err());
}
