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

/// Where the sending of a partition's events stands. No part of the log.
pub fn delivery(name: &SubscriptionName, partition: u32) -> Bytes {
    key(Tag::Delivery, name).number(u64::from(partition)).done()
}

/// An attempt to send an event of a partition. No part of the log.
pub fn attempt(name: &SubscriptionName, partition: u32, number: u64) -> Bytes {
    key(Tag::Attempt, name).number(u64::from(partition)).number(number).done()
}

/// All attempts that are kept of a subscription.
pub fn attempts(name: &SubscriptionName) -> Range<Bytes> {
    key(Tag::Attempt, name).range()
}

/// The secrets that the webhook of a subscription signs with. No part of the log.
pub fn webhook_secrets(name: &SubscriptionName) -> Bytes {
    key(Tag::WebhookSecrets, name).done()
}
