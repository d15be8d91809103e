//! The indexes from what a version rests on or leads to back to the version.

use super::{Key, Tag};
use crate::domain::name::{UpstreamName, VersionName};
use bytes::Bytes;
use std::ops::Range;

/// That a version is in service and rests on a rented model.
pub fn version_by_upstream(upstream: &UpstreamName, version: &VersionName) -> Bytes {
    by_upstream(upstream).version(version).done()
}

/// The versions in service that rest on a rented model.
pub fn versions_by_upstream(upstream: &UpstreamName) -> Range<Bytes> {
    by_upstream(upstream).range()
}

fn by_upstream(upstream: &UpstreamName) -> Key {
    Key::new(Tag::VersionByUpstream, &upstream.namespace).text(&upstream.segment())
}

/// That a deprecated version sends its callers to another.
pub fn version_by_replacement(replacement: &VersionName, version: &VersionName) -> Bytes {
    by_replacement(replacement).version(version).done()
}

/// The deprecated versions that send their callers to a version.
pub fn versions_by_replacement(replacement: &VersionName) -> Range<Bytes> {
    by_replacement(replacement).range()
}

fn by_replacement(replacement: &VersionName) -> Key {
    Key::new(Tag::VersionByReplacement, &replacement.model.namespace).version(replacement)
}
