//! Any resource: what the log carries and the store keeps.

mod typed;

pub use self::typed::Typed;

use super::{
    alias::Alias,
    consumer::Consumer,
    evaluation::Evaluation,
    incident::Incident,
    model::Model,
    monitor::Monitor,
    name::{
        AliasName, ConsumerName, EvaluationName, IncidentName, ModelName, MonitorName, NamespaceId,
        NamespaceName, PersonName, PolicyName, ProposalName, RetrainingName, SubscriptionName, UpstreamName,
        VersionName,
    },
    namespace::Namespace,
    person::Person,
    policy::Policy,
    proposal::Proposal,
    retraining::Retraining,
    subscription::Subscription,
    time::Timestamp,
    upstream::Upstream,
    version::Version,
};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// The name of any resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceName {
    /// Of a namespace.
    Namespace(NamespaceName),
    /// Of a model.
    Model(ModelName),
    /// Of a version.
    Version(VersionName),
    /// Of an alias.
    Alias(AliasName),
    /// Of an evaluation.
    Evaluation(EvaluationName),
    /// Of a policy.
    Policy(PolicyName),
    /// Of a proposal.
    Proposal(ProposalName),
    /// Of an incident.
    Incident(IncidentName),
    /// Of a consumer.
    Consumer(ConsumerName),
    /// Of a monitor.
    Monitor(MonitorName),
    /// Of a record about a rented model.
    Upstream(UpstreamName),
    /// Of a person.
    Person(PersonName),
    /// Of a durable subscription.
    Subscription(SubscriptionName),
    /// Of a retraining.
    Retraining(RetrainingName),
}

impl ResourceName {
    /// Reads the name of a resource of a kind.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, super::name::NameError> {
        Ok(match kind {
            Kind::Namespace => ResourceName::Namespace(text.parse()?),
            Kind::Model => ResourceName::Model(text.parse()?),
            Kind::Version => ResourceName::Version(text.parse()?),
            Kind::Alias => ResourceName::Alias(text.parse()?),
            Kind::Evaluation => ResourceName::Evaluation(text.parse()?),
            Kind::Policy => ResourceName::Policy(text.parse()?),
            Kind::Proposal => ResourceName::Proposal(text.parse()?),
            Kind::Incident => ResourceName::Incident(text.parse()?),
            Kind::Consumer => ResourceName::Consumer(text.parse()?),
            Kind::Monitor => ResourceName::Monitor(text.parse()?),
            Kind::Upstream => ResourceName::Upstream(text.parse()?),
            Kind::Person => ResourceName::Person(text.parse()?),
            Kind::Subscription => ResourceName::Subscription(text.parse()?),
            Kind::Retraining => ResourceName::Retraining(text.parse()?),
        })
    }

    /// Reads the name of any resource; its form tells the kind.
    pub fn parse_any(text: &str) -> Result<Self, super::name::NameError> {
        let collection = text.rsplit('/').nth(1).unwrap_or_default();
        let kind = match collection {
            "models" => Kind::Model,
            "versions" => Kind::Version,
            "aliases" => Kind::Alias,
            "evaluations" => Kind::Evaluation,
            "policies" => Kind::Policy,
            "proposals" => Kind::Proposal,
            "incidents" => Kind::Incident,
            "consumers" => Kind::Consumer,
            "monitors" => Kind::Monitor,
            "upstreams" => Kind::Upstream,
            "persons" => Kind::Person,
            "subscriptions" => Kind::Subscription,
            "retrainings" => Kind::Retraining,
            _ => Kind::Namespace,
        };
        Self::parse(kind, text)
    }

    /// What kind of resource it names.
    pub fn kind(&self) -> Kind {
        match self {
            ResourceName::Namespace(_) => Kind::Namespace,
            ResourceName::Model(_) => Kind::Model,
            ResourceName::Version(_) => Kind::Version,
            ResourceName::Alias(_) => Kind::Alias,
            ResourceName::Evaluation(_) => Kind::Evaluation,
            ResourceName::Policy(_) => Kind::Policy,
            ResourceName::Proposal(_) => Kind::Proposal,
            ResourceName::Incident(_) => Kind::Incident,
            ResourceName::Consumer(_) => Kind::Consumer,
            ResourceName::Monitor(_) => Kind::Monitor,
            ResourceName::Upstream(_) => Kind::Upstream,
            ResourceName::Person(_) => Kind::Person,
            ResourceName::Subscription(_) => Kind::Subscription,
            ResourceName::Retraining(_) => Kind::Retraining,
        }
    }

    /// The model that it is or belongs to, if it does.
    pub fn model(&self) -> Option<ModelName> {
        Some(match self {
            ResourceName::Namespace(_)
            | ResourceName::Policy(_)
            | ResourceName::Upstream(_)
            | ResourceName::Person(_)
            | ResourceName::Subscription(_) => return None,
            ResourceName::Model(name) => name.clone(),
            ResourceName::Version(name) => name.model.clone(),
            ResourceName::Alias(name) => name.model.clone(),
            ResourceName::Evaluation(name) => name.version.model.clone(),
            ResourceName::Proposal(name) => name.version.model.clone(),
            ResourceName::Monitor(name) => name.version.model.clone(),
            ResourceName::Incident(name) => name.model.clone(),
            ResourceName::Consumer(name) => name.model.clone(),
            ResourceName::Retraining(name) => name.model.clone(),
        })
    }

    /// The tenant it belongs to.
    pub fn namespace(&self) -> &NamespaceId {
        match self {
            ResourceName::Namespace(name) => &name.0,
            ResourceName::Model(name) => &name.namespace,
            ResourceName::Version(name) => &name.model.namespace,
            ResourceName::Alias(name) => &name.model.namespace,
            ResourceName::Evaluation(name) => &name.version.model.namespace,
            ResourceName::Policy(name) => &name.namespace,
            ResourceName::Proposal(name) => &name.version.model.namespace,
            ResourceName::Incident(name) => &name.model.namespace,
            ResourceName::Consumer(name) => &name.model.namespace,
            ResourceName::Monitor(name) => &name.version.model.namespace,
            ResourceName::Upstream(name) => &name.namespace,
            ResourceName::Person(name) => &name.namespace,
            ResourceName::Subscription(name) => &name.namespace,
            ResourceName::Retraining(name) => &name.model.namespace,
        }
    }
}

