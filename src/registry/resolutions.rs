//! Where aliases lead, kept in memory, because "which version is production?" is
//! asked far more often than answered anew.
//!
//! What is kept for a model is forgotten when a batch that touches its aliases
//! or versions lands, before anybody is told of the batch. Readers may see the
//! batch in the store a moment earlier; so a reader first looks how far the store
//! is, and takes what is kept only if all of that has landed. Whoever has read the
//! store before a batch that landed keeps nothing.

use super::call::Stored;
use crate::{
    domain::{
        name::{AliasId, ModelName},
        version::Version,
    },
    store::{engine::Caps, keys},
};
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::SeqCst},
};

/// Most bytes of memory for one namespace, roughly.
const MOST_BYTES: u64 = 16 << 20;
/// Models that a namespace is expected to have at first.
const EXPECTED: usize = 64;
/// Bytes of a version in memory, for those parts whose size is not looked at.
const VERSION_BYTES: u64 = 2_048;

/// Where the aliases of one namespace lead.
pub struct Resolutions {
    models: Cache<Bytes, Kept, Aliases>,
    /// Size of the log after the newest batch whose models are forgotten.
    landed: AtomicU64,
    /// Held by whoever changes what is kept.
    change: Mutex<()>,
    /// Whether every batch lands here, because nobody else writes.
    is_alone: bool,
}

/// The aliases of one model that were asked for.
type Kept = Arc<Vec<(AliasId, Arc<Stored<Version>>)>>;

#[derive(Clone)]
struct Aliases;

impl Weighter<Bytes, Kept> for Aliases {
    fn weight(&self, model: &Bytes, kept: &Kept) -> u64 {
        model.len() as u64 + kept.len() as u64 * VERSION_BYTES
    }
}

impl Resolutions {
    /// Nothing is kept yet of a log of a size.
    pub fn new(size: u64, caps: Caps) -> Self {
        Resolutions {
            models: Cache::with_weighter(EXPECTED, MOST_BYTES, Aliases),
            landed: AtomicU64::new(size),
            change: Mutex::new(()),
            is_alone: !caps.replicated,
        }
    }

    /// Where an alias leads, if that is kept and as new as the store, whose log a
    /// reader has just seen at `seen`.
    pub fn get(&self, model: &ModelName, alias: &AliasId, seen: u64) -> Option<Arc<Stored<Version>>> {
        if !self.is_alone || self.landed.load(SeqCst) < seen {
            return None;
        }
        let kept = self.models.get(&keys::model_part(model))?;
        kept.iter().find(|(kept, _)| kept == alias).map(|(_, version)| version.clone())
    }

    /// Keeps where an alias led when the log had a size.
    pub fn keep(&self, model: &ModelName, alias: &AliasId, version: &Stored<Version>, seen: u64) {
        let _change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_alone || self.landed.load(SeqCst) > seen {
            return;
        }
        let key = keys::model_part(model);
        let others = self.models.get(&key).unwrap_or_default();
        let others = others.iter().filter(|(other, _)| other != alias).cloned();
        let kept = others.chain([(alias.clone(), Arc::new(version.clone()))]).collect();
        self.models.insert(key, Arc::new(kept));
    }

    /// Forgets the models that a batch touched, which brought the log to a size.
    pub fn land(&self, size: u64, touched: &[Bytes]) {
        let _change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        for key in touched {
            if let Some(model) = keys::model_part_of(key) {
                self.models.remove(model);
            }
        }
        self.landed.store(size, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{
        name::{VersionName, VersionNumber},
        time::Timestamp,
        version::VersionContent,
    };

    struct World {
        resolutions: Resolutions,
        model: ModelName,
        alias: AliasId,
    }

    fn world(caps: Caps) -> World {
        let model = "namespaces/default/models/a".parse().unwrap();
        World { resolutions: Resolutions::new(10, caps), model, alias: AliasId::new("production").unwrap() }
    }

    impl World {
        fn version(&self, number: i64) -> Stored<Version> {
            let name = VersionName { model: self.model.clone(), number: VersionNumber::new(number).unwrap() };
            let now = Timestamp::from_micros(0).unwrap();
            Stored {
                value: Version::create(name, VersionContent::default(), now),
                position: Some(number as u64),
            }
        }

        fn keep(&self, number: i64, seen: u64) {
            self.resolutions.keep(&self.model, &self.alias, &self.version(number), seen);
        }

        fn get(&self, seen: u64) -> Option<u64> {
            self.resolutions.get(&self.model, &self.alias, seen).and_then(|version| version.position)
        }

        fn land(&self, size: u64, name: &str) {
            let touched = keys::state(&crate::domain::resource::ResourceName::parse_any(name).unwrap());
            self.resolutions.land(size, &[touched]);
        }
    }

    #[test]
    fn what_is_kept_is_found_until_its_model_is_touched() {
        for touched in ["models/a/aliases/canary", "models/a/versions/7"] {
            let world = world(Caps::EMBEDDED);
            world.keep(1, 10);
            world.land(11, "namespaces/default/models/b/versions/1");
            assert_eq!(world.get(11), Some(1));
            world.land(12, &format!("namespaces/default/{touched}"));
            assert_eq!(world.get(12), None, "{touched}");
        }
    }

    #[test]
    fn nothing_is_answered_while_the_store_is_ahead() {
        let world = world(Caps::EMBEDDED);
        world.keep(1, 10);
        assert_eq!(world.get(11), None);
        world.land(11, "namespaces/default/models/b/versions/1");
        assert_eq!(world.get(11), Some(1));
    }

    #[test]
    fn what_was_read_before_a_batch_that_landed_is_not_kept() {
        let world = world(Caps::EMBEDDED);
        world.land(11, "namespaces/default/models/a/aliases/production");
        world.keep(1, 10);
        assert_eq!(world.get(11), None);
        world.keep(2, 11);
        assert_eq!(world.get(11), Some(2));
    }

    #[test]
    fn nothing_is_kept_where_others_write_too() {
        let world = world(Caps { replicated: true, ..Caps::EMBEDDED });
        world.keep(1, 10);
        assert_eq!(world.get(10), None);
    }
}
