//! What may be used, by whom, and what they are told. No scheduler runs here.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    lifecycle::{
        Successor,
        VersionState::*,
        fixture::{Scene, back, day, deprecate_for, held, incident, name, shutdown, version},
        schedule::BrownoutOutcome,
    },
    time::{HOUR, MINUTE},
};

const KNOWN: Asker = Asker::Consumer { has_used: true, is_exempt: false };
const EXEMPT: Asker = Asker::Consumer { has_used: true, is_exempt: true };
const NEW: Asker = Asker::Consumer { has_used: false, is_exempt: false };

/// Announced on day 100 to end on day 200 in favour of version 2; a brownout of 15
/// minutes begins on day 186.
fn ending() -> Version {
    Scene::standard().done(version(1, Approved), &deprecate_for(2, day(200)))
}

fn codes(version: &Version, asker: Asker, now: Timestamp) -> Vec<&'static str> {
    resolve(version, true, asker, now).unwrap().into_iter().map(|warning| warning.code).collect()
}

fn reason(version: &Version, asker: Asker, now: Timestamp) -> Reason {
    resolve(version, true, asker, now).unwrap_err().reason
}

#[test]
fn each_state_resolves_for_whom_the_design_says() {
    assert_eq!(codes(&version(1, Approved), KNOWN, day(100)), [""; 0]);
    assert_eq!(codes(&version(1, Approved), Asker::Unregistered, day(100)), ["CONSUMER_NOT_REGISTERED"]);
    assert_eq!(codes(&ending(), KNOWN, day(100)), ["VERSION_DEPRECATED"]);
    for (state, word) in [
        (Draft, Reason::VersionDraft),
        (Candidate, Reason::VersionCandidate),
        (Retired, Reason::VersionRetired),
        (Rejected, Reason::VersionRejected),
        (Archived, Reason::VersionArchived),
    ] {
        assert_eq!(reason(&version(1, state), KNOWN, day(100)), word);
    }
    let asked_for = resolve(&version(1, Candidate), false, KNOWN, day(100)).unwrap();
    assert_eq!(asked_for[0].code, "VERSION_NOT_APPROVED");
}

#[test]
fn a_hold_stops_everybody_at_once_and_names_the_way_back() {
    for state in [Candidate, Approved, Deprecated] {
        assert_eq!(reason(&held(version(1, state)), EXEMPT, day(100)), Reason::VersionOnHold);
    }
    let mut with_way = held(version(1, Approved));
    with_way.hold.as_mut().unwrap().way_back = Some(name(7));
    let refusal = resolve(&with_way, true, KNOWN, day(100)).unwrap_err();
    assert_eq!(refusal.replacement, Some(name(7).to_string()));
    let without = resolve(&held(version(1, Approved)), true, KNOWN, day(100)).unwrap_err();
    assert!(without.description.contains("no version to go back to"));
    assert_eq!(reason(&held(version(1, Retired)), KNOWN, day(100)), Reason::VersionRetired);
}

#[test]
fn past_the_sunset_nothing_resolves_and_the_replacement_is_named() {
    assert!(resolve(&ending(), true, KNOWN, day(200).plus_micros(-1)).is_ok());
    let refusal = resolve(&ending(), true, EXEMPT, day(200)).unwrap_err();
    assert_eq!((refusal.reason, refusal.replacement), (Reason::VersionRetired, Some(name(2).to_string())));
}

#[test]
fn a_providers_end_is_obeyed_with_the_clock_only() {
    let rented = Version { upstream_end: Some(shutdown(150)), ..version(1, Approved) };
    assert_eq!(codes(&rented, KNOWN, day(120).plus_micros(-1)), ["UPSTREAM_ENDS"]);
    assert_eq!(reason(&rented, KNOWN, day(120)), Reason::VersionRetired);
    let both = Version { upstream_end: Some(shutdown(150)), ..ending() };
    assert_eq!(reason(&both, KNOWN, day(120)), Reason::VersionRetired);
}

#[test]
fn a_deprecated_version_takes_no_new_consumers() {
    let refusal = resolve(&ending(), true, NEW, day(100)).unwrap_err();
    assert_eq!(
        (refusal.reason, refusal.replacement),
        (Reason::NewConsumerRefused, Some(name(2).to_string()))
    );
    assert!(resolve(&version(1, Approved), true, NEW, day(100)).is_ok());
}

#[test]
fn a_brownout_refuses_with_the_end_of_its_window() {
    let start = day(186);
    assert!(resolve(&ending(), true, KNOWN, start.plus_micros(-1)).is_ok());
    for asker in [KNOWN, Asker::Unknown, Asker::Unregistered] {
        let refusal = resolve(&ending(), true, asker, start).unwrap_err();
        assert_eq!(
            (refusal.reason, refusal.replacement),
            (Reason::VersionBrownout, Some(name(2).to_string()))
        );
        assert_eq!(refusal.values, [("window_end_time", start.plus_micros(15 * MINUTE).to_string())]);
    }
    assert!(resolve(&ending(), true, KNOWN, start.plus_micros(15 * MINUTE)).is_ok());
}

#[test]
fn a_brownout_spares_the_exempt_incidents_and_restored_versions() {
    let during = day(186).plus_micros(MINUTE);
    assert_eq!(codes(&ending(), EXEMPT, during), ["VERSION_DEPRECATED"]);
    let burning = Version { open_incidents: vec![incident()], ..ending() };
    assert_eq!(codes(&burning, KNOWN, during), ["VERSION_DEPRECATED"]);
    let restored = Version { restoration: back(during.plus_micros(HOUR)).restoration, ..ending() };
    assert_eq!(codes(&restored, KNOWN, during), ["VERSION_DEPRECATED"]);
}

#[test]
fn a_brownout_that_an_incident_suspended_stays_off_when_the_incident_closes_in_it() {
    let mut spared = ending();
    spared.deprecation.as_mut().unwrap().schedule.brownouts[0].outcome = Some(BrownoutOutcome::Suspended);
    assert!(resolve(&spared, true, KNOWN, day(186).plus_micros(MINUTE)).is_ok());
    spared.deprecation.as_mut().unwrap().schedule.brownouts[0].outcome = Some(BrownoutOutcome::Began);
    assert_eq!(reason(&spared, KNOWN, day(186).plus_micros(MINUTE)), Reason::VersionBrownout);
}

#[test]
fn a_restored_version_says_until_when_it_is_back() {
    let warnings = resolve(&back(day(202)), true, KNOWN, day(201)).unwrap();
    assert!(warnings[0].message.contains(&day(202).to_string()), "{}", warnings[0].message);
    assert_eq!(reason(&back(day(202)), KNOWN, day(202)), Reason::VersionRetired);
}

#[test]
fn where_there_is_no_replacement_the_words_say_so() {
    let mut alone = ending();
    alone.deprecation.as_mut().unwrap().successor = Successor::NoReplacementReason("none".into());
    let refusal = resolve(&alone, true, KNOWN, day(200)).unwrap_err();
    assert!(refusal.replacement.is_none() && refusal.description.contains("no replacement"));
}
