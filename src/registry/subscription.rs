//! Use cases of durable subscriptions: what is wanted, and by whom. How far the readers
//! have got is kept beside the log ([`cursor`]), because each acknowledgement as an event
//! would be one more event to acknowledge.

pub mod backlog;
pub mod cursor;
pub mod reader;
pub mod stall;

use self::{
    backlog::{MOST_LOOKED_AT, Standing},
    cursor::History,
};
use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    stream::Start,
    view::View,
    webhook::{self, WithSecret, key::Secrets},
};
use crate::{
    domain::{
        check::Valid,
        event::{Event, EventType},
        mask,
        name::{NamespaceId, NamespaceName, SubscriptionName},
        refusal::{Reason, Refusal},
        subscription::{MOST_SUBSCRIPTIONS, Subscription, SubscriptionContent, cursor::Cursor},
        time::Timestamp,
        webhook::{WebhookContent, WebhookStatus, signature::WebhookSecret},
    },
    store::{engine::Write, keys},
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

/// A list looks through so many waiting events of each subscription at most.
const LOOKED_AT_BY_A_LIST: u64 = 1_000;

#[derive(Serialize)]
struct CreateSubscription {
    name: SubscriptionName,
    content: Valid<SubscriptionContent>,
    start: String,
    #[serde(skip)]
    hook: Hook,
    /// Where `start` is now; a repeat is recognised by what was asked for.
    #[serde(skip)]
    position: u64,
}

#[async_trait]
impl Mutation for CreateSubscription {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        if view.find::<Subscription>(&self.name).await?.is_some() {
            return Err(Error::exists(self.name.clone(), "; update it, or choose another id"));
        }
        let all = keys::subscriptions(&self.name.namespace);
        if view.scan(all, MOST_SUBSCRIPTIONS).await?.len() >= MOST_SUBSCRIPTIONS {
            let sentence = format!("it has {MOST_SUBSCRIPTIONS} subscriptions, as many as it may have");
            let namespace = NamespaceName(self.name.namespace.clone());
            return Err(vec![Refusal::new(Reason::TooManySubscriptions, &namespace, sentence)].into());
        }
        let content = self.content.clone().into_inner();
        let subscription = Subscription::create(self.name.clone(), content, self.position, now);
        Ok(vec![Event::set(EventType::SubscriptionCreated, self.hook.follow(subscription, now))])
    }

    async fn asides(&self, _: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Write>, Error> {
        match &self.content.webhook {
            Some(webhook) => self.hook.keep(&self.name, webhook, now),
            None => Ok(Vec::new()),
        }
    }

    fn field(&self, _: u32) -> String {
        "subscription".to_owned()
    }
}

#[derive(Serialize)]
struct UpdateSubscription {
    name: SubscriptionName,
    update: SubscriptionContent,
    mask: Vec<String>,
    #[serde(skip)]
    hook: Hook,
    #[serde(skip)]
    history: History,
}

impl UpdateSubscription {
    async fn merged(
        &self,
        view: &mut View<'_>,
    ) -> Result<(Stored<Subscription>, SubscriptionContent), Error> {
        let present = view.get::<Subscription>(&self.name).await?;
        let merged = mask::merge(&present.value.content, &self.update, &self.mask)?;
        let content = Valid::new(merged, "subscription")?.into_inner();
        Ok((present, content))
    }
}

#[async_trait]
impl Mutation for UpdateSubscription {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let (present, content) = self.merged(view).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let subscription = self.hook.follow(present.value.update(content, now), now);
        Ok(vec![Event::set(EventType::SubscriptionUpdated, subscription)])
    }

    /// Readers with another filter begin anew, so that they get what it lets through.
    async fn asides(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Write>, Error> {
        let (present, content) = self.merged(view).await?;
        let mut writes = match (&present.value.content.webhook, &content.webhook) {
            (None, Some(webhook)) => self.hook.keep(&self.name, webhook, now)?,
            (Some(_), None) => vec![Write::Delete(keys::webhook_secrets(&self.name))],
            _ => Vec::new(),
        };
        if present.value.content.filter != content.filter || !writes.is_empty() {
            let fence = |cursor: Cursor| cursor.fence(now);
            writes.extend(cursor::rewrite_all(view, &present.value, &self.history, fence).await?);
        }
        Ok(writes)
    }

    fn field(&self, _: u32) -> String {
        "subscription".to_owned()
    }
}

#[derive(Serialize)]
struct SeekSubscription {
    name: SubscriptionName,
    start: String,
    #[serde(skip)]
    position: u64,
    #[serde(skip)]
    history: History,
}

#[async_trait]
impl Mutation for SeekSubscription {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Subscription>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        Ok(vec![Event::set(EventType::SubscriptionSought, present.value.seek(self.position, now))])
    }

    async fn asides(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Write>, Error> {
        let subscription = view.get::<Subscription>(&self.name).await?.value;
        let token = self.history.token(view, self.position).await?;
        let seek = |cursor: Cursor| cursor.seek(self.position, token.encode(), now);
        cursor::rewrite_all(view, &subscription, &self.history, seek).await
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

#[derive(Serialize)]
struct DeleteSubscription {
    name: SubscriptionName,
}

#[async_trait]
impl Mutation for DeleteSubscription {
    async fn decide(&self, view: &mut View<'_>, call: &Call, _: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Subscription>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        Ok(vec![Event::removed(EventType::SubscriptionDeleted, self.name.clone())])
    }

    async fn asides(&self, view: &mut View<'_>, _: &Call, _: Timestamp) -> Result<Vec<Write>, Error> {
        let subscription = view.get::<Subscription>(&self.name).await?.value;
        let partitions = 0..subscription.content.partition_count;
        let beside = |partition| [keys::cursor(&self.name, partition), keys::delivery(&self.name, partition)];
        let attempts = view.scan(keys::attempts(&self.name), usize::MAX / 2).await?;
        let all = partitions.flat_map(beside).chain(attempts.into_iter().map(|(key, _)| key));
        Ok(all.chain([keys::webhook_secrets(&self.name)]).map(Write::Delete).collect())
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// What a webhook begins with.
#[derive(Default)]
struct Hook {
    seed: [u8; 32],
    /// The header `authorization` of its requests.
    authorization: String,
}

impl Hook {
    /// The subscription whose webhook has a status, as long as it has one.
    fn follow(&self, subscription: Subscription, now: Timestamp) -> Subscription {
        let webhook_status = match (&subscription.content.webhook, subscription.webhook_status) {
            (None, _) => None,
            (Some(_), Some(status)) => Some(status),
            (Some(webhook), None) => {
                let key = WebhookSecret::new(webhook.key_type, &self.seed, now).key;
                Some(WebhookStatus::begin(key, now))
            }
        };
        Subscription { webhook_status, ..subscription }
    }

    fn keep(
        &self,
        name: &SubscriptionName,
        webhook: &WebhookContent,
        now: Timestamp,
    ) -> Result<Vec<Write>, Error> {
        let secrets = vec![WebhookSecret::new(webhook.key_type, &self.seed, now)];
        let authorization = self.authorization.clone();
        Ok(vec![webhook::key::put(name, &Secrets { secrets, authorization })?])
    }
}

/// A subscription, and where its partitions stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The subscription.
    pub subscription: Stored<Subscription>,
    /// Its partitions, by number; none where the past was read.
    pub standings: Vec<Standing>,
}

impl Registry {
    /// Makes a subscription.
    pub async fn create_subscription(
        &self,
        name: SubscriptionName,
        content: Valid<SubscriptionContent>,
        start: Start,
        authorization: String,
        call: Call,
    ) -> Result<WithSecret, Error> {
        self.admit_webhook(content.webhook.as_ref())?;
        let namespace = name.namespace.clone();
        let hook = Hook { seed: self.draw_seed(), authorization };
        let position = self.position_of(&namespace, &start).await?;
        let start = format!("{start:?}");
        let create = CreateSubscription { name, content, start, hook, position };
        let committed = self.mutate(&namespace, "CreateSubscription", create, call).await?;
        self.with_secret(committed.resource()?).await
    }

    /// Reads a subscription.
    pub async fn get_subscription(&self, name: &SubscriptionName, at: ReadAt) -> Result<Found, Error> {
        let subscription = self.get::<Subscription>(name, at).await?;
        let standings = match at {
            ReadAt::Present => self.standings(&subscription.value, MOST_LOOKED_AT).await?,
            ReadAt::Time(_) | ReadAt::Position(_) => Vec::new(),
        };
        Ok(Found { subscription, standings })
    }

    /// Lists the subscriptions of a namespace by id.
    pub async fn list_subscriptions(
        &self,
        namespace: &NamespaceId,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Found>, Error> {
        let request = PageRequest::new(page_size, page_token, &("subscriptions", namespace))?;
        self.log(namespace).await?;
        let read = |_: &[u8], state: &Bytes| read_record::<Subscription>(state).map(Some);
        let range = keys::subscriptions(namespace);
        let listing = Listing { range, reverse: false, follow: None, read: &read };
        let page = self.page(namespace, listing, &request).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for subscription in page.items {
            let standings = self.standings(&subscription.value, LOOKED_AT_BY_A_LIST).await?;
            items.push(Found { subscription, standings });
        }
        Ok(Page { items, next_page_token: page.next_page_token })
    }

    /// Changes what a mask names. Another filter ends the streams of all readers.
    pub async fn update_subscription(
        &self,
        name: SubscriptionName,
        update: SubscriptionContent,
        mask: Vec<String>,
        call: Call,
    ) -> Result<WithSecret, Error> {
        self.admit_webhook(update.webhook.as_ref())?;
        let (namespace, is_preview) = (name.namespace.clone(), call.validate_only);
        let history = self.history(&namespace).await?;
        let hook = Hook { seed: self.draw_seed(), ..Hook::default() };
        let update = UpdateSubscription { name: name.clone(), update, mask, hook, history };
        let committed = self.mutate(&namespace, "UpdateSubscription", update, call).await?;
        if !is_preview {
            self.fence_readers(&name).await?;
        }
        self.with_secret(committed.resource()?).await
    }

    /// Has all readers go on at another position.
    pub async fn seek_subscription(
        &self,
        name: SubscriptionName,
        start: Start,
        call: Call,
    ) -> Result<Stored<Subscription>, Error> {
        call.require_reason()?;
        let (namespace, is_preview) = (name.namespace.clone(), call.validate_only);
        let position = self.position_of(&namespace, &start).await?;
        let history = self.history(&namespace).await?;
        let start = format!("{start:?}");
        let seek = SeekSubscription { name: name.clone(), start, position, history };
        let committed = self.mutate(&namespace, "SeekSubscription", seek, call).await?;
        if !is_preview {
            self.fence_readers(&name).await?;
        }
        committed.resource()
    }

    /// Removes a subscription; answers the position of the event.
    pub async fn delete_subscription(
        &self,
        name: SubscriptionName,
        call: Call,
    ) -> Result<Option<u64>, Error> {
        call.require_reason()?;
        let (namespace, is_preview) = (name.namespace.clone(), call.validate_only);
        let delete = DeleteSubscription { name: name.clone() };
        let committed = self.mutate(&namespace, "DeleteSubscription", delete, call).await?;
        if !is_preview && self.get_at::<Subscription>(&name, self.now()).await?.is_none() {
            self.0.readers.forget(&name);
            self.0.backlogs.forget(&name);
        }
        Ok(committed.position())
    }
}
