//! Keeps what is known of every alias's way back current: whatever happens to a
//! model may open or close one. Follows the log in memory; after a start it looks
//! at every alias once, because nobody looked meanwhile.

use super::{Registry, call::Call, error::Error, feed::Feed, scheduler::CarryOut};
use crate::{
    domain::{
        name::{ModelName, NamespaceId},
        resource::ResourceName,
    },
    store::keys,
};
use std::collections::{BTreeSet, HashMap};

/// Events that are looked through at once.
const PAGE: usize = 512;
/// Aliases of one model that are looked at.
const MOST_ALIASES: usize = 100;

/// How far each log was followed.
#[derive(Default)]
pub struct Lookout(HashMap<NamespaceId, u64>);

impl Lookout {
    /// Looks again at the aliases of all models that something happened to.
    pub async fn look(&mut self, registry: &Registry, namespace: &NamespaceId) -> Result<(), Error> {
        let log = registry.log(namespace).await?;
        let size = log.feed.size();
        let models = match self.0.get(namespace) {
            Some(followed) if *followed >= size => return Ok(()),
            Some(followed) => touched(&log.feed, *followed, size),
            None => None,
        };
        match models {
            Some(models) => {
                for model in models {
                    look_at(registry, &model).await?;
                }
            }
            None => look_at_all(registry, namespace).await?,
        }
        self.0.insert(namespace.clone(), size);
        Ok(())
    }
}

/// The models that something happened to between two sizes of the log; `None` when
/// the memory does not reach back so far.
fn touched(feed: &Feed, mut from: u64, until: u64) -> Option<BTreeSet<ModelName>> {
    let mut models = BTreeSet::new();
    while from < until {
        for event in feed.read(from, PAGE)? {
            from = event.position + 1;
            // Its own looks are no news.
            if event.kind != "steward.v1.AliasReadinessChanged" {
                models.extend(
                    ResourceName::parse_any(&event.subject).ok().and_then(|name| name.model().cloned()),
                );
            }
        }
    }
    Some(models)
}

async fn look_at(registry: &Registry, model: &ModelName) -> Result<(), Error> {
    let aliases = registry.scan(&model.namespace, keys::aliases(model), MOST_ALIASES, false).await?;
    for (key, _) in aliases {
        if let Some(alias) = keys::alias_of(model, &key) {
            let look = CarryOut { name: alias.into() };
            let call = Call::by_system("something happened to the model");
            registry.mutate(&model.namespace, "CarryOut", look, call).await?;
        }
    }
    Ok(())
}

async fn look_at_all(registry: &Registry, namespace: &NamespaceId) -> Result<(), Error> {
    for (key, _) in registry.scan(namespace, keys::models(namespace), usize::MAX, false).await? {
        if let Some(model) = keys::model_of(namespace, &key) {
            look_at(registry, &model).await?;
        }
    }
    Ok(())
}
