//! Events: each change of the registry, in the words of its verbs.

mod filter;

pub use self::filter::EventFilter;

use super::resource::{Resource, ResourceName};

/// Before the word in a CloudEvents type.
const PREFIX: &str = "steward.v1.";

/// Defines the events once: what happened, and its CloudEvents type.
macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident => $text:literal,)*) => {
        /// What happened. The word is the CloudEvents type behind `steward.v1.`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType {
            $($(#[$doc])* $variant,)*
        }

        impl EventType {
            /// Everything that can happen.
            pub const ALL: &'static [EventType] = &[$(EventType::$variant),*];

            /// The CloudEvents type.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(EventType::$variant => $text,)*
                }
            }
        }
    };
}

events! {
    /// A namespace and its log began.
    NamespaceCreated => "steward.v1.NamespaceCreated",
    /// A model was registered.
    ModelCreated => "steward.v1.ModelCreated",
    /// A model's content changed.
    ModelUpdated => "steward.v1.ModelUpdated",
    /// A model was marked as deleted.
    ModelDeleted => "steward.v1.ModelDeleted",
    /// A deletion was taken back.
    ModelUndeleted => "steward.v1.ModelUndeleted",
    /// A version was registered as a draft.
    VersionCreated => "steward.v1.VersionCreated",
    /// A draft's content changed.
    VersionUpdated => "steward.v1.VersionUpdated",
    /// A draft was handed in.
    VersionSubmitted => "steward.v1.VersionSubmitted",
    /// A candidate was approved.
    VersionApproved => "steward.v1.VersionApproved",
    /// A candidate was refused.
    VersionRejected => "steward.v1.VersionRejected",
    /// The end of a version was announced.
    VersionDeprecated => "steward.v1.VersionDeprecated",
    /// A deprecation was taken back.
    VersionReinstated => "steward.v1.VersionReinstated",
    /// A version went out of service.
    VersionRetired => "steward.v1.VersionRetired",
    /// What a deprecated version sends its callers to went out of service, too.
    VersionReplacementChanged => "steward.v1.VersionReplacementChanged",
    /// A version was put away.
    VersionArchived => "steward.v1.VersionArchived",
    /// An alias was pointed to a version.
    AliasSet => "steward.v1.AliasSet",
    /// An alias went back to an earlier version.
    AliasRolledBack => "steward.v1.AliasRolledBack",
    /// The way back of an alias was rehearsed.
    AliasDrilled => "steward.v1.AliasDrilled",
    /// The way back of an alias opened, closed, or will close at another time.
    AliasReadinessChanged => "steward.v1.AliasReadinessChanged",
    /// An alias was removed.
    AliasDeleted => "steward.v1.AliasDeleted",
    /// An evaluation was recorded.
    EvaluationRecorded => "steward.v1.EvaluationRecorded",
    /// Rules or switches of a namespace changed.
    NamespaceUpdated => "steward.v1.NamespaceUpdated",
    /// Another key signs the checkpoints of the log.
    CheckpointKeyRotated => "steward.v1.CheckpointKeyRotated",
    /// The log goes on from an older state, and what it lost is given up.
    EpochOpened => "steward.v1.EpochOpened",
    /// A policy was written for the first time.
    PolicyCreated => "steward.v1.PolicyCreated",
    /// The rules of a policy changed.
    PolicyUpdated => "steward.v1.PolicyUpdated",
    /// A sunset was put off.
    VersionSunsetExtended => "steward.v1.VersionSunsetExtended",
    /// A sunset was brought forward.
    VersionSunsetShortened => "steward.v1.VersionSunsetShortened",
    /// A provider moved the end of a rented version.
    VersionUpstreamEndMoved => "steward.v1.VersionUpstreamEndMoved",
    /// A reminder of a sunset.
    VersionReminded => "steward.v1.VersionReminded",
    /// A brownout before a sunset began.
    VersionBrownoutBegan => "steward.v1.VersionBrownoutBegan",
    /// A brownout did not take place.
    VersionBrownoutSkipped => "steward.v1.VersionBrownoutSkipped",
    /// A retired version is back for a while.
    VersionRestored => "steward.v1.VersionRestored",
    /// A version was put into quarantine.
    VersionHeld => "steward.v1.VersionHeld",
    /// A quarantine was lifted.
    VersionReleased => "steward.v1.VersionReleased",
    /// A step was proposed.
    ProposalCreated => "steward.v1.ProposalCreated",
    /// Somebody agreed to a proposal.
    ProposalApproved => "steward.v1.ProposalApproved",
    /// Somebody took an agreement back.
    ProposalRevoked => "steward.v1.ProposalRevoked",
    /// Somebody said no to a proposal.
    ProposalRejected => "steward.v1.ProposalRejected",
    /// A proposal was taken back.
    ProposalWithdrawn => "steward.v1.ProposalWithdrawn",
    /// Somebody said something about a proposal.
    ProposalCommented => "steward.v1.ProposalCommented",
    /// Nobody decided a proposal in time.
    ProposalExpired => "steward.v1.ProposalExpired",
    /// An incident was opened.
    IncidentOpened => "steward.v1.IncidentOpened",
    /// An incident is over.
    IncidentClosed => "steward.v1.IncidentClosed",
    /// A model's review date has come.
    ModelReviewDue => "steward.v1.ModelReviewDue",
    /// A consumer was registered.
    ConsumerRegistered => "steward.v1.ConsumerRegistered",
    /// What is said about a consumer changed.
    ConsumerUpdated => "steward.v1.ConsumerUpdated",
    /// A consumer was removed.
    ConsumerDeleted => "steward.v1.ConsumerDeleted",
    /// A consumer used a version.
    ConsumerUsedVersion => "steward.v1.ConsumerUsedVersion",
    /// A consumer knows of a sunset.
    ConsumerAcknowledged => "steward.v1.ConsumerAcknowledged",
    /// A consumer is spared brownouts.
    ConsumerExempted => "steward.v1.ConsumerExempted",
    /// Series of a version were compared with their baselines.
    MetricsJudged => "steward.v1.MetricsJudged",
    /// Something may be getting worse.
    MetricWatchRaised => "steward.v1.MetricWatchRaised",
    /// Something got worse, beyond chance.
    MetricAlarmRaised => "steward.v1.MetricAlarmRaised",
    /// What was raised is over.
    MetricCalmed => "steward.v1.MetricCalmed",
    /// Somebody looks into an alarm.
    AlarmAcknowledged => "steward.v1.AlarmAcknowledged",
    /// Somebody does not want to hear of a metric for a while.
    AlarmSnoozed => "steward.v1.AlarmSnoozed",
    /// Somebody said that an alarm is settled.
    AlarmSettled => "steward.v1.AlarmSettled",
    /// A provider announced something about a rented model.
    UpstreamObserved => "steward.v1.UpstreamObserved",
    /// A record about a rented model was removed.
    UpstreamDeleted => "steward.v1.UpstreamDeleted",
    /// Whose pseudonym this is was forgotten.
    PersonErased => "steward.v1.PersonErased",
    /// Somebody gets events from now on.
    SubscriptionCreated => "steward.v1.SubscriptionCreated",
    /// What a subscription wants changed.
    SubscriptionUpdated => "steward.v1.SubscriptionUpdated",
    /// All readers of a subscription go on at another position.
    SubscriptionSought => "steward.v1.SubscriptionSought",
    /// The secret that a webhook signs with was changed.
    WebhookKeyRotated => "steward.v1.WebhookKeyRotated",
    /// A webhook sends nothing more: all attempts for an event failed.
    WebhookSuspended => "steward.v1.WebhookSuspended",
    /// A webhook sends nothing more: the receiver said that it is gone.
    WebhookDisabled => "steward.v1.WebhookDisabled",
    /// A webhook sends again.
    WebhookResumed => "steward.v1.WebhookResumed",
    /// Somebody asked for a retraining.
    RetrainingRequested => "steward.v1.RetrainingRequested",
    /// An event is to start a pipeline.
    RetrainingTriggered => "steward.v1.RetrainingTriggered",
    /// A pipeline's system has a retraining.
    RetrainingDelivered => "steward.v1.RetrainingDelivered",
    /// A run has taken a retraining.
    RetrainingAcknowledged => "steward.v1.RetrainingAcknowledged",
    /// A candidate came of a retraining.
    RetrainingCompleted => "steward.v1.RetrainingCompleted",
    /// A run gave a retraining up.
    RetrainingFailed => "steward.v1.RetrainingFailed",
    /// Nobody said in time what became of a retraining.
    RetrainingExpired => "steward.v1.RetrainingExpired",
    /// A subscription was removed.
    SubscriptionDeleted => "steward.v1.SubscriptionDeleted",
}

impl EventType {
    /// Reads a type, with or without `steward.v1.` before it.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.strip_prefix(PREFIX).unwrap_or(text);
        Self::ALL.iter().copied().find(|kind| kind.as_str().strip_prefix(PREFIX) == Some(word))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_in_the_documentation() {
        let documented = include_str!("../../docs/audit-log.md");
        let word = |kind: &EventType| kind.as_str().trim_start_matches(PREFIX).to_owned();
        let missing: Vec<String> = EventType::ALL
            .iter()
            .map(word)
            .filter(|word| !documented.contains(&format!("`{word}`")))
            .collect();
        assert_eq!(missing, Vec::<String>::new());
    }
}
