//! Segments: where a series may be joined, and why it may not go on.

use super::{
    Line, Slice,
    form::{Cause, Form},
    overlap::Kept,
    step::{self, Step},
};
use crate::domain::{name::VersionNumber, time::Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Points that may be joined, merged into steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// What is followed.
    pub line: Line,
    /// What the points have in common.
    pub form: Form,
    /// Why it is not joined with what came before; `None` where nothing did.
    pub begins: Option<Break>,
    /// In the order of time.
    pub steps: Vec<Step>,
}

/// Where numbers before and after are not comparable.
#[derive(Clone, Debug, PartialEq)]
pub struct Break {
    /// Begin of the first window behind it.
    pub time: Timestamp,
    /// What changed.
    pub causes: Vec<Cause>,
    /// The same in a sentence.
    pub sentence: String,
}

impl Break {
    fn new(time: Timestamp, changes: Vec<(Cause, String)>) -> Self {
        let (causes, words): (Vec<Cause>, Vec<String>) = changes.into_iter().unzip();
        let sentence = format!("{}: numbers before and after do not compare", words.join("; "));
        Break { time, causes, sentence }
    }
}

/// Consecutive points of one line and one form; at least one.
pub(super) struct Run {
    line: Line,
    form: Form,
    start: Timestamp,
    end: Timestamp,
    begins: Option<Break>,
    pub points: Vec<Kept>,
}

impl Run {
    fn new(kept: Kept, begins: Option<Break>) -> Self {
        let (start, end) = (kept.point.start, kept.point.end);
        let (line, form) = (kept.point.line.clone(), Form::of(&kept.point));
        Run { line, form, start, end, begins, points: vec![kept] }
    }

    /// Whether both follow the same.
    pub fn is_of_the_same_line(&self, other: &Run) -> bool {
        self.line == other.line
    }
}

/// Cuts the points of one line, in order, where their form changes.
pub(super) fn runs(points: Vec<Kept>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for kept in points {
        let form = Form::of(&kept.point);
        if let Some(run) = runs.last_mut()
            && run.form.take_in(&form)
        {
            run.end = kept.point.end;
            run.points.push(kept);
            continue;
        }
        let begins = runs.last().map(|run| Break::new(kept.point.start, run.form.changes(&form)));
        runs.push(Run::new(kept, begins));
    }
    runs
}

/// The segments of all runs: by version, slice, time, and then the rest of the line.
pub(super) fn segments(mut runs: Vec<Run>, step: Option<i64>) -> Vec<Segment> {
    runs.sort_by(|a, b| {
        fn place(run: &Run) -> (VersionNumber, &Slice, Timestamp, &Line) {
            (run.line.version, &run.line.slice, run.start, &run.line)
        }
        place(a).cmp(&place(b))
    });
    follow(&mut runs);
    let segment = |run: Run| {
        let bins = run.form.shape.size();
        let widened = |kept: Kept| Kept { value: kept.value.widened(bins), ..kept };
        let points = run.points.into_iter().map(widened).collect();
        let (line, form, begins) = (run.line, run.form, run.begins);
        Segment { line, form, begins, steps: step::steps(points, step) }
    };
    runs.into_iter().map(segment).collect()
}

/// Finds what the first run of each line follows: of the same slice, the run that ended last
/// before it begins, or else one of the version before. Lines that go on beside it are not
/// followed; they are measured in parallel.
fn follow(runs: &mut [Run]) {
    // The last run of each line: the runs are in the order of time.
    let last: BTreeMap<Line, usize> =
        runs.iter().enumerate().map(|(index, run)| (run.line.clone(), index)).collect();
    let end =
        |index: usize| (runs[index].line.slice.clone(), runs[index].line.version, runs[index].end, index);
    let ends: BTreeSet<_> = last.into_values().map(end).collect();
    for index in 0..runs.len() {
        let run = &runs[index];
        let slice = &run.line.slice;
        let here = (slice.clone(), run.line.version, run.start, usize::MAX);
        let before = ends.range(..=here).next_back().filter(|(of, ..)| of == slice);
        if let (None, Some((.., before))) = (&run.begins, before) {
            let before = &runs[*before];
            let mut changes = before.line.changes(&run.line);
            changes.extend(before.form.changes(&run.form));
            runs[index].begins = Some(Break::new(run.start, changes));
        }
    }
}
