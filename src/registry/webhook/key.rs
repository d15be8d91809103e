//! The secrets of a webhook: beside the log, so that neither an export nor a reader of the
//! log has them.

use crate::{
    domain::{
        name::SubscriptionName,
        webhook::{WebhookStatus, signature::WebhookSecret},
    },
    registry::{error::Error, view::View},
    store::{
        engine::Write,
        keys,
        record::{decode_aside, encode_aside},
    },
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a webhook must not tell anybody.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// The keys that sign, the newest last.
    pub secrets: Vec<WebhookSecret>,
    /// The header `authorization` of each request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub authorization: String,
}

impl Secrets {
    /// Those of the keys that still sign, with their ends.
    pub(super) fn that_sign(mut self, status: &WebhookStatus) -> Self {
        self.secrets.retain_mut(|secret| {
            let key = status.keys.iter().find(|key| key.id == secret.key.id);
            if let Some(key) = key {
                secret.key.expire_time = key.expire_time;
            }
            key.is_some()
        });
        self
    }
}

/// The secrets of a webhook. After a rebuild from an export there are none.
pub(super) async fn load(view: &mut View<'_>, name: &SubscriptionName) -> Result<Secrets, Error> {
    let bytes = view.aside(&keys::webhook_secrets(name)).await?;
    Ok(bytes.map(|bytes| decode_aside(&bytes)).transpose()?.unwrap_or_default())
}

/// Keeps the secrets of a webhook.
pub(in crate::registry) fn put(name: &SubscriptionName, secrets: &Secrets) -> Result<Write, Error> {
    Ok(Write::Put(keys::webhook_secrets(name), encode_aside(secrets)?))
}

/// 32 bytes from two draws.
pub(super) fn seed(first: [u8; 16], second: [u8; 16]) -> [u8; 32] {
    Sha256::new().chain_update("a webhook key").chain_update(first).chain_update(second).finalize().into()
}
