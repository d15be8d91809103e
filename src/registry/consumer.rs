//! Use cases of consumers: who uses a model, who knows of a sunset, who breaks.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        check::Valid,
        consumer::{Consumer, ConsumerContent},
        event::{Event, EventType},
        lifecycle::Decision,
        mask,
        model::Model,
        name::{ConsumerId, ConsumerName, ModelName, NamespaceId, VersionName},
        refusal::{Reason, Refusal},
        resolve::Asker,
        resource::ResourceName,
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

/// Consumers of one model that an impact looks at.
const MOST_CONSUMERS: usize = 10_000;

#[derive(Serialize)]
struct RegisterConsumer {
    name: ConsumerName,
    content: Valid<ConsumerContent>,
}

#[async_trait]
impl Mutation for RegisterConsumer {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        if view.find::<Consumer>(&self.name).await?.is_some() {
            return Err(Error::exists(self.name.clone(), "; update it, or choose another id"));
        }
        let content = self.content.clone().into_inner();
        let consumer = Consumer::register(self.name.clone(), content, call.caller.actor.clone(), now);
        Ok(vec![Event::set(EventType::ConsumerRegistered, consumer)])
    }

    fn field(&self, _: u32) -> String {
        "consumer".to_owned()
    }
}

#[derive(Serialize)]
struct UpdateConsumer {
    name: ConsumerName,
    update: ConsumerContent,
    mask: Vec<String>,
}

#[async_trait]
impl Mutation for UpdateConsumer {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        let present = view.get::<Consumer>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let merged = mask::merge(&present.value.content, &self.update, &self.mask)?;
        let content = Valid::new(merged, "consumer")?.into_inner();
        Ok(vec![Event::set(EventType::ConsumerUpdated, present.value.update(content, now))])
    }

    fn field(&self, _: u32) -> String {
        "consumer".to_owned()
    }
}

#[derive(Serialize)]
struct DeleteConsumer {
    name: ConsumerName,
}

#[async_trait]
impl Mutation for DeleteConsumer {
    async fn decide(&self, view: &mut View<'_>, call: &Call, _: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Consumer>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        Ok(vec![Event::removed(EventType::ConsumerDeleted, self.name.clone())])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// What is noted about a consumer and a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// It knows of the sunset.
    Acknowledge,
    /// It is spared the brownouts.
    Exempt,
}

#[derive(Serialize)]
struct NoteOnConsumer {
    name: ConsumerName,
    version: VersionName,
    note: Note,
}

#[async_trait]
impl Mutation for NoteOnConsumer {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        let present = view.get::<Consumer>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let version = view.get::<Version>(&self.version).await?.value;
        let Some(sunset) = version.effective_sunset() else {
            let sentence = "no end of it is in sight, so there is nothing to say about it";
            return Err(vec![Refusal::new(Reason::NoSunset, &self.version, sentence)].into());
        };
        let decision = Decision::new(&call.caller.actor, &call.reason, now);
        let (consumer, number) = (present.value, self.version.number);
        Ok(vec![match self.note {
            Note::Acknowledge => {
                Event::set(EventType::ConsumerAcknowledged, consumer.acknowledge(number, sunset, decision))
            }
            Note::Exempt => {
                consumer.require_other(&call.caller.actor)?;
                Event::set(EventType::ConsumerExempted, consumer.exempt(number, decision))
            }
        }])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// A consumer that breaks when a version ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Affected {
    /// The consumer.
    pub consumer: Stored<Consumer>,
    /// When it last asked for the version.
    pub last_use_time: Timestamp,
    /// Whether it knows of the sunset.
    pub acknowledged: bool,
}

/// What a version's end breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Impact {
    /// The version.
    pub version: VersionName,
    /// When it ends.
    pub sunset_time: Timestamp,
    /// What to move to.
    pub replacement: Option<VersionName>,
    /// Who breaks.
    pub affected: Vec<Affected>,
}

impl Registry {
    /// Registers a consumer.
    pub async fn register_consumer(
        &self,
        name: ConsumerName,
        content: Valid<ConsumerContent>,
        call: Call,
    ) -> Result<Stored<Consumer>, Error> {
        let namespace = name.model.namespace.clone();
        self.mutate(&namespace, "RegisterConsumer", RegisterConsumer { name, content }, call)
            .await?
            .resource()
    }

    /// Changes what is said about a consumer.
    pub async fn update_consumer(
        &self,
        name: ConsumerName,
        update: ConsumerContent,
        mask: Vec<String>,
        call: Call,
    ) -> Result<Stored<Consumer>, Error> {
        let namespace = name.model.namespace.clone();
        let update = UpdateConsumer { name, update, mask };
        self.mutate(&namespace, "UpdateConsumer", update, call).await?.resource()
    }

