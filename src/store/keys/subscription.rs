//! Durable subscriptions: their states, and what is kept of them beside the log.

use super::{Key, Tag};
use crate::domain::name::{NamespaceId, SubscriptionName};
use bytes::Bytes;
use std::ops::Range;

fn key(tag: Tag, name: &SubscriptionName) -> Key {
    Key::new(tag, &name.namespace).text(name.subscription.as_str())
}

/// The state of a subscription.
pub(super) fn state(name: &SubscriptionName) -> Bytes {
    key(Tag::Subscription, name).done()
}

/// All subscriptions in the order of their ids.
pub fn subscriptions(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::Subscription, namespace).range()
}

/// How far the reader of a partition has got. No part of the log.
pub fn cursor(name: &SubscriptionName, partition: u32) -> Bytes {
    key(Tag::Cursor, name).number(u64::from(partition)).done()
}
