//! What time does to a version. The scheduler carries it out, a simulation looks
//! ahead with it, and both go through the same steps.

use super::{
    Decision, Deprecation, RetirementCause, Successor, VersionState,
    schedule::{Brownout, BrownoutOutcome, Reminder, Schedule},
};
use crate::domain::{event::EventType, policy::Policy, time::Timestamp, version::Version};

/// Who acts when the clock does.
pub const STEWARD: &str = "steward";

impl Version {
    /// When time next does something to it, if ever.
    pub fn next_due(&self) -> Option<Timestamp> {
        let announcement = match (self.state, &self.upstream_end) {
            (VersionState::Approved, Some(end)) => Some(end.announce_time),
            _ => None,
        };
        let planned = match (self.state, &self.deprecation, &self.restoration) {
            (VersionState::Deprecated, Some(deprecation), None) => deprecation.schedule.next_due(),
            _ => None,
        };
        announcement.into_iter().chain(planned).chain(self.effective_sunset()).min()
    }

    /// The first thing that time has done to it by `now`.
    pub fn step(self, policy: &Policy, now: Timestamp) -> Result<(EventType, Version), Box<Version>> {
        match self.next_due() {
            Some(due) if due <= now => {}
            _ => return Err(Box::new(self)),
        }
        if self.effective_sunset().is_some_and(|sunset| sunset <= now) && !self.has_announced_before(now) {
            return Ok(self.retire_by_clock(policy, now));
        }
        if self.state == VersionState::Approved {
            return Ok(self.announce_upstream_end(policy, now));
        }
        Ok(self.keep_schedule(now))
    }

    /// Whether something else is to be done before the retirement that is due,
    /// so that nothing is skipped: an announcement, or what was planned.
    fn has_announced_before(&self, now: Timestamp) -> bool {
        match (self.state, &self.deprecation) {
            (VersionState::Approved, _) => true,
            (_, Some(deprecation)) if self.restoration.is_none() => {
                deprecation.schedule.next_due().is_some_and(|due| due <= now)
            }
            _ => false,
        }
    }

    fn retire_by_clock(self, policy: &Policy, now: Timestamp) -> (EventType, Version) {
        let reason = match (&self.restoration, self.effective_sunset()) {
            (Some(restoration), _) => format!("its restoration ended on {}", restoration.until_time),
            (None, Some(sunset)) => format!("its sunset was on {sunset}"),
            (None, None) => String::new(),
        };
        let cause = match &self.retirement {
            // A restored version goes the way it went before.
            Some(retirement) => retirement.cause,
            None => RetirementCause::Sunset,
        };
        let decision = Decision { policy: Some(policy.reference()), ..Decision::new(STEWARD, reason, now) };
        (EventType::VersionRetired, self.retired(decision, cause))
    }

    /// An approved version whose provider ends it is deprecated when the notice
    /// period begins, so that its callers are warned as those of any other.
    fn announce_upstream_end(self, policy: &Policy, now: Timestamp) -> (EventType, Version) {
        let (sunset_time, reason) = match &self.upstream_end {
            Some(end) => (
                end.latest_time,
                format!("its provider shuts it down on {} ({})", end.shutdown_time, end.upstream),
            ),
            None => (now, String::new()),
        };
        let decision = Decision { policy: Some(policy.reference()), ..Decision::new(STEWARD, &*reason, now) };
        let deprecation = Deprecation {
            decision,
            sunset_time,
            successor: Successor::NoReplacementReason(format!("{reason}; nobody has named a replacement")),
            moves: Vec::new(),
            schedule: Schedule::default(),
            enforcement: policy.content.enforcement,
        };
        let version = Version {
            state: VersionState::Deprecated,
            update_time: now,
            deprecation: Some(deprecation),
            ..self
        };
        (EventType::VersionDeprecated, version.replanned(&policy.content, now))
    }

    /// The earliest of what was planned: a reminder, or a brownout.
    fn keep_schedule(self, now: Timestamp) -> (EventType, Version) {
        let is_quiet = !self.open_incidents.is_empty();
        let mut version = Version { update_time: now, ..self };
        let Some(deprecation) = &mut version.deprecation else {
            return (EventType::VersionReminded, version);
        };
        let schedule = &mut deprecation.schedule;
        let due = schedule.next_due();
        let reminder = |r: &&mut Reminder| r.sent_time.is_none() && Some(r.due_time) == due;
        if let Some(reminder) = schedule.reminders.iter_mut().find(reminder) {
            reminder.sent_time = Some(now);
            return (EventType::VersionReminded, version);
        }
        let brownout = |b: &&mut Brownout| b.outcome.is_none() && Some(b.start_time) == due;
        let Some(brownout) = schedule.brownouts.iter_mut().find(brownout) else {
            return (EventType::VersionReminded, version);
        };
        let (kind, outcome) = if brownout.end_time <= now {
            (EventType::VersionBrownoutSkipped, BrownoutOutcome::Missed)
        } else if is_quiet {
            (EventType::VersionBrownoutSkipped, BrownoutOutcome::Suspended)
        } else {
            (EventType::VersionBrownoutBegan, BrownoutOutcome::Began)
        };
        brownout.outcome = Some(outcome);
        (kind, version)
    }
}
