//! Proposals: steps that take more than one person, on their way.

mod step;

use super::{
    check::{Check, Violations},
    lifecycle::{consent::Approval, transition::Verb},
    name::{IncidentName, ProposalName},
    refusal::{Reason, Refusal},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A proposal that nobody decided is void after so many days.
pub const LIFE_DAYS: u32 = 30;
/// So many acts fit into a record.
const MOST_ACTS: usize = 100;

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProposalState {
    /// It waits for somebody.
    #[serde(rename = "PROPOSAL_STATE_OPEN")]
    Open,
    /// Enough people agreed, and it was done.
    #[serde(rename = "PROPOSAL_STATE_CARRIED_OUT")]
    CarriedOut,
    /// Somebody said no.
    #[serde(rename = "PROPOSAL_STATE_REJECTED")]
    Rejected,
    /// Its author took it back.
    #[serde(rename = "PROPOSAL_STATE_WITHDRAWN")]
    Withdrawn,
    /// Nobody decided it in time.
    #[serde(rename = "PROPOSAL_STATE_EXPIRED")]
    Expired,
}

impl ProposalState {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            ProposalState::Open => "OPEN",
            ProposalState::CarriedOut => "CARRIED_OUT",
            ProposalState::Rejected => "REJECTED",
            ProposalState::Withdrawn => "WITHDRAWN",
            ProposalState::Expired => "EXPIRED",
        }
    }
}

/// What somebody does about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActKind {
    /// Agrees.
    #[serde(rename = "ACT_KIND_APPROVE")]
    Approve,
    /// Takes an agreement back.
    #[serde(rename = "ACT_KIND_REVOKE")]
    Revoke,
    /// Says no, which ends it.
    #[serde(rename = "ACT_KIND_REJECT")]
    Reject,
    /// Takes it back, which ends it.
    #[serde(rename = "ACT_KIND_WITHDRAW")]
    Withdraw,
    /// Says something.
    #[serde(rename = "ACT_KIND_COMMENT")]
    Comment,
}

/// What somebody did about a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What.
    pub kind: ActKind,
    /// Who.
    pub actor: String,
    /// What they said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// When.
    pub time: Timestamp,
}

/// What a caller proposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalContent {
    /// The step.
    #[serde(flatten, with = "step")]
    pub verb: Verb,
    /// Why.
    pub reason: String,
    /// The incident that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentName>,
}

impl Check for ProposalContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("reason", self.reason.trim(), 1, 1_000);
    }
}

/// A step that takes more than one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its name; the version is in it.
    pub name: ProposalName,
    /// What is proposed.
    #[serde(flatten)]
    pub content: ProposalContent,
    /// Who proposes it.
    pub author: String,
    /// Where it stands.
    pub state: ProposalState,
    /// What was done about it, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<Act>,
    /// When it was made.
    pub create_time: Timestamp,
    /// When something was last done about it.
    pub update_time: Timestamp,
    /// When it is void.
    pub expire_time: Timestamp,
}

impl Proposal {
    /// A new proposal.
    pub fn create(name: ProposalName, content: ProposalContent, author: String, now: Timestamp) -> Self {
        Proposal {
            name,
            content,
            author,
            state: ProposalState::Open,
            acts: Vec::new(),
            create_time: now,
            update_time: now,
            expire_time: now.plus_days(LIFE_DAYS),
        }
    }

    /// The proposal with one act more. Only the last word of a person counts.
    pub fn act(
        mut self,
        kind: ActKind,
        actor: &str,
        comment: &str,
        now: Timestamp,
    ) -> Result<Self, Vec<Refusal>> {
        let refuse = |reason, sentence: String| Err(vec![Refusal::new(reason, &self.name, sentence)]);
        if self.state != ProposalState::Open || self.expire_time <= now {
            let state = if self.state == ProposalState::Open { ProposalState::Expired } else { self.state };
            let sentence = format!("it is {}; make a new proposal", state.word());
            return refuse(Reason::ProposalClosed, sentence);
        }
        let is_author = actor == self.author;
        match kind {
            ActKind::Approve | ActKind::Revoke | ActKind::Reject if is_author => {
                let sentence =
                    "its author speaks for it already; somebody else has to decide, or withdraw it";
                return refuse(Reason::ProposalOwn, sentence.to_owned());
            }
            ActKind::Withdraw if !is_author => {
                let sentence =
                    format!("only its author, {:?}, can withdraw it; reject it instead", self.author);
                return refuse(Reason::ProposalOwn, sentence);
            }
            ActKind::Revoke if self.approvals().iter().all(|approval| approval.actor != actor) => {
                let sentence =
                    "you do not agree to it, so there is nothing to take back; reject it, or comment";
                return refuse(Reason::ProposalNotApproved, sentence.to_owned());
            }
            _ => {}
        }
        if self.acts.len() >= MOST_ACTS {
            let sentence =
                format!("it has {MOST_ACTS} acts already, the most it can hold; make a new proposal");
            return refuse(Reason::ProposalClosed, sentence);
        }
        self.state = match kind {
            ActKind::Reject => ProposalState::Rejected,
            ActKind::Withdraw => ProposalState::Withdrawn,
            ActKind::Approve | ActKind::Revoke | ActKind::Comment => ProposalState::Open,
        };
        let (actor, comment) = (actor.to_owned(), comment.to_owned());
        self.acts.push(Act { kind, actor, comment, time: now });
        Ok(Proposal { update_time: now, ..self })
    }

    /// Who agrees, in the order in which they did.
    pub fn approvals(&self) -> Vec<Approval> {
        let speaks_later =
            |at: usize, act: &Act| self.acts[at + 1..].iter().any(|o| o.actor == act.actor && o.speaks());
        let agrees = |(at, act): &(usize, &Act)| act.kind == ActKind::Approve && !speaks_later(*at, act);
        let approval = |(_, act): (usize, &Act)| Approval {
            actor: act.actor.clone(),
            comment: act.comment.clone(),
            time: act.time,
        };
        self.acts.iter().enumerate().filter(agrees).map(approval).collect()
    }

    /// The proposal after it was done.
    pub fn carried_out(self, now: Timestamp) -> Self {
        Proposal { state: ProposalState::CarriedOut, update_time: now, ..self }
    }

    /// When time next does something to it, if ever.
    pub fn next_due(&self) -> Option<Timestamp> {
        (self.state == ProposalState::Open).then_some(self.expire_time)
    }

    /// The proposal that nobody decided in time, if that is so by `now`.
    pub fn expire(self, now: Timestamp) -> Option<Self> {
        let is_due = self.next_due().is_some_and(|due| due <= now);
        is_due.then_some(Proposal { state: ProposalState::Expired, update_time: now, ..self })
    }
}

impl Act {
    /// Whether it says for or against.
    fn speaks(&self) -> bool {
        matches!(self.kind, ActKind::Approve | ActKind::Revoke)
    }
}

#[cfg(test)]
mod tests;
