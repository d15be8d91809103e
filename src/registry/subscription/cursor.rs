//! How far the readers of a subscription have got: kept beside the log, written by the
//! committer in one order with everything else, durable before anybody is told.

use crate::{
    audit::merkle::leaf_hash,
    domain::{
        event::Event,
        name::{NamespaceId, SubscriptionName},
        refusal::{Reason, Refusal},
        subscription::{Subscription, cursor::Cursor},
        time::Timestamp,
    },
    registry::{
        Registry, call::Call, environment::Clock, error::Error, leaf, mutation::Mutation, read::Moment,
        stream::Start, token::ResumeToken, view::View,
    },
    store::{
        engine::Write,
        keys,
        record::{decode_aside, encode_aside},
    },
};
use async_trait::async_trait;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};

/// Which log a cursor belongs to.
#[derive(Clone, Copy, Debug)]
pub struct History {
    log_id: [u8; 16],
    epoch: u32,
}

impl History {
    /// The identity of the log, as its events have it.
    pub(in crate::registry) fn source(&self) -> String {
        leaf::source(&self.log_id)
    }

    /// Stands for the history before a position, which has to exist.
    pub(in crate::registry) async fn token(
        &self,
        view: &mut View<'_>,
        next: u64,
    ) -> Result<ResumeToken, Error> {
        let mut last = None;
        if let Some(position) = next.checked_sub(1) {
            let leaf = view.raw(&keys::event(view.namespace(), position)).await?;
            let leaf = leaf.ok_or(Error::BeyondHead { position, size: position })?;
            last = Some(leaf_hash(&leaf));
        }
        Ok(ResumeToken::new(self.log_id, self.epoch, next, last.as_ref()))
    }

    /// Refuses a token of another history.
    async fn require(&self, view: &mut View<'_>, token: &ResumeToken) -> Result<(), Error> {
        if token.log_id != self.log_id || token.epoch > self.epoch {
            return Err(Error::LogForked);
        }
        match self.token(view, token.next).await {
            Ok(here) if here.in_epoch(token.epoch) == *token => Ok(()),
            Ok(_) | Err(Error::BeyondHead { .. }) => Err(Error::LogForked),
            Err(error) => Err(error),
        }
    }
}

/// The cursor of a partition, which may never have been used.
pub(in crate::registry) async fn load(
    view: &mut View<'_>,
    subscription: &Subscription,
    partition: u32,
    history: &History,
) -> Result<Cursor, Error> {
    if let Some(bytes) = view.aside(&keys::cursor(&subscription.name, partition)).await? {
        return Ok(decode_aside(&bytes)?);
    }
    let token = history.token(view, subscription.start_position).await?;
    Ok(Cursor::begin(subscription.start_position, token.encode(), subscription.start_time()))
}

pub(in crate::registry) fn put(
    name: &SubscriptionName,
    partition: u32,
    cursor: &Cursor,
) -> Result<Write, Error> {
    Ok(Write::Put(keys::cursor(name, partition), encode_aside(cursor)?))
}

/// Changes the cursors of all partitions.
pub(super) async fn rewrite_all(
    view: &mut View<'_>,
    subscription: &Subscription,
    history: &History,
    change: impl Fn(Cursor) -> Cursor,
) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::new();
    for partition in 0..subscription.content.partition_count {
        let cursor = load(view, subscription, partition, history).await?;
        writes.push(put(&subscription.name, partition, &change(cursor))?);
    }
    Ok(writes)
}

/// The subscription, and the cursor of a partition that it has.
async fn partition_of(
    view: &mut View<'_>,
    name: &SubscriptionName,
    partition: u32,
    history: &History,
) -> Result<Cursor, Error> {
    let subscription = view.get::<Subscription>(name).await?.value;
    let count = subscription.content.partition_count;
    if partition >= count {
        let sentence = format!("{partition} is not there: {name} has the partitions 0 to {}", count - 1);
        return Err(Error::field("partition", sentence));
    }
    load(view, &subscription, partition, history).await
}

/// What a change of a cursor came to, for the caller who made it.
type Slot = Arc<Mutex<Option<Cursor>>>;

fn taken(slot: &Slot) -> Option<Cursor> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn keep(slot: &Slot, cursor: &Cursor) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor.clone());
}

/// A new reader takes a partition.
#[derive(Serialize)]
struct OpenPartition {
    name: SubscriptionName,
    partition: u32,
    reader: String,
    /// What the reader has kept itself.
    #[serde(skip)]
    kept: Option<ResumeToken>,
    #[serde(skip)]
    history: History,
    #[serde(skip)]
    opened: Slot,
}

#[async_trait]
impl Mutation for OpenPartition {
    async fn decide(&self, view: &mut View<'_>, _: &Call, _: Timestamp) -> Result<Vec<Event>, Error> {
        let subscription = view.get::<Subscription>(&self.name).await?.value;
        if subscription.content.webhook.is_some() {
            let sentence = "its webhook is its reader; make another subscription to read by yourself";
            return Err(vec![Refusal::new(Reason::SubscriptionHasWebhook, &self.name, sentence)].into());
        }
        let cursor = partition_of(view, &self.name, self.partition, &self.history).await?;
        let own = ResumeToken::decode(&cursor.token).map_err(|error| Error::Damaged(error.0))?;
        self.history.require(view, &own).await?;
        if let Some(kept) = &self.kept {
            self.history.require(view, kept).await?;
        }
        Ok(Vec::new())
    }

