//! How subscriptions are shown.

use super::{
    name,
    table::{Facts, Table, time},
};
use crate::proto::v1::{Subscription, SubscriptionCursor, WebhookState};

/// Everything about one subscription.
pub fn facts(subscription: &Subscription) -> Facts {
    let filter = subscription.filter.clone().unwrap_or_default();
    Facts::new()
        .add("Subscription", name::id(&subscription.name))
        .add("Description", &subscription.description)
        .add("Types", filter.types.join(", "))
        .add("Resources", filter.resource_prefixes.join(", "))
        .add("Actors", filter.actors.join(", "))
        .add("Partitions", subscription.partition_count.to_string())
        .add("Began at", format!("#{}", subscription.start_position))
        .add("Last sought", time(subscription.seek_time))
        .add("Webhook", webhook(subscription))
        .add_lines("Cursors", subscription.cursors.iter().map(cursor))
        .add("Created", time(subscription.create_time))
        .add("Changed", time(subscription.update_time))
        .add("Etag", &subscription.etag)
        .add("Full name", &subscription.name)
}

/// A line for each subscription.
pub fn table(subscriptions: &[Subscription]) -> Table {
    let mut table = Table::new(["SUBSCRIPTION", "PARTITIONS", "WAITING", "OLDEST", "STALLED", "DESCRIPTION"]);
    for subscription in subscriptions {
        let cursors = &subscription.cursors;
        let waiting: i64 = cursors.iter().map(|cursor| cursor.backlog_count).sum();
        let more = if cursors.iter().all(|cursor| cursor.backlog_complete) { "" } else { "+" };
        let age = cursors.iter().filter_map(|cursor| cursor.oldest_event_age.as_ref()).map(|age| age.seconds);
        let stalled = cursors.iter().filter(|cursor| cursor.stalled).count();
        table.row([
            name::id(&subscription.name),
            subscription.partition_count.to_string(),
            format!("{waiting}{more}"),
            age.max().map(length).unwrap_or_default(),
            if stalled == 0 { String::new() } else { format!("{stalled} of {}", cursors.len()) },
            subscription.description.clone(),
        ]);
    }
    table
}

/// Where a webhook sends to, and whether it does.
fn webhook(subscription: &Subscription) -> String {
    let Some(webhook) = &subscription.webhook else { return String::new() };
    let status = subscription.webhook_status.clone().unwrap_or_default();
    match status.state() {
        WebhookState::Suspended => format!("{}: SUSPENDED, {}", webhook.uri, status.state_reason),
        WebhookState::Disabled => format!("{}: DISABLED, {}", webhook.uri, status.state_reason),
        WebhookState::Enabled | WebhookState::Unspecified => webhook.uri.clone(),
    }
}

fn cursor(cursor: &SubscriptionCursor) -> String {
    let more = if cursor.backlog_complete { "" } else { "+" };
    let mut line = format!(
        "{}: next #{}, {}{more} waiting",
        cursor.partition, cursor.next_position, cursor.backlog_count
    );
    if let Some(age) = &cursor.oldest_event_age {
        line.push_str(&format!(" for up to {}", length(age.seconds)));
    }
    if !cursor.reader.is_empty() {
        line.push_str(&format!(", read by {} (generation {})", cursor.reader, cursor.generation));
    }
    if cursor.stalled {
        line.push_str(&format!(", STALLED since {}", time(cursor.stall_time)));
    }
    line
}

/// A length of time in its largest unit.
fn length(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_stalled_partition_stands_out() {
        let cursor = SubscriptionCursor {
            next_position: 7,
            backlog_count: 3,
            backlog_complete: true,
            oldest_event_age: Some(prost_types::Duration { seconds: 7_300, nanos: 0 }),
            reader: "loader".into(),
            stalled: true,
            ..SubscriptionCursor::default()
        };
        let subscription = Subscription {
            name: "namespaces/n/subscriptions/warehouse".into(),
            partition_count: 1,
            cursors: vec![cursor],
            ..Subscription::default()
        };
        let text = facts(&subscription).text();
        assert!(text.contains("0: next #7, 3 waiting for up to 2 h, read by loader"), "{text}");
        assert!(text.contains("STALLED"), "{text}");
        let text = table(&[subscription]).text();
        assert!(text.contains("warehouse") && text.contains("1 of 1"), "{text}");
    }
}
