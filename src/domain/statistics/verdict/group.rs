//! The verdict on fairness to groups.

use super::{EffectSize, InputError, Level, Verdict, probability, sentence, within};
use crate::domain::statistics::{
    fairness::{Fairness, Gap, MINIMUM_GROUP, Measure},
    rate::needed,
};

/// The thresholds of the verdict on fairness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FairnessRule {
    measure: Measure,
    minimum: u64,
    alarm: f64,
    watch: f64,
    alpha: f64,
}

impl Default for FairnessRule {
    /// The four-fifths rule on selection rates: ALARM below a ratio of 0.8, WATCH below 0.9, both only
    /// where p < 0.05; groups of at least 30.
    fn default() -> Self {
        let (measure, minimum) = (Measure::Selection, MINIMUM_GROUP);
        FairnessRule { measure, minimum, alarm: 0.8, watch: 0.9, alpha: 0.05 }
    }
}

impl FairnessRule {
    /// The rate that is compared, the smallest group (at least 1), 0 < alarm ≤ watch ≤ 1 for the ratio, and
    /// the level of significance.
    pub fn new(
        measure: Measure,
        minimum: u64,
        alarm: f64,
        watch: f64,
        alpha: f64,
    ) -> Result<Self, InputError> {
        if minimum == 0 {
            let (argument, value) = ("minimum", 0.0);
            return Err(InputError::OutOfRange { argument, value, allowed: "it is at least 1" });
        }
        let watch = within("watch", watch, watch > 0.0 && watch <= 1.0, "it is above 0 and at most 1")?;
        let alarm = within("alarm", alarm, alarm > 0.0 && alarm <= watch, "it is above 0 and at most watch")?;
        Ok(FairnessRule { measure, minimum, alarm, watch, alpha: probability("alpha", alpha)? })
    }

    /// The smallest group that is compared: give it to [`compare`](super::super::fairness::compare).
    pub fn minimum(&self) -> u64 {
        self.minimum
    }
}

/// Judges by the ratio of the lowest group's rate to the highest's and by whether the two differ
/// beyond chance. ALARM needs both; a ratio below the limit that chance may explain is NOT_ENOUGH_DATA, as
/// are fewer than two groups of the minimum size. `attribute` says what the groups are.
pub fn judge_fairness(attribute: &str, fairness: &Fairness, rule: &FairnessRule) -> Verdict {
    let Some(gap) = fairness.gap(rule.measure) else { return nothing_compared(attribute, fairness) };
    let significant = gap.test.p < rule.alpha;
    let level = match significant {
        true if gap.ratio < rule.alarm => Level::Alarm,
        true if gap.ratio < rule.watch => Level::Watch,
        false if gap.ratio < rule.alarm => Level::NotEnoughData,
        _ => Level::Ok,
    };
    let smaller = gap.lowest.rate.n().min(gap.highest.rate.n());
    let larger = gap.lowest.rate.n().max(gap.highest.rate.n());
    // The p-value is that of the extremes among all pairs, so the size is too.
    let groups = fairness.considered.len() as f64;
    let pairs = (groups * (groups - 1.0) / 2.0).max(1.0);
    let needed_n = needed(gap.test.h, larger, rule.alpha / pairs, 0.8);
    Verdict {
        level,
        effect: Some(EffectSize::RatioOfRates(gap.ratio)),
        p: Some(gap.test.p),
        baseline_n: fairness.n,
        current_n: smaller,
        needed_n,
        sentence: sentence_of(attribute, gap, level, fairness, needed_n),
    }
}

fn nothing_compared(attribute: &str, fairness: &Fairness) -> Verdict {
    let what = format!(
        "{}: fewer than two groups have {} cases or more, so they are not compared. Record more cases.",
        sentence::name(attribute),
        sentence::count(fairness.minimum)
    );
    Verdict {
        level: Level::NotEnoughData,
        effect: None,
        p: None,
        baseline_n: fairness.n,
        current_n: fairness.excluded.iter().map(|(_, size)| *size).min().unwrap_or(fairness.n),
        needed_n: Some(fairness.minimum),
        sentence: sentence::of(&[&what]),
    }
}

fn sentence_of(attribute: &str, gap: &Gap, level: Level, fairness: &Fairness, needed: Option<u64>) -> String {
    let rate = match gap.measure {
        Measure::Selection => "positive answers",
        Measure::TruePositive => "hits",
        Measure::FalsePositive => "false alarms",
        Measure::Accuracy => "right answers",
    };
    let what = format!(
        "{}: group {} gets {} {rate}, group {} {}.",
        short(attribute),
        short(&gap.lowest.group),
        sentence::percent(gap.lowest.rate.share()),
        short(&gap.highest.group),
        sentence::percent(gap.highest.rate.share()),
    );
    let means = match (level, needed) {
        (Level::Ok, _) => "That is about equal treatment. Nothing to do.".to_owned(),
        (Level::Watch, _) => "The gap is real though small. Keep an eye on it.".to_owned(),
        (Level::Alarm, _) => {
            "The gap is large and not by chance. Find out why before the model goes on.".to_owned()
        }
        (Level::NotEnoughData, Some(needed)) => {
            format!("Chance may explain it: record at least {} cases a group.", sentence::count(needed))
        }
        (Level::NotEnoughData, None) => "Chance may explain it: record more cases a group.".to_owned(),
    };
    let left_out = match fairness.excluded.len() {
        0 => String::new(),
        1 => "1 small group is left out.".to_owned(),
        several => format!("{several} small groups are left out."),
    };
    sentence::of(&[what.as_str(), &means, &left_out]).trim_end().to_owned()
}

/// A code short enough for three of them to fit.
fn short(code: &str) -> String {
    let name = sentence::name(code);
    if name.chars().count() <= 24 { name } else { name.chars().take(23).chain(['…']).collect() }
}
