//! Retrainings: what became of a pipeline that an event, or somebody, asked to train a
//! version anew.

use super::{
    check::{Check, Violations},
    lifecycle::Decision,
    name::{NameError, RetrainingId, RetrainingName, SubscriptionName, VersionName},
    refusal::{Reason, Refusal},
    time::{Timestamp, seconds},
    version::Version,
};
use serde::{Deserialize, Serialize};

/// A retraining expires after so many seconds when nobody says otherwise.
pub const TTL: i64 = 7 * 86_400;

/// The same, for what was said before there was a choice.
pub(super) fn ttl() -> i64 {
    TTL
}

/// The least and the most seconds after which one expires.
const TTL_RANGE: std::ops::RangeInclusive<i64> = 60..=90 * 86_400;

/// Adds the violation of a time to live that is not allowed.
pub fn check_ttl(violations: &mut Violations, field: &str, ttl: i64) {
    if !TTL_RANGE.contains(&ttl) {
        let (least, most) = (TTL_RANGE.start(), TTL_RANGE.end());
        violations.add(field, format!("{ttl} s is not allowed; use {least} to {most} s"));
    }
}

/// Where a retraining stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetrainingState {
    /// It is asked for.
    #[serde(rename = "RETRAINING_STATE_REQUESTED")]
    Requested,
    /// The pipeline's system has it.
    #[serde(rename = "RETRAINING_STATE_DELIVERED")]
    Delivered,
    /// A run has taken it.
    #[serde(rename = "RETRAINING_STATE_ACKNOWLEDGED")]
    Acknowledged,
    /// A candidate came of it.
    #[serde(rename = "RETRAINING_STATE_COMPLETED")]
    Completed,
    /// The run said that nothing comes of it.
    #[serde(rename = "RETRAINING_STATE_FAILED")]
    Failed,
    /// Nobody said in time what became of it.
    #[serde(rename = "RETRAINING_STATE_EXPIRED")]
    Expired,
}

impl RetrainingState {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            RetrainingState::Requested => "REQUESTED",
            RetrainingState::Delivered => "DELIVERED",
            RetrainingState::Acknowledged => "ACKNOWLEDGED",
            RetrainingState::Completed => "COMPLETED",
            RetrainingState::Failed => "FAILED",
            RetrainingState::Expired => "EXPIRED",
        }
    }

    /// Whether something may still come of it.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            RetrainingState::Requested | RetrainingState::Delivered | RetrainingState::Acknowledged
        )
    }
}

/// The event that a webhook started a pipeline for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its position in the log.
    pub position: u64,
    /// Its CloudEvents type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of what changed.
    pub subject: String,
}

/// What a caller says about a retraining.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrainingContent {
    /// It expires so many seconds after it was asked for.
    #[serde(with = "seconds")]
    pub ttl: i64,
}

impl Check for RetrainingContent {
    fn check(&self, violations: &mut Violations) {
        check_ttl(violations, "ttl", self.ttl);
    }
}

/// A run of a pipeline that is to make a new version of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retraining {
    /// Its name; the model is in it.
    pub name: RetrainingName,
    /// What its author said of it.
    #[serde(flatten)]
    pub content: RetrainingContent,
    /// Where it stands.
    pub state: RetrainingState,
    /// What triggered it; absent if somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// Whose webhook brings it, or has brought it, to the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionName>,
    /// Who asked for it, when and why.
    pub request: Decision,
    /// When the pipeline's system had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver_time: Option<Timestamp>,
    /// Who took it, when and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Decision>,
    /// Where the run can be watched.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run_uri: String,
    /// The candidate that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionName>,
    /// Who completed it or gave it up, when and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Decision>,
    /// When it was asked for.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
    /// When it expires, if it is still open then.
    pub expire_time: Timestamp,
}

/// The id of the retraining that an event triggers by a subscription: always the same one.
pub fn triggered_id(subscription: &SubscriptionName, position: u64) -> Result<RetrainingId, NameError> {
    RetrainingId::new(&format!("{}-{position}", subscription.subscription))
}

