//! Sends the events of webhooks: one at a time and in order in each partition. Where the
//! sending stands is kept after each attempt, so a restart goes on where it was; an attempt
//! that a crash cut off is made again.

use super::{
    delivery::{self, Attempt, RecordAttempt},
    key,
    post::Post,
};
use crate::{
    domain::{
        event::EventFilter,
        name::{NamespaceId, SubscriptionName},
        subscription::{Subscription, partition::Partition},
        time::Timestamp,
        webhook::{WebhookShape, WebhookState, shape::Subject, signature::webhook_id},
    },
    registry::{
        Registry, call::Call, error::Error, leaf::AuditEvent, log::Log, read::ReadAt, states::read_record,
        stream::Wanted, subscription::cursor, view::View,
    },
    store::keys,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;

/// How often is looked for something to send.
const PERIOD: Duration = Duration::from_millis(100);
/// Events that are read at once.
const PAGE: usize = 512;

/// What became of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is to be sent now.
    Idle,
    /// The next attempt is due at a time.
    Wait(Timestamp),
    /// An attempt was made.
    Tried,
}

type Key = (SubscriptionName, u32);

/// Where the partitions of all webhooks are.
#[derive(Default)]
struct Senders {
    /// At work.
    running: HashSet<Key>,
    /// At rest: what they wait for, and how long the log was.
    resting: HashMap<Key, (Step, u64)>,
    work: JoinSet<(Key, Step, u64)>,
    /// Who sends, as of a length of the log: a change of a subscription makes it longer.
    known: HashMap<NamespaceId, (u64, Vec<Key>)>,
}

impl Registry {
    /// Sends what is due until the registry is drained.
    pub async fn follow_webhooks(self) {
        let drain = self.0.drain.clone();
        let mut looks = tokio::time::interval(PERIOD);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut senders = Senders::default();
        while drain.run_until_cancelled(looks.tick()).await.is_some() {
            while let Some(done) = senders.work.try_join_next() {
                let Ok((key, step, size)) = done else { continue };
                senders.running.remove(&key);
                senders.resting.insert(key, (step, size));
            }
            if let Err(error) = self.set_to_work(&mut senders).await {
                tracing::warn!(%error, "webhooks could not be looked at; it is tried again");
            }
        }
        // What is under way is made again after the next start.
        senders.work.shutdown().await;
    }

    async fn set_to_work(&self, senders: &mut Senders) -> Result<(), Error> {
        let now = self.0.environment.clock.now();
        for namespace in self.namespaces().await? {
            let size = self.log(&namespace).await?.feed.size();
            if senders.known.get(&namespace).is_none_or(|(seen, _)| *seen != size) {
                let sending = self.webhooks(&namespace).await?;
                senders.known.insert(namespace.clone(), (size, sending));
            }
            for key in senders.known.get(&namespace).into_iter().flat_map(|(_, keys)| keys) {
                let is_due = match senders.resting.get(key) {
                    Some((_, seen)) if *seen < size => true,
                    Some((Step::Wait(time), _)) => *time <= now,
                    Some((Step::Idle, _)) => false,
                    Some((Step::Tried, _)) | None => true,
                };
                if is_due && senders.running.insert(key.clone()) {
                    let (registry, key) = (self.clone(), key.clone());
                    senders.work.spawn(async move {
                        let step = registry.deliver_until_rest(&key).await;
                        (key, step, size)
                    });
                }
            }
        }
        Ok(())
    }

    /// The partitions that have somebody to send to.
    async fn webhooks(&self, namespace: &NamespaceId) -> Result<Vec<Key>, Error> {
        let mut found = Vec::new();
        for (_, record) in self.scan(namespace, keys::subscriptions(namespace), usize::MAX, false).await? {
            let subscription = read_record::<Subscription>(&record)?.value;
            if sends(&subscription) {
                let partitions = 0..subscription.content.partition_count;
                found.extend(partitions.map(|partition| (subscription.name.clone(), partition)));
            }
        }
        Ok(found)
    }

