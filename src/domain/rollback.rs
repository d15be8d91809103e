//! The way back: which version an alias can return to, and for how long.

use super::{
    lifecycle::VersionState,
    name::VersionName,
    policy::PolicyContent,
    refusal::{Reason, Refusal},
    time::{Timestamp, in_days},
    version::Version,
};
use serde::{Deserialize, Serialize};

/// Whether there is a way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadinessState {
    /// A safe version is there, and the way was rehearsed as the policy asks.
    #[serde(rename = "READINESS_STATE_READY")]
    Ready,
    /// A safe version is there, but not for long, or nobody has rehearsed.
    #[serde(rename = "READINESS_STATE_DEGRADED")]
    Degraded,
    /// No version is safe to go back to.
    #[serde(rename = "READINESS_STATE_NONE")]
    None,
}

impl ReadinessState {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            ReadinessState::Ready => "READY",
            ReadinessState::Degraded => "DEGRADED",
            ReadinessState::None => "NONE",
        }
    }
}

/// How ready an alias is to go back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether there is a way back.
    pub state: ReadinessState,
    /// Why it is not READY, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The version that a rollback would choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<VersionName>,
    /// When the last safe version stops being one, if nothing is done; none when
    /// that is not in sight, or was already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_way_back_time: Option<Timestamp>,
    /// When this has to be looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_time: Option<Timestamp>,
}

/// A rehearsal of the way back: everything was checked, and nothing moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Who rehearsed.
    pub actor: String,
    /// The version that it would have gone back to.
    pub target: VersionName,
    /// When.
    #[serde(rename = "drill_time")]
    pub time: Timestamp,
}

/// A version that an alias may go back to.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The version.
    pub version: &'a Version,
    /// From when its newest evaluation is.
    pub newest_evidence: Option<Timestamp>,
}

impl Candidate<'_> {
    /// Why it is not safe to go back to; empty when it is.
    pub fn dangers(&self, policy: &PolicyContent, now: Timestamp) -> Vec<Refusal> {
        let version = self.version;
        let mut dangers = Vec::new();
        let mut danger = |sentence: String| {
            dangers.push(Refusal::new(Reason::RollbackTargetUnsafe, &version.name, sentence));
        };
        if !matches!(version.state, VersionState::Approved | VersionState::Deprecated) {
            danger(format!(
                "it is {}; it has to be APPROVED, or DEPRECATED with time left",
                version.state.word()
            ));
        }
        if let Some(hold) = &version.hold {
            danger(format!("it is on hold ({})", hold.decision.reason));
        }
        if let Some(incident) = version.open_incidents.first() {
            danger(format!("it is in an open incident, {incident}"));
        }
        if let Some(end) = self.ends(policy).filter(|end| *end <= now) {
            let days = in_days(policy.rollback_min_days);
            let sunset = version.effective_sunset().unwrap_or(end);
            danger(format!("it ends on {sunset}, and a way back has to have {days} left"));
        }
        match self.evidence_ends(policy) {
            Some(end) if end <= now => {
                let days = in_days(policy.evidence_max_age_days);
                danger(format!("its newest evaluation is older than {days}: record a new one"));
            }
            None if policy.requires_evidence => {
                danger("it was never evaluated: record an evaluation".to_owned())
            }
            _ => {}
        }
        dangers
    }

    /// Until when it has enough time left.
    fn ends(&self, policy: &PolicyContent) -> Option<Timestamp> {
        let sunset = self.version.effective_sunset()?;
        Some(sunset.minus_days(policy.rollback_min_days))
    }

    /// Until when its evidence counts.
    fn evidence_ends(&self, policy: &PolicyContent) -> Option<Timestamp> {
        let newest = self.newest_evidence.filter(|_| policy.requires_evidence)?;
        Some(newest.plus_days(policy.evidence_max_age_days))
    }

    /// When it stops being safe, if nothing is done; none when that is not in sight.
    pub fn safe_until(&self, policy: &PolicyContent) -> Option<Timestamp> {
        self.ends(policy).into_iter().chain(self.evidence_ends(policy)).min()
    }
}

/// How ready an alias is to go back. The candidates are where it pointed before,
/// the newest first, without where it points now.
pub fn readiness(
    candidates: &[Candidate<'_>],
    drill: Option<&Drill>,
    policy: &PolicyContent,
    now: Timestamp,
) -> Readiness {
    let safe: Vec<&Candidate<'_>> = candidates.iter().filter(|c| c.dangers(policy, now).is_empty()).collect();
    let Some(target) = safe.first() else {
        return Readiness { reasons: why_none(candidates, policy, now), ..Readiness::none() };
    };
    let mut reasons = Vec::new();
    let ends: Vec<Option<Timestamp>> = safe.iter().map(|candidate| candidate.safe_until(policy)).collect();
    let no_way_back_time =
        ends.iter().copied().collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
    // When something changes by time alone: a version stops being safe, the warning
    // before the last one does begins, or the rehearsal is too old.
    let warn_time = no_way_back_time.map(|end| end.minus_days(policy.notice_days));
    if let Some(end) = no_way_back_time.filter(|_| warn_time.is_some_and(|warn| warn <= now)) {
        reasons.push(format!(
            "the last way back closes on {end}: have another version approved, or evaluated again"
        ));
    }
    let rehearsed_until = drill.map(|drill| drill.time.plus_days(policy.drill_max_age_days));
    if policy.drill_max_age_days > 0 && rehearsed_until.is_none_or(|until| until <= now) {
        let days = in_days(policy.drill_max_age_days);
        reasons.push(match drill {
            Some(drill) => format!("the last rehearsal was on {}, more than {days} ago", drill.time),
            None => "nobody has rehearsed the way back".to_owned(),
        });
    }
    let rehearsed_until = rehearsed_until.filter(|_| policy.drill_max_age_days > 0);
    let check_time =
        ends.into_iter().flatten().chain(warn_time).chain(rehearsed_until).filter(|time| *time > now).min();
    let state = if reasons.is_empty() { ReadinessState::Ready } else { ReadinessState::Degraded };
    Readiness { state, reasons, target: Some(target.version.name.clone()), no_way_back_time, check_time }
}

impl Readiness {
    fn none() -> Self {
        Readiness {
            state: ReadinessState::None,
            reasons: Vec::new(),
            target: None,
            no_way_back_time: None,
            check_time: None,
        }
    }

    /// Whether something is different that people should hear of.
    pub fn differs_from(&self, other: Option<&Readiness>) -> bool {
        other.is_none_or(|other| {
            (self.state, &self.target, self.no_way_back_time)
                != (other.state, &other.target, other.no_way_back_time)
        })
    }
}

fn why_none(candidates: &[Candidate<'_>], policy: &PolicyContent, now: Timestamp) -> Vec<String> {
    if candidates.is_empty() {
        return vec!["it has never pointed to another version".to_owned()];
    }
    // Of each of the newest ones the first reason is enough to act on.
    let first = |candidate: &Candidate<'_>| {
        let danger = candidate.dangers(policy, now).into_iter().next()?;
        Some(format!("{}: {}", danger.subject, danger.description))
    };
    candidates.iter().take(3).filter_map(first).collect()
}

#[cfg(test)]
mod tests;
