//! What time does to a version, in order and once.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::{
    lifecycle::{VersionState::*, fixture::*, schedule::BrownoutOutcome, transition::Verb},
    model::RiskTier,
    time::MINUTE,
};
use EventType::*;

/// All that has happened to a version by a time, if the clock is looked at only then.
fn by(version: &mut Version, tier: RiskTier, now: Timestamp) -> Vec<EventType> {
    let policy = policy(tier);
    let mut kinds = Vec::new();
    while let Ok((kind, next)) = version.clone().step(&policy, now) {
        kinds.push(kind);
        *version = next;
    }
    kinds
}

fn announced() -> Version {
    Scene::standard().done(version(1, Approved), &deprecate(day(200)))
}

#[test]
fn reminders_come_exactly_once_and_in_order() {
    let mut version = announced();
    for (days, count) in
        [(139, 0), (140, 1), (140, 0), (169, 0), (171, 1), (186, 2), (186, 0), (193, 2), (199, 1)]
    {
        assert_eq!(by(&mut version, RiskTier::Standard, day(days)).len(), count, "day {days}");
    }
    let sent: Vec<_> =
        version.deprecation.unwrap().schedule.reminders.iter().map(|r| r.sent_time.unwrap()).collect();
    assert_eq!(sent, [140, 171, 186, 193, 199].map(day));
}

#[test]
fn a_brownout_begins_is_suspended_in_an_incident_or_was_missed() {
    for (late, incidents, kind, outcome) in [
        (0, vec![], VersionBrownoutBegan, BrownoutOutcome::Began),
        (14, vec![], VersionBrownoutBegan, BrownoutOutcome::Began),
        (0, vec![incident()], VersionBrownoutSkipped, BrownoutOutcome::Suspended),
        (15, vec![], VersionBrownoutSkipped, BrownoutOutcome::Missed),
        (15, vec![incident()], VersionBrownoutSkipped, BrownoutOutcome::Missed),
    ] {
        let mut version = Version { open_incidents: incidents, ..announced() };
        by(&mut version, RiskTier::Standard, day(185));
        let kinds = by(&mut version, RiskTier::Standard, day(186).plus_micros(late * MINUTE));
        assert_eq!(kinds, [VersionReminded, kind]);
        assert_eq!(version.deprecation.unwrap().schedule.brownouts[0].outcome, Some(outcome));
    }
}

#[test]
fn retirement_comes_at_the_effective_sunset_and_not_a_microsecond_before() {
    let mut version = announced();
    by(&mut version, RiskTier::Standard, day(200).plus_micros(-1));
    assert_eq!((version.state, version.next_due()), (Deprecated, Some(day(200))));
    assert_eq!(by(&mut version, RiskTier::Standard, day(200)), [VersionRetired]);
    let retirement = version.retirement.as_ref().unwrap();
    assert_eq!((retirement.cause, retirement.notice_seconds), (RetirementCause::Sunset, 100 * 86_400));
    assert_eq!((retirement.decision.actor.as_str(), version.next_due()), (STEWARD, None));
    assert!(retirement.decision.policy.is_some());
}

#[test]
fn everything_that_was_due_is_done_in_order_when_the_clock_jumps_a_year() {
    let mut version = announced();
    let kinds = by(&mut version, RiskTier::Standard, day(465));
    let skipped = VersionBrownoutSkipped;
    let reminded = VersionReminded;
    assert_eq!(kinds, [reminded, reminded, reminded, skipped, reminded, skipped, reminded, VersionRetired]);
}

#[test]
fn an_upstream_end_is_announced_when_the_notice_begins_and_then_kept() {
    let rented = Version { upstream_end: Some(shutdown(300)), ..version(1, Approved) };
    let mut version = rented.clone();
    assert_eq!(version.next_due(), Some(day(210)));
    assert_eq!(by(&mut version, RiskTier::Standard, day(210).plus_micros(-1)), []);
    let kinds = by(&mut version, RiskTier::Standard, day(210));
    assert_eq!(kinds, [VersionDeprecated]);
    let deprecation = version.deprecation.clone().unwrap();
    assert_eq!((deprecation.sunset_time, deprecation.decision.actor.as_str()), (day(270), STEWARD));
    assert_eq!(deprecation.schedule.reminders.len(), 4);
    assert!(matches!(deprecation.successor, Successor::NoReplacementReason(reason) if !reason.is_empty()));
    assert_eq!(by(&mut version, RiskTier::Standard, day(300)).last(), Some(&VersionRetired));
    let mut late = rented;
    assert_eq!(by(&mut late, RiskTier::Standard, day(400)), [VersionDeprecated, VersionRetired]);
}

#[test]
fn a_provider_that_moves_its_end_moves_ours_and_what_is_planned() {
    let content = &policy(RiskTier::Standard).content;
    let moved = announced().with_upstream_end(Some(shutdown(180)), content, day(101)).unwrap();
    assert_eq!((moved.effective_sunset(), moved.next_due()), (Some(day(150)), Some(day(120))));
    assert_eq!(moved.clone().with_upstream_end(Some(shutdown(180)), content, day(102)), None);
    let taken_back = moved.with_upstream_end(None, content, day(102)).unwrap();
    assert_eq!(taken_back.effective_sunset(), Some(day(200)));
    for state in [Draft, Retired, Rejected, Archived] {
        assert_eq!(version(1, state).with_upstream_end(Some(shutdown(180)), content, day(102)), None);
    }
}

#[test]
fn a_restoration_ends_by_itself_the_way_the_version_went_before() {
    let mut scene = Scene::standard();
    let retired = scene.done(announced(), &emergency());
    scene.now = day(101);
    let mut restored = scene.done(retired, &Verb::Restore { until_time: day(102) });
    assert_eq!(restored.next_due(), Some(day(102)));
    assert_eq!(by(&mut restored, RiskTier::Standard, day(102).plus_micros(-1)), []);
    assert_eq!(by(&mut restored, RiskTier::Standard, day(300)), [VersionRetired]);
    let retirement = restored.retirement.unwrap();
    assert_eq!(retirement.cause, RetirementCause::Emergency);
    assert!(retirement.decision.reason.contains("restoration"), "{}", retirement.decision.reason);
}

#[test]
fn a_restoration_ends_with_its_provider_at_the_latest() {
    let mut restored = Version { upstream_end: Some(shutdown(201)), ..back(day(203)) };
    assert_eq!(restored.effective_sunset(), Some(day(201)));
    assert_eq!(by(&mut restored, RiskTier::Standard, day(201)), [VersionRetired]);
}

#[test]
fn time_does_nothing_to_what_is_not_in_service() {
    for state in [Draft, Candidate, Retired, Rejected, Archived] {
        let mut version = Version { upstream_end: Some(shutdown(100)), ..version(1, state) };
        assert_eq!(version.next_due(), None, "{state:?}");
        assert_eq!(by(&mut version, RiskTier::Standard, day(9_000)), [], "{state:?}");
    }
}