    async fn deliver_until_rest(&self, (name, partition): &Key) -> Step {
        loop {
            match self.deliver_next(name, *partition).await {
                Ok(Step::Tried) => {}
                Ok(step) => return step,
                Err(error) => {
                    tracing::warn!(%error, subscription = %name, partition, "a webhook could not be sent");
                    // Looked at again in a while, by the clock that tells all other times, too.
                    return Step::Wait(self.0.environment.clock.now().plus_micros(1_000_000));
                }
            }
        }
    }

    /// Makes the next attempt of a partition, if one is due.
    pub async fn deliver_next(&self, name: &SubscriptionName, partition: u32) -> Result<Step, Error> {
        let subscription = self.get::<Subscription>(name, ReadAt::Present).await?.value;
        let Some(webhook) = subscription.content.webhook.as_ref().filter(|_| sends(&subscription)) else {
            return Ok(Step::Idle);
        };
        let log = self.log(&name.namespace).await?;
        let history = self.history(&name.namespace).await?;
        let mut view = View::outside(&self.0.store, &name.namespace);
        let cursor = cursor::load(&mut view, &subscription, partition, &history).await?;
        let count = subscription.content.partition_count;
        let filter = subscription.content.filter.clone();
        let wanted = Wanted { filter, partition: Some(Partition { index: partition, count }) };
        let Some(event) = self.first_wanted(&log, cursor.next_position, &wanted, webhook.shape).await? else {
            return Ok(Step::Idle);
        };
        let present = delivery::load(&mut view, name, partition).await?;
        let is_same = present.position == event.position;
        let now = self.0.environment.clock.now();
        if let Some(time) = present.next_time.filter(|time| is_same && *time > now) {
            return Ok(Step::Wait(time));
        }
        let secrets = key::load(&mut view, name).await?;
        if secrets.secrets.is_empty() {
            // As after a rebuild: nobody could tell that it comes from here.
            return Ok(Step::Idle);
        }
        let retraining = self.retraining_for(&subscription.name, webhook, &event).await?;
        let started = retraining.as_ref().map(ToString::to_string);
        let (source, time) = (history.source(), event.time.to_string());
        let id = webhook_id(&source, &name.to_string(), event.position);
        let subject = Subject {
            webhook_id: &id,
            uri: &webhook.uri,
            source: &source,
            position: event.position,
            kind: &event.kind,
            subject: &event.subject,
            time: &time,
            retraining: started.as_deref(),
        };
        let post = Post::new(webhook.shape, &subject, event.leaf.clone(), &secrets, now);
        let answer = self.poster()?.post(post).await;
        let attempts = if is_same { present.attempts } else { 0 };
        let end = self.0.environment.clock.now();
        let attempt = Attempt::new(webhook.shape, partition, event.position, attempts + 1, now, end, &answer);
        let generation = cursor.generation;
        let record = RecordAttempt { name: name.clone(), generation, attempt, seed: id, retraining, history };
        self.mutate(&name.namespace, "RecordAttempt", record, Call::by_system("a webhook was sent")).await?;
        Ok(Step::Tried)
    }

    /// The first event from a position on that is wanted.
    async fn first_wanted(
        &self,
        log: &Log,
        mut from: u64,
        wanted: &Wanted,
        shape: WebhookShape,
    ) -> Result<Option<Arc<AuditEvent>>, Error> {
        let is_wanted = |filter: &EventFilter, event: &AuditEvent| {
            shape.takes(&event.kind) && wanted.matches(filter, event)
        };
        let filter = self.translated(&log.namespace, &wanted.filter).await?;
        while from < log.feed.size() {
            let events = self.events(log, from..log.feed.size(), PAGE).await?;
            let Some(last) = events.last() else { return Ok(None) };
            from = last.position + 1;
            if let Some(found) = events.iter().find(|event| is_wanted(&filter, event)) {
                return Ok(Some(found.clone()));
            }
        }
        Ok(None)
    }
}

fn sends(subscription: &Subscription) -> bool {
    subscription.webhook_status.as_ref().is_some_and(|status| status.state == WebhookState::Enabled)
}
