//! Reading a resource of one type.

use super::{Resource, ResourceName};
use crate::domain::{
    alias::Alias,
    consumer::Consumer,
    evaluation::Evaluation,
    incident::Incident,
    model::Model,
    monitor::Monitor,
    name::{
        AliasName, ConsumerName, EvaluationName, IncidentName, ModelName, MonitorName, NamespaceName,
        PersonName, PolicyName, ProposalName, RetrainingName, SubscriptionName, UpstreamName, VersionName,
    },
    namespace::Namespace,
    person::{Person, Personal},
    policy::Policy,
    proposal::Proposal,
    retraining::Retraining,
    subscription::Subscription,
    upstream::Upstream,
    version::Version,
};
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

macro_rules! typed {
    ($type:ty, $name:ty, $variant:ident) => {
        impl From<$name> for ResourceName {
            fn from(name: $name) -> Self {
                ResourceName::$variant(name)
            }
        }

        impl From<$type> for Resource {
            fn from(state: $type) -> Self {
                Resource::$variant(Box::new(state))
            }
        }

        impl Typed for $type {
            type Name = $name;

            fn from_resource(resource: Resource) -> Option<Self> {
                match resource {
                    Resource::$variant(state) => Some(*state),
                    _ => None,
                }
            }

            fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
                serde_json::from_slice(json)
            }
        }
    };
}

typed!(Namespace, NamespaceName, Namespace);
typed!(Model, ModelName, Model);
typed!(Version, VersionName, Version);
typed!(Alias, AliasName, Alias);
typed!(Evaluation, EvaluationName, Evaluation);
typed!(Policy, PolicyName, Policy);
typed!(Proposal, ProposalName, Proposal);
typed!(Incident, IncidentName, Incident);
typed!(Consumer, ConsumerName, Consumer);
typed!(Monitor, MonitorName, Monitor);
typed!(Upstream, UpstreamName, Upstream);
typed!(Person, PersonName, Person);
typed!(Retraining, RetrainingName, Retraining);
typed!(Subscription, SubscriptionName, Subscription);
