//! What a mutation sees while it is decided, and the record of what it read.
//!
//! A mutation is decided twice by the same code. First outside the committer,
//! in parallel with others, over what the store holds: that loads what is
//! needed and refuses early. Then inside, over the loaded values where nothing
//! touched them since, and over what the changes before it in the same batch
//! wrote. So the answer is always that of one order, and never waits for a
//! conflict to be retried.

use super::{
    call::Stored,
    error::Error,
    states::{Store, read_record},
};
use crate::{
    domain::{
        canonical,
        name::NamespaceId,
        person::{Personal, SALT},
        resource::{ResourceName, Typed},
    },
    store::{
        engine::{Pairs, Write},
        keys,
        record::{StateRecord, decode_number},
    },
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Range,
};

/// The values that a mutation has read, and as of when.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Size of the log as of the first read.
    seq: Option<u64>,
    /// Whether a later read saw another size: then the values may not belong
    /// together, and a refusal over them has to be confirmed by the committer.
    pub mixed: bool,
    values: HashMap<Bytes, Option<Bytes>>,
}

/// What the changes before this one in the same batch wrote.
#[derive(Debug, Default)]
pub struct Overlay {
    values: BTreeMap<Bytes, Option<Bytes>>,
}

impl Overlay {
    /// Lays writes over what is there.
    pub fn extend(&mut self, writes: &[Write]) {
        self.values.extend(writes.iter().map(|write| (write.key().clone(), write.value().cloned())));
    }

    /// What a key will hold, if it was written.
    pub fn get(&self, key: &Bytes) -> Option<&Option<Bytes>> {
        self.values.get(key)
    }

    /// The keys that were written.
    pub fn into_keys(self) -> Vec<Bytes> {
        self.values.into_keys().collect()
    }
}

/// Which keys the newest batches wrote, to tell whether a loaded value is stale.
#[derive(Debug, Default)]
pub struct Recent {
    /// Values loaded at this size or later can be judged.
    floor: u64,
    /// Size of the log after the batch that last wrote a key.
    touched: HashMap<Bytes, u64>,
    batches: VecDeque<(u64, Vec<Bytes>)>,
}

/// So many batches are remembered: a mutation seldom waits through more.
const REMEMBERED: usize = 8;

impl Recent {
    /// Nothing is known of what happened before a size.
    pub fn since(size: u64) -> Self {
        Recent { floor: size, ..Self::default() }
    }

    /// Remembers what a batch wrote that brought the log to a size.
    pub fn remember(&mut self, size: u64, keys: Vec<Bytes>) {
        self.touched.extend(keys.iter().map(|key| (key.clone(), size)));
        self.batches.push_back((size, keys));
        if self.batches.len() > REMEMBERED
            && let Some((forgotten, keys)) = self.batches.pop_front()
        {
            self.floor = forgotten;
            for key in keys {
                if self.touched.get(&key) == Some(&forgotten) {
                    self.touched.remove(&key);
                }
            }
        }
    }

    fn unchanged(&self, key: &Bytes, seq: u64) -> bool {
        seq >= self.floor && self.touched.get(key).is_none_or(|touched| *touched <= seq)
    }
}

/// What the committer lays between a mutation and the store.
#[derive(Clone, Copy)]
pub struct Inside<'a> {
    /// What the batch wrote so far.
    pub batch: &'a Overlay,
    /// What the batch before it is writing. The store may show that or not yet.
    pub flight: Option<&'a Overlay>,
    /// What the newest batches wrote.
    pub recent: &'a Recent,
}

impl<'a> Inside<'a> {
    /// The overlays, the older one first.
    fn overlays(self) -> impl DoubleEndedIterator<Item = &'a Overlay> {
        self.flight.into_iter().chain([self.batch])
    }

    /// What a key will hold, if an overlay has it.
    fn value(self, key: &Bytes) -> Option<&'a Option<Bytes>> {
        self.overlays().rev().find_map(|overlay| overlay.get(key))
    }
}

/// What a mutation sees.
pub struct View<'a> {
    store: &'a Store,
    namespace: &'a NamespaceId,
    inside: Option<Inside<'a>>,
    loaded: Loaded,
}

impl<'a> View<'a> {
    /// Over the store alone.
    pub fn outside(store: &'a Store, namespace: &'a NamespaceId) -> Self {
        View { store, namespace, inside: None, loaded: Loaded::default() }
    }

    /// Within a batch, with what was loaded outside.
    pub fn inside(store: &'a Store, namespace: &'a NamespaceId, inside: Inside<'a>, loaded: Loaded) -> Self {
        View { store, namespace, inside: Some(inside), loaded }
    }

    /// The namespace whose log is written.
    pub fn namespace(&self) -> &NamespaceId {
        self.namespace
    }

    /// What was read.
    pub fn into_loaded(self) -> Loaded {
        self.loaded
    }

    /// Whether a refusal over what was read has to be confirmed by the committer.
    pub fn is_mixed(&self) -> bool {
        self.loaded.mixed
    }

    /// The value of a key.
    pub async fn raw(&mut self, key: &Bytes) -> Result<Option<Bytes>, Error> {
        if let Some(value) = self.inside.and_then(|inside| inside.value(key)) {
            return Ok(value.clone());
        }
        if let Some(value) = self.loaded.values.get(key) {
            let fresh = match (self.inside, self.loaded.seq) {
                (Some(inside), Some(seq)) => inside.recent.unchanged(key, seq),
                (Some(_), None) => false,
                (None, _) => true,
            };
            if fresh {
                return Ok(value.clone());
            }
        }
        let keys = std::slice::from_ref(key);
        let mut snapshot = self.store.engine.get(self.namespace.as_str(), keys, 0).await?;
        let value = snapshot.value.pop().flatten();
        self.note(snapshot.seq);
        if self.inside.is_none() {
            self.loaded.values.insert(key.clone(), value.clone());
        }
        Ok(value)
    }

