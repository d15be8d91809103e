//! Gates: what recorded evaluations have to show before a version is approved.

mod interval;

use self::interval::{Estimate, difference};
use crate::domain::{
    check::{Check, Violations},
    evaluation::{
        Evaluation,
        point::{MetricPoint, PointValue},
    },
    name::{EvaluationName, VersionName},
    time::{Timestamp, in_days},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A difference of two numbers is off by so much of their size at most.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// What a measurement has to satisfy. Rates compare k/n, moments their mean,
/// plain points their value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Not below a threshold.
    AtLeast(f64),
    /// Not above a threshold.
    AtMost(f64),
    /// Not below the version in production by more than a margin.
    NotBelowProductionBy(f64),
    /// Not above the version in production by more than a margin.
    NotAboveProductionBy(f64),
}

impl Requirement {
    fn number(self) -> f64 {
        match self {
            Requirement::AtLeast(number)
            | Requirement::AtMost(number)
            | Requirement::NotBelowProductionBy(number)
            | Requirement::NotAboveProductionBy(number) => number,
        }
    }

    /// Whether it compares with the version in production.
    pub fn compares(self) -> bool {
        matches!(self, Requirement::NotBelowProductionBy(_) | Requirement::NotAboveProductionBy(_))
    }
}

/// One gate of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What people call it; unique in the policy.
    pub id: String,
    /// The metric.
    pub metric: String,
    /// The variant of the method; empty means that the point names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The part of the data, exactly.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slice: BTreeMap<String, String>,
    /// What has to hold.
    #[serde(flatten)]
    pub requirement: Requirement,
    /// Fewest observations.
    #[serde(default)]
    pub minimum_n: i64,
    /// Oldest evidence in days; 0 means as the policy says.
    #[serde(default)]
    pub max_age_days: u32,
    /// Level of the two-sided interval whose worse end has to pass, such as
    /// 0.95; 0 means that the estimate itself has to.
    #[serde(default)]
    pub confidence: f64,
}

impl Check for Gate {
    fn check(&self, violations: &mut Violations) {
        violations.code("id", &self.id, 63, "-_.", true);
        violations.code("metric", &self.metric, 128, "-_./", true);
        if !self.method.is_empty() {
            violations.code("method", &self.method, 128, "-_./", true);
        }
        violations.at_most("slice", self.slice.len(), 8);
        for (key, value) in &self.slice {
            violations.code(&format!("slice[{key:?}]"), key, 63, "-_.+", false);
            violations.code(&format!("slice[{key:?}]"), value, 63, "-_.+", false);
        }
        let number = self.requirement.number();
        if !number.is_finite() {
            violations.add("requirement", "has to be a finite number");
        } else if self.requirement.compares() && number < 0.0 {
            violations.add("requirement", format!("the margin {number} is negative; use 0 or more"));
        }
        violations.count("minimum_n", self.minimum_n);
        if self.max_age_days > 3_650 {
            violations.add("max_age_days", format!("{} is not allowed; use 0 to 3650", self.max_age_days));
        }
        let levels = 0.5..=0.9999;
        if self.confidence != 0.0 && !levels.contains(&self.confidence) {
            violations.add("confidence", "has to be 0 (the estimate itself) or 0.5 to 0.9999, such as 0.95");
        }
    }
}

/// A measurement that a gate looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Where it is recorded.
    pub evaluation: EvaluationName,
    /// End of its window, or its recording if that was earlier.
    #[serde(rename = "evidence_time")]
    pub time: Timestamp,
    /// The estimate.
    pub value: f64,
    /// Observations behind it.
    pub n: i64,
}

/// What a gate found. It follows from the policy and the evaluations named here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// The gate's id.
    pub gate: String,
    /// Whether it lets the version pass.
    pub passed: bool,
    /// What was measured of the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// What was measured of the version in production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production: Option<Measured>,
    /// The number that had to pass: an estimate, the end of an interval, or a
    /// difference to production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// A sentence: what was found, what to do.
    pub sentence: String,
}

/// The evaluations of one version, the newest window first.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Whose evaluations.
    pub version: &'a VersionName,
    /// The evaluations.
    pub evaluations: &'a [Evaluation],
}

/// When an evaluation is from: a window that ends in the future makes it no fresher.
pub fn time_of(evaluation: &Evaluation) -> Timestamp {
    evaluation.content.window_end_time.min(evaluation.create_time)
}

impl Gate {
    /// Looks at the newest measurement of the candidate, and of the version in
    /// production where there is one.
    pub fn decide(
        &self,
        candidate: Evidence<'_>,
        production: Option<Evidence<'_>>,
        policy_max_age_days: u32,
        now: Timestamp,
    ) -> GateResult {
        let days = if self.max_age_days == 0 { policy_max_age_days } else { self.max_age_days };
        let found = match self.measure(candidate, days, now) {
            Ok(found) => found,
            Err(sentence) => return self.failed(sentence),
        };
        if !self.requirement.compares() {
            return self.against_threshold(found);
        }
        match production.filter(|production| production.version != candidate.version) {
            None => GateResult {
                passed: true,
                measured: Some(found.measured),
                ..self.failed(
                    "no other version is in production, so there is nothing to compare with".to_owned(),
                )
            },
            Some(production) => match self.measure(production, days, now) {
                Ok(other) => self.against_production(found, other),
                Err(sentence) => GateResult { measured: Some(found.measured), ..self.failed(sentence) },
            },
        }
    }

    fn failed(&self, sentence: String) -> GateResult {
        let gate = self.id.clone();
        GateResult { gate, passed: false, measured: None, production: None, bound: None, sentence }
    }