    async fn asides(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Write>, Error> {
        let cursor = partition_of(view, &self.name, self.partition, &self.history).await?;
        let cursor = cursor.open(self.reader.clone(), now);
        keep(&self.opened, &cursor);
        Ok(vec![put(&self.name, self.partition, &cursor)?])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// What a reader has done.
#[derive(Clone, Debug, Serialize)]
pub struct Acknowledgement {
    /// Which subscription.
    pub name: SubscriptionName,
    /// Which partition.
    pub partition: u32,
    /// As which of its readers.
    pub generation: u64,
    /// Everything up to here, inclusive.
    pub position: u64,
    /// The token that came with it, to be sure that it is of this history.
    #[serde(skip)]
    pub token: Option<ResumeToken>,
}

/// A reader has done everything up to a position.
#[derive(Serialize)]
struct AcknowledgeEvents {
    done: Acknowledgement,
    #[serde(skip)]
    history: History,
    #[serde(skip)]
    size: u64,
    #[serde(skip)]
    moved: Slot,
}

impl AcknowledgeEvents {
    async fn moved(&self, view: &mut View<'_>, now: Timestamp) -> Result<(Cursor, bool), Error> {
        let Acknowledgement { name, partition, generation, position, .. } = &self.done;
        let cursor = partition_of(view, name, *partition, &self.history).await?;
        let next = cursor.acknowledged(*generation, *position);
        let Some(next) = next.map_err(|fenced| Error::ReaderFenced { present: fenced.present })? else {
            return Ok((cursor, false));
        };
        let token = match self.history.token(view, next).await {
            Err(Error::BeyondHead { position, .. }) => {
                return Err(Error::BeyondHead { position, size: self.size });
            }
            token => token?,
        };
        Ok((cursor.advance(next, token.encode(), now), true))
    }
}

#[async_trait]
impl Mutation for AcknowledgeEvents {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        if let Some(token) = &self.done.token {
            if token.next != self.done.position.saturating_add(1) {
                let sentence = "is not the one that came with this position";
                return Err(Error::field("resume_token", sentence));
            }
            self.history.require(view, token).await?;
        }
        self.moved(view, now).await.map(|_| Vec::new())
    }

    async fn asides(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Write>, Error> {
        let (cursor, moves) = self.moved(view, now).await?;
        keep(&self.moved, &cursor);
        Ok(match moves {
            true => vec![put(&self.done.name, self.done.partition, &cursor)?],
            false => Vec::new(),
        })
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

impl Registry {
    /// Which log a namespace has.
    pub(in crate::registry) async fn history(&self, namespace: &NamespaceId) -> Result<History, Error> {
        let head = self.log(namespace).await?.head().await?;
        let head = head.ok_or_else(|| Error::Internal("a log without a head".to_owned()))?;
        Ok(History { log_id: head.log_id, epoch: head.epoch })
    }

    /// The position that somebody wants to begin at.
    pub(super) async fn position_of(&self, namespace: &NamespaceId, start: &Start) -> Result<u64, Error> {
        let log = self.log(namespace).await?;
        let size = log.size().await?;
        match start {
            Start::Position(position) if *position > size => {
                Err(Error::BeyondHead { position: *position, size })
            }
            Start::Position(position) => Ok(*position),
            Start::Time(time) => {
                self.require_past(&log, "start_time", *time).await?;
                self.size_before(namespace, *time).await
            }
            Start::Earliest => Ok(0),
            Start::Latest => Ok(size),
            Start::Token(token) => Ok(token.next),
        }
    }

    /// What tells the time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.0.environment.clock.clone()
    }

    /// The moment of asking.
    pub(super) fn now(&self) -> Moment {
        Moment { size: None, time: self.0.environment.clock.now() }
    }

    /// Has a new reader take a partition; fences all before it.
    pub(super) async fn open_partition(
        &self,
        name: &SubscriptionName,
        partition: u32,
        reader: String,
        kept: Option<ResumeToken>,
    ) -> Result<Cursor, Error> {
        let history = self.history(&name.namespace).await?;
        let opened = Slot::default();
        let open =
            OpenPartition { name: name.clone(), partition, reader, kept, history, opened: opened.clone() };
        let call = Call::by_system("a reader takes a partition");
        self.mutate(&name.namespace, "OpenPartition", open, call).await?;
        let cursor = taken(&opened);
        cursor.ok_or_else(|| Error::Internal("a partition was opened without a cursor".to_owned()))
    }

    /// Keeps that a reader has done everything up to a position, durably, and answers with
    /// where the partition stands. What is done already changes nothing.
    pub async fn acknowledge_events(&self, done: Acknowledgement) -> Result<Cursor, Error> {
        let namespace = done.name.namespace.clone();
        let (log, history) = (self.log(&namespace).await?, self.history(&namespace).await?);
        let size = log.size().await?;
        let moved = Slot::default();
        let acknowledge = AcknowledgeEvents { done, history, size, moved: moved.clone() };
        let call = Call::by_system("a reader is done");
        self.mutate(&namespace, "AcknowledgeEvents", acknowledge, call).await?;
        let cursor = taken(&moved);
        cursor.ok_or_else(|| Error::Internal("an acknowledgement left no cursor".to_owned()))
    }

    /// The cursors of all partitions.
    pub(super) async fn cursors(&self, subscription: &Subscription) -> Result<Vec<Cursor>, Error> {
        let namespace = &subscription.name.namespace;
        let history = self.history(namespace).await?;
        let mut view = View::outside(&self.0.store, namespace);
        let mut cursors = Vec::new();
        for partition in 0..subscription.content.partition_count {
            cursors.push(load(&mut view, subscription, partition, &history).await?);
        }
        Ok(cursors)
    }
}
