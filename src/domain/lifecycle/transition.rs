//! The verbs of the lifecycle. A verb consumes the old version and returns the
//! new one, or every refusal.

use super::{
    Decision, Deprecation, Hold, Restoration, Retirement, RetirementCause, Successor, SunsetMove,
    UpstreamEnd, VersionState,
    consent::{Approval, Consent, Need},
    guard,
    schedule::Schedule,
};
use crate::domain::{
    model::Model,
    name::{ConsumerName, IncidentName, VersionName},
    policy::{Policy, gate::GateResult},
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
            (Verb::Hold | Verb::Release, Candidate | Approved | Deprecated) => Some(state),
            _ => None,
        }
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
    /// What is known of the replacement that the verb names.
    pub replacement: Replacement,
    /// What the policy's gates found; for an approval.
    pub gates: Vec<GateResult>,
    /// From when the newest evaluation is; for an approval.
    pub newest_evidence: Option<Timestamp>,
    /// What the provider of a rented version announced; for a submission and an approval.
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
    let self_approved = !need.is_met(&consent) && facts.allows_self_approval;
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
        Verb::Reject => Version { review: Some(decision), hold: None, ..version },
        Verb::Deprecate { sunset_time, successor } => {
            let deprecation = Deprecation {
                decision,
                sunset_time: *sunset_time,
                successor: successor.clone(),
                moves: Vec::new(),
                schedule: Schedule::default(),
                enforcement: policy.enforcement,
            };
            Version { deprecation: Some(deprecation), ..version }.replanned(policy, now)
        }
        Verb::ExtendSunset { sunset_time } | Verb::ShortenSunset { sunset_time } => {
            version.with_sunset(*sunset_time, decision).replanned(policy, now)
        }
        Verb::Reinstate => Version { deprecation: None, restoration: None, ..version },
        Verb::Retire => version.retired(decision, RetirementCause::Unused),
        Verb::EmergencyRetire { successor } => {
            let version = version.announced(decision.clone(), successor.clone());
            version.retired(decision, RetirementCause::Emergency)
        }
        Verb::Restore { until_time } => {
            let restoration = Restoration { decision, until_time: *until_time };
            Version { restoration: Some(restoration), ..version }
        }
        Verb::Archive => Version { archival: Some(decision), ..version },
        Verb::Hold => Version { hold: Some(Hold { decision, way_back: facts.way_back.clone() }), ..version },
        Verb::Release => Version { hold: None, ..version },
    }
}

impl Version {
    /// When it stops resolving, if that is known: the sunset, or the provider's
    /// end less the margin, whichever is earlier; in a restoration its end.
    pub fn effective_sunset(&self) -> Option<Timestamp> {
        if let (VersionState::Deprecated, Some(restoration)) = (self.state, &self.restoration) {
            return Some(restoration.until_time);
        }
        let upstream = self.upstream_end.as_ref().map(|end| end.latest_time);
        let own = self.deprecation.as_ref().map(|deprecation| deprecation.sunset_time);
        match self.state {
            VersionState::Approved => upstream,
            VersionState::Deprecated => own.into_iter().chain(upstream).min(),
            _ => None,
        }
    }

    /// The version with reminders and brownouts for its effective sunset.
    pub(super) fn replanned(self, policy: &crate::domain::policy::PolicyContent, now: Timestamp) -> Self {
        let sunset = self.effective_sunset();
        let deprecation = self.deprecation.map(|deprecation| {
            let sunset = sunset.unwrap_or(deprecation.sunset_time);
            Deprecation { schedule: Schedule::plan(policy, sunset, now), ..deprecation }
        });
        Version { deprecation, ..self }
    }

    fn with_sunset(self, to: Timestamp, decision: Decision) -> Self {
        let deprecation = self.deprecation.map(|mut deprecation| {
            deprecation.moves.push(SunsetMove { decision, from: deprecation.sunset_time, to });
            Deprecation { sunset_time: to, ..deprecation }
        });
        Version { deprecation, ..self }
    }

    /// The version with an announcement, if it had none.
    fn announced(self, decision: Decision, successor: Successor) -> Self {
        let deprecation = self.deprecation.clone().unwrap_or_else(|| Deprecation {
            sunset_time: decision.time,
            decision,
            successor: successor.clone(),
            moves: Vec::new(),
            schedule: Schedule::default(),
            enforcement: Default::default(),
        });
        // What to move to now is known better than at the announcement.
        Version { deprecation: Some(Deprecation { successor, ..deprecation }), ..self }
    }

    /// The version out of service.
    pub(super) fn retired(self, decision: Decision, cause: RetirementCause) -> Self {
        let announced = self.deprecation.as_ref().map_or(decision.time, |d| d.decision.time);
        let notice_seconds = decision.time.micros_since(announced).max(0) / 1_000_000;
        Version {
            state: VersionState::Retired,
            update_time: decision.time,
            retirement: Some(Retirement { decision, cause, notice_seconds }),
            restoration: None,
            hold: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
