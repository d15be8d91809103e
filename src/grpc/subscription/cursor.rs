//! Where a partition stands, on the wire.

use crate::{domain::time::Timestamp, grpc::field, proto::v1, registry::subscription::backlog::Standing};

/// Writes where a partition stands.
pub fn write(partition: i32, standing: Standing, now: Timestamp) -> v1::SubscriptionCursor {
    let Standing { cursor, backlog, stalled_since } = standing;
    let age = backlog.oldest.map(|oldest| now.micros_since(oldest).max(0));
    v1::SubscriptionCursor {
        partition,
        next_position: cursor.next_position,
        generation: cursor.generation,
        reader: cursor.reader,
        open_time: cursor.open_time.map(field::time),
        move_time: Some(field::time(cursor.move_time)),
        backlog_count: i64::try_from(backlog.count).unwrap_or(i64::MAX),
        backlog_complete: backlog.is_complete,
        oldest_event_time: backlog.oldest.map(field::time),
        oldest_event_age: age.map(|micros| prost_types::Duration {
            seconds: micros / 1_000_000,
            nanos: i32::try_from(micros % 1_000_000 * 1_000).unwrap_or_default(),
        }),
        stalled: stalled_since.is_some(),
        stall_time: stalled_since.map(field::time),
    }
}
