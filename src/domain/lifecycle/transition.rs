//! The verbs of the lifecycle. A verb consumes the old version and returns the
//! new one, or every refusal.

use super::{
    Decision, Deprecation, Hold, Restoration, RetirementCause, Successor, UpstreamEnd, VersionState,
    consent::{Approval, Consent, Need},
    guard,
    schedule::Schedule,
    sunset::gone_replacement,
};
use crate::domain::{
    model::Model,
    name::{ConsumerName, IncidentName, VersionName},
    policy::{Policy, PolicyContent, gate::GateResult},
    refusal::Refusal,
    time::Timestamp,
    version::Version,
};
use serde::{Deserialize, Serialize};

/// What is done to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Hands a draft in for review.
    Submit,
    /// Approves a candidate.
    Approve {
        /// In spite of gates that fail: break-glass.
        gates_overridden: bool,
    },
    /// Refuses a candidate.
    Reject,
    /// Announces the end.
    Deprecate {
        /// When it ends.
        sunset_time: Timestamp,
        /// What callers move to.
        successor: Successor,
    },
    /// Puts the sunset off.
    ExtendSunset {
        /// When it ends now.
        sunset_time: Timestamp,
    },
    /// Brings the sunset forward.
    ShortenSunset {
        /// When it ends now.
        sunset_time: Timestamp,
    },
    /// Takes a deprecation back.
    Reinstate,
    /// Takes a version that nobody uses out of service.
    Retire,
    /// Takes a version out of service at once.
    EmergencyRetire {
        /// What callers move to.
        successor: Successor,
    },
    /// Brings a retired version back for a while.
    Restore {
        /// Then it retires again.
        until_time: Timestamp,
    },
    /// Puts a version away.
    Archive,
    /// Puts a version into quarantine.
    Hold,
    /// Lifts a quarantine.
    Release,
}

impl Verb {
    /// The verb as people say it.
    pub fn word(&self) -> &'static str {
        match self {
            Verb::Submit => "submit",
            Verb::Approve { .. } => "approve",
            Verb::Reject => "reject",
            Verb::Deprecate { .. } => "deprecate",
            Verb::ExtendSunset { .. } => "extend the sunset of",
            Verb::ShortenSunset { .. } => "shorten the sunset of",
            Verb::Reinstate => "reinstate",
            Verb::Retire => "retire",
            Verb::EmergencyRetire { .. } => "emergency-retire",
            Verb::Restore { .. } => "restore",
            Verb::Archive => "archive",
            Verb::Hold => "hold",
            Verb::Release => "release",
        }
    }

    /// Where the verb leads from a state; the whole state machine.
    pub fn leads_from(&self, state: VersionState) -> Option<VersionState> {
        use VersionState::*;
        match (self, state) {
            (Verb::Submit, Draft) => Some(Candidate),
            (Verb::Approve { .. }, Candidate) => Some(Approved),
            (Verb::Reject, Candidate) => Some(Rejected),
            (Verb::Deprecate { .. }, Approved) => Some(Deprecated),
            (Verb::ExtendSunset { .. } | Verb::ShortenSunset { .. }, Deprecated) => Some(Deprecated),
            (Verb::Reinstate, Deprecated) => Some(Approved),
            (Verb::Retire, Deprecated) => Some(Retired),
            (Verb::EmergencyRetire { .. }, Approved | Deprecated) => Some(Retired),
            (Verb::Restore { .. }, Retired) => Some(Deprecated),
            (Verb::Archive, Retired | Rejected) => Some(Archived),
            (Verb::Hold | Verb::Release, Candidate | Approved | Deprecated | Retired | Rejected) => {
                Some(state)
            }
            _ => None,
        }
    }

    /// Whether it is about a version in service, so that it comes too late once
    /// that has ended.
    pub(super) fn needs_service(&self) -> bool {
        self.leads_from(VersionState::Deprecated).is_some() && !matches!(self, Verb::Hold | Verb::Release)
            || matches!(self, Verb::Deprecate { .. })
    }

    /// The states from which the verb is allowed, in words.
    pub fn allowed_from(&self) -> String {
        let states = VersionState::ALL.into_iter().filter(|state| self.leads_from(*state).is_some());
        let words: Vec<&str> = states.map(VersionState::word).collect();
        words.join(" or ")
    }
}

/// What is known of a replacement when a version goes.
#[derive(Clone, Debug, Default)]
pub struct Replacement {
    /// State of the replacement; `None` when it does not exist.
    pub state: Option<VersionState>,
    /// Whether it is on hold.
    pub is_held: bool,
    /// The versions reached by following replacements from it.
    pub onward: Vec<VersionName>,
}

/// A deprecated version that names the version as its replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// The deprecated version.
    pub version: VersionName,
    /// When it ends.
    pub sunset_time: Timestamp,
}

/// A program that uses a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The program.
    pub consumer: ConsumerName,
    /// When it last asked for the version.
    pub last_use_time: Timestamp,
}