impl Retraining {
    /// A new retraining.
    pub fn create(name: RetrainingName, content: RetrainingContent, request: Decision) -> Self {
        let now = request.time;
        let expire_time = now.plus_micros(content.ttl.saturating_mul(1_000_000));
        Retraining {
            name,
            content,
            state: RetrainingState::Requested,
            trigger: None,
            subscription: None,
            request,
            deliver_time: None,
            acknowledgement: None,
            run_uri: String::new(),
            version: None,
            ending: None,
            create_time: now,
            update_time: now,
            expire_time,
        }
    }

    /// After the pipeline's system took it from a webhook; `None` if it has it already.
    pub fn deliver(self, subscription: SubscriptionName, now: Timestamp) -> Option<Self> {
        let is_news = self.state == RetrainingState::Requested && now < self.expire_time;
        is_news.then_some(Retraining {
            state: RetrainingState::Delivered,
            subscription: Some(subscription),
            deliver_time: Some(now),
            update_time: now,
            ..self
        })
    }

    /// Taken by the run at `run_uri`. The same run may say so again; another one may not, so
    /// that of two runs for one retraining only one goes on.
    pub fn acknowledge(self, run_uri: String, decision: Decision) -> Result<Self, Vec<Refusal>> {
        self.require_open(decision.time)?;
        if self.acknowledgement.is_some() && self.run_uri != run_uri {
            let sentence = format!(
                "the run at {} has taken it; end this run, or complete the retraining with what comes of it",
                self.run_uri
            );
            return Err(vec![Refusal::new(Reason::RetrainingTaken, &self.name, sentence)]);
        }
        Ok(Retraining {
            state: RetrainingState::Acknowledged,
            update_time: decision.time,
            deliver_time: self.deliver_time.or(Some(decision.time)),
            acknowledgement: Some(decision),
            run_uri,
            ..self
        })
    }

    /// Ended with the candidate that came of it.
    pub fn complete(self, version: &Version, decision: Decision) -> Result<Self, Vec<Refusal>> {
        self.require_open(decision.time)?;
        let refuse = |sentence| Err(vec![Refusal::new(Reason::RetrainingCandidate, &version.name, sentence)]);
        if !version.state.is_alive() {
            let state = version.state.word();
            return refuse(format!("it is {state}; name one that was submitted for review and still counts"));
        }
        if version.create_time < self.create_time {
            return refuse(format!(
                "it was created on {}, before the retraining was asked for; name the version that came of it",
                version.create_time
            ));
        }
        let version = Some(version.name.clone());
        Ok(Retraining { version, ..self.end(RetrainingState::Completed, decision) })
    }

    /// Given up.
    pub fn fail(self, decision: Decision) -> Result<Self, Vec<Refusal>> {
        self.require_open(decision.time)?;
        Ok(self.end(RetrainingState::Failed, decision))
    }

    fn end(self, state: RetrainingState, ending: Decision) -> Self {
        let deliver_time = self.deliver_time.or(Some(ending.time));
        Retraining { state, update_time: ending.time, deliver_time, ending: Some(ending), ..self }
    }

    /// When time next does something to it, if ever.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.state.is_open().then_some(self.expire_time)
    }

    /// The retraining of which nobody said in time what became, if that is so by `now`.
    pub fn expire(self, now: Timestamp) -> Option<Self> {
        let is_due = self.next_due().is_some_and(|due| due <= now);
        is_due.then_some(Retraining { state: RetrainingState::Expired, update_time: now, ..self })
    }

    fn require_open(&self, now: Timestamp) -> Result<(), Vec<Refusal>> {
        let is_late = self.next_due().is_some_and(|due| due <= now);
        if self.state.is_open() && !is_late {
            return Ok(());
        }
        let state = if is_late { RetrainingState::Expired } else { self.state };
        let sentence = format!("it is {}, which is final; ask for another", state.word());
        Err(vec![Refusal::new(Reason::RetrainingEnded, &self.name, sentence)])
    }
}

#[cfg(test)]
mod tests;
