//! The verbs of the lifecycle and the guards that need no policy. A verb
//! consumes the old version and returns the new one, or every refusal.

use super::{Decision, Deprecation, Successor, VersionState};
use crate::domain::{
    name::VersionName,
    refusal::{Reason, Refusal},
    time::Timestamp,
    version::Version,
};
use serde::Serialize;

/// What is done to a version.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Hands a draft in for review.
    Submit,
    /// Approves a candidate.
    Approve,
    /// Refuses a candidate.
    Reject,
    /// Announces the end.
    Deprecate {
        /// When it ends.
        sunset_time: Timestamp,
        /// What callers move to.
        successor: Successor,
    },
    /// Takes a deprecation back.
    Reinstate,
    /// Takes a version out of service.
    Retire,
    /// Puts a version away.
    Archive,
}

impl Verb {
    /// The verb as people say it.
    pub fn word(&self) -> &'static str {
        match self {
            Verb::Submit => "submit",
            Verb::Approve => "approve",
            Verb::Reject => "reject",
            Verb::Deprecate { .. } => "deprecate",
            Verb::Reinstate => "reinstate",
            Verb::Retire => "retire",
            Verb::Archive => "archive",
        }
    }

    /// Where the verb leads from a state; the whole state machine.
    pub fn leads_from(&self, state: VersionState) -> Option<VersionState> {
        use VersionState::*;
        match (self, state) {
            (Verb::Submit, Draft) => Some(Candidate),
            (Verb::Approve, Candidate) => Some(Approved),
            (Verb::Reject, Candidate) => Some(Rejected),
            (Verb::Deprecate { .. }, Approved) => Some(Deprecated),
            (Verb::Reinstate, Deprecated) => Some(Approved),
            (Verb::Retire, Deprecated) => Some(Retired),
            (Verb::Archive, Retired | Rejected) => Some(Archived),
            _ => None,
        }
    }

    /// The states from which the verb is allowed, in words.
    fn allowed_from(&self) -> &'static str {
        match self {
            Verb::Submit => "DRAFT",
            Verb::Approve | Verb::Reject => "CANDIDATE",
            Verb::Deprecate { .. } => "APPROVED",
            Verb::Reinstate | Verb::Retire => "DEPRECATED",
            Verb::Archive => "RETIRED or REJECTED",
        }
    }
}

/// What is known of a replacement when a version is deprecated.
#[derive(Clone, Debug, Default)]
pub struct Replacement {
    /// State of the replacement; `None` when it does not exist.
    pub state: Option<VersionState>,
    /// The versions reached by following replacements from it.
    pub onward: Vec<VersionName>,
}

/// The version after a verb, or every guard that refused.
pub fn apply(
    version: Version,
    verb: &Verb,
    decision: Decision,
    replacement: &Replacement,
) -> Result<Version, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let next = verb.leads_from(version.state);
    if next.is_none() {
        refusals.push(illegal(&version, verb));
    }
    match verb {
        Verb::Submit => refusals.extend(incomplete(&version)),
        Verb::Deprecate { sunset_time, successor } => {
            refusals.extend(sunset_passed(&version, *sunset_time, decision.time));
            if let Successor::Replacement(name) = successor {
                refusals.extend(unfit_replacement(&version, name, replacement));
            }
        }
        _ => {}
    }
    match next {
        Some(next) if refusals.is_empty() => Ok(step(version, verb, next, decision)),
        _ => Err(refusals),
    }
}

fn step(version: Version, verb: &Verb, state: VersionState, decision: Decision) -> Version {
    let version = Version { state, update_time: decision.time, ..version };
    match verb {
        Verb::Submit => Version { submission: Some(decision), ..version },
        Verb::Approve | Verb::Reject => Version { review: Some(decision), ..version },
        Verb::Deprecate { sunset_time, successor } => {
            let deprecation =
                Deprecation { decision, sunset_time: *sunset_time, successor: successor.clone() };
            Version { deprecation: Some(deprecation), ..version }
        }
        Verb::Reinstate => Version { deprecation: None, ..version },
        Verb::Retire => Version { retirement: Some(decision), ..version },
        Verb::Archive => Version { archival: Some(decision), ..version },
    }
}

fn illegal(version: &Version, verb: &Verb) -> Refusal {
    let sentence = format!(
        "cannot {} a version that is {}; it has to be {}",
        verb.word(),
        version.state.word(),
        verb.allowed_from()
    );
    Refusal::new(Reason::IllegalTransition, &version.name, sentence)
}

fn incomplete(version: &Version) -> Option<Refusal> {
    let content = &version.content;
    let complete = content.upstream.is_some() || content.artifacts.iter().any(|a| !a.digest.is_empty());
    (!complete).then(|| {
        let sentence = "it has neither an artifact with a digest nor an upstream reference; update it first";
        Refusal::new(Reason::ContentIncomplete, &version.name, sentence)
    })
}

fn sunset_passed(version: &Version, sunset: Timestamp, now: Timestamp) -> Option<Refusal> {
    (sunset <= now).then(|| {
        let sentence = format!("the sunset {sunset} is not after now, {now}; choose a later one");
        Refusal::new(Reason::SunsetNotInFuture, &version.name, sentence)
    })
}

fn unfit_replacement(version: &Version, name: &VersionName, facts: &Replacement) -> Option<Refusal> {
    let refuse = |reason, sentence: String| Some(Refusal::new(reason, name, sentence));
    if *name == version.name || facts.onward.contains(&version.name) {
        let sentence = "it leads back to the version that it would replace; name another".to_owned();
        return refuse(Reason::ReplacementCircle, sentence);
    }
    match facts.state {
        None => {
            refuse(Reason::ReplacementMissing, "the replacement does not exist; check the name".to_owned())
        }
        Some(VersionState::Approved) => None,
        Some(state) => {
            let sentence = format!("the replacement is {}; it has to be APPROVED first", state.word());
            refuse(Reason::ReplacementNotApproved, sentence)
        }
    }
}

#[cfg(test)]
mod tests;
