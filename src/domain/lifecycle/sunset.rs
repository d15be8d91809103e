//! When a version really ends, and what moves that moment.

use super::{
    Decision, Deprecation, Retirement, RetirementCause, Successor, SunsetMove, UpstreamEnd, VersionState,
    clock::STEWARD, schedule::Schedule,
};
use crate::domain::{name::VersionName, policy::PolicyContent, time::Timestamp, version::Version};

impl Version {
    /// When it stops resolving, if that is known: the sunset, or the provider's
    /// end less the margin, whichever is earlier. A restoration may use the margin
    /// up, but not outlive the provider.
    pub fn effective_sunset(&self) -> Option<Timestamp> {
        let end = self.upstream_end.as_ref();
        let (own, upstream) = match (self.state, &self.restoration) {
            (VersionState::Approved, _) => (None, end.map(|end| end.latest_time)),
            (VersionState::Deprecated, None) => {
                (self.deprecation.as_ref().map(|own| own.sunset_time), end.map(|end| end.latest_time))
            }
            (VersionState::Deprecated, Some(restoration)) => {
                (Some(restoration.until_time), end.map(|end| end.shutdown_time))
            }
            _ => (None, None),
        };
        own.into_iter().chain(upstream).min()
    }

    /// Whether it has come to its end, recorded or not.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.effective_sunset().is_some_and(|sunset| sunset <= now)
    }

    /// The version with an announcement, and with what it promises from a time on.
    pub(super) fn announced(self, deprecation: Deprecation, policy: &PolicyContent, from: Timestamp) -> Self {
        Version { deprecation: Some(deprecation), ..self }.planned(policy, from)
    }

    /// The version with its sunset moved.
    pub(super) fn with_sunset(self, to: Timestamp, decision: Decision, policy: &PolicyContent) -> Self {
        let (before, now) = (self.effective_sunset(), decision.time);
        let deprecation = self.deprecation.map(|mut deprecation| {
            deprecation.moves.push(SunsetMove { decision, from: deprecation.sunset_time, to });
            Deprecation { sunset_time: to, ..deprecation }
        });
        Version { deprecation, ..self }.replanned(before, policy, now)
    }

    /// The version after its provider announced another end, or took one back; `None`
    /// if nothing is different, or the version is neither in service nor a candidate.
    /// Where no end is left, a sunset stands until somebody reinstates the version.
    pub fn with_upstream_end(
        self,
        end: Option<UpstreamEnd>,
        policy: &PolicyContent,
        now: Timestamp,
    ) -> Option<Self> {
        if !self.state.is_alive() || self.upstream_end == end {
            return None;
        }
        let before = self.effective_sunset();
        let deprecation = self.deprecation.map(|deprecation| match &end {
            Some(end) if only_follows(&deprecation, self.upstream_end.as_ref()) => {
                Deprecation { sunset_time: end.latest_time, ..deprecation }
            }
            _ => deprecation,
        });
        let version = Version { deprecation, upstream_end: end, update_time: now, ..self };
        Some(version.replanned(before, policy, now))
    }

    /// The version with another schedule if it ends at another time than before.
    /// What is due at this very moment was announced already, and is not done twice.
    fn replanned(self, before: Option<Timestamp>, policy: &PolicyContent, now: Timestamp) -> Self {
        if self.restoration.is_some() || self.effective_sunset() == before {
            return self;
        }
        self.planned(policy, now.plus_micros(1))
    }

    fn planned(self, policy: &PolicyContent, from: Timestamp) -> Self {
        let sunset = self.effective_sunset();
        let deprecation = self.deprecation.map(|deprecation| {
            let sunset = sunset.unwrap_or(deprecation.sunset_time);
            Deprecation { schedule: Schedule::plan(policy, sunset, from), ..deprecation }
        });
        Version { deprecation, ..self }
    }

    /// The version in service again, for good. What callers were promised is kept:
    /// a later announcement cannot end it before the sunset that is void now.
    pub(super) fn reinstated(self, decision: Decision) -> Self {
        let promised = self.deprecation.as_ref().map(|deprecation| deprecation.sunset_time);
        Version {
            not_sooner_than: self.not_sooner_than.into_iter().chain(promised).max(),
            reinstatement: Some(decision),
            deprecation: None,
            retirement: None,
            restoration: None,
            ..self
        }
    }

    /// The version out of service. A quarantine stays, so that what is looked into
    /// is neither restored nor put away.
    pub(super) fn retired(self, decision: Decision, cause: RetirementCause) -> Self {
        let announced = self.deprecation.as_ref().map_or(decision.time, |d| d.decision.time);
        let notice_seconds = decision.time.micros_since(announced).max(0) / 1_000_000;
        Version {
            state: VersionState::Retired,
            update_time: decision.time,
            retirement: Some(Retirement { decision, cause, notice_seconds }),
            restoration: None,
            ..self
        }
    }

    /// Where it sends its callers: of a deprecated version, its replacement.
    pub fn sends_to(&self) -> Option<&VersionName> {
        let deprecation = self.deprecation.as_ref().filter(|_| self.state == VersionState::Deprecated);
        deprecation.and_then(Deprecation::replacement)
    }

    /// The version after its replacement went out of service: it names what
    /// replaces that one, or that nothing does. `None` if it is not concerned.
    pub fn without_replacement(self, gone: &Version, now: Timestamp) -> Option<Self> {
        if self.sends_to() != Some(&gone.name) {
            return None;
        }
        let deprecation = self.deprecation?;
        let successor = match gone.deprecation.as_ref().and_then(Deprecation::replacement) {
            Some(name) => Successor::Replacement(name.clone()),
            None => gone_replacement(&gone.name, now),
        };
        let deprecation = Some(Deprecation { successor, ..deprecation });
        Some(Version { deprecation, update_time: now, ..self })
    }
}

/// Whether a sunset is nobody's decision: the clock announced it because of the
/// provider's end, and nobody has moved it since. Then it goes where that goes.
fn only_follows(deprecation: &Deprecation, end: Option<&UpstreamEnd>) -> bool {
    deprecation.decision.actor == STEWARD
        && deprecation.moves.is_empty()
        && end.is_some_and(|end| end.latest_time == deprecation.sunset_time)
}

/// What is recorded where a replacement was, once that is out of service, too.
pub(super) fn gone_replacement(name: &impl std::fmt::Display, now: Timestamp) -> Successor {
    Successor::NoReplacementReason(format!("{name}, which replaced it, is out of service, as seen on {now}"))
}

#[cfg(test)]
mod tests;