/// What a step is decided over, besides the version.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The model.
    pub model: &'a Model,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Whether one person may agree with themselves, on the record.
    pub allows_self_approval: bool,
    /// What is known of the replacement that the verb names; for a restoration, of
    /// the one that the version named when it went.
    pub replacement: Replacement,
    /// The versions in service that the version replaces; for a deprecation.
    pub predecessors: Vec<Predecessor>,
    /// What the policy's gates found; for an approval.
    pub gates: Vec<GateResult>,
    /// From when the newest evaluation is; for an approval.
    pub newest_evidence: Option<Timestamp>,
    /// What the provider of a rented version announced; for a submission, an
    /// approval and a restoration.
    pub upstream_end: Option<UpstreamEnd>,
    /// The programs that use the version.
    pub users: Vec<User>,
    /// The version that `production` could go back to; for a hold.
    pub way_back: Option<VersionName>,
}

/// Who asks for a step, why, and when.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub author: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who agreed.
    pub approvals: &'a [Approval],
    /// The incident that it is about, which is open.
    pub incident: Option<&'a IncidentName>,
    /// When.
    pub now: Timestamp,
}

/// The version after a verb, or every guard that refused.
pub fn apply(
    version: Version,
    verb: &Verb,
    facts: &Facts<'_>,
    request: &Request<'_>,
) -> Result<Version, Vec<Refusal>> {
    let consent = Consent { author: request.author, approvals: request.approvals };
    let need = Need::of(verb, &version, &facts.policy.content, request.author, !facts.users.is_empty());
    let self_approved =
        !need.is_met(&consent) && facts.allows_self_approval && need.clone().waived().is_met(&consent);
    let mut refusals = guard::all(&version, verb, facts, request);
    if !self_approved {
        refusals.extend(guard::consent(&version, verb, &need, &consent));
    }
    match verb.leads_from(version.state) {
        Some(next) if refusals.is_empty() => {
            Ok(step(version, verb, next, facts, decision(verb, facts, request, self_approved)))
        }
        _ => Err(refusals),
    }
}

/// What goes on record about the step.
fn decision(verb: &Verb, facts: &Facts<'_>, request: &Request<'_>, self_approved: bool) -> Decision {
    let gates = if matches!(verb, Verb::Approve { .. }) { facts.gates.clone() } else { Vec::new() };
    Decision {
        approvals: request.approvals.to_vec(),
        self_approved,
        gates_overridden: matches!(verb, Verb::Approve { gates_overridden: true }),
        incident: request.incident.cloned(),
        policy: Some(facts.policy.reference()),
        gates,
        ..Decision::new(request.author, request.reason, request.now)
    }
}

fn step(
    version: Version,
    verb: &Verb,
    state: VersionState,
    facts: &Facts<'_>,
    decision: Decision,
) -> Version {
    let now = decision.time;
    let policy = &facts.policy.content;
    let version = Version { state, update_time: now, ..version };
    match verb {
        Verb::Submit => {
            Version { submission: Some(decision), upstream_end: facts.upstream_end.clone(), ..version }
        }
        Verb::Approve { .. } => Version {
            review: Some(decision),
            not_sooner_than: Some(now.plus_days(policy.minimum_life_days)),
            upstream_end: facts.upstream_end.clone(),
            ..version
        },
        Verb::Reject => Version { review: Some(decision), ..version },
        Verb::Deprecate { sunset_time, successor } => {
            let deprecation = deprecation(decision, *sunset_time, successor, policy);
            version.announced(deprecation, policy, now)
        }
        Verb::ExtendSunset { sunset_time } | Verb::ShortenSunset { sunset_time } => {
            version.with_sunset(*sunset_time, decision, policy)
        }
        Verb::Reinstate => version.reinstated(decision),
        Verb::Retire => version.retired(decision, RetirementCause::Unused),
        Verb::EmergencyRetire { successor } => {
            let deprecation = match version.deprecation.clone() {
                // What to move to now is known better than at the announcement.
                Some(before) => Deprecation { successor: successor.clone(), ..before },
                None => deprecation(decision.clone(), now, successor, policy),
            };
            let version = Version { deprecation: Some(deprecation), ..version };
            version.retired(decision, RetirementCause::Emergency)
        }
        Verb::Restore { until_time } => restored(version, *until_time, facts, decision),
        Verb::Archive => Version { archival: Some(decision), ..version },
        Verb::Hold => Version { hold: Some(Hold { decision, way_back: facts.way_back.clone() }), ..version },
        Verb::Release => Version { hold: None, release: Some(decision), ..version },
    }
}

fn deprecation(
    decision: Decision,
    sunset_time: Timestamp,
    successor: &Successor,
    policy: &PolicyContent,
) -> Deprecation {
    Deprecation {
        decision,
        sunset_time,
        successor: successor.clone(),
        moves: Vec::new(),
        schedule: Schedule::default(),
        enforcement: policy.enforcement,
    }
}

/// The version back for a while. What it named as its replacement may have gone
/// while it was away.
fn restored(version: Version, until_time: Timestamp, facts: &Facts<'_>, decision: Decision) -> Version {
    let is_served =
        matches!(facts.replacement.state, Some(VersionState::Approved | VersionState::Deprecated));
    let deprecation = version.deprecation.map(|deprecation| match deprecation.replacement() {
        Some(name) if !is_served => {
            Deprecation { successor: gone_replacement(name, decision.time), ..deprecation }
        }
        _ => deprecation,
    });
    let restoration = Some(Restoration { decision, until_time });
    Version { deprecation, restoration, upstream_end: facts.upstream_end.clone(), ..version }
}

#[cfg(test)]
mod tests;
