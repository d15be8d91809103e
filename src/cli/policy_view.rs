//! Policies as people see them.

use super::{
    decision_view::short_digest,
    name,
    refusal::refusal_words,
    table::{Facts, Table, day, pairs, printable, time, version_words, word},
};
use crate::proto::v1::{Gate, Policy, PolicyObjection, gate::Requirement};

/// The rules of a policy in words.
pub fn facts(policy: &Policy) -> Facts {
    let brownouts: Vec<String> = policy
        .brownouts
        .iter()
        .map(|one| format!("{} min {} days before", one.minutes, one.days_before))
        .collect();
    let reminders: Vec<String> = policy.reminder_days.iter().map(ToString::to_string).collect();
    let reminders = if reminders.is_empty() {
        "none".to_owned()
    } else {
        format!("{} days before", reminders.join(", "))
    };
    let extensions = policy.extensions.unwrap_or_default();
    Facts::new()
        .add("Policy", name::id(&policy.name))
        .add("Description", &policy.description)
        .add("Notice", days(policy.notice_days))
        .add("Minimum life", days(policy.minimum_life_days))
        .add("Reminders", reminders)
        .add("Brownouts", if brownouts.is_empty() { "none".to_owned() } else { brownouts.join(", ") })
        .add("Upstream margin", days(policy.upstream_margin_days))
        .add("Extensions", format!("{} times, {} in all", extensions.most, days(extensions.total_days)))
        .add("Approvals", format!("{} besides the submitter", policy.approvals))
        .add("Evidence", evidence_words(policy))
        .add_lines("Gates", policy.gates.iter().map(gate_words))
        .add("Card", policy.card_fields.join(", "))
        .add("After a sunset", word(policy.enforcement().as_str_name(), "ENFORCEMENT_"))
        .add("Way back", format!("a deprecated version with {} left", days(policy.rollback_min_days)))
        .add("Rehearsal", rehearsal_words(policy))
        .add("Retention", days(policy.retention_days))
        .add("Smallest cell", format!("{} observations", policy.minimum_cell_count))
        .add("Revision", format!("{} of {}", policy.revision, time(policy.update_time)))
        .add("Digest", &policy.digest)
        .add("Etag", &policy.etag)
        .add("Full name", &policy.name)
}

/// Policies as a table.
pub fn table(policies: &[Policy]) -> Table {
    let mut table = Table::new([
        "POLICY",
        "NOTICE",
        "MINIMUM LIFE",
        "APPROVALS",
        "EVIDENCE",
        "GATES",
        "REVISION",
        "DIGEST",
        "CHANGED",
        "DESCRIPTION",
    ]);
    for policy in policies {
        table.row([
            name::id(&policy.name),
            days(policy.notice_days),
            days(policy.minimum_life_days),
            policy.approvals.to_string(),
            if policy.requires_evidence { "needed" } else { "" }.to_owned(),
            policy.gates.len().to_string(),
            policy.revision.to_string(),
            short_digest(&policy.digest),
            day(policy.update_time),
            policy.description.clone(),
        ]);
    }
    table
}

/// What new rules would have against the versions in service.
pub fn objections(policy: &Policy, objections: &[PolicyObjection]) -> String {
    let id = name::id(&policy.name);
    if objections.is_empty() {
        return format!(
            "This would succeed; nothing was changed. Every version in service under policy {id} would be \
             approved today.\n"
        );
    }
    let mut text = format!(
        "This would succeed; nothing was changed. {} in service would not be approved today:\n",
        match objections.len() {
            1 => "1 version".to_owned(),
            count => format!("{count} versions"),
        }
    );
    for objection in objections {
        text.push_str(&format!("  {}\n", version_words(&objection.version)));
        for refusal in &objection.refusals {
            let words = refusal_words(&refusal.reason, "", &refusal.sentence);
            text.push_str(&format!("    - {words}\n"));
        }
    }
    printable(&text)
}

fn days(count: i32) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

fn evidence_words(policy: &Policy) -> String {
    let needed = if policy.requires_evidence { "an evaluation is needed; " } else { "" };
    format!("{needed}counts for {}", days(policy.evidence_max_age_days))
}

fn rehearsal_words(policy: &Policy) -> String {
    match policy.drill_max_age_days {
        0 => "not asked for".to_owned(),
        count => format!("of the way back, every {}", days(count)),
    }
}

/// What a gate asks for: `hallucination: hallucination at most 0.05, at 95 % confidence, from 200 on`.
fn gate_words(gate: &Gate) -> String {
    let slice = if gate.slice.is_empty() { String::new() } else { format!(" [{}]", pairs(&gate.slice)) };
    let method = if gate.method.is_empty() { String::new() } else { format!(" ({})", gate.method) };
    let bound = match gate.requirement {
        Some(Requirement::AtLeast(number)) => format!("at least {number}"),
        Some(Requirement::AtMost(number)) => format!("at most {number}"),
        Some(Requirement::NotBelowProductionBy(number)) => {
            format!("not below production by more than {number}")
        }
        Some(Requirement::NotAboveProductionBy(number)) => {
            format!("not above production by more than {number}")
        }
        None => String::new(),
    };
    let mut words = format!("{}: {}{slice}{method} {bound}", gate.id, gate.metric);
    if gate.confidence > 0.0 {
        words.push_str(&format!(", at {} % confidence", 100.0 * gate.confidence));
    }
    if gate.minimum_n > 0 {
        words.push_str(&format!(", from {} observations on", gate.minimum_n));
    }
    if gate.max_age_days > 0 {
        words.push_str(&format!(", not older than {}", days(gate.max_age_days)));
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::Refusal;

    #[test]
    fn a_gate_says_what_it_asks_for() {
        let gate = Gate {
            id: "honest".into(),
            metric: "hallucination".into(),
            requirement: Some(Requirement::AtMost(0.05)),
            minimum_n: 200,
            confidence: 0.95,
            ..Gate::default()
        };
        assert_eq!(
            gate_words(&gate),
            "honest: hallucination at most 0.05, at 95 % confidence, from 200 observations on"
        );
    }

    #[test]
    fn a_dry_run_names_each_version_that_would_be_refused_and_why() {
        let policy = Policy { name: "namespaces/n/policies/standard".into(), ..Policy::default() };
        let objection = PolicyObjection {
            version: "namespaces/n/models/m/versions/1".into(),
            refusals: vec![Refusal {
                reason: "GATE_FAILED".into(),
                subject: "namespaces/n/models/m/versions/1".into(),
                sentence: "0.07 is above 0.05".into(),
            }],
        };
        let text = objections(&policy, &[objection]);
        assert!(
            text.contains("1 version in service would not be approved today:\n  version 1 of m\n"),
            "{text}"
        );
        assert!(text.contains("    - 0.07 is above 0.05 (GATE_FAILED)\n"), "{text}");
        assert!(super::objections(&policy, &[]).contains("Every version in service"));
    }
}