    /// The newest point that the gate is about, if it is good enough to judge by.
    fn measure(&self, evidence: Evidence<'_>, days: u32, now: Timestamp) -> Result<Found, String> {
        let wanted = self.wanted();
        let point_of = |evaluation: &'_ Evaluation| {
            evaluation.content.points.iter().find(|point| self.fits(point)).cloned()
        };
        let newest = evidence.evaluations.iter().find_map(|e| point_of(e).map(|point| (e, point)));
        let Some((evaluation, point)) = newest else {
            return Err(format!(
                "nothing is known of {wanted}: record an evaluation of {} with it",
                evidence.version
            ));
        };
        let name = &evaluation.name;
        let estimate = Estimate::of(&point.value).ok_or_else(|| {
            format!("{wanted} is neither a rate nor moments nor a plain number in {name}: record it as one of these")
        })?;
        let time = time_of(evaluation);
        if time.plus_days(days) < now {
            return Err(format!(
                "the newest evidence of {wanted} is from {time}, older than {}: record a new evaluation of {}",
                in_days(days),
                evidence.version
            ));
        }
        if estimate.n < self.minimum_n {
            return Err(format!(
                "{wanted} rests on {} observations in {name}, of at least {}: record a larger evaluation",
                estimate.n, self.minimum_n
            ));
        }
        if self.confidence > 0.0 && estimate.is_mean_of_one() {
            return Err(format!(
                "{wanted} rests on one observation in {name}, which has no interval: record a larger evaluation"
            ));
        }
        if self.confidence > 0.0 && !estimate.has_interval() {
            return Err(format!(
                "{wanted} is a plain number in {name}, which has no interval: record it as a rate or as moments, or take the confidence out of the gate"
            ));
        }
        let measured = Measured { evaluation: name.clone(), time, value: estimate.value, n: estimate.n };
        Ok(Found { measured, estimate })
    }

    fn fits(&self, point: &MetricPoint) -> bool {
        point.metric == self.metric && point.method == self.method && point.slice == self.slice
    }

    /// The gate's metric in words.
    fn wanted(&self) -> String {
        let method = if self.method.is_empty() { String::new() } else { format!(" by {}", self.method) };
        let slice: Vec<String> = self.slice.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let slice = if slice.is_empty() { String::new() } else { format!(" for {}", slice.join(", ")) };
        format!("{}{method}{slice}", self.metric)
    }

    fn against_threshold(&self, found: Found) -> GateResult {
        let (low, high) = found.estimate.interval(self.confidence);
        let (passed, bound, relation, threshold) = match self.requirement {
            Requirement::AtLeast(threshold) => (low >= threshold, low, "at least", threshold),
            other => (high <= other.number(), high, "at most", other.number()),
        };
        let certainly = match self.confidence > 0.0 && found.estimate.value != bound {
            true => format!(", and with {} % confidence {}", percent(self.confidence), short(bound)),
            false => String::new(),
        };
        let verdict = if passed { "it passes" } else { "it fails" };
        let sentence = format!(
            "{} is {} (n = {}){certainly}; {verdict}, because it has to be {relation} {}",
            self.wanted(),
            short(found.estimate.value),
            found.estimate.n,
            short(threshold)
        );
        GateResult { passed, measured: Some(found.measured), bound: Some(bound), ..self.failed(sentence) }
    }

    fn against_production(&self, found: Found, other: Found) -> GateResult {
        let Some((low, high)) = difference(&found.estimate, &other.estimate, self.confidence) else {
            let sentence = format!(
                "{} is measured in different ways here and in production: record both alike",
                self.wanted()
            );
            let (measured, production) = (Some(found.measured), Some(other.measured));
            return GateResult { measured, production, ..self.failed(sentence) };
        };
        let margin = self.requirement.number();
        // 0.8 − 0.75 is a little more than 0.05 for a computer, but not for its owner.
        let rounding = ROUNDING * (found.estimate.value.abs() + other.estimate.value.abs());
        let (passed, bound, word) = match self.requirement {
            Requirement::NotBelowProductionBy(_) => (-low <= margin + rounding, low, "below"),
            _ => (high <= margin + rounding, high, "above"),
        };
        let certainty = match self.confidence > 0.0 {
            true => format!(" with {} % confidence", percent(self.confidence)),
            false => String::new(),
        };
        let verdict = if passed { "as the gate asks" } else { "which is too much or too uncertain" };
        let sentence = format!(
            "{} is {} (n = {}), in production {} (n = {}); it may be {word} by {} at most and is by {}{certainty}, {verdict}",
            self.wanted(),
            short(found.estimate.value),
            found.estimate.n,
            short(other.estimate.value),
            other.estimate.n,
            short(margin),
            short(if word == "below" { (-bound).max(0.0) } else { bound.max(0.0) }),
        );
        let (measured, production) = (Some(found.measured), Some(other.measured));
        GateResult { passed, measured, production, bound: Some(bound), ..self.failed(sentence) }
    }
}

struct Found {
    measured: Measured,
    estimate: Estimate,
}

impl Estimate {
    fn of(value: &PointValue) -> Option<Self> {
        match value {
            PointValue::Rate(rate) => Some(Estimate::rate(rate.k, rate.n)),
            PointValue::Moments(moments) => Some(Estimate::mean(moments.n, moments.mean, moments.m2)),
            PointValue::Plain(plain) => Some(Estimate::plain(plain.value, plain.n)),
            _ => None,
        }
    }
}

/// A number with at most four significant digits behind the point.
fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn percent(level: f64) -> String {
    short(level * 100.0)
}

#[cfg(test)]
mod tests;
