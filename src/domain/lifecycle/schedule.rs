//! What happens between an announcement and its sunset: reminders and brownouts,
//! all known in advance.

use crate::domain::{
    event::EventType,
    policy::PolicyContent,
    time::{MINUTE, Timestamp},
};
use serde::{Deserialize, Serialize};

/// Reminders and brownouts before one sunset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<Reminder>,
    /// The earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brownouts: Vec<Brownout>,
}

/// A reminder of a sunset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// When it is due.
    pub due_time: Timestamp,
    /// Days left then.
    pub days_before: u32,
    /// When it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_time: Option<Timestamp>,
}

/// A window in which the version does not resolve, so that its end is noticed
/// before it is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brownout {
    /// First moment of the window.
    pub start_time: Timestamp,
    /// First moment after the window.
    pub end_time: Timestamp,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<BrownoutOutcome>,
}

/// What became of a brownout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BrownoutOutcome {
    /// It began.
    #[serde(rename = "BROWNOUT_OUTCOME_BEGAN")]
    Began,
    /// An incident was open.
    #[serde(rename = "BROWNOUT_OUTCOME_SUSPENDED")]
    Suspended,
    /// The server was not running.
    #[serde(rename = "BROWNOUT_OUTCOME_MISSED")]
    Missed,
}

impl Schedule {
    /// What a policy asks for before a sunset, of which what begins before `from` is
    /// left out.
    pub fn plan(policy: &PolicyContent, sunset: Timestamp, from: Timestamp) -> Self {
        let reminders = policy.reminder_days.iter().map(|days| Reminder {
            due_time: sunset.minus_days(*days),
            days_before: *days,
            sent_time: None,
        });
        let brownouts = policy.brownouts.iter().map(|rule| {
            let start_time = sunset.minus_days(rule.days_before);
            let end_time = start_time.plus_micros(i64::from(rule.minutes) * MINUTE).min(sunset);
            Brownout { start_time, end_time, outcome: None }
        });
        Schedule {
            reminders: reminders.filter(|reminder| reminder.due_time >= from).collect(),
            brownouts: brownouts.filter(|brownout| brownout.start_time >= from).collect(),
        }
    }

    /// Whether nothing was planned.
    pub fn is_empty(&self) -> bool {
        self.reminders.is_empty() && self.brownouts.is_empty()
    }

    /// When the next of it is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let reminders = self.reminders.iter().filter(|r| r.sent_time.is_none()).map(|r| r.due_time);
        let brownouts = self.brownouts.iter().filter(|b| b.outcome.is_none()).map(|b| b.start_time);
        reminders.chain(brownouts).min()
    }

    /// Marks the first thing that is due and not done yet as done, and says what it
    /// was. While it `is_quiet`, because an incident is open, no brownout begins.
    pub fn advance(&mut self, now: Timestamp, is_quiet: bool) -> Option<EventType> {
        let reminders = self.reminders.iter_mut().filter(|r| r.sent_time.is_none() && r.due_time <= now);
        let brownouts = self.brownouts.iter_mut().filter(|b| b.outcome.is_none() && b.start_time <= now);
        match (reminders.min_by_key(|r| r.due_time), brownouts.min_by_key(|b| b.start_time)) {
            (Some(reminder), Some(brownout)) if brownout.start_time < reminder.due_time => {
                Some(brownout.pass(now, is_quiet))
            }
            (Some(reminder), _) => {
                reminder.sent_time = Some(now);
                Some(EventType::VersionReminded)
            }
            (None, brownout) => brownout.map(|brownout| brownout.pass(now, is_quiet)),
        }
    }

    /// The brownout that a moment lies in. It is announced, so nobody has to have
    /// begun it; but one that was called off does not begin after all.
    pub fn brownout_at(&self, now: Timestamp) -> Option<&Brownout> {
        let is_on = |brownout: &&Brownout| matches!(brownout.outcome, None | Some(BrownoutOutcome::Began));
        let is_now = |brownout: &&Brownout| (brownout.start_time..brownout.end_time).contains(&now);
        self.brownouts.iter().filter(is_on).find(is_now)
    }
}

impl Brownout {
    /// Decides what becomes of it now that it is due.
    fn pass(&mut self, now: Timestamp, is_quiet: bool) -> EventType {
        let (kind, outcome) = if self.end_time <= now {
            (EventType::VersionBrownoutSkipped, BrownoutOutcome::Missed)
        } else if is_quiet {
            (EventType::VersionBrownoutSkipped, BrownoutOutcome::Suspended)
        } else {
            (EventType::VersionBrownoutBegan, BrownoutOutcome::Began)
        };
        self.outcome = Some(outcome);
        kind
    }
}

#[cfg(test)]
mod tests;
