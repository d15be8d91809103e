//! Evaluations: what was measured of a version over a time window.

pub mod declared;
pub mod personal;
pub mod point;

use self::point::{MetricPoint, fold};
use super::{
    check::{Check, Violations},
    lifecycle::VersionState,
    name::EvaluationName,
    refusal::{Reason, Refusal},
    time::Timestamp,
    version::{DatasetReference, Version},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The program that measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluator {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
}

/// The major version: the digits at the beginning, behind a `v` or not; a version without is
/// its own major version.
pub fn major(version: &str) -> &str {
    let number = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 { version } else { &number[..digits] }
}

/// What a caller records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationContent {
    /// Begin of the window, inclusive.
    pub window_start_time: Timestamp,
    /// End of the window, exclusive.
    pub window_end_time: Timestamp,
    /// The data that was evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetReference>,
    /// The program that measured.
    pub evaluator: Evaluator,
    /// The measurements.
    pub points: Vec<MetricPoint>,
    /// A note for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Check for EvaluationContent {
    fn check(&self, violations: &mut Violations) {
        if self.window_end_time <= self.window_start_time {
            violations.add(
                "window_end_time",
                format!(
                    "{} is not after window_start_time, {}",
                    self.window_end_time, self.window_start_time
                ),
            );
        }
        if let Some(dataset) = &self.dataset {
            violations.within("dataset", |v| dataset.check(v));
        }
        violations.within("evaluator", |v| {
            v.text("name", &self.evaluator.name, 1, 128);
            v.text("version", &self.evaluator.version, 0, 64);
            impersonal(v, "name", &self.evaluator.name);
            impersonal(v, "version", &self.evaluator.version);
        });
        violations.text("note", &self.note, 0, 1_000);
        impersonal(violations, "note", &self.note);
        if self.points.is_empty() {
            violations.add("points", "is required: record at least one measurement");
        }
        violations.at_most("points", self.points.len(), 200);
        let mut seen = BTreeSet::new();
        for (index, point) in self.points.iter().enumerate() {
            violations.within(&format!("points[{index}]"), |v| {
                point.check(v);
                if !seen.insert((&point.metric, &point.method, &point.slice)) {
                    v.add("metric", "stands here a second time with the same method and slice");
                }
            });
        }
    }
}

/// Refuses a free text that seems to hold personal data, without repeating it.
fn impersonal(violations: &mut Violations, field: &str, text: &str) {
    if let Some(kind) = personal::seems_to_hold(text) {
        violations.add(field, format!("looks as if it held {kind}; evaluations hold no personal data"));
    }
}

/// A recorded evaluation. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Its name.
    pub name: EvaluationName,
    /// What was recorded.
    #[serde(flatten)]
    pub content: EvaluationContent,
    /// When it was recorded.
    pub create_time: Timestamp,
    /// Who recorded it.
    pub recorder: String,
    /// Cells that were too small to be recorded by themselves.
    #[serde(rename = "folded_cell_count", default, skip_serializing_if = "is_zero")]
    pub folded_cells: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Evaluation {
    /// Records an evaluation of a version that is not yet out of service, by keys and
    /// codes that it declares. Cells of fewer than `least` observations are folded.
    pub fn record(
        name: EvaluationName,
        content: EvaluationContent,
        version: &Version,
        least: u32,
        recorder: String,
        now: Timestamp,
    ) -> Result<Self, Vec<Refusal>> {
        use VersionState::*;
        match version.state {
            Draft | Candidate | Approved | Deprecated => {
                let undeclared = declared::undeclared(&content.points, version);
                if !undeclared.is_empty() {
                    return Err(undeclared);
                }
                let folded = fold::fold(content.points, least);
                let folded = folded.map_err(|point| vec![does_not_add_up(&point, version, least)])?;
                let content = EvaluationContent { points: folded.points, ..content };
                Ok(Evaluation { name, content, create_time: now, recorder, folded_cells: folded.cells })
            }
            Retired | Rejected | Archived => {
                let sentence =
                    format!("the version is {}, which takes no evaluations any more", version.state.word());
                Err(vec![Refusal::new(Reason::EvaluationNotAccepted, &version.name, sentence)])
            }
        }
    }

    /// Whether a metric was measured.
    pub fn measures(&self, metric: &str) -> bool {
        self.content.points.iter().any(|point| point.metric == metric)
    }
}

fn does_not_add_up(point: &MetricPoint, version: &Version, least: u32) -> Refusal {
    let sentence = format!(
        "several slices of {:?} rest on fewer than {least} observations each, which are recorded together as \
         OTHER, but these measurements do not add up; send one for OTHER, or leave them out",
        point.metric
    );
    Refusal::new(Reason::CellsTooSmall, &version.name, sentence).with("metric", &point.metric)
}
