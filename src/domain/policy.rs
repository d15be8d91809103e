//! Policies: the rules of a risk tier, as data. A decision names the policy by
//! its digest, so that it can be checked again years later.

pub mod card;
pub mod defaults;
pub mod gate;

use self::{
    card::CardField,
    gate::{Gate, GateResult},
};
use super::{
    canonical,
    check::{Check, Violations},
    mask::masked,
    name::{PolicyName, VersionName},
    refusal::{Reason, Refusal},
    time::{Timestamp, in_days},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Ten years: no span of a policy is longer.
const MOST_DAYS: u32 = 3_650;
/// No cell has to be larger than this.
const MOST_CELL_COUNT: u32 = 1_000;
/// Minutes of the longest brownout, a day.
const MOST_MINUTES: u32 = 24 * 60;

/// A time in which a version on its way out does not resolve, to be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrownoutRule {
    /// It begins so many days before the sunset.
    pub days_before: u32,
    /// How long it lasts.
    pub minutes: u32,
}

/// How often, and by how much in all, a sunset may be put off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionRule {
    /// How often.
    pub most: u32,
    /// By how many days, all extensions together.
    pub total_days: u32,
}

/// What becomes of a call for a version that is past its sunset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enforcement {
    /// It is refused.
    #[default]
    #[serde(rename = "ENFORCEMENT_BLOCK")]
    Block,
    /// It is answered with the replacement, where that may be used.
    #[serde(rename = "ENFORCEMENT_REDIRECT")]
    Redirect,
}

/// What a caller says about a policy: the rules. Spans are whole days of 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyContent {
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// From the announcement to the sunset, at least.
    #[serde(default)]
    pub notice_days: u32,
    /// From the approval to the earliest sunset.
    #[serde(default)]
    pub minimum_life_days: u32,
    /// Before the sunset; each once, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminder_days: Vec<u32>,
    /// Before the sunset, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brownouts: Vec<BrownoutRule>,
    /// A rented version ends so long before the provider shuts it down.
    #[serde(default)]
    pub upstream_margin_days: u32,
    /// How far a sunset may be put off.
    pub extensions: ExtensionRule,
    /// How many people other than the submitter have to approve a version.
    pub approvals: u32,
    /// Evidence older than this does not count, unless its gate says otherwise.
    pub evidence_max_age_days: u32,
    /// Whether a version is approved only with an evaluation that is not too old,
    /// of whatever it may be.
    #[serde(default)]
    pub requires_evidence: bool,
    /// What has to be shown before an approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// What the model's card has to say before a submission.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub card_fields: BTreeSet<CardField>,
    /// What becomes of late callers.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// A deprecated version is a way back only if it has so many days left.
    #[serde(default)]
    pub rollback_min_days: u32,
    /// A rehearsal of the way back counts for so long; 0 asks for none.
    #[serde(default)]
    pub drill_max_age_days: u32,
    /// From the retirement to the earliest archiving.
    #[serde(default)]
    pub retention_days: u32,
    /// What is counted of fewer people is not recorded by itself.
    #[serde(default)]
    pub minimum_cell_count: MinimumCellCount,
}

/// Cells of fewer observations than this are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MinimumCellCount(pub u32);

impl Default for MinimumCellCount {
    fn default() -> Self {
        MinimumCellCount(5)
    }
}

masked!(PolicyContent {
    description,
    notice_days,
    minimum_life_days,
    reminder_days,
    brownouts,
    upstream_margin_days,
    extensions,
    approvals,
    evidence_max_age_days,
    requires_evidence,
    gates,
    card_fields,
    enforcement,
    rollback_min_days,
    drill_max_age_days,
    retention_days,
    minimum_cell_count,
});

impl PolicyContent {
    /// Identifies the rules: SHA-256 of their canonical JSON.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        Ok(canonical::digest(&canonical::to_vec(self)?))
    }
}

impl PolicyContent {
    /// What speaks against a version by its evaluations: none that is fresh, or
    /// gates that failed.
    pub fn evidence_gaps(
        &self,
        version: &VersionName,
        newest: Option<Timestamp>,
        gates: &[GateResult],
        now: Timestamp,
    ) -> Vec<Refusal> {
        let days = self.evidence_max_age_days;
        let is_fresh = newest.is_some_and(|time| time.plus_days(days) >= now);
        let missing = (self.requires_evidence && !is_fresh).then(|| {
            let newest = match newest {
                Some(time) => format!("its newest evaluation is from {time}, older than {}", in_days(days)),
                None => "it was never evaluated".to_owned(),
            };
            Refusal::new(Reason::EvidenceMissing, version, format!("{newest}: record an evaluation of it"))
        });
        let failed = gates.iter().filter(|result| !result.passed).map(|result| {
            let sentence = format!("gate {:?}: {}", result.gate, result.sentence);
            Refusal::new(Reason::GateFailed, version, sentence).with("gate", &result.gate)
        });
        missing.into_iter().chain(failed).collect()
    }
}

