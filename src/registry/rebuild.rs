//! A store made anew from an exported log. Everything but the log follows from
//! it, so the result answers as the original did and has the same root.

use super::{
    environment::Entropy,
    error::Error,
    leaf::{self, LoggedEvent},
    projection,
    view::Overlay,
};
use crate::{
    audit::merkle::{Frontier, Hash, leaf_hash},
    domain::{
        name::NamespaceId,
        resource::{Resource, ResourceName},
    },
    store::{
        engine::{CommitError, Engine, Head, Write},
        keys,
        record::{RequestRecord, StateRecord},
    },
};
use bytes::Bytes;

/// Events written at once.
const BATCH: usize = 1_000;

/// Writes one exported log into an engine that does not hold its namespace.
pub struct Rebuild<'a> {
    engine: &'a dyn Engine,
    entropy: &'a dyn Entropy,
    log: Option<Begun>,
    tree: Frontier,
    overlay: Overlay,
    pending: Vec<Write>,
    waiting: usize,
    /// Events of the newest mutation that are still to come.
    missing: u32,
    time: i64,
}

struct Begun {
    namespace: NamespaceId,
    log_id: [u8; 16],
    head: Option<Head>,
}

/// What a rebuild made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The namespace.
    pub namespace: NamespaceId,
    /// Events.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl<'a> Rebuild<'a> {
    /// Begins.
    pub fn new(engine: &'a dyn Engine, entropy: &'a dyn Entropy) -> Self {
        Rebuild {
            engine,
            entropy,
            log: None,
            tree: Frontier::empty(),
            overlay: Overlay::default(),
            pending: Vec::new(),
            waiting: 0,
            missing: 0,
            time: i64::MIN,
        }
    }

    /// Adds the next event: its exact bytes, in the order of positions.
    pub async fn add(&mut self, leaf: Bytes) -> Result<(), Error> {
        let position = self.tree.size();
        let event = leaf::read_logged(position, &leaf)?;
        if self.log.is_none() {
            self.log = Some(self.begin(&event).await?);
        }
        let begun = self.log.as_ref().ok_or_else(|| Error::Internal("a rebuild without a log".to_owned()))?;
        if event.source != leaf::source(&begun.log_id) || event.time.micros() < self.time {
            return Err(Error::Damaged(format!(
                "the event at position {position} does not belong to this log"
            )));
        }
        self.time = event.time.micros();
        let writes = self.project(&event, leaf.clone()).await?;
        self.overlay.extend(&writes);
        self.pending.extend(writes);
        self.tree.append(leaf_hash(&leaf));
        self.waiting += 1;
        self.missing = event.mutation.count.saturating_sub(event.mutation.index.saturating_add(1));
        // A batch ends with a mutation, as it does when it is first written.
        if self.waiting >= BATCH && self.missing == 0 {
            self.flush().await?;
        }
        Ok(())
    }

    async fn begin(&self, first: &LoggedEvent) -> Result<Begun, Error> {
        let wrong = || Error::Damaged("the first line is not the beginning of a log".to_owned());
        let namespace = leaf::namespace_of(first).ok_or_else(wrong)?;
        let Some(crate::domain::event::Change::Set(Resource::Namespace(created))) =
            first.changes.first().map(|logged| &logged.change)
        else {
            return Err(wrong());
        };
        let mut log_id = [0; 16];
        hex::decode_to_slice(&created.log_id, &mut log_id).map_err(|_| wrong())?;
        if self.engine.head(namespace.as_str()).await?.is_some() {
            return Err(Error::exists(created.name.clone(), "; rebuild into an empty directory"));
        }
        Ok(Begun { namespace, log_id, head: None })
    }

    async fn project(&self, event: &LoggedEvent, leaf: Bytes) -> Result<Vec<Write>, Error> {
        let begun = self.log.as_ref().ok_or_else(|| Error::Internal("a rebuild without a log".to_owned()))?;
        let position = event.position;
        let mut writes = vec![
            projection::event(&begun.namespace, position, leaf),
            projection::time(&begun.namespace, event.time, position + 1),
        ];
        for logged in &event.changes {
            let name = logged.change.name();
            let record = self.record(&begun.namespace, &name).await?;
            let before = record.map(|record| Resource::from_json(name.kind(), &record.json)).transpose()?;
            projection::change(logged, before.as_ref(), position, &mut writes);
        }
        if let (Some(request), 0) = (&event.request, event.mutation.index) {
            let (count, digest) = (event.mutation.count, request.digest.to_string());
            let record = RequestRecord { position, count, digest, time: event.time };
            writes.push(projection::request(&begun.namespace, &request.id, &record, false)?);
        }
        Ok(writes)
    }

    /// The state that a resource has so far.
    async fn record(
        &self,
        namespace: &NamespaceId,
        name: &ResourceName,
    ) -> Result<Option<StateRecord>, Error> {
        let key = keys::state(name);
        let record = match self.overlay.get(&key) {
            Some(written) => written.clone(),
            None => self.engine.get(namespace.as_str(), &[key], 0).await?.value.pop().flatten(),
        };
        Ok(record.as_ref().map(StateRecord::decode).transpose()?)
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let Some(begun) = &mut self.log else { return Ok(()) };
        let previous = begun.head.as_ref();
        let head = Head {
            log_id: begun.log_id,
            epoch: 0,
            size: self.tree.size(),
            root: self.tree.root(),
            frontier: self.tree.roots().to_vec(),
            batch_id: self.entropy.draw(),
            time: self.time,
            previous_size: previous.map_or(0, |head| head.size),
            previous_frontier: previous.map(|head| head.frontier.clone()).unwrap_or_default(),
        };
        let writes = std::mem::take(&mut self.pending);
        let committed = self.engine.commit(begun.namespace.as_str(), previous, writes, head.clone()).await;
        committed.map_err(|error: CommitError| Error::Unavailable(error.to_string()))?;
        begun.head = Some(head);
        self.overlay = Overlay::default();
        self.waiting = 0;
        Ok(())
    }

    /// Ends the rebuild.
    pub async fn finish(mut self) -> Result<Rebuilt, Error> {
        if self.missing > 0 {
            return Err(Error::Damaged(format!(
                "the export breaks off: {} more events belong to its last change",
                self.missing
            )));
        }
        if self.waiting > 0 {
            self.flush().await?;
        }
        let begun = self.log.ok_or_else(|| Error::Damaged("the export holds no event".to_owned()))?;
        Ok(Rebuilt { namespace: begun.namespace, size: self.tree.size(), root: self.tree.root() })
    }
}
