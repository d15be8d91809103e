//! Webhooks: a subscription whose events Steward sends by itself. What is sent, how it is
//! signed, to whom it may go, and what follows from each answer.

pub mod address;
pub mod schedule;
pub mod shape;
pub mod signature;

use super::{
    check::{Check, Violations},
    event::EventType,
    retraining,
    time::{Timestamp, seconds},
};
use serde::{Deserialize, Serialize};

/// What a body looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookShape {
    /// The event's exact bytes, as CloudEvents has it.
    #[default]
    #[serde(rename = "WEBHOOK_SHAPE_CLOUDEVENTS")]
    CloudEvents,
    /// A `repository_dispatch` of GitHub.
    #[serde(rename = "WEBHOOK_SHAPE_GITHUB_REPOSITORY_DISPATCH")]
    GithubRepositoryDispatch,
    /// A run of a DAG of Airflow.
    #[serde(rename = "WEBHOOK_SHAPE_AIRFLOW_DAG_RUN")]
    AirflowDagRun,
}

impl WebhookShape {
    /// Whether what is sent starts the run of a pipeline.
    pub fn starts_pipeline(self) -> bool {
        match self {
            WebhookShape::CloudEvents => false,
            WebhookShape::GithubRepositoryDispatch | WebhookShape::AirflowDagRun => true,
        }
    }

    /// Whether an event of a type may be sent at all: what a run brings about itself would
    /// start another run.
    pub fn takes(self, kind: &str) -> bool {
        !self.starts_pipeline()
            || !matches!(
                EventType::parse(kind),
                Some(
                    EventType::RetrainingTriggered
                        | EventType::RetrainingDelivered
                        | EventType::RetrainingAcknowledged
                        | EventType::RetrainingCompleted
                        | EventType::RetrainingFailed
                        | EventType::RetrainingExpired
                )
            )
    }
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookKeyType {
    /// HMAC-SHA256 with a secret that both know: `v1`.
    #[default]
    #[serde(rename = "WEBHOOK_KEY_TYPE_HMAC_SHA256")]
    HmacSha256,
    /// Ed25519 with a secret that only Steward knows: `v1a`.
    #[serde(rename = "WEBHOOK_KEY_TYPE_ED25519")]
    Ed25519,
}

/// What a caller says about a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookContent {
    /// Where events are sent.
    pub uri: String,
    /// What bodies look like.
    pub shape: WebhookShape,
    /// How requests are signed.
    pub key_type: WebhookKeyType,
    /// The retrainings that it starts expire after so many seconds.
    #[serde(with = "seconds", default = "retraining::ttl")]
    pub retraining_ttl: i64,
}

impl Check for WebhookContent {
    fn check(&self, violations: &mut Violations) {
        retraining::check_ttl(violations, "retraining_ttl", self.retraining_ttl);
        violations.uri("uri", &self.uri);
        let is_http = self.uri.starts_with("https://") || self.uri.starts_with("http://");
        if !self.uri.is_empty() && !is_http {
            violations.add("uri", "has to begin with https://");
        }
        // Who may read the log may not read passwords.
        let authority = self.uri.split('/').nth(2).unwrap_or_default();
        if authority.contains('@') {
            violations.add("uri", "names a user: give `authorization` instead, which is kept out of the log");
        }
    }
}

/// Whether a webhook sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookState {
    /// It sends.
    #[serde(rename = "WEBHOOK_STATE_ENABLED")]
    Enabled,
    /// All attempts for an event failed; it goes on when somebody resumes it.
    #[serde(rename = "WEBHOOK_STATE_SUSPENDED")]
    Suspended,
    /// The receiver said that it is gone.
    #[serde(rename = "WEBHOOK_STATE_DISABLED")]
    Disabled,
}

/// A key that signs, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookKey {
    /// Tells keys apart; says nothing about the secret.
    pub id: String,
    /// How it signs.
    pub key_type: WebhookKeyType,
    /// `whpk_` and the public key, of those that have one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub public_key: String,
    /// When it was made.
    pub create_time: Timestamp,
    /// It signs until then, beside the key that replaced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_time: Option<Timestamp>,
}

/// How a webhook is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookStatus {
    /// Whether it sends.
    pub state: WebhookState,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state_reason: String,
    /// Since when.
    pub state_time: Timestamp,
    /// The keys that sign, the newest last.
    pub keys: Vec<WebhookKey>,
}

/// Most keys that sign at a time.
const MOST_KEYS: usize = 5;

impl WebhookStatus {
    /// A webhook with its first key.
    pub fn begin(key: WebhookKey, now: Timestamp) -> Self {
        let (state, state_reason) = (WebhookState::Enabled, String::new());
        WebhookStatus { state, state_reason, state_time: now, keys: vec![key] }
    }

    /// In another state.
    pub fn turn(self, state: WebhookState, reason: String, now: Timestamp) -> Self {
        WebhookStatus { state, state_reason: reason, state_time: now, ..self }
    }

    /// With another key; those before it sign for a while yet.
    pub fn rotate(mut self, key: WebhookKey, overlap_micros: i64, now: Timestamp) -> Self {
        let end = now.plus_micros(overlap_micros);
        self.keys.retain(|key| key.expire_time.is_none_or(|expire| expire > now));
        for old in &mut self.keys {
            old.expire_time = Some(old.expire_time.map_or(end, |expire| expire.min(end)));
        }
        self.keys.retain(|key| key.expire_time.is_none_or(|expire| expire > now));
        self.keys.push(key);
        let surplus = self.keys.len().saturating_sub(MOST_KEYS);
        self.keys.drain(..surplus);
        self
    }
}
