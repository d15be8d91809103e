//! What is safe to go back to, how ready an alias is, and until when.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    lifecycle::{
        VersionState::{Approved, Archived, Deprecated, Draft, Rejected, Retired},
        fixture::{self, day, held, incident, name, shutdown, version},
    },
    model::RiskTier,
    policy::defaults,
};

/// 60 days of notice; a way back has 7 days left; evidence counts for 90 days, a
/// rehearsal for 180.
fn policy() -> PolicyContent {
    defaults::of_tier(RiskTier::Standard)
}

fn dangers(version: &Version, evidence: Option<Timestamp>) -> Vec<String> {
    let candidate = Candidate { version, newest_evidence: evidence };
    let dangers = candidate.dangers(&policy(), day(100));
    assert!(dangers.iter().all(|danger| danger.reason == Reason::RollbackTargetUnsafe));
    dangers.into_iter().map(|danger| danger.description).collect()
}

fn drill(time: Timestamp) -> Drill {
    Drill { actor: "ann".into(), target: name(1), time }
}

fn look(versions: &[(Version, Timestamp)], drill: Option<&Drill>, now: Timestamp) -> Readiness {
    let candidate = |(version, evidence)| Candidate { version, newest_evidence: Some(evidence) };
    let candidates: Vec<_> = versions.iter().map(|(version, time)| candidate((version, *time))).collect();
    readiness(&candidates, drill, &policy(), now)
}

#[test]
fn a_safe_target_is_approved_free_fresh_and_has_time_left() {
    let fresh = Some(day(100));
    assert_eq!(dangers(&version(1, Approved), fresh), [""; 0]);
    assert_eq!(dangers(&version(1, Deprecated), fresh), [""; 0]);
    for state in [Draft, VersionState::Candidate, Retired, Rejected, Archived] {
        assert!(dangers(&version(1, state), fresh)[0].contains(state.word()));
    }
    assert!(dangers(&held(version(1, Approved)), fresh)[0].contains("on hold"));
    let burning = Version { open_incidents: vec![incident()], ..version(1, Approved) };
    assert!(dangers(&burning, fresh)[0].contains("incidents/fire"));
    assert!(dangers(&version(1, Approved), None)[0].contains("never evaluated"));
    assert!(dangers(&version(1, Approved), Some(day(10)))[0].contains("older than 90 days"));
    assert_eq!(dangers(&version(1, Approved), Some(day(10).plus_micros(1))), [""; 0]);
}

#[test]
fn a_target_that_ends_soon_is_not_safe_whoever_ends_it() {
    let ending = |days: u32, micros| {
        let deprecation = Some(fixture::ending(day(days).plus_micros(micros)));
        dangers(&Version { deprecation, ..version(1, Deprecated) }, Some(day(100)))
    };
    assert_eq!(ending(107, 1), [""; 0]);
    assert!(ending(107, 0)[0].contains("7 days left"));
    let rented = |days| Version { upstream_end: Some(shutdown(days)), ..version(1, Approved) };
    assert_eq!(dangers(&rented(138), Some(day(100))), [""; 0]);
    assert!(dangers(&rented(137), Some(day(100)))[0].contains("7 days left"));
}

#[test]
fn ready_degraded_and_none_follow_what_is_safe_and_what_was_rehearsed() {
    let good = [(version(1, Approved), day(100))];
    let rehearsed = drill(day(90));
    let ready = look(&good, Some(&rehearsed), day(100));
    assert_eq!((ready.state, ready.target, ready.reasons.len()), (ReadinessState::Ready, Some(name(1)), 0));
    let unrehearsed = look(&good, None, day(100));
    assert_eq!(unrehearsed.state, ReadinessState::Degraded);
    assert!(unrehearsed.reasons[0].contains("nobody has rehearsed"));
    let stale = look(&[(version(1, Approved), day(270))], Some(&rehearsed), day(270));
    assert!(stale.reasons[0].contains("more than 180 days ago"), "{:?}", stale.reasons);
    let none = look(&[(held(version(1, Approved)), day(100))], Some(&rehearsed), day(100));
    assert_eq!((none.state, none.target, none.no_way_back_time), (ReadinessState::None, None, None));
    assert!(none.reasons[0].contains("on hold"));
    let alone = look(&[], None, day(100));
    assert_eq!(alone.state, ReadinessState::None);
    assert!(alone.reasons[0].contains("never pointed"));
}

#[test]
fn the_target_is_the_newest_safe_one() {
    let versions = [
        (held(version(3, Approved)), day(100)),
        (version(2, Approved), day(99)),
        (version(1, Approved), day(100)),
    ];
    assert_eq!(look(&versions, None, day(100)).target, Some(name(2)));
}

#[test]
fn there_is_no_way_back_from_the_day_on_which_the_last_safe_version_dies() {
    let mut trusting = policy();
    trusting.requires_evidence = false;
    let ending = |number, days| {
        let deprecation = Some(fixture::ending(day(days)));
        Version { deprecation, ..version(number, Deprecated) }
    };
    let (a, b, forever) = (ending(1, 300), ending(2, 250), version(3, Approved));
    let candidate = |version| Candidate { version, newest_evidence: None };
    let rehearsed = drill(day(99));
    let look = |candidates: &[Candidate<'_>], now| readiness(candidates, Some(&rehearsed), &trusting, now);
    let both = look(&[candidate(&a), candidate(&b)], day(100));
    assert_eq!((both.state, both.no_way_back_time), (ReadinessState::Ready, Some(day(293))));
    // Until then it is looked at whenever something changes by time alone.
    assert_eq!(both.check_time, Some(day(233)));
    let warned = look(&[candidate(&a), candidate(&b)], day(233));
    assert_eq!(
        (warned.state, warned.target, warned.check_time),
        (ReadinessState::Degraded, Some(name(1)), Some(day(243)))
    );
    assert!(warned.reasons[0].contains(&day(293).to_string()));
    let second = look(&[candidate(&b), candidate(&a)], day(243));
    assert_eq!((second.target, second.check_time), (Some(name(1)), Some(day(279))));
    assert_eq!(look(&[candidate(&b), candidate(&a)], day(293)).state, ReadinessState::None);
    let open = look(&[candidate(&a), candidate(&forever)], day(100));
    assert_eq!((open.no_way_back_time, open.check_time), (None, Some(day(279))));
}

#[test]
fn evidence_that_ages_closes_the_way_back_too() {
    let one = look(&[(version(1, Approved), day(50))], Some(&drill(day(99))), day(100));
    assert_eq!((one.state, one.no_way_back_time), (ReadinessState::Degraded, Some(day(140))));
    assert_eq!(one.check_time, Some(day(140)));
    assert_eq!(look(&[(version(1, Approved), day(50))], None, day(140)).state, ReadinessState::None);
}

#[test]
fn people_hear_of_another_state_target_or_date_and_of_nothing_else() {
    let ready = look(&[(version(1, Approved), day(100))], Some(&drill(day(90))), day(100));
    assert!(ready.differs_from(None) && !ready.differs_from(Some(&ready)));
    let checked = Readiness { check_time: None, ..ready.clone() };
    assert!(!checked.differs_from(Some(&ready)));
    let later = Readiness { no_way_back_time: Some(day(900)), ..ready.clone() };
    assert!(later.differs_from(Some(&ready)));
}
