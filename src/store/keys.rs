//! The one key schema. Every key of the store is made here; the layout is
//! written down byte by byte in docs/storage-format.md.
//!
//! A key is a tag byte, the namespace, and the parts that the tag asks for.
//! Texts end with a zero byte, which no id contains, so no key is the beginning
//! of another key of its kind; numbers are big-endian, so bytes sort as numbers do.
//! The tag 0x00 belongs to the engines, for their heads.

mod due;
mod person;
mod reference;
mod series;
mod subscription;
mod tree;
mod window;

pub use due::{all_due, due, due_until, read_due};
pub use person::{is_of_directory, is_of_person, person, person_by_text, persons, pseudonym_of, secret};
pub use reference::{
    version_by_replacement, version_by_upstream, versions_by_replacement, versions_by_upstream,
};
pub use series::{
    group_of_series, series, series_of_metric, series_of_model, series_of_version, series_point,
    version_of_series,
};
pub use subscription::{attempt, attempts, cursor, delivery, subscriptions, webhook_secrets};
pub use tree::{subtree, subtrees};
pub use window::{evaluation_by_window, evaluation_of_index, evaluations_by_window};

use crate::domain::{
    name::{AliasId, AliasName, ModelId, ModelName, NamespaceId, PolicyName, VersionLabel, VersionName},
    resource::ResourceName,
    time::Timestamp,
};
use bytes::Bytes;
use std::ops::Range;

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Subtree = b'T',
    Attempt = b'A',
    Cursor = b'C',
    Delivery = b'D',
    WebhookSecrets = b'W',
    Subscription = b'S',
    Alias = b'a',
    ModelByCreation = b'c',
    Due = b'd',
    Event = b'e',
    Series = b'f',
    PolicyByDigest = b'g',
    History = b'h',
    Incident = b'i',
    Monitor = b'j',
    VersionCounter = b'k',
    VersionByLabel = b'l',
    Model = b'm',
    Namespace = b'n',
    Consumer = b'o',
    Retraining = b'R',
    Policy = b'p',
    Request = b'q',
    Proposal = b'r',
    Upstream = b's',
    Time = b't',
    ModelByUpdate = b'u',
    Version = b'v',
    EvaluationByWindow = b'w',
    Evaluation = b'x',
    VersionByUpstream = b'y',
    VersionByReplacement = b'z',
    PersonByText = b'I',
    Secret = b'K',
    PersonEntry = b'N',
    Person = b'P',
}

/// A key under construction.
struct Key(Vec<u8>);

impl Key {
    fn new(tag: Tag, namespace: &NamespaceId) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(tag as u8);
        Key(bytes).text(namespace.as_str())
    }

    fn text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn time(self, time: Timestamp) -> Self {
        // Flipping the sign bit makes times before 1970 sort first.
        self.number((time.micros() as u64) ^ (1 << 63))
    }

    fn model(self, model: &ModelId) -> Self {
        self.text(model.as_str())
    }

    fn version(self, name: &VersionName) -> Self {
        self.model(&name.model.model).number(u64::from(name.number.get()))
    }

    fn done(self) -> Bytes {
        Bytes::from(self.0)
    }

    /// All keys that begin with this one.
    fn range(self) -> Range<Bytes> {
        let start = self.done();
        let end = after_prefix(&start);
        start..end
    }
}

/// The first key behind all keys that begin with `prefix`.
pub fn after_prefix(prefix: &[u8]) -> Bytes {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    Bytes::from(end)
}

/// The first key behind `key`.
pub fn after(key: &[u8]) -> Bytes {
    let mut next = key.to_vec();
    next.push(0);
    Bytes::from(next)
}

/// The state of a resource.
pub fn state(name: &ResourceName) -> Bytes {
    match name {
        ResourceName::Namespace(name) => Key::new(Tag::Namespace, &name.0).done(),
        ResourceName::Model(name) => model(name),
        ResourceName::Version(name) => Key::new(Tag::Version, &name.model.namespace).version(name).done(),
        ResourceName::Alias(name) => alias_key(name),
        ResourceName::Evaluation(name) => {
            let version = Key::new(Tag::Evaluation, &name.version.model.namespace).version(&name.version);
            version.text(name.evaluation.as_str()).done()
        }
        ResourceName::Policy(name) => {
            Key::new(Tag::Policy, &name.namespace).text(name.policy.as_str()).done()
        }
        ResourceName::Proposal(name) => {
            let version = Key::new(Tag::Proposal, &name.version.model.namespace).version(&name.version);
            version.text(name.proposal.as_str()).done()
        }
        ResourceName::Incident(name) => {
            let model = Key::new(Tag::Incident, &name.model.namespace).model(&name.model.model);
            model.text(name.incident.as_str()).done()
        }
        ResourceName::Retraining(name) => {
            let model = Key::new(Tag::Retraining, &name.model.namespace).model(&name.model.model);
            model.text(name.retraining.as_str()).done()
        }
        ResourceName::Consumer(name) => {
            let model = Key::new(Tag::Consumer, &name.model.namespace).model(&name.model.model);
            model.text(name.consumer.as_str()).done()
        }
        ResourceName::Monitor(name) => monitors_of(&name.version).text(name.monitor.as_str()).done(),
        ResourceName::Upstream(name) => Key::new(Tag::Upstream, &name.namespace).text(&name.segment()).done(),
        ResourceName::Person(name) => person::erased(name),
        ResourceName::Subscription(name) => subscription::state(name),
    }
}

