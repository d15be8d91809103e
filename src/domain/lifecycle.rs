//! The life of a version: its states, and what is on record about its steps.

pub mod clock;
pub mod consent;
#[cfg(test)]
mod document;
#[cfg(test)]
pub(crate) mod fixture;
mod guard;
#[cfg(test)]
mod properties;
pub mod schedule;
mod sunset;
pub mod transition;

use self::{consent::Approval, schedule::Schedule};
use super::{
    name::{IncidentName, UpstreamName, VersionName},
    policy::{Enforcement, PolicyReference, gate::GateResult},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Where a version stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VersionState {
    /// Being prepared; resolves for nobody.
    #[serde(rename = "VERSION_STATE_DRAFT")]
    Draft,
    /// Submitted; frozen; resolves only by number or label.
    #[serde(rename = "VERSION_STATE_CANDIDATE")]
    Candidate,
    /// Resolves for everyone.
    #[serde(rename = "VERSION_STATE_APPROVED")]
    Approved,
    /// Resolves with warnings until the sunset.
    #[serde(rename = "VERSION_STATE_DEPRECATED")]
    Deprecated,
    /// Out of service.
    #[serde(rename = "VERSION_STATE_RETIRED")]
    Retired,
    /// Refused in review.
    #[serde(rename = "VERSION_STATE_REJECTED")]
    Rejected,
    /// Only digest and history.
    #[serde(rename = "VERSION_STATE_ARCHIVED")]
    Archived,
}

impl VersionState {
    /// All of them, in the order of a life.
    pub const ALL: [VersionState; 7] = [
        VersionState::Draft,
        VersionState::Candidate,
        VersionState::Approved,
        VersionState::Deprecated,
        VersionState::Retired,
        VersionState::Rejected,
        VersionState::Archived,
    ];

    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            VersionState::Draft => "DRAFT",
            VersionState::Candidate => "CANDIDATE",
            VersionState::Approved => "APPROVED",
            VersionState::Deprecated => "DEPRECATED",
            VersionState::Retired => "RETIRED",
            VersionState::Rejected => "REJECTED",
            VersionState::Archived => "ARCHIVED",
        }
    }

    /// Whether it is in service, or may still come into it.
    pub fn is_alive(self) -> bool {
        matches!(self, VersionState::Candidate | VersionState::Approved | VersionState::Deprecated)
    }
}

/// Who decided something, when and why, and on what grounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub time: Timestamp,
    /// Who else agreed, where that was needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Whether the namespace's switch for self-approval stood in for somebody else.
    #[serde(default, skip_serializing_if = "is_false")]
    pub self_approved: bool,
    /// Whether gates that failed were overridden.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gates_overridden: bool,
    /// The incident that made it necessary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentName>,
    /// The policy that it followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReference>,
    /// What the gates found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateResult>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Decision {
    /// A decision of one person that followed no policy.
    pub fn new(actor: impl Into<String>, reason: impl Into<String>, time: Timestamp) -> Self {
        Decision {
            actor: actor.into(),
            reason: reason.into(),
            time,
            approvals: Vec::new(),
            self_approved: false,
            gates_overridden: false,
            incident: None,
            policy: None,
            gates: Vec::new(),
        }
    }
}

/// How and when a version goes out of service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deprecation {
    /// Who announced it, when and why.
    pub decision: Decision,
    /// From this moment on it does not resolve.
    pub sunset_time: Timestamp,
    /// What callers move to.
    #[serde(flatten)]
    pub successor: Successor,
    /// How the sunset was moved since, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<SunsetMove>,
    /// What happens until the sunset.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// What becomes of late callers.
    #[serde(default)]
    pub enforcement: Enforcement,
}

/// A sunset that was moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SunsetMove {
    /// Who moved it, when and why.
    pub decision: Decision,
    /// When it was.
    #[serde(rename = "previous_sunset_time")]
    pub from: Timestamp,
    /// When it is since.
    #[serde(rename = "sunset_time")]
    pub to: Timestamp,
}

/// What callers of a deprecated version move to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Successor {
    /// Another version.
    Replacement(VersionName),
    /// Nothing, and why.
    NoReplacementReason(String),
}

impl Deprecation {
    /// The version to move to.
    pub fn replacement(&self) -> Option<&VersionName> {
        match &self.successor {
            Successor::Replacement(name) => Some(name),
            Successor::NoReplacementReason(_) => None,
        }
    }

    /// The sunset as it was announced.
    pub fn original_sunset(&self) -> Timestamp {
        self.moves.first().map_or(self.sunset_time, |first| first.from)
    }
}

/// When the provider of a rented version ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamEnd {
    /// The record that says so.
    pub upstream: UpstreamName,
    /// When the provider shuts it down.
    pub shutdown_time: Timestamp,
    /// The shutdown less the policy's margin: the latest sunset.
    pub latest_time: Timestamp,
    /// When the notice period before that begins: then Steward announces the end
    /// by itself.
    pub announce_time: Timestamp,
}

/// A quarantine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Who placed it, when and why.
    pub decision: Decision,
    /// The version that `production` could go back to then, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<VersionName>,
}

/// Why a version went out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetirementCause {
    /// Its sunset came.
    #[serde(rename = "RETIREMENT_CAUSE_SUNSET")]
    Sunset,
    /// Nobody used it any more.
    #[serde(rename = "RETIREMENT_CAUSE_UNUSED")]
    Unused,
    /// It had to go at once.
    #[serde(rename = "RETIREMENT_CAUSE_EMERGENCY")]
    Emergency,
}

/// How a version went out of service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retirement {
    /// Who took it out, when and why.
    pub decision: Decision,
    /// Why.
    pub cause: RetirementCause,
    /// Seconds from the announcement to the end: the notice that callers really had.
    #[serde(rename = "notice", with = "super::time::seconds")]
    pub notice_seconds: i64,
}

/// A version that is back for a while after its retirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restoration {
    /// Who brought it back, when and why.
    pub decision: Decision,
    /// Then it retires again, by itself.
    pub until_time: Timestamp,
}