impl Check for PolicyContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("description", &self.description, 0, 4_000);
        for (field, days) in [
            ("notice_days", self.notice_days),
            ("minimum_life_days", self.minimum_life_days),
            ("upstream_margin_days", self.upstream_margin_days),
            ("evidence_max_age_days", self.evidence_max_age_days),
            ("rollback_min_days", self.rollback_min_days),
            ("drill_max_age_days", self.drill_max_age_days),
            ("retention_days", self.retention_days),
        ] {
            within(violations, field, days, 0, MOST_DAYS);
        }
        if self.evidence_max_age_days == 0 {
            violations.add("evidence_max_age_days", "is required: 1 to 3650 days");
        }
        within(violations, "approvals", self.approvals, 1, 10);
        within(violations, "minimum_cell_count", self.minimum_cell_count.0, 1, MOST_CELL_COUNT);
        violations.within("extensions", |v| {
            within(v, "most", self.extensions.most, 0, 100);
            within(v, "total_days", self.extensions.total_days, 0, MOST_DAYS);
        });
        violations.at_most("reminder_days", self.reminder_days.len(), 20);
        for (index, days) in self.reminder_days.iter().enumerate() {
            within(violations, &format!("reminder_days[{index}]"), *days, 1, MOST_DAYS);
        }
        descending(violations, "reminder_days", &self.reminder_days);
        self.check_brownouts(violations);
        violations.at_most("gates", self.gates.len(), 50);
        for (index, gate) in self.gates.iter().enumerate() {
            violations.within(&format!("gates[{index}]"), |v| {
                gate.check(v);
                if self.gates[..index].iter().any(|other| other.id == gate.id) {
                    v.add("id", format!("{:?} is the id of another gate, too", gate.id));
                }
            });
        }
    }
}

impl PolicyContent {
    fn check_brownouts(&self, violations: &mut Violations) {
        violations.at_most("brownouts", self.brownouts.len(), 20);
        for (index, brownout) in self.brownouts.iter().enumerate() {
            violations.within(&format!("brownouts[{index}]"), |v| {
                within(v, "days_before", brownout.days_before, 1, MOST_DAYS);
                within(v, "minutes", brownout.minutes, 1, MOST_MINUTES);
            });
        }
        let days: Vec<u32> = self.brownouts.iter().map(|brownout| brownout.days_before).collect();
        descending(violations, "brownouts", &days);
    }
}

fn within(violations: &mut Violations, field: &str, value: u32, least: u32, most: u32) {
    if !(least..=most).contains(&value) {
        violations.add(field, format!("{value} is not allowed; use {least} to {most}"));
    }
}

fn descending(violations: &mut Violations, field: &str, days: &[u32]) {
    if !days.is_sorted_by(|earlier, later| earlier > later) {
        violations.add(field, "have to fall, the earliest first, such as 30, 14, 7");
    }
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: PolicyName,
    /// Its rules.
    #[serde(flatten)]
    pub content: PolicyContent,
    /// 1, 2, 3 …: how often the rules were written.
    pub revision: u32,
    /// Digest of the rules.
    pub digest: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When the rules last changed.
    pub update_time: Timestamp,
}

impl Policy {
    /// A new policy.
    pub fn create(
        name: PolicyName,
        content: PolicyContent,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let digest = content.digest()?;
        Ok(Policy { name, content, revision: 1, digest, create_time: now, update_time: now })
    }

    /// The policy with other rules, which bind later decisions.
    pub fn update(self, content: PolicyContent, now: Timestamp) -> Result<Self, serde_json::Error> {
        let digest = content.digest()?;
        let revision = self.revision.saturating_add(1);
        Ok(Policy { content, digest, revision, update_time: now, ..self })
    }

    /// What a decision under this policy says of it.
    pub fn reference(&self) -> PolicyReference {
        PolicyReference { name: self.name.clone(), revision: self.revision, digest: self.digest.clone() }
    }
}

/// Which rules a decision followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyReference {
    /// The policy.
    #[serde(rename = "policy")]
    pub name: PolicyName,
    /// Which of its revisions.
    pub revision: u32,
    /// Digest of the rules.
    pub digest: String,
}

#[cfg(test)]
mod tests;
