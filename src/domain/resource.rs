//! Any resource: what the log carries and the store keeps.

use super::{
    alias::Alias,
    evaluation::Evaluation,
    model::Model,
    name::{AliasName, EvaluationName, ModelName, NamespaceId, NamespaceName, VersionName},
    namespace::Namespace,
    version::Version,
};
use serde::{Deserialize, Serialize};
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
        }
    }

    /// The tenant it belongs to.
    pub fn namespace(&self) -> &NamespaceId {
        match self {
            ResourceName::Namespace(name) => &name.0,
            ResourceName::Model(name) => &name.namespace,
            ResourceName::Version(name) => &name.model.namespace,
            ResourceName::Alias(name) => &name.model.namespace,
            ResourceName::Evaluation(name) => &name.version.model.namespace,
        }
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
}

impl Kind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Namespace => "namespace",
            Kind::Model => "model",
            Kind::Version => "version",
            Kind::Alias => "alias",
            Kind::Evaluation => "evaluation",
        }
    }
}

/// The full state of any resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Resource {
    /// A namespace.
    Namespace(Namespace),
    /// A model.
    Model(Model),
    /// A version.
    Version(Box<Version>),
    /// An alias.
    Alias(Alias),
    /// An evaluation.
    Evaluation(Box<Evaluation>),
}

impl Resource {
    /// Reads the state of a resource of a kind.
    pub fn from_json(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Namespace => Resource::Namespace(serde_json::from_slice(json)?),
            Kind::Model => Resource::Model(serde_json::from_slice(json)?),
            Kind::Version => Resource::Version(Box::new(serde_json::from_slice(json)?)),
            Kind::Alias => Resource::Alias(serde_json::from_slice(json)?),
            Kind::Evaluation => Resource::Evaluation(Box::new(serde_json::from_slice(json)?)),
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
        }
    }
}

/// A type of resource, to read one of it from the store or the log.
pub trait Typed: Into<Resource> + Send + Sync + Clone + 'static {
    /// What its name is.
    type Name: Clone + Send + Sync + Into<ResourceName> + fmt::Display;

    /// Takes the resource out, if it is of this type.
    fn from_resource(resource: Resource) -> Option<Self>;

    /// Reads its state.
    fn from_json(json: &[u8]) -> Result<Self, serde_json::Error>;
}

macro_rules! typed {
    ($type:ty, $name:ty, $variant:ident, $resource:ident => $take:expr, $state:ident => $put:expr) => {
        impl From<$name> for ResourceName {
            fn from(name: $name) -> Self {
                ResourceName::$variant(name)
            }
        }

        impl From<$type> for Resource {
            fn from($state: $type) -> Self {
                Resource::$variant($put)
            }
        }

        impl Typed for $type {
            type Name = $name;

            fn from_resource(resource: Resource) -> Option<Self> {
                match resource {
                    Resource::$variant($resource) => Some($take),
                    _ => None,
                }
            }

            fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
                serde_json::from_slice(json)
            }
        }
    };
}

typed!(Namespace, NamespaceName, Namespace, r => r, s => s);
typed!(Model, ModelName, Model, r => r, s => s);
typed!(Version, VersionName, Version, r => *r, s => Box::new(s));
typed!(Alias, AliasName, Alias, r => r, s => s);
typed!(Evaluation, EvaluationName, Evaluation, r => *r, s => Box::new(s));
