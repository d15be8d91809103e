//! A store made anew from an exported log. Everything but the log follows from
//! it, so the result answers as the original did and has the same root. Whose its
//! pseudonyms are it does not say: that is taken back from a copy of its own.

mod persons;

use super::{
    encode::epoch_of,
    environment::Entropy,
    error::Error,
    leaf::{self, LoggedEvent, MAX_LEAF, Mutation},
    projection,
    view::Overlay,
};
use crate::{
    audit::merkle::{Frontier, Hash, leaf_hash},
    domain::{
        event::Change,
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
    /// Whether the events are kept too, and all that leads to them.
    keeps_history: bool,
    log: Option<Begun>,
    tree: Frontier,
    overlay: Overlay,
    pending: Vec<Write>,
    waiting: usize,
    /// Where the newest event stands in its mutation.
    newest: Option<Mutation>,
    epoch: u32,
    time: i64,
    persons: u64,
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
    /// Persons whose names were taken back.
    pub persons: u64,
}

impl<'a> Rebuild<'a> {
    /// Begins.
    pub fn new(engine: &'a dyn Engine, entropy: &'a dyn Entropy) -> Self {
        Rebuild {
            engine,
            entropy,
            keeps_history: true,
            log: None,
            tree: Frontier::empty(),
            overlay: Overlay::default(),
            pending: Vec::new(),
            waiting: 0,
            newest: None,
            epoch: 0,
            time: i64::MIN,
            persons: 0,
        }
    }

    /// The same of what decisions rest on alone: the states and what leads to them, and of the
    /// past where aliases pointed.
    pub fn of_states(engine: &'a dyn Engine, entropy: &'a dyn Entropy) -> Self {
        Rebuild { keeps_history: false, ..Self::new(engine, entropy) }
    }

    /// Adds the next event: its exact bytes, in the order of positions.
    pub async fn add(&mut self, leaf: Bytes) -> Result<(), Error> {
        let event = read(self.tree.size(), &leaf)?;
        self.admit(&event).await?;
        let hash = leaf_hash(&leaf);
        self.take(event, leaf, hash).await
    }

    /// Whether an event is the next one.
    pub(super) async fn admit(&mut self, event: &LoggedEvent) -> Result<(), Error> {
        let position = self.tree.size();
        if self.log.is_none() {
            self.log = Some(self.begin(event).await?);
        }
        if event.position != position || !self.continues(event) {
            return Err(Error::Damaged(format!(
                "the event at position {position} does not belong to this log"
            )));
        }
        if !follows(self.newest, event.mutation) {
            return Err(Error::Damaged(format!(
                "the event at position {position} is not the next of its change"
            )));
        }
        Ok(())
    }

    /// Adds an event that was admitted, with the hash of its leaf.
    pub(super) async fn take(&mut self, event: LoggedEvent, leaf: Bytes, hash: Hash) -> Result<(), Error> {
        self.newest = Some(event.mutation);
        self.epoch = epoch_of(event.changes.iter().map(|logged| &logged.change)).unwrap_or(self.epoch);
        self.time = event.time.micros();
        let writes = self.project(&event, leaf).await?;
        self.overlay.extend(&writes);
        self.pending.extend(writes);
        self.tree.append(hash);
        self.waiting += 1;
        // A batch ends with a mutation, as it does when it is first written.
        if self.waiting >= BATCH && self.missing() == 0 {
            self.flush().await?;
        }
        Ok(())
    }

    /// Whether the event is of this log and not before the last one.
    fn continues(&self, event: &LoggedEvent) -> bool {
        self.log.as_ref().is_some_and(|begun| {
            event.source == leaf::source(&begun.log_id)
                && event.time.micros() >= self.time
                && event.changes.iter().all(|logged| *logged.change.name().namespace() == begun.namespace)
        })
    }

    /// Events of the newest mutation that are still to come.
    fn missing(&self) -> u32 {
        self.newest.map_or(0, |newest| newest.count - newest.index - 1)
    }

    async fn begin(&self, first: &LoggedEvent) -> Result<Begun, Error> {
        let wrong = || Error::Damaged("the first line is not the beginning of a log".to_owned());
        let namespace = leaf::namespace_of(first).ok_or_else(wrong)?;
        let Some(Change::Set(Resource::Namespace(created))) =
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
        let begun = self.begun()?;
        let position = event.position;
        let mut writes = Vec::new();
        // Rollbacks and holds look at where an alias pointed before.
        if self.keeps_history || event.changes.iter().any(|logged| is_alias(&logged.change)) {
            writes.push(projection::event(&begun.namespace, position, leaf));
        }
        if self.keeps_history {
            writes.push(projection::time(&begun.namespace, event.time, position + 1));
        }
        for logged in &event.changes {
            let name = logged.change.name();
            let record = self.record(&begun.namespace, &name).await?;
            let before = record.map(|record| Resource::from_json(name.kind(), &record.json)).transpose()?;
            if self.keeps_history {
                projection::change(logged, before.as_ref(), position, &mut writes)?;
                continue;
            }
            if is_alias(&logged.change) {
                writes.push(projection::history(&name, position));
            }
            projection::basis(logged, before.as_ref(), position, &mut writes)?;
        }
        if let (Some(request), 0, true) = (&event.request, event.mutation.index, self.keeps_history) {
            let (count, digest) = (event.mutation.count, request.digest.to_string());
            let record = RequestRecord { position, count, digest, time: event.time };
            writes.push(projection::request(&begun.namespace, &request.id, &record, false)?);
        }
        Ok(writes)
    }

    /// The namespace of the log, once it has begun.
    pub(super) fn namespace(&self) -> Option<&NamespaceId> {
        self.log.as_ref().map(|begun| &begun.namespace)
    }

    /// What was added and not written yet.
    pub(super) fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// The tree over what was added.
    pub fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// The state that a resource has so far.
    pub(super) async fn record(
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

    fn begun(&self) -> Result<&Begun, Error> {
        self.log.as_ref().ok_or_else(|| Error::Damaged("the export holds no event".to_owned()))
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let Some(begun) = &mut self.log else { return Ok(()) };
        let (previous, batch_id) = (begun.head.as_ref(), self.entropy.draw());
        let head = match previous {
            // What stands beside the log changes, the log does not.
            Some(previous) if self.waiting == 0 => Head { batch_id, ..previous.clone() },
            _ => Head {
                log_id: begun.log_id,
                epoch: self.epoch,
                size: self.tree.size(),
                root: self.tree.root(),
                frontier: self.tree.roots().to_vec(),
                batch_id,
                time: self.time,
                previous_size: previous.map_or(0, |head| head.size),
                previous_frontier: previous.map(|head| head.frontier.clone()).unwrap_or_default(),
            },
        };
        let writes = std::mem::take(&mut self.pending);
        let committed = self.engine.commit(begun.namespace.as_str(), previous, writes, head.clone()).await;
        committed.map_err(|error: CommitError| Error::Unavailable(error.to_string()))?;
        begun.head = Some(head);
        self.overlay = Overlay::default();
        self.waiting = 0;
        Ok(())
    }

    /// Refuses a log that ends within a change.
    fn require_whole(&self) -> Result<(), Error> {
        self.begun()?;
        if self.missing() == 0 {
            return Ok(());
        }
        Err(Error::Damaged(format!(
            "the export breaks off: {} more events belong to its last change",
            self.missing()
        )))
    }

    /// Ends the rebuild.
    pub async fn finish(mut self) -> Result<Rebuilt, Error> {
        self.require_whole()?;
        if !self.pending.is_empty() {
            self.flush().await?;
        }
        let namespace = self.begun()?.namespace.clone();
        let (size, root) = (self.tree.size(), self.tree.root());
        Ok(Rebuilt { namespace, size, root, persons: self.persons })
    }
}

/// Reads the event of a position.
pub(super) fn read(position: u64, leaf: &[u8]) -> Result<LoggedEvent, Error> {
    if leaf.len() > MAX_LEAF {
        let bytes = leaf.len();
        return Err(Error::Damaged(format!(
            "the event at position {position} has {bytes} bytes; no event has more than {MAX_LEAF}"
        )));
    }
    leaf::read_logged(position, leaf)
}

fn is_alias(change: &Change) -> bool {
    matches!(change.name(), ResourceName::Alias(_))
}

/// Whether an event stands behind another one: the next of the same mutation, or
/// the first of one after the last.
fn follows(newest: Option<Mutation>, next: Mutation) -> bool {
    let expected = match newest {
        Some(newest) if newest.index + 1 < newest.count => Mutation { index: newest.index + 1, ..newest },
        _ => Mutation { index: 0, ..next },
    };
    next == expected && next.index < next.count
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        domain::{canonical, namespace::Namespace, time::Timestamp},
        registry::{
            call::Call,
            environment::SystemEntropy,
            leaf::{EncodedChange, Envelope},
        },
        store::memory::MemoryEngine,
    };
    use serde_json::value::RawValue;

    /// An event of one log that creates a namespace.
    fn event(position: u64, namespace: &str, reason: &str, mutation: Mutation) -> Bytes {
        let time = Timestamp::from_micros(0).unwrap();
        let name = format!("namespaces/{namespace}").parse().unwrap();
        let log_id = "07".repeat(16);
        let state = Namespace::create(name, Default::default(), log_id, time);
        let json = String::from_utf8(canonical::to_vec(&state).unwrap()).unwrap();
        let change = EncodedChange {
            name: state.name.into(),
            after: Some(RawValue::from_string(json).unwrap()),
            before: None,
        };
        let (call, kind) = (Call::by_system(reason), "steward.v1.NamespaceCreated");
        let envelope = Envelope { log_id: &[7; 16], position, time, kind, call: &call, digest: "", mutation };
        leaf::encode(&envelope, &[change]).unwrap().leaf
    }

    const ALONE: Mutation = Mutation { count: 1, index: 0 };

    /// What a rebuild says of its second line.
    async fn refusal(second: Bytes) -> String {
        let engine = MemoryEngine::new();
        let mut rebuild = Rebuild::new(&engine, &SystemEntropy);
        rebuild.add(event(0, "default", "", ALONE)).await.unwrap();
        rebuild.add(second).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn an_event_about_another_namespace_is_refused() {
        let error = refusal(event(1, "other", "", ALONE)).await;
        assert_eq!(error, "the event at position 1 does not belong to this log");
    }

    #[tokio::test]
    async fn an_event_that_is_not_the_next_of_its_change_is_refused() {
        for (count, index) in [(2, 1), (0, 0), (1, 1)] {
            let error = refusal(event(1, "default", "", Mutation { count, index })).await;
            assert_eq!(error, "the event at position 1 is not the next of its change", "{index} of {count}");
        }
    }

    #[tokio::test]
    async fn an_event_that_no_log_could_hold_is_refused() {
        let error = refusal(event(1, "default", &"r".repeat(MAX_LEAF), ALONE)).await;
        assert!(error.contains("no event has more than 65535"), "{error}");
    }

    #[tokio::test]
    async fn a_change_that_breaks_off_is_refused() {
        let engine = MemoryEngine::new();
        let mut rebuild = Rebuild::new(&engine, &SystemEntropy);
        rebuild.add(event(0, "default", "", Mutation { count: 3, index: 0 })).await.unwrap();
        let error = rebuild.finish().await.unwrap_err().to_string();
        assert_eq!(error, "the export breaks off: 2 more events belong to its last change");
    }
}
