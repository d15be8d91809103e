//! Four eyes: how many people a step needs, and who does not count.

use super::transition::Verb;
use crate::domain::{policy::PolicyContent, time::Timestamp, version::Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Somebody's agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who agreed.
    pub actor: String,
    /// What they said about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// When.
    pub time: Timestamp,
}

/// How many people have to agree to a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// So many different people, the one who asks for it included.
    pub people: u32,
    /// Whoever does not count, because they would agree with themselves.
    pub excluded: Option<String>,
}

/// Who is for a step: whoever asks for it, and those who agreed.
#[derive(Clone, Debug)]
pub struct Consent<'a> {
    /// Who asks.
    pub author: &'a str,
    /// Who agreed; each person once.
    pub approvals: &'a [Approval],
}

impl Need {
    /// What a verb needs. Two people carry out what cannot wait or cannot be undone;
    /// somebody else than the one who profits grants more time and lifts a hold.
    pub fn of(verb: &Verb, version: &Version, policy: &PolicyContent, author: &str, has_users: bool) -> Self {
        let beside = |person: Option<&str>, people| Need { people, excluded: person.map(str::to_owned) };
        match verb {
            Verb::Approve { gates_overridden: true } => beside(None, policy.approvals.saturating_add(1)),
            Verb::Approve { gates_overridden: false } => {
                let submitter = version.submission.as_ref().map(|submission| submission.actor.as_str());
                beside(submitter, policy.approvals)
            }
            Verb::Deprecate { .. } if has_users => beside(Some(author), 1),
            Verb::ExtendSunset { .. } => beside(Some(author), 1),
            Verb::ShortenSunset { .. } | Verb::EmergencyRetire { .. } | Verb::Restore { .. } => {
                beside(None, 2)
            }
            // Two people brought it back for hours; one does not make that for good.
            Verb::Reinstate if version.restoration.is_some() => beside(None, 2),
            Verb::Release => beside(version.hold.as_ref().map(|hold| hold.decision.actor.as_str()), 1),
            _ => Need::default(),
        }
    }

    /// How many of those who are for the step count.
    pub fn met_by(&self, consent: &Consent<'_>) -> u32 {
        let counts = |actor: &&str| self.excluded.as_deref() != Some(*actor);
        let others = consent.approvals.iter().map(|approval| approval.actor.as_str());
        let people: BTreeSet<&str> = others.chain([consent.author]).filter(counts).collect();
        u32::try_from(people.len()).unwrap_or(u32::MAX)
    }

    /// The same without the rule that nobody agrees with themselves. A namespace may
    /// waive that, on the record; how many people it takes it may not.
    pub fn waived(self) -> Self {
        Need { excluded: None, ..self }
    }

    /// Whether enough people are for the step.
    pub fn is_met(&self, consent: &Consent<'_>) -> bool {
        self.met_by(consent) >= self.people
    }
}

#[cfg(test)]
mod tests;
