//! The one active reader of a partition: it gets everything behind what is
//! acknowledged, until a newer one takes over.

use crate::{
    domain::{
        name::SubscriptionName,
        subscription::{Subscription, cursor::Cursor, partition::Partition},
    },
    registry::{
        Registry,
        error::Error,
        leaf::AuditEvent,
        read::ReadAt,
        stream::{Delivery, Start, Stream, SubscribeOptions, Wanted},
        token::ResumeToken,
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// The generations of the present readers in this process: whoever has a smaller one
/// stops.
#[derive(Default)]
pub struct Readers(Mutex<HashMap<SubscriptionName, HashMap<u32, watch::Sender<u64>>>>);

/// No reader of a subscription that is gone has a generation like this.
const GONE: u64 = u64::MAX;

impl Readers {
    /// Ends all readers of a partition before a generation.
    fn raise(&self, name: &SubscriptionName, partition: u32, generation: u64) -> watch::Receiver<u64> {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let partitions = readers.entry(name.clone()).or_default();
        let present = partitions.entry(partition).or_insert_with(|| watch::Sender::new(generation));
        // Two that opened one after the other may come here the other way round.
        present.send_if_modified(|present| {
            let rises = generation > *present;
            *present = generation.max(*present);
            rises
        });
        present.subscribe()
    }

    /// Ends all readers of a subscription that is gone.
    pub(super) fn forget(&self, name: &SubscriptionName) {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for present in readers.remove(name).into_iter().flat_map(HashMap::into_values) {
            present.send_replace(GONE);
        }
    }
}

/// What a reader wants.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Of which subscription.
    pub name: SubscriptionName,
    /// Which partition.
    pub partition: u32,
    /// What it calls itself.
    pub reader: String,
    /// What it has kept itself, to be sure that it is of this history.
    pub kept: Option<ResumeToken>,
    /// Longest silence.
    pub progress_interval: Duration,
    /// Events in a batch.
    pub max_batch: usize,
}

/// The active reader of a partition.
pub struct Reader {
    /// Where the partition stood when it was opened, with the reader's generation.
    pub cursor: Cursor,
    name: SubscriptionName,
    stream: Stream,
    present: watch::Receiver<u64>,
}

impl Registry {
    /// Takes a partition and begins to read it behind what is acknowledged.
    pub async fn read_subscription(&self, options: ReadOptions) -> Result<Reader, Error> {
        let ReadOptions { name, partition, reader, kept, progress_interval, max_batch } = options;
        let cursor = self.open_partition(&name, partition, reader, kept).await?;
        let present = self.0.readers.raise(&name, partition, cursor.generation);
        // Read after the opening: who changes the filter later ends this reader.
        let subscription = self.get::<Subscription>(&name, ReadAt::Present).await?.value;
        let partition = Partition { index: partition, count: subscription.content.partition_count };
        let wanted = Wanted { filter: subscription.content.filter, partition: Some(partition) };
        let start = Start::Position(cursor.next_position);
        let options = SubscribeOptions { start, stop: None, wanted, progress_interval, max_batch };
        let stream = self.subscribe(&name.namespace, options).await?;
        Ok(Reader { cursor, name, stream, present })
    }

    /// Ends the readers of all partitions that are not the present ones.
    pub(super) async fn fence_readers(&self, name: &SubscriptionName) -> Result<(), Error> {
        // A repeat may come when the subscription is gone.
        let Some(subscription) = self.get_at::<Subscription>(name, self.now()).await? else { return Ok(()) };
        for (partition, cursor) in (0..).zip(self.cursors(&subscription.value).await?) {
            self.0.readers.raise(name, partition, cursor.generation);
        }
        Ok(())
    }
}

impl Reader {
    /// The next delivery; an error when another reader has taken over.
    pub async fn next(&mut self) -> Result<Delivery, Error> {
        let generation = self.cursor.generation;
        tokio::select! {
            biased;
            present = self.present.wait_for(|present| *present > generation) => match present.as_deref() {
                Ok(&GONE) => Err(Error::not_found(self.name.clone())),
                _ => Err(Error::ReaderReplaced),
            },
            delivery = self.stream.next() => delivery,
        }
    }

    /// Who made each of these events, by the names that are known.
    pub async fn actors(&self, events: &[Arc<AuditEvent>]) -> Result<Vec<String>, Error> {
        self.stream.actors(events).await
    }

    /// Ends when another reader has taken over.
    pub async fn replaced(&self) {
        let generation = self.cursor.generation;
        // The other end is dropped only with what it belongs to.
        let _ = self.present.clone().wait_for(|present| *present > generation).await;
    }

    /// Ends when the server drains.
    pub async fn drained(&self) {
        self.stream.drained().await;
    }
}
