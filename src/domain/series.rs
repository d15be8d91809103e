//! Series: what was measured of one thing over time, and where it must not be joined.
//!
//! A *line* is what one evaluator measures of one metric by one method on one part of the
//! data of a version. For any moment a line has at most one value: a point that was recorded
//! later supersedes those of the line whose windows overlap its own, so no observation is
//! counted twice and an evaluation that is repeated replaces the first (`overlap`).
//!
//! What is left stands in the order of its windows, whenever it arrived, and is cut into
//! [`Segment`]s wherever numbers before and after are not comparable; each begins with a
//! [`Break`] that says why. Within a segment, points are merged into [`Step`]s of one length,
//! or of the shortest at which a line has at most so many.

mod form;
mod listed;
mod overlap;
mod segment;
mod selection;
mod step;
mod value;

pub use self::{
    form::{Cause, Form, Shape},
    listed::{Listed, Listing},
    segment::{Break, Segment},
    selection::Selection,
    step::{Resolution, Step},
    value::{Merged, quantiles},
};

use super::{
    canonical,
    evaluation::{
        Evaluation,
        point::{Direction, PointValue},
    },
    name::VersionNumber,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The level of all intervals.
pub const LEVEL: f64 = 0.95;

/// What part of the data was measured, as codes; empty means all of it.
pub type Slice = BTreeMap<String, String>;

/// What is followed over time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Line {
    /// The version of the model.
    pub version: VersionNumber,
    /// What is measured.
    pub metric: String,
    /// The part of the data.
    #[serde(default, skip_serializing_if = "Slice::is_empty")]
    pub slice: Slice,
    /// The variant of the method.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The name of the program that measures.
    pub evaluator: String,
}

/// A measurement and where it stands in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// What it belongs to.
    pub line: Line,
    /// Begin of the window, inclusive.
    pub start: Timestamp,
    /// End of the window, exclusive.
    pub end: Timestamp,
    /// When it was recorded.
    pub create_time: Timestamp,
    /// The id of the evaluation that it is part of.
    pub evaluation: String,
    /// The version of the program that measured.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evaluator_version: String,
    /// Which way it gets better.
    pub direction: Direction,
    /// The measurement.
    pub value: PointValue,
}

impl Point {
    /// The points of an evaluation.
    pub fn all(evaluation: &Evaluation) -> impl Iterator<Item = Point> + '_ {
        let content = &evaluation.content;
        content.points.iter().map(|point| Point {
            line: Line {
                version: evaluation.name.version.number,
                metric: point.metric.clone(),
                slice: point.slice.clone(),
                method: point.method.clone(),
                evaluator: content.evaluator.name.clone(),
            },
            start: content.window_start_time,
            end: content.window_end_time,
            create_time: evaluation.create_time,
            evaluation: evaluation.name.evaluation.as_str().to_owned(),
            evaluator_version: content.evaluator.version.clone(),
            direction: point.direction,
            value: point.value.clone(),
        })
    }
}

/// Sixteen bytes that stand for a slice in a key: zeros for all of the data, so that it comes
/// first, otherwise the beginning of the SHA-256 over its canonical JSON.
pub fn slice_digest(slice: &Slice) -> Result<[u8; 16], serde_json::Error> {
    let mut digest = [0; 16];
    if !slice.is_empty() {
        digest.copy_from_slice(&Sha256::digest(canonical::to_vec(slice)?)[..16]);
    }
    Ok(digest)
}

/// Series, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// By version, slice and time.
    pub segments: Vec<Segment>,
    /// The length of the steps in microseconds; `None` where each point is a step.
    pub step: Option<i64>,
    /// Points that later recorded ones supersede.
    pub superseded: usize,
    /// Points with numbers beyond what statistics hold (1e100 in size), which are left out.
    pub excluded: usize,
}

impl Series {
    /// The series of points of one metric of one model, in whatever order they came.
    pub fn of(points: Vec<Point>, resolution: Resolution) -> Series {
        let mut lines: BTreeMap<Line, Vec<overlap::Candidate>> = BTreeMap::new();
        let mut excluded = 0;
        for point in points {
            match Merged::of(&point.value) {
                Ok(value) => {
                    let line = lines.entry(point.line.clone()).or_default();
                    line.push(overlap::Candidate { point, value });
                }
                Err(_) => excluded += 1,
            }
        }
        let mut runs = Vec::new();
        let mut superseded = 0;
        for candidates in lines.into_values() {
            let kept = overlap::kept(candidates);
            superseded += kept.iter().map(|kept| kept.superseded).sum::<usize>();
            runs.extend(segment::runs(kept));
        }
        let step = resolution.step(&runs);
        Series { segments: segment::segments(runs, step), step, superseded, excluded }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
