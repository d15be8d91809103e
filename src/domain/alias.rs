//! Aliases: words that point to a version.

use super::{
    lifecycle::VersionState,
    name::{AliasName, MonitorName, VersionName},
    policy::PolicyContent,
    refusal::{Reason, Refusal},
    rollback::{self, Candidate, Drill, Readiness},
    time::Timestamp,
    version::Version,
};
use serde::{Deserialize, Serialize};

/// A pointer to a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// Its name.
    pub name: AliasName,
    /// Where it points.
    pub version: VersionName,
    /// Where it pointed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<VersionName>,
    /// When it was first set, since its last deletion.
    pub create_time: Timestamp,
    /// When it was last set.
    pub update_time: Timestamp,
    /// How ready it is to go back, as last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Readiness>,
    /// The last rehearsal of the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
    /// The last time that a policy moved it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervention: Option<Intervention>,
}

/// That a policy moved an alias by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// What raised the alarm.
    pub monitor: MonitorName,
    /// What it said.
    pub sentence: String,
    /// When.
    pub intervention_time: Timestamp,
}

impl Alias {
    /// The alias pointed to a version, which has to be fit for use.
    pub fn set(
        name: AliasName,
        present: Option<Alias>,
        target: &Version,
        now: Timestamp,
    ) -> Result<Alias, Vec<Refusal>> {
        if let Some(hold) = &target.hold {
            let sentence =
                format!("the version is on hold ({}); have the hold lifted first", hold.decision.reason);
            return Err(vec![Refusal::new(Reason::VersionOnHold, &target.name, sentence)]);
        }
        if target.is_over(now) || !matches!(target.state, VersionState::Approved | VersionState::Deprecated) {
            let sentence = format!(
                "the version is {}; an alias needs an APPROVED one, or a DEPRECATED one before its sunset",
                target.state.word()
            );
            return Err(vec![Refusal::new(Reason::AliasTargetNotApproved, &target.name, sentence)]);
        }
        let version = target.name.clone();
        Ok(match present {
            Some(alias) => {
                let previous_version = Some(alias.version.clone());
                Alias { version, previous_version, update_time: now, ..alias }
            }
            None => Alias {
                name,
                version,
                previous_version: None,
                create_time: now,
                update_time: now,
                readiness: None,
                drill: None,
                intervention: None,
            },
        })
    }

    /// The alias after a rehearsal of the way back.
    pub fn drilled(self, drill: Drill) -> Self {
        Alias { drill: Some(drill), ..self }
    }

    /// The alias after its way back was looked at, if that is news: something that
    /// people should hear of, or another time for the next look.
    pub fn look_again(
        &self,
        candidates: &[Candidate<'_>],
        policy: &PolicyContent,
        now: Timestamp,
    ) -> Option<Alias> {
        let readiness = rollback::readiness(candidates, self.drill.as_ref(), policy, now);
        let known = self.readiness.as_ref();
        let is_known = known.is_some_and(|known| known.check_time == readiness.check_time)
            && !readiness.differs_from(known);
        (!is_known).then(|| Alias { readiness: Some(readiness), ..self.clone() })
    }

    /// When its way back has to be looked at again, if ever.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.readiness.as_ref().and_then(|readiness| readiness.check_time)
    }
}
