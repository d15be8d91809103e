//! Refusals: what is right by itself but wrong in this state. Each guard has
//! its reason word, which never changes, and says what to do.

use std::fmt::Display;

/// Defines the reasons once: the variant, its word, its meaning.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)*) => {
        /// The reason word of a guard.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),*];

            /// The word on the wire, in UPPER_SNAKE_CASE; it never changes.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Reason::$variant => $word,)*
                }
            }
        }
    };
}

reasons! {
    /// The model is deleted.
    ModelDeleted => "MODEL_DELETED",
    /// The model is not deleted.
    ModelNotDeleted => "MODEL_NOT_DELETED",
    /// Aliases still point into the model.
    ModelHasAliases => "MODEL_HAS_ALIASES",
    /// The verb is not allowed in this state.
    IllegalTransition => "ILLEGAL_TRANSITION",
    /// The content is frozen.
    VersionFrozen => "VERSION_FROZEN",
    /// Neither an artifact with a digest nor an upstream reference.
    ContentIncomplete => "CONTENT_INCOMPLETE",
    /// The sunset is not in the future.
    SunsetNotInFuture => "SUNSET_NOT_IN_FUTURE",
    /// The replacement does not exist.
    ReplacementMissing => "REPLACEMENT_MISSING",
    /// The replacement is not approved.
    ReplacementNotApproved => "REPLACEMENT_NOT_APPROVED",
    /// The version would replace itself, perhaps by a detour.
    ReplacementCircle => "REPLACEMENT_CIRCLE",
    /// The version's state does not take evaluations.
    EvaluationNotAccepted => "EVALUATION_NOT_ACCEPTED",
    /// An alias needs an approved version.
    AliasTargetNotApproved => "ALIAS_TARGET_NOT_APPROVED",
    /// A parent version named as source does not exist.
    SourceMissing => "SOURCE_MISSING",
    /// A draft resolves for nobody.
    VersionDraft => "VERSION_DRAFT",
    /// A candidate does not resolve by alias.
    VersionCandidate => "VERSION_CANDIDATE",
    /// The version is out of service.
    VersionRetired => "VERSION_RETIRED",
    /// The version was refused in review.
    VersionRejected => "VERSION_REJECTED",
    /// The version is archived.
    VersionArchived => "VERSION_ARCHIVED",
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
