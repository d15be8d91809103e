//! Following a log: the stream contract G1–G10 of `proto/steward/v1/audit.proto`.
//!
//! A stream is pulled: it holds a position and nothing else, so a slow
//! reader costs nothing and is never dropped for being slow. It reads the shared
//! feed while it can and pages of the store while it is behind.

use super::{
    Registry,
    error::Error,
    leaf::{self, AuditEvent},
    log::Log,
    token::ResumeToken,
};
use crate::{
    audit::merkle::{Hash, leaf_hash},
    domain::{event::EventFilter, name::NamespaceId, subscription::partition::Partition, time::Timestamp},
    store::keys,
};
use std::{ops::Range, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Where a stream begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// Behind what the stream of this token delivered.
    Token(ResumeToken),
    /// At a position, which may be the next one.
    Position(u64),
    /// At the first event of this time or later.
    Time(Timestamp),
    /// At the first event.
    Earliest,
    /// At the next event to be written.
    Latest,
}

/// Which events a follower wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// By what they are.
    pub filter: EventFilter,
    /// By which part of the log they belong to; all of it when absent.
    pub partition: Option<Partition>,
}

impl Wanted {
    /// Whether an event is wanted, by the filter as it is translated now.
    pub fn matches(&self, filter: &EventFilter, event: &AuditEvent) -> bool {
        filter.matches(&event.kind, &event.subject, &event.actor)
            && self.partition.is_none_or(|partition| partition.holds(&event.subject))
    }

    fn is_everything(&self) -> bool {
        self.filter.is_empty() && self.partition.is_none()
    }
}

/// What is wanted of a stream.
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    /// Where to begin.
    pub start: Start,
    /// The last position wanted.
    pub stop: Option<u64>,
    /// Which events.
    pub wanted: Wanted,
    /// Longest silence.
    pub progress_interval: Duration,
    /// Events in a batch.
    pub max_batch: usize,
}

/// What a stream delivers.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// Events of whole mutations, and the token behind them.
    Batch(Vec<Arc<AuditEvent>>, ResumeToken),
    /// Everything before the token's position was looked at.
    Progress(ResumeToken),
    /// The stop position was reached.
    Stopped(ResumeToken),
    /// The server is shutting down.
    Drained(ResumeToken),
}

/// Most bytes of a batch, unless one mutation has more.
const FULL_BATCH: usize = 1 << 20;
/// A filtered stream looks at so many pages of events before it lets others work.
const MOST_PAGES: usize = 16;

/// A stream in progress.
pub struct Stream {
    registry: Registry,
    log: Arc<Log>,
    log_id: [u8; 16],
    epoch: u32,
    /// Position of the next event to look at.
    next: u64,
    /// Leaf hash of the event before it.
    last: Option<Hash>,
    stop: Option<u64>,
    wanted: Wanted,
    progress_interval: Duration,
    max_batch: usize,
    size: watch::Receiver<u64>,
    drain: CancellationToken,
    /// When a progress is due if nothing else comes.
    progress_due: Instant,
}

impl Registry {
    /// Begins to follow the log of a namespace.
    pub async fn subscribe(
        &self,
        namespace: &NamespaceId,
        options: SubscribeOptions,
    ) -> Result<Stream, Error> {
        let log = self.log(namespace).await?;
        let head = log.head().await?.ok_or_else(|| Error::Internal("a log without a head".to_owned()))?;
        // The feed is a moment behind the head, and a caller may know the head already.
        let size = log.feed.size().max(head.size);
        let next = match &options.start {
            Start::Token(token) => self.check_token(&log, token, head.log_id, head.epoch, size).await?,
            Start::Position(position) if *position > size => {
                return Err(Error::BeyondHead { position: *position, size });
            }
            Start::Position(position) => *position,
            Start::Time(time) => {
                self.require_past(&log, "start_time", *time).await?;
                self.size_before(namespace, *time).await?
            }
            Start::Earliest => 0,
            Start::Latest => size,
        };
        // A token behind the stop position resumes a stream whose end was lost.
        if let Some(stop) = options.stop
            && stop.saturating_add(1) < next
        {
            let sentence = format!("{stop} lies before the start, {next}");
            return Err(Error::field("stop_position", sentence));
        }
        Ok(Stream {
            last: self.last_hash(namespace, next).await?,
            size: log.feed.watch(),
            registry: self.clone(),
            log,
            log_id: head.log_id,
            epoch: head.epoch,
            next,
            stop: options.stop,
            wanted: options.wanted,
            progress_interval: options.progress_interval,
            max_batch: options.max_batch,
            drain: self.0.drain.clone(),
            progress_due: Instant::now() + options.progress_interval,
        })
    }

    pub(super) async fn check_token(
        &self,
        log: &Log,
        token: &ResumeToken,
        log_id: [u8; 16],
        epoch: u32,
        size: u64,
    ) -> Result<u64, Error> {
        if token.log_id != log_id {
            let sentence = "belongs to another log; use a token of this namespace's stream";
            return Err(Error::field("resume_token", sentence));
        }
        if token.epoch > epoch || token.next > size {
            return Err(Error::LogForked);
        }
        let last = self.last_hash(&log.namespace, token.next).await?;
        if !token.witnesses(last.as_ref()) {
            return Err(Error::LogForked);
        }
        Ok(token.next)
    }

