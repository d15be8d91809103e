//! The directory of persons: whose pseudonyms they are. It stands beside the log and
//! is read for nearly everything that is read, so what was read of it is kept.
//!
//! This is the only place in memory where names outlive a call: states and aliases
//! are kept with pseudonyms in them. So an erasure is complete when what is kept here
//! is forgotten, which happens before anybody is told of it.

use crate::{
    domain::{
        name::NamespaceId,
        person::{Personal, Pseudonym},
    },
    registry::{error::Error, states::Store},
    store::{engine::Caps, keys, record::PersonEntry},
};
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Most bytes of memory, roughly.
const MOST_BYTES: u64 = 8 << 20;
/// Entries that the cache expects to hold.
const EXPECTED: usize = 8_192;
/// Bytes of an entry besides its key and its value.
const ENTRY_BYTES: u64 = 64;

/// What was read of the directories of all namespaces; who is known to be absent, too.
pub struct Directory {
    kept: Cache<Bytes, Option<Bytes>, Bytewise>,
    /// Size of each log after the last batch that changed its directory. Held by
    /// whoever changes what is kept.
    changed: Mutex<HashMap<NamespaceId, u64>>,
    /// Whether every batch lands here, because nobody else writes.
    is_alone: bool,
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<Bytes, Option<Bytes>> for Bytewise {
    fn weight(&self, key: &Bytes, value: &Option<Bytes>) -> u64 {
        ENTRY_BYTES + (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64
    }
}

impl Directory {
    /// Nothing is kept yet.
    pub fn new(caps: Caps) -> Self {
        Directory {
            kept: Cache::with_weighter(EXPECTED, MOST_BYTES, Bytewise),
            changed: Mutex::default(),
            is_alone: !caps.replicated,
        }
    }

    /// What is kept of a key; `Some(None)` if it is known to be absent.
    fn kept(&self, key: &Bytes) -> Option<Option<Bytes>> {
        self.kept.get(key)
    }

    /// Keeps what was read when the log had a size, unless the directory changed since.
    fn keep(&self, namespace: &NamespaceId, seen: u64, pairs: impl Iterator<Item = (Bytes, Option<Bytes>)>) {
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_alone && changed.get(namespace).is_none_or(|changed| *changed <= seen) {
            // Whoever is absent under a pseudonym stays so; a text gets one later.
            let lasts = |(key, value): &(Bytes, Option<Bytes>)| value.is_some() || keys::is_of_person(key);
            pairs.filter(lasts).for_each(|(key, value)| self.kept.insert(key, value));
        }
    }

    /// Forgets what a batch changed, which brought the log to a size.
    pub fn land(&self, namespace: &NamespaceId, size: u64, touched: &[Bytes]) {
        let mut ours = touched.iter().filter(|key| keys::is_of_directory(key)).peekable();
        if ours.peek().is_none() {
            return;
        }
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(namespace.clone(), size);
        for key in ours {
            self.kept.remove(key);
        }
    }
}

impl Store {
    /// The values of keys of the directory.
    pub async fn directory(
        &self,
        namespace: &NamespaceId,
        of: &[Bytes],
    ) -> Result<Vec<Option<Bytes>>, Error> {
        let mut values: Vec<Option<Option<Bytes>>> = of.iter().map(|key| self.directory.kept(key)).collect();
        let missing = |values: &[Option<Option<Bytes>>]| -> Vec<Bytes> {
            of.iter().zip(values).filter(|(_, value)| value.is_none()).map(|(key, _)| key.clone()).collect()
        };
        let asked = missing(&values);
        if !asked.is_empty() {
            let read = self.engine.get(namespace.as_str(), &asked, 0).await?;
            let mut found = read.value.iter().cloned();
            for value in values.iter_mut().filter(|value| value.is_none()) {
                *value = Some(found.next().flatten());
            }
            self.directory.keep(namespace, read.seq, asked.into_iter().zip(read.value));
        }
        Ok(values.into_iter().map(Option::flatten).collect())
    }

    /// Puts the names that are known back in place of their pseudonyms.
    pub async fn reveal<P: Personal + Send>(
        &self,
        namespace: &NamespaceId,
        value: &mut P,
    ) -> Result<(), Error> {
        self.reveal_under(namespace, value, |_| None).await
    }

    /// The same, with what will be written laid over it.
    pub(in crate::registry) async fn reveal_under<P: Personal + Send>(
        &self,
        namespace: &NamespaceId,
        value: &mut P,
        laid_over: impl Fn(&Bytes) -> Option<Option<Bytes>> + Send,
    ) -> Result<(), Error> {
        let (mut missing, mut broken) = (Vec::new(), None);
        let mut put_back =
            |text: &mut String, entry: Option<Bytes>| match entry.map(|e| PersonEntry::decode(&e)) {
                Some(Ok(entry)) => *text = entry.text,
                Some(Err(error)) => broken = Some(error),
                None => {}
            };
        value.visit(&mut |text| {
            let Some(pseudonym) = Pseudonym::read(text) else { return };
            let key = keys::person(namespace, &pseudonym);
            match laid_over(&key).or_else(|| self.directory.kept(&key)) {
                Some(entry) => put_back(text, entry),
                None => missing.push(key),
            }
        });
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            let found = self.directory(namespace, &missing).await?;
            let found: HashMap<Bytes, Option<Bytes>> = missing.into_iter().zip(found).collect();
            value.visit(&mut |text| {
                let Some(pseudonym) = Pseudonym::read(text) else { return };
                let entry = found.get(&keys::person(namespace, &pseudonym));
                put_back(text, entry.cloned().flatten());
            });
        }
        broken.map_or(Ok(()), |error| Err(error.into()))
    }
}

#[cfg(test)]
mod tests;