    /// Removes a consumer; answers the position of the event.
    pub async fn delete_consumer(&self, name: ConsumerName, call: Call) -> Result<Option<u64>, Error> {
        let namespace = name.model.namespace.clone();
        let committed = self.mutate(&namespace, "DeleteConsumer", DeleteConsumer { name }, call).await?;
        Ok(committed.position())
    }

    /// Notes that a consumer knows of a version's sunset, or is spared its brownouts.
    pub async fn note_on_consumer(
        &self,
        name: ConsumerName,
        version: VersionName,
        note: Note,
        call: Call,
    ) -> Result<Stored<Consumer>, Error> {
        call.require_reason()?;
        if version.model != name.model {
            let sentence = format!("{version} is not a version of the consumer's model, {}", name.model);
            return Err(Error::field("version", sentence));
        }
        let namespace = name.model.namespace.clone();
        let note = NoteOnConsumer { name, version, note };
        self.mutate(&namespace, "NoteOnConsumer", note, call).await?.resource()
    }

    /// Reads a consumer.
    pub async fn get_consumer(&self, name: &ConsumerName, at: ReadAt) -> Result<Stored<Consumer>, Error> {
        self.get(name, at).await
    }

    /// Lists the consumers of a model by id.
    pub async fn list_consumers(
        &self,
        model: &ModelName,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Consumer>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("consumers", model))?;
        self.get_model(model, ReadAt::Present).await?;
        let read = |_: &[u8], state: &Bytes| read_record(state).map(Some);
        let listing = Listing { range: keys::consumers(model), reverse: false, follow: None, read: &read };
        self.page(&model.namespace, listing, &request).await
    }

    /// What is known of who asks for a version. Most ask for one that is in full
    /// service: then it matters only whether they are registered.
    pub(super) async fn asker(
        &self,
        model: &ModelName,
        consumer: Option<&ConsumerId>,
        version: &Version,
    ) -> Result<Asker, Error> {
        let Some(consumer) = consumer else { return Ok(Asker::Unknown) };
        let name = ConsumerName { model: model.clone(), consumer: consumer.clone() };
        let key = keys::state(&name.clone().into());
        let Some(record) = self.value(&model.namespace, key.clone()).await? else {
            return Ok(Asker::Unregistered);
        };
        let number = version.name.number;
        if version.deprecation.is_none() || version.name.model != *model {
            return Ok(Asker::Consumer { has_used: true, is_exempt: false });
        }
        let known = self.0.store.states.read::<Consumer>(&key, &record)?.value;
        let has_used = known.has_used(number) || self.0.usage.has_seen(&name, number);
        Ok(Asker::Consumer { has_used, is_exempt: known.is_exempt(number) })
    }

    /// What ends in a namespace by a time, and who breaks then; the earliest first.
    pub async fn impact(&self, namespace: &NamespaceId, until: Timestamp) -> Result<Vec<Impact>, Error> {
        self.record_uses().await?;
        let log = self.log(namespace).await?;
        let mut view = View::outside(&self.0.store, &log.namespace);
        let mut impacts = Vec::new();
        // A version that ends by then has something due by then.
        for (key, _) in view.scan(keys::due_until(namespace, until), usize::MAX).await? {
            let Some((_, ResourceName::Version(name))) = keys::read_due(namespace, &key) else { continue };
            let version = view.get::<Version>(&name).await?.value;
            if let Some(sunset_time) = version.effective_sunset().filter(|sunset| *sunset <= until) {
                let affected = affected(&mut view, &name, sunset_time).await?;
                let replacement = version.deprecation.as_ref().and_then(|d| d.replacement().cloned());
                impacts.push(Impact { version: name, sunset_time, replacement, affected });
            }
        }
        impacts.sort_by(|a, b| (a.sunset_time, &a.version).cmp(&(b.sunset_time, &b.version)));
        Ok(impacts)
    }
}

/// Who uses a version, and whether they know of its sunset.
pub(super) async fn affected(
    view: &mut View<'_>,
    version: &VersionName,
    sunset: Timestamp,
) -> Result<Vec<Affected>, Error> {
    let records = view.scan(keys::consumers(&version.model), MOST_CONSUMERS).await?;
    let mut affected = Vec::new();
    for (_, record) in records {
        let consumer: Stored<Consumer> = view.read(&record).await?;
        if let Some(used) = consumer.value.uses.get(&version.number) {
            let (last_use_time, acknowledged) =
                (used.last_time, consumer.value.knows_of(version.number, sunset));
            affected.push(Affected { consumer, last_use_time, acknowledged });
        }
    }
    Ok(affected)
}
