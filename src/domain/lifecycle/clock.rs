//! What time does to a version. The scheduler carries it out, a simulation looks
//! ahead with it, and both go through the same steps.

use super::{
    Decision, Deprecation, RetirementCause, Successor, UpstreamEnd, VersionState, schedule::Schedule,
};
use crate::domain::{event::EventType, policy::Policy, time::Timestamp, version::Version};

/// Who acts when the clock does.
pub const STEWARD: &str = "steward";

impl Version {
    /// When time next does something to it, if ever.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.state {
            VersionState::Approved => self.upstream_end.as_ref().map(|end| end.announce_time),
            VersionState::Deprecated => self.next_planned().into_iter().chain(self.effective_sunset()).min(),
            _ => None,
        }
    }

    /// When the next reminder or brownout is due; a restored version has had its own.
    fn next_planned(&self) -> Option<Timestamp> {
        let deprecation = self.deprecation.as_ref().filter(|_| self.restoration.is_none());
        deprecation.and_then(|deprecation| deprecation.schedule.next_due())
    }

    /// The first thing that time has done to it by `now`. However late it is, nothing
    /// is left out: an end is announced and reminded of before it comes.
    pub fn step(mut self, policy: &Policy, now: Timestamp) -> Result<(EventType, Version), Box<Version>> {
        if self.state == VersionState::Approved {
            return match self.upstream_end.clone().filter(|end| end.announce_time <= now) {
                Some(end) => {
                    Ok((EventType::VersionDeprecated, self.announce_upstream_end(&end, policy, now)))
                }
                None => Err(Box::new(self)),
            };
        }
        if let Some(kind) = self.advance(now) {
            return Ok((kind, Version { update_time: now, ..self }));
        }
        match self.effective_sunset().filter(|sunset| *sunset <= now) {
            Some(sunset) => Ok((EventType::VersionRetired, self.retire_by_clock(sunset, policy, now))),
            None => Err(Box::new(self)),
        }
    }

    /// Does the first thing that was planned and is due, if there is one.
    fn advance(&mut self, now: Timestamp) -> Option<EventType> {
        self.next_planned().filter(|_| self.state == VersionState::Deprecated)?;
        let is_quiet = !self.open_incidents.is_empty();
        self.deprecation.as_mut()?.schedule.advance(now, is_quiet)
    }

    fn retire_by_clock(self, sunset: Timestamp, policy: &Policy, now: Timestamp) -> Version {
        let (reason, cause) = match (&self.restoration, &self.retirement) {
            // A restored version goes the way it went before.
            (Some(_), Some(before)) => (format!("its restoration ended on {sunset}"), before.cause),
            _ => (format!("its sunset was on {sunset}"), RetirementCause::Sunset),
        };
        let decision = Decision { policy: Some(policy.reference()), ..Decision::new(STEWARD, reason, now) };
        self.retired(decision, cause)
    }

    /// An approved version whose provider ends it is deprecated when the notice
    /// period begins, so that its callers are warned as those of any other.
    fn announce_upstream_end(self, end: &UpstreamEnd, policy: &Policy, now: Timestamp) -> Version {
        let reason = format!("its provider shuts it down on {} ({})", end.shutdown_time, end.upstream);
        let successor = Successor::NoReplacementReason(format!("{reason}; nobody has named a replacement"));
        let decision = Decision { policy: Some(policy.reference()), ..Decision::new(STEWARD, reason, now) };
        let deprecation = Deprecation {
            decision,
            sunset_time: end.latest_time,
            successor,
            moves: Vec::new(),
            schedule: Schedule::default(),
            enforcement: policy.content.enforcement,
        };
        let version = Version { state: VersionState::Deprecated, update_time: now, ..self };
        version.announced(deprecation, &policy.content)
    }
}

#[cfg(test)]
mod tests;
