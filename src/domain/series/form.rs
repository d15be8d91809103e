//! What besides the line has to be the same for points to be joined.

use super::{Line, Point};
use crate::domain::evaluation::{
    major,
    point::{Bins, Direction, Kind, PointValue},
};

/// What the numbers of a kind are counted in.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Nothing to tell apart. Exponential histograms of different scales have one too: they
    /// come down to the coarser one.
    Any,
    /// The bins of a histogram.
    Bins(Bins),
    /// The relative accuracy of a sketch.
    Accuracy(f64),
    /// What the groups of confusion counts are.
    Attribute(String),
    /// The currency of a cost; empty where nothing was spent.
    Currency(String),
}

/// What points of one segment have in common besides the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// What kind they are of.
    pub kind: Kind,
    /// What they are counted in.
    pub shape: Shape,
    /// Which way they get better.
    pub direction: Direction,
    /// The major version of the evaluator.
    pub major_version: String,
}

/// Why points are not joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Another version of the model.
    Version,
    /// Another variant of the method.
    Method,
    /// Another program.
    Evaluator,
    /// Another major version of the program.
    EvaluatorMajorVersion,
    /// Another direction.
    Direction,
    /// Another kind of measurement.
    Kind,
    /// Other bins.
    Bins,
    /// Another relative accuracy.
    Accuracy,
    /// Another currency.
    Currency,
    /// Another attribute to tell groups apart.
    Attribute,
}

impl Form {
    /// The form of a point.
    pub fn of(point: &Point) -> Form {
        let shape = match &point.value {
            PointValue::Histogram(histogram) => Shape::Bins(histogram.bins.clone()),
            PointValue::Sketch(sketch) => Shape::Accuracy(sketch.relative_accuracy),
            PointValue::Confusion(confusion) => Shape::Attribute(confusion.attribute.clone()),
            PointValue::Usage(usage) => Shape::Currency(usage.currency.clone()),
            PointValue::Rate(_)
            | PointValue::Moments(_)
            | PointValue::ExponentialHistogram(_)
            | PointValue::Plain(_) => Shape::Any,
        };
        Form {
            kind: point.value.kind(),
            shape,
            direction: point.direction,
            major_version: major(&point.evaluator_version).to_owned(),
        }
    }

    /// Takes in a point's form if they may be joined. Usage without money has no currency of
    /// its own, so it takes that of its neighbours; likewise codes of which none was `OTHER`.
    pub fn take_in(&mut self, other: &Form) -> bool {
        let joined = self.changes(other).is_empty();
        if joined && (self.shape == Shape::Currency(String::new()) || self.shape.size() < other.shape.size())
        {
            self.shape = other.shape.clone();
        }
        joined
    }

    /// What is different in `next`, each with its words.
    pub fn changes(&self, next: &Form) -> Vec<(Cause, String)> {
        let mut changes = Vec::new();
        let (before, after) = (&self.major_version, &next.major_version);
        if before != after {
            let (before, after) = (version_words(before), version_words(after));
            let words = format!("the evaluator went from {before} to {after}");
            changes.push((Cause::EvaluatorMajorVersion, words));
        }
        if self.direction != next.direction {
            let words = format!("{} became {}", direction(self.direction), direction(next.direction));
            changes.push((Cause::Direction, words));
        }
        if self.kind != next.kind {
            changes.push((Cause::Kind, format!("{} became {}", self.kind.word(), next.kind.word())));
        }
        changes.extend(self.shape.change(&next.shape));
        changes
    }
}

impl Shape {
    /// How many bins it names.
    pub fn size(&self) -> usize {
        if let Shape::Bins(bins) = self { bins.len() } else { 0 }
    }

    fn change(&self, next: &Shape) -> Option<(Cause, String)> {
        match (self, next) {
            (Shape::Bins(a), Shape::Bins(b)) if a.joined(b).is_none() => {
                Some((Cause::Bins, format!("the {} bins became {} others", a.len(), b.len())))
            }
            (Shape::Accuracy(a), Shape::Accuracy(b)) if a != b => {
                Some((Cause::Accuracy, format!("the relative accuracy went from {a} to {b}")))
            }
            (Shape::Attribute(a), Shape::Attribute(b)) if a != b => {
                Some((Cause::Attribute, format!("groups by {a} became groups by {b}")))
            }
            (Shape::Currency(a), Shape::Currency(b)) if a != b && !a.is_empty() && !b.is_empty() => {
                Some((Cause::Currency, format!("the currency went from {a} to {b}")))
            }
            _ => None,
        }
    }
}

impl Line {
    /// What is different in a line that comes after this one, each with its words.
    pub(super) fn changes(&self, next: &Line) -> Vec<(Cause, String)> {
        let mut changes = Vec::new();
        if self.version != next.version {
            let words =
                format!("version {} of the model was followed by version {}", self.version, next.version);
            changes.push((Cause::Version, words));
        }
        if self.method != next.method {
            let words = format!("the method went from {} to {}", named(&self.method), named(&next.method));
            changes.push((Cause::Method, words));
        }
        if self.evaluator != next.evaluator {
            let words = format!("{} was followed by {}", self.evaluator, next.evaluator);
            changes.push((Cause::Evaluator, words));
        }
        changes
    }
}

fn named(method: &str) -> &str {
    if method.is_empty() { "an unnamed one" } else { method }
}

fn version_words(major: &str) -> String {
    if major.is_empty() { "no version".to_owned() } else { format!("major version {major}") }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Unspecified => "no known direction",
        Direction::HigherIsBetter => "higher is better",
        Direction::LowerIsBetter => "lower is better",
    }
}