fn monitors_of(version: &VersionName) -> Key {
    Key::new(Tag::Monitor, &version.model.namespace).version(version)
}

/// The monitors of a version.
pub fn monitors(version: &VersionName) -> Range<Bytes> {
    monitors_of(version).range()
}

/// The monitors of all models, or of all versions of one.
pub fn monitors_of_all(namespace: &NamespaceId, model: Option<&ModelId>) -> Range<Bytes> {
    let key = Key::new(Tag::Monitor, namespace);
    if let Some(model) = model { key.model(model) } else { key }.range()
}

fn model(name: &ModelName) -> Bytes {
    Key::new(Tag::Model, &name.namespace).model(&name.model).done()
}

fn alias_key(name: &AliasName) -> Bytes {
    Key::new(Tag::Alias, &name.model.namespace).model(&name.model.model).text(name.alias.as_str()).done()
}

/// All namespaces.
pub fn namespaces() -> Range<Bytes> {
    Bytes::from_static(&[Tag::Namespace as u8])..Bytes::from_static(&[Tag::Namespace as u8 + 1])
}

/// The namespace that a namespace's key leads to.
pub fn namespace_of(key: &[u8]) -> Option<NamespaceId> {
    let id = key.strip_prefix(&[Tag::Namespace as u8])?.strip_suffix(&[0])?;
    NamespaceId::new(std::str::from_utf8(id).ok()?).ok()
}

/// The event at a position.
pub fn event(namespace: &NamespaceId, position: u64) -> Bytes {
    Key::new(Tag::Event, namespace).number(position).done()
}

/// The events from one position up to another, exclusive.
pub fn events(namespace: &NamespaceId, positions: Range<u64>) -> Range<Bytes> {
    event(namespace, positions.start)..event(namespace, positions.end)
}

/// That a resource changed at a position.
pub fn history(name: &ResourceName, position: u64) -> Bytes {
    history_key(name).number(position).done()
}

/// The changes of a resource before a position.
pub fn history_before(name: &ResourceName, position: u64) -> Range<Bytes> {
    history_key(name).done()..history(name, position)
}

fn history_key(name: &ResourceName) -> Key {
    let mut bytes = vec![Tag::History as u8];
    bytes.extend_from_slice(&state(name));
    Key(bytes)
}

/// Where a history or event key says its event is: its last eight bytes.
pub fn position_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The size of the log after the commit of a time.
pub fn time(namespace: &NamespaceId, time: Timestamp) -> Bytes {
    Key::new(Tag::Time, namespace).time(time).done()
}

/// The commits before a time.
pub fn times_before(namespace: &NamespaceId, before: Timestamp) -> Range<Bytes> {
    Key::new(Tag::Time, namespace).done()..time(namespace, before)
}

/// The commits from a time on.
pub fn times_from(namespace: &NamespaceId, from: Timestamp) -> Range<Bytes> {
    time(namespace, from)..Key::new(Tag::Time, namespace).range().end
}

/// What a request id was used for.
pub fn request(namespace: &NamespaceId, request_id: &str) -> Bytes {
    Key::new(Tag::Request, namespace).text(request_id).done()
}

/// All request ids.
pub fn requests(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::Request, namespace).range()
}

/// All models in the order of their ids.
pub fn models(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::Model, namespace).range()
}

/// A model in the order of creation.
pub fn model_by_creation(name: &ModelName, created: Timestamp) -> Bytes {
    Key::new(Tag::ModelByCreation, &name.namespace).time(created).model(&name.model).done()
}

/// All models in the order of creation.
pub fn models_by_creation(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::ModelByCreation, namespace).range()
}

