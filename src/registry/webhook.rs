//! Use cases of webhooks: their keys, their state, what was sent, a trial. The sending
//! itself is in [`sender`].

pub mod delivery;
pub mod key;
pub mod post;
pub mod sender;

use self::{
    delivery::Attempt,
    key::Secrets,
    post::{Post, Poster},
};
use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    mutation::Mutation,
    page::{Page, PageRequest},
    read::ReadAt,
    states::Store,
    view::View,
};
use crate::{
    domain::{
        event::{Event, EventType},
        name::SubscriptionName,
        refusal::{Reason, Refusal},
        subscription::Subscription,
        time::Timestamp,
        webhook::{WebhookContent, WebhookState, WebhookStatus, signature::WebhookSecret},
    },
    store::{engine::Write, keys},
};
use async_trait::async_trait;
use serde::Serialize;
use std::{cmp::Reverse, sync::Arc};

/// What a webhook says in its trial, besides the time: an event that is in no log.
const TRIAL: &str = "steward.v1.WebhookTested";

/// The webhook of a subscription and how it is doing, or the refusal that it has none.
fn require(subscription: &Subscription) -> Result<(&WebhookContent, &WebhookStatus), Error> {
    match (&subscription.content.webhook, &subscription.webhook_status) {
        (Some(webhook), Some(status)) => Ok((webhook, status)),
        _ => {
            let sentence = "it has no webhook; update it with one";
            Err(vec![Refusal::new(Reason::NoWebhook, &subscription.name, sentence)].into())
        }
    }
}

#[derive(Serialize)]
struct RotateWebhookKey {
    name: SubscriptionName,
    overlap_micros: i64,
    #[serde(skip)]
    seed: [u8; 32],
    /// Kept out of the log, so it is no part of what a repeat is recognised by.
    #[serde(skip)]
    authorization: Option<String>,
}

impl RotateWebhookKey {
    async fn rotated(
        &self,
        view: &mut View<'_>,
        now: Timestamp,
    ) -> Result<(Stored<Subscription>, WebhookSecret, WebhookStatus), Error> {
        let present = view.get::<Subscription>(&self.name).await?;
        let (webhook, status) = require(&present.value)?;
        let secret = WebhookSecret::new(webhook.key_type, &self.seed, now);
        let status = status.clone().rotate(secret.key.clone(), self.overlap_micros, now);
        Ok((present, secret, status))
    }
}

