//! Decisions as people see them: who, when, why, with whom, and on what grounds.

use super::{
    name,
    table::{resource_words, time},
};
use crate::proto::v1::{Decision, GateMeasurement, GateResult, PolicyReference};

/// Hexadecimal digits of a digest that are enough to tell two apart.
const SHORT_DIGEST: usize = 12;

/// Who decided, when and why; who agreed; and what was out of the ordinary.
pub fn decision_lines(decision: Option<&Decision>) -> Vec<String> {
    let Some(decision) = decision else { return Vec::new() };
    let reason = match decision.reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let mut lines = vec![format!("{} by {}{reason}", time(decision.time), decision.actor)];
    for approval in &decision.approvals {
        let comment =
            if approval.comment.is_empty() { String::new() } else { format!(": {}", approval.comment) };
        lines.push(format!("agreed on {} by {}{comment}", time(approval.time), approval.actor));
    }
    if decision.self_approved {
        lines.push("nobody else was asked: the namespace allows self-approval".to_owned());
    }
    if decision.gates_overridden {
        lines.push("in spite of gates that failed (break-glass)".to_owned());
    }
    if !decision.incident.is_empty() {
        lines.push(format!("because of {}", resource_words(&decision.incident)));
    }
    lines
}

/// The rules that a decision followed: `standard, revision 1 (sha256:0123456789ab…)`.
pub fn policy_words(decision: Option<&Decision>) -> String {
    let Some(PolicyReference { policy, revision, digest }) = decision.and_then(|d| d.policy.as_ref()) else {
        return String::new();
    };
    format!("{}, revision {revision} ({})", name::id(policy), short_digest(digest))
}

/// A digest, long enough to be found again.
pub fn short_digest(digest: &str) -> String {
    let (algorithm, hex) = digest.split_once(':').unwrap_or(("", digest));
    match hex.char_indices().nth(SHORT_DIGEST) {
        Some((end, _)) => format!("{algorithm}:{}…", &hex[..end]),
        None => digest.to_owned(),
    }
}

/// What each gate found, a line each.
pub fn gate_lines(decision: Option<&Decision>) -> Vec<String> {
    decision.map(|d| d.gates.iter().map(gate_words).collect()).unwrap_or_default()
}

fn gate_words(gate: &GateResult) -> String {
    let sign = if gate.passed { '✓' } else { '✗' };
    format!("{sign} {}: {}", gate.gate, gate.sentence)
}

/// The evaluations that the gates looked at, a line each.
pub fn evidence_lines(decision: Option<&Decision>) -> Vec<String> {
    let gates = decision.map(|d| d.gates.as_slice()).unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    for measured in gates.iter().flat_map(|gate| gate.measured.iter().chain(&gate.production)) {
        let line = measurement_words(measured);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn measurement_words(measured: &GateMeasurement) -> String {
    let GateMeasurement { evaluation, evidence_time, .. } = measured;
    format!("{}, of {}", resource_words(evaluation), time(*evidence_time))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::Approval;

    fn decision() -> Decision {
        let measured = GateMeasurement {
            evaluation: "namespaces/n/models/m/versions/2/evaluations/trial".into(),
            evidence_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            ..GateMeasurement::default()
        };
        let gate = |gate: &str, passed| GateResult {
            gate: gate.into(),
            passed,
            sentence: "0.03 is not above 0.05".into(),
            measured: Some(measured.clone()),
            ..GateResult::default()
        };
        Decision {
            actor: "marta".into(),
            reason: "Good enough".into(),
            approvals: vec![Approval { actor: "ben".into(), comment: "Yes".into(), ..Approval::default() }],
            policy: Some(PolicyReference {
                policy: "namespaces/n/policies/standard".into(),
                revision: 3,
                digest: format!("sha256:{}", "0123456789abcdef".repeat(4)),
            }),
            gates: vec![gate("hallucination", true), gate("grounded", false)],
            ..Decision::default()
        }
    }

    #[test]
    fn a_decision_names_everybody_who_agreed() {
        let lines = decision_lines(Some(&decision()));
        assert_eq!(lines, [" by marta: Good enough", "agreed on  by ben: Yes"]);
        let alone = Decision { self_approved: true, approvals: Vec::new(), ..decision() };
        assert!(decision_lines(Some(&alone))[1].contains("self-approval"));
        assert!(decision_lines(None).is_empty());
    }

    #[test]
    fn a_policy_is_told_with_its_revision_and_a_short_digest() {
        assert_eq!(policy_words(Some(&decision())), "standard, revision 3 (sha256:0123456789ab…)");
        assert_eq!(short_digest("sha256:00"), "sha256:00");
    }

    #[test]
    fn each_gate_has_its_sign_and_the_same_evidence_is_named_once() {
        let decision = decision();
        assert_eq!(
            gate_lines(Some(&decision)),
            ["✓ hallucination: 0.03 is not above 0.05", "✗ grounded: 0.03 is not above 0.05"]
        );
        assert_eq!(
            evidence_lines(Some(&decision)),
            ["evaluation trial of version 2 of m, of 2026-01-01T00:00:00Z"]
        );
    }
}
