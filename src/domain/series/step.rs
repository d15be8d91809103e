//! Steps: points merged for display.

use super::{Merged, overlap::Kept, segment::Run};
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};

/// Lengths that steps of "at most so many" may have. Those of whole weeks divide each other
/// as far as a quarter does.
const LADDER: [i64; 16] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    91 * DAY,
    182 * DAY,
    364 * DAY,
    3_640 * DAY,
];

/// How closely one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Each point by itself.
    Points,
    /// Steps of so many microseconds, at least 1, counted from 1970.
    Every(i64),
    /// The shortest steps at which no line has more than so many.
    AtMost(usize),
}

impl Resolution {
    /// The length of the steps that fit.
    pub(super) fn step(self, runs: &[Run]) -> Option<i64> {
        let most = match self {
            Resolution::Points => return None,
            Resolution::Every(step) => return Some(step.max(1)),
            Resolution::AtMost(most) => most,
        };
        if most_of_a_line(runs, |run| run.points.len()) <= most {
            return None;
        }
        let fits = |step: &&i64| {
            let steps = |run: &Run| {
                let mut steps: Vec<i64> = run.points.iter().map(|kept| index(kept, **step)).collect();
                steps.dedup();
                steps.len()
            };
            most_of_a_line(runs, steps) <= most
        };
        Some(*LADDER.iter().find(fits).unwrap_or(&LADDER[LADDER.len() - 1]))
    }
}

/// The largest count that the runs of one line, which stand together, add up to.
fn most_of_a_line(runs: &[Run], count: impl Fn(&Run) -> usize) -> usize {
    let of_line = |line: &[Run]| line.iter().map(&count).sum();
    runs.chunk_by(Run::is_of_the_same_line).map(of_line).max().unwrap_or(0)
}

/// Which step a point belongs to: that of the last moment of its window.
fn index(kept: &Kept, step: i64) -> i64 {
    (kept.point.end.micros() - 1).div_euclid(step)
}

/// Points merged into one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Begin of the step; of the window where each point is a step.
    pub start: Timestamp,
    /// End of the step, exclusive.
    pub end: Timestamp,
    /// Begin of the first window. It may lie before the step.
    pub window_start: Timestamp,
    /// End of the last window, exclusive.
    pub window_end: Timestamp,
    /// How many evaluations were merged.
    pub evaluations: usize,
    /// How many others these supersede.
    pub superseded: usize,
    /// What they say together.
    pub value: Merged,
}

/// Merges the points of a run. What adds up to more than statistics hold stands in several
/// steps of the same time.
pub(super) fn steps(points: Vec<Kept>, step: Option<i64>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for kept in points {
        let (start, end) = bounds(&kept, step);
        if let Some(last) = steps.last_mut()
            && step.is_some()
            && last.start == start
            && let Some(value) = last.value.merge(&kept.value)
        {
            last.value = value;
            last.window_end = kept.point.end;
            last.evaluations += 1;
            last.superseded += kept.superseded;
            continue;
        }
        steps.push(Step {
            start,
            end,
            window_start: kept.point.start,
            window_end: kept.point.end,
            evaluations: 1,
            superseded: kept.superseded,
            value: kept.value,
        });
    }
    steps
}

fn bounds(kept: &Kept, step: Option<i64>) -> (Timestamp, Timestamp) {
    let Some(step) = step else { return (kept.point.start, kept.point.end) };
    let start = index(kept, step).saturating_mul(step);
    // Held within the years 1 to 9999, as all times are.
    let at =
        |micros: i64| Timestamp::from_micros(0).map_or(kept.point.start, |epoch| epoch.plus_micros(micros));
    (at(start), at(start.saturating_add(step)))
}