impl Serialize for ResourceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResourceName::Namespace(name) => name.fmt(f),
            ResourceName::Model(name) => name.fmt(f),
            ResourceName::Version(name) => name.fmt(f),
            ResourceName::Alias(name) => name.fmt(f),
            ResourceName::Evaluation(name) => name.fmt(f),
            ResourceName::Policy(name) => name.fmt(f),
            ResourceName::Proposal(name) => name.fmt(f),
            ResourceName::Incident(name) => name.fmt(f),
            ResourceName::Consumer(name) => name.fmt(f),
            ResourceName::Monitor(name) => name.fmt(f),
            ResourceName::Upstream(name) => name.fmt(f),
            ResourceName::Person(name) => name.fmt(f),
            ResourceName::Subscription(name) => name.fmt(f),
            ResourceName::Retraining(name) => name.fmt(f),
        }
    }
}

/// What kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A namespace.
    Namespace,
    /// A model.
    Model,
    /// A version.
    Version,
    /// An alias.
    Alias,
    /// An evaluation.
    Evaluation,
    /// A policy.
    Policy,
    /// A proposal.
    Proposal,
    /// An incident.
    Incident,
    /// A consumer.
    Consumer,
    /// A monitor.
    Monitor,
    /// A record about a rented model.
    Upstream,
    /// A person.
    Person,
    /// A durable subscription.
    Subscription,
    /// A run of a pipeline that is to make a new version.
    Retraining,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 14] = [
        Kind::Namespace,
        Kind::Model,
        Kind::Version,
        Kind::Alias,
        Kind::Evaluation,
        Kind::Policy,
        Kind::Proposal,
        Kind::Incident,
        Kind::Consumer,
        Kind::Monitor,
        Kind::Upstream,
        Kind::Person,
        Kind::Subscription,
        Kind::Retraining,
    ];

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Namespace => "namespace",
            Kind::Model => "model",
            Kind::Version => "version",
            Kind::Alias => "alias",
            Kind::Evaluation => "evaluation",
            Kind::Policy => "policy",
            Kind::Proposal => "proposal",
            Kind::Incident => "incident",
            Kind::Consumer => "consumer",
            Kind::Monitor => "monitor",
            Kind::Upstream => "upstream record",
            Kind::Person => "person",
            Kind::Subscription => "subscription",
            Kind::Retraining => "retraining",
        }
    }
}

