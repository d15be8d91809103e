//! The index over what is due: it stands in the order of time, whatever it is about.

use super::{Key, Tag};
use crate::domain::{name::NamespaceId, resource::ResourceName, time::Timestamp};
use bytes::Bytes;
use std::ops::Range;

/// That time does something to a resource then.
pub fn due(name: &ResourceName, at: Timestamp) -> Bytes {
    Key::new(Tag::Due, name.namespace()).time(at).text(&name.to_string()).done()
}

/// What is due in a namespace up to a time, inclusive.
pub fn due_until(namespace: &NamespaceId, until: Timestamp) -> Range<Bytes> {
    let all = Key::new(Tag::Due, namespace).range();
    all.start..Key::new(Tag::Due, namespace).time(until.plus_micros(1)).done()
}

/// All that is due in a namespace.
pub fn all_due(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::Due, namespace).range()
}

/// When, and what, an entry of the index over what is due says.
pub fn read_due(namespace: &NamespaceId, key: &[u8]) -> Option<(Timestamp, ResourceName)> {
    let rest = key.strip_prefix(all_due(namespace).start.as_ref())?;
    let (time, name) = rest.split_first_chunk()?;
    let time = Timestamp::from_micros((u64::from_be_bytes(*time) ^ (1 << 63)) as i64)?;
    let name = std::str::from_utf8(name.strip_suffix(&[0])?).ok()?;
    Some((time, ResourceName::parse_any(name).ok()?))
}
