//! What waits for the readers of a subscription. Events are looked at once: what was
//! found is kept in memory until the cursor moves, and only newer ones are added.

use crate::{
    domain::{
        event::EventFilter,
        name::SubscriptionName,
        subscription::{Subscription, cursor::Cursor, partition::partition_of},
        time::Timestamp,
    },
    registry::{Registry, error::Error, leaf::AuditEvent, log::Log},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Most events that are looked through for one answer.
pub const MOST_LOOKED_AT: u64 = 10_000;
/// Events that are read at once.
const PAGE: usize = 512;

/// What waits in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Behind this cursor.
    next: u64,
    /// Everything before it was counted.
    counted: u64,
    /// Events that wait, of those counted.
    pub count: u64,
    /// Commit time of the oldest that waits.
    pub oldest: Option<Timestamp>,
    /// Whether all events were counted.
    pub is_complete: bool,
}

/// Where a partition stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its cursor.
    pub cursor: Cursor,
    /// What waits behind it.
    pub backlog: Backlog,
    /// Since when nobody takes what waits, if that is too long.
    pub stalled_since: Option<Timestamp>,
}

/// What is known of the backlogs.
#[derive(Default)]
pub struct Backlogs(Mutex<HashMap<SubscriptionName, Known>>);

#[derive(Clone, PartialEq)]
struct Known {
    /// Another filter lets other events wait.
    subscription: Subscription,
    partitions: Vec<Backlog>,
}

impl Backlogs {
    fn known(&self, subscription: &Subscription) -> Vec<Backlog> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.get(&subscription.name).filter(|known| known.subscription == *subscription);
        same.map_or_else(Vec::new, |known| known.partitions.clone())
    }

    fn keep(&self, subscription: &Subscription, partitions: &[Backlog]) {
        let known = Known { subscription: subscription.clone(), partitions: partitions.to_vec() };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(subscription.name.clone(), known);
    }

    /// Forgets a subscription that is gone.
    pub(super) fn forget(&self, name: &SubscriptionName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Registry {
    /// Where the partitions of a subscription stand, by number.
    pub(super) async fn standings(
        &self,
        subscription: &Subscription,
        most: u64,
    ) -> Result<Vec<Standing>, Error> {
        let log = self.log(&subscription.name.namespace).await?;
        let cursors = self.cursors(subscription).await?;
        let mut backlogs = self.0.backlogs.known(subscription);
        backlogs.resize_with(cursors.len(), Backlog::default);
        for (backlog, cursor) in backlogs.iter_mut().zip(&cursors) {
            if backlog.next != cursor.next_position {
                let next = cursor.next_position;
                *backlog = Backlog { next, counted: next, ..Backlog::default() };
            }
        }
        self.count(&log, subscription, &mut backlogs, most).await?;
        self.0.backlogs.keep(subscription, &backlogs);
        let now = self.0.environment.clock.now();
        let standing = |(cursor, backlog): (Cursor, Backlog)| {
            let seconds = subscription.content.stall_interval;
            let stalled_since = backlog.oldest.and_then(|oldest| cursor.stalled_since(oldest, seconds, now));
            Standing { cursor, backlog, stalled_since }
        };
        Ok(cursors.into_iter().zip(backlogs).map(standing).collect())
    }

    /// Looks at events that were not counted yet, the oldest first.
    async fn count(
        &self,
        log: &Log,
        subscription: &Subscription,
        backlogs: &mut [Backlog],
        most: u64,
    ) -> Result<(), Error> {
        let size = log.feed.size();
        let mut from = backlogs.iter().map(|backlog| backlog.counted).min().unwrap_or(size);
        let end = size.min(from.saturating_add(most));
        let filter = self.translated(&log.namespace, &subscription.content.filter).await?;
        while from < end {
            let events = self.events(log, from..end, PAGE).await?;
            let Some(last) = events.last() else { break };
            from = last.position + 1;
            for event in &events {
                add(subscription, &filter, backlogs, event);
            }
        }
        for backlog in backlogs {
            backlog.counted = backlog.counted.max(from);
            backlog.is_complete = backlog.counted >= size;
        }
        Ok(())
    }
}

fn add(subscription: &Subscription, filter: &EventFilter, backlogs: &mut [Backlog], event: &AuditEvent) {
    let count = subscription.content.partition_count;
    let partition = partition_of(&event.subject, count) as usize;
    let Some(backlog) = backlogs.get_mut(partition) else { return };
    let is_taken = subscription.content.webhook.as_ref().is_none_or(|hook| hook.shape.takes(&event.kind));
    let is_wanted = is_taken && filter.matches(&event.kind, &event.subject, &event.actor);
    if event.position >= backlog.counted && is_wanted {
        backlog.count += 1;
        backlog.oldest = backlog.oldest.or(Some(event.time));
    }
}
