//! The index over series: the points of one metric on one part of the data stand together,
//! in the order of their windows' ends, each with the whole point as its value. So a query
//! reads what it asks for and no evaluation besides.

use super::{Key, Tag};
use crate::domain::{
    name::{ModelName, VersionName, VersionNumber},
    time::Timestamp,
};
use bytes::Bytes;
use std::ops::Range;

/// Bytes that stand for a slice.
const DIGEST: usize = 16;

/// A point of a series. An evaluation has at most one of each metric, slice and method.
pub fn series_point(
    version: &VersionName,
    metric: &str,
    slice: &[u8; DIGEST],
    end: Timestamp,
    (evaluation, method): (&str, &str),
) -> Bytes {
    group(version, metric, slice).time(end).text(evaluation).text(method).done()
}

/// The points of a metric on one slice whose windows end from one time up to another, exclusive.
pub fn series(
    version: &VersionName,
    metric: &str,
    slice: &[u8; DIGEST],
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Range<Bytes> {
    let all = group(version, metric, slice).range();
    let start = from.map_or(all.start, |time| group(version, metric, slice).time(time).done());
    let end = until.map_or(all.end, |time| group(version, metric, slice).time(time).done());
    let end = end.max(start.clone());
    start..end
}

/// The points of a metric on all slices.
pub fn series_of_metric(version: &VersionName, metric: &str) -> Range<Bytes> {
    of_version(version).text(metric).range()
}

/// The points of a version.
pub fn series_of_version(version: &VersionName) -> Range<Bytes> {
    of_version(version).range()
}

/// The points of all versions of a model.
pub fn series_of_model(model: &ModelName) -> Range<Bytes> {
    Key::new(Tag::Series, &model.namespace).model(&model.model).range()
}

/// Which version of a model a point belongs to.
pub fn version_of_series(model: &ModelName, key: &[u8]) -> Option<VersionName> {
    let rest = key.strip_prefix(series_of_model(model).start.as_ref())?;
    let number = u64::from_be_bytes(*rest.first_chunk()?);
    let number = VersionNumber::new(i64::try_from(number).ok()?).ok()?;
    Some(VersionName { model: model.clone(), number })
}

/// What the key of a point begins with up to the end of its slice: all points of the same metric
/// and slice begin so, and stand before [`super::after_prefix`] of it.
pub fn group_of_series(version: &VersionName, key: &[u8]) -> Option<Bytes> {
    let version = series_of_version(version).start;
    let rest = key.strip_prefix(version.as_ref())?;
    let metric = rest.iter().position(|byte| *byte == 0)? + 1;
    Some(Bytes::copy_from_slice(key.get(..version.len() + metric + DIGEST)?))
}

fn of_version(version: &VersionName) -> Key {
    Key::new(Tag::Series, &version.model.namespace).version(version)
}

fn group(version: &VersionName, metric: &str, slice: &[u8; DIGEST]) -> Key {
    let mut key = of_version(version).text(metric);
    key.0.extend_from_slice(slice);
    key
}
