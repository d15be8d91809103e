//! The verdict on how a rate or a mean moved.

use super::{EffectSize, InputError, Level, Verdict, probability, sentence, within};
use crate::domain::{
    evaluation::point::Direction,
    statistics::{
        detector::Reading,
        moments::{Moments, welch},
        rate::{Proportion, needed, two_proportions},
    },
};

/// The thresholds of the verdicts on rates and means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangeRule {
    watch_alpha: f64,
    alarm_alpha: f64,
    effect: f64,
    large: f64,
    power: f64,
}

impl ChangeRule {
    /// For rates: WATCH below p = 0.01 and ALARM below 0.001, from Cohen's h = 0.1 on (5 % to 7.4 %); enough
    /// data if h = 0.5 (5 % to 21 %) is found with 80 % probability.
    pub fn for_rates() -> Self {
        ChangeRule { watch_alpha: 0.01, alarm_alpha: 0.001, effect: 0.1, large: 0.5, power: 0.8 }
    }

    /// For means: the same from Cohen's d = 0.2 on, a fifth of a standard deviation.
    pub fn for_means() -> Self {
        ChangeRule { effect: 0.2, ..ChangeRule::for_rates() }
    }

    /// Levels of significance with 0 < alarm ≤ watch < 1, the smallest effect that counts, from 0 to 10,
    /// the effect that has to be found, from 0.01 to 10, and the probability to find it.
    pub fn new(
        watch_alpha: f64,
        alarm_alpha: f64,
        effect: f64,
        large: f64,
        power: f64,
    ) -> Result<Self, InputError> {
        let watch_alpha = probability("watch_alpha", watch_alpha)?;
        let fits = alarm_alpha > 0.0 && alarm_alpha <= watch_alpha;
        let alarm_alpha = within("alarm_alpha", alarm_alpha, fits, "it is above 0 and at most watch_alpha")?;
        let effect = within("effect", effect, (0.0..=10.0).contains(&effect), "it is from 0 to 10")?;
        let large = within("large", large, (0.01..=10.0).contains(&large), "it is from 0.01 to 10")?;
        let power = within("power", power, (0.5..1.0).contains(&power), "it is from 0.5 to below 1")?;
        Ok(ChangeRule { watch_alpha, alarm_alpha, effect, large, power })
    }

    /// The level of a single comparison.
    fn level(&self, worse: bool, effect: f64, p: f64, enough: bool) -> Level {
        let counts = worse && effect.abs() >= self.effect;
        if counts && p < self.alarm_alpha {
            Level::Alarm
        } else if counts && p < self.watch_alpha {
            Level::Watch
        } else if enough {
            Level::Ok
        } else {
            Level::NotEnoughData
        }
    }

    fn needed(&self, n: u64) -> Option<u64> {
        needed(self.large, n, self.watch_alpha, self.power)
    }
}

/// Whether a change is for the worse; without a direction any is.
fn worse(difference: f64, direction: Direction) -> bool {
    match direction {
        Direction::HigherIsBetter => difference < 0.0,
        Direction::LowerIsBetter => difference > 0.0,
        Direction::Unspecified => difference != 0.0,
    }
}

/// Judges a rate against its baseline: a two-proportion test and Cohen's h. Where a detector follows the
/// series, it alone decides on ALARM, because repeated tests cry wolf and it does not; the comparison
/// still leads to WATCH. Changes for the better are OK.
pub fn judge_rate(
    metric: &str,
    baseline: &Proportion,
    now: &Proportion,
    direction: Direction,
    reading: Option<Reading>,
    rule: &ChangeRule,
) -> Verdict {
    let test = two_proportions(baseline, now);
    let needed_n = rule.needed(baseline.n());
    let enough = needed_n.is_some_and(|needed| now.n() >= needed);
    let worse = worse(test.difference, direction);
    let level = match (rule.level(worse, test.h, test.p, enough), reading) {
        (_, Some(reading)) if reading.alarm => Level::Alarm,
        (Level::Alarm, Some(_)) => Level::Watch,
        (level, _) => level,
    };
    let of = |rate: &Proportion| {
        let (k, n) = (sentence::count(rate.k()), sentence::count(rate.n()));
        format!("{} ({k} of {n})", sentence::percent(rate.share()))
    };
    let what = format!("{}: {} now, baseline {}.", sentence::name(metric), of(now), of(baseline));
    let lasting = reading.is_some_and(|reading| reading.alarm);
    Verdict {
        level,
        effect: Some(EffectSize::CohensH(test.h)),
        p: Some(test.p),
        baseline_n: baseline.n(),
        current_n: now.n(),
        needed_n,
        sentence: sentence::of(&[&what, meaning(level, worse, lasting), &advice(level, needed_n)]),
    }
}

/// Judges a mean against its baseline: Welch's test and Cohen's d. One observation has no spread, so it
/// is never enough.
pub fn judge_mean(
    metric: &str,
    baseline: &Moments,
    now: &Moments,
    direction: Direction,
    rule: &ChangeRule,
) -> Verdict {
    let test = welch(baseline, now).ok();
    let needed_n = rule.needed(baseline.n()).map(|needed| needed.max(2));
    let enough = test.is_some() && needed_n.is_some_and(|needed| now.n() >= needed);
    let worse = worse(now.mean() - baseline.mean(), direction);
    let level = match &test {
        Some(test) => rule.level(worse, test.d, test.p, enough),
        None => Level::NotEnoughData,
    };
    let of = |moments: &Moments| {
        format!("{} ({} cases)", sentence::number(moments.mean()), sentence::count(moments.n()))
    };
    let what = format!("{}: mean {} now, baseline {}.", sentence::name(metric), of(now), of(baseline));
    Verdict {
        level,
        effect: test.map(|test| EffectSize::CohensD(test.d)),
        p: test.map(|test| test.p),
        baseline_n: baseline.n(),
        current_n: now.n(),
        needed_n,
        sentence: sentence::of(&[&what, meaning(level, worse, false), &advice(level, needed_n)]),
    }
}

fn meaning(level: Level, worse: bool, lasting: bool) -> &'static str {
    match level {
        Level::Ok if worse => "That is within what chance or small change explains.",
        Level::Ok => "That is no worse than it was.",
        Level::NotEnoughData => "That is too few cases to see even a large change.",
        Level::Watch => "That is worse than chance explains, and may be a beginning.",
        Level::Alarm if lasting => "Over the last windows it was worse than its limit, beyond chance.",
        Level::Alarm => "That is clearly worse.",
    }
}

fn advice(level: Level, needed: Option<u64>) -> String {
    let fixed = match (level, needed) {
        (Level::NotEnoughData, Some(needed)) => {
            return format!("Record at least {} cases.", sentence::count(needed));
        }
        (Level::NotEnoughData, None) => "The baseline is too small: approve a version with a larger one.",
        (Level::Ok, _) => "Nothing to do.",
        (Level::Watch, _) => "Look at the next windows before acting.",
        (Level::Alarm, _) => "Find out what changed; consider a hold or a rollback.",
    };
    fixed.to_owned()
}
