//! Any resource: what the log carries and the store keeps.

use super::{
    alias::Alias,
    consumer::Consumer,
    evaluation::Evaluation,
    incident::Incident,
    model::Model,
    monitor::Monitor,
    name::{
        AliasName, ConsumerName, EvaluationName, IncidentName, ModelName, MonitorName, NameError,
        NamespaceId, NamespaceName, PersonName, PolicyName, ProposalName, RetrainingName, SubscriptionName,
        UpstreamName, VersionName,
    },
    namespace::Namespace,
    person::{Person, Personal},
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

/// A type of resource, to read one of it from the store or the log.
pub trait Typed: Into<Resource> + Personal + Send + Sync + Clone + 'static {
    /// What its name is.
    type Name: Clone + Send + Sync + Into<ResourceName> + fmt::Display;

    /// Takes the resource out, if it is of this type.
    fn from_resource(resource: Resource) -> Option<Self>;

    /// Reads its state.
    fn from_json(json: &[u8]) -> Result<Self, serde_json::Error>;
}

/// Makes the three types that have a case for each kind of resource, and what treats the
/// cases alike.
macro_rules! resources {
    ($($(#[$doc:meta])* $kind:ident: $name:ident, $collection:literal, $word:literal;)*) => {
        /// The name of any resource.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ResourceName {
            $($(#[$doc])* $kind($name),)*
        }

        /// The full state of any resource.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Resource {
            $($(#[$doc])* $kind(Box<$kind>),)*
        }

        /// What kind of resource.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: [Kind; [$(Kind::$kind),*].len()] = [$(Kind::$kind),*];

            /// The word for people.
            pub fn word(self) -> &'static str {
                match self { $(Kind::$kind => $word,)* }
            }

            /// The name of its message in the contract, such as `Model`.
            pub fn message(self) -> &'static str {
                match self { $(Kind::$kind => stringify!($kind),)* }
            }

            /// The part of a name in front of the id, such as `models`.
            fn collection(self) -> &'static str {
                match self { $(Kind::$kind => $collection,)* }
            }
        }

        impl ResourceName {
            /// Reads the name of a resource of a kind.
            pub fn parse(kind: Kind, text: &str) -> Result<Self, NameError> {
                match kind { $(Kind::$kind => text.parse().map(ResourceName::$kind),)* }
            }

            /// What kind of resource it names.
            pub fn kind(&self) -> Kind {
                match self { $(ResourceName::$kind(_) => Kind::$kind,)* }
            }
        }

        impl fmt::Display for ResourceName {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(ResourceName::$kind(name) => name.fmt(f),)* }
            }
        }

        impl Resource {
            /// Reads the state of a resource of a kind.
            pub fn from_json(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
                match kind { $(Kind::$kind => serde_json::from_slice(json).map(Resource::$kind),)* }
            }

            /// Its name.
            pub fn name(&self) -> ResourceName {
                match self { $(Resource::$kind(state) => ResourceName::$kind(state.name.clone()),)* }
            }
        }

        $(
            impl From<$name> for ResourceName {
                fn from(name: $name) -> Self {
                    ResourceName::$kind(name)
                }
            }

            impl From<$kind> for Resource {
                fn from(state: $kind) -> Self {
                    Resource::$kind(Box::new(state))
                }
            }

            impl Typed for $kind {
                type Name = $name;

                fn from_resource(resource: Resource) -> Option<Self> {
                    match resource {
                        Resource::$kind(state) => Some(*state),
                        _ => None,
                    }
                }

                fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
                    serde_json::from_slice(json)
                }
            }
        )*
    };
}

resources! {
    /// A namespace.
    Namespace: NamespaceName, "namespaces", "namespace";
    /// A model.
    Model: ModelName, "models", "model";
    /// A version.
    Version: VersionName, "versions", "version";
    /// An alias.
    Alias: AliasName, "aliases", "alias";
    /// An evaluation.
    Evaluation: EvaluationName, "evaluations", "evaluation";
    /// A policy.
    Policy: PolicyName, "policies", "policy";
    /// A proposal.
    Proposal: ProposalName, "proposals", "proposal";
    /// An incident.
    Incident: IncidentName, "incidents", "incident";
    /// A consumer.
    Consumer: ConsumerName, "consumers", "consumer";
    /// A monitor.
    Monitor: MonitorName, "monitors", "monitor";
    /// A record about a rented model.
    Upstream: UpstreamName, "upstreams", "upstream record";
    /// A person; as a state, one who was erased.
    Person: PersonName, "persons", "person";
    /// A durable subscription.
    Subscription: SubscriptionName, "subscriptions", "subscription";
    /// A run of a pipeline that is to make a new version.
    Retraining: RetrainingName, "retrainings", "retraining";
}

impl ResourceName {
    /// Reads the name of any resource; its form tells the kind.
    pub fn parse_any(text: &str) -> Result<Self, NameError> {
        let collection = text.rsplit('/').nth(1).unwrap_or_default();
        let kind = Kind::ALL.into_iter().find(|kind| kind.collection() == collection);
        Self::parse(kind.unwrap_or(Kind::Namespace), text)
    }

    /// The model that it is or belongs to, if it does.
    pub fn model(&self) -> Option<&ModelName> {
        match self {
            ResourceName::Model(name) => Some(name),
            ResourceName::Version(VersionName { model, .. })
            | ResourceName::Alias(AliasName { model, .. })
            | ResourceName::Incident(IncidentName { model, .. })
            | ResourceName::Consumer(ConsumerName { model, .. })
            | ResourceName::Retraining(RetrainingName { model, .. }) => Some(model),
            ResourceName::Evaluation(EvaluationName { version, .. })
            | ResourceName::Proposal(ProposalName { version, .. })
            | ResourceName::Monitor(MonitorName { version, .. }) => Some(&version.model),
            ResourceName::Namespace(_)
            | ResourceName::Policy(_)
            | ResourceName::Upstream(_)
            | ResourceName::Person(_)
            | ResourceName::Subscription(_) => None,
        }
    }

    /// The tenant it belongs to.
    pub fn namespace(&self) -> &NamespaceId {
        match self {
            ResourceName::Namespace(NamespaceName(namespace))
            | ResourceName::Model(ModelName { namespace, .. })
            | ResourceName::Policy(PolicyName { namespace, .. })
            | ResourceName::Upstream(UpstreamName { namespace, .. })
            | ResourceName::Person(PersonName { namespace, .. })
            | ResourceName::Subscription(SubscriptionName { namespace, .. }) => namespace,
            ResourceName::Version(VersionName { model, .. })
            | ResourceName::Alias(AliasName { model, .. })
            | ResourceName::Incident(IncidentName { model, .. })
            | ResourceName::Consumer(ConsumerName { model, .. })
            | ResourceName::Retraining(RetrainingName { model, .. }) => &model.namespace,
            ResourceName::Evaluation(EvaluationName { version, .. })
            | ResourceName::Proposal(ProposalName { version, .. })
            | ResourceName::Monitor(MonitorName { version, .. }) => &version.model.namespace,
        }
    }
}

impl Serialize for ResourceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Resource {
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
