//! States that were read lately, so that reading one again costs no JSON.
//!
//! A record says at which position its state was made, and what stands under a
//! key and a position never changes. So nothing has to be forgotten when a
//! resource changes: the record that the store holds decides whether a state
//! in here is the one it means. Only durable records may be read through here,
//! because positions that are not durable yet may be given out again.
//!
//! States are kept as the log has them, with pseudonyms in place of names. Whoever
//! reads one puts the names back ([`Store::reveal`]), so nothing has to be forgotten
//! here when a person is erased.

use super::{call::Stored, error::Error, person::directory::Directory};
use crate::{
    domain::resource::{Resource, Typed},
    store::{engine::Engine, record::StateRecord},
};
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;

/// Most bytes of memory, roughly.
const MOST_BYTES: u64 = 32 << 20;
/// Bytes of a record as a state in memory, for each byte of its JSON: text is
/// kept as text, and small parts have their own allocations.
const SPREAD: u64 = 3;
/// States of which the cache expects to hold so many.
const EXPECTED: usize = 16_384;

/// The store, and the states that were read from it lately.
#[derive(Clone)]
pub struct Store {
    /// Keeps the records.
    pub engine: Arc<dyn Engine>,
    /// Keeps states of some of them.
    pub states: Arc<States>,
    /// Whose pseudonyms they are, as far as that was read lately.
    pub directory: Arc<Directory>,
}

impl From<Arc<dyn Engine>> for Store {
    fn from(engine: Arc<dyn Engine>) -> Self {
        let directory = Arc::new(Directory::new(engine.caps()));
        Store { engine, states: Arc::default(), directory }
    }
}

/// States by the keys of their records.
pub struct States(Cache<Bytes, Held, Bytewise>);

#[derive(Clone)]
struct Held {
    position: u64,
    weight: u64,
    state: Resource,
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<Bytes, Held> for Bytewise {
    fn weight(&self, _: &Bytes, held: &Held) -> u64 {
        held.weight
    }
}

impl Default for States {
    fn default() -> Self {
        States(Cache::with_weighter(EXPECTED, MOST_BYTES, Bytewise))
    }
}

impl States {
    /// Reads the state of a durable record, which stands under this key, with pseudonyms.
    pub fn read<T: Typed>(&self, key: &Bytes, record: &Bytes) -> Result<Stored<T>, Error> {
        let record = StateRecord::decode(record)?;
        let position = record.position;
        let found = self.0.get(key).filter(|held| held.position == position);
        if let Some(value) = found.and_then(|held| T::from_resource(held.state)) {
            return Ok(Stored { value, position: Some(position) });
        }
        let value = T::from_json(&record.json)?;
        let weight = SPREAD * (key.len() + record.json.len()) as u64;
        self.0.insert(key.clone(), Held { position, weight, state: value.clone().into() });
        Ok(Stored { value, position: Some(position) })
    }
}

/// Reads the state of any record, with pseudonyms in place of names.
pub fn read_record<T: Typed>(record: &Bytes) -> Result<Stored<T>, Error> {
    let record = StateRecord::decode(record)?;
    Ok(Stored { value: T::from_json(&record.json)?, position: Some(record.position) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{
        canonical,
        namespace::{Namespace, NamespaceContent},
        time::Timestamp,
    };

    fn record(position: u64, description: &str) -> Bytes {
        let content = NamespaceContent { description: description.to_owned(), ..Default::default() };
        let name = "namespaces/charity".parse().unwrap();
        let time = Timestamp::from_micros(1).unwrap();
        let state = Namespace::create(name, content, "07".repeat(16), time);
        StateRecord::encode(position, &canonical::to_vec(&state).unwrap())
    }

    #[test]
    fn a_state_is_always_that_of_the_record() {
        let states = States::default();
        let key = Bytes::from_static(b"key");
        for (position, description) in [(1, "first"), (1, "first"), (2, "second"), (1, "first"), (3, "third")]
        {
            let state = states.read::<Namespace>(&key, &record(position, description)).unwrap();
            assert_eq!(
                (state.position, state.value.content.description.as_str()),
                (Some(position), description)
            );
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_is_refused_every_time() {
        let states = States::default();
        let key = Bytes::from_static(b"key");
        for _ in 0..2 {
            states.read::<Namespace>(&key, &Bytes::from_static(b"\x01\0\0\0\0\0\0\0\x01{}")).unwrap_err();
        }
    }
}