    /// The value of a key beside the log. It may change while the log does not grow, so
    /// what was loaded of it outside is never taken for the present.
    pub async fn aside(&mut self, key: &Bytes) -> Result<Option<Bytes>, Error> {
        if let Some(value) = self.inside.and_then(|inside| inside.value(key)) {
            return Ok(value.clone());
        }
        let keys = std::slice::from_ref(key);
        let snapshot = self.store.engine.get(self.namespace.as_str(), keys, 0).await?;
        Ok(snapshot.value.into_iter().next().flatten())
    }

    /// The value of a key of the directory of persons.
    pub async fn directory(&mut self, key: &Bytes) -> Result<Option<Bytes>, Error> {
        if let Some(value) = self.inside.and_then(|inside| inside.value(key)) {
            return Ok(value.clone());
        }
        Ok(self.store.directory(self.namespace, std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// What digests of the namespace are keyed with, once its log has begun.
    pub async fn secret(&mut self) -> Result<Option<[u8; SALT]>, Error> {
        let damaged = |_| Error::Damaged("the secret of a namespace cannot be read".to_owned());
        let secret = self.directory(&keys::secret(self.namespace)).await?;
        secret.map(|secret| secret.as_ref().try_into().map_err(damaged)).transpose()
    }

    /// Puts the names that are known back in place of their pseudonyms.
    pub async fn reveal<P: Personal + Send>(&self, value: &mut P) -> Result<(), Error> {
        let inside = self.inside;
        let laid_over = |key: &Bytes| inside.and_then(|inside| inside.value(key)).cloned();
        self.store.reveal_under(self.namespace, value, laid_over).await
    }

    /// Reads the state of any record that was found through this view.
    pub async fn read<T: Typed>(&self, record: &Bytes) -> Result<Stored<T>, Error> {
        let mut read = read_record(record)?;
        self.reveal(&mut read).await?;
        Ok(read)
    }

    fn note(&mut self, seq: u64) {
        match self.loaded.seq {
            None => self.loaded.seq = Some(seq),
            Some(first) => self.loaded.mixed |= first != seq,
        }
    }

    /// The state record of a resource.
    pub async fn record(&mut self, name: &ResourceName) -> Result<Option<StateRecord>, Error> {
        let bytes = self.raw(&keys::state(name)).await?;
        Ok(bytes.as_ref().map(StateRecord::decode).transpose()?)
    }

    /// A resource, if it exists.
    pub async fn find<T: Typed>(&mut self, name: &T::Name) -> Result<Option<Stored<T>>, Error> {
        let key = keys::state(&name.clone().into());
        let Some(record) = self.raw(&key).await? else { return Ok(None) };
        let is_durable = self.inside.is_none_or(|inside| inside.value(&key).is_none());
        let mut read = if is_durable { self.store.states.read(&key, &record) } else { read_record(&record) }?;
        self.reveal(&mut read).await?;
        Ok(Some(read))
    }

    /// A resource that has to exist.
    pub async fn get<T: Typed>(&mut self, name: &T::Name) -> Result<Stored<T>, Error> {
        self.find(name).await?.ok_or_else(|| Error::not_found(name.clone()))
    }

    /// A number from an index.
    pub async fn number(&mut self, key: &Bytes) -> Result<Option<u64>, Error> {
        Ok(self.raw(key).await?.as_deref().map(decode_number).transpose()?)
    }

    /// The first pairs of a range, at most `limit`, as the batch sees it.
    pub async fn scan(&mut self, range: Range<Bytes>, limit: usize) -> Result<Pairs, Error> {
        let pairs = self.merged(range, limit, false).await?;
        Ok(pairs.into_iter().take(limit).collect())
    }

    /// The last pairs of a range, the last one first.
    pub async fn scan_back(&mut self, range: Range<Bytes>, limit: usize) -> Result<Pairs, Error> {
        let pairs = self.merged(range, limit, true).await?;
        Ok(pairs.into_iter().rev().take(limit).collect())
    }

    /// What the store holds of an end of a range, with what the batch wrote.
    async fn merged(
        &mut self,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
    ) -> Result<BTreeMap<Bytes, Bytes>, Error> {
        let overlays = || self.inside.into_iter().flat_map(Inside::overlays);
        // At most so many of the store's pairs are removed.
        let spare: usize = overlays().map(|overlay| overlay.values.range(range.clone()).count()).sum();
        let namespace = self.namespace.as_str();
        let snapshot = self.store.engine.scan(namespace, range.clone(), limit + spare, reverse, 0).await?;
        let mut pairs: BTreeMap<Bytes, Bytes> = snapshot.value.into_iter().collect();
        for (key, value) in overlays().flat_map(|overlay| overlay.values.range(range.clone())) {
            match value {
                Some(value) => pairs.insert(key.clone(), value.clone()),
                None => pairs.remove(key),
            };
        }
        self.note(snapshot.seq);
        Ok(pairs)
    }
}

/// Digest of a state as it is kept.
pub fn digest(record: &StateRecord) -> String {
    canonical::digest(&record.json)
}
