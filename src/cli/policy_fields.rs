//! What the command line can say about the rules of a policy.

use clap::{Args, ValueEnum};
use prost_types::FieldMask;

use super::{error::Failure, flags::mask_of};
use crate::proto::v1::{BrownoutRule, Enforcement, ExtensionRule, Policy};

/// The rules that flags can give; gates and the card come from a file.
#[derive(Args, Debug, Clone, Default)]
pub struct PolicyFields {
    /// What the policy is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Days from the announcement of a sunset to the sunset, at least
    #[arg(long, value_name = "DAYS")]
    notice_days: Option<i32>,

    /// Days from the approval of a version to its earliest sunset
    #[arg(long, value_name = "DAYS")]
    minimum_life_days: Option<i32>,

    /// Days before a sunset on which a reminder is given, such as 30,14,7
    #[arg(long, value_name = "DAYS,…", value_delimiter = ',')]
    reminder_days: Option<Vec<i32>>,

    /// Brownouts before a sunset, such as 14:15,7:60 (days before the sunset : minutes)
    #[arg(long, value_name = "DAYS:MINUTES,…", value_delimiter = ',', value_parser = parse_brownout)]
    brownouts: Option<Vec<BrownoutRule>>,

    /// Days that a rented version ends before its provider shuts it down
    #[arg(long, value_name = "DAYS")]
    upstream_margin_days: Option<i32>,

    /// How often, and by how many days in all, a sunset may be put off, such as 2:90
    #[arg(long, value_name = "TIMES:DAYS", value_parser = parse_extensions)]
    extensions: Option<ExtensionRule>,

    /// How many people other than the submitter have to approve a version
    #[arg(long, value_name = "PEOPLE")]
    approvals: Option<i32>,

    /// Days after which an evaluation does not count any more
    #[arg(long, value_name = "DAYS")]
    evidence_max_age_days: Option<i32>,

    /// A version is approved only with a fresh evaluation (`--requires-evidence=false`: without)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    requires_evidence: Option<bool>,

    /// What becomes of calls after a sunset
    #[arg(long)]
    enforcement: Option<EnforcementWord>,

    /// Days that a deprecated version has to have left to be a way back
    #[arg(long, value_name = "DAYS")]
    rollback_min_days: Option<i32>,

    /// Days for which a rehearsal of the way back counts; 0 asks for none
    #[arg(long, value_name = "DAYS")]
    drill_max_age_days: Option<i32>,

    /// Days from the retirement of a version to its earliest archiving
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<i32>,

    /// What is counted of fewer people is recorded under OTHER
    #[arg(long, value_name = "PEOPLE")]
    minimum_cell_count: Option<i32>,
}

/// What becomes of calls after a sunset, in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum EnforcementWord {
    /// They are refused, with the replacement
    Block,
    /// They get the replacement and a warning
    Redirect,
}

impl From<EnforcementWord> for Enforcement {
    fn from(word: EnforcementWord) -> Self {
        match word {
            EnforcementWord::Block => Enforcement::Block,
            EnforcementWord::Redirect => Enforcement::Redirect,
        }
    }
}

impl PolicyFields {
    /// The policy with what flags give; everything else as it is.
    pub fn over(self, base: Policy) -> Policy {
        Policy {
            description: self.description.unwrap_or(base.description),
            notice_days: self.notice_days.unwrap_or(base.notice_days),
            minimum_life_days: self.minimum_life_days.unwrap_or(base.minimum_life_days),
            reminder_days: self.reminder_days.unwrap_or(base.reminder_days),
            brownouts: self.brownouts.unwrap_or(base.brownouts),
            upstream_margin_days: self.upstream_margin_days.unwrap_or(base.upstream_margin_days),
            extensions: self.extensions.or(base.extensions),
            approvals: self.approvals.unwrap_or(base.approvals),
            evidence_max_age_days: self.evidence_max_age_days.unwrap_or(base.evidence_max_age_days),
            requires_evidence: self.requires_evidence.unwrap_or(base.requires_evidence),
            enforcement: self.enforcement.map_or(base.enforcement, |word| Enforcement::from(word).into()),
            rollback_min_days: self.rollback_min_days.unwrap_or(base.rollback_min_days),
            drill_max_age_days: self.drill_max_age_days.unwrap_or(base.drill_max_age_days),
            retention_days: self.retention_days.unwrap_or(base.retention_days),
            minimum_cell_count: self.minimum_cell_count.unwrap_or(base.minimum_cell_count),
            ..base
        }
    }

