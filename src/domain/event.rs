//! Events: each change of the registry, in the words of its verbs.

use super::resource::{Resource, ResourceName};

/// What happened. The word is the CloudEvents type behind `steward.v1.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A namespace and its log began.
    NamespaceCreated,
    /// A model was registered.
    ModelCreated,
    /// A model's content changed.
    ModelUpdated,
    /// A model was marked as deleted.
    ModelDeleted,
    /// A deletion was taken back.
    ModelUndeleted,
    /// A version was registered as a draft.
    VersionCreated,
    /// A draft's content changed.
    VersionUpdated,
    /// A draft was handed in.
    VersionSubmitted,
    /// A candidate was approved.
    VersionApproved,
    /// A candidate was refused.
    VersionRejected,
    /// The end of a version was announced.
    VersionDeprecated,
    /// A deprecation was taken back.
    VersionReinstated,
    /// A version went out of service.
    VersionRetired,
    /// A version was put away.
    VersionArchived,
    /// An alias was pointed to a version.
    AliasSet,
    /// An alias was removed.
    AliasDeleted,
    /// An evaluation was recorded.
    EvaluationRecorded,
}

/// Before the word in a CloudEvents type.
const PREFIX: &str = "steward.v1.";

impl EventType {
    /// Everything that can happen.
    pub const ALL: [EventType; 17] = [
        EventType::NamespaceCreated,
        EventType::ModelCreated,
        EventType::ModelUpdated,
        EventType::ModelDeleted,
        EventType::ModelUndeleted,
        EventType::VersionCreated,
        EventType::VersionUpdated,
        EventType::VersionSubmitted,
        EventType::VersionApproved,
        EventType::VersionRejected,
        EventType::VersionDeprecated,
        EventType::VersionReinstated,
        EventType::VersionRetired,
        EventType::VersionArchived,
        EventType::AliasSet,
        EventType::AliasDeleted,
        EventType::EvaluationRecorded,
    ];

    /// Reads a type, with or without `steward.v1.` before it.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.strip_prefix(PREFIX).unwrap_or(text);
        Self::ALL.into_iter().find(|kind| kind.as_str().strip_prefix(PREFIX) == Some(word))
    }

    /// The CloudEvents type.
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::NamespaceCreated => "steward.v1.NamespaceCreated",
            EventType::ModelCreated => "steward.v1.ModelCreated",
            EventType::ModelUpdated => "steward.v1.ModelUpdated",
            EventType::ModelDeleted => "steward.v1.ModelDeleted",
            EventType::ModelUndeleted => "steward.v1.ModelUndeleted",
            EventType::VersionCreated => "steward.v1.VersionCreated",
            EventType::VersionUpdated => "steward.v1.VersionUpdated",
            EventType::VersionSubmitted => "steward.v1.VersionSubmitted",
            EventType::VersionApproved => "steward.v1.VersionApproved",
            EventType::VersionRejected => "steward.v1.VersionRejected",
            EventType::VersionDeprecated => "steward.v1.VersionDeprecated",
            EventType::VersionReinstated => "steward.v1.VersionReinstated",
            EventType::VersionRetired => "steward.v1.VersionRetired",
            EventType::VersionArchived => "steward.v1.VersionArchived",
            EventType::AliasSet => "steward.v1.AliasSet",
            EventType::AliasDeleted => "steward.v1.AliasDeleted",
            EventType::EvaluationRecorded => "steward.v1.EvaluationRecorded",
        }
    }
}

/// The new state of one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The resource is in this state now.
    Set(Resource),
    /// The resource does not exist any more.
    Removed(ResourceName),
}

impl Change {
    /// Which resource changed.
    pub fn name(&self) -> ResourceName {
        match self {
            Change::Set(resource) => resource.name(),
            Change::Removed(name) => name.clone(),
        }
    }
}

/// One event, before it has a position. The first change is its subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventType,
    /// What it changed; at least one resource.
    pub changes: Vec<Change>,
}

impl Event {
    /// An event that changes one resource.
    pub fn set(kind: EventType, resource: impl Into<Resource>) -> Self {
        Event { kind, changes: vec![Change::Set(resource.into())] }
    }

    /// An event that removes one resource.
    pub fn removed(kind: EventType, name: impl Into<ResourceName>) -> Self {
        Event { kind, changes: vec![Change::Removed(name.into())] }
    }
}
