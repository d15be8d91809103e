//! The index over the evaluations of a version, by the end of their windows.

use super::{Key, Tag};
use crate::domain::{
    name::{EvaluationName, VersionName},
    time::Timestamp,
};
use bytes::Bytes;
use std::ops::Range;

/// An evaluation in the order of its window's end.
pub fn evaluation_by_window(name: &EvaluationName, end: Timestamp) -> Bytes {
    let version = Key::new(Tag::EvaluationByWindow, &name.version.model.namespace).version(&name.version);
    version.time(end).text(name.evaluation.as_str()).done()
}

/// The state key of the evaluation that an entry of the window index leads to.
pub fn evaluation_of_index(version: &VersionName, key: &[u8]) -> Option<Bytes> {
    let start = Key::new(Tag::EvaluationByWindow, &version.model.namespace).version(version).done();
    let id = key.strip_prefix(start.as_ref())?.get(8..)?.strip_suffix(&[0])?;
    let state = Key::new(Tag::Evaluation, &version.model.namespace).version(version);
    Some(state.text(std::str::from_utf8(id).ok()?).done())
}

/// The evaluations of a version whose windows end from one time up to another,
/// exclusive.
pub fn evaluations_by_window(
    version: &VersionName,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Range<Bytes> {
    let key = || Key::new(Tag::EvaluationByWindow, &version.model.namespace).version(version);
    let all = key().range();
    let start = from.map_or(all.start, |time| key().time(time).done());
    let end = until.map_or(all.end, |time| key().time(time).done());
    let end = end.max(start.clone());
    start..end
}
