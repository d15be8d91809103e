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
    /// Deprecated versions that live longer name this one as their replacement.
    ReplacesOthers => "REPLACES_OTHERS",
    /// The version would replace itself, perhaps by a detour.
    ReplacementCircle => "REPLACEMENT_CIRCLE",
    /// The version's state does not take evaluations.
    EvaluationNotAccepted => "EVALUATION_NOT_ACCEPTED",
    /// An evaluation uses a key that its version does not declare.
    DimensionNotDeclared => "DIMENSION_NOT_DECLARED",
    /// An evaluation uses a code that its version does not declare.
    CodeNotDeclared => "CODE_NOT_DECLARED",
    /// Slices that are too small cannot be recorded together.
    CellsTooSmall => "CELLS_TOO_SMALL",
    /// The version is on hold.
    VersionOnHold => "VERSION_ON_HOLD",
    /// The version is not on hold.
    VersionNotHeld => "VERSION_NOT_HELD",
    /// The model's card lacks what the policy asks for.
    CardIncomplete => "CARD_INCOMPLETE",
    /// The policy asks for a fresh evaluation.
    EvidenceMissing => "EVIDENCE_MISSING",
    /// A gate of the policy does not let the version pass.
    GateFailed => "GATE_FAILED",
    /// More people have to agree.
    ApprovalRequired => "APPROVAL_REQUIRED",
    /// It takes an open incident.
    IncidentRequired => "INCIDENT_REQUIRED",
    /// The incident is closed.
    IncidentClosed => "INCIDENT_CLOSED",
    /// The provider ends the version too soon.
    UpstreamEndsTooSoon => "UPSTREAM_ENDS_TOO_SOON",
    /// Versions in service rest on the record of a rented model.
    UpstreamInUse => "UPSTREAM_IN_USE",
    /// More versions rest on a rented model than one change can move.
    TooManyVersions => "TOO_MANY_VERSIONS",
    /// The sunset leaves less than the notice period.
    NoticeTooShort => "NOTICE_TOO_SHORT",
    /// The sunset lies before the end of the least life.
    SunsetTooSoon => "SUNSET_TOO_SOON",
    /// The sunset lies beyond the provider's end less the margin.
    SunsetAfterUpstream => "SUNSET_AFTER_UPSTREAM",
    /// The sunset has come, and only the clock has not recorded it yet.
    SunsetPassed => "SUNSET_PASSED",
    /// An extension has to lead to a later sunset.
    SunsetNotLater => "SUNSET_NOT_LATER",
    /// A shortening has to lead to an earlier sunset.
    SunsetNotEarlier => "SUNSET_NOT_EARLIER",
    /// The sunset was put off as often as the policy allows.
    ExtensionsExhausted => "EXTENSIONS_EXHAUSTED",
    /// The sunset would be put off further than the policy allows.
    ExtensionTooLong => "EXTENSION_TOO_LONG",
    /// The version is back for a while only.
    VersionRestored => "VERSION_RESTORED",
    /// Somebody resolved the version lately.
    VersionInUse => "VERSION_IN_USE",
    /// A restoration ends within 72 hours.
    RestorationTooLong => "RESTORATION_TOO_LONG",
    /// Retired versions are kept for a while.
    RetentionNotOver => "RETENTION_NOT_OVER",
    /// The proposal is decided already.
    ProposalClosed => "PROPOSAL_CLOSED",
    /// The author of a proposal cannot agree with it.
    ProposalOwn => "PROPOSAL_OWN",
    /// Whoever takes an agreement back has to have agreed.
    ProposalNotApproved => "PROPOSAL_NOT_APPROVED",
    /// A deprecated version takes no new consumers.
    NewConsumerRefused => "NEW_CONSUMER_REFUSED",
    /// Nothing was raised.
    NoAlarm => "NO_ALARM",
    /// Nobody looks away for that long.
    SnoozeTooLong => "SNOOZE_TOO_LONG",
    /// No end of the version is in sight.
    NoSunset => "NO_SUNSET",
    /// Nobody grants an exemption to a consumer of their own.
    ConsumerOwn => "CONSUMER_OWN",
    /// A brownout before the sunset.
    VersionBrownout => "VERSION_BROWNOUT",
    /// The subscription has no webhook.
    NoWebhook => "NO_WEBHOOK",
    /// The retraining is completed, failed or expired.
    RetrainingEnded => "RETRAINING_ENDED",
    /// Another run has taken the retraining.
    RetrainingTaken => "RETRAINING_TAKEN",
    /// The version cannot have come of the retraining.
    RetrainingCandidate => "RETRAINING_CANDIDATE",
    /// The webhook of a subscription is its reader.
    SubscriptionHasWebhook => "SUBSCRIPTION_HAS_WEBHOOK",
    /// A namespace has as many subscriptions as it may have.
    TooManySubscriptions => "TOO_MANY_SUBSCRIPTIONS",
    /// An alias needs an approved version.
    AliasTargetNotApproved => "ALIAS_TARGET_NOT_APPROVED",
    /// A version is no safe way back.
    RollbackTargetUnsafe => "ROLLBACK_TARGET_UNSAFE",
    /// An alias never pointed to another safe version.
    NoWayBack => "NO_WAY_BACK",
    /// The person is erased already.
    PersonErased => "PERSON_ERASED",
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
    /// What programs may want to read from it.
    pub values: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal about a resource.
    pub fn new(reason: Reason, subject: &impl Display, description: impl Into<String>) -> Self {
        let (subject, description) = (subject.to_string(), description.into());
        Refusal { reason, subject, description, replacement: None, values: Vec::new() }
    }

    /// The refusal with a value for programs.
    pub fn with(mut self, key: &'static str, value: impl Display) -> Self {
        self.values.push((key, value.to_string()));
        self
    }

    /// The refusal with the version to use instead.
    pub fn with_replacement(self, replacement: Option<&impl Display>) -> Self {
        Refusal { replacement: replacement.map(ToString::to_string), ..self }
    }
}
