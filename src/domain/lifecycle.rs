//! The life of a version: its states, and what is on record about its steps.

pub mod transition;

use super::{name::VersionName, time::Timestamp};
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
}

/// Who decided something, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub time: Timestamp,
}

/// How and when a version goes out of service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deprecation {
    /// Who announced it, when and why.
    pub decision: Decision,
    /// From this moment on it does not resolve.
    pub sunset_time: Timestamp,
    /// What callers move to.
    #[serde(flatten)]
    pub successor: Successor,
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
}
