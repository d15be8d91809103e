//! A provider's end that moves, in each state.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::{
    lifecycle::{Decision, Restoration, Successor, SunsetMove, VersionState, schedule::Schedule},
    model::RiskTier,
    policy::{Policy, defaults},
    version::VersionContent,
};
use VersionState::*;

/// Midnight of a day, counted from 1970.
fn day(days: u32) -> Timestamp {
    Timestamp::from_micros(0).unwrap().plus_days(days)
}

/// Margin 30 days, notice 60 days.
fn policy() -> PolicyContent {
    defaults::of_tier(RiskTier::Standard)
}

fn end(shutdown: u32) -> Option<UpstreamEnd> {
    let upstream = "namespaces/default/upstreams/openai~~~gpt".parse().unwrap();
    let [latest_time, announce_time] = [30, 90].map(|days| day(shutdown).minus_days(days));
    Some(UpstreamEnd { upstream, shutdown_time: day(shutdown), latest_time, announce_time })
}

fn version(state: VersionState) -> Version {
    let name = "namespaces/default/models/m/versions/1".parse().unwrap();
    Version { state, ..Version::create(name, VersionContent::default(), day(0)) }
}

/// Deprecated by somebody until a day, planned on day 0.
fn deprecated_by(actor: &str, sunset: u32) -> Version {
    let deprecation = Deprecation {
        decision: Decision::new(actor, "it ends", day(0)),
        sunset_time: day(sunset),
        successor: Successor::NoReplacementReason("none".to_owned()),
        moves: Vec::new(),
        schedule: Schedule::default(),
        enforcement: policy().enforcement,
    };
    version(Deprecated).announced(deprecation, &policy(), day(0))
}

fn moved(version: &Version, end: Option<UpstreamEnd>, now: u32) -> Version {
    version.clone().with_upstream_end(end, &policy(), day(now)).unwrap()
}

fn reminders(version: &Version) -> Vec<Timestamp> {
    version.deprecation.as_ref().unwrap().schedule.reminders.iter().map(|one| one.due_time).collect()
}

#[test]
fn an_end_that_did_not_move_changes_nothing() {
    for state in [Candidate, Approved] {
        assert_eq!(version(state).with_upstream_end(None, &policy(), day(1)), None);
        let ends = moved(&version(state), end(200), 1);
        assert_eq!(ends.with_upstream_end(end(200), &policy(), day(2)), None);
    }
}

#[test]
fn an_approved_version_stops_at_the_end_less_the_margin_and_is_announced_before() {
    let ends = moved(&version(Approved), end(200), 1);
    assert_eq!(ends.effective_sunset(), Some(day(170)));
    assert_eq!(ends.next_due(), Some(day(110)));
    assert_eq!(ends.update_time, day(1));
    let lives = moved(&ends, None, 2);
    assert_eq!((lives.effective_sunset(), lives.next_due()), (None, None));
}

#[test]
fn a_candidate_remembers_the_end_and_nothing_is_due() {
    let ends = moved(&version(Candidate), end(200), 1);
    assert_eq!((ends.upstream_end.clone(), ends.next_due()), (end(200), None));
}

#[test]
fn the_earlier_of_both_ends_counts_and_what_was_planned_moves_with_it() {
    let own = deprecated_by("ann", 100);
    assert_eq!(reminders(&own).first(), Some(&day(40)));
    let later = moved(&own, end(200), 1);
    assert_eq!((later.effective_sunset(), &later.deprecation), (Some(day(100)), &own.deprecation));
    let earlier = moved(&later, end(110), 2);
    assert_eq!(earlier.effective_sunset(), Some(day(80)));
    assert_eq!(reminders(&earlier), [20, 50, 66, 73, 79].map(day));
    assert_eq!(earlier.deprecation.as_ref().unwrap().sunset_time, day(100), "the owner's word stands");
    let back = moved(&earlier, None, 3);
    assert_eq!((back.effective_sunset(), reminders(&back)), (Some(day(100)), reminders(&own)));
}

#[test]
fn a_sunset_that_only_the_provider_caused_goes_where_the_provider_goes() {
    let policy = Policy::create("namespaces/default/policies/standard".parse().unwrap(), policy(), day(0));
    let approved = moved(&version(Approved), end(200), 1);
    let (_, announced) = approved.step(&policy.unwrap(), day(110)).unwrap();
    assert_eq!((announced.state, announced.effective_sunset()), (Deprecated, Some(day(170))));
    assert_eq!(moved(&announced, end(300), 111).effective_sunset(), Some(day(270)));
    assert_eq!(moved(&announced, end(190), 111).effective_sunset(), Some(day(160)));
    let stands = moved(&announced, None, 111);
    assert_eq!(stands.effective_sunset(), Some(day(170)), "until somebody reinstates it");
}

#[test]
fn a_sunset_that_somebody_chose_or_moved_stays() {
    let chosen = Version { upstream_end: end(130), ..deprecated_by("ann", 100) };
    assert_eq!(moved(&chosen, end(300), 1).effective_sunset(), Some(day(100)));
    let mut shortened = Version { upstream_end: end(130), ..deprecated_by(STEWARD, 100) };
    let decision = Decision::new("ann", "sooner", day(1));
    let by_hand = SunsetMove { decision, from: day(110), to: day(100) };
    shortened.deprecation.as_mut().unwrap().moves.push(by_hand);
    assert_eq!(moved(&shortened, end(300), 2).effective_sunset(), Some(day(100)));
}

#[test]
fn a_restored_version_keeps_the_end_of_its_restoration() {
    let decision = Decision::new("ann", "needed once more", day(1));
    let restoration = Some(Restoration { decision, until_time: day(3) });
    let restored = Version { restoration, ..deprecated_by("ann", 100) };
    let ends = moved(&restored, end(90), 2);
    assert_eq!((ends.effective_sunset(), &ends.deprecation), (Some(day(3)), &restored.deprecation));
}