#[async_trait]
impl Mutation for RotateWebhookKey {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let (present, _, status) = self.rotated(view, now).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let webhook_status = Some(status);
        let subscription = Subscription { webhook_status, update_time: now, ..present.value };
        Ok(vec![Event::set(EventType::WebhookKeyRotated, subscription)])
    }

    async fn asides(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Write>, Error> {
        let (_, secret, status) = self.rotated(view, now).await?;
        let mut secrets = key::load(view, &self.name).await?;
        secrets.secrets.push(secret);
        if let Some(authorization) = &self.authorization {
            secrets.authorization.clone_from(authorization);
        }
        Ok(vec![key::put(&self.name, &secrets.that_sign(&status))?])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

#[derive(Serialize)]
struct ResumeWebhook {
    name: SubscriptionName,
}

#[async_trait]
impl Mutation for ResumeWebhook {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Subscription>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let status = require(&present.value)?.1.clone();
        let webhook_status = Some(status.turn(WebhookState::Enabled, String::new(), now));
        let subscription = Subscription { webhook_status, update_time: now, ..present.value };
        Ok(vec![Event::set(EventType::WebhookResumed, subscription)])
    }

    /// All attempts begin anew, also those that were still to come.
    async fn asides(&self, view: &mut View<'_>, _: &Call, _: Timestamp) -> Result<Vec<Write>, Error> {
        let subscription = view.get::<Subscription>(&self.name).await?.value;
        delivery::begin_anew(view, &subscription).await
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// A subscription as it is now, and what a receiver needs to check signatures, where the
/// call has made a key.
#[derive(Clone, Debug, PartialEq)]
pub struct WithSecret {
    /// The subscription.
    pub subscription: Stored<Subscription>,
    /// `whsec_…` or `whpk_…`.
    pub secret: Option<String>,
}

/// What a trial came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What was sent and answered.
    pub attempt: Attempt,
    /// The id that it was sent with.
    pub webhook_id: String,
}

impl Registry {
    /// Who carries requests to receivers; without, nothing is sent.
    pub fn send_webhooks_by(&self, poster: Arc<dyn Poster>) {
        // The first one stays.
        let _ = self.0.poster.set(poster);
    }

    fn poster(&self) -> Result<Arc<dyn Poster>, Error> {
        let poster = self.0.poster.get().cloned();
        poster.ok_or_else(|| Error::Unavailable("this server sends no webhooks".to_owned()))
    }

    /// Refuses a webhook that could never be sent.
    pub(super) fn admit_webhook(&self, webhook: Option<&WebhookContent>) -> Result<(), Error> {
        let (Some(webhook), Some(poster)) = (webhook, self.0.poster.get()) else { return Ok(()) };
        poster.admit(&webhook.uri).map_err(|sentence| Error::field("subscription.webhook.uri", sentence))
    }

    /// 32 bytes that nobody can guess.
    pub(super) fn draw_seed(&self) -> [u8; 32] {
        let entropy = &self.0.environment.entropy;
        key::seed(entropy.draw(), entropy.draw())
    }

    /// The subscription with the secret of the key that was made with this state of it.
    pub(super) async fn with_secret(&self, subscription: Stored<Subscription>) -> Result<WithSecret, Error> {
        let state = &subscription.value;
        let newest = state.webhook_status.as_ref().and_then(|status| status.keys.last());
        let made =
            newest.filter(|key| key.create_time == state.update_time && subscription.position.is_some());
        let secret = match made {
            None => None,
            Some(key) => {
                let secrets = self.webhook_secrets(&state.name).await?;
                secrets.secrets.iter().find(|secret| secret.key.id == key.id).map(WebhookSecret::shown)
            }
        };
        Ok(WithSecret { subscription, secret })
    }

    async fn webhook_secrets(&self, name: &SubscriptionName) -> Result<Secrets, Error> {
        let store: &Store = &self.0.store;
        key::load(&mut View::outside(store, &name.namespace), name).await
    }

    /// Makes another key; the one before signs beside it for a while.
    pub async fn rotate_webhook_key(
        &self,
        name: SubscriptionName,
        overlap_micros: i64,
        authorization: Option<String>,
        call: Call,
    ) -> Result<WithSecret, Error> {
        let (namespace, seed) = (name.namespace.clone(), self.draw_seed());
        let rotate = RotateWebhookKey { name, overlap_micros, seed, authorization };
        let committed = self.mutate(&namespace, "RotateWebhookKey", rotate, call).await?;
        self.with_secret(committed.resource()?).await
    }

    /// Has a webhook send again.
    pub async fn resume_webhook(
        &self,
        name: SubscriptionName,
        call: Call,
    ) -> Result<Stored<Subscription>, Error> {
        call.require_reason()?;
        let namespace = name.namespace.clone();
        self.mutate(&namespace, "ResumeWebhook", ResumeWebhook { name }, call).await?.resource()
    }

    /// The newest attempts of a webhook, the newest first.
    pub async fn list_webhook_deliveries(
        &self,
        name: &SubscriptionName,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Attempt>, Error> {
        let request = PageRequest::new(page_size, page_token, &("webhook deliveries", name))?;
        self.get::<Subscription>(name, ReadAt::Present).await?;
        let pairs = self.scan(&name.namespace, keys::attempts(name), usize::MAX, false).await?;
        let read = pairs.iter().map(|(_, value)| Ok(crate::store::record::decode_aside::<Attempt>(value)?));
        let mut attempts = read.collect::<Result<Vec<_>, Error>>()?;
        attempts.sort_by_key(|attempt| Reverse((attempt.time, attempt.position, attempt.attempt)));
        Ok(request.part(attempts))
    }

    /// Sends a signed event that is in no log; answers what happened.
    pub async fn test_webhook(&self, name: &SubscriptionName) -> Result<Trial, Error> {
        let subscription = self.get::<Subscription>(name, ReadAt::Present).await?.value;
        let (webhook, _) = require(&subscription)?;
        let (poster, secrets) = (self.poster()?, self.webhook_secrets(name).await?);
        let now = self.0.environment.clock.now();
        let webhook_id = format!("test_{}", hex::encode(self.0.environment.entropy.draw()));
        let event = serde_json::json!({
            "specversion": "1.0",
            "id": webhook_id,
            "source": format!("steward:subscriptions/{name}"),
            "type": TRIAL,
            "subject": name.to_string(),
            "time": now.to_string(),
            "datacontenttype": "application/json",
            "data": {},
        });
        let subject = crate::domain::webhook::shape::Subject {
            webhook_id: &webhook_id,
            uri: &webhook.uri,
            source: &format!("steward:subscriptions/{name}"),
            position: 0,
            kind: TRIAL,
            subject: &name.to_string(),
            time: &now.to_string(),
            retraining: None,
        };
        let leaf = serde_json::to_vec(&event)?.into();
        let post = Post::new(webhook.shape, &subject, leaf, &secrets, now);
        let answer = poster.post(post).await;
        let time = self.0.environment.clock.now();
        let attempt = Attempt::new(webhook.shape, 0, 0, 1, now, time, &answer);
        Ok(Trial { attempt, webhook_id })
    }
}
