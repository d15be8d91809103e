//! A batch in the making: events get their positions, their leaves and their
//! place in the tree.

use super::{
    call::{Call, Stored},
    environment::Entropy,
    error::Error,
    leaf::{self, AuditEvent, Before, EncodedChange, Envelope, LoggedChange, MAX_LEAF, Mutation as Part},
    mutation::{Committed, Mutation},
    person::mask::Mask,
    projection,
    view::{self, Overlay, View},
};
use crate::{
    audit::merkle::{Frontier, leaf_hash},
    domain::{
        canonical,
        event::{Change, Event},
        name::NamespaceId,
        resource::Resource,
        time::Timestamp,
    },
    store::{
        engine::{Caps, Head, Write},
        keys,
        record::RequestRecord,
    },
};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Most bytes of one resource as canonical JSON.
pub const MAX_STATE: usize = 32 * 1024;
/// Most bytes of all events of one mutation: a stream carries them in one
/// message, and clients accept 4 MiB unless they are told otherwise.
pub const MAX_MUTATION: usize = 3 << 20;

/// A batch in the making.
pub struct Batch {
    namespace: NamespaceId,
    /// Identity of the log.
    pub log_id: [u8; 16],
    /// Commit time of the whole batch.
    pub time: Timestamp,
    /// The tree with all events so far.
    pub frontier: Frontier,
    writes: Vec<Write>,
    bytes: usize,
    overlay: Overlay,
    events: Vec<Arc<AuditEvent>>,
    /// The epoch that it opens.
    epoch: Option<u32>,
    entropy: Arc<dyn Entropy>,
}

/// A mutation with its positions, not yet part of the batch.
pub struct Placed {
    first: u64,
    writes: Vec<Write>,
    events: Vec<AuditEvent>,
    changes: Vec<Stored<Change>>,
}

impl Placed {
    /// The caller is told names, not pseudonyms.
    fn answer(&mut self, position: u64, changes: &[Change]) {
        let told = changes.iter().cloned().map(|value| Stored { value, position: Some(position) });
        self.changes.extend(told);
    }
}

/// What is handed to the engine and to the feed.
pub struct Sealed {
    /// Every write but the head.
    pub writes: Vec<Write>,
    /// The new events.
    pub events: Vec<Arc<AuditEvent>>,
    /// The tree with them.
    pub frontier: Frontier,
    /// The writes by key.
    pub overlay: Overlay,
}

impl Batch {
    /// A batch without changes.
    pub fn new(
        namespace: NamespaceId,
        log_id: [u8; 16],
        frontier: Frontier,
        time: Timestamp,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (writes, overlay, events) = (Vec::new(), Overlay::default(), Vec::new());
        Batch { namespace, log_id, time, frontier, writes, bytes: 0, overlay, events, epoch: None, entropy }
    }

    /// Whether nothing has to be written.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The head of the log with this batch.
    pub fn head(&self, previous: Option<&Head>, batch_id: [u8; 16]) -> Head {
        match previous {
            // What stands beside the log changes, the log does not.
            Some(previous) if self.events.is_empty() => Head { batch_id, ..previous.clone() },
            _ => Head {
                log_id: self.log_id,
                epoch: self.epoch.or(previous.map(|head| head.epoch)).unwrap_or(0),
                size: self.frontier.size(),
                root: self.frontier.root(),
                frontier: self.frontier.roots().to_vec(),
                batch_id,
                time: self.time.micros(),
                previous_size: previous.map_or(0, |head| head.size),
                previous_frontier: previous.map_or_else(Vec::new, |head| head.frontier.clone()),
            },
        }
    }

    /// Whether the rest should wait for the next batch: half of what the engine
    /// takes is used, and the largest mutation fits into the other half.
    pub fn is_full(&self, caps: Caps) -> bool {
        self.writes.len() > caps.max_writes / 2 || self.bytes > caps.max_bytes / 2
    }

    /// What the batch wrote so far.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Gives the events of a mutation their positions and leaves. Nothing of
    /// the batch changes until [`Batch::accept`], so an error leaves no trace.
    pub async fn place(
        &self,
        view: &mut View<'_>,
        mutation: &dyn Mutation,
        call: &Call,
        digest: &str,
        events: Vec<Event>,
        asides: Vec<Write>,
    ) -> Result<Placed, Error> {
        let first = self.frontier.size();
        let count = u32::try_from(events.len()).map_err(|_| Error::Internal("too many events".into()))?;
        let mut placed = Placed { first, writes: asides, events: Vec::new(), changes: Vec::new() };
        let mut mask = Mask::begin(view, &*self.entropy).await?;
        let digest = mask.digest(digest);
        let mut call = call.clone();
        if count > 0 {
            mask.hide(view, first, &mut call.caller.actor).await?;
        }
        let mut bytes = 0;
        for (index, mut event) in (0..count).zip(events) {
            let position = first + u64::from(index);
            placed.answer(position, &event.changes);
            mask.hide(view, position, &mut event.changes).await?;
            let encoded = encode_changes(view, mutation, index, &event).await?;
            let envelope = Envelope {
                log_id: &self.log_id,
                position,
                time: self.time,
                kind: event.kind.as_str(),
                call: &call,
                digest: &digest,
                mutation: Part { count, index },
            };
            let event = leaf::encode(&envelope, &encoded.changes)?;
            check_leaf(mutation, index, event.leaf.len())?;
            placed.writes.push(projection::event(&self.namespace, position, event.leaf.clone()));
            for (logged, before) in encoded.logged.iter().zip(&encoded.before) {
                projection::change(logged, before.as_ref(), position, &mut placed.writes)?;
            }
            bytes += event.weight();
            placed.events.push(event);
        }
        placed.writes.append(&mut mask.writes);
        if bytes > MAX_MUTATION {
            let sentence = format!(
                "the events of this request have {bytes} bytes; at most {MAX_MUTATION} are allowed: split it"
            );
            return Err(Error::field(mutation.collection(), sentence));
        }
        if let Some(id) = &call.request_id {
            let record = RequestRecord { position: first, count, digest, time: self.time };
            let is_new = view.raw(&keys::request(&self.namespace, id)).await?.is_none();
            placed.writes.push(projection::request(&self.namespace, id, &record, is_new)?);
        }
        Ok(placed)
    }

