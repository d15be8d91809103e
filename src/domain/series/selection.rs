//! Which series are asked for.

use super::{Point, Slice};
use crate::domain::check::{Check, Violations};
use serde::Serialize;

/// One metric, and which of its series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// The metric.
    pub metric: String,
    /// Only this variant of the method.
    pub method: Option<String>,
    /// Only this evaluator; empty means any.
    pub evaluator: String,
    /// This part of the data; `None` means each part.
    pub slice: Option<Slice>,
}

impl Selection {
    /// Whether a point of the metric and slice is asked for.
    pub fn takes(&self, point: &Point) -> bool {
        self.method.as_ref().is_none_or(|method| *method == point.line.method)
            && (self.evaluator.is_empty() || self.evaluator == point.line.evaluator)
    }
}

impl Check for Selection {
    /// What could not have been recorded cannot be asked for.
    fn check(&self, v: &mut Violations) {
        v.code("metric", &self.metric, 128, "-_./", true);
        if let Some(method) = self.method.as_ref().filter(|method| !method.is_empty()) {
            v.code("method", method, 128, "-_./", true);
        }
        v.text("evaluator", &self.evaluator, 0, 128);
        let slice = self.slice.iter().flatten();
        v.at_most("slice", slice.clone().count(), 8);
        for (key, value) in slice {
            v.code("slice", key, 63, "-_.+", false);
            v.within("slice", |v| v.code(&format!("[{key:?}]"), value, 63, "-_.+", false));
        }
    }
}
