//! Durable subscriptions: who gets which events, and what happens to those that nobody
//! takes. How far a reader has got is in [`cursor`]; it is no part of any log.

pub mod cursor;
pub mod partition;

use super::{
    check::{Check, Violations},
    event::EventFilter,
    mask::masked,
    name::SubscriptionName,
    time::{Timestamp, seconds},
    webhook::{WebhookContent, WebhookStatus},
};
use serde::{Deserialize, Serialize};

/// Most partitions of a subscription.
pub const MOST_PARTITIONS: u32 = 64;
/// Most subscriptions of a namespace.
pub const MOST_SUBSCRIPTIONS: usize = 1_000;
/// A cursor that does not move for so long is reported when nobody says otherwise, in seconds.
pub const STALL_INTERVAL: i64 = 3_600;
/// The longest time after which a cursor is reported, in seconds.
const LONGEST_STALL: i64 = 30 * 86_400;

/// What a caller says about a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionContent {
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Which events.
    #[serde(default, skip_serializing_if = "EventFilter::is_empty")]
    pub filter: EventFilter,
    /// How many readers can work side by side.
    pub partition_count: u32,
    /// A partition with waiting events that does not move for so long is reported; seconds.
    #[serde(with = "seconds")]
    pub stall_interval: i64,
    /// Where Steward sends the events by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookContent>,
}

impl Default for SubscriptionContent {
    fn default() -> Self {
        SubscriptionContent {
            description: String::new(),
            filter: EventFilter::default(),
            partition_count: 1,
            stall_interval: STALL_INTERVAL,
            webhook: None,
        }
    }
}

masked!(SubscriptionContent { description, filter, stall_interval, webhook });

impl Check for SubscriptionContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("description", &self.description, 0, 4_000);
        if !(1..=MOST_PARTITIONS).contains(&self.partition_count) {
            let count = self.partition_count;
            violations.add("partition_count", format!("{count} is not allowed; use 1 to {MOST_PARTITIONS}"));
        }
        if !(1..=LONGEST_STALL).contains(&self.stall_interval) {
            let seconds = self.stall_interval;
            violations
                .add("stall_interval", format!("{seconds} s is not allowed; use 1 to {LONGEST_STALL} s"));
        }
        if let Some(webhook) = &self.webhook {
            violations.within("webhook", |violations| webhook.check(violations));
        }
    }
}

/// A durable subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its name.
    pub name: SubscriptionName,
    /// What is wanted.
    #[serde(flatten)]
    pub content: SubscriptionContent,
    /// Where readers begin who have acknowledged nothing since.
    pub start_position: u64,
    /// When somebody last moved all of its readers to another position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seek_time: Option<Timestamp>,
    /// How its webhook is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_status: Option<WebhookStatus>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

impl Subscription {
    /// A new subscription from a position on.
    pub fn create(
        name: SubscriptionName,
        content: SubscriptionContent,
        start_position: u64,
        now: Timestamp,
    ) -> Self {
        let (create_time, update_time) = (now, now);
        Subscription {
            name,
            content,
            start_position,
            seek_time: None,
            webhook_status: None,
            create_time,
            update_time,
        }
    }

    /// The subscription with other content.
    pub fn update(self, content: SubscriptionContent, now: Timestamp) -> Self {
        Subscription { content, update_time: now, ..self }
    }

    /// The subscription, read again from a position on.
    pub fn seek(self, start_position: u64, now: Timestamp) -> Self {
        Subscription { start_position, seek_time: Some(now), update_time: now, ..self }
    }

    /// Since when readers are where [`Subscription::start_position`] says, unless they moved.
    pub fn start_time(&self) -> Timestamp {
        self.seek_time.unwrap_or(self.create_time)
    }
}