    /// The fields that flags give, by their names in the contract.
    ///
    /// # Errors
    /// When nothing is to be changed.
    pub fn mask(&self) -> Result<FieldMask, Failure> {
        let given = [
            (self.description.is_some(), "description"),
            (self.notice_days.is_some(), "notice_days"),
            (self.minimum_life_days.is_some(), "minimum_life_days"),
            (self.reminder_days.is_some(), "reminder_days"),
            (self.brownouts.is_some(), "brownouts"),
            (self.upstream_margin_days.is_some(), "upstream_margin_days"),
            (self.extensions.is_some(), "extensions"),
            (self.approvals.is_some(), "approvals"),
            (self.evidence_max_age_days.is_some(), "evidence_max_age_days"),
            (self.requires_evidence.is_some(), "requires_evidence"),
            (self.enforcement.is_some(), "enforcement"),
            (self.rollback_min_days.is_some(), "rollback_min_days"),
            (self.drill_max_age_days.is_some(), "drill_max_age_days"),
            (self.retention_days.is_some(), "retention_days"),
            (self.minimum_cell_count.is_some(), "minimum_cell_count"),
        ];
        mask_of(given.into_iter().filter_map(|(is_given, path)| is_given.then_some(path)), [])
    }
}

/// Reads `14:15`: 14 days before the sunset, for 15 minutes.
fn parse_brownout(text: &str) -> Result<BrownoutRule, String> {
    let (days_before, minutes) = parse_numbers(text, "DAYS:MINUTES, such as 14:15")?;
    Ok(BrownoutRule { days_before, minutes })
}

/// Reads `2:90`: twice, by 90 days in all.
fn parse_extensions(text: &str) -> Result<ExtensionRule, String> {
    let (most, total_days) = parse_numbers(text, "TIMES:DAYS, such as 2:90")?;
    Ok(ExtensionRule { most, total_days })
}

fn parse_numbers(text: &str, form: &str) -> Result<(i32, i32), String> {
    let number = |part: &str| part.trim().parse::<i32>().ok();
    text.split_once(':')
        .and_then(|(first, second)| number(first).zip(number(second)))
        .ok_or_else(|| format!("not of the form {form}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn flags_go_before_what_a_file_or_another_policy_says() {
        let base = Policy { notice_days: 60, approvals: 1, requires_evidence: true, ..Policy::default() };
        let fields = PolicyFields {
            notice_days: Some(90),
            requires_evidence: Some(false),
            enforcement: Some(EnforcementWord::Redirect),
            ..PolicyFields::default()
        };
        assert_eq!(fields.mask().unwrap().paths, ["notice_days", "requires_evidence", "enforcement"]);
        let policy = fields.over(base);
        assert_eq!((policy.notice_days, policy.approvals, policy.requires_evidence), (90, 1, false));
        assert_eq!(policy.enforcement(), Enforcement::Redirect);
        assert!(PolicyFields::default().mask().is_err());
    }

    #[test]
    fn a_brownout_and_the_extensions_are_two_numbers() {
        assert_eq!(parse_brownout("14:15"), Ok(BrownoutRule { days_before: 14, minutes: 15 }));
        assert_eq!(parse_extensions("2:90"), Ok(ExtensionRule { most: 2, total_days: 90 }));
        assert!(parse_brownout("14").unwrap_err().contains("14:15"));
    }
}