    /// The first events of a range that is durable, at most `limit`: from the feed, or
    /// from the store where the feed does not reach back.
    pub(super) async fn events(
        &self,
        log: &Log,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<Arc<AuditEvent>>, Error> {
        let Range { start: from, end } = range;
        let limit = limit.min(usize::try_from(end.saturating_sub(from)).unwrap_or(limit));
        if let Some(events) = log.feed.read(from, limit) {
            return Ok(events);
        }
        let namespace = &log.namespace;
        let pairs = self.scan(namespace, keys::events(namespace, from..end), limit, false).await?;
        let event = |(key, leaf): (bytes::Bytes, bytes::Bytes)| {
            let position = keys::position_of(&key).ok_or_else(|| gap(from))?;
            leaf::read_event(position, leaf).map(Arc::new)
        };
        pairs.into_iter().map(event).collect()
    }

    /// Leaf hash of the event before a position.
    pub(super) async fn last_hash(
        &self,
        namespace: &NamespaceId,
        position: u64,
    ) -> Result<Option<Hash>, Error> {
        let Some(last) = position.checked_sub(1) else { return Ok(None) };
        let leaf = self.value(namespace, keys::event(namespace, last)).await?;
        leaf.map(|leaf| Some(leaf_hash(&leaf))).ok_or_else(|| gap(last))
    }
}

impl Stream {
    /// A token for what comes next.
    pub fn token(&self) -> ResumeToken {
        ResumeToken::new(self.log_id, self.epoch, self.next, self.last.as_ref())
    }

    /// Who made each of these events, by the names that are known.
    pub async fn actors(&self, events: &[Arc<AuditEvent>]) -> Result<Vec<String>, Error> {
        self.registry.actors(&self.log.namespace, events.iter().map(AsRef::as_ref)).await
    }

    /// Ends when the server drains.
    pub async fn drained(&self) {
        self.drain.cancelled().await;
    }

    /// The next delivery. After `Stopped`, `Drained` or an error nothing follows.
    pub async fn next(&mut self) -> Result<Delivery, Error> {
        loop {
            if self.stop.is_some_and(|stop| self.next > stop) {
                return Ok(Delivery::Stopped(self.token()));
            }
            if self.drain.is_cancelled() {
                return Ok(Delivery::Drained(self.token()));
            }
            let events = self.collect().await?;
            if !events.is_empty() {
                self.progress_due = Instant::now() + self.progress_interval;
                return Ok(Delivery::Batch(events, self.token()));
            }
            if Instant::now() >= self.progress_due {
                self.progress_due = Instant::now() + self.progress_interval;
                return Ok(Delivery::Progress(self.token()));
            }
            if self.next < *self.size.borrow_and_update() || self.stop.is_some_and(|stop| self.next > stop) {
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                changed = self.size.changed() => {
                    changed.map_err(|_| Error::Unavailable("the log was closed".to_owned()))?;
                }
                () = sleep_until(self.progress_due) => {}
                () = self.drain.cancelled() => {}
            }
        }
    }

    /// Matching events up to a full batch, whole mutations each.
    async fn collect(&mut self) -> Result<Vec<Arc<AuditEvent>>, Error> {
        let mut batch = Vec::new();
        let mut looked_at = None;
        let (mut bytes, mut examined) = (0, 0);
        let most_examined = MOST_PAGES * self.log.feed.limits.page;
        'full: while batch.len() < self.max_batch && bytes < FULL_BATCH && examined < most_examined {
            let page = self.page().await?;
            if page.is_empty() {
                break;
            }
            let filter = self.registry.translated(&self.log.namespace, &self.wanted.filter).await?;
            for mutation in page.chunk_by(|_, event| event.mutation.index > 0) {
                let wanted = mutation.iter().filter(|event| self.wanted.matches(&filter, event));
                let (count, weight) = wanted
                    .clone()
                    .fold((0, 0), |(count, weight), event| (count + 1, weight + event.weight()));
                let overfull = batch.len() + count > self.max_batch || bytes + weight > FULL_BATCH;
                if count > 0 && overfull && !batch.is_empty() {
                    break 'full;
                }
                bytes += weight;
                batch.extend(wanted.cloned());
                examined += mutation.len();
                self.next += mutation.len() as u64;
                looked_at = mutation.last().cloned();
            }
        }
        self.last = looked_at.map_or(self.last, |event| Some(leaf_hash(&event.leaf)));
        Ok(batch)
    }

    /// The next events that are durable, whole mutations each.
    async fn page(&self) -> Result<Vec<Arc<AuditEvent>>, Error> {
        let end = self.stop.map_or(u64::MAX, |stop| stop.saturating_add(1)).min(self.log.feed.size());
        if self.next >= end {
            return Ok(Vec::new());
        }
        // Small batches of everything are read in small pages.
        let page = self.log.feed.limits.page;
        let limit = if self.wanted.is_everything() { page.min(self.max_batch) } else { page };
        let mut events = self.read(self.next, limit, end).await?;
        loop {
            check_dense(self.next, &events)?;
            let Some(last) = events.last() else { return Err(gap(self.next)) };
            let missing = last.mutation.count.saturating_sub(last.mutation.index.saturating_add(1));
            let from = last.position + 1;
            if missing == 0 || from >= end {
                return Ok(events);
            }
            let rest = self.read(from, usize::try_from(missing).unwrap_or(page), end).await?;
            if rest.is_empty() {
                return Err(gap(from));
            }
            events.extend(rest);
        }
    }

    async fn read(&self, from: u64, limit: usize, end: u64) -> Result<Vec<Arc<AuditEvent>>, Error> {
        self.registry.events(&self.log, from..end, limit).await
    }
}

/// G9: a hole is never skipped.
fn check_dense(from: u64, events: &[Arc<AuditEvent>]) -> Result<(), Error> {
    for (expected, event) in (from..).zip(events) {
        if event.position != expected {
            return Err(gap(expected));
        }
    }
    Ok(())
}

fn gap(position: u64) -> Error {
    tracing::error!(position, "the audit log has a gap");
    Error::Damaged(format!(
        "the event at position {position} is missing from the log; restore the store from a backup"
    ))
}