    /// Takes a mutation into the batch.
    pub fn accept(&mut self, placed: Placed) -> Committed {
        debug_assert_eq!(placed.first, self.frontier.size());
        for event in &placed.events {
            self.frontier.append(leaf_hash(&event.leaf));
        }
        self.epoch = epoch_of(placed.changes.iter().map(|stored| &stored.value)).or(self.epoch);
        self.bytes += placed.writes.iter().map(Write::bytes).sum::<usize>();
        self.overlay.extend(&placed.writes);
        self.writes.extend(placed.writes);
        self.events.extend(placed.events.into_iter().map(Arc::new));
        Committed { changes: placed.changes }
    }

    /// Closes the batch.
    pub fn seal(mut self) -> Sealed {
        if !self.events.is_empty() {
            self.writes.push(projection::time(&self.namespace, self.time, self.frontier.size()));
        }
        Sealed { writes: self.writes, events: self.events, frontier: self.frontier, overlay: self.overlay }
    }
}

/// The epoch that a log is in after changes, if they say so.
pub fn epoch_of<'a>(changes: impl DoubleEndedIterator<Item = &'a Change>) -> Option<u32> {
    changes.rev().find_map(|change| match change {
        Change::Set(Resource::Namespace(namespace)) => Some(namespace.epoch()),
        Change::Set(_) | Change::Removed(_) => None,
    })
}

struct EncodedEvent {
    changes: Vec<EncodedChange>,
    logged: Vec<LoggedChange>,
    before: Vec<Option<Resource>>,
}

async fn encode_changes(
    view: &mut View<'_>,
    mutation: &dyn Mutation,
    index: u32,
    event: &Event,
) -> Result<EncodedEvent, Error> {
    let mut encoded = EncodedEvent { changes: Vec::new(), logged: Vec::new(), before: Vec::new() };
    for change in &event.changes {
        let name = change.name();
        let record = view.record(&name).await?;
        let before =
            record.as_ref().map(|record| Resource::from_json(name.kind(), &record.json)).transpose()?;
        let replaced =
            record.as_ref().map(|record| Before { digest: view::digest(record), position: record.position });
        let json = match change {
            Change::Set(resource) => Some(encode_state(mutation, index, resource)?),
            Change::Removed(_) => None,
        };
        let logged = LoggedChange {
            change: change.clone(),
            json: json.as_ref().map(|json| Bytes::copy_from_slice(json.get().as_bytes())),
        };
        encoded.changes.push(EncodedChange { name, after: json, before: replaced });
        encoded.logged.push(logged);
        encoded.before.push(before);
    }
    Ok(encoded)
}

fn encode_state(mutation: &dyn Mutation, index: u32, resource: &Resource) -> Result<Box<RawValue>, Error> {
    let json = canonical::to_vec(resource)?;
    if json.len() > MAX_STATE {
        let sentence = format!("has {} bytes as a record; at most {MAX_STATE} are allowed", json.len());
        return Err(Error::field(&mutation.field(index), sentence));
    }
    let json = String::from_utf8(json).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(RawValue::from_string(json)?)
}

fn check_leaf(mutation: &dyn Mutation, index: u32, bytes: usize) -> Result<(), Error> {
    if bytes > MAX_LEAF {
        let sentence = format!("needs an audit event of {bytes} bytes; at most {MAX_LEAF} are allowed");
        return Err(Error::field(&mutation.field(index), sentence));
    }
    Ok(())
}

/// Checks the sizes of what a mutation would write, by writing it to nowhere.
pub async fn check(
    view: &mut View<'_>,
    mutation: &dyn Mutation,
    call: &Call,
    digest: &str,
    time: Timestamp,
    (events, entropy): (Vec<Event>, Arc<dyn Entropy>),
) -> Result<(), Error> {
    let nowhere = Batch::new(view.namespace().clone(), [0; 16], Frontier::empty(), time, entropy);
    nowhere.place(view, mutation, call, digest, events, Vec::new()).await.map(drop)
}
