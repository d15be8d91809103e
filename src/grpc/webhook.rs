//! Webhooks on the wire: the part of SubscriptionService that is about them.

use super::field::{self, Fields};
use crate::{
    domain::{
        retraining,
        webhook::{WebhookContent, WebhookKey, WebhookKeyType, WebhookShape, WebhookState, WebhookStatus},
    },
    proto::v1,
    registry::webhook::delivery::Attempt,
};
use prost_types::Duration;

/// Longest that an old key signs beside a new one, in seconds.
const LONGEST_OVERLAP: i64 = 30 * 86_400;
/// How long it does when nobody says, in seconds.
const OVERLAP: i64 = 86_400;
/// Most bytes of a header that is kept.
const LONGEST_HEADER: usize = 4_096;

/// Reads what a caller says about a webhook.
pub fn read(fields: &mut Fields, webhook: v1::Webhook) -> WebhookContent {
    let v1::Webhook { uri, shape, key_type, retraining_ttl } = webhook;
    let shape = match fields.enumeration("shape", shape) {
        Some(v1::WebhookShape::GithubRepositoryDispatch) => WebhookShape::GithubRepositoryDispatch,
        Some(v1::WebhookShape::AirflowDagRun) => WebhookShape::AirflowDagRun,
        None | Some(v1::WebhookShape::Unspecified | v1::WebhookShape::Cloudevents) => {
            WebhookShape::CloudEvents
        }
    };
    let key_type = match fields.enumeration("key_type", key_type) {
        Some(v1::WebhookKeyType::Ed25519) => WebhookKeyType::Ed25519,
        None | Some(v1::WebhookKeyType::Unspecified | v1::WebhookKeyType::HmacSha256) => {
            WebhookKeyType::HmacSha256
        }
    };
    let retraining_ttl = fields.seconds("retraining_ttl", retraining_ttl, retraining::TTL);
    WebhookContent { uri, shape, key_type, retraining_ttl }
}

/// Reads a header that is kept and never shown.
pub fn read_authorization(fields: &mut Fields, authorization: &str) {
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if authorization.len() > LONGEST_HEADER || !authorization.bytes().all(fits) {
        let sentence = format!("has to be at most {LONGEST_HEADER} printable ASCII characters");
        fields.refuse("authorization", sentence);
    }
}

/// Reads how long old keys sign beside a new one, in microseconds.
pub fn read_overlap(fields: &mut Fields, overlap: Option<Duration>) -> i64 {
    let seconds = match overlap {
        None => OVERLAP,
        Some(Duration { seconds: seconds @ 0..=LONGEST_OVERLAP, nanos: 0 }) => seconds,
        Some(_) => {
            fields.refuse("overlap", format!("has to be whole seconds, 0 to {LONGEST_OVERLAP}"));
            OVERLAP
        }
    };
    seconds * 1_000_000
}

/// Writes what was said about a webhook.
pub fn write(webhook: WebhookContent) -> v1::Webhook {
    let shape = match webhook.shape {
        WebhookShape::CloudEvents => v1::WebhookShape::Cloudevents,
        WebhookShape::GithubRepositoryDispatch => v1::WebhookShape::GithubRepositoryDispatch,
        WebhookShape::AirflowDagRun => v1::WebhookShape::AirflowDagRun,
    };
    let key_type = write_key_type(webhook.key_type).into();
    let retraining_ttl = Some(field::seconds(webhook.retraining_ttl));
    v1::Webhook { uri: webhook.uri, shape: shape.into(), key_type, retraining_ttl }
}

fn write_key_type(key_type: WebhookKeyType) -> v1::WebhookKeyType {
    match key_type {
        WebhookKeyType::HmacSha256 => v1::WebhookKeyType::HmacSha256,
        WebhookKeyType::Ed25519 => v1::WebhookKeyType::Ed25519,
    }
}

/// Writes how a webhook is doing.
pub fn write_status(status: WebhookStatus) -> v1::WebhookStatus {
    let state = match status.state {
        WebhookState::Enabled => v1::WebhookState::Enabled,
        WebhookState::Suspended => v1::WebhookState::Suspended,
        WebhookState::Disabled => v1::WebhookState::Disabled,
    };
    v1::WebhookStatus {
        state: state.into(),
        state_reason: status.state_reason,
        state_time: Some(field::time(status.state_time)),
        keys: status.keys.into_iter().map(write_key).collect(),
    }
}

fn write_key(key: WebhookKey) -> v1::WebhookKey {
    v1::WebhookKey {
        id: key.id,
        key_type: write_key_type(key.key_type).into(),
        public_key: key.public_key,
        create_time: Some(field::time(key.create_time)),
        expire_time: key.expire_time.map(field::time),
    }
}

/// Writes an attempt.
pub fn write_attempt(attempt: Attempt) -> v1::WebhookDelivery {
    let micros = attempt.duration_micros;
    v1::WebhookDelivery {
        partition: field::int32(attempt.partition),
        position: attempt.position,
        attempt: field::int32(attempt.attempt),
        send_time: Some(field::time(attempt.time)),
        duration: Some(Duration {
            seconds: micros / 1_000_000,
            nanos: i32::try_from(micros % 1_000_000 * 1_000).unwrap_or_default(),
        }),
        http_status_code: attempt.status.into(),
        error: attempt.error,
        delivered: attempt.delivered,
    }
}
