//! Refusals: what is right by itself but wrong in this state. Each guard has
//! its reason word, which never changes, and says what to do.

use std::fmt::Display;

/// The reason word of a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The model is deleted.
    ModelDeleted,
    /// The model is not deleted.
    ModelNotDeleted,
    /// Aliases still point into the model.
    ModelHasAliases,
    /// The verb is not allowed in this state.
    IllegalTransition,
    /// The content is frozen.
    VersionFrozen,
    /// Neither an artifact with a digest nor an upstream reference.
    ContentIncomplete,
    /// The sunset is not in the future.
    SunsetNotInFuture,
    /// The replacement does not exist.
    ReplacementMissing,
    /// The replacement is not approved.
    ReplacementNotApproved,
    /// The version would replace itself, perhaps by a detour.
    ReplacementCircle,
    /// The version's state does not take evaluations.
    EvaluationNotAccepted,
    /// An alias needs an approved version.
    AliasTargetNotApproved,
    /// A parent version named as source does not exist.
    SourceMissing,
    /// A draft resolves for nobody.
    VersionDraft,
    /// A candidate does not resolve by alias.
    VersionCandidate,
    /// The version is out of service.
    VersionRetired,
    /// The version was refused in review.
    VersionRejected,
    /// The version is archived.
    VersionArchived,
}

impl Reason {
    /// The word on the wire, in UPPER_SNAKE_CASE.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ModelDeleted => "MODEL_DELETED",
            Reason::ModelNotDeleted => "MODEL_NOT_DELETED",
            Reason::ModelHasAliases => "MODEL_HAS_ALIASES",
            Reason::IllegalTransition => "ILLEGAL_TRANSITION",
            Reason::VersionFrozen => "VERSION_FROZEN",
            Reason::ContentIncomplete => "CONTENT_INCOMPLETE",
            Reason::SunsetNotInFuture => "SUNSET_NOT_IN_FUTURE",
            Reason::ReplacementMissing => "REPLACEMENT_MISSING",
            Reason::ReplacementNotApproved => "REPLACEMENT_NOT_APPROVED",
            Reason::ReplacementCircle => "REPLACEMENT_CIRCLE",
            Reason::EvaluationNotAccepted => "EVALUATION_NOT_ACCEPTED",
            Reason::AliasTargetNotApproved => "ALIAS_TARGET_NOT_APPROVED",
            Reason::SourceMissing => "SOURCE_MISSING",
            Reason::VersionDraft => "VERSION_DRAFT",
            Reason::VersionCandidate => "VERSION_CANDIDATE",
            Reason::VersionRetired => "VERSION_RETIRED",
            Reason::VersionRejected => "VERSION_REJECTED",
            Reason::VersionArchived => "VERSION_ARCHIVED",
        }
    }
}

/// One guard that refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The guard's word.
    pub reason: Reason,
    /// Name of the resource that is in the way.
    pub subject: String,
    /// A sentence: what is in the way, what to do.
    pub description: String,
    /// The version to use instead, where there is one.
    pub replacement: Option<String>,
}

impl Refusal {
    /// A refusal about a resource.
    pub fn new(reason: Reason, subject: &impl Display, description: impl Into<String>) -> Self {
        Refusal { reason, subject: subject.to_string(), description: description.into(), replacement: None }
    }

    /// The refusal with the version to use instead.
    pub fn with_replacement(self, replacement: Option<&impl Display>) -> Self {
        Refusal { replacement: replacement.map(ToString::to_string), ..self }
    }
}