/// A model in the order of its last change.
pub fn model_by_update(name: &ModelName, updated: Timestamp) -> Bytes {
    Key::new(Tag::ModelByUpdate, &name.namespace).time(updated).model(&name.model).done()
}

/// All models in the order of their last change.
pub fn models_by_update(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::ModelByUpdate, namespace).range()
}

/// The state key of the model that an entry of an index over times leads to.
/// `prefix` is what all entries of the index begin with.
pub fn model_of_index(namespace: &NamespaceId, prefix: &[u8], key: &[u8]) -> Option<Bytes> {
    let id = key.strip_prefix(prefix)?.get(8..)?.strip_suffix(&[0])?;
    Some(Key::new(Tag::Model, namespace).text(std::str::from_utf8(id).ok()?).done())
}

/// The number that a model's newest version has.
pub fn version_counter(model: &ModelName) -> Bytes {
    Key::new(Tag::VersionCounter, &model.namespace).model(&model.model).done()
}

/// Which version has a label.
pub fn version_by_label(model: &ModelName, label: &VersionLabel) -> Bytes {
    Key::new(Tag::VersionByLabel, &model.namespace).model(&model.model).text(label.as_str()).done()
}

/// The model that a model's key leads to.
pub fn model_of(namespace: &NamespaceId, key: &[u8]) -> Option<ModelName> {
    let id = key.strip_prefix(models(namespace).start.as_ref())?.strip_suffix(&[0])?;
    let model = ModelId::new(std::str::from_utf8(id).ok()?).ok()?;
    Some(ModelName { namespace: namespace.clone(), model })
}

/// All versions of a model in the order of their numbers.
pub fn versions(model: &ModelName) -> Range<Bytes> {
    Key::new(Tag::Version, &model.namespace).model(&model.model).range()
}

/// All aliases of a model in the order of their ids.
pub fn aliases(model: &ModelName) -> Range<Bytes> {
    Key::new(Tag::Alias, &model.namespace).model(&model.model).range()
}

/// What the keys of a model's aliases and versions have in common, behind the tag.
pub fn model_part(model: &ModelName) -> Bytes {
    Key(Vec::with_capacity(64)).text(model.namespace.as_str()).model(&model.model).done()
}

/// The same, of the key of an alias or a version.
pub fn model_part_of(key: &[u8]) -> Option<&[u8]> {
    let (tag, rest) = key.split_first()?;
    if *tag != Tag::Alias as u8 && *tag != Tag::Version as u8 {
        return None;
    }
    let namespace = rest.iter().position(|byte| *byte == 0)? + 1;
    let model = rest[namespace..].iter().position(|byte| *byte == 0)? + 1;
    Some(&rest[..namespace + model])
}

/// The alias that an alias key leads to.
pub fn alias_of(model: &ModelName, key: &[u8]) -> Option<AliasName> {
    let id = key.strip_prefix(aliases(model).start.as_ref())?.strip_suffix(&[0])?;
    let alias = AliasId::new(std::str::from_utf8(id).ok()?).ok()?;
    Some(AliasName { model: model.clone(), alias })
}

/// All policies in the order of their ids.
pub fn policies(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::Policy, namespace).range()
}

/// Where a policy had the rules of a digest.
pub fn policy_by_digest(name: &PolicyName, digest: &str) -> Bytes {
    Key::new(Tag::PolicyByDigest, &name.namespace).text(name.policy.as_str()).text(digest).done()
}

/// All proposals about a version in the order of their ids.
pub fn proposals(version: &VersionName) -> Range<Bytes> {
    Key::new(Tag::Proposal, &version.model.namespace).version(version).range()
}

/// All proposals about any version of a model.
pub fn proposals_of_model(model: &ModelName) -> Range<Bytes> {
    Key::new(Tag::Proposal, &model.namespace).model(&model.model).range()
}

/// All retrainings of a model in the order of their ids.
pub fn retrainings(model: &ModelName) -> Range<Bytes> {
    Key::new(Tag::Retraining, &model.namespace).model(&model.model).range()
}

/// All incidents of a model in the order of their ids.
pub fn incidents(model: &ModelName) -> Range<Bytes> {
    Key::new(Tag::Incident, &model.namespace).model(&model.model).range()
}

/// All consumers of a model in the order of their ids.
pub fn consumers(model: &ModelName) -> Range<Bytes> {
    Key::new(Tag::Consumer, &model.namespace).model(&model.model).range()
}

/// All records about rented models in the order of their names.
pub fn upstreams(namespace: &NamespaceId) -> Range<Bytes> {
    Key::new(Tag::Upstream, namespace).range()
}

#[cfg(test)]
mod tests;
