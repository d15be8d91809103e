//! What is on record about the steps of a version, on the wire.

use super::field;
use crate::{
    domain::{
        lifecycle::{
            Decision, Deprecation, Hold, Restoration, Retirement, RetirementCause, Successor, SunsetMove,
            UpstreamEnd,
            consent::Approval,
            schedule::{Brownout, BrownoutOutcome, Reminder},
        },
        policy::{
            Enforcement, PolicyReference,
            gate::{GateResult, Measured},
        },
    },
    proto::v1,
};

/// Who decided, when, why, and on what grounds.
pub fn write(decision: Decision) -> v1::Decision {
    let Decision { actor, reason, time, approvals, self_approved, gates_overridden, incident, policy, gates } =
        decision;
    v1::Decision {
        actor,
        reason,
        time: Some(field::time(time)),
        approvals: approvals.into_iter().map(write_approval).collect(),
        self_approved,
        gates_overridden,
        incident: incident.map(|name| name.to_string()).unwrap_or_default(),
        policy: policy.map(write_policy),
        gates: gates.into_iter().map(write_gate).collect(),
    }
}

fn write_approval(approval: Approval) -> v1::Approval {
    let Approval { actor, comment, time } = approval;
    v1::Approval { actor, comment, time: Some(field::time(time)) }
}

fn write_policy(policy: PolicyReference) -> v1::PolicyReference {
    let PolicyReference { name, revision, digest } = policy;
    v1::PolicyReference { policy: name.to_string(), revision: field::int32(revision), digest }
}

fn write_gate(result: GateResult) -> v1::GateResult {
    let GateResult { gate, passed, measured, production, bound, sentence } = result;
    v1::GateResult {
        gate,
        passed,
        measured: measured.map(write_measured),
        production: production.map(write_measured),
        bound,
        sentence,
    }
}

fn write_measured(measured: Measured) -> v1::GateMeasurement {
    let Measured { evaluation, time, value, n } = measured;
    v1::GateMeasurement {
        evaluation: evaluation.to_string(),
        evidence_time: Some(field::time(time)),
        value,
        n,
    }
}

/// How and when a version goes out of service.
pub fn write_deprecation(deprecation: Deprecation) -> v1::Deprecation {
    let Deprecation { decision, sunset_time, successor, moves, schedule, enforcement } = deprecation;
    let (replacement, no_replacement_reason) = match successor {
        Successor::Replacement(name) => (name.to_string(), String::new()),
        Successor::NoReplacementReason(reason) => (String::new(), reason),
    };
    v1::Deprecation {
        decision: Some(write(decision)),
        sunset_time: Some(field::time(sunset_time)),
        replacement,
        no_replacement_reason,
        moves: moves.into_iter().map(write_move).collect(),
        reminders: schedule.reminders.into_iter().map(write_reminder).collect(),
        brownouts: schedule.brownouts.into_iter().map(write_brownout).collect(),
        enforcement: write_enforcement(enforcement).into(),
    }
}

fn write_move(moved: SunsetMove) -> v1::SunsetMove {
    let SunsetMove { decision, from, to } = moved;
    v1::SunsetMove {
        decision: Some(write(decision)),
        previous_sunset_time: Some(field::time(from)),
        sunset_time: Some(field::time(to)),
    }
}

fn write_reminder(reminder: Reminder) -> v1::Reminder {
    let Reminder { due_time, days_before, sent_time } = reminder;
    v1::Reminder {
        due_time: Some(field::time(due_time)),
        days_before: field::int32(days_before),
        sent_time: sent_time.map(field::time),
    }
}

fn write_brownout(brownout: Brownout) -> v1::Brownout {
    let Brownout { start_time, end_time, outcome } = brownout;
    let outcome = match outcome {
        None => v1::BrownoutOutcome::Unspecified,
        Some(BrownoutOutcome::Began) => v1::BrownoutOutcome::Began,
        Some(BrownoutOutcome::Suspended) => v1::BrownoutOutcome::Suspended,
        Some(BrownoutOutcome::Missed) => v1::BrownoutOutcome::Missed,
    };
    v1::Brownout {
        start_time: Some(field::time(start_time)),
        end_time: Some(field::time(end_time)),
        outcome: outcome.into(),
    }
}

/// What becomes of late callers.
pub fn write_enforcement(enforcement: Enforcement) -> v1::Enforcement {
    match enforcement {
        Enforcement::Block => v1::Enforcement::Block,
        Enforcement::Redirect => v1::Enforcement::Redirect,
    }
}

/// How a version went out of service.
pub fn write_retirement(retirement: Retirement) -> v1::Retirement {
    let Retirement { decision, cause, notice_seconds } = retirement;
    let cause = match cause {
        RetirementCause::Sunset => v1::RetirementCause::Sunset,
        RetirementCause::Unused => v1::RetirementCause::Unused,
        RetirementCause::Emergency => v1::RetirementCause::Emergency,
    };
    v1::Retirement {
        decision: Some(write(decision)),
        cause: cause.into(),
        notice: Some(prost_types::Duration { seconds: notice_seconds, nanos: 0 }),
    }
}

/// A version that is back for a while.
pub fn write_restoration(restoration: Restoration) -> v1::Restoration {
    let Restoration { decision, until_time } = restoration;
    v1::Restoration { decision: Some(write(decision)), until_time: Some(field::time(until_time)) }
}

/// A quarantine.
pub fn write_hold(hold: Hold) -> v1::Hold {
    let Hold { decision, way_back } = hold;
    v1::Hold {
        decision: Some(write(decision)),
        way_back: way_back.map(|name| name.to_string()).unwrap_or_default(),
    }
}

/// When a provider ends a version.
pub fn write_upstream_end(end: UpstreamEnd) -> v1::UpstreamEnd {
    let UpstreamEnd { upstream, shutdown_time, latest_time, announce_time } = end;
    v1::UpstreamEnd {
        upstream: upstream.to_string(),
        shutdown_time: Some(field::time(shutdown_time)),
        latest_time: Some(field::time(latest_time)),
        announce_time: Some(field::time(announce_time)),
    }
}
