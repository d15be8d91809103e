//! A request to a receiver, and who carries it there.

use super::key::Secrets;
use crate::domain::{
    time::Timestamp,
    webhook::{
        WebhookShape,
        shape::{self, Subject},
        signature::signatures,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;

/// A request.
#[derive(Clone)]
pub struct Post {
    /// To where.
    pub uri: String,
    /// Headers by name.
    pub headers: Vec<(&'static str, String)>,
    /// The exact bytes.
    pub body: Bytes,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Post({} bytes to {})", self.body.len(), self.uri)
    }
}

impl Post {
    /// A signed request about an event.
    pub fn new(
        webhook: WebhookShape,
        event: &Subject<'_>,
        leaf: Bytes,
        secrets: &Secrets,
        now: Timestamp,
    ) -> Self {
        let body = shape::body(webhook, event).map_or(leaf, Bytes::from);
        let timestamp = now.micros().div_euclid(1_000_000);
        let signature = signatures(&secrets.secrets, event.webhook_id, timestamp, &body, now);
        let mut headers = vec![
            ("content-type", shape::content_type(webhook).to_owned()),
            ("webhook-id", event.webhook_id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ];
        headers.extend(shape::accept(webhook).map(|accept| ("accept", accept.to_owned())));
        if !secrets.authorization.is_empty() {
            headers.push(("authorization", secrets.authorization.clone()));
        }
        Post { uri: event.uri.to_owned(), headers, body }
    }
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its Retry-After.
    pub retry_after: Option<String>,
}

/// Carries requests to receivers.
#[async_trait]
pub trait Poster: Send + Sync + 'static {
    /// Why nothing is ever sent to a URI, where that can be said without asking anybody.
    fn admit(&self, uri: &str) -> Result<(), String>;

    /// Sends a request once; an error says in words why there is no answer.
    async fn post(&self, post: Post) -> Result<Answer, String>;
}