/// The full state of any resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Resource {
    /// A namespace.
    Namespace(Box<Namespace>),
    /// A model.
    Model(Box<Model>),
    /// A version.
    Version(Box<Version>),
    /// An alias.
    Alias(Box<Alias>),
    /// An evaluation.
    Evaluation(Box<Evaluation>),
    /// A policy.
    Policy(Box<Policy>),
    /// A proposal.
    Proposal(Box<Proposal>),
    /// An incident.
    Incident(Box<Incident>),
    /// A consumer.
    Consumer(Box<Consumer>),
    /// A monitor.
    Monitor(Box<Monitor>),
    /// A record about a rented model.
    Upstream(Box<Upstream>),
    /// A person who was erased.
    Person(Box<Person>),
    /// A durable subscription.
    Subscription(Box<Subscription>),
    /// A run of a pipeline that is to make a new version.
    Retraining(Box<Retraining>),
}

impl Resource {
    /// Reads the state of a resource of a kind.
    pub fn from_json(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Namespace => Resource::Namespace(serde_json::from_slice(json)?),
            Kind::Model => Resource::Model(serde_json::from_slice(json)?),
            Kind::Version => Resource::Version(serde_json::from_slice(json)?),
            Kind::Alias => Resource::Alias(serde_json::from_slice(json)?),
            Kind::Evaluation => Resource::Evaluation(serde_json::from_slice(json)?),
            Kind::Policy => Resource::Policy(serde_json::from_slice(json)?),
            Kind::Proposal => Resource::Proposal(serde_json::from_slice(json)?),
            Kind::Incident => Resource::Incident(serde_json::from_slice(json)?),
            Kind::Consumer => Resource::Consumer(serde_json::from_slice(json)?),
            Kind::Monitor => Resource::Monitor(serde_json::from_slice(json)?),
            Kind::Upstream => Resource::Upstream(serde_json::from_slice(json)?),
            Kind::Person => Resource::Person(serde_json::from_slice(json)?),
            Kind::Subscription => Resource::Subscription(serde_json::from_slice(json)?),
            Kind::Retraining => Resource::Retraining(serde_json::from_slice(json)?),
        })
    }

    /// Its name.
    pub fn name(&self) -> ResourceName {
        match self {
            Resource::Namespace(resource) => ResourceName::Namespace(resource.name.clone()),
            Resource::Model(resource) => ResourceName::Model(resource.name.clone()),
            Resource::Version(resource) => ResourceName::Version(resource.name.clone()),
            Resource::Alias(resource) => ResourceName::Alias(resource.name.clone()),
            Resource::Evaluation(resource) => ResourceName::Evaluation(resource.name.clone()),
            Resource::Policy(resource) => ResourceName::Policy(resource.name.clone()),
            Resource::Proposal(resource) => ResourceName::Proposal(resource.name.clone()),
            Resource::Incident(resource) => ResourceName::Incident(resource.name.clone()),
            Resource::Consumer(resource) => ResourceName::Consumer(resource.name.clone()),
            Resource::Monitor(resource) => ResourceName::Monitor(resource.name.clone()),
            Resource::Upstream(resource) => ResourceName::Upstream(resource.name.clone()),
            Resource::Person(resource) => ResourceName::Person(resource.name.clone()),
            Resource::Subscription(resource) => ResourceName::Subscription(resource.name.clone()),
            Resource::Retraining(resource) => ResourceName::Retraining(resource.name.clone()),
        }
    }

    /// When time next does something to it, if ever.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self {
            Resource::Model(model) => model.next_due(),
            Resource::Version(version) => version.next_due(),
            Resource::Alias(alias) => alias.next_due(),
            Resource::Proposal(proposal) => proposal.next_due(),
            Resource::Retraining(retraining) => retraining.next_due(),
            _ => None,
        }
    }
}
