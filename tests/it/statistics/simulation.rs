//! What the alarms promise, by simulation of our own code: how often they cry wolf, and how
//! soon they find what is there.
//!
//! `STEWARD_TEST_RUNS=4000 cargo test --test it statistics::simulation -- --nocapture`
//! prints the tables in full size; by default a tenth of the runs is made.

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use std::env;
use steward_registry::domain::statistics::{
    chart,
    counts::{Counts, Order, Pair},
    detector::{Change, Detector},
    distance::population_stability_index,
    distribution::normal_two_sided,
    rate::Proportion,
    verdict::{DistributionRule, Level, judge_distribution},
};

const WEEKS: usize = 104;
const A_WEEK: u64 = 200;
const HEALTHY: f64 = 0.05;
const ILL: f64 = 0.10;

/// The size of a full simulation of series.
const FULL: usize = 4000;

fn runs() -> usize {
    env::var("STEWARD_TEST_RUNS")
        .map_or(FULL / 10, |runs| runs.parse().expect("STEWARD_TEST_RUNS is a number"))
}

/// Draws that are the same each time.
struct Draw(TestRng);

impl Draw {
    fn new(seed: u8) -> Self {
        Draw(TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    /// From 0 to below 1.
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A week's count at a rate whose cumulative probabilities are given.
    fn week(&mut self, cumulative: &[f64]) -> Proportion {
        let u = self.uniform();
        let k = cumulative.partition_point(|below| *below <= u) as u64;
        Proportion::new(k.min(A_WEEK), A_WEEK).unwrap()
    }

    /// A sample of so many cases in equally frequent bins.
    fn sample(&mut self, size: u64, bins: usize) -> Counts {
        let mut counts = vec![0; bins];
        (0..size).for_each(|_| counts[(self.uniform() * bins as f64) as usize] += 1);
        Counts::new(counts).unwrap()
    }
}

/// The cumulative probabilities of a week's count.
fn cumulative(p: f64) -> Vec<f64> {
    let n = A_WEEK as f64;
    let mut term = (1.0 - p).powf(n);
    let mut sum = 0.0;
    let next = |k: f64, term: f64| term * (n - k) / (k + 1.0) * p / (1.0 - p);
    (0..A_WEEK)
        .map(|k| {
            sum += term;
            term = next(k as f64, term);
            sum
        })
        .collect()
}

/// A rule that looks at a week and says whether it alarms.
type Rule = Box<dyn FnMut(&Proportion) -> bool>;

fn weekly_z() -> Rule {
    Box::new(|week| {
        let z = chart::standardised_residual(week, HEALTHY).unwrap();
        z > 0.0 && normal_two_sided(z) / 2.0 < 0.05
    })
}

fn shewhart() -> Rule {
    let limits = chart::p_chart(HEALTHY, A_WEEK, 3.0).unwrap();
    Box::new(move |week| limits.judge(week.share()) == chart::Signal::High)
}

fn detector() -> Rule {
    let mut detector = Detector::new(Change::Rise, HEALTHY, 1000).unwrap();
    Box::new(move |week| detector.update(week).alarm)
}

/// Share of healthy pairs of years with an alarm; share of those that fall ill after the first year where
/// that is what the first alarm finds; and the median of its delay in weeks.
fn measure(rule: fn() -> Rule, seed: u8) -> (f64, f64, usize) {
    let (healthy, ill) = (cumulative(HEALTHY), cumulative(ILL));
    let mut draw = Draw::new(seed);
    let mut first_alarm = |ill_from: usize| {
        let mut rule = rule();
        (0..WEEKS).find(|week| rule(&draw.week(if *week < ill_from { &healthy } else { &ill })))
    };
    let runs = runs();
    let false_alarms = (0..runs).filter(|_| first_alarm(WEEKS).is_some()).count();
    let onset = WEEKS / 2;
    let mut delays: Vec<usize> =
        (0..runs).filter_map(|_| first_alarm(onset)?.checked_sub(onset)).map(|weeks| weeks + 1).collect();
    delays.sort_unstable();
    let share = |count: usize| count as f64 / runs as f64;
    (share(false_alarms), share(delays.len()), delays.get(delays.len() / 2).copied().unwrap_or(0))
}

/// Within four standard errors of two simulations, ours and the one that is compared with, whose
/// figures are rounded.
fn near(what: &str, found: f64, wanted: f64, runs: usize, full: usize) {
    let spread = wanted.clamp(0.003, 0.997);
    let error = (spread * (1.0 - spread) * (1.0 / runs as f64 + 1.0 / full as f64)).sqrt();
    assert!((found - wanted).abs() <= 4.0 * error + 0.005, "{what}: {found} is not about {wanted}");
}

#[test]
fn the_detector_finds_what_is_there_and_seldom_cries_wolf() {
    let runs = runs();
    println!("{runs} runs of two years, {A_WEEK} cases a week; false alarm | found | median delay in weeks");
    for (name, rule, (wolf, hit, weeks)) in [
        ("weekly z at p < 0.05", weekly_z as fn() -> Rule, (0.99, 0.09, 1)),
        ("Shewhart 3 sigma", shewhart, (0.23, 0.87, 1)),
        ("SR e-detector, A = 1000", detector, (0.020, 0.989, 2)),
    ] {
        let (false_alarms, found, delay) = measure(rule, 1);
        println!("{name:<24} {:6.1} % | {:5.1} % | {delay}", false_alarms * 100.0, found * 100.0);
        near(name, false_alarms, wolf, runs, FULL);
        near(name, found, hit, runs, FULL);
        assert_eq!(delay, weeks, "{name}");
    }
}

#[test]
fn healthy_pairs_of_samples_seldom_alarm() {
    // Three pairs for every four series.
    let pairs = runs() * 3 / 4;
    let full = FULL * 3 / 4;
    println!("{pairs} healthy pairs; ALARM | ALARM or WATCH | a bare PSI of 0.1");
    for (n, m, bins, alarm, either, bare) in [
        (200, 200, 10, 0.005, 0.015, Some(0.37)),
        (1000, 300, 10, 0.0, 0.005, None),
        (100, 100, 10, 0.017, 0.017, None),
        (50, 50, 5, 0.016, 0.016, None),
    ] {
        let mut draw = Draw::new(2);
        let (mut alarms, mut watches, mut bares) = (0, 0, 0);
        for _ in 0..pairs {
            let pair = Pair::new(draw.sample(n, bins), draw.sample(m, bins)).unwrap();
            match judge_distribution("x", &pair, Order::Ordered, &DistributionRule::default()).level {
                Level::Alarm => alarms += 1,
                Level::Watch => watches += 1,
                Level::Ok | Level::NotEnoughData => (),
            }
            bares += usize::from(population_stability_index(&pair) >= 0.1);
        }
        let share = |count: usize| count as f64 / pairs as f64;
        let (found, found_either, found_bare) = (share(alarms), share(alarms + watches), share(bares));
        let name = format!("{n} and {m}, {bins} bins");
        println!(
            "{name:<24} {:6.2} % | {:5.2} % | {:5.1} %",
            found * 100.0,
            found_either * 100.0,
            found_bare * 100.0
        );
        near(&name, found, alarm, pairs, full);
        near(&name, found_either, either, pairs, full);
        if let Some(bare) = bare {
            near(&name, found_bare, bare, pairs, full);
        }
    }
}
