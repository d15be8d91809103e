//! Which series there are.

use super::{Form, Line, Point};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// A line of which something was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// What is followed.
    pub line: Line,
    /// What the newest point is.
    pub form: Form,
    /// The evaluator's version at the newest point.
    pub evaluator_version: String,
    /// Recorded points, superseded ones too.
    pub points: u64,
    /// Begin of the first window.
    pub start: Timestamp,
    /// End of the last window.
    pub end: Timestamp,
    newest: (Timestamp, Timestamp, Timestamp),
}

/// Lines, as their points are read in any order.
#[derive(Debug, Default)]
pub struct Listing(BTreeMap<Line, Listed>);

impl Listing {
    /// Counts a point.
    pub fn add(&mut self, point: Point) {
        let place = (point.end, point.start, point.create_time);
        let listed = self.0.entry(point.line.clone()).or_insert_with(|| Listed {
            line: point.line.clone(),
            form: Form::of(&point),
            evaluator_version: point.evaluator_version.clone(),
            points: 0,
            start: point.start,
            end: point.end,
            newest: place,
        });
        listed.points += 1;
        listed.start = listed.start.min(point.start);
        listed.end = listed.end.max(point.end);
        if place > listed.newest {
            listed.newest = place;
            listed.form = Form::of(&point);
            listed.evaluator_version = point.evaluator_version;
        }
    }

    /// The lines, in their order.
    pub fn lines(self) -> impl Iterator<Item = Listed> {
        self.0.into_values()
    }
}
