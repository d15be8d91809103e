//! Verdicts on what grows or shrinks by a factor: a high quantile, such as latency, and cost.

use super::{EffectSize, Level, Verdict, sentence};
use crate::domain::{
    evaluation::point::Direction,
    statistics::{
        quantile::Sketch,
        rate::{Proportion, two_proportions},
        usage::Usage,
    },
};

/// The quantile that is compared.
const QUANTILE: f64 = 0.95;
/// So much more than before is watched, or an alarm.
const WATCH: f64 = 1.25;
const ALARM: f64 = 1.5;
/// Levels of significance of a quantile that moved.
const WATCH_ALPHA: f64 = 0.01;
const ALARM_ALPHA: f64 = 0.001;
/// Fewer observations say little about a high quantile, or about what a request costs.
const LEAST: u64 = 100;

/// Judges the 95 % quantile against its baseline, as for latency. The effect is the ratio of the two
/// quantiles, less both sketches' errors; the significance is that of the share of observations above the
/// baseline's quantile, which was 5 % (a two-proportion test). `None` where a ratio means nothing, because
/// the baseline's quantile is not positive. With `HigherIsBetter` only a fall counts, else only a rise.
pub fn judge_quantile(
    metric: &str,
    baseline: &Sketch,
    now: &Sketch,
    direction: Direction,
) -> Option<Verdict> {
    let (before, after) = (baseline.quantile(QUANTILE).ok()?, now.quantile(QUANTILE).ok()?);
    if before.low <= 0.0 || after.low < 0.0 {
        return None;
    }
    let falls = direction == Direction::HigherIsBetter;
    let certain = match falls {
        true if after.high > 0.0 => before.low / after.high,
        true => f64::MAX,
        false => after.low / before.high,
    };
    let (low, high) = now.above(before.value).ok()?.shares();
    let above = if falls { 1.0 - high } else { low };
    let usual = if falls { QUANTILE } else { 1.0 - QUANTILE };
    let count = |share: f64, n: u64| Proportion::new((share * n as f64).floor() as u64, n).ok();
    let p = two_proportions(&count(usual, baseline.n())?, &count(above, now.n())?).p;
    let level = match (certain, baseline.n().min(now.n())) {
        (_, n) if n < LEAST => Level::NotEnoughData,
        (certain, _) if certain >= ALARM && p < ALARM_ALPHA => Level::Alarm,
        (certain, _) if certain >= WATCH && p < WATCH_ALPHA => Level::Watch,
        _ => Level::Ok,
    };
    let of = |value: f64, n: u64| format!("{} ({} cases)", sentence::number(value), sentence::count(n));
    let what = format!(
        "{}: 95 of 100 are at most {} now, baseline {}.",
        sentence::name(metric),
        of(after.value, now.n()),
        of(before.value, baseline.n())
    );
    Some(Verdict {
        level,
        effect: Some(EffectSize::RatioToBaseline(after.value / before.value)),
        p: Some(p),
        baseline_n: baseline.n(),
        current_n: now.n(),
        needed_n: Some(LEAST),
        sentence: sentence::of(&[&what, advice(level)]),
    })
}

/// Judges the cost of 1,000 requests against its baseline. Sums carry no spread, so there is no
/// significance: the size of the effect alone decides.
pub fn judge_cost(metric: &str, baseline: &Usage, now: &Usage) -> Verdict {
    let (before, after) = (baseline.cost_per_thousand_requests(), now.cost_per_thousand_requests());
    let ratio = (before > 0.0).then(|| after / before);
    let (baseline_n, current_n) = (baseline.requests(), now.requests());
    let level = match ratio {
        _ if baseline_n.min(current_n) < LEAST => Level::NotEnoughData,
        None if after > 0.0 => Level::Watch,
        Some(ratio) if ratio >= ALARM => Level::Alarm,
        Some(ratio) if ratio >= WATCH => Level::Watch,
        _ => Level::Ok,
    };
    let of = |cost: f64, n: u64| format!("{} ({} requests)", sentence::number(cost), sentence::count(n));
    let what = format!(
        "{}: 1,000 requests cost {} now, baseline {}.",
        sentence::name(metric),
        of(after, current_n),
        of(before, baseline_n)
    );
    Verdict {
        level,
        effect: ratio.map(EffectSize::RatioToBaseline),
        p: None,
        baseline_n,
        current_n,
        needed_n: Some(LEAST),
        sentence: sentence::of(&[&what, advice(level)]),
    }
}

fn advice(level: Level) -> &'static str {
    match level {
        Level::Ok => "Nothing to do.",
        Level::NotEnoughData => "Record at least 100 cases.",
        Level::Watch => "That is a quarter worse or more. Look at the next windows before acting.",
        Level::Alarm => "That is half as much again, or worse. Find out what changed; consider a rollback.",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::evaluation::point::{self, Buckets};

    /// `n` observations of which all lie between 2^at and 2^(at+1).
    fn sketch(at: i32, n: i64) -> Sketch {
        let positive = Buckets { offset: at, counts: vec![n] };
        let (min, max) = (f64::from(at).exp2() * 1.01, f64::from(at + 1).exp2());
        let histogram = point::ExponentialHistogram {
            scale: 0,
            zero_count: 0,
            zero_threshold: 0.0,
            positive,
            negative: Buckets::default(),
            sum: min * n as f64,
            min,
            max,
        };
        Sketch::try_from(&histogram).unwrap()
    }

    fn level(before: (i32, i64), now: (i32, i64), direction: Direction) -> Level {
        let (before, now) = (sketch(before.0, before.1), sketch(now.0, now.1));
        judge_quantile("latency", &before, &now, direction).unwrap().level
    }

    #[test]
    fn a_quantile_that_rises_for_sure_is_an_alarm_and_a_fall_is_none() {
        let slow = Direction::LowerIsBetter;
        assert_eq!(level((0, 1_000), (2, 1_000), slow), Level::Alarm);
        assert_eq!(level((2, 1_000), (0, 1_000), slow), Level::Ok);
        assert_eq!(level((2, 1_000), (0, 1_000), Direction::HigherIsBetter), Level::Alarm);
        assert_eq!(level((0, 1_000), (0, 1_000), slow), Level::Ok);
        // Neighbouring bins this coarse may hold the same value.
        assert_eq!(level((0, 1_000), (1, 1_000), slow), Level::Ok);
        assert_eq!(level((0, 1_000), (2, 99), slow), Level::NotEnoughData);
    }

    fn usage(requests: u64, cost_micros: u64) -> Usage {
        Usage::new(requests, 0, 0, cost_micros, 0).unwrap()
    }

    #[test]
    fn a_cost_is_judged_by_its_ratio() {
        let level = |now: Usage| judge_cost("cost", &usage(1_000, 1_000_000), &now).level;
        assert_eq!(level(usage(2_000, 2_400_000)), Level::Ok);
        assert_eq!(level(usage(2_000, 2_500_000)), Level::Watch);
        assert_eq!(level(usage(2_000, 3_000_000)), Level::Alarm);
        assert_eq!(level(usage(99, 3_000_000)), Level::NotEnoughData);
        let free = judge_cost("cost", &usage(1_000, 0), &usage(1_000, 1));
        assert_eq!((free.level, free.effect), (Level::Watch, None));
        assert_eq!(
            judge_cost("cost", &usage(1_000, 1_000_000), &usage(1_000, 2_000_000)).sentence,
            "cost: 1,000 requests cost 2 (1,000 requests) now, baseline 1 (1,000 requests). That is half as much \
             again, or worse. Find out what changed; consider a rollback."
        );
    }
}
